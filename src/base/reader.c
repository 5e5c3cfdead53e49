/* The field reader. */
#include "base/reader.h"

#include "base/num.h"

struct bytes reader_take(struct reader *reader, size_t len)
{
    struct bytes taken;

    if (reader->failed || len > reader->in.len - reader->offset) {
        reader->failed = true;
        return bytes_make(NULL, 0);
    }
    taken = bytes_slice(reader->in, reader->offset, len);
    reader->offset += len;
    return taken;
}

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

uint64_t reader_varint(struct reader *reader)
{
    uint64_t value = 0;

    /* Most are short, and a change may have a million of them. */
    if (!reader->failed && reader->offset < reader->in.len && reader->in.at[reader->offset] < 0x80)
        return reader->in.at[reader->offset++];
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = reader_u8(reader);

        if (reader->failed || (shift == 63 && byte > 1))
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
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

struct bytes reader_bytes(struct reader *reader)
{
    uint64_t len = reader_varint(reader);

    if (len > reader_left(reader)) {
        reader->failed = true;
        return bytes_make(NULL, 0);
    }
    return reader_take(reader, (size_t)len);
}

size_t reader_left(const struct reader *reader)
{
    return reader->failed ? 0 : reader->in.len - reader->offset;
}

bool reader_finish(const struct reader *reader)
{
    return !reader->failed && reader->offset == reader->in.len;
}
