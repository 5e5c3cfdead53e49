/* Rows as columns, and their copy-on-write. */
#include "store/block.h"

#include <assert.h>

#include "store/alloc.h"

struct block *block_new(void)
{
    struct block *block = store_alloc(1, sizeof(*block));

    block->references = 1;
    return block;
}

void block_release(struct block *block)
{
    if (block == NULL || --block->references > 0)
        return;
    for (enum block_column i = 0; i < COLUMN_COUNT; i++)
        column_done(&block->columns[i]);
    free(block);
}

void block_row(const struct block *block, uint32_t at, struct row *out_row)
{
    *out_row = (struct row){
        .uid = { block_uid(block, at) },
        .flags = (uint16_t)block_get(block, COLUMN_FLAGS, at),
        .keywords = { { block_get(block, COLUMN_KEYWORDS_LOW, at),
                        block_get(block, COLUMN_KEYWORDS_HIGH, at) } },
        .modseq = { block_get(block, COLUMN_MODSEQ, at) },
        .internal_date = {
            .seconds = (int64_t)block_get(block, COLUMN_INTERNAL_SECONDS, at),
            .zone = (int16_t)block_get(block, COLUMN_INTERNAL_ZONE, at),
        },
        .save_date = (int64_t)block_get(block, COLUMN_SAVE_DATE, at),
        .size = block_get(block, COLUMN_SIZE, at),
        .body = { block_get(block, COLUMN_BODY, at) },
        .thread = { block_get(block, COLUMN_THREAD, at) },
    };
}

/* A row as the columns take it. */
static void spread(const struct row *row, uint64_t out[COLUMN_COUNT])
{
    out[COLUMN_UID] = row->uid.value;
    out[COLUMN_FLAGS] = row->flags;
    out[COLUMN_KEYWORDS_LOW] = row->keywords.word[0];
    out[COLUMN_KEYWORDS_HIGH] = row->keywords.word[1];
    out[COLUMN_MODSEQ] = row->modseq.value;
    out[COLUMN_INTERNAL_SECONDS] = (uint64_t)row->internal_date.seconds;
    out[COLUMN_INTERNAL_ZONE] = (uint64_t)(int64_t)row->internal_date.zone;
    out[COLUMN_SAVE_DATE] = (uint64_t)row->save_date;
    out[COLUMN_SIZE] = row->size;
    out[COLUMN_BODY] = row->body.value;
    out[COLUMN_THREAD] = row->thread.value;
}

void block_append(struct block *block, const struct row *row)
{
    uint64_t values[COLUMN_COUNT];

    assert(block->count == 0 || block_uid(block, block->count - 1) < row->uid.value);
    spread(row, values);
    for (enum block_column i = 0; i < COLUMN_COUNT; i++)
        column_append(&block->columns[i], block->count, values[i]);
    block->count++;
}

void block_pick(const struct block *block, enum block_column column, const uint16_t *places,
                uint32_t count, uint64_t *out)
{
    enum { FEW = 16 }; /* of so many rows: each by itself */
    uint64_t values[BLOCK_ROWS];

    if (count < block->count / FEW) {
        for (uint32_t i = 0; i < count; i++)
            out[i] = block_get(block, column, places[i]);
        return;
    }
    block_load(block, column, 0, block->count, values);
    for (uint32_t i = 0; i < count; i++)
        out[i] = values[places[i]];
}

/* Gives the holder a block of its own; columns stay shared. */
static struct block *own(struct block **slot)
{
    struct block *block = *slot;
    struct block *copy;

    if (block->references == 1)
        return block;
    copy = store_alloc(1, sizeof(*copy));
    copy->references = 1;
    copy->count = block->count;
    for (enum block_column i = 0; i < COLUMN_COUNT; i++)
        copy->columns[i] = column_share(&block->columns[i]);
    block_release(block);
    *slot = copy;
    return copy;
}

void block_store(struct block **slot, enum block_column column, const uint64_t *values)
{
    struct block *block = own(slot);

    column_store(&block->columns[column], values, block->count);
}

static uint64_t masked(uint64_t value, struct block_mask mask)
{
    return (value & mask.keep) | mask.set;
}

void block_mask(struct block **slot, enum block_column column, struct block_mask mask,
                const uint16_t *places, uint32_t count)
{
    enum { FEW = 64 }; /* to set them one by one is cheaper than the whole column anew */
    const struct column *now = &(*slot)->columns[column];
    uint64_t values[BLOCK_ROWS];
    struct block *block;

    if (masked(UINT64_MAX, mask) == UINT64_MAX && masked(0, mask) == 0)
        return;
    if (column_is_constant(now) && masked(now->base, mask) == now->base)
        return;
    block = own(slot);
    if (count == block->count && (mask.keep == 0 || column_is_constant(now))) {
        column_fill(&block->columns[column], masked(now->base, mask));
        return;
    }
    if (count < FEW) {
        for (uint32_t i = 0; i < count; i++)
            column_set(&block->columns[column], block->count, places[i],
                       masked(block_get(block, column, places[i]), mask));
        return;
    }
    block_load(block, column, 0, block->count, values);
    for (uint32_t i = 0; i < count; i++)
        values[places[i]] = masked(values[places[i]], mask);
    column_store(&block->columns[column], values, block->count);
}

uint32_t block_count_without(const struct block *block, enum block_column column, uint64_t bits,
                             const uint16_t *places, uint32_t count)
{
    const struct column *values = &block->columns[column];
    uint64_t picked[BLOCK_ROWS];
    uint32_t without = 0;

    if (column_is_constant(values) || count == block->count)
        return column_count_without(values, count, bits);
    block_pick(block, column, places, count, picked);
    for (uint32_t i = 0; i < count; i++)
        without += (picked[i] & bits) != bits;
    return without;
}

uint64_t block_count_bytes(struct block *block, uint32_t round)
{
    uint64_t bytes = 0;

    if (block->counted == round)
        return 0;
    block->counted = round;
    for (enum block_column i = 0; i < COLUMN_COUNT; i++)
        bytes += column_count_bytes(&block->columns[i], round);
    return bytes;
}

uint32_t block_find(const struct block *block, uint32_t count, uint32_t uid)
{
    return column_find(&block->columns[COLUMN_UID], count, uid);
}

struct block *block_select(const struct block *block, const uint16_t *places, uint32_t count)
{
    struct block *made = block_new();

    made->count = count;
    for (enum block_column i = 0; i < COLUMN_COUNT; i++)
        made->columns[i] = column_select(&block->columns[i], places, count);
    return made;
}

void block_append_rows(struct block *block, const struct block *from, uint32_t first,
                       uint32_t count)
{
    for (enum block_column i = 0; i < COLUMN_COUNT; i++)
        column_append_from(&block->columns[i], block->count, &from->columns[i], first, count);
    block->count += count;
}

void block_encode(struct buf *buf, const struct block *block, uint32_t count)
{
    for (enum block_column i = 0; i < COLUMN_COUNT; i++)
        column_encode(buf, &block->columns[i], count);
}

static bool is_zone(const struct column *zones, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int64_t zone = (int64_t)column_get(zones, i);

        if (zone < -ZONE_MINUTES_MAX || zone > ZONE_MINUTES_MAX)
            return false;
        if (column_is_constant(zones))
            break;
    }
    return true;
}

/* Within the limits that ops keep, too. */
static bool is_sound(const struct block *block)
{
    const struct column *columns = block->columns;
    uint32_t count = block->count;
    enum { SIGN = 63 };

    return column_ascends(&columns[COLUMN_UID], count) && column_get(&columns[COLUMN_UID], 0) > 0 &&
           column_get(&columns[COLUMN_UID], count - 1) < UINT32_MAX &&
           (column_bits(&columns[COLUMN_FLAGS], count) & ~(uint64_t)FLAGS_ALL) == 0 &&
           column_bits(&columns[COLUMN_MODSEQ], count) >> SIGN == 0 &&
           column_bits(&columns[COLUMN_SIZE], count) >> SIGN == 0 &&
           is_zone(&columns[COLUMN_INTERNAL_ZONE], count);
}

struct block *block_decode(struct reader *reader, uint32_t count)
{
    struct block *block = block_new();
    bool whole = count > 0;

    for (enum block_column i = 0; i < COLUMN_COUNT && whole; i++)
        whole = column_decode(reader, count, &block->columns[i]);
    block->count = count;
    if (!whole || !is_sound(block)) {
        block_release(block);
        return NULL;
    }
    return block;
}
