/* What blocks: syncs, the lock file's entry before the first change, the making of segments. One
 * job at a time; its `done` hands over what waited for it and starts what has become due meanwhile.
 */
#include <assert.h>

#include "store/log_batch.h"
#include "sys/vfs.h"

/* After a failed sync: leaves word that nothing from the entry's position on is to be believed. On
 * a full disk there may be no room for it, but in the last one's place there is; where the power
 * takes it from there an open log of another boot calls for an epoch, too. Best effort: when that
 * fails as well the next opening finds a log that looks whole, and brings it to the disk. */
static void disown(struct lockfile *lock, const struct lock_entry *entry)
{
    if (lockfile_write(lock, entry) != ERR_OK)
        (void)lockfile_replace(lock, entry);
}

static void work_run(struct job *job)
{
    struct log_work *work = CONTAINER_OF(job, struct log_work, job);

    work->err = ERR_OK;
    work->what = "the lock file";
    if (work->withdraw)
        work->err = lockfile_write(work->lock, &work->entry);
    if (work->err == ERR_OK && work->cut != 0) /* if it fails zeros follow the segment: they may */
        (void)work->sync->calls->truncate(work->sync, work->cut);
    if (work->err == ERR_OK && work->sync != NULL) {
        work->what = "the log";
        work->err = vfs_sync(work->sync);
        if (work->err != ERR_OK)
            disown(work->lock, &work->failed);
    }
    if (work->close_synced)
        vfs_close(work->sync);
    if (work->err == ERR_OK && work->create) {
        work->what = "a new segment";
        work->err = segment_create(work->vfs, &work->segment, &work->made);
    }
    if (work->err == ERR_OK && work->write.len > 0) {
        work->what = "the log";
        work->has_begun = true;
        work->err = vfs_append(work->made, work->write);
    }
}

/* The entry that takes the clean mark away. As long as an epoch is due it keeps the old identity,
 * so that a cut before the epoch is durable shows the same difference again. */
static struct lock_entry entry_of_withdrawal(const struct log *log)
{
    struct lock_entry entry = lockfile_present(log->lock, LOCK_OPEN, log->now);

    if (log->epoch_due) {
        entry = *lockfile_entry(log->lock);
        entry.state = LOCK_OPEN;
    }
    return entry;
}

/* Fills log->work with what is due. False: nothing. */
static bool work_fill(struct log *log)
{
    struct log_work *work = &log->work;
    bool prepares = log->previous != NULL || log->leaving.len > 0 || log->pending.len > 0;

    if (!prepares && (!log_is_made(log) || log->durable >= log_tip(log)))
        return false;
    *work = (struct log_work){
        .job = { .run = work_run },
        .log = log,
        .vfs = log->vfs,
        .lock = log->lock,
        .sync = prepares ? log->previous : log->file,
        .failed = lockfile_present(log->lock, LOCK_FAILED, log->now),
        .covers = prepares ? log->durable : log_tip(log),
    };
    work->failed.position = log->durable;
    work->failed.segment = log->previous != NULL ? log->segment.previous : log->segment.number;
    work->mark = log_mark_here(log, work->covers);
    if (!prepares)
        return true;
    work->withdraw = log->withdraw;
    work->entry = entry_of_withdrawal(log);
    work->close_synced = log->previous != NULL;
    work->cut = log->ahead.previous_end;
    work->create = !log_is_made(log);
    work->segment = log->segment;
    if (log->leaving.len == 0 && log->pending.len > LOG_STEP_BYTES)
        log_let_leave(log);
    work->write = buf_bytes(&log->leaving);
    work->made = log->file;
    assert(log->file == NULL || !log_has_ahead(log)); /* what waits is appended */
    if (work->create) {
        work->covers = log->segment.position + SEGMENT_RECORDS_AT;
        work->mark = log_mark_here(log, work->covers);
    }
    return true;
}

void log_fail(struct log *log, enum err err, const struct note *why)
{
    if (!log->failed)
        log->failure = err;
    log->failed = true;
    if (why != NULL && log->listener != NULL)
        log->listener->failed(log->listener, why);
}

void log_let_leave(struct log *log)
{
    struct buf empty = log->leaving;

    assert(empty.len == 0);
    log->leaving = log->pending;
    log->pending = empty;
}

static void count_written(struct log *log, struct buf *written)
{
    log->size += written->len;
    log->ahead.reach = log->size;
    buf_clear(written);
    buf_trim(written);
}

/* A write behind the end of the log has failed, and the log with it. What it left there must not be
 * met as a tail: on a full disk there is no room for the epoch that calls for. */
static enum err give_up(const struct log *log, struct vfs_file *file, enum err err)
{
    (void)file->calls->truncate(file, log->size);
    return err;
}

/* What waited, and is not much, is written in one go. `has_written`: a job has written what came
 * before. */
static enum err flush_pending(struct log *log, bool has_written)
{
    enum err err;

    if (log_is_barred(log) || log->leaving.len > 0 || log->pending.len > LOG_STEP_BYTES)
        return ERR_OK;
    if (log->pending.len > 0) {
        err = vfs_append(log->file, buf_bytes(&log->pending));
        if (err != ERR_OK)
            return give_up(log, log->file, err);
        count_written(log, &log->pending);
        has_written = true;
    }
    /* What is in the batch was made for its place in this segment. */
    if (has_written && log->size >= log->segment_bytes && !log->writing.active &&
        log->batch.len == 0)
        log_next_segment(log, log_tip(log));
    return ERR_OK;
}

static enum err work_take(struct log *log)
{
    struct log_work *work = &log->work;
    bool has_written = work->write.len > 0;

    if (work->close_synced) {
        log->previous = NULL;
        log->ahead.previous_end = 0;
    }
    if (work->err != ERR_OK && work->has_begun)
        work->err = give_up(log, work->made, work->err);
    if (work->err != ERR_OK && work->create)
        vfs_close(work->made);
    if (work->err != ERR_OK)
        return work->err;
    if (work->withdraw)
        log->withdraw = false;
    if (work->create) {
        log->file = work->made;
        log->synced_position = work->segment.position;
    }
    if (has_written)
        count_written(log, &log->leaving);
    if (work->sync == log->file && log->file != NULL)
        log_note_sync(log, work->covers - log->durable);
    log->durable = work->covers;
    if (work->create || work->sync != NULL)
        log->durable_mark = work->mark;
    log->durable_mark.base = log->base; /* it may have become another one since the job began */
    work->what = "the log";
    return flush_pending(log, has_written);
}

static void work_done(struct job *job)
{
    struct log_work *work = CONTAINER_OF(job, struct log_work, job);
    struct log *log = work->log;
    uint64_t before = log->durable;
    enum err err = work_take(log);

    log->busy = false;
    if (err != ERR_OK) {
        struct note why = { .text = "" };

        note_set(&why, "cannot write %s: %s", work->what, err_text(err));
        log_fail(log, err, &why);
        return;
    }
    if (log->again || log_must_wait(log))
        log_work_start(log);
    if (log->durable != before && log->listener != NULL)
        log->listener->durable(log->listener);
}

void log_work_start(struct log *log)
{
    if (log->busy || log->failed || log->executor == NULL ||
        !log->settled) /* log_settle does it all */
        return;
    if (!work_fill(log)) {
        log->again = false;
        return;
    }
    if (log->work.sync == log->file && log->work.sync != NULL)
        log->again = false;
    log->work.job.done = work_done;
    log->busy = true;
    log->executor->submit(log->executor, &log->work.job);
}

enum err log_work_all_now(struct log *log, struct note *why)
{
    enum err err = log->failed ? ERR_CLOSED : ERR_OK;

    assert(!log->busy);
    while (err == ERR_OK && work_fill(log)) {
        work_run(&log->work.job);
        err = work_take(log);
        if (err != ERR_OK) {
            note_set(why, "cannot write %s: %s", log->work.what, err_text(err));
            log_fail(log, err, NULL);
        }
    }
    return err;
}

void log_sync(struct log *log)
{
    log->again = true;
    log_work_start(log);
}

enum err log_sync_now(struct log *log)
{
    return log_work_all_now(log, NULL);
}
