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
uint64_t reader_varint(struct reader *reader);

/* A varint above `max` fails the reader. */
uint64_t reader_varint_max(struct reader *reader, uint64_t max);

/* Exactly `len` bytes, borrowed from the input. */
struct bytes reader_take(struct reader *reader, size_t len);

/* A varint length and that many bytes, borrowed from the input. */
struct bytes reader_bytes(struct reader *reader);

/* Bytes not read yet; 0 once failed. */
size_t reader_left(const struct reader *reader);

/* True when nothing failed and nothing is left over. */
MUST_USE bool reader_finish(const struct reader *reader);

#endif
