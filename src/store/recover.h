/* The parts of opening a log: recover.c finds the end, recover_copy.c that of a copy,
 * recover_replay.c gives out the records and sets aside the rest. Private to them. */
#ifndef ROOST_STORE_RECOVER_H
#define ROOST_STORE_RECOVER_H

#include "store/log_private.h"
#include "store/segment_find.h"

struct recover {
    struct log *log;
    const struct log_options *options;
    struct log_report *report;
    struct note *why;
    struct segments segments;
    const struct found_segment *base; /* to be replayed first, or NULL */
    size_t first; /* of the log segments to be replayed */
    uint64_t start; /* offset in it, 0: its first record */
    uint64_t mark; /* highest position known to have been durable */
    uint64_t end; /* offset in the last segment where the log ends */
    bool is_empty_behind; /* there is space taken ahead and nothing else */
};

/* The last log segment, or NULL. */
const struct found_segment *recover_last(const struct recover *recover);

/* Replays base and log segments; finds the end. */
MUST_USE enum err recover_replay(struct recover *recover);

/* In a copy: the limit of the last log segment becomes the end of what the copy has of it whole.
 * Reads all of it. */
MUST_USE enum err recover_limit_copy(struct recover *recover, struct found_segment *last);

/* Has an opening set aside these bytes? */
bool recover_was_met(struct vfs *vfs, struct place place, uint64_t len);

/* Counts damage, notes the first, copies `len` bytes at `place` aside. Damage that was not met
 * before calls for an epoch. */
MUST_USE enum err recover_damage(struct recover *recover, struct place place, uint64_t len,
                                 const char *what);

#endif
