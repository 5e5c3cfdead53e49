/* Which accounts' work has crashed shards how often, and which are set apart. Pure.
 *
 * Bounded: the longest unblamed of those that are not set apart makes room, and a crash is
 * forgotten when another day has passed without one. An account that is set apart stays so. */
#ifndef ROOST_DAEMON_SUPERVISOR_BLAME_H
#define ROOST_DAEMON_SUPERVISOR_BLAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/time.h"
#include "ipc/messages.h"

enum {
    BLAMES_MAX = 128,
    BLAME_CRASHES_MAX = 2, /* with so many an account is set apart */
    BLAME_KEPT_MS = 24 * 60 * 60 * 1000,
};

struct blame {
    struct ipc_account_id id;
    uint32_t crashes;
    struct mono last;
    bool apart;
    uint16_t shard; /* that serves it, when it is set apart */
};

struct blames {
    struct blame at[BLAMES_MAX];
    size_t count;
};

/* One more crash of that account's work. Valid until the next call. */
struct blame *blames_note(struct blames *blames, const struct ipc_account_id *id, struct mono now);

/* Which shard serves the account, with `shards` that accounts are spread over. */
uint16_t blames_shard_of(const struct blames *blames, const struct ipc_account_id *id,
                         uint16_t shards);

/* Sets it apart, to the one of the IPC_SHARDS_APART_MAX indexes from `shards` on that serves the
 * fewest. False when IPC_PLACES_MAX accounts are set apart already: it stays where it is. */
MUST_USE bool blames_set_apart(struct blames *blames, struct blame *blame, uint16_t shards);

#endif
