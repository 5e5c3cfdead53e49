/* Bodies on their way in: small ones in memory, large ones through jobs into a segment. */
#include "store/body_writer_state.h"

#include <assert.h>

#include "message/parser.h"
#include "message/summary.h"
#include "store/account_state.h"
#include "store/alloc.h"
#include "store/packed_body.h"

enum {
    WRITER_BUFFER_BYTES = 256 * 1024, /* of a large body: filled while as much is being written */
    WRITER_JOB_BYTES_MIN = BODY_CHUNK_BYTES,
};

enum err body_writer_open(struct account *account, uint64_t bytes_max, struct waker *waker,
                          struct body_writer **out_writer)
{
    struct body_writer *writer;

    if (account->failed)
        return ERR_CLOSED;
    if (bytes_max > RECORD_BODY_BYTES_MAX)
        return ERR_LIMIT;
    if (account_is_over_quota(account, bytes_max))
        return ERR_OVER_QUOTA;
    writer = store_alloc(1, sizeof(*writer));
    writer->account = account;
    writer->waker = waker;
    writer->bytes_max = bytes_max;
    writer->filling = buf_make(WRITER_BUFFER_BYTES);
    writer->writing = buf_make(WRITER_BUFFER_BYTES);
    writer->summary = buf_make(SUMMARY_BYTES_MAX);
    writer->arena = arena_make(MESSAGE_ARENA_BUDGET);
    *out_writer = writer;
    return ERR_OK;
}

static void free_writer(struct body_writer *writer, bool keep)
{
    assert(!writer->running);
    log_body_free(writer->large, keep);
    buf_done(&writer->filling);
    buf_done(&writer->writing);
    buf_done(&writer->summary);
    arena_done(&writer->arena);
    free(writer);
}

static void parse(struct body_writer *writer, struct bytes bytes)
{
    struct message_limits limits = MESSAGE_LIMITS_DEFAULT;

    if (writer->parser == NULL)
        writer->parser = message_parser_new(&writer->arena, &limits);
    message_parser_feed(writer->parser, bytes);
}

static void summarise(struct body_writer *writer)
{
    summary_encode(message_parser_finish(writer->parser), &writer->summary);
    if (writer->summary.overflowed)
        buf_clear(&writer->summary);
    arena_done(&writer->arena);
    writer->parser = NULL;
}

static void run_job(struct job *job)
{
    struct body_writer *writer = CONTAINER_OF(job, struct body_writer, job);
    struct bytes bytes = buf_bytes(&writer->writing);

    parse(writer, bytes);
    if (writer->err == ERR_OK && bytes.len > 0)
        writer->err = log_body_append(writer->large, bytes);
    if (!writer->finishing)
        return;
    if (writer->err == ERR_OK)
        writer->err = log_body_finish(writer->large);
    summarise(writer);
}

static void job_done(struct job *job)
{
    struct body_writer *writer = CONTAINER_OF(job, struct body_writer, job);

    writer->running = false;
    writer->account->jobs--;
    writer->finished = writer->finishing;
    buf_clear(&writer->writing);
    if (writer->finished) { /* others of the same change may take long to come */
        buf_done(&writer->writing);
        buf_done(&writer->filling);
    }
    if (writer->abandoned)
        free_writer(writer, false);
    else
        writer->waker->wake(writer->waker);
}

static void submit(struct body_writer *writer, bool finishing)
{
    struct buf filled = writer->filling;

    writer->filling = writer->writing;
    writer->writing = filled;
    writer->finishing = finishing;
    writer->running = true;
    writer->job.run = run_job;
    writer->job.done = job_done;
    writer->account->jobs++;
    writer->account->executor->submit(writer->account->executor, &writer->job);
}

static void become_large(struct body_writer *writer)
{
    struct account *account = writer->account;

    writer->id.value = account->state.body_next++;
    writer->large = log_body_new(account->log, writer->id, account->wall);
}

/* Hands over what has gathered, when no job is running and it is worth one. */
static void submit_filled(struct body_writer *writer)
{
    if (writer->large != NULL && !writer->running && writer->filling.len >= WRITER_JOB_BYTES_MIN)
        submit(writer, false);
}

enum err body_writer_add(struct body_writer *writer, struct bytes bytes, size_t *out_taken)
{
    size_t room;

    if (!writer->running && writer->err != ERR_OK)
        return writer->err;
    if (writer->account->failed)
        return ERR_CLOSED;
    if (writer->finished || writer->finishing)
        return ERR_CONFLICT;
    if (bytes.len > writer->bytes_max - writer->size)
        return ERR_LIMIT;
    if (writer->large == NULL && writer->filling.len + bytes.len > BODY_INLINE_BYTES_MAX)
        become_large(writer);
    submit_filled(writer);
    room =
        (writer->large == NULL ? BODY_INLINE_BYTES_MAX : WRITER_BUFFER_BYTES) - writer->filling.len;
    bytes = bytes_slice(bytes, 0, room);
    buf_add(&writer->filling, bytes);
    writer->size += bytes.len;
    submit_filled(writer);
    *out_taken = bytes.len;
    return bytes.len == 0 && room == 0 ? ERR_BUSY : ERR_OK;
}

void body_writer_summarise(struct body_writer *writer)
{
    if (!writer->is_late)
        return;
    parse(writer, buf_bytes(&writer->filling));
    summarise(writer);
    writer->is_late = false;
}

/* Here, and not in the act: one act may take thousands of bodies. What is packed can wait for its
 * summary no longer. */
static void pack(struct body_writer *writer)
{
    struct buf packed = buf_make(
        BODY_INLINE_BYTES_MAX / PACKED_PIECE_BYTES * PACKED_FRAME_BYTES_MAX + PACKED_TAIL_BYTES);

    if (log_pack(writer->account->log, buf_bytes(&writer->filling), &packed)) {
        body_writer_summarise(writer);
        buf_clear(&writer->filling);
        buf_add(&writer->filling, buf_bytes(&packed));
        writer->encoding = RECORD_ZSTD;
    }
    buf_done(&packed);
}

enum err body_writer_finish(struct body_writer *writer)
{
    if (writer->running)
        return ERR_BUSY;
    if (writer->err != ERR_OK)
        return writer->err;
    if (writer->account->failed)
        return ERR_CLOSED;
    if (writer->finished)
        return ERR_OK;
    if (writer->large != NULL) {
        submit(writer, true);
        return ERR_BUSY;
    }
    writer->is_late = true;
    pack(writer);
    writer->finished = true;
    return ERR_OK;
}

void body_writer_free(struct body_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->running)
        writer->abandoned = true;
    else
        free_writer(writer, false);
}

void body_writer_consume(struct body_writer *writer)
{
    free_writer(writer, true);
}

uint64_t body_writer_size(const struct body_writer *writer)
{
    return writer->size;
}
