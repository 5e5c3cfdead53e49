/* One login from its first message to its answer.
 *
 * start -> [waits its address's turn] -> queued -> runs on a worker -> challenge -> queued ...
 *       -> success -> [held back] -> ticket announced -> answer
 *       -> failure -> held back -> answer */
#include "daemon/auth/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/log.h"
#include "base/num.h"
#include "daemon/auth/state.h"
#include "daemon/auth/stats.h"
#include "ipc/request_table.h"
#include "sys/clock.h"

enum { KEY_BYTES = 16, ADDRESS_BYTES_MAX = 128, MECHANISM_BYTES_MAX = 64 };

enum stage {
    STAGE_WAITING, /* for its address's turn */
    STAGE_QUEUED,
    STAGE_RUNNING, /* on a worker: sasl, input and outcome are not ours */
    STAGE_CHALLENGED, /* the client's turn */
    STAGE_HOLDING, /* the outcome is known and held back */
    STAGE_ANNOUNCING,
};

struct exchange {
    struct list link;
    struct auth_state *state;
    struct role_asker asker;
    enum stage stage;
    bool counted; /* in state->logins */
    bool forgotten; /* while it runs: free it when it comes back */
    struct loop_timer timer;
    struct fair_item item;
    struct job job;
    struct announce announce;
    struct sasl_exchange *sasl;
    struct buf input;
    struct mono now; /* of the step */
    uint64_t since; /* changes before the step */
    enum sasl_outcome outcome;
    uint8_t service;
    bool tls;
    uint64_t session;
    uint8_t address_len;
    uint8_t mechanism_len;
    uint8_t address[ADDRESS_BYTES_MAX];
    uint8_t mechanism[MECHANISM_BYTES_MAX];
};

static struct bytes address_of(const struct exchange *exchange)
{
    return bytes_make(exchange->address, exchange->address_len);
}

static void make_key(const struct role_peer *gate, uint64_t request, uint8_t key[KEY_BYTES])
{
    num_store_u64(key, (uint64_t)(uintptr_t)gate);
    num_store_u64(key + 8, request);
}

static struct exchange *find(struct auth_state *state, const struct role_peer *gate,
                             uint64_t request)
{
    uint8_t key[KEY_BYTES];

    make_key(gate, request, key);
    return map_get(&state->exchanges, bytes_make(key, KEY_BYTES));
}

/* Out of the tables: nobody will ask for it again. */
static void unlink_exchange(struct exchange *exchange)
{
    uint8_t key[KEY_BYTES];

    make_key(exchange->asker.peer, exchange->asker.request, key);
    map_remove(&exchange->state->exchanges, bytes_make(key, KEY_BYTES));
    list_remove(&exchange->link);
}

/* It may hold a password. */
static void wipe_input(struct exchange *exchange)
{
    if (exchange->input.at != NULL)
        explicit_bzero(exchange->input.at, exchange->input.capacity);
    buf_clear(&exchange->input);
}

static void free_exchange(struct exchange *exchange)
{
    loop_timer_done(&exchange->timer);
    fair_queue_remove(&exchange->state->queue, &exchange->item);
    announce_drop(&exchange->announce);
    sasl_exchange_free(exchange->sasl);
    wipe_input(exchange);
    buf_done(&exchange->input);
    free(exchange);
}

static void forget(struct exchange *exchange)
{
    unlink_exchange(exchange);
    if (exchange->stage == STAGE_RUNNING)
        exchange->forgotten = true;
    else
        free_exchange(exchange);
}

/* RFC 9051 s11.7 */
static void log_outcome(const struct exchange *exchange, enum ipc_result result, const char *why)
{
    static const char *const services[] = { "none", "imap", "pop3", "lmtp", "smtp" };
    struct log_line line;
    bool ok = result == IPC_OK;

    log_begin(&line, ok ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, ok ? "login" : "login-failed");
    log_number(&line, "session", (int64_t)exchange->session);
    log_string(&line, "service",
               exchange->service < ARRAY_COUNT(services) ? services[exchange->service] : "none");
    log_bytes(&line, "address", address_of(exchange));
    log_string(&line, "tls", exchange->tls ? "yes" : "no");
    log_bytes(&line, "mechanism", bytes_make(exchange->mechanism, exchange->mechanism_len));
    log_bytes(&line, "user", sasl_exchange_name(exchange->sasl));
    if (ok) {
        log_bytes(&line, "account",
                  account_name_bytes(&sasl_exchange_record(exchange->sasl)->name));
        log_number(&line, "shard", exchange->announce.shard);
    } else {
        log_string(&line, "result", ipc_result_text(result));
        log_string(&line, "why", why);
    }
    log_end(&line);
}

static void count_outcome(struct exchange *exchange, enum ipc_result result)
{
    struct bytes mechanism = bytes_make(exchange->mechanism, exchange->mechanism_len);

    if (!exchange->counted)
        exchange->state->logins[auth_stats_mechanism(mechanism)][result]++;
    exchange->counted = true;
}

/* Says how it ended, and is done with it. `text` goes to the client. */
static void finish(struct exchange *exchange, enum ipc_result result, const char *text)
{
    struct ipc_message message = { IPC_AUTH_RESULT,
                                   { .auth_result = { .result = (uint8_t)result,
                                                      .text = bytes_from_string(text) } } };

    count_outcome(exchange, result);
    log_outcome(exchange, result, text);
    if (result == IPC_OK) {
        message.auth_result.ticket = exchange->announce.ticket;
        message.auth_result.shard = exchange->announce.shard;
        message.auth_result.account =
            account_name_bytes(&sasl_exchange_record(exchange->sasl)->name);
    }
    role_answer(&exchange->asker, &message, NULL);
    forget(exchange);
}

/* An answer to a request for which there is no exchange. */
static void refuse(const struct role_asker *asker, enum ipc_result result, const char *text)
{
    struct ipc_message message = { IPC_AUTH_RESULT,
                                   { .auth_result = { .result = (uint8_t)result,
                                                      .text = bytes_from_string(text) } } };

    role_answer(asker, &message, NULL);
}

static void run_step(struct job *job)
{
    struct exchange *exchange = CONTAINER_OF(job, struct exchange, job);

    exchange->outcome =
        sasl_exchange_step(exchange->sasl, buf_bytes(&exchange->input), exchange->now);
}

/* Gives workers what waits, in fair order. */
static void dispatch(struct auth_state *state)
{
    while (state->running < state->workers) {
        struct fair_item *item = fair_queue_pop(&state->queue);
        struct exchange *exchange;

        if (item == NULL)
            return;
        exchange = CONTAINER_OF(item, struct exchange, item);
        exchange->stage = STAGE_RUNNING;
        exchange->now = clock_mono();
        exchange->since = state->changes.count;
        state->running++;
        pool_executor(state->hashers)->submit(pool_executor(state->hashers), &exchange->job);
    }
}

static void enqueue(struct exchange *exchange)
{
    struct auth_state *state = exchange->state;
    uint8_t origin[THROTTLE_ORIGIN_BYTES];
    size_t origin_len = throttle_origin(address_of(exchange), origin);

    if (origin_len == 0) { /* local programs speak for many people: each login stands alone */
        num_store_u64(origin, exchange->session);
        origin_len = 8;
    }
    exchange->stage = STAGE_QUEUED;
    if (!fair_queue_push(&state->queue, bytes_make(origin, origin_len), &exchange->item)) {
        finish(exchange, IPC_UNAVAILABLE, "too many logins at once, try again later");
        return;
    }
    dispatch(state);
}

static void on_announced(struct announce *announce, enum ipc_result result)
{
    struct exchange *exchange = CONTAINER_OF(announce, struct exchange, announce);

    finish(exchange, result == IPC_OK ? IPC_OK : IPC_UNAVAILABLE,
           result == IPC_OK ? "" : "the mail store is not available");
}

static void announce(struct exchange *exchange)
{
    struct announce_request request = { .gate = &exchange->asker,
                                        .service = exchange->service,
                                        .record = sasl_exchange_record(exchange->sasl),
                                        .since = exchange->since };

    exchange->stage = STAGE_ANNOUNCING;
    exchange->announce.over = on_announced;
    if (announce_begin(&exchange->announce, exchange->state, &request) != IPC_OK)
        finish(exchange, IPC_UNAVAILABLE, "the mail store is not available");
}

/* The outcome has been held back for long enough. */
static void conclude(struct exchange *exchange)
{
    switch (exchange->outcome) {
    case SASL_SUCCESS: announce(exchange); return;
    case SASL_DENIED: finish(exchange, IPC_DENIED, "wrong name or password"); return;
    case SASL_INVALID: finish(exchange, IPC_INVALID, "not what the mechanism expects"); return;
    case SASL_UNAVAILABLE:
    case SASL_CHALLENGE: break;
    }
    finish(exchange, IPC_UNAVAILABLE, "logins are not possible now");
}

static void on_timer(struct loop_timer *timer)
{
    struct exchange *exchange = CONTAINER_OF(timer, struct exchange, timer);

    if (exchange->stage == STAGE_WAITING)
        enqueue(exchange);
    else if (exchange->stage == STAGE_HOLDING)
        conclude(exchange);
    else
        finish(exchange, IPC_UNAVAILABLE, "the client was too slow");
}

static void hold(struct exchange *exchange, int64_t hold_ms)
{
    exchange->stage = STAGE_HOLDING;
    if (hold_ms > 0)
        loop_timer_set_in(&exchange->timer, hold_ms);
    else
        conclude(exchange);
}

static void challenge(struct exchange *exchange)
{
    struct ipc_message message = {
        IPC_AUTH_CHALLENGE, { .auth_data = { .data = sasl_exchange_output(exchange->sasl) } }
    };

    exchange->stage = STAGE_CHALLENGED;
    loop_timer_set_in(&exchange->timer, AUTH_EXCHANGE_IDLE_MS);
    role_answer(&exchange->asker, &message, NULL);
}

static void on_step_done(struct job *job)
{
    struct exchange *exchange = CONTAINER_OF(job, struct exchange, job);
    struct auth_state *state = exchange->state;
    struct bytes name = sasl_exchange_name(exchange->sasl);
    struct mono now = clock_mono();

    state->running--;
    wipe_input(exchange);
    if (exchange->outcome == SASL_DENIED) /* now: who fails often does not wait for the answer */
        count_outcome(exchange, IPC_DENIED);
    if (exchange->forgotten) {
        /* Its guess counts all the same: hanging up must not be a way around the delay. */
        if (exchange->outcome == SASL_DENIED || exchange->outcome == SASL_INVALID)
            (void)throttle_failed(state->throttle, address_of(exchange), name,
                                  sasl_exchange_fingerprint(exchange->sasl), now);
        free_exchange(exchange);
    } else if (exchange->outcome == SASL_CHALLENGE) {
        challenge(exchange);
    } else if (exchange->outcome == SASL_SUCCESS) {
        hold(exchange, throttle_succeeded(state->throttle, address_of(exchange), name, now));
    } else if (exchange->outcome == SASL_UNAVAILABLE) {
        hold(exchange, 0);
    } else {
        hold(exchange, throttle_failed(state->throttle, address_of(exchange), name,
                                       sasl_exchange_fingerprint(exchange->sasl), now));
    }
    dispatch(state);
}

static bool is_listed(const struct config *config, struct bytes mechanism)
{
    for (size_t i = 0; i < config->auth_mechanisms.count; i++) {
        if (bytes_equal_nocase(config->auth_mechanisms.at[i], mechanism))
            return true;
    }
    return false;
}

/* The LOGIN command arrives here as PLAIN. */
static bool is_offered(const struct config *config, struct bytes mechanism)
{
    return is_listed(config, mechanism) ||
           (bytes_equal(mechanism, BYTES("PLAIN")) && is_listed(config, BYTES("LOGIN")));
}

static struct exchange *make(struct auth_state *state, const struct role_asker *asker,
                             const struct ipc_auth_start *start)
{
    struct sasl_client client = { .tls = start->client.tls,
                                  .loopback = start->client.loopback,
                                  .channel_binding = start->channel_binding };
    struct sasl_exchange *sasl = NULL;
    struct exchange *exchange;
    uint8_t key[KEY_BYTES];

    if (is_offered(&state->config, start->mechanism))
        sasl = sasl_exchange_new(state->sasl, start->mechanism, &client);
    if (sasl == NULL)
        return NULL;
    exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL)
        abort();
    exchange->state = state;
    exchange->asker = *asker;
    exchange->sasl = sasl;
    exchange->job = (struct job){ .run = run_step, .done = on_step_done };
    exchange->input = buf_make(SASL_MESSAGE_BYTES_MAX + 1);
    exchange->service = start->service;
    exchange->tls = start->client.tls;
    exchange->session = start->client.session;
    exchange->address_len = (uint8_t)start->client.address.len;
    memcpy(exchange->address, start->client.address.at, start->client.address.len);
    exchange->mechanism_len = (uint8_t)start->mechanism.len;
    memcpy(exchange->mechanism, start->mechanism.at, start->mechanism.len);
    loop_timer_init(&exchange->timer, state->role->loop, on_timer);
    make_key(asker->peer, asker->request, key);
    map_set(&state->exchanges, bytes_make(key, KEY_BYTES), exchange);
    list_push_back(&state->exchange_list, &exchange->link);
    return exchange;
}

/* Takes a message of the client for the next step; false when it is too long. */
static bool take_input(struct exchange *exchange, struct bytes data)
{
    buf_clear(&exchange->input);
    /* Room at once, so that no copy of a password stays behind in memory that was outgrown. */
    if (buf_reserve(&exchange->input, data.len + 1) == NULL)
        return false;
    buf_add(&exchange->input, data);
    return true;
}

void exchange_on_start(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct auth_state *state = from->role->context;
    const struct ipc_auth_start *start = &message->auth_start;
    struct role_asker asker = role_asker_of(from, message);
    struct exchange *exchange;
    int64_t wait_ms = 0;

    (void)fd;
    if (!ipc_service_logs_in(start->service)) {
        refuse(&asker, IPC_DENIED, "nobody logs in to this service");
        return;
    }
    if (find(state, from, asker.request) != NULL || start->client.address.len > ADDRESS_BYTES_MAX ||
        start->mechanism.len > MECHANISM_BYTES_MAX) {
        refuse(&asker, IPC_INVALID, "not a new exchange");
        return;
    }
    if (state->exchanges.count >= AUTH_EXCHANGES_MAX) {
        refuse(&asker, IPC_UNAVAILABLE, "too many logins at once, try again later");
        return;
    }
    exchange = make(state, &asker, start);
    if (exchange == NULL) {
        refuse(&asker, IPC_UNSUPPORTED, "no such mechanism here");
        return;
    }
    if (start->has_initial && !take_input(exchange, start->initial)) {
        finish(exchange, IPC_INVALID, "the message is too long");
        return;
    }
    if (!throttle_admit(state->throttle, start->client.address, clock_mono(), &wait_ms)) {
        finish(exchange, IPC_LIMIT, "too many failed logins from your address");
        return;
    }
    if (wait_ms > 0)
        loop_timer_set_in(&exchange->timer, wait_ms);
    else
        enqueue(exchange);
}

void exchange_on_continue(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct auth_state *state = from->role->context;
    struct role_asker asker = role_asker_of(from, message);
    struct exchange *exchange = find(state, from, asker.request);

    (void)fd;
    if (exchange == NULL) {
        refuse(&asker, IPC_UNAVAILABLE, "the exchange is over");
        return;
    }
    if (exchange->stage != STAGE_CHALLENGED) {
        refuse(&asker, IPC_INVALID, "not your turn");
        forget(exchange);
        return;
    }
    loop_timer_unset(&exchange->timer);
    if (!take_input(exchange, message->auth_data.data)) {
        finish(exchange, IPC_INVALID, "the message is too long");
        return;
    }
    enqueue(exchange);
}

void exchange_on_cancel(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct exchange *exchange = find(from->role->context, from, message->request.request);

    (void)fd;
    if (exchange != NULL)
        forget(exchange);
}

void exchange_forget_gate(struct auth_state *state, const struct role_peer *gate)
{
    LIST_EACH (node, after, &state->exchange_list) {
        struct exchange *exchange = CONTAINER_OF(node, struct exchange, link);

        if (exchange->asker.peer == gate)
            forget(exchange);
    }
}

void exchange_forget_all(struct auth_state *state)
{
    LIST_EACH (node, after, &state->exchange_list)
        forget(CONTAINER_OF(node, struct exchange, link));
}
