/* The log of one account: the only place where something becomes durable (docs/format.md).
 *
 * A log is a sequence of segments in the directory log/. A position is a byte in that sequence; it
 * only grows, across segments. Everything runs on the owner's thread but the jobs that the log
 * itself gives to the executor; log_open, log_settle and log_close block and are called where that
 * is allowed.
 *
 * Writing: log_batch, then bodies (log_body.h) and changes, then log_append: one write. The bytes
 * are on the disk when log_durable has reached the position; one fdatasync serves all that waits.
 * When a segment is full, or the clean mark stands, what is appended waits in memory for the job
 * that makes the next segment (or takes the mark away); it counts as gated until it is durable. So
 * does all that is appended to a new log before some of it is durable.
 * When more than LOG_STEP_BYTES wait a job writes them as well. Of a large change
 * store/log_write.h writes a piece at a time.
 *
 * After a failed write or sync every call answers ERR_CLOSED or does nothing: close the log, open
 * it again, and only what was durable is there. */
#ifndef ROOST_STORE_LOG_H
#define ROOST_STORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/job.h"
#include "store/record.h"
#include "store/types.h"

struct log;
struct packing;
struct vfs;

enum {
    LOG_BATCH_BYTES_MAX = 64 * 1024 * 1024,
    LOG_STEP_BYTES = 256 * 1024,
};

/* A point of the log, to be checked later: a checkpoint carries one. All 0: the beginning. */
struct log_mark {
    uint64_t position;
    uint64_t segment;
    uint8_t segment_id[16];
    uint64_t base; /* the newest base of the log then; 0: none */
};

/* One CHANGE or BASE record. The bytes are borrowed until the callback returns, or, of one's own
 * change, until the next log_add_change. */
struct log_record {
    enum record_type type;
    struct place place;
    struct modseq number;
    struct wall when;
    struct bytes payload; /* CHANGE: op_origin_decode, then ops; BASE: ops */
};

/* Called by log_open on every record that counts, in order, damaged ones left out. A base comes
 * first and replaces all there was. Errors end the opening. */
typedef enum err log_replay_fn(void *context, const struct log_record *record);

/* Calls on the owner's thread. */
struct log_listener {
    void (*durable)(struct log_listener *listener);
    void (*failed)(struct log_listener *listener, const struct note *why);
};

struct log_options {
    struct vfs *vfs; /* the account's directory; borrowed until log_close */
    struct executor *executor; /* borrowed; until log_open has returned it is not used */
    bool create; /* begin a log where there is none */
    struct account_id account; /* whose it is; all 0: that is neither written nor looked at */
    struct log_mark from; /* replay starts here; what is before it is known to be durable */
    struct log_mark known; /* replay does not start here, but this was durable once; or all zero */
    bool compress; /* bodies that come may be stored packed */
    struct packing *packing; /* of the thread, borrowed likewise; NULL: the log has its own */
    uint64_t segment_bytes; /* when to begin a new segment; 0: the usual 64 MB */
    uint64_t ahead_bytes; /* to be taken at a time (store/log_ahead.h); 0: the usual 256 KB */
    uint32_t ahead_syncs; /* after so many small syncs; 0: the usual 4 */
    struct wall now;
    log_replay_fn *replay;
    void *context;
};

/* What opening met. */
struct log_report {
    bool created;
    bool unclean; /* the last owner did not close */
    uint32_t epoch_reasons; /* enum op_epoch_reason; not 0: log_settle wants an epoch first */
    uint64_t records; /* given to `replay` */
    uint64_t tail_bytes; /* set aside behind the last whole record */
    uint64_t damaged; /* records, and stretches where none could be made out, set aside */
    struct note damage; /* where the first of them is */
    uint64_t base_unfinished; /* one that does not count, while its past is there; or 0 */
};

/* Locks, finds the whole records, replays them, sets aside the rest, syncs what is kept.
 * ERR_BUSY: another process holds the lock. ERR_NOT_FOUND: nothing there and `create` is false.
 * ERR_CONFLICT: `from` is no place of this log; nothing has been replayed or touched: forget the
 * checkpoint and open from the beginning. ERR_UNSUPPORTED: a newer Roost wrote it. ERR_INVALID: a
 * segment is another account's; nothing has been touched. */
MUST_USE enum err log_open(const struct log_options *options, struct log **out_log,
                           struct log_report *out_report, struct note *why);

/* Must be called once after log_open. What is appended before it (the epoch that the report asked
 * for, always first; the beginning of a new account) is on the disk when it returns; then the lock
 * file names this machine, boot and directory. Blocks. */
MUST_USE enum err log_settle(struct log *log, struct note *why);

/* Syncs what is left and leaves the clean mark (unless the log has failed), unlocks, frees. No job
 * of the log may be running. NULL is allowed. */
void log_close(struct log *log, struct wall now);

/* NULL is allowed; before it is set nobody hears anything. */
void log_set_listener(struct log *log, struct log_listener *listener);
/* No job runs, none is begun any more, and nobody hears of the rest: log_sync_now, log_close. */
void log_detach(struct log *log);

/* Begins a batch; one that was begun and not appended is dropped. ERR_CLOSED. */
MUST_USE enum err log_batch(struct log *log);

/* Adds a CHANGE made of `ops`. ERR_LIMIT also when they pass RECORD_CHANGE_BYTES_MAX. The record is
 * handed out as replay will see it; `place` is final. */
MUST_USE enum err log_add_change(struct log *log, const struct origin *origin, struct modseq number,
                                 struct bytes ops, struct log_record *out_record);

/* Writes the batch. `gated`: answers wait for it. ERR_NO_SPACE, ERR_IO: nothing of it is in the
 * log, or else the log has failed (log_has_failed). */
MUST_USE enum err log_append(struct log *log, bool gated);

/* Positions: the end, the end of the last gated batch, and what is on the disk. */
uint64_t log_tip(const struct log *log);
uint64_t log_gate(const struct log *log);
uint64_t log_durable(const struct log *log);
/* The durable position as a checkpoint wants it. */
void log_durable_mark(const struct log *log, struct log_mark *out_mark);

/* Starts a sync when something is unsynced; one that is running is followed by another. */
void log_sync(struct log *log);

/* The same on this thread, at once. No job of the log may be running. */
MUST_USE enum err log_sync_now(struct log *log);

bool log_is_busy(const struct log *log); /* a job of it is running */
bool log_has_failed(const struct log *log);
enum err log_failure(const struct log *log); /* why it has; ERR_OK: it has not */

/* Closes descriptors that are only kept for speed: the present segment too, when all of it is
 * durable. What is left open is the lock. */
void log_trim(struct log *log);

#endif
