/* One window over a segment. */
#include "store/scan.h"

#include <stdlib.h>

#include "base/num.h"
#include "store/alloc.h"
#include "sys/vfs.h"

enum { WINDOW_BYTES = 256 * 1024 };

void scan_begin(struct scan *scan, struct vfs_file *file, struct record_key key, uint64_t limit)
{
    scan->file = file;
    scan->key = key;
    scan->limit = limit;
    scan->window_len = 0;
}

void scan_done(struct scan *scan)
{
    free(scan->window);
    *scan = (struct scan){ 0 };
}

static enum err fill(struct scan *scan, uint64_t offset, size_t len)
{
    uint64_t left = scan->limit - offset;
    size_t want = len > WINDOW_BYTES ? len : WINDOW_BYTES;
    enum err err;

    if (want > scan->capacity) {
        scan->window = store_realloc(scan->window, want, 1);
        scan->capacity = want;
    }
    want = want < left ? want : (size_t)left;
    scan->window_len = 0;
    err = vfs_read(scan->file, offset, scan->window, want, 0);
    if (err == ERR_IO && want > len) { /* of a disk that fails, as much as it still gives */
        want = len;
        err = vfs_read(scan->file, offset, scan->window, want, 0);
    }
    if (err != ERR_OK)
        return err;
    scan->window_at = offset;
    scan->window_len = want;
    return ERR_OK;
}

enum err scan_bytes(struct scan *scan, uint64_t offset, size_t len, struct bytes *out_bytes)
{
    uint64_t end = scan->window_at + scan->window_len;

    if (offset > scan->limit || len > scan->limit - offset)
        return ERR_CORRUPT;
    if (offset < scan->window_at || offset >= end || len > end - offset) {
        enum err err = fill(scan, offset, len);

        if (err != ERR_OK)
            return err;
    }
    *out_bytes = bytes_make(scan->window + (offset - scan->window_at), len);
    return ERR_OK;
}

enum err scan_header(struct scan *scan, uint64_t offset, struct record_header *out_header)
{
    struct bytes raw;
    enum err err = scan_bytes(scan, offset, RECORD_HEADER_BYTES, &raw);

    if (err != ERR_OK)
        return err;
    return record_header_decode(raw, scan->key, offset, out_header) ? ERR_OK : ERR_CORRUPT;
}

/* Closing the gaps between chunks spoils the window for whoever comes next. */
enum err scan_payload(struct scan *scan, uint64_t offset, const struct record_header *header,
                      struct bytes *out_payload)
{
    uint64_t at = offset + RECORD_HEADER_BYTES;
    struct bytes framed;
    enum err err;

    if (header->length > RECORD_CHANGE_BYTES_MAX)
        return ERR_CORRUPT;
    err = scan_bytes(scan, at, (size_t)record_framed_bytes(header->length), &framed);
    if (err != ERR_OK)
        return err;
    if (header->length > RECORD_CHUNK_BYTES)
        scan->window_len = 0;
    if (!record_payload_decode(scan->window + (at - scan->window_at), scan->key, at, header->length,
                               out_payload))
        return ERR_CORRUPT;
    return ERR_OK;
}

enum err scan_check(struct scan *scan, uint64_t offset, const struct record_header *header)
{
    uint64_t at = offset + RECORD_HEADER_BYTES;

    for (uint64_t left = header->length; left > 0;) {
        size_t take = left < RECORD_CHUNK_BYTES ? (size_t)left : RECORD_CHUNK_BYTES;
        struct bytes frame;
        enum err err = scan_bytes(scan, at, take + RECORD_CRC_BYTES, &frame);

        if (err != ERR_OK)
            return err;
        if (num_load_u32(frame.at + take) !=
            record_chunk_crc(scan->key, at, bytes_slice(frame, 0, take)))
            return ERR_CORRUPT;
        at += frame.len;
        left -= take;
    }
    return ERR_OK;
}

enum err scan_resync(struct scan *scan, uint64_t offset, uint64_t *out_offset)
{
    uint64_t at = (offset + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;

    for (; at < scan->limit && scan->limit - at >= RECORD_HEADER_BYTES; at += RECORD_ALIGN) {
        struct record_header header;
        struct bytes raw;
        enum err err = scan_bytes(scan, at, RECORD_HEADER_BYTES, &raw);

        if (err != ERR_OK)
            return err;
        if (num_load_u64(raw.at) != scan->key.marker ||
            !record_header_decode(raw, scan->key, at, &header))
            continue;
        *out_offset = at;
        return ERR_OK;
    }
    *out_offset = scan->limit;
    return ERR_OK;
}

enum err scan_content_end(struct scan *scan, uint64_t offset, uint64_t *out_end)
{
    uint64_t content_end = offset;

    for (uint64_t at = offset; at < scan->limit;) {
        size_t take = scan->limit - at < 4096 ? (size_t)(scan->limit - at) : 4096;
        struct bytes piece;
        enum err err = scan_bytes(scan, at, take, &piece);

        if (err != ERR_OK)
            return err;
        for (size_t i = take; i > 0; i--) {
            if (piece.at[i - 1] == 0)
                continue;
            content_end = at + i;
            break;
        }
        at += take;
    }
    *out_end = content_end;
    return ERR_OK;
}
