/* Snapshots in which expunged rows live on, for a session that may not be told of them yet
 * (RFC 9051 section 7.5.1). */
#include <assert.h>
#include <string.h>

#include "store/alloc.h"
#include "store/snapshot.h"

struct ghosts {
    struct row *rows; /* ascending */
    size_t count;
    size_t capacity;
    size_t used;
};

struct parts {
    struct snapshot_block *at;
    size_t count;
    size_t capacity;
    uint32_t rows;
};

/* The rows of one block of `before` that `after` lacks. */
static void collect_block(struct ghosts *ghosts, const struct snapshot_block *part,
                          const struct snapshot *after)
{
    uint32_t at = snapshot_find(after, block_uid(part->block, 0));
    const struct snapshot_block *seen = NULL;

    for (uint32_t i = 0; i < part->count; i++) {
        if (at < after->count && (seen == NULL || at >= seen->before + seen->count))
            seen = snapshot_at(after, at);
        if (at < after->count &&
            block_uid(seen->block, at - seen->before) == block_uid(part->block, i)) {
            at++;
            continue;
        }
        ghosts->rows =
            store_grow(ghosts->rows, ghosts->count, &ghosts->capacity, sizeof(struct row));
        block_row(part->block, i, &ghosts->rows[ghosts->count++]);
    }
}

/* True when `after` has all rows of the block, known by its memory. */
static bool is_whole(const struct snapshot_block *part, const struct snapshot *after)
{
    uint32_t at = snapshot_find(after, block_uid(part->block, 0));
    const struct snapshot_block *found;

    if (at == after->count)
        return false;
    found = snapshot_at(after, at);
    return block_shares(part->block, found->block, COLUMN_UID) && found->count >= part->count;
}

static void collect(struct ghosts *ghosts, const struct snapshot *before,
                    const struct snapshot *after)
{
    for (uint32_t i = 0; i < before->block_count; i++)
        if (!is_whole(&before->blocks[i], after))
            collect_block(ghosts, &before->blocks[i], after);
}

static void push_part(struct parts *parts, struct block *block, uint32_t count)
{
    parts->at = store_grow(parts->at, parts->count, &parts->capacity, sizeof(*parts->at));
    parts->at[parts->count++] = (struct snapshot_block){ block, parts->rows, count };
    parts->rows += count;
}

/* Adds a row to the private block being made, handing it over when it is full. */
static void add_row(struct parts *parts, struct block **open, const struct row *row)
{
    if (*open != NULL && (*open)->count == BLOCK_ROWS) {
        push_part(parts, *open, BLOCK_ROWS);
        *open = NULL;
    }
    if (*open == NULL)
        *open = block_new();
    block_append(*open, row);
}

/* One block of `after` (NULL behind the last) and the ghosts below `uid_end` in UID order. */
static void merge_part(struct parts *parts, struct ghosts *ghosts,
                       const struct snapshot_block *part, uint64_t uid_end)
{
    struct block *open = NULL;
    uint32_t at = 0;
    uint32_t count = part == NULL ? 0 : part->count;

    while (at < count ||
           (ghosts->used < ghosts->count && ghosts->rows[ghosts->used].uid.value < uid_end)) {
        bool has_ghost =
            ghosts->used < ghosts->count && ghosts->rows[ghosts->used].uid.value < uid_end;
        struct row row;

        if (at < count &&
            (!has_ghost || block_uid(part->block, at) < ghosts->rows[ghosts->used].uid.value)) {
            block_row(part->block, at++, &row);
            add_row(parts, &open, &row);
        } else {
            add_row(parts, &open, &ghosts->rows[ghosts->used++]);
        }
    }
    if (open != NULL)
        push_part(parts, open, open->count);
}

struct snapshot *snapshot_with_ghosts(const struct snapshot *before, const struct snapshot *after)
{
    struct ghosts ghosts = { 0 };
    struct parts parts = { 0 };
    struct snapshot *made;

    collect(&ghosts, before, after);
    for (uint32_t i = 0; i < after->block_count; i++) {
        const struct snapshot_block *part = &after->blocks[i];
        uint64_t uid_end = (uint64_t)block_uid(part->block, part->count - 1) + 1;

        if (ghosts.used < ghosts.count && ghosts.rows[ghosts.used].uid.value < uid_end)
            merge_part(&parts, &ghosts, part, uid_end);
        else
            push_part(&parts, block_hold(part->block), part->count);
    }
    merge_part(&parts, &ghosts, NULL, UINT64_MAX);
    assert(ghosts.used == ghosts.count && parts.rows == after->count + ghosts.count);
    made = store_alloc(1, sizeof(*made) + parts.count * sizeof(made->blocks[0]));
    made->references = 1;
    made->count = parts.rows;
    made->modseq = after->modseq;
    made->block_count = (uint32_t)parts.count;
    if (parts.count > 0)
        memcpy(made->blocks, parts.at, parts.count * sizeof(made->blocks[0]));
    free(parts.at);
    free(ghosts.rows);
    return made;
}
