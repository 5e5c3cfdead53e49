/* The auth process: its parts, its walls, its messages. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/auth/admin.h"
#include "daemon/auth/auth_role.h"
#include "daemon/auth/exchange.h"
#include "daemon/auth/recipient.h"
#include "daemon/auth/state.h"
#include "daemon/auth/stats.h"
#include "daemon/auth/sweep.h"
#include "sys/entropy.h"
#include "sys/process.h"
#include "sys/sandbox.h"

enum { HASHERS_MAX = 8 };

uint16_t auth_shard_of(const struct auth_state *state, const struct accounts_id *id)
{
    struct ipc_account_id account = auth_ipc_id(id);

    return places_shard_of(&state->places, &account, state->role->start.shards);
}

struct role_peer *auth_shard_peer(const struct auth_state *state, const struct accounts_id *id)
{
    return role_peer_find(state->role, IPC_ROLE_MAIL, auth_shard_of(state, id));
}

enum ipc_result auth_result_of(enum err err)
{
    switch (err) {
    case ERR_OK: return IPC_OK;
    case ERR_NOT_FOUND: return IPC_NOT_FOUND;
    case ERR_EXISTS: return IPC_EXISTS;
    case ERR_INVALID: return IPC_INVALID;
    case ERR_NO_SPACE: return IPC_NO_SPACE;
    case ERR_LIMIT: return IPC_LIMIT;
    case ERR_DENIED: return IPC_DENIED;
    case ERR_IO:
    case ERR_OVER_QUOTA:
    case ERR_CORRUPT:
    case ERR_CONFLICT:
    case ERR_BUSY:
    case ERR_UNSUPPORTED:
    case ERR_CLOSED: break;
    }
    return IPC_UNAVAILABLE;
}

struct accounts_policy auth_policy(const struct config *config)
{
    struct accounts_policy policy = { .scheme = config->auth_password_hash == CONFIG_HASH_ARGON2ID
                                                    ? PASSWORD_ARGON2ID
                                                    : PASSWORD_YESCRYPT };

    for (size_t i = 0; i < config->auth_mechanisms.count; i++) {
        if (bytes_starts_with_nocase(config->auth_mechanisms.at[i], BYTES("SCRAM-SHA-256")))
            policy.scram_iterations = (uint32_t)config->auth_scram_iterations;
    }
    return policy;
}

void auth_role_profile(int directory_fd, struct sandbox_profile *out_profile)
{
    static const struct sandbox_set *const sets[] = { &sandbox_base, &sandbox_sockets,
                                                      &sandbox_files, &sandbox_sqlite, NULL };
    static struct sandbox_path path;

    path = (struct sandbox_path){ .fd = directory_fd, .access = SANDBOX_READ | SANDBOX_WRITE };
    out_profile->sets = sets;
    out_profile->paths = &path;
    out_profile->path_count = 1;
}

static void make_parts(struct auth_state *state)
{
    const struct config *config = &state->config;
    struct accounts_policy policy = auth_policy(config);
    struct sasl_options sasl = { .accounts = state->accounts,
                                 .scheme = policy.scheme,
                                 .scram_iterations = policy.scram_iterations };

    state->found = recipient_cache_new(entropy_u64());
    state->cache = login_cache_new(LOGIN_CACHE_ENTRIES, (int64_t)config->auth_cache_ms);
    sasl.cache = state->cache;
    state->sasl = sasl_new(&sasl);
    state->throttle = throttle_new(
        &(struct throttle_options){ .secret = entropy_u64(),
                                    .entries_max = THROTTLE_ENTRIES,
                                    .first_ms = (int64_t)config->auth_failure_delay_ms,
                                    .max_ms = (int64_t)config->auth_failure_delay_max_ms });
}

static enum err prepare(struct role *role, struct sandbox_profile *out_profile, struct note *why)
{
    struct auth_state *state = role->context;
    struct note reason = { "" };
    enum err err;

    state->role = role;
    if (role->directory_fd < 0)
        return note_fail(why, ERR_INVALID, "no directory for the accounts was given");
    err = config_parse(buf_bytes(&role->config), &state->config, why);
    if (err != ERR_OK)
        return err;
    (void)snprintf(state->directory, sizeof(state->directory), "/proc/self/fd/%d",
                   role->directory_fd);
    err = accounts_open(state->directory, &state->accounts, &reason);
    if (err != ERR_OK)
        return note_fail(why, err, "%s/auth/%s", state->config.data, reason.text);
    make_parts(state);
    auth_role_profile(role->directory_fd, out_profile);
    return ERR_OK;
}

static enum err begin(struct role *role, struct note *why)
{
    struct auth_state *state = role->context;
    size_t cpus = process_cpus();

    (void)why;
    state->workers = state->config.auth_workers;
    if (state->workers == 0)
        state->workers = cpus < HASHERS_MAX ? cpus : HASHERS_MAX;
    state->hashers = pool_new(role->loop, state->workers);
    state->lookers = pool_new(role->loop, 1);
    sweep_init(state);
    sweep_start(state);
    return ERR_OK;
}

static void peer_changed(struct role_peer *peer)
{
    struct auth_state *state = peer->role->context;

    if (peer->of == IPC_ROLE_GATE)
        exchange_forget_gate(state, peer);
    if (peer->of == IPC_ROLE_MAIL && peer->connected)
        sweep_start(state);
}

/* It may come before the start. */
static void on_place(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct auth_state *state = from->role->context;

    (void)fd;
    if (!places_set(&state->places, &message->place))
        log_event(LOG_LEVEL_ERROR, "place-refused", "why", "too many accounts are set apart");
}

static const struct role_handler handlers[] = {
    { IPC_AUTH_START, exchange_on_start },       { IPC_AUTH_CONTINUE, exchange_on_continue },
    { IPC_AUTH_CANCEL, exchange_on_cancel },     { IPC_RECIPIENT, recipient_on_request },
    { IPC_ACCOUNT_ADD, admin_on_add },           { IPC_ACCOUNT_LIST, admin_on_list },
    { IPC_ACCOUNT_COPY, admin_on_copy },         { IPC_ACCOUNT_SHOW, admin_on_show },
    { IPC_ACCOUNT_PASSWORD, admin_on_password }, { IPC_ACCOUNT_REMOVE, admin_on_remove },
    { IPC_STATS, auth_stats_on_request },        { IPC_PLACE, on_place },
};

const struct role_spec auth_role_spec = {
    .role = IPC_ROLE_AUTH,
    .handlers = handlers,
    .handler_count = ARRAY_COUNT(handlers),
    .prepare = prepare,
    .begin = begin,
    .peer_changed = peer_changed,
};

struct auth_state *auth_state_new(void)
{
    struct auth_state *state = calloc(1, sizeof(*state));

    if (state == NULL)
        abort();
    state->exchanges = map_make(entropy_u64());
    list_init(&state->exchange_list);
    list_init(&state->recipients);
    list_init(&state->admins);
    fair_queue_init(&state->queue, entropy_u64(), AUTH_QUEUE_MAX, AUTH_QUEUE_PER_ORIGIN_MAX);
    return state;
}

void auth_state_free(struct auth_state *state)
{
    if (state == NULL)
        return;
    exchange_forget_all(state);
    pool_free(state->hashers);
    pool_free(state->lookers);
    recipient_forget_all(state);
    admin_forget_all(state);
    if (state->role != NULL)
        sweep_done(state);
    map_done(&state->exchanges);
    fair_queue_done(&state->queue);
    sasl_free(state->sasl);
    throttle_free(state->throttle);
    login_cache_free(state->cache);
    recipient_cache_free(state->found);
    accounts_close(state->accounts);
    config_done(&state->config);
    free(state);
}

/* The state goes with the process: what was answered is on the disk, and no worker is waited for.
 */
int auth_role_main(void)
{
    return role_main(&auth_role_spec, auth_state_new());
}
