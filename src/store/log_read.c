/* Reading bodies back: nothing is given out before its checksum held. */
#include <string.h>

#include "store/log_body.h"
#include "store/log_private.h"
#include "store/packed_body.h"
#include "sys/vfs.h"

/* Only where nothing is left to be written or synced. */
static void put_to_rest(struct log *log)
{
    if (log->file == NULL || log->busy || log->failed || log->writing.active ||
        log->pending.len > 0 || log->durable != log_tip(log) || !log_rest(log))
        return;
    vfs_close(log->file);
    log->file = NULL;
    log->at_rest = true;
}

void log_trim(struct log *log)
{
    put_to_rest(log);
    for (size_t i = 0; i < ARRAY_COUNT(log->old); i++) {
        vfs_close(log->old[i].file);
        log->old[i] = (struct log_old_file){ 0 };
    }
}

static enum err open_old(struct vfs *vfs, struct account_id account, uint64_t number,
                         unsigned flags, struct log_old_file *out_old)
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
    if (err == ERR_OK && !segment_is_of(&segment, account))
        err = ERR_CORRUPT;
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
    err = open_old(log->vfs, log->account, number, flags, &opened);
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
    struct bytes waiting = buf_bytes(&log->leaving);
    uint64_t at = offset - log->size;

    if (offset < log->size) {
        enum err err = log_awake(log);

        if (err != ERR_OK)
            return err;
        return log->file == NULL ? ERR_CORRUPT : vfs_read(log->file, offset, into, len, flags);
    }
    if (at >= waiting.len) {
        at -= waiting.len;
        waiting = buf_bytes(&log->pending);
    }
    if (at > waiting.len || len > waiting.len - at)
        return ERR_CORRUPT;
    memcpy(into, waiting.at + at, len);
    return ERR_OK;
}

/* Where stored bytes are read: through the owner's files, or in a file that a job opened. */
struct reach {
    struct log *log; /* NULL: in `file` */
    struct vfs_file *file;
    struct packing *packing;
    uint64_t segment;
    unsigned flags; /* enum vfs_read_flags */
};

static enum err reach_read(const struct reach *reach, uint64_t offset, void *into, size_t len)
{
    struct log_old_file *old;
    enum err err;

    if (reach->log == NULL)
        return vfs_read(reach->file, offset, into, len, reach->flags);
    if (reach->segment == reach->log->segment.number)
        return read_present(reach->log, offset, into, len, reach->flags);
    err = old_file(reach->log, reach->segment, reach->flags, &old);
    return err == ERR_OK ? vfs_read(old->file, offset, into, len, reach->flags) : err;
}

/* The chunks of the payload that hold a span of it. */
struct run {
    uint64_t first;
    uint64_t offset; /* of the first one in the segment */
    uint64_t len; /* bytes of the payload in them */
};

static struct run run_of(const struct log_source *source, struct packed_span span)
{
    uint64_t first = span.at / RECORD_CHUNK_BYTES;
    uint64_t end = (span.at + span.len - 1) / RECORD_CHUNK_BYTES + 1;
    uint64_t left = source->stored - first * RECORD_CHUNK_BYTES;
    uint64_t len = (end - first) * RECORD_CHUNK_BYTES;

    return (struct run){ first, source->frames + first * RECORD_FRAME_BYTES,
                         left < len ? left : len };
}

static struct bytes span_of(const struct run *run, const uint8_t *payload, struct packed_span span)
{
    return bytes_make(payload + (span.at - run->first * RECORD_CHUNK_BYTES), span.len);
}

/* Reads them in one go into `framed`, which has room for them with their checksums. *out_bytes is
 * the span, checked. */
static enum err read_stored(const struct reach *reach, const struct log_source *source,
                            struct packed_span span, uint8_t *framed, struct bytes *out_bytes)
{
    struct run run = run_of(source, span);
    struct bytes payload;
    enum err err = reach_read(reach, run.offset, framed, (size_t)record_framed_bytes(run.len));

    if (err != ERR_OK)
        return err;
    if (!record_payload_decode(framed, source->key, run.offset, run.len, &payload))
        return ERR_CORRUPT;
    *out_bytes = span_of(&run, payload.at, span);
    return ERR_OK;
}

/* What is to be remembered: `len` bytes made of what stands at `offset` of the segment. */
static struct packing_memory memory_of(const struct reach *reach, const struct log_source *source,
                                       uint64_t offset, uint64_t len)
{
    return (struct packing_memory){ .len = (size_t)len,
                                    .owner = reach->log == NULL ? 0 : reach->log->owner,
                                    .marker = source->key.marker,
                                    .offset = offset };
}

static bool remembers(const struct packing_memory *memory, const struct packing_memory *wanted)
{
    return memory->len == wanted->len && memory->owner == wanted->owner &&
           memory->marker == wanted->marker && memory->offset == wanted->offset;
}

static void remember(struct packing_memory *memory, struct packing_memory what)
{
    what.bytes = memory->bytes;
    *memory = what;
}

/* The same of a packed body, through the packing's memory, which is enough for any frame. */
static enum err recall_stored(const struct reach *reach, const struct log_source *source,
                              struct packed_span span, struct bytes *out_bytes)
{
    struct packing_memory *memory = packing_stored(reach->packing);
    struct run run = run_of(source, span);
    struct packing_memory wanted = memory_of(reach, source, run.offset, run.len);
    enum err err;

    if (remembers(memory, &wanted)) {
        *out_bytes = span_of(&run, memory->bytes, span);
        return ERR_OK;
    }
    memory->len = 0;
    err = read_stored(reach, source, span, memory->bytes, out_bytes);
    if (err == ERR_OK)
        remember(memory, wanted);
    return err;
}

static enum err read_shape(const struct reach *reach, const struct log_source *source,
                           struct packed_shape *out_shape)
{
    struct packed_span tail = { source->stored - PACKED_TAIL_BYTES, PACKED_TAIL_BYTES };
    struct bytes bytes;
    enum err err;

    if (source->stored < PACKED_TAIL_BYTES)
        return ERR_CORRUPT;
    err = recall_stored(reach, source, tail, &bytes);
    if (err != ERR_OK)
        return err;
    return packed_shape_make(source->stored, bytes, out_shape) ? ERR_OK : ERR_CORRUPT;
}

/* Checks the header at `place` and tells where the chunks are. */
static enum err read_source(const struct reach *reach, struct record_key key, struct place place,
                            struct body_id body, struct log_source *out_source)
{
    struct log_source source = { .key = key, .body = body, .segment = place.segment };
    uint8_t raw[RECORD_HEADER_BYTES];
    struct packed_shape shape;
    struct record_header header;
    enum err err = reach_read(reach, place.offset, raw, sizeof(raw));

    if (err != ERR_OK)
        return err;
    if (!record_header_decode(bytes_make(raw, sizeof(raw)), key, place.offset, &header) ||
        header.type != RECORD_BODY || header.number != body.value)
        return ERR_CORRUPT;
    if (header.encoding != RECORD_RAW && header.encoding != RECORD_ZSTD)
        return ERR_UNSUPPORTED;
    source.frames = segment_kind(place.segment) == SEGMENT_BODY
                        ? SEGMENT_BODY_AT
                        : place.offset + RECORD_HEADER_BYTES;
    source.encoding = (enum record_encoding)header.encoding;
    source.stored = header.length;
    source.length = header.length;
    if (source.encoding == RECORD_ZSTD) {
        err = read_shape(reach, &source, &shape);
        if (err != ERR_OK)
            return err;
        source.length = shape.length;
    }
    *out_source = source;
    return ERR_OK;
}

static enum err key_of(struct log *log, uint64_t segment, unsigned flags,
                       struct record_key *out_key)
{
    struct log_old_file *old;
    enum err err;

    *out_key = log->key;
    if (segment == log->segment.number)
        return ERR_OK;
    err = old_file(log, segment, flags, &old);
    if (err == ERR_OK)
        *out_key = old->key;
    return err;
}

enum err log_source(struct log *log, struct place place, struct body_id body, unsigned flags,
                    struct log_source *out_source)
{
    struct reach reach = {
        .log = log, .packing = log->packing, .segment = place.segment, .flags = flags
    };
    struct record_key key;
    enum err err = key_of(log, place.segment, flags, &key);

    return err == ERR_OK ? read_source(&reach, key, place, body, out_source) : err;
}

enum err log_read_whole(struct log *log, const struct log_body_place *which, unsigned flags,
                        uint8_t at[LOG_WHOLE_BYTES], struct bytes *out_body)
{
    struct reach reach = { .log = log, .segment = which->place.segment, .flags = flags };
    uint64_t offset = which->place.offset;
    struct record_header header;
    struct record_key key;
    enum err err;

    if (which->size == 0 || which->size > RECORD_CHUNK_BYTES ||
        which->place.segment == log->packed_in ||
        segment_kind(which->place.segment) == SEGMENT_BODY)
        return ERR_INVALID;
    err = key_of(log, which->place.segment, flags, &key);
    if (err == ERR_OK)
        err = reach_read(&reach, offset, at,
                         RECORD_HEADER_BYTES + (size_t)record_framed_bytes(which->size));
    if (err != ERR_OK)
        return err == ERR_CORRUPT ? ERR_INVALID : err; /* a packed one may be at the very end */
    if (!record_header_decode(bytes_make(at, RECORD_HEADER_BYTES), key, offset, &header) ||
        header.type != RECORD_BODY || header.number != which->body.value)
        return ERR_INVALID;
    if (header.encoding == RECORD_ZSTD)
        log->packed_in = which->place.segment;
    if (header.encoding != RECORD_RAW || header.length != which->size)
        return ERR_INVALID;
    return record_payload_decode(at + RECORD_HEADER_BYTES, key, offset + RECORD_HEADER_BYTES,
                                 which->size, out_body)
               ? ERR_OK
               : ERR_CORRUPT;
}

/* Where the frame of a piece stands in the payload. */
static enum err find_frame(const struct reach *reach, const struct log_source *source,
                           uint64_t index, struct packed_span *out_span)
{
    struct packed_shape shape = { source->stored, source->length };
    struct packed_span entries = packed_shape_entries(&shape, index);
    struct bytes bytes = bytes_make(NULL, 0);
    enum err err = ERR_OK;

    if (entries.len > 0)
        err = recall_stored(reach, source, entries, &bytes);
    if (err == ERR_OK && !packed_shape_frame(&shape, index, bytes, out_span))
        err = ERR_CORRUPT;
    return err;
}

/* A piece of `len` bytes into the packing's memory. */
static enum err recall_piece(const struct reach *reach, const struct log_source *source,
                             uint64_t index, size_t len, struct bytes *out_piece)
{
    struct packing_memory *memory = packing_piece(reach->packing);
    struct packing_memory wanted;
    struct packed_span span;
    struct bytes frame;
    enum err err = find_frame(reach, source, index, &span);

    if (err != ERR_OK)
        return err;
    /* Where the frame stands, more or less; no two frames of a segment have the same. */
    wanted = memory_of(reach, source, source->frames + record_framed_bytes(span.at), len);
    *out_piece = bytes_make(memory->bytes, len);
    if (remembers(memory, &wanted))
        return ERR_OK;
    memory->len = 0;
    err = recall_stored(reach, source, span, &frame);
    if (err == ERR_OK && !packed_frame_decode(reach->packing, frame, memory->bytes, len))
        err = ERR_CORRUPT;
    if (err == ERR_OK)
        remember(memory, wanted);
    return err;
}

static enum err read_chunk(const struct reach *reach, const struct log_source *source,
                           uint64_t index, uint8_t *frame, struct bytes *out_chunk)
{
    struct packed_span span = { index * RECORD_CHUNK_BYTES, RECORD_CHUNK_BYTES };

    if (index > source->length / RECORD_CHUNK_BYTES || span.at == source->length)
        return ERR_INVALID;
    if (source->length - span.at < span.len)
        span.len = (size_t)(source->length - span.at);
    if (source->encoding == RECORD_RAW)
        return read_stored(reach, source, span, frame, out_chunk);
    return recall_piece(reach, source, index, span.len, out_chunk);
}

enum err log_source_read(struct log *log, const struct log_source *source, struct log_chunk which,
                         uint8_t frame[RECORD_FRAME_BYTES], struct bytes *out_chunk)
{
    struct reach reach = {
        .log = log, .packing = log->packing, .segment = source->segment, .flags = which.flags
    };

    return read_chunk(&reach, source, which.index, frame, out_chunk);
}

enum err log_file_source(const struct log_file *file, struct place place, struct body_id body,
                         struct log_source *out_source)
{
    struct reach reach = { .file = file->file, .packing = file->packing, .segment = place.segment };

    return read_source(&reach, file->key, place, body, out_source);
}

enum err log_file_read(const struct log_file *file, const struct log_source *source, uint64_t index,
                       uint8_t frame[RECORD_FRAME_BYTES], struct bytes *out_chunk)
{
    struct reach reach = { .file = file->file,
                           .packing = file->packing,
                           .segment = source->segment };

    return read_chunk(&reach, source, index, frame, out_chunk);
}

enum err log_source_load(struct vfs *vfs, struct account_id account, struct place place,
                         struct body_id body, struct log_source *out_source)
{
    struct log_file file = { 0 };
    struct log_old_file old;
    enum err err = open_old(vfs, account, place.segment, 0, &old);

    if (err != ERR_OK)
        return err;
    file = (struct log_file){ old.file, old.key, packing_new() };
    err = log_file_source(&file, place, body, out_source);
    packing_free(file.packing);
    vfs_close(old.file);
    return err;
}

enum err log_source_fetch(struct vfs *vfs, const struct log_source *source, uint64_t index,
                          uint8_t frame[RECORD_FRAME_BYTES], struct bytes *out_chunk)
{
    struct log_file file = { 0 };
    char path[SEGMENT_PATH_BYTES];
    enum err err;

    segment_path(source->segment, path);
    err = vfs->open(vfs, path, VFS_OPEN_READ, &file.file);
    if (err != ERR_OK)
        return err;
    file.packing = packing_new();
    err = log_file_read(&file, source, index, frame, out_chunk);
    if (err == ERR_OK && source->encoding != RECORD_RAW) {
        memcpy(frame, out_chunk->at, out_chunk->len);
        out_chunk->at = frame;
    }
    packing_free(file.packing);
    vfs_close(file.file);
    return err;
}
