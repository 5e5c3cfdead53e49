/* Body segments on their way in: chunks as they come, the header behind them, then two syncs. */
#include "store/log_body.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/alloc.h"
#include "store/log_private.h"
#include "store/packed_body.h"
#include "sys/vfs.h"

struct log_body {
    struct vfs *vfs;
    struct segment segment;
    struct record_key key;
    struct body_id body;
    struct wall when;
    struct vfs_file *file; /* open from the first bytes to the finish */
    bool made; /* the file is there */
    bool compress; /* where it pays */
    struct packing *packing; /* of its own: it packs in jobs */
    struct packer *packer; /* NULL: stored raw, or not decided yet */
    struct buf piece; /* of the body, not full yet */
    struct buf frame; /* a packed piece */
    struct buf chunk; /* of the payload, not full yet */
    uint64_t length; /* of the body */
    uint64_t stored; /* of the payload */
    uint64_t size; /* of the file */
    struct place place;
    enum err err;
};

struct log_body *log_body_new(struct log *log, struct body_id body, struct wall when)
{
    struct log_body *own = store_alloc(1, sizeof(*own));

    own->vfs = log->vfs;
    own->body = body;
    own->when = when;
    own->segment.number = segment_number(log->serial_next++, SEGMENT_BODY);
    own->segment.when = when;
    own->segment.account = log->account;
    segment_id_make(log->vfs, own->segment.id);
    own->key = record_key_make(own->segment.id);
    own->compress = log->compress;
    own->piece = buf_make(PACKED_PIECE_BYTES);
    own->frame = buf_make(PACKED_FRAME_BYTES_MAX);
    own->chunk = buf_make(RECORD_FRAME_BYTES + RECORD_HEADER_BYTES + RECORD_ALIGN);
    return own;
}

static enum err write_out(struct log_body *body)
{
    enum err err = vfs_append(body->file, buf_bytes(&body->chunk));

    if (err == ERR_OK)
        body->size += body->chunk.len;
    buf_clear(&body->chunk);
    return err;
}

static enum err make_file(struct log_body *body)
{
    char path[SEGMENT_PATH_BYTES];
    enum err err;

    segment_path(body->segment.number, path);
    err = body->vfs->open(body->vfs, path, VFS_OPEN_WRITE | VFS_OPEN_CREATE | VFS_OPEN_EXCLUSIVE,
                          &body->file);
    if (err != ERR_OK)
        return err;
    body->made = true;
    segment_header_encode(&body->chunk, &body->segment);
    return write_out(body);
}

static void close_chunk(struct log_body *body)
{
    uint32_t crc = record_chunk_crc(body->key, body->size, buf_bytes(&body->chunk));

    if (body->chunk.len > 0)
        buf_put_u32(&body->chunk, crc);
}

/* Adds to the payload. */
static enum err store_bytes(struct log_body *body, struct bytes bytes)
{
    enum err err = ERR_OK;

    while (err == ERR_OK && bytes.len > 0) {
        struct bytes part = bytes_slice(bytes, 0, RECORD_CHUNK_BYTES - body->chunk.len);

        buf_add(&body->chunk, part);
        body->stored += part.len;
        bytes = bytes_from(bytes, part.len);
        if (body->chunk.len < RECORD_CHUNK_BYTES)
            continue;
        close_chunk(body);
        err = write_out(body);
    }
    return err;
}

static void drop_packer(struct log_body *body)
{
    packer_free(body->packer);
    packing_free(body->packing);
    body->packer = NULL;
    body->packing = NULL;
}

/* The header tells of packed bodies and goes before everything else: what the first piece does
 * decides for all of them. */
static enum err begin(struct log_body *body)
{
    if (body->compress && body->piece.len > 0) {
        body->packing = packing_new();
        body->packer = packer_new(body->packing);
        packer_add(body->packer, buf_bytes(&body->piece), &body->frame);
        if (packed_body_pays(body->piece.len, body->frame.len + PACKED_TAIL_BYTES)) {
            body->segment.features = SEGMENT_ZSTD;
            return make_file(body);
        }
        drop_packer(body);
    }
    return make_file(body);
}

/* The piece goes to the payload in the form that was decided on. */
static enum err store_piece(struct log_body *body)
{
    struct bytes piece = buf_bytes(&body->piece);
    enum err err = ERR_OK;

    if (!body->made)
        err = begin(body);
    else if (body->packer != NULL)
        packer_add(body->packer, piece, &body->frame);
    if (err == ERR_OK)
        err = store_bytes(body, body->packer != NULL ? buf_bytes(&body->frame) : piece);
    body->length += piece.len;
    buf_clear(&body->frame);
    buf_clear(&body->piece);
    return err;
}

enum err log_body_append(struct log_body *body, struct bytes bytes)
{
    assert(body->place.segment == 0 || body->err != ERR_OK);
    while (body->err == ERR_OK && bytes.len > 0) {
        struct bytes part = bytes_slice(bytes, 0, PACKED_PIECE_BYTES - body->piece.len);

        buf_add(&body->piece, part);
        bytes = bytes_from(bytes, part.len);
        if (body->piece.len == PACKED_PIECE_BYTES)
            body->err = store_piece(body);
    }
    return body->err;
}

static enum err store_header(struct log_body *body)
{
    struct record_header header = {
        .type = RECORD_BODY,
        .encoding = body->packer == NULL ? RECORD_RAW : RECORD_ZSTD,
        .length = body->stored,
        .number = body->body.value,
        .when = body->when,
    };

    close_chunk(body);
    while ((body->size + body->chunk.len) % RECORD_ALIGN != 0)
        buf_add_byte(&body->chunk, 0);
    body->place.segment = body->segment.number;
    body->place.offset = body->size + body->chunk.len;
    record_header_encode(&body->chunk, body->key, body->place.offset, &header);
    return write_out(body);
}

static void drop_buffers(struct log_body *body)
{
    drop_packer(body);
    buf_done(&body->piece);
    buf_done(&body->frame);
    buf_done(&body->chunk);
}

enum err log_body_finish(struct log_body *body)
{
    if (body->err == ERR_OK && (!body->made || body->piece.len > 0))
        body->err = store_piece(body);
    if (body->err == ERR_OK && body->packer != NULL)
        body->err = store_bytes(body, packer_finish(body->packer));
    if (body->err == ERR_OK)
        body->err = store_header(body);
    if (body->err == ERR_OK)
        body->err = vfs_sync(body->file);
    if (body->err == ERR_OK)
        body->err = body->vfs->sync_dir(body->vfs, "log");
    vfs_close(body->file); /* whoever is to name it may have to wait for others */
    body->file = NULL;
    drop_buffers(body);
    return body->err;
}

struct place log_body_place(const struct log_body *body)
{
    assert(body->place.segment != 0 && body->err == ERR_OK);
    return body->place;
}

uint64_t log_body_length(const struct log_body *body)
{
    return body->length;
}

void log_body_free(struct log_body *body, bool keep)
{
    char path[SEGMENT_PATH_BYTES];

    if (body == NULL)
        return;
    vfs_close(body->file);
    segment_path(body->segment.number, path);
    if (body->made && !keep)
        (void)body->vfs->unlink(body->vfs, path);
    drop_buffers(body);
    free(body);
}

struct segment_walk {
    log_segment_fn *each;
    void *context;
};

static void visit_name(void *context, struct bytes name)
{
    struct segment_walk *walk = context;
    uint64_t number;

    if (segment_name_parse(name, &number) && segment_kind(number) == SEGMENT_BODY)
        walk->each(walk->context, number);
}

enum err log_body_segments(struct log *log, log_segment_fn *each, void *context)
{
    struct segment_walk walk = { each, context };

    return log->vfs->list(log->vfs, "log", visit_name, &walk);
}

void log_forget(struct log *log, uint64_t segment)
{
    for (size_t i = 0; i < LOG_OLD_FILES_MAX; i++) {
        if (log->old[i].number != segment)
            continue;
        vfs_close(log->old[i].file);
        log->old[i] = (struct log_old_file){ 0 };
    }
}

enum err log_unlink(struct log *log, uint64_t segment)
{
    char path[SEGMENT_PATH_BYTES];

    log_forget(log, segment);
    segment_path(segment, path);
    return log->vfs->unlink(log->vfs, path);
}
