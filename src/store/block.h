/* Up to BLOCK_ROWS rows of one mailbox, ascending by UID, held as one packed column a field.
 *
 * Blocks are reference-counted and shared between the mailbox and snapshots; copies of a block
 * share the columns that are the same in both. A block with more than one reference is immutable
 * but for one thing: rows may be appended behind its count. Who shares it remembers how many rows
 * it saw (struct snapshot does) and never looks further. Only the newest holder, the mailbox,
 * appends, so the free tail has one writer. Every other change replaces the block in the holder's
 * slot by one that owns the changed column and shares the rest.
 *
 * All on one thread: the counts are plain integers. */
#ifndef ROOST_STORE_BLOCK_H
#define ROOST_STORE_BLOCK_H

#include <stdint.h>

#include "base/attributes.h"
#include "store/column.h"
#include "store/types.h"

enum { BLOCK_ROWS = COLUMN_VALUES_MAX };

enum block_column { /* the order is that on the disk */
                    COLUMN_UID,
                    COLUMN_FLAGS,
                    COLUMN_KEYWORDS_LOW, /* the words of struct keyword_set */
                    COLUMN_KEYWORDS_HIGH,
                    COLUMN_MODSEQ,
                    COLUMN_INTERNAL_SECONDS,
                    COLUMN_INTERNAL_ZONE,
                    COLUMN_SAVE_DATE,
                    COLUMN_SIZE,
                    COLUMN_BODY,
                    COLUMN_THREAD,
                    COLUMN_COUNT,
};

struct block {
    uint32_t references;
    uint32_t count; /* rows */
    uint32_t counted; /* the last round of block_count_bytes that met it */
    struct column columns[COLUMN_COUNT];
};

/* An empty one with one reference. */
struct block *block_new(void);

static inline struct block *block_hold(struct block *block)
{
    block->references++;
    return block;
}

/* Frees it with the last reference; NULL is allowed. */
void block_release(struct block *block);

/* One field of a row; `at` is below the number of rows that the caller may see. */
static inline uint64_t block_get(const struct block *block, enum block_column column, uint32_t at)
{
    return column_get(&block->columns[column], at);
}

static inline uint32_t block_uid(const struct block *block, uint32_t at)
{
    return (uint32_t)block_get(block, COLUMN_UID, at);
}

/* True when both are known to say the same in that column, as far as both have rows. */
static inline bool block_shares(const struct block *a, const struct block *b,
                                enum block_column column)
{
    return column_is_same(&a->columns[column], &b->columns[column]);
}

void block_row(const struct block *block, uint32_t at, struct row *out_row);

/* `count` values of a column from row `first` on. */
static inline void block_load(const struct block *block, enum block_column column, uint32_t first,
                              uint32_t count, uint64_t *out)
{
    column_load(&block->columns[column], first, count, out);
}

/* The values of a column at those `count` ascending places. */
void block_pick(const struct block *block, enum block_column column, const uint16_t *places,
                uint32_t count, uint64_t *out);

/* Adds a row behind the last one, in amortised constant time; its UID is higher than all before and
 * the block has fewer than BLOCK_ROWS rows. */
void block_append(struct block *block, const struct row *row);

/* Sets `value & keep | set` in the rows at those `count` ascending places. The block in `*slot` is
 * replaced by a copy where it is shared, here and in block_store. */
struct block_mask {
    uint64_t keep;
    uint64_t set;
};
void block_mask(struct block **slot, enum block_column column, struct block_mask mask,
                const uint16_t *places, uint32_t count);

/* How many of the rows at those places lack one of `bits`. */
uint32_t block_count_without(const struct block *block, enum block_column column, uint64_t bits,
                             const uint16_t *places, uint32_t count);

/* Replaces a whole column: `values` has one for each row. */
void block_store(struct block **slot, enum block_column column, const uint64_t *values);

/* Bytes of those columns that no earlier call with the same `round` has counted: memory that many
 * blocks share is counted once. */
uint64_t block_count_bytes(struct block *block, uint32_t round);

/* The index of the first of `count` rows whose UID is at least `uid`; `count` if there is none. */
uint32_t block_find(const struct block *block, uint32_t count, uint32_t uid);

/* The rows at those `count` places, which ascend, as a new block. */
struct block *block_select(const struct block *block, const uint16_t *places, uint32_t count);

/* Appends rows [first, first + count) of `from`, column by column; they fit into BLOCK_ROWS. */
void block_append_rows(struct block *block, const struct block *from, uint32_t first,
                       uint32_t count);

/* Its first `count` rows as stored (docs/format.md, "Checkpoint"), and back: NULL when they are not
 * what rows can be. */
void block_encode(struct buf *buf, const struct block *block, uint32_t count);
struct block *block_decode(struct reader *reader, uint32_t count);

#endif
