/* The growing buffer. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

enum { BUF_FIRST_BYTES = 256 };

void buf_done(struct buf *buf)
{
    free(buf->at);
    *buf = buf_make(buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->start = 0;
    buf->len = 0;
    buf->overflowed = false;
}

void buf_trim(struct buf *buf)
{
    if (buf->len > 0 || buf->at == NULL)
        return;
    free(buf->at);
    buf->at = NULL;
    buf->start = 0;
    buf->capacity = 0;
}

void buf_consume(struct buf *buf, size_t count)
{
    assert(count <= buf->len);
    buf->len -= count;
    buf->start = buf->len == 0 ? 0 : buf->start + count;
}

void buf_truncate(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len = len;
}

static void move_to_front(struct buf *buf)
{
    if (buf->start > 0)
        memmove(buf->at, buf->at + buf->start, buf->len);
    buf->start = 0;
}

/* One byte more than the capacity is allocated: room for the NUL that vsnprintf insists on. */
static void grow(struct buf *buf, size_t needed)
{
    size_t capacity = buf->capacity < BUF_FIRST_BYTES ? BUF_FIRST_BYTES : buf->capacity;
    uint8_t *at;

    if (needed > SIZE_MAX / 4)
        abort();
    while (capacity < needed)
        capacity *= 2;
    if (capacity > buf->max && needed <= buf->max)
        capacity = buf->max;
    at = realloc(buf->at, capacity + 1);
    if (at == NULL)
        abort();
    buf->at = at;
    buf->capacity = capacity;
}

uint8_t *buf_reserve_more(struct buf *buf, size_t count)
{
    assert(buf->len <= buf->max);
    if (buf->overflowed || count > buf->max - buf->len) {
        buf->overflowed = true;
        return NULL;
    }
    if (buf->at == NULL || count > buf->capacity - buf->start - buf->len) {
        if (buf->at != NULL)
            move_to_front(buf);
        if (buf->at == NULL || buf->len + count > buf->capacity)
            grow(buf, buf->len + count);
    }
    return buf->at + buf->start + buf->len;
}

void buf_commit(struct buf *buf, size_t count)
{
    assert(count <= buf->capacity - buf->start - buf->len);
    buf->len += count;
}

void buf_add_string(struct buf *buf, const char *string)
{
    buf_add(buf, bytes_from_string(string));
}

void buf_add_number(struct buf *buf, uint64_t number)
{
    char digits[NUM_DECIMAL_MAX];

    if (buf->overflowed || buf->capacity - buf->start - buf->len < sizeof(digits)) {
        buf_add(buf, bytes_make(digits, num_print(number, digits)));
        return;
    }
    buf->len += num_print(number, (char *)buf->at + buf->start + buf->len);
}

void buf_add_format(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    int len;
    uint8_t *at;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    at = buf_reserve(buf, (size_t)len);
    if (at != NULL) {
        (void)vsnprintf((char *)at, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_put_u8(struct buf *buf, uint8_t value)
{
    buf_add_byte(buf, value);
}

void buf_put_u16(struct buf *buf, uint16_t value)
{
    uint8_t raw[2];

    num_store_u16(raw, value);
    buf_add(buf, bytes_make(raw, sizeof(raw)));
}

void buf_put_u32(struct buf *buf, uint32_t value)
{
    uint8_t raw[4];

    num_store_u32(raw, value);
    buf_add(buf, bytes_make(raw, sizeof(raw)));
}

void buf_put_u64(struct buf *buf, uint64_t value)
{
    uint8_t raw[8];

    num_store_u64(raw, value);
    buf_add(buf, bytes_make(raw, sizeof(raw)));
}

void buf_put_varint(struct buf *buf, uint64_t value)
{
    uint8_t raw[NUM_VARINT_MAX];
    size_t len = 0;

    if (value < 0x80) {
        buf_add_byte(buf, (uint8_t)value);
        return;
    }
    for (; value >= 0x80; value >>= 7)
        raw[len++] = (uint8_t)(value | 0x80);
    raw[len++] = (uint8_t)value;
    buf_add(buf, bytes_make(raw, len));
}

void buf_put_bytes(struct buf *buf, struct bytes bytes)
{
    size_t before = buf->len;

    buf_put_varint(buf, bytes.len);
    buf_add(buf, bytes);
    if (buf->overflowed)
        buf_truncate(buf, before);
}
