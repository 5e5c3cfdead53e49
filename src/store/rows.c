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
    return block_uid(block, block->count - 1);
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
        push(rows, block_new());
    block_append(rows->blocks[rows->block_count - 1], row);
    rows->count++;
}

void rows_append_rows(struct rows *rows, const struct block *from, uint32_t first, uint32_t count)
{
    while (count > 0) {
        struct block *last;
        uint32_t room;

        if (rows->count == 0 || rows->blocks[rows->block_count - 1]->count == BLOCK_ROWS)
            push(rows, block_new());
        last = rows->blocks[rows->block_count - 1];
        room = BLOCK_ROWS - last->count;
        room = count < room ? count : room;
        assert(last->count == 0 || last_uid(last) < block_uid(from, first));
        block_append_rows(last, from, first, room);
        rows->count += room;
        first += room;
        count -= room;
    }
}

uint32_t rows_last_uid(const struct rows *rows)
{
    return rows->count == 0 ? 0 : last_uid(rows->blocks[rows->block_count - 1]);
}

void rows_append_block(struct rows *rows, struct block *block)
{
    assert(block->count > 0);
    assert(rows->block_count == 0 ||
           last_uid(rows->blocks[rows->block_count - 1]) < block_uid(block, 0));
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

uint32_t rows_reach(const struct rows *rows, uint32_t uid, uint32_t count)
{
    struct rows_place place = rows_find(rows, uid);
    uint32_t left;

    if (place.block == rows->block_count)
        return UINT32_MAX;
    left = rows->blocks[place.block]->count - place.at;
    if (count < BLOCK_ROWS)
        return block_uid(rows->blocks[place.block], place.at + (count < left ? count : left) - 1);
    for (; left < count && place.block + 1 < rows->block_count; place.block++)
        left += rows->blocks[place.block + 1]->count;
    return last_uid(rows->blocks[place.block]);
}

bool rows_get(const struct rows *rows, uint32_t uid, struct row *out_row)
{
    struct rows_place place = rows_find(rows, uid);

    if (place.block == rows->block_count || block_uid(rows->blocks[place.block], place.at) != uid)
        return false;
    block_row(rows->blocks[place.block], place.at, out_row);
    return true;
}

void rows_raise_modseqs(struct rows *rows, uint64_t floor)
{
    for (size_t i = 0; i < rows->block_count; i++) {
        struct block **slot = &rows->blocks[i];
        uint64_t modseqs[BLOCK_ROWS];

        block_load(*slot, COLUMN_MODSEQ, 0, (*slot)->count, modseqs);
        for (uint32_t at = 0; at < (*slot)->count; at++)
            if (modseqs[at] < floor)
                modseqs[at] = floor;
        block_store(slot, COLUMN_MODSEQ, modseqs);
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
        if (block_uid(rows->blocks[place.block], place.at) > walk->set.ranges[walk->range].last)
            continue;
        walk->place = place;
        walk->started = true;
        block_row(rows->blocks[place.block], place.at, out_row);
        return true;
    }
    return false;
}

/* A set, as it is matched with blocks that ascend. */
struct matching {
    struct uid_set set;
    uint32_t range; /* the first that may still touch what follows */
};

/* True when the range that comes next may hit rows of the block. */
static bool touches(struct matching *matching, const struct block *block)
{
    while (matching->range < matching->set.count &&
           matching->set.ranges[matching->range].last < block_uid(block, 0))
        matching->range++;
    return matching->range < matching->set.count &&
           matching->set.ranges[matching->range].first <= last_uid(block);
}

/* The first row from `at` on whose UID is at least `uid`: near ones are found by looking at them,
 * the others by halving. */
static uint32_t find_from(const struct block *block, uint32_t at, uint32_t uid)
{
    enum { NEAR = 8 };

    for (uint32_t looks = 0; looks < NEAR; looks++, at++)
        if (at >= block->count || block_uid(block, at) >= uid)
            return at;
    return block_find(block, block->count, uid);
}

/* The places in the block that the set hits; answers how many. */
static uint32_t match_block(struct matching *matching, const struct block *block,
                            uint16_t places[BLOCK_ROWS])
{
    uint32_t last = last_uid(block);
    uint32_t count = 0;
    uint32_t at = 0;

    for (; matching->range < matching->set.count; matching->range++) {
        const struct uid_range *range = &matching->set.ranges[matching->range];
        uint32_t end;

        if (range->first > last)
            return count;
        at = find_from(block, at, range->first);
        end = range->last >= last ? block->count : find_from(block, at, range->last + 1);
        for (; at < end; at++)
            places[count++] = (uint16_t)at;
        if (range->last > last)
            return count;
    }
    return count;
}

void rows_visit(struct rows *rows, struct uid_set set, rows_visit_fn *visit, void *context)
{
    struct matching matching = { .set = set };
    struct rows_place first = rows_find(rows, set.count == 0 ? 0 : set.ranges[0].first);
    uint16_t places[BLOCK_ROWS];

    for (size_t i = first.block; i < rows->block_count && matching.range < set.count; i++) {
        uint32_t count = 0;

        if (touches(&matching, rows->blocks[i]))
            count = match_block(&matching, rows->blocks[i], places);
        if (count > 0)
            visit(context, &rows->blocks[i], places, count);
    }
}

/* The places below `rows` that are not in `places`. */
static void complement(const uint16_t *places, uint32_t count, uint32_t rows,
                       uint16_t out[BLOCK_ROWS + 1])
{
    uint32_t kept = 0;
    uint32_t next = 0;

    for (uint32_t at = 0; at < rows; at++) {
        bool is_there = next < count && places[next] == at;

        out[kept] = (uint16_t)at;
        next += is_there;
        kept += !is_there;
    }
}

struct removal {
    struct matching matching;
    rows_removed_fn *each;
    void *context;
    uint32_t removed;
};

/* What is left of the block, as a new one; NULL when nothing is. The same when nothing goes. */
static struct block *remove_from(struct removal *removal, struct block *block)
{
    uint16_t places[BLOCK_ROWS];
    uint16_t kept[BLOCK_ROWS + 1]; /* one more than is used: written before it is counted */
    uint32_t count = match_block(&removal->matching, block, places);
    uint32_t left = block->count - count;
    struct block *made = NULL;

    if (count == 0)
        return block;
    removal->each(removal->context, block, places, count);
    removal->removed += count;
    if (left > 0) {
        complement(places, count, block->count, kept);
        made = block_select(block, kept, left);
    }
    block_release(block);
    return made;
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
        struct block *copy = block_new();

        block_append_rows(copy, before, 0, before->count);
        block_release(before);
        before = copy;
    }
    block_append_rows(before, last, 0, last->count);
    block_release(last);
    rows->block_count--;
    rows->blocks[rows->block_count - 1] = before;
}

/* Puts the block (NULL: nothing) behind those that have been looked at. */
static void put_back(struct rows *rows, struct block *block, bool join)
{
    if (block == NULL)
        return;
    rows->blocks[rows->block_count++] = block;
    if (join)
        join_last(rows);
}

void rows_remove(struct rows *rows, struct uid_set set, rows_removed_fn *each, void *context)
{
    struct removal removal = { { .set = set }, each, context, 0 };
    size_t at = rows_find(rows, set.count == 0 ? UINT32_MAX : set.ranges[0].first).block;
    size_t block_count = rows->block_count;

    rows->block_count = at;
    for (; at < block_count && removal.matching.range < set.count; at++) {
        struct block *block = rows->blocks[at];

        if (touches(&removal.matching, block))
            block = remove_from(&removal, block);
        put_back(rows, block, removal.removed > 0);
    }
    if (at < block_count && removal.removed > 0)
        put_back(rows, rows->blocks[at++], true);
    if (at < block_count)
        memmove(rows->blocks + rows->block_count, rows->blocks + at,
                (block_count - at) * sizeof(*rows->blocks));
    rows->block_count += block_count - at;
    rows->count -= removal.removed;
}
