/* Snapshots in which expunged rows live on, for a session that may not be told of them yet
 * (RFC 9051 section 7.5.1). */
#include <assert.h>
#include <string.h>

#include "store/alloc.h"
#include "store/snapshot.h"
#include "store/step_charge.h"

enum { SHARED_COST = 16 }; /* of a block; a row of another one costs 1 */

/* The part of `after` that comes next; NULL: that was all. */
static const struct snapshot_block *next_of(const struct snapshot_ghosts *ghosts)
{
    return ghosts->new.block == ghosts->after->block_count
               ? NULL
               : &ghosts->after->blocks[ghosts->new.block];
}

static void advance(struct snapshot_ghosts *ghosts, uint32_t rows)
{
    ghosts->new.at += rows;
    if (ghosts->new.at == next_of(ghosts)->count)
        ghosts->new = (struct snapshot_place){ .block = ghosts->new.block + 1 };
}

static void push_part(struct snapshot_ghosts *ghosts, struct block *block, uint32_t count)
{
    ghosts->parts =
        store_grow(ghosts->parts, ghosts->count, &ghosts->capacity, sizeof(*ghosts->parts));
    ghosts->parts[ghosts->count++] = (struct snapshot_block){ block, ghosts->rows, count };
    ghosts->rows += count;
}

/* True when `after` has all rows of the block, known by its memory. */
static bool is_whole(const struct snapshot_ghosts *ghosts, const struct snapshot_block *part)
{
    const struct snapshot_block *next = next_of(ghosts);

    return next != NULL && ghosts->new.at == 0 &&
           block_shares(part->block, next->block, COLUMN_UID) && next->count >= part->count;
}

/* The rows at those places become what `count` rows of `from` are; all else of a message never
 * changes. */
static void take_over(struct block **slot, const uint16_t *places, uint32_t count,
                      const struct block *from, uint32_t first)
{
    static const enum block_column changing[] = { COLUMN_FLAGS, COLUMN_KEYWORDS_LOW,
                                                  COLUMN_KEYWORDS_HIGH, COLUMN_MODSEQ };
    uint64_t values[BLOCK_ROWS];
    uint64_t fresh[BLOCK_ROWS];

    for (size_t i = 0; i < ARRAY_COUNT(changing); i++) {
        const struct column *old = &(*slot)->columns[changing[i]];
        const struct column *new = &from->columns[changing[i]];

        if (column_is_constant(old) && column_is_constant(new) && old->base == new->base)
            continue;
        block_load(*slot, changing[i], 0, (*slot)->count, values);
        block_load(from, changing[i], first, count, fresh);
        for (uint32_t row = 0; row < count; row++)
            values[places[row]] = fresh[row];
        block_store(slot, changing[i], values);
    }
}

/* A block of which rows are missing, as it was, with those that are left as they are now. */
static void merge_part(struct snapshot_ghosts *ghosts, const struct snapshot_block *part)
{
    uint32_t uid_last = block_uid(part->block, part->count - 1);
    struct block *merged = block_hold(part->block);
    const struct snapshot_block *next;
    uint16_t places[BLOCK_ROWS];
    uint32_t at = 0;

    while ((next = next_of(ghosts)) != NULL && block_uid(next->block, ghosts->new.at) <= uid_last) {
        uint32_t first = ghosts->new.at;
        uint32_t count = block_find(next->block, next->count, uid_last + 1) - first;

        for (uint32_t i = 0; i < count; i++) {
            while (block_uid(part->block, at) != block_uid(next->block, first + i))
                at++;
            places[i] = (uint16_t)at++;
            assert(at <= part->count);
        }
        take_over(&merged, places, count, next->block, first);
        advance(ghosts, count);
    }
    push_part(ghosts, merged, part->count);
}

/* What came behind all that was there. */
static void push_rest(struct snapshot_ghosts *ghosts)
{
    const struct snapshot_block *next;

    while ((next = next_of(ghosts)) != NULL) {
        uint32_t count = next->count - ghosts->new.at;
        struct block *block = ghosts->new.at == 0 ? block_hold(next->block) : block_new();

        if (ghosts->new.at > 0)
            block_append_rows(block, next->block, ghosts->new.at, count);
        push_part(ghosts, block, count);
        advance(ghosts, count);
    }
}

static struct snapshot *take(struct snapshot_ghosts *ghosts)
{
    struct snapshot *made = store_alloc(1, sizeof(*made) + ghosts->count * sizeof(made->blocks[0]));

    made->references = 1;
    made->count = ghosts->rows;
    made->modseq = ghosts->after->modseq;
    made->block_count = (uint32_t)ghosts->count;
    if (ghosts->count > 0)
        memcpy(made->blocks, ghosts->parts, ghosts->count * sizeof(made->blocks[0]));
    ghosts->count = 0;
    return made;
}

struct snapshot *snapshot_with_ghosts(struct snapshot_ghosts *ghosts, uint32_t *left)
{
    while (*left > 0 && ghosts->next < ghosts->before->block_count) {
        const struct snapshot_block *part = &ghosts->before->blocks[ghosts->next++];

        if (is_whole(ghosts, part)) {
            /* What came later stands behind all ghosts, those of the next blocks too. */
            bool is_last = ghosts->next == ghosts->before->block_count;
            uint32_t count = is_last ? next_of(ghosts)->count : part->count;

            push_part(ghosts, block_hold(next_of(ghosts)->block), count);
            advance(ghosts, count);
            step_charge(left, SHARED_COST);
        } else {
            merge_part(ghosts, part);
            step_charge(left, part->count);
        }
    }
    if (ghosts->next < ghosts->before->block_count)
        return NULL;
    push_rest(ghosts);
    return take(ghosts);
}

void snapshot_ghosts_done(struct snapshot_ghosts *ghosts)
{
    for (size_t i = 0; i < ghosts->count; i++)
        block_release(ghosts->parts[i].block);
    free(ghosts->parts);
    *ghosts = (struct snapshot_ghosts){ 0 };
}
