/* What the parts of the log share: log.c writes, log_work.c syncs and makes segments, recover.c
 * opens, log_read.c reads bodies. Private to them. */
#ifndef ROOST_STORE_LOG_PRIVATE_H
#define ROOST_STORE_LOG_PRIVATE_H

#include "base/buf.h"
#include "base/job.h"
#include "store/lockfile.h"
#include "store/log.h"
#include "store/log_ahead.h"
#include "store/segment.h"

struct vfs_file;

enum { LOG_OLD_FILES_MAX = 2 };

/* What a job of the log does, as values. */
struct log_work {
    struct job job;
    struct log *log; /* for `done` only */
    struct vfs *vfs;
    struct lockfile *lock;
    bool withdraw; /* first: write `entry` */
    struct lock_entry entry;
    struct vfs_file *sync; /* then: sync this file */
    struct lock_entry failed; /* the entry for when that fails */
    uint64_t cut; /* before that: what is behind is cut off; 0: nothing is */
    bool close_synced; /* it is the old segment's: close it */
    bool create; /* then: make `segment` */
    struct segment segment;
    struct vfs_file *made; /* or the one that is there */
    struct bytes write; /* then: append this to it */
    bool has_begun; /* with that */
    uint64_t covers; /* durable position when all went well */
    struct log_mark mark; /* the same, as log_durable_mark tells it */
    enum err err;
    const char *what; /* that failed */
};

/* A segment kept open for reading. */
struct log_old_file {
    uint64_t number; /* 0: free */
    struct record_key key;
    struct vfs_file *file;
    uint64_t used; /* grows with each use */
};

/* A CHANGE that is written in pieces. What of it is framed and not yet written is in the batch. */
struct log_writing {
    bool active;
    bool gated;
    struct bytes left; /* of the payload: not yet framed */
    uint64_t written; /* bytes of it in the file, behind what `size` counts */
};

struct log {
    struct vfs *vfs;
    struct executor *executor; /* NULL: no jobs any more */
    struct log_listener *listener;
    struct lockfile *lock;
    uint64_t segment_bytes;
    struct wall now; /* of the last batch: for entries of the lock file */
    struct account_id account;

    bool compress;
    struct packing *packing;
    bool owns_packing;
    uint64_t owner; /* in its memory: random */
    struct segment segment; /* to which batches go */
    struct record_key key;
    struct vfs_file *file; /* NULL: still to be made, or at rest */
    bool at_rest; /* `file` is closed, all of it is durable: log_awake opens it again */
    struct vfs_file *previous; /* full, to be synced before `file` is made */
    struct log_ahead ahead;
    uint64_t size; /* of `file`: whole batches; what follows is in `leaving`, then in `pending` */
    struct buf leaving; /* the next job writes it: left alone until that is through */
    struct buf pending; /* waits for the job that lets it be written */
    struct buf batch; /* being built */
    struct log_writing writing;
    struct buf payload; /* of the CHANGE in it */
    bool withdraw; /* the clean mark stands, or there is no entry yet */
    bool settled; /* the lock file's entry may say clean */
    bool epoch_due;
    uint64_t unheard; /* while no more than this is durable the log says nothing */
    uint64_t synced_position; /* of the segment that `file`, else `previous`, is */
    uint64_t gate;
    uint64_t durable;
    struct log_mark durable_mark;
    bool busy; /* `work` is on its way */
    bool again; /* a sync was asked for meanwhile */
    bool failed;
    enum err failure; /* why */
    struct log_work work;

    uint64_t base; /* the newest that counts */
    uint64_t serial_next;
    struct log_old_file old[LOG_OLD_FILES_MAX];
    uint64_t uses;
    uint64_t packed_in; /* the segment in which the last packed body was met; 0: none was */
};

/* Packed bodies may be added. Opening begins a segment when the last one does not tell of them. */
static inline bool log_compresses(const struct log *log)
{
    return log->compress && (log->segment.features & SEGMENT_ZSTD) != 0;
}

/* The segment is on the disk. */
static inline bool log_is_made(const struct log *log)
{
    return log->file != NULL || log->at_rest;
}

/* True when nothing may be written to the file yet. */
static inline bool log_is_barred(const struct log *log)
{
    return !log_is_made(log) || log->withdraw;
}

/* So it is, or something else is to be written before. */
static inline bool log_must_wait(const struct log *log)
{
    return log_is_barred(log) || log->leaving.len > 0 || log->pending.len > 0;
}

/* Where the next batch will stand in the segment. */
static inline uint64_t log_tail(const struct log *log)
{
    return log->size + log->leaving.len + log->pending.len;
}

/* `position`, which is in the present segment. */
struct log_mark log_mark_here(const struct log *log, uint64_t position);

/* Begins the segment behind the present one, at `position`. Makes nothing yet. */
void log_next_segment(struct log *log, uint64_t position);

/* Opens the present segment again when it was at rest. ERR_CLOSED: it is not there as it was left,
 * and the log has failed. Others: no descriptor is left, say; nothing has happened. */
MUST_USE enum err log_awake(struct log *log);

/* recover.c: fills a log whose vfs and lock are set; replays. */
MUST_USE enum err log_recover(struct log *log, const struct log_options *options,
                              struct log_report *report, struct note *why);

#endif
