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

struct reader {
    struct bytes in;
    size_t offset;
    bool failed;
};

static inline struct reader reader_make(struct bytes in)
{
    return (struct reader){ .in = in };
}

uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);

/* A varint of any length; reader_varint is the short way to it. */
uint64_t reader_varint_long(struct reader *reader);

/* Most are of one byte, and a change may have a million of them. */
static inline uint64_t reader_varint(struct reader *reader)
{
    if (!reader->failed && reader->offset < reader->in.len && reader->in.at[reader->offset] < 0x80)
        return reader->in.at[reader->offset++];
    return reader_varint_long(reader);
}

/* A varint above `max` fails the reader. */
uint64_t reader_varint_max(struct reader *reader, uint64_t max);

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
MUST_USE bool reader_finish(const struct reader *reader);

#endif
