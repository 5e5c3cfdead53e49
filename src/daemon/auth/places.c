/* A few places before the rule. */
#include "daemon/auth/places.h"

#include "ipc/route.h"

static size_t find(const struct places *places, const struct ipc_account_id *id)
{
    size_t i = 0;

    while (i < places->count && !ipc_id_equal(&places->at[i].account_id, id))
        i++;
    return i;
}

bool places_set(struct places *places, const struct ipc_place *place)
{
    size_t at = find(places, &place->account_id);

    if (at == IPC_PLACES_MAX)
        return false;
    places->at[at] = *place;
    if (at == places->count)
        places->count++;
    return true;
}

uint16_t places_shard_of(const struct places *places, const struct ipc_account_id *id,
                         uint16_t shards)
{
    size_t at = find(places, id);

    return at < places->count ? places->at[at].shard : ipc_shard_of(id, shards);
}
