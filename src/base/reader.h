/* Reads little-endian fields off stored or received bytes, the mirror of buf_put_*.
 *
 * The error is sticky: a read past the end (or a varint too long) gives 0 or no bytes and marks the
 * reader; decode everything, then ask reader_finish once. Nothing read is trusted before that. */
#ifndef ROOST_BASE_READER_H
#define ROOST_BASE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/num.h"

struct reader {
    struct bytes in;
    size_t offset;
    bool failed;
};

static inline struct reader reader_make(struct bytes in)
{
    return (struct reader){ .in = in };
}

/* Bytes not read yet; 0 once failed. */
static inline size_t reader_left(const struct reader *reader)
{
    return reader->failed ? 0 : reader->in.len - reader->offset;
}

/* Exactly `len` bytes, borrowed from the input. */
static inline struct bytes reader_take(struct reader *reader, size_t len)
{
    struct bytes taken = bytes_make(NULL, 0);

    if (reader->failed || len > reader->in.len - reader->offset) {
        reader->failed = true;
        return taken;
    }
    if (reader->in.at != NULL)
        taken = bytes_make(reader->in.at + reader->offset, len);
    reader->offset += len;
    return taken;
}

static inline uint8_t reader_u8(struct reader *reader)
{
    struct bytes raw = reader_take(reader, 1);

    return raw.len == 0 ? 0 : raw.at[0];
}

static inline uint16_t reader_u16(struct reader *reader)
{
    struct bytes raw = reader_take(reader, 2);

    return raw.len == 0 ? 0 : num_load_u16(raw.at);
}

static inline uint32_t reader_u32(struct reader *reader)
{
    struct bytes raw = reader_take(reader, 4);

    return raw.len == 0 ? 0 : num_load_u32(raw.at);
}

static inline uint64_t reader_u64(struct reader *reader)
{
    struct bytes raw = reader_take(reader, 8);

    return raw.len == 0 ? 0 : num_load_u64(raw.at);
}

/* A varint of any length; reader_varint is the short way to it. The reader goes by value, so that
 * that of a decoder can stay in registers. */
struct reader reader_varint_long(struct reader reader, uint64_t *out_value);

/* Most are of one byte or two, and a change may have a million of them. */
static inline uint64_t reader_varint(struct reader *reader)
{
    const uint8_t *at = reader->in.at;
    size_t left = reader_left(reader);
    uint64_t value;

    if (left > 0 && at[reader->offset] < 0x80)
        return at[reader->offset++];
    if (left > 1 && at[reader->offset + 1] < 0x80) {
        value = (at[reader->offset] & 0x7fu) | (uint64_t)at[reader->offset + 1] << 7;
        reader->offset += 2;
        return value;
    }
    *reader = reader_varint_long(*reader, &value);
    return value;
}

/* A varint above `max` fails the reader. */
static inline uint64_t reader_varint_max(struct reader *reader, uint64_t max)
{
    uint64_t value = reader_varint(reader);

    if (value > max) {
        reader->failed = true;
        return 0;
    }
    return value;
}

/* A varint length and that many bytes, borrowed from the input. */
static inline struct bytes reader_bytes(struct reader *reader)
{
    uint64_t len = reader_varint(reader);

    if (len > reader_left(reader)) {
        reader->failed = true;
        return bytes_make(NULL, 0);
    }
    return reader_take(reader, (size_t)len);
}

/* True when nothing failed and nothing is left over. */
MUST_USE static inline bool reader_finish(const struct reader *reader)
{
    return !reader->failed && reader->offset == reader->in.len;
}

#endif
