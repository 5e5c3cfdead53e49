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

/* What lies between two moments; `after` knows every row of `before` or it was expunged.
 * ERR_LIMIT: the arena is over budget. */
MUST_USE enum err snapshot_compare(const struct snapshot *before, const struct snapshot *after,
                                   struct snapshot_telling telling, struct arena *arena,
                                   struct snapshot_difference *out_difference);

/* `after`, with those rows of `before` that it lacks put back in their places. Blocks of `after`
 * among which none is missing are shared. */
struct snapshot *snapshot_with_ghosts(const struct snapshot *before, const struct snapshot *after);

#endif
