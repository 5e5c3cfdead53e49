/* What is too long to be inline. */
#include "base/reader.h"

struct reader reader_varint_long(struct reader reader, uint64_t *out_value)
{
    size_t offset = reader.offset;
    uint64_t value = 0;

    *out_value = 0;
    for (unsigned shift = 0; shift < 70 && !reader.failed && offset < reader.in.len; shift += 7) {
        uint8_t byte = reader.in.at[offset++];

        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            reader.offset = offset;
            *out_value = value;
            return reader;
        }
    }
    reader.failed = true;
    return reader;
}
