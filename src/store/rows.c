/* The list of a mailbox's blocks. */
#include "store/rows.h"

#include <assert.h>
#include <string.h>

#include "store/alloc.h"

enum {
    /* Neighbours that together have no more rows than this become one block: half full, so that
     * splitting and joining do not alternate. */
    ROWS_JOIN_MAX = BLOCK_ROWS / 2,
};

void rows_done(struct rows *rows)
{
    for (size_t i = 0; i < rows->block_count; i++)
        block_release(rows->blocks[i]);
    free(rows->blocks);
    *rows = (struct rows){ 0 };
}

static uint32_t last_uid(const struct block *block)
{
    return block_uids(block)[block->count - 1];
}

static void push(struct rows *rows, struct block *block)
{
    rows->blocks = store_grow(rows->blocks, rows->block_count, &rows->capacity, sizeof(block));
    rows->blocks[rows->block_count++] = block;
}

void rows_append(struct rows *rows, const struct row *row)
{
    assert(rows->count == 0 || last_uid(rows->blocks[rows->block_count - 1]) < row->uid.value);
    if (rows->count == 0 || rows->blocks[rows->block_count - 1]->count == BLOCK_ROWS)
        push(rows, block_new(0));
    block_append(&rows->blocks[rows->block_count - 1], row);
    rows->count++;
}

uint32_t rows_last_uid(const struct rows *rows)
{
    return rows->count == 0 ? 0 : last_uid(rows->blocks[rows->block_count - 1]);
}

void rows_append_block(struct rows *rows, struct block *block)
{
    assert(block->count > 0);
    assert(rows->block_count == 0 ||
           last_uid(rows->blocks[rows->block_count - 1]) < block_uids(block)[0]);
    push(rows, block);
    rows->count += block->count;
}

struct rows_place rows_find(const struct rows *rows, uint32_t uid)
{
    size_t low = 0;
    size_t high = rows->block_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (last_uid(rows->blocks[middle]) < uid)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == rows->block_count)
        return (struct rows_place){ low, 0 };
    return (struct rows_place){ low, block_find(rows->blocks[low], rows->blocks[low]->count, uid) };
}

bool rows_get(const struct rows *rows, uint32_t uid, struct row *out_row)
{
    struct rows_place place = rows_find(rows, uid);

    if (place.block == rows->block_count || block_uids(rows->blocks[place.block])[place.at] != uid)
        return false;
    block_row(rows->blocks[place.block], place.at, out_row);
    return true;
}

void rows_set_flags(struct rows *rows, struct rows_place place, const struct row *row)
{
    block_set_flags(&rows->blocks[place.block], place.at, row);
}

void rows_raise_modseqs(struct rows *rows, uint64_t floor)
{
    for (size_t i = 0; i < rows->block_count; i++) {
        uint64_t *modseqs = block_own_column(&rows->blocks[i], COLUMN_MODSEQ);

        for (uint32_t at = 0; at < rows->blocks[i]->count; at++)
            if (modseqs[at] < floor)
                modseqs[at] = floor;
    }
}

uint32_t rows_count_from(const struct rows *rows, uint32_t uid)
{
    struct rows_place place = rows_find(rows, uid);
    uint32_t count = 0;

    for (size_t i = place.block; i < rows->block_count; i++)
        count += rows->blocks[i]->count;
    return count - place.at;
}

struct rows_walk rows_walk_make(const struct rows *rows, struct uid_set set)
{
    return (struct rows_walk){ .rows = rows, .set = set };
}

/* The place after `place`. */
static struct rows_place following(const struct rows *rows, struct rows_place place)
{
    if (place.at + 1 < rows->blocks[place.block]->count)
        return (struct rows_place){ place.block, place.at + 1 };
    return (struct rows_place){ place.block + 1, 0 };
}

bool rows_walk_next(struct rows_walk *walk, struct row *out_row)
{
    const struct rows *rows = walk->rows;

    for (; walk->range < walk->set.count; walk->range++, walk->started = false) {
        struct rows_place place = walk->started
                                      ? following(rows, walk->place)
                                      : rows_find(rows, walk->set.ranges[walk->range].first);

        if (place.block == rows->block_count)
            continue;
        if (block_uids(rows->blocks[place.block])[place.at] > walk->set.ranges[walk->range].last)
            continue;
        walk->place = place;
        walk->started = true;
        block_row(rows->blocks[place.block], place.at, out_row);
        return true;
    }
    return false;
}

struct removal {
    struct uid_set set;
    uint32_t range; /* the first that may still touch what follows */
    rows_removed_fn *each;
    void *context;
};

/* True when the range that comes next may hit rows of the block. */
static bool touches(struct removal *removal, const struct block *block)
{
    while (removal->range < removal->set.count &&
           removal->set.ranges[removal->range].last < block_uids(block)[0])
        removal->range++;
    return removal->range < removal->set.count &&
           removal->set.ranges[removal->range].first <= last_uid(block);
}

/* The end of the run of rows from `at` on that are all kept, or all removed. */
static uint32_t run_end(struct removal *removal, const struct block *block, uint32_t at,
                        bool *out_removed)
{
    const struct uid_range *range;
    uint32_t uid = block_uids(block)[at];

    while (removal->range < removal->set.count && removal->set.ranges[removal->range].last < uid)
        removal->range++;
    *out_removed = false;
    if (removal->range == removal->set.count)
        return block->count;
    range = &removal->set.ranges[removal->range];
    if (range->first > uid)
        return block_find(block, block->count, range->first);
    *out_removed = true;
    return range->last == UINT32_MAX ? block->count
                                     : block_find(block, block->count, range->last + 1);
}

/* What is left of the block, as a new one; NULL when nothing is. The same when nothing goes. */
static struct block *remove_from(struct removal *removal, struct block *block)
{
    struct block *left = NULL;
    bool removed;

    for (uint32_t at = 0, end; at < block->count; at = end) {
        end = run_end(removal, block, at, &removed);
        if (at == 0 && end == block->count && !removed)
            return block;
        for (uint32_t i = at; removed && i < end; i++) {
            struct row row;

            block_row(block, i, &row);
            removal->each(removal->context, &row);
        }
        if (removed)
            continue;
        if (left == NULL)
            left = block_new(0);
        block_append_rows(&left, block, at, end - at);
    }
    block_release(block);
    return left;
}

/* Joins the last block with the one before it when both are small. */
static void join_last(struct rows *rows)
{
    struct block *before;
    struct block *last;

    if (rows->block_count < 2)
        return;
    before = rows->blocks[rows->block_count - 2];
    last = rows->blocks[rows->block_count - 1];
    if (before->count + last->count > ROWS_JOIN_MAX)
        return;
    if (before->references > 1) {
        struct block *copy = block_new(0);

        block_append_rows(&copy, before, 0, before->count);
        block_release(before);
        before = copy;
    }
    block_append_rows(&before, last, 0, last->count);
    block_release(last);
    rows->block_count--;
    rows->blocks[rows->block_count - 1] = before;
}

void rows_remove(struct rows *rows, struct uid_set set, rows_removed_fn *each, void *context)
{
    struct removal removal = { .set = set, .each = each, .context = context };
    size_t block_count = rows->block_count;
    bool changed = false;

    rows->block_count = 0;
    rows->count = 0;
    for (size_t i = 0; i < block_count; i++) {
        struct block *block = rows->blocks[i];

        if (touches(&removal, block)) {
            struct block *left = remove_from(&removal, block);

            changed = changed || left != block;
            block = left;
        }
        if (block == NULL)
            continue;
        rows->blocks[rows->block_count++] = block;
        rows->count += block->count;
        if (changed)
            join_last(rows);
    }
}
