/* Address lists of any bytes. */
#include "message/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make(16 * 1024 * 1024);
    struct buf out = buf_make(16 * 1024 * 1024);
    size_t count_max = size == 0 ? 0 : data[0];
    struct address_list list = address_parse(&arena, bytes_make(data, size), count_max);

    address_print_entries(&out, &list);
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
