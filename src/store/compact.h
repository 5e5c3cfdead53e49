/* One compaction: what the log said up to a horizon becomes a base, and the living bodies move out
 * of segments that are mostly dead (docs/format.md, "Base segments").
 *
 * Values in, values out: it reads sealed segments and writes one new one, and touches nothing that
 * the owner uses. The owner runs step after step in jobs, one at a time; a step moves a few MB at
 * most, or syncs. It may be given up between any two steps. While it runs nothing may be removed
 * from the log, and no change may name a body by a place in a segment that it supersedes. */
#ifndef ROOST_STORE_COMPACT_H
#define ROOST_STORE_COMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/time.h"
#include "store/record.h"
#include "store/types.h"

struct compact;
struct drops;
struct vfs;

struct compact_options {
    struct vfs *vfs; /* the account's directory; borrowed until compact_free */
    struct account_id account;
    uint64_t number; /* of the new base: of a serial that nothing has */
    uint64_t base; /* the one that counts now; 0: none */
    uint64_t position; /* durable, and all of the log; nothing behind it is read */
    struct wall now;
    struct wall before; /* segments whose last change is older are superseded */
    uint64_t excess_bytes; /* so much of the log is superseded whatever its age, oldest first */
    bool thorough; /* no segment with a dead body in it stays, whatever that gains */
    uint64_t gain_bytes_min; /* less than that is not worth it; when not `thorough` */
    uint64_t tried; /* a horizon that was not worth it */
};

struct compact *compact_new(const struct compact_options *options);

/* Does the next part. After an error, or when it is done, only the following work. ERR_NO_SPACE:
 * the disk is full; nothing of it is left after compact_free. */
MUST_USE enum err compact_step(struct compact *compact, bool *out_done, struct note *why);

enum compact_outcome {
    COMPACT_NO_HORIZON, /* no segment is old enough */
    COMPACT_NO_GAIN,
    COMPACT_DONE, /* the base is on the disk */
};

/* Where a body stands now. */
struct compact_move {
    struct body_id body;
    struct place from;
    struct place to;
};

struct compact_result {
    enum compact_outcome outcome;
    uint64_t horizon; /* the last log segment that is superseded; 0: none could be */
    struct wall next; /* NO_HORIZON: last change of the first segment that is too young; INT64_MAX:
                       * there is none */
    struct wall since; /* DONE: last change before the horizon */
    uint64_t garbage_before; /* state_garbage at the horizon, */
    uint64_t garbage_after; /* and what of it the segments that stay have */
    uint64_t written_bytes; /* of the base */
    uint64_t dropped_bytes; /* of the segments that may go, as far as their sizes are known */
    const struct compact_move *moves; /* by body; borrowed, as the next, until compact_free */
    size_t move_count;
    const struct drops *drops; /* as the base lists them */
};

/* Once it is done. */
void compact_result(const struct compact *compact, struct compact_result *out_result);

/* Removes what is written unless it is DONE. NULL is allowed. */
void compact_free(struct compact *compact);

#endif
