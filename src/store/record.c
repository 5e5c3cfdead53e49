/* Framing of records: docs/format.md, "Records". */
#include "store/record.h"

#include <string.h>

#include "base/crc.h"
#include "base/num.h"
#include "base/reader.h"

enum { HEADER_CRC_AT = RECORD_HEADER_BYTES - RECORD_CRC_BYTES };

struct record_key record_key_make(const uint8_t segment_id[16])
{
    return (struct record_key){
        .marker = num_load_u64(segment_id),
        .seed = crc32c(0, bytes_make(segment_id, 16)),
    };
}

uint64_t record_framed_bytes(uint64_t length)
{
    uint64_t chunks = length / RECORD_CHUNK_BYTES + (length % RECORD_CHUNK_BYTES != 0);

    return length + chunks * RECORD_CRC_BYTES;
}

uint64_t record_bytes(uint64_t length)
{
    uint64_t bytes = RECORD_HEADER_BYTES + record_framed_bytes(length);

    return (bytes + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
}

/* Bound to the place: what was written elsewhere in the segment does not pass here. */
static uint32_t crc_at(struct record_key key, uint64_t offset, struct bytes bytes)
{
    uint8_t place[8];

    num_store_u64(place, offset);
    return crc32c(crc32c(key.seed, bytes_make(place, sizeof(place))), bytes);
}

uint32_t record_chunk_crc(struct record_key key, uint64_t offset, struct bytes chunk)
{
    return crc_at(key, offset, chunk);
}

void record_header_encode(struct buf *buf, struct record_key key, uint64_t offset,
                          const struct record_header *header)
{
    struct bytes raw;
    size_t before = buf->len;

    buf_put_u64(buf, key.marker);
    buf_put_u8(buf, header->type);
    buf_put_u8(buf, header->encoding);
    buf_put_u16(buf, 0);
    buf_put_u64(buf, header->length);
    buf_put_u64(buf, header->number);
    buf_put_u64(buf, (uint64_t)header->when.us);
    buf_put_u64(buf, header->durable);
    raw = bytes_from(buf_bytes(buf), before);
    buf_put_u32(buf, crc_at(key, offset, raw));
}

static bool header_is_sane(const struct record_header *header)
{
    if (header->type == RECORD_CHANGE || header->type == RECORD_BASE)
        return header->length <= RECORD_CHANGE_BYTES_MAX;
    return header->length <= RECORD_BODY_BYTES_MAX;
}

bool record_header_decode(struct bytes raw, struct record_key key, uint64_t offset,
                          struct record_header *out)
{
    struct reader reader = reader_make(raw);
    struct record_header header = { 0 };
    uint64_t marker;

    if (raw.len != RECORD_HEADER_BYTES)
        return false;
    marker = reader_u64(&reader);
    header.type = reader_u8(&reader);
    header.encoding = reader_u8(&reader);
    (void)reader_u16(&reader); /* for later; a feature flag says when it must be understood */
    header.length = reader_u64(&reader);
    header.number = reader_u64(&reader);
    header.when.us = (int64_t)reader_u64(&reader);
    header.durable = reader_u64(&reader);
    if (marker != key.marker)
        return false;
    if (reader_u32(&reader) != crc_at(key, offset, bytes_slice(raw, 0, HEADER_CRC_AT)))
        return false;
    if (!reader_finish(&reader) || !header_is_sane(&header))
        return false;
    *out = header;
    return true;
}

void record_payload_encode(struct buf *buf, struct record_key key, uint64_t offset,
                           struct bytes payload)
{
    for (size_t at = 0; at < payload.len; at += RECORD_CHUNK_BYTES) {
        struct bytes chunk = bytes_slice(payload, at, RECORD_CHUNK_BYTES);

        buf_add(buf, chunk);
        buf_put_u32(buf, record_chunk_crc(key, offset, chunk));
        offset += chunk.len + RECORD_CRC_BYTES;
    }
}

bool record_payload_decode(uint8_t *framed, struct record_key key, uint64_t offset, uint64_t length,
                           struct bytes *out_payload)
{
    const uint8_t *from = framed;
    uint8_t *to = framed;

    for (uint64_t left = length; left > 0;) {
        size_t take = left < RECORD_CHUNK_BYTES ? (size_t)left : RECORD_CHUNK_BYTES;
        struct bytes chunk = bytes_make(from, take);

        if (num_load_u32(from + take) != record_chunk_crc(key, offset, chunk))
            return false;
        if (to != from)
            memmove(to, from, take);
        to += take;
        from += take + RECORD_CRC_BYTES;
        offset += take + RECORD_CRC_BYTES;
        left -= take;
    }
    *out_payload = bytes_make(framed, (size_t)length);
    return true;
}
