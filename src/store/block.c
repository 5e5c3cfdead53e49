/* Columns and their copy-on-write. */
#include "store/block.h"

#include <assert.h>
#include <string.h>

#include "store/alloc.h"

enum { BLOCK_ROWS_FIRST = 16 };

struct column {
    uint32_t references;
    uint32_t counted; /* the last round of block_count_bytes that met it */
    _Alignas(8) uint8_t data[];
};

static const uint8_t widths[COLUMN_COUNT] = {
    [COLUMN_UID] = sizeof(uint32_t),
    [COLUMN_FLAGS] = sizeof(uint16_t),
    [COLUMN_KEYWORDS] = sizeof(struct keyword_set),
    [COLUMN_MODSEQ] = sizeof(uint64_t),
    [COLUMN_INTERNAL_SECONDS] = sizeof(int64_t),
    [COLUMN_INTERNAL_ZONE] = sizeof(int16_t),
    [COLUMN_SAVE_DATE] = sizeof(int64_t),
    [COLUMN_SIZE] = sizeof(uint64_t),
    [COLUMN_BODY] = sizeof(uint64_t),
    [COLUMN_THREAD] = sizeof(uint64_t),
};

uint32_t block_column_width(enum block_column column)
{
    return widths[column];
}

static struct column *column_new(enum block_column column, uint32_t rows)
{
    struct column *made = store_alloc(1, sizeof(*made) + (size_t)rows * widths[column]);

    made->references = 1;
    return made;
}

static void column_release(struct column *column)
{
    if (column != NULL && --column->references == 0)
        free(column);
}

struct block *block_new(uint32_t capacity)
{
    struct block *block = store_alloc(1, sizeof(*block));

    assert(capacity <= BLOCK_ROWS);
    block->references = 1;
    block->capacity = capacity;
    for (enum block_column i = 0; i < COLUMN_COUNT; i++)
        if (i != COLUMN_KEYWORDS)
            block->columns[i] = column_new(i, capacity);
    return block;
}

void block_release(struct block *block)
{
    if (block == NULL || --block->references > 0)
        return;
    for (enum block_column i = 0; i < COLUMN_COUNT; i++)
        column_release(block->columns[i]);
    free(block);
}

const void *block_column(const struct block *block, enum block_column column)
{
    return block->columns[column] == NULL ? NULL : block->columns[column]->data;
}

void block_row(const struct block *block, uint32_t at, struct row *out_row)
{
    const struct keyword_set *keywords = block_column(block, COLUMN_KEYWORDS);

    *out_row = (struct row){
        .uid = { block_uids(block)[at] },
        .flags = ((const uint16_t *)block_column(block, COLUMN_FLAGS))[at],
        .modseq = { block_modseqs(block)[at] },
        .internal_date = {
            .seconds = ((const int64_t *)block_column(block, COLUMN_INTERNAL_SECONDS))[at],
            .zone = ((const int16_t *)block_column(block, COLUMN_INTERNAL_ZONE))[at],
        },
        .save_date = ((const int64_t *)block_column(block, COLUMN_SAVE_DATE))[at],
        .size = ((const uint64_t *)block_column(block, COLUMN_SIZE))[at],
        .body = { ((const uint64_t *)block_column(block, COLUMN_BODY))[at] },
        .thread = { ((const uint64_t *)block_column(block, COLUMN_THREAD))[at] },
    };
    if (keywords != NULL)
        out_row->keywords = keywords[at];
}

/* Gives the holder a block of its own; columns stay shared. */
static struct block *own(struct block **slot)
{
    struct block *block = *slot;
    struct block *copy;

    if (block->references == 1)
        return block;
    copy = store_alloc(1, sizeof(*copy));
    *copy = *block;
    copy->references = 1;
    for (enum block_column i = 0; i < COLUMN_COUNT; i++)
        if (copy->columns[i] != NULL)
            copy->columns[i]->references++;
    block_release(block);
    *slot = copy;
    return copy;
}

static void resize_column(struct block *block, enum block_column column, uint32_t capacity)
{
    struct column *old = block->columns[column];
    struct column *made;

    if (old == NULL)
        return;
    made = column_new(column, capacity);
    memcpy(made->data, old->data, (size_t)block->count * widths[column]);
    column_release(old);
    block->columns[column] = made;
}

static void reserve(struct block **slot, uint32_t rows)
{
    struct block *block = *slot;
    uint32_t capacity = block->capacity < BLOCK_ROWS_FIRST ? BLOCK_ROWS_FIRST : block->capacity;

    assert(rows <= BLOCK_ROWS);
    if (rows <= block->capacity)
        return;
    while (capacity < rows)
        capacity *= 2;
    block = own(slot);
    for (enum block_column i = 0; i < COLUMN_COUNT; i++)
        resize_column(block, i, capacity);
    block->capacity = capacity;
}

static bool has_keywords(const struct keyword_set *set)
{
    for (size_t i = 0; i < ARRAY_COUNT(set->word); i++)
        if (set->word[i] != 0)
            return true;
    return false;
}

/* Those who share the block see all zero for their rows, as they did without it. */
static void make_keywords(struct block *block)
{
    if (block->columns[COLUMN_KEYWORDS] == NULL)
        block->columns[COLUMN_KEYWORDS] = column_new(COLUMN_KEYWORDS, block->capacity);
}

void *block_own_column(struct block **slot, enum block_column column)
{
    struct block *block = own(slot);

    if (column == COLUMN_KEYWORDS)
        make_keywords(block);
    if (block->columns[column]->references > 1)
        resize_column(block, column, block->capacity);
    return block->columns[column]->data;
}

uint64_t block_count_bytes(const struct block *block, uint32_t round)
{
    uint64_t bytes = 0;

    for (enum block_column i = 0; i < COLUMN_COUNT; i++) {
        struct column *column = block->columns[i];

        if (column == NULL || column->counted == round)
            continue;
        column->counted = round;
        bytes += (uint64_t)block->capacity * widths[i];
    }
    return bytes;
}

static void put(struct block *block, enum block_column column, uint32_t at, const void *value)
{
    memcpy(block->columns[column]->data + (size_t)at * widths[column], value, widths[column]);
}

void block_append(struct block **slot, const struct row *row)
{
    struct block *block;
    uint32_t at = (*slot)->count;

    assert(at == 0 || block_uids(*slot)[at - 1] < row->uid.value);
    reserve(slot, at + 1);
    block = *slot;
    if (has_keywords(&row->keywords))
        make_keywords(block);
    put(block, COLUMN_UID, at, &row->uid.value);
    put(block, COLUMN_FLAGS, at, &row->flags);
    if (block->columns[COLUMN_KEYWORDS] != NULL)
        put(block, COLUMN_KEYWORDS, at, &row->keywords);
    put(block, COLUMN_MODSEQ, at, &row->modseq.value);
    put(block, COLUMN_INTERNAL_SECONDS, at, &row->internal_date.seconds);
    put(block, COLUMN_INTERNAL_ZONE, at, &row->internal_date.zone);
    put(block, COLUMN_SAVE_DATE, at, &row->save_date);
    put(block, COLUMN_SIZE, at, &row->size);
    put(block, COLUMN_BODY, at, &row->body.value);
    put(block, COLUMN_THREAD, at, &row->thread.value);
    block->count = at + 1;
}

void block_set_flags(struct block **slot, uint32_t at, const struct row *row)
{
    uint16_t *flags = block_own_column(slot, COLUMN_FLAGS);
    uint64_t *modseqs = block_own_column(slot, COLUMN_MODSEQ);

    assert(at < (*slot)->count);
    flags[at] = row->flags;
    modseqs[at] = row->modseq.value;
    if ((*slot)->columns[COLUMN_KEYWORDS] != NULL || has_keywords(&row->keywords)) {
        const struct keyword_set *now = block_column(*slot, COLUMN_KEYWORDS);

        if (now == NULL || memcmp(&now[at], &row->keywords, sizeof(*now)) != 0)
            ((struct keyword_set *)block_own_column(slot, COLUMN_KEYWORDS))[at] = row->keywords;
    }
}

uint32_t block_find(const struct block *block, uint32_t count, uint32_t uid)
{
    const uint32_t *uids = block_uids(block);
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (uids[middle] < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void block_append_rows(struct block **slot, const struct block *from, uint32_t first,
                       uint32_t count)
{
    struct block *block;

    reserve(slot, (*slot)->count + count);
    block = *slot;
    if (from->columns[COLUMN_KEYWORDS] != NULL)
        make_keywords(block);
    for (enum block_column i = 0; i < COLUMN_COUNT; i++) {
        uint8_t *to = block->columns[i] == NULL
                          ? NULL
                          : block->columns[i]->data + (size_t)block->count * widths[i];

        if (to != NULL && from->columns[i] != NULL)
            memcpy(to, from->columns[i]->data + (size_t)first * widths[i],
                   (size_t)count * widths[i]);
    }
    block->count += count;
}
