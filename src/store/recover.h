/* The parts of opening a log: recover.c finds the segments and the end, recover_replay.c goes
 * through the records, recover_base.c deals with base segments. Private to them. */
#ifndef ROOST_STORE_RECOVER_H
#define ROOST_STORE_RECOVER_H

#include "store/log_private.h"
#include "store/scan.h"

/* A log or base segment on the disk. */
struct found_segment {
    uint64_t number;
    struct segment segment; /* zero when broken */
    bool broken; /* no copy of its header holds */
    uint64_t size; /* of the file */
    uint64_t limit; /* what counts of it ends here */
};

struct recover {
    struct log *log;
    const struct log_options *options;
    struct log_report *report;
    struct note *why;
    struct found_segment *found; /* by number */
    size_t count;
    size_t capacity;
    const struct found_segment *base; /* to be replayed first, or NULL */
    size_t first; /* of the log segments to be replayed */
    uint64_t start; /* offset in it, 0: its first record */
    uint64_t mark; /* highest position known to have been durable */
    uint64_t end; /* offset in the last segment where the log ends */
    struct scan scan;
};

/* The last log segment, or NULL. */
struct found_segment *recover_last(struct recover *recover);

/* Replays a log segment from `start` on; in the last one it finds the end. */
MUST_USE enum err recover_replay(struct recover *recover, struct found_segment *found,
                                 uint64_t start, bool last);

/* Counts damage, notes the first, copies `len` bytes at `offset` of the segment aside. Damage that
 * was not met before calls for an epoch. */
MUST_USE enum err recover_damage(struct recover *recover, uint64_t segment, uint64_t offset,
                                 uint64_t len, const char *what);

/* Gives a CHANGE or BASE to the upper half. */
MUST_USE enum err recover_give(struct recover *recover, uint64_t segment, uint64_t offset,
                               const struct record_header *header, struct bytes payload);

/* Decides between the newest base and the segments it supersedes: sets base and first. */
MUST_USE enum err recover_choose_base(struct recover *recover);
MUST_USE enum err recover_replay_base(struct recover *recover);

#endif
