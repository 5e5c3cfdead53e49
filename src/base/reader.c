/* The field reader. */
#include "base/reader.h"

#include "base/num.h"

uint8_t reader_u8(struct reader *reader)
{
    struct bytes raw = reader_take(reader, 1);

    return raw.len == 0 ? 0 : raw.at[0];
}

uint16_t reader_u16(struct reader *reader)
{
    struct bytes raw = reader_take(reader, 2);

    return raw.len == 0 ? 0 : num_load_u16(raw.at);
}

uint32_t reader_u32(struct reader *reader)
{
    struct bytes raw = reader_take(reader, 4);

    return raw.len == 0 ? 0 : num_load_u32(raw.at);
}

uint64_t reader_u64(struct reader *reader)
{
    struct bytes raw = reader_take(reader, 8);

    return raw.len == 0 ? 0 : num_load_u64(raw.at);
}

uint64_t reader_varint_long(struct reader *reader)
{
    const uint8_t *at = reader->in.at;
    size_t offset = reader->offset;
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 70 && !reader->failed && offset < reader->in.len; shift += 7) {
        uint8_t byte = at[offset++];

        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            reader->offset = offset;
            return value;
        }
    }
    reader->failed = true;
    return 0;
}

uint64_t reader_varint_max(struct reader *reader, uint64_t max)
{
    uint64_t value = reader_varint(reader);

    if (value > max) {
        reader->failed = true;
        return 0;
    }
    return value;
}

bool reader_finish(const struct reader *reader)
{
    return !reader->failed && reader->offset == reader->in.len;
}
