/* Content-Type fields of any bytes. */
#include "message/param.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make(16 * 1024 * 1024);
    struct buf out = buf_make(16 * 1024 * 1024);
    struct bytes type, subtype;
    struct params params;

    if (param_parse_type(&arena, bytes_make(data, size), &type, &subtype, &params))
        (void)!param_text(&params, BYTES("name"), &out);
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
