/* Accounts that the supervisor has set apart (IPC_PLACE), and the shard that serves each. Pure. */
#ifndef ROOST_DAEMON_AUTH_PLACES_H
#define ROOST_DAEMON_AUTH_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "ipc/messages.h"

struct places {
    struct ipc_place at[IPC_PLACES_MAX];
    size_t count;
};

/* From now on that shard serves it. False when IPC_PLACES_MAX others are there. */
MUST_USE bool places_set(struct places *places, const struct ipc_place *place);

/* The shard that serves it, with `shards` that accounts are spread over. */
uint16_t places_shard_of(const struct places *places, const struct ipc_account_id *id,
                         uint16_t shards);

#endif
