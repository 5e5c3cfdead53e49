/* Batches: built in one buffer for the place where they will stand, written with one call. */
#include "store/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/alloc.h"
#include "store/log_base.h"
#include "store/log_batch.h"
#include "store/log_body.h"
#include "store/log_private.h"
#include "store/op.h"
#include "store/packed_body.h"
#include "sys/vfs.h"

#define SEGMENT_BYTES_USUAL (UINT64_C(64) << 20)

enum {
    PAYLOAD_BYTES_MAX = RECORD_CHANGE_BYTES_MAX,
    AHEAD_BYTES_USUAL = 256 * 1024,
    AHEAD_SYNCS_USUAL = 4,
};

static struct log *log_new(const struct log_options *options)
{
    struct log *log = store_alloc(1, sizeof(*log));

    log->vfs = options->vfs;
    log->executor = options->executor;
    log->now = options->now;
    log->account = options->account;
    log->compress = options->compress;
    log->vfs->random(log->vfs, &log->owner, sizeof(log->owner));
    log->owns_packing = options->packing == NULL;
    log->packing = log->owns_packing ? packing_new() : options->packing;
    log->segment_bytes = options->segment_bytes == 0 ? SEGMENT_BYTES_USUAL : options->segment_bytes;
    log->ahead.bytes = options->ahead_bytes == 0 ? AHEAD_BYTES_USUAL : options->ahead_bytes;
    log->ahead.syncs = options->ahead_syncs == 0 ? AHEAD_SYNCS_USUAL : options->ahead_syncs;
    log->batch = buf_make(LOG_BATCH_BYTES_MAX);
    log->leaving = buf_make(LOG_BATCH_BYTES_MAX);
    log->pending = buf_make(LOG_BATCH_BYTES_MAX);
    log->payload = buf_make(PAYLOAD_BYTES_MAX);
    log->serial_next = 1;
    return log;
}

static void log_free(struct log *log)
{
    log_trim(log);
    vfs_close(log->file);
    vfs_close(log->previous);
    lockfile_close(log->lock);
    if (log->owns_packing)
        packing_free(log->packing);
    buf_done(&log->batch);
    buf_done(&log->leaving);
    buf_done(&log->pending);
    buf_done(&log->payload);
    free(log);
}

static void ignore_name(void *context, struct bytes name)
{
}

/* The names `lock` and `log` themselves must outlive a power cut before anything counts on them: as
 * long as the lock file says nothing, who made them may not have got as far as that. */
static enum err prepare_directory(struct log *log, const struct log_options *options)
{
    struct vfs *vfs = options->vfs;
    enum err listed = vfs->list(vfs, "log", ignore_name, NULL);
    enum err err;

    if (listed != ERR_OK && (listed != ERR_NOT_FOUND || !options->create))
        return listed;
    err = lockfile_open(vfs, &log->lock);
    if (err == ERR_OK && listed == ERR_NOT_FOUND) {
        err = vfs->mkdir(vfs, "log");
        err = err == ERR_EXISTS ? ERR_OK : err;
    }
    if (err == ERR_OK && (listed == ERR_NOT_FOUND || lockfile_entry(log->lock)->state == LOCK_NONE))
        err = vfs->sync_dir(vfs, "");
    return err;
}

enum err log_open(const struct log_options *options, struct log **out_log,
                  struct log_report *out_report, struct note *why)
{
    struct log *log = log_new(options);
    struct log_report report = { 0 };
    enum err err = prepare_directory(log, options);

    if (err != ERR_OK)
        note_set(why, "cannot open the account's directory: %s", err_text(err));
    else
        err = log_recover(log, options, &report, why);
    if (err != ERR_OK) {
        log_free(log);
        return err;
    }
    *out_log = log;
    *out_report = report;
    return ERR_OK;
}

/* The entry of an open log is written again: the disk may hold another one behind it, clean or
 * failed, whose sync failed and which was cut off again, or not that one yet. The sync of this one
 * settles that, before anyone hears of what a failed one would take back. */
static bool stands_open(const struct log *log)
{
    return log->withdraw && lockfile_entry(log->lock)->state == LOCK_OPEN;
}

enum err log_settle(struct log *log, struct note *why)
{
    enum err err = ERR_OK;

    if (log->failed)
        return ERR_CLOSED;
    if (log_durable(log) != log_tip(log))
        err = log_work_all_now(log, why);
    if (err == ERR_OK && (log->epoch_due || stands_open(log))) {
        struct lock_entry entry = lockfile_present(log->lock, LOCK_OPEN, log->now);

        err = lockfile_write(log->lock, &entry);
        log->withdraw = log->withdraw && err != ERR_OK;
    }
    if (err != ERR_OK)
        return note_fail(why, err, "cannot write down the beginning: %s", err_text(err));
    log->epoch_due = false;
    log->again = false;
    log->settled = true;
    return ERR_OK;
}

static void leave_clean_mark(struct log *log, struct wall now)
{
    struct lock_entry entry = lockfile_present(log->lock, LOCK_CLEAN, now);

    if (lockfile_entry(log->lock)->state != LOCK_OPEN)
        return;
    entry.segment = log->durable_mark.segment;
    entry.position = log->durable;
    (void)lockfile_write(log->lock, &entry);
}

void log_close(struct log *log, struct wall now)
{
    if (log == NULL)
        return;
    assert(!log->busy && (log->failed || !log->writing.active));
    log->listener = NULL;
    /* An epoch that was not settled must come again: no clean mark then. */
    if (!log->failed && log->settled && log_work_all_now(log, NULL) == ERR_OK) {
        (void)log_rest(log);
        leave_clean_mark(log, now);
    }
    log_free(log);
}

void log_set_listener(struct log *log, struct log_listener *listener)
{
    log->listener = listener;
}

void log_detach(struct log *log)
{
    assert(!log->busy);
    log->listener = NULL;
    log->executor = NULL;
}

enum err log_batch(struct log *log)
{
    assert(!log->writing.active);
    if (log->failed)
        return ERR_CLOSED;
    buf_clear(&log->batch);
    return ERR_OK;
}

bool log_batch_has_room(const struct log *log, uint64_t length)
{
    uint64_t free_bytes = LOG_BATCH_BYTES_MAX - log->batch.len - log->pending.len;

    return length <= LOG_BATCH_BYTES_MAX && record_bytes(length) <= free_bytes;
}

static struct place batch_add(struct log *log, const struct record_header *header,
                              struct bytes payload)
{
    struct place place = { log->segment.number, log_batch_tail(log) };

    assert(place.offset % RECORD_ALIGN == 0);
    record_header_encode(&log->batch, log->key, place.offset, header);
    record_payload_encode(&log->batch, log->key, place.offset + RECORD_HEADER_BYTES, payload);
    while (log->batch.len % RECORD_ALIGN != 0)
        buf_add_byte(&log->batch, 0);
    assert(!log->batch.overflowed);
    return place;
}

enum err log_add_body(struct log *log, struct body_id body, struct wall when, struct bytes bytes,
                      struct place *out_body)
{
    struct record_stored stored = { RECORD_RAW, bytes };

    return log_add_stored(log, body, when, &stored, out_body);
}

enum err log_add_stored(struct log *log, struct body_id body, struct wall when,
                        const struct record_stored *stored, struct place *out_body)
{
    struct record_header header = {
        .type = RECORD_BODY,
        .encoding = (uint8_t)stored->encoding,
        .length = stored->payload.len,
        .number = body.value,
        .when = when,
        .durable = log->durable,
    };

    assert(stored->encoding == RECORD_RAW || log_compresses(log));
    if (!log_batch_has_room(log, header.length))
        return ERR_LIMIT;
    *out_body = batch_add(log, &header, stored->payload);
    return ERR_OK;
}

bool log_pack(struct log *log, struct bytes body, struct buf *out)
{
    return log_compresses(log) && packed_body_make(log->packing, body, out);
}

uint64_t log_body_back(const struct log *log, struct place body)
{
    assert(body.segment == log->segment.number);
    return log_batch_tail(log) - body.offset;
}

enum err log_add_change(struct log *log, const struct origin *origin, struct modseq number,
                        struct bytes ops, struct log_record *out_record)
{
    struct record_header header = {
        .type = RECORD_CHANGE,
        .encoding = RECORD_RAW,
        .number = number.value,
        .when = origin->now,
        .durable = log->durable,
    };
    struct place place;

    buf_clear(&log->payload);
    op_origin_encode(&log->payload, origin);
    buf_add(&log->payload, ops);
    header.length = log->payload.len;
    if (log->payload.overflowed || !log_batch_has_room(log, header.length))
        return ERR_LIMIT;
    place = batch_add(log, &header, buf_bytes(&log->payload));
    log->now = origin->now;
    *out_record = (struct log_record){
        .type = RECORD_CHANGE,
        .place = place,
        .number = number,
        .when = origin->now,
        .payload = buf_bytes(&log->payload),
    };
    return ERR_OK;
}

/* Somebody moved the directory, or wrote to it: nothing that follows would be where it belongs. */
static enum err disown_rest(struct log *log, enum err err)
{
    struct note why = { .text = "" };

    note_set(&why, "the segment is not as it was left: %s", err_text(err));
    log_fail(log, err, &why);
    return ERR_CLOSED;
}

enum err log_awake(struct log *log)
{
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    uint64_t size = 0;
    enum err err;

    if (!log->at_rest)
        return ERR_OK;
    segment_path(log->segment.number, path);
    err = log->vfs->open(log->vfs, path, VFS_OPEN_READ | VFS_OPEN_WRITE, &file);
    if (err == ERR_NOT_FOUND)
        return disown_rest(log, err);
    if (err != ERR_OK)
        return err;
    err = file->calls->size(file, &size);
    if (err != ERR_OK || size != log->size) {
        vfs_close(file);
        return disown_rest(log, err == ERR_OK ? ERR_CORRUPT : err);
    }
    log->file = file;
    log->at_rest = false;
    return ERR_OK;
}

void log_cut_off(struct log *log, enum err err)
{
    struct note why = { .text = "" };

    if (log_cut(log))
        return;
    note_set(&why, "cannot cut off what a failed write left: %s", err_text(err));
    log_fail(log, err, &why);
}

static enum err write_batch(struct log *log)
{
    enum err err = log_put(log, log->size, buf_bytes(&log->batch));

    if (err != ERR_OK) {
        log_cut_off(log, err);
        return err;
    }
    log->size += log->batch.len;
    log_take_ahead(log, log->batch.len);
    return ERR_OK;
}

enum err log_append(struct log *log, bool gated)
{
    bool waits = log_must_wait(log);
    enum err err = ERR_OK;

    if (log->failed)
        return ERR_CLOSED;
    assert(log->batch.len > 0);
    err = log_awake(log);
    if (err != ERR_OK)
        return err;
    if (waits)
        buf_add(&log->pending, buf_bytes(&log->batch));
    else
        err = write_batch(log);
    if (err != ERR_OK)
        return err;
    assert(!log->pending.overflowed);
    if (gated || waits || log_is_unheard(log))
        log->gate = log_tip(log);
    buf_clear(&log->batch);
    if (!waits && log->size >= log->segment_bytes)
        log_next_segment(log, log_tip(log));
    if (log_must_wait(log))
        log_work_start(log);
    return ERR_OK;
}

void log_next_segment(struct log *log, uint64_t position)
{
    assert(log->previous == NULL && log->leaving.len == 0 && log->pending.len == 0);
    assert(!log->writing.active);
    log->previous = log->file;
    log->ahead.previous_end = log_has_ahead(log) ? log->size : 0;
    log->file = NULL;
    log->segment.previous = log->segment.number;
    log->segment.features = log->compress ? SEGMENT_ZSTD : 0;
    log->segment.number = segment_number(log->serial_next++, SEGMENT_LOG);
    log->segment.position = position;
    log->segment.when = log->now;
    log->segment.account = log->account;
    segment_id_make(log->vfs, log->segment.id);
    log->key = record_key_make(log->segment.id);
    log->size = SEGMENT_RECORDS_AT;
    log->ahead.reach = SEGMENT_RECORDS_AT;
}

/* A segment that is still to be made has nothing in it, not even its header. */
uint64_t log_tip(const struct log *log)
{
    if (!log_is_made(log) && log->leaving.len == 0 && log->pending.len == 0)
        return log->segment.position;
    return log->segment.position + log_tail(log);
}

uint64_t log_gate(const struct log *log)
{
    return log->gate;
}

uint64_t log_durable(const struct log *log)
{
    return log->durable;
}

struct log_mark log_mark_here(const struct log *log, uint64_t position)
{
    struct log_mark mark = { .position = position,
                             .segment = log->segment.number,
                             .base = log->base };

    memcpy(mark.segment_id, log->segment.id, sizeof(mark.segment_id));
    return mark;
}

void log_durable_mark(const struct log *log, struct log_mark *out_mark)
{
    *out_mark = log->durable_mark;
}

uint64_t log_number_base(struct log *log)
{
    return segment_number(log->serial_next++, SEGMENT_BASE);
}

uint64_t log_segment_bytes(const struct log *log)
{
    return log_tail(log);
}

struct wall log_segment_when(const struct log *log)
{
    return log->segment.when;
}

bool log_is_rolling(const struct log *log)
{
    return !log_is_made(log);
}

bool log_roll(struct log *log, struct wall last)
{
    if (log->failed || log->busy || log->writing.active || !log_is_made(log) ||
        log->leaving.len > 0 || log->pending.len > 0 || log->durable != log_tip(log) ||
        log->size <= SEGMENT_RECORDS_AT || log_awake(log) != ERR_OK)
        return false;
    log_next_segment(log, log_tip(log));
    log->segment.when = last;
    log_work_start(log);
    return true;
}

uint64_t log_base(const struct log *log)
{
    return log->base;
}

void log_set_base(struct log *log, uint64_t base)
{
    log->base = base;
    log->durable_mark.base = base;
}

bool log_is_busy(const struct log *log)
{
    return log->busy;
}

bool log_has_failed(const struct log *log)
{
    return log->failed;
}

enum err log_failure(const struct log *log)
{
    return log->failure;
}
