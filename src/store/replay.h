/* Goes through the records of a base and of the log segments above it, one at a time, in order:
 * what recovery and history have in common (docs/format.md, "Recovery"). Reads only; any thread.
 */
#ifndef ROOST_STORE_REPLAY_H
#define ROOST_STORE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/log.h"
#include "store/scan.h"
#include "store/segment_find.h"

/* An error of either ends the replay. */
struct replay_calls {
    /* A CHANGE or BASE whose ops make sense. */
    enum err (*give)(void *context, const struct log_record *record);
    /* `len` bytes from `place` on do not count. */
    enum err (*damage)(void *context, struct place place, uint64_t len, const char *what);
};

struct replay_options {
    const struct segments *segments; /* with their limits set; borrowed */
    const struct found_segment *base; /* comes first; NULL: none */
    size_t first; /* index of the first log segment */
    uint64_t start; /* offset in it where to begin, 0: its first record */
    uint64_t mark; /* a break at or behind this position, in the last segment, is the end */
    const struct replay_calls *calls;
    void *context;
};

struct replay {
    struct replay_options options;
    struct scan scan;
    struct vfs_file *file; /* of `found` */
    const struct found_segment *found; /* being read, or NULL */
    const struct found_segment *last;
    size_t next; /* index of the log segment after `found` */
    uint64_t previous; /* number of the log segment before `next` */
    uint64_t offset; /* of the next record in `found` */
    uint64_t limit;
    uint64_t end; /* offset in the last segment where the log ends */
    bool is_base_due;
    bool done;
};

void replay_begin(struct replay *replay, const struct replay_options *options);

/* Opens the next segment when there is none, else deals with one record (or stretch of damage).
 * ERR_UNSUPPORTED: a newer version wrote it. */
MUST_USE enum err replay_step(struct replay *replay);

/* The place of the record that the next step deals with; segment 0: it opens a segment. */
struct place replay_place(const struct replay *replay);

/* After replay_begin; also when it was not gone through to its end. */
void replay_done(struct replay *replay);

#endif
