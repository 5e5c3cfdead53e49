/* One base segment: BODY records as they come, then BASE records. */
#include "store/base_writer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "store/alloc.h"
#include "store/op.h"
#include "store/scan.h"
#include "store/state.h"
#include "store/state_encode.h"
#include "sys/vfs.h"

enum {
    RECORD_BYTES = 4 * 1024, /* ops of one record, and a block: what one damaged byte costs */
    OUT_BYTES_MAX = 2 * RECORD_CHANGE_BYTES_MAX,
};

/* What comes next. */
enum stage {
    STAGE_HEAD,
    STAGE_MAILBOXES,
    STAGE_SUBSCRIPTIONS,
    STAGE_REST,
    STAGE_BODIES,
    STAGE_END
};

struct base_writer {
    struct vfs *vfs;
    struct segment segment;
    struct record_key key;
    struct vfs_file *file; /* NULL: not made */
    uint64_t size; /* of the file */
    struct buf out; /* to be written behind it */
    bool is_settled; /* all that was copied is on the disk */

    struct scan scan; /* of the segment that bodies come from */
    struct vfs_file *source;
    uint64_t source_number; /* 0: none */

    enum stage stage;
    size_t next; /* mailbox, subscription or body */
    size_t block; /* of that mailbox */
    struct buf ops; /* of the record in the making */
    uint64_t records;
};

struct base_writer *base_writer_new(struct vfs *vfs, const struct segment *segment)
{
    struct base_writer *writer = store_alloc(1, sizeof(*writer));

    assert(segment_kind(segment->number) == SEGMENT_BASE);
    writer->vfs = vfs;
    writer->segment = *segment;
    writer->segment.features |= SEGMENT_ZSTD; /* what is copied, or named, may be packed */
    segment_id_make(vfs, writer->segment.id);
    writer->key = record_key_make(writer->segment.id);
    writer->out = buf_make(OUT_BYTES_MAX);
    writer->ops = buf_make(RECORD_CHANGE_BYTES_MAX);
    return writer;
}

enum err base_writer_begin(struct base_writer *writer)
{
    writer->size = SEGMENT_RECORDS_AT;
    writer->is_settled = true;
    return segment_create(writer->vfs, &writer->segment, &writer->file);
}

static enum err write_out(struct base_writer *writer)
{
    enum err err = vfs_append(writer->file, buf_bytes(&writer->out));

    if (err == ERR_OK)
        vfs_hint(writer->file, writer->size, writer->out.len, VFS_HINT_WRITE);
    writer->size += writer->out.len;
    buf_clear(&writer->out);
    return err;
}

static uint64_t tail(const struct base_writer *writer)
{
    return writer->size + writer->out.len;
}

static void pad(struct base_writer *writer)
{
    while (tail(writer) % RECORD_ALIGN != 0)
        buf_add_byte(&writer->out, 0);
}

/* Copying. */

static void close_source(struct base_writer *writer)
{
    vfs_close(writer->source);
    writer->source = NULL;
    writer->source_number = 0;
}

static enum err open_source(struct base_writer *writer, uint64_t number)
{
    char path[SEGMENT_PATH_BYTES];
    struct segment segment;
    uint64_t size = 0;
    enum err err;

    if (writer->source_number == number)
        return ERR_OK;
    close_source(writer);
    segment_path(number, path);
    err = writer->vfs->open(writer->vfs, path, VFS_OPEN_READ, &writer->source);
    if (err != ERR_OK)
        return err;
    err = segment_header_read(writer->source, number, 0, &segment);
    if (err == ERR_OK && !segment_is_of(&segment, writer->segment.account))
        err = ERR_CORRUPT;
    if (err == ERR_OK)
        err = writer->source->calls->size(writer->source, &size);
    if (err != ERR_OK) {
        close_source(writer);
        return err;
    }
    writer->source_number = number;
    scan_begin(&writer->scan, writer->source, record_key_make(segment.id), size);
    return ERR_OK;
}

/* A body that holds, as far as can be told before it is read a second time. */
static enum err find_body(struct base_writer *writer, struct body_id body, struct place from,
                          struct record_header *out_header)
{
    enum err err = open_source(writer, from.segment);

    if (err == ERR_OK)
        err = scan_header(&writer->scan, from.offset, out_header);
    if (err == ERR_OK && (out_header->type != RECORD_BODY || out_header->number != body.value))
        err = ERR_CORRUPT;
    return err == ERR_OK ? scan_check(&writer->scan, from.offset, out_header) : err;
}

/* One chunk, under checksums of its new place. ERR_CORRUPT: reading failed. */
static enum err copy_chunk(struct base_writer *writer, uint64_t offset, size_t len)
{
    struct bytes chunk;

    if (scan_bytes(&writer->scan, offset, len, &chunk) != ERR_OK)
        return ERR_CORRUPT;
    record_payload_encode(&writer->out, writer->key, tail(writer), chunk);
    assert(!writer->out.overflowed);
    return writer->out.len >= BASE_WRITER_PIECE_BYTES ? write_out(writer) : ERR_OK;
}

static enum err copy_chunks(struct base_writer *writer, uint64_t offset, uint64_t length)
{
    enum err err = ERR_OK;

    while (err == ERR_OK && length > 0) {
        size_t len = length < RECORD_CHUNK_BYTES ? (size_t)length : RECORD_CHUNK_BYTES;

        err = copy_chunk(writer, offset, len);
        offset += len + RECORD_CRC_BYTES;
        length -= len;
    }
    return err;
}

/* Takes back what was written from `to` on. */
static enum err take_back(struct base_writer *writer, uint64_t to)
{
    enum err err = ERR_OK;

    if (to >= writer->size) {
        buf_truncate(&writer->out, (size_t)(to - writer->size));
        return ERR_OK;
    }
    buf_clear(&writer->out);
    err = writer->file->calls->truncate(writer->file, to);
    writer->size = to;
    return err;
}

enum err base_writer_copy(struct base_writer *writer, struct body_id body, struct place from,
                          struct place *out_to)
{
    struct place to = { writer->segment.number, tail(writer) };
    struct record_header header;
    enum err err;

    assert(segment_kind(from.segment) != SEGMENT_BODY && writer->stage == STAGE_HEAD);
    if (find_body(writer, body, from, &header) != ERR_OK)
        return ERR_CORRUPT;
    header.durable = writer->segment.position;
    writer->is_settled = false;
    record_header_encode(&writer->out, writer->key, to.offset, &header);
    err = copy_chunks(writer, from.offset + RECORD_HEADER_BYTES, header.length);
    if (err == ERR_CORRUPT) {
        err = take_back(writer, to.offset);
        return err == ERR_OK ? ERR_CORRUPT : err;
    }
    if (err != ERR_OK)
        return err;
    pad(writer);
    *out_to = to;
    return ERR_OK;
}

/* The state. */

/* Adds ops of a mailbox: itself, or its next block. */
static void add_mailbox(struct base_writer *writer, const struct state *state)
{
    const struct mailbox *mailbox = state->by_id[writer->next];
    const struct rows *rows = &mailbox->rows;

    if (writer->block == 0)
        state_mailbox_encode(&writer->ops, mailbox);
    if (writer->block < rows->block_count)
        state_rows_encode(&writer->ops, state, mailbox->id, rows->blocks[writer->block],
                          rows->blocks[writer->block]->count);
    if (++writer->block < rows->block_count)
        return;
    writer->block = 0;
    writer->next++;
}

static void add_rest(struct base_writer *writer, const struct base_content *content)
{
    state_threads_encode(&writer->ops, content->state);
    state_drops_encode(&writer->ops, content->drops);
}

static void next_stage(struct base_writer *writer)
{
    writer->stage++;
    writer->next = 0;
}

/* Adds a piece of whatever comes next. */
static void add_piece(struct base_writer *writer, const struct base_content *content)
{
    const struct state *state = content->state;
    struct op op = { .code = OP_BASE_BODY };
    size_t count = 0;

    switch (writer->stage) {
    case STAGE_HEAD: state_head_encode(&writer->ops, state, writer->segment.position); break;
    case STAGE_MAILBOXES:
        count = state->mailbox_count;
        if (writer->next < count)
            add_mailbox(writer, state);
        break;
    case STAGE_SUBSCRIPTIONS:
        count = state->subscription_count;
        if (writer->next < count)
            state_subscription_encode(&writer->ops, state, writer->next++);
        break;
    case STAGE_REST: add_rest(writer, content); break;
    case STAGE_BODIES:
        count = content->body_count;
        if (writer->next == count)
            break;
        op.as.base_body = content->bodies[writer->next++];
        op_encode(&writer->ops, &op);
        break;
    case STAGE_END: break;
    }
    if (writer->next >= count)
        next_stage(writer);
}

static enum err write_record(struct base_writer *writer)
{
    struct record_header header = {
        .type = RECORD_BASE,
        .encoding = RECORD_RAW,
        .length = writer->ops.len,
        .when = writer->segment.when,
        .durable = writer->segment.position,
    };

    if (writer->ops.overflowed)
        return ERR_LIMIT;
    record_header_encode(&writer->out, writer->key, tail(writer), &header);
    record_payload_encode(&writer->out, writer->key, tail(writer), buf_bytes(&writer->ops));
    pad(writer);
    buf_clear(&writer->ops);
    writer->records++;
    return write_out(writer);
}

enum err base_writer_flush(struct base_writer *writer)
{
    return writer->out.len > 0 ? write_out(writer) : ERR_OK;
}

enum err base_writer_settle(struct base_writer *writer)
{
    enum err err = base_writer_flush(writer);

    if (err == ERR_OK)
        err = vfs_sync(writer->file);
    writer->is_settled = err == ERR_OK;
    return err;
}

static enum err write_end(struct base_writer *writer)
{
    struct op op = { OP_BASE_END, { .base_end = writer->records + 1 } };

    op_encode(&writer->ops, &op);
    return write_record(writer);
}

enum err base_writer_state(struct base_writer *writer, const struct base_content *content,
                           bool *out_done)
{
    enum err err;

    assert(writer->is_settled);
    while (writer->stage != STAGE_END && writer->ops.len < RECORD_BYTES)
        add_piece(writer, content);
    if (writer->stage == STAGE_END && writer->ops.len < RECORD_BYTES) {
        err = write_end(writer);
        *out_done = true;
        return err;
    }
    err = write_record(writer);
    *out_done = false;
    return err;
}

enum err base_writer_finish(struct base_writer *writer)
{
    assert(writer->stage == STAGE_END && writer->out.len == 0);
    return vfs_sync(writer->file); /* its name is on the disk since it was made */
}

uint64_t base_writer_bytes(const struct base_writer *writer)
{
    return tail(writer);
}

void base_writer_free(struct base_writer *writer, bool keep)
{
    char path[SEGMENT_PATH_BYTES];

    if (writer == NULL)
        return;
    close_source(writer);
    scan_done(&writer->scan);
    if (writer->file != NULL && !keep) {
        segment_path(writer->segment.number, path);
        (void)writer->vfs->unlink(writer->vfs, path);
    }
    vfs_close(writer->file);
    buf_done(&writer->out);
    buf_done(&writer->ops);
    free(writer);
}
