/* What the parts of the auth process share. */
#ifndef ROOST_DAEMON_AUTH_STATE_H
#define ROOST_DAEMON_AUTH_STATE_H

#include "auth/accounts.h"
#include "auth/fair_queue.h"
#include "auth/login_cache.h"
#include "auth/recipient_cache.h"
#include "auth/sasl.h"
#include "auth/throttle.h"
#include "config/config.h"
#include "daemon/auth/announce.h"
#include "daemon/auth/changes.h"
#include "daemon/auth/places.h"
#include "daemon/role/ask.h"
#include "daemon/role/role.h"
#include "sys/pool.h"

enum {
    AUTH_EXCHANGES_MAX = 8192, /* logins at work, for all gates together */
    AUTH_QUEUE_MAX = 2048, /* steps that wait for a worker */
    AUTH_QUEUE_PER_ORIGIN_MAX = 64,
    AUTH_RECIPIENTS_MAX = 8192, /* look-ups at work */
    AUTH_ADMIN_MAX = 64, /* requests of control at work */
    AUTH_EXCHANGE_IDLE_MS = 300 * 1000, /* between a challenge and its answer */
};

/* auth.mechanisms by name, and the last for any other. */
enum { AUTH_MECHANISMS = 5 };

/* Sees to removed accounts: see sweep.h. */
struct sweep {
    struct job job;
    struct role_ask ask;
    struct loop_timer timer;
    struct auth_state *state;
    enum err err;
    bool busy;
    bool forgetting; /* the job that runs or ran last */
    bool started; /* `id` holds the one looked at last */
    struct accounts_id id;
};

struct auth_state {
    struct role *role; /* NULL before the start */
    struct config config;
    char directory[64]; /* of the database, as a path */
    struct accounts *accounts;
    struct login_cache *cache;
    struct throttle *throttle;
    struct sasl *sasl;
    struct pool *hashers; /* password hashes, a few threads */
    struct pool *lookers; /* look-ups and small changes, one thread */
    struct changes changes;
    struct places places;

    struct map exchanges; /* gate and request -> struct exchange */
    struct list exchange_list;
    struct fair_queue queue;
    size_t running; /* steps given to the hashers */
    size_t workers;

    struct list recipients; /* struct recipient */
    struct recipient_cache *found; /* recipients that were, lately */
    size_t recipient_count;
    struct list admins; /* struct admin */
    size_t admin_count;
    struct sweep sweep;
    uint64_t logins[AUTH_MECHANISMS][IPC_RESULT_COUNT]; /* for stats.h */
};

/* Which shard serves an account: always the same one for a number of shards, but for accounts that
 * were set apart. */
uint16_t auth_shard_of(const struct auth_state *state, const struct accounts_id *id);

/* The peer of that shard, or NULL while there is none. */
struct role_peer *auth_shard_peer(const struct auth_state *state, const struct accounts_id *id);

/* ERR_OK is IPC_OK and so on; what a peer can do nothing about is IPC_UNAVAILABLE. */
enum ipc_result auth_result_of(enum err err);

/* How passwords are kept: SCRAM keys only while `auth.mechanisms` names one of SCRAM's. */
struct accounts_policy auth_policy(const struct config *config);

static inline struct ipc_account_id auth_ipc_id(const struct accounts_id *id)
{
    struct ipc_account_id out;

    for (size_t i = 0; i < ACCOUNTS_ID_BYTES; i++)
        out.raw[i] = id->raw[i];
    return out;
}

#endif
