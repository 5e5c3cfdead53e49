/* A mailbox's rows at one moment: references to its blocks with the number of rows seen in each.
 *
 * Immutable and reference-counted; all views that are equally up to date hold the same one. */
#ifndef ROOST_STORE_SNAPSHOT_H
#define ROOST_STORE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/err.h"
#include "store/block.h"
#include "store/rows.h"
#include "store/types.h"
#include "store/view.h"

struct snapshot_block {
    struct block *block; /* held */
    uint32_t before; /* rows in the blocks before */
    uint32_t count; /* rows of this one that belong to the snapshot; at least 1 */
};

struct snapshot {
    uint32_t references;
    uint32_t counted; /* the last round of pins_bound that met it */
    uint32_t count; /* rows in all */
    struct modseq modseq;
    uint32_t block_count;
    struct snapshot_block blocks[];
};

/* With one reference. */
struct snapshot *snapshot_new(const struct rows *rows, struct modseq modseq);
void snapshot_release(struct snapshot *snapshot); /* NULL is allowed */

static inline struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    snapshot->references++;
    return snapshot;
}

/* The block that holds row `index` (from 0, below count). */
const struct snapshot_block *snapshot_at(const struct snapshot *snapshot, uint32_t index);

/* The index of the first row whose UID is at least `uid`; count when there is none. */
uint32_t snapshot_find(const struct snapshot *snapshot, uint32_t uid);

/* What to tell: with `keep` the expunged rows are counted as if they were still there; rows that
 * changed last by `silent` are not told. */
struct snapshot_telling {
    bool keep;
    struct modseq silent;
};

struct snapshot_difference {
    struct view_changes changes;
    uint32_t gone; /* rows of `before` that `after` lacks */
};

/* What lies between two moments, found in steps; `after` knows every row of `before` or it was
 * expunged. Both are borrowed, and stay. */
struct snapshot_place {
    uint32_t block; /* block_count: the end */
    uint32_t at; /* a row of it */
};
struct snapshot_comparing {
    const struct snapshot *before;
    const struct snapshot *after;
    struct snapshot_telling telling;
    struct snapshot_place old; /* what of `before` comes next */
    struct snapshot_place new; /* what of `after` does */
    struct seqno *expunged; /* as in struct view_changes; all NULL while they are only counted */
    struct uid *expunged_uids;
    uint32_t expunged_count;
    struct seqno *changed;
    uint32_t changed_count;
    uint32_t seqno; /* of the next row of `before` that stays */
    bool is_counted; /* what is left is to write them down */
};

struct snapshot_comparing snapshot_compare_begin(const struct snapshot *before,
                                                 const struct snapshot *after,
                                                 struct snapshot_telling telling);

/* Takes what it costs off *left, in units of 10 ns, and stops when that is 0: then ERR_BUSY. The
 * lists are in `arena`, the same at each call. ERR_LIMIT: it is over budget. */
MUST_USE enum err snapshot_compare(struct snapshot_comparing *comparing, struct arena *arena,
                                   uint32_t *left, struct snapshot_difference *out_difference);

/* `after`, with those rows of `before` that it lacks put back in their places, made in steps.
 * Zeroed but for `before` and `after`, which are borrowed. Blocks among whose rows none is missing
 * are shared with `after`; the others share with `before` what no change of a message touches. */
struct snapshot_ghosts {
    const struct snapshot *before;
    const struct snapshot *after;
    uint32_t next; /* block of `before` */
    struct snapshot_place new; /* what of `after` comes next */
    struct snapshot_block *parts; /* made so far; owned */
    size_t count;
    size_t capacity;
    uint32_t rows;
};

/* As snapshot_compare: NULL, there is more to do; else it is through, and has one reference. */
MUST_USE struct snapshot *snapshot_with_ghosts(struct snapshot_ghosts *ghosts, uint32_t *left);
void snapshot_ghosts_done(struct snapshot_ghosts *ghosts); /* at any time */

#endif
