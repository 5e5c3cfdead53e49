/* Snapshots: making and finding. */
#include "store/snapshot.h"

#include <assert.h>

#include "store/alloc.h"

struct snapshot *snapshot_new(const struct rows *rows, struct modseq modseq)
{
    struct snapshot *made =
        store_alloc(1, sizeof(*made) + rows->block_count * sizeof(made->blocks[0]));

    made->references = 1;
    made->modseq = modseq;
    made->block_count = (uint32_t)rows->block_count;
    for (uint32_t i = 0; i < made->block_count; i++) {
        made->blocks[i] = (struct snapshot_block){
            .block = block_hold(rows->blocks[i]),
            .before = made->count,
            .count = rows->blocks[i]->count,
        };
        made->count += made->blocks[i].count;
    }
    assert(made->count == rows->count);
    return made;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot == NULL || --snapshot->references > 0)
        return;
    for (uint32_t i = 0; i < snapshot->block_count; i++)
        block_release(snapshot->blocks[i].block);
    free(snapshot);
}

const struct snapshot_block *snapshot_at(const struct snapshot *snapshot, uint32_t index)
{
    uint32_t low = 0;
    uint32_t high = snapshot->block_count;

    assert(index < snapshot->count);
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (snapshot->blocks[middle].before <= index)
            low = middle;
        else
            high = middle;
    }
    return &snapshot->blocks[low];
}

uint32_t snapshot_find(const struct snapshot *snapshot, uint32_t uid)
{
    uint32_t low = 0;
    uint32_t high = snapshot->block_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct snapshot_block *part = &snapshot->blocks[middle];

        if (block_uid(part->block, part->count - 1) < uid)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == snapshot->block_count)
        return snapshot->count;
    return snapshot->blocks[low].before +
           block_find(snapshot->blocks[low].block, snapshot->blocks[low].count, uid);
}
