/* Up to BLOCK_ROWS rows of one mailbox, ascending by UID, held as one array a column.
 *
 * Blocks and columns are reference-counted and shared between the mailbox and snapshots. A block
 * with more than one reference is immutable but for one thing: rows may be appended behind its
 * count. Who shares it remembers how many rows it saw (struct snapshot does) and never looks
 * further. Only the newest holder, the mailbox, appends, so the free tail has one writer. Every
 * other change replaces the block in the holder's slot by one that owns the changed column and
 * shares the rest.
 *
 * All on one thread: the counts are plain integers. */
#ifndef ROOST_STORE_BLOCK_H
#define ROOST_STORE_BLOCK_H

#include <stdint.h>

#include "base/attributes.h"
#include "store/types.h"

enum { BLOCK_ROWS = 4096 };

enum block_column {
    COLUMN_UID,
    COLUMN_FLAGS,
    COLUMN_KEYWORDS, /* absent while no row has one */
    COLUMN_MODSEQ,
    COLUMN_INTERNAL_SECONDS,
    COLUMN_INTERNAL_ZONE,
    COLUMN_SAVE_DATE,
    COLUMN_SIZE,
    COLUMN_BODY,
    COLUMN_THREAD,
    COLUMN_COUNT,
};

struct column;

struct block {
    uint32_t references;
    uint32_t count; /* rows */
    uint32_t capacity; /* rows that the columns have room for, at most BLOCK_ROWS */
    struct column *columns[COLUMN_COUNT];
};

/* Bytes of one row in that column. */
uint32_t block_column_width(enum block_column column);

/* An empty one with one reference and room for `capacity` rows. */
struct block *block_new(uint32_t capacity);

static inline struct block *block_hold(struct block *block)
{
    block->references++;
    return block;
}

/* Frees it with the last reference; NULL is allowed. */
void block_release(struct block *block);

/* The array of a column, NULL for absent keywords. Borrowed until the block's next change. */
const void *block_column(const struct block *block, enum block_column column);

/* True when both have the same memory for that column. */
static inline bool block_shares(const struct block *a, const struct block *b,
                                enum block_column column)
{
    return a->columns[column] == b->columns[column];
}

static inline const uint32_t *block_uids(const struct block *block)
{
    return block_column(block, COLUMN_UID);
}

static inline const uint64_t *block_modseqs(const struct block *block)
{
    return block_column(block, COLUMN_MODSEQ);
}

/* `at` is below the number of rows that the caller may see. */
void block_row(const struct block *block, uint32_t at, struct row *out_row);

/* Adds a row behind the last one, in amortised constant time; its UID is higher than all before.
 * The block in `*slot` may be replaced. It has fewer than BLOCK_ROWS rows. */
void block_append(struct block **slot, const struct row *row);

/* A column that the holder of `*slot` may write to: the block and the column are replaced by copies
 * where they are shared, absent keywords are made. */
MUST_USE void *block_own_column(struct block **slot, enum block_column column);

/* Bytes of those columns that no earlier call with the same `round` has counted: memory that many
 * blocks share is counted once. */
uint64_t block_count_bytes(const struct block *block, uint32_t round);

/* Sets what STORE may change in row `at`. */
void block_set_flags(struct block **slot, uint32_t at, const struct row *row);

/* The index of the first of `count` rows whose UID is at least `uid`; `count` if there is none. */
uint32_t block_find(const struct block *block, uint32_t count, uint32_t uid);

/* Appends rows [first, first + count) of `from`, column by column; they fit into BLOCK_ROWS. */
void block_append_rows(struct block **slot, const struct block *from, uint32_t first,
                       uint32_t count);

#endif
