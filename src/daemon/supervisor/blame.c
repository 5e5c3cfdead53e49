/* A small table, searched from its start: crashes are rare. */
#include "daemon/supervisor/blame.h"

#include <assert.h>

#include "ipc/route.h"

static_assert((int)BLAMES_MAX > (int)IPC_PLACES_MAX, "there is always one that can make room");

static const struct blame *find(const struct blames *blames, const struct ipc_account_id *id)
{
    for (size_t i = 0; i < blames->count; i++)
        if (ipc_id_equal(&blames->at[i].id, id))
            return &blames->at[i];
    return NULL;
}

static struct blame *make_room(struct blames *blames)
{
    struct blame *oldest = NULL;

    if (blames->count < BLAMES_MAX)
        return &blames->at[blames->count++];
    for (size_t i = 0; i < blames->count; i++) {
        struct blame *blame = &blames->at[i];

        if (!blame->apart && (oldest == NULL || blame->last.ms < oldest->last.ms))
            oldest = blame;
    }
    assert(oldest != NULL);
    return oldest;
}

struct blame *blames_note(struct blames *blames, const struct ipc_account_id *id, struct mono now)
{
    const struct blame *known = find(blames, id);
    struct blame *blame = known == NULL ? make_room(blames) : &blames->at[known - blames->at];

    if (known == NULL)
        *blame = (struct blame){ .id = *id };
    if (!blame->apart && now.ms - blame->last.ms >= BLAME_KEPT_MS)
        blame->crashes = 0;
    blame->crashes++;
    blame->last = now;
    return blame;
}

uint16_t blames_shard_of(const struct blames *blames, const struct ipc_account_id *id,
                         uint16_t shards)
{
    const struct blame *blame = find(blames, id);

    return blame != NULL && blame->apart ? blame->shard : ipc_shard_of(id, shards);
}

static size_t served_by(const struct blames *blames, unsigned shard)
{
    size_t count = 0;

    for (size_t i = 0; i < blames->count; i++)
        count += blames->at[i].apart && blames->at[i].shard == shard;
    return count;
}

bool blames_set_apart(struct blames *blames, struct blame *blame, uint16_t shards)
{
    unsigned best = shards;
    size_t all = 0;

    assert(!blame->apart);
    for (unsigned i = 0; i < IPC_SHARDS_APART_MAX; i++) {
        size_t served = served_by(blames, shards + i);

        all += served;
        if (served < served_by(blames, best))
            best = shards + i;
    }
    if (all >= IPC_PLACES_MAX)
        return false;
    blame->apart = true;
    blame->shard = (uint16_t)best;
    return true;
}
