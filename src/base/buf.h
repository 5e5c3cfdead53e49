/* A growing run of owned bytes with a hard maximum.
 *
 * Adding past the maximum adds nothing at all, marks the buf as overflowed and is remembered until
 * buf_clear: a formatter may add freely and ask once at the end. Out of memory aborts. A zeroed
 * struct buf with only `max` set is a valid empty one; memory comes with the first byte. */
#ifndef ROOST_BASE_BUF_H
#define ROOST_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attributes.h"
#include "base/bytes.h"

struct buf {
    uint8_t *at; /* owned; NULL while empty */
    size_t start; /* bytes already consumed at the front */
    size_t len; /* bytes held, after `start` */
    size_t capacity; /* allocated */
    size_t max; /* most bytes that may be held */
    bool overflowed;
};

static inline struct buf buf_make(size_t bytes_max)
{
    return (struct buf){ .max = bytes_max };
}

/* Frees the memory; the buf is empty and usable again. */
void buf_done(struct buf *buf);

/* The bytes held; valid until the next call that changes the buf. */
static inline struct bytes buf_bytes(const struct buf *buf)
{
    return bytes_make(buf->at == NULL ? NULL : buf->at + buf->start, buf->len);
}

static inline bool buf_is_empty(const struct buf *buf)
{
    return buf->len == 0;
}

/* Empty, and no longer overflowed. Memory is kept. */
void buf_clear(struct buf *buf);

/* Gives memory back when the buf is empty: for sessions that go idle. */
void buf_trim(struct buf *buf);

/* Drops `count` bytes (at most what is held) from the front, in constant time. */
void buf_consume(struct buf *buf, size_t count);

/* Cuts the end so that `len` bytes are left; `len` is at most what is held. */
void buf_truncate(struct buf *buf, size_t len);

/* Room for `count` more bytes, to be filled by the caller and counted with buf_commit. NULL and
 * overflowed when they would pass the maximum. */
uint8_t *buf_reserve_more(struct buf *buf, size_t count); /* where the memory must change */
static inline uint8_t *buf_reserve(struct buf *buf, size_t count)
{
    if (buf->at != NULL && !buf->overflowed && count <= buf->capacity - buf->start - buf->len)
        return buf->at + buf->start + buf->len;
    return buf_reserve_more(buf, count);
}
void buf_commit(struct buf *buf, size_t count);

static inline void buf_add(struct buf *buf, struct bytes bytes)
{
    uint8_t *at = buf_reserve(buf, bytes.len);

    if (at == NULL || bytes.len == 0)
        return;
    memcpy(at, bytes.at, bytes.len);
    buf->len += bytes.len;
}

static inline void buf_add_byte(struct buf *buf, uint8_t byte)
{
    uint8_t *at = buf_reserve(buf, 1);

    if (at == NULL)
        return;
    *at = byte;
    buf->len++;
}

void buf_add_string(struct buf *buf, const char *string); /* up to its NUL */
void buf_add_number(struct buf *buf, uint64_t number); /* decimal */
void buf_add_format(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Little-endian, for disk and IPC. */
void buf_put_u8(struct buf *buf, uint8_t value);
void buf_put_u16(struct buf *buf, uint16_t value);
void buf_put_u32(struct buf *buf, uint32_t value);
void buf_put_u64(struct buf *buf, uint64_t value);
/* LEB128, 1 to 10 bytes. */
void buf_put_varint(struct buf *buf, uint64_t value);
/* A varint length, then the bytes. */
void buf_put_bytes(struct buf *buf, struct bytes bytes);

#endif
