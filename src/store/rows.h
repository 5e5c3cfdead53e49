/* All rows of a mailbox as it is now: blocks in ascending UID order. Snapshots share the blocks. */
#ifndef ROOST_STORE_ROWS_H
#define ROOST_STORE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "store/block.h"
#include "store/types.h"

struct rows {
    struct block **blocks; /* none is empty */
    size_t block_count;
    size_t capacity;
    uint32_t count; /* rows in all */
};

/* One row: a block and a row in it. block == rows->block_count: past the end. */
struct rows_place {
    size_t block;
    uint32_t at;
};

/* Releases the blocks; empty and usable again. */
void rows_done(struct rows *rows);

/* Adds a row with a UID above all others. */
void rows_append(struct rows *rows, const struct row *row);

/* Takes over a whole block (one reference) with UIDs above all others: loading a checkpoint. */
void rows_append_block(struct rows *rows, struct block *block);

/* Adds rows [first, first + count) of `from`, with UIDs above all others. */
void rows_append_rows(struct rows *rows, const struct block *from, uint32_t first, uint32_t count);

/* 0 when there are no rows. */
uint32_t rows_last_uid(const struct rows *rows);

/* The first row whose UID is at least `uid`, or past the end. O(log n). */
struct rows_place rows_find(const struct rows *rows, uint32_t uid);

/* How far `count` rows (at least 1) reach from the first whose UID is at least `uid`: the UID of
 * the last of them. It is always of a whole block: of more rows when `count` is at least
 * BLOCK_ROWS, of fewer when it is less and the block ends before. UINT32_MAX when there is no such
 * row. */
uint32_t rows_reach(const struct rows *rows, uint32_t uid, uint32_t count);

/* The row with that UID; false when there is none. */
bool rows_get(const struct rows *rows, uint32_t uid, struct row *out_row);

/* Makes every MODSEQ at least `floor`. */
void rows_raise_modseqs(struct rows *rows, uint64_t floor);

/* Rows with a UID at or above `uid`. */
uint32_t rows_count_from(const struct rows *rows, uint32_t uid);

/* Walks the rows of `set` in ascending order. Flags may be set meanwhile, rows not added or
 * removed. struct rows_walk walk = rows_walk_make(rows, set); while (rows_walk_next(&walk, &row))
 * ... walk.place is where the row is */
struct rows_walk {
    const struct rows *rows;
    struct uid_set set;
    uint32_t range;
    struct rows_place place; /* of the row given last */
    bool started;
};

struct rows_walk rows_walk_make(const struct rows *rows, struct uid_set set);
bool rows_walk_next(struct rows_walk *walk, struct row *out_row);

/* Walks the rows of `set` block by block: `count` (at least 1) ascending places in the block of
 * `*slot`, which may be changed through block_mask and its like. */
typedef void rows_visit_fn(void *context, struct block **slot, const uint16_t *places,
                           uint32_t count);
void rows_visit(struct rows *rows, struct uid_set set, rows_visit_fn *visit, void *context);

/* Removes the rows of `set`, telling `each` of those of a block before. Blocks that hold none of
 * them keep their identity. What lies outside of the set's ends is not looked at. */
typedef void rows_removed_fn(void *context, const struct block *block, const uint16_t *places,
                             uint32_t count);
void rows_remove(struct rows *rows, struct uid_set set, rows_removed_fn *each, void *context);

#endif
