/* Reading bodies back: nothing is given out before its checksum held. */
#include <assert.h>
#include <string.h>

#include "base/num.h"
#include "store/log_body.h"
#include "store/log_private.h"
#include "sys/vfs.h"

/* Only where nothing is left to be written or synced. */
static void rest(struct log *log)
{
    if (log->file == NULL || log->busy || log->failed || log->pending.len > 0 ||
        log->durable != log_tip(log))
        return;
    vfs_close(log->file);
    log->file = NULL;
    log->at_rest = true;
}

void log_trim(struct log *log)
{
    rest(log);
    for (size_t i = 0; i < ARRAY_COUNT(log->old); i++) {
        vfs_close(log->old[i].file);
        log->old[i] = (struct log_old_file){ 0 };
    }
}

static enum err open_old(struct vfs *vfs, uint64_t number, unsigned flags,
                         struct log_old_file *out_old)
{
    char path[SEGMENT_PATH_BYTES];
    struct segment segment;
    struct vfs_file *file;
    enum err err;

    segment_path(number, path);
    err = vfs->open(vfs, path, VFS_OPEN_READ, &file);
    if (err != ERR_OK)
        return err;
    err = segment_header_read(file, number, flags, &segment);
    if (err != ERR_OK) {
        vfs_close(file);
        return err;
    }
    *out_old = (struct log_old_file){
        .number = number,
        .key = record_key_make(segment.id),
        .file = file,
    };
    return ERR_OK;
}

/* The segment among those kept open; the least recently used one makes room. */
static enum err old_file(struct log *log, uint64_t number, unsigned flags,
                         struct log_old_file **out_old)
{
    struct log_old_file *least = &log->old[0];
    struct log_old_file opened;
    enum err err;

    for (size_t i = 0; i < ARRAY_COUNT(log->old); i++) {
        if (log->old[i].number == number) {
            log->old[i].used = ++log->uses;
            *out_old = &log->old[i];
            return ERR_OK;
        }
        if (log->old[i].used < least->used)
            least = &log->old[i];
    }
    err = open_old(log->vfs, number, flags, &opened);
    if (err != ERR_OK)
        return err;
    vfs_close(least->file);
    *least = opened;
    least->used = ++log->uses;
    *out_old = least;
    return ERR_OK;
}

/* From the segment being written, part of which may still be in memory. Records lie wholly in
 * either. */
static enum err read_present(struct log *log, uint64_t offset, void *into, size_t len,
                             unsigned flags)
{
    struct bytes waiting = buf_bytes(&log->pending);

    if (offset < log->size) {
        enum err err = log_awake(log);

        if (err != ERR_OK)
            return err;
        return log->file == NULL ? ERR_CORRUPT : vfs_read(log->file, offset, into, len, flags);
    }
    if (offset - log->size > waiting.len || len > waiting.len - (offset - log->size))
        return ERR_CORRUPT;
    memcpy(into, waiting.at + (offset - log->size), len);
    return ERR_OK;
}

static enum err read_segment(struct log *log, uint64_t number, uint64_t offset, struct bytes *into,
                             unsigned flags)
{
    struct log_old_file *old;
    enum err err;

    if (number == log->segment.number)
        return read_present(log, offset, (uint8_t *)(uintptr_t)into->at, into->len, flags);
    err = old_file(log, number, flags, &old);
    if (err != ERR_OK)
        return err;
    return vfs_read(old->file, offset, (uint8_t *)(uintptr_t)into->at, into->len, flags);
}

/* Checks the header that was read at `place` and tells where the chunks are. */
static enum err source_make(struct record_key key, struct place place, struct body_id body,
                            const uint8_t raw[RECORD_HEADER_BYTES], struct log_source *out_source)
{
    struct record_header header;
    uint64_t frames = place.offset + RECORD_HEADER_BYTES;

    if (!record_header_decode(bytes_make(raw, RECORD_HEADER_BYTES), key, place.offset, &header))
        return ERR_CORRUPT;
    if (header.type != RECORD_BODY || header.number != body.value)
        return ERR_CORRUPT;
    if (header.encoding != RECORD_RAW)
        return ERR_UNSUPPORTED;
    if (segment_kind(place.segment) == SEGMENT_BODY)
        frames = SEGMENT_BODY_AT;
    *out_source = (struct log_source){
        .key = key,
        .body = body,
        .segment = place.segment,
        .frames = frames,
        .length = header.length,
    };
    return ERR_OK;
}

enum err log_source(struct log *log, struct place place, struct body_id body, unsigned flags,
                    struct log_source *out_source)
{
    uint8_t raw[RECORD_HEADER_BYTES];
    struct bytes into = bytes_make(raw, sizeof(raw));
    struct record_key key = log->key;
    enum err err = read_segment(log, place.segment, place.offset, &into, flags);

    if (err != ERR_OK)
        return err;
    if (place.segment != log->segment.number) {
        struct log_old_file *old;

        err = old_file(log, place.segment, flags, &old);
        if (err != ERR_OK)
            return err;
        key = old->key;
    }
    return source_make(key, place, body, raw, out_source);
}

/* Offset and length of a chunk with its checksum. */
static enum err chunk_span(const struct log_source *source, uint64_t index, uint64_t *out_offset,
                           size_t *out_len)
{
    uint64_t left;

    if (index > source->length / RECORD_CHUNK_BYTES)
        return ERR_INVALID;
    left = source->length - index * RECORD_CHUNK_BYTES;
    if (left == 0)
        return ERR_INVALID;
    *out_offset = source->frames + index * RECORD_FRAME_BYTES;
    *out_len = left < RECORD_CHUNK_BYTES ? (size_t)left : RECORD_CHUNK_BYTES;
    return ERR_OK;
}

static enum err chunk_check(const struct log_source *source, uint64_t offset, struct bytes chunk)
{
    uint32_t crc = num_load_u32(chunk.at + chunk.len);

    return crc == record_chunk_crc(source->key, offset, chunk) ? ERR_OK : ERR_CORRUPT;
}

enum err log_source_read(struct log *log, const struct log_source *source, struct log_chunk which,
                         uint8_t frame[RECORD_FRAME_BYTES], struct bytes *out_chunk)
{
    uint64_t offset;
    struct bytes into;
    size_t len;
    enum err err = chunk_span(source, which.index, &offset, &len);

    if (err != ERR_OK)
        return err;
    into = bytes_make(frame, len + RECORD_CRC_BYTES);
    err = read_segment(log, source->segment, offset, &into, which.flags);
    if (err == ERR_OK)
        err = chunk_check(source, offset, bytes_make(frame, len));
    if (err == ERR_OK)
        *out_chunk = bytes_make(frame, len);
    return err;
}

enum err log_source_load(struct vfs *vfs, struct place place, struct body_id body,
                         struct log_source *out_source)
{
    uint8_t raw[RECORD_HEADER_BYTES];
    struct log_old_file old;
    enum err err = open_old(vfs, place.segment, 0, &old);

    if (err != ERR_OK)
        return err;
    err = vfs_read(old.file, place.offset, raw, sizeof(raw), 0);
    vfs_close(old.file);
    return err == ERR_OK ? source_make(old.key, place, body, raw, out_source) : err;
}

enum err log_source_fetch(struct vfs *vfs, const struct log_source *source, uint64_t index,
                          uint8_t frame[RECORD_FRAME_BYTES], struct bytes *out_chunk)
{
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    uint64_t offset;
    size_t len;
    enum err err = chunk_span(source, index, &offset, &len);

    if (err != ERR_OK)
        return err;
    segment_path(source->segment, path);
    err = vfs->open(vfs, path, VFS_OPEN_READ, &file);
    if (err != ERR_OK)
        return err;
    err = vfs_read(file, offset, frame, len + RECORD_CRC_BYTES, 0);
    vfs_close(file);
    if (err == ERR_OK)
        err = chunk_check(source, offset, bytes_make(frame, len));
    if (err == ERR_OK)
        *out_chunk = bytes_make(frame, len);
    return err;
}
