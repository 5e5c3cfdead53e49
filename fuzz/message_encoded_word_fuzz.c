/* Header text of any bytes becomes UTF-8 within the length that is promised. */
#include <stdlib.h>

#include "base/utf8.h"
#include "message/encoded_word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = buf_make(size * 4 + 16);

    encoded_word_decode(bytes_make(data, size), &out);
    if (out.overflowed || !utf8_is_valid(buf_bytes(&out)))
        abort();
    buf_done(&out);
    return 0;
}
