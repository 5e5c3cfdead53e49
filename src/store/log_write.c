/* A CHANGE on its way into the log, piece by piece. What a cut leaves of it is a tail like any
 * other: its end is missing. */
#include "store/log_write.h"

#include <assert.h>

#include "store/log_batch.h"
#include "sys/vfs.h"

enum err log_write_begin(struct log *log, const struct log_change *change,
                         struct log_record *out_record)
{
    struct record_header header = {
        .type = RECORD_CHANGE,
        .encoding = RECORD_RAW,
        .length = change->payload.len,
        .number = change->number.value,
        .when = change->when,
        .durable = log->durable,
    };
    struct place place = { log->segment.number, log_batch_tail(log) };

    assert(!log->writing.active && change->payload.len > 0);
    assert(place.offset % RECORD_ALIGN == 0);
    if (log->failed)
        return ERR_CLOSED;
    if (header.length > RECORD_CHANGE_BYTES_MAX || !log_batch_has_room(log, header.length))
        return ERR_LIMIT;
    record_header_encode(&log->batch, log->key, place.offset, &header);
    log->now = change->when;
    log->writing = (struct log_writing){ true, change->gated, change->payload, 0 };
    *out_record = (struct log_record){
        .type = RECORD_CHANGE,
        .place = place,
        .number = change->number,
        .when = change->when,
        .payload = change->payload,
    };
    return ERR_OK;
}

/* The next chunk goes into the batch; answers its bytes. */
static uint64_t frame(struct log *log)
{
    struct bytes chunk = bytes_slice(log->writing.left, 0, RECORD_CHUNK_BYTES);

    record_payload_encode(&log->batch, log->key, log_batch_tail(log), chunk);
    log->writing.left = bytes_from(log->writing.left, chunk.len);
    while (log->writing.left.len == 0 && log_batch_tail(log) % RECORD_ALIGN != 0)
        buf_add_byte(&log->batch, 0);
    assert(!log->batch.overflowed);
    return chunk.len;
}

/* All of it is framed, and nothing may be written to the file yet. */
static void hand_over(struct log *log)
{
    struct buf empty;

    assert(log->writing.written == 0);
    if (log->leaving.len == 0 && log->batch.len > LOG_STEP_BYTES)
        log_let_leave(log); /* so that the batch need not be copied */
    empty = log->pending;
    if (empty.len > 0) {
        buf_add(&log->pending, buf_bytes(&log->batch));
    } else {
        log->pending = log->batch;
        log->batch = empty;
    }
    assert(!log->pending.overflowed);
}

/* The end of the log moves behind it. */
static void end_of_write(struct log *log, bool waits)
{
    uint64_t written = log->writing.written;

    log->size += written;
    log->writing.written = 0;
    log->writing.active = false;
    if (!waits)
        log_take_ahead(log, written);
    if (log->writing.gated || waits || log_is_unheard(log))
        log->gate = log_tip(log);
    buf_clear(&log->batch);
    if (log->batch.capacity > LOG_STEP_BYTES)
        buf_trim(&log->batch);
    if (!waits && log->size >= log->segment_bytes)
        log_next_segment(log, log_tip(log));
    if (log_must_wait(log))
        log_work_start(log);
}

static enum err give_up(struct log *log, enum err err)
{
    log->writing = (struct log_writing){ 0 };
    buf_clear(&log->batch);
    return err;
}

enum err log_write(struct log *log, uint64_t bytes_max)
{
    struct log_writing *writing = &log->writing;
    uint64_t most = bytes_max > LOG_PIECE_BYTES_MIN ? bytes_max : LOG_PIECE_BYTES_MIN;
    bool waits = log_must_wait(log);
    struct bytes piece;
    enum err err = log->failed ? ERR_CLOSED : log_awake(log);

    assert(writing->active && (!waits || writing->written == 0));
    if (err != ERR_OK)
        return give_up(log, err);
    for (uint64_t framed = 0;
         writing->left.len > 0 && framed < most && (waits || log->batch.len < most);)
        framed += frame(log);
    if (waits && writing->left.len > 0)
        return ERR_BUSY;
    if (waits) {
        hand_over(log);
        end_of_write(log, true);
        return ERR_OK;
    }
    piece = bytes_slice(buf_bytes(&log->batch), 0, most);
    err = log_put(log, log->size + writing->written, piece);
    if (err != ERR_OK) {
        log_cut_off(log, err);
        return give_up(log, err);
    }
    buf_consume(&log->batch, piece.len);
    writing->written += piece.len;
    if (writing->left.len > 0 || log->batch.len > 0)
        return ERR_BUSY;
    end_of_write(log, false);
    return ERR_OK;
}
