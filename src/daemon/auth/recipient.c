/* One recipient: looked up, on a worker if it was not lately, announced to its shard, answered. */
#include "daemon/auth/recipient.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/auth/state.h"
#include "ipc/request_table.h"

enum { RECIPIENT_BYTES_MAX = 1100 };

struct recipient {
    struct list link;
    struct auth_state *state;
    struct role_asker asker;
    struct job job;
    struct announce announce;
    struct accounts_record record;
    enum err err;
    uint64_t since;
    uint64_t generation; /* of the accounts, before they were asked */
    uint8_t service;
    uint64_t session;
    size_t address_len;
    uint8_t address[RECIPIENT_BYTES_MAX];
};

static struct bytes address_of(const struct recipient *recipient)
{
    return bytes_make(recipient->address, recipient->address_len);
}

static void answer(const struct role_asker *asker, enum ipc_result result,
                   const struct recipient *recipient)
{
    struct ipc_message message = { IPC_RECIPIENT_RESULT,
                                   { .recipient_result = { .result = (uint8_t)result } } };

    if (result == IPC_OK) {
        message.recipient_result.ticket = recipient->announce.ticket;
        message.recipient_result.shard = recipient->announce.shard;
        message.recipient_result.account = account_name_bytes(&recipient->record.name);
    }
    role_answer(asker, &message, NULL);
}

static void free_recipient(struct recipient *recipient)
{
    announce_drop(&recipient->announce);
    list_remove(&recipient->link);
    recipient->state->recipient_count--;
    free(recipient);
}

static void finish(struct recipient *recipient, enum ipc_result result)
{
    if (result != IPC_OK) {
        struct log_line line;

        log_begin(&line, LOG_LEVEL_INFO, "recipient-refused");
        log_number(&line, "session", (int64_t)recipient->session);
        log_bytes(&line, "recipient", address_of(recipient));
        log_string(&line, "result", ipc_result_text(result));
        if (recipient->err == ERR_CONFLICT)
            log_string(&line, "why", "there is no account at all");
        log_end(&line);
    }
    answer(&recipient->asker, result, recipient);
    free_recipient(recipient);
}

static bool is_nobody_here(struct accounts *accounts)
{
    struct accounts_record first;
    size_t count = 0;

    return accounts_list(accounts, bytes_make(NULL, 0), &first, 1, &count) == ERR_OK && count == 0;
}

/* A server without a single account is one that is not ready, or has lost its data: it is not for
 * it to say who does not exist. */
static void run(struct job *job)
{
    struct recipient *recipient = CONTAINER_OF(job, struct recipient, job);
    const struct config_list *domains = &recipient->state->config.domains;

    recipient->err = accounts_find_recipient(recipient->state->accounts, address_of(recipient),
                                             domains->at, domains->count, &recipient->record);
    if (recipient->err == ERR_NOT_FOUND && is_nobody_here(recipient->state->accounts))
        recipient->err = ERR_CONFLICT;
}

static void on_announced(struct announce *announce, enum ipc_result result)
{
    struct recipient *recipient = CONTAINER_OF(announce, struct recipient, announce);

    finish(recipient, result == IPC_OK ? IPC_OK : IPC_UNAVAILABLE);
}

static void go_on(struct recipient *recipient)
{
    struct announce_request request = { .gate = &recipient->asker,
                                        .service = recipient->service,
                                        .record = &recipient->record,
                                        .since = recipient->since };
    enum ipc_result result = auth_result_of(recipient->err);

    recipient->announce.over = on_announced;
    if (result == IPC_OK) {
        result = announce_now(&recipient->announce, recipient->state, &request);
        if (result == IPC_LIMIT &&
            announce_begin(&recipient->announce, recipient->state, &request) == IPC_OK)
            return;
    }
    finish(recipient, result == IPC_LIMIT ? IPC_UNAVAILABLE : result);
}

static void on_found(struct job *job)
{
    struct recipient *recipient = CONTAINER_OF(job, struct recipient, job);
    struct auth_state *state = recipient->state;

    if (recipient->err == ERR_OK)
        recipient_cache_put(state->found, address_of(recipient), recipient->generation,
                            &recipient->record);
    go_on(recipient);
}

static void look_up(struct recipient *recipient)
{
    struct auth_state *state = recipient->state;
    struct executor *lookers = pool_executor(state->lookers);

    recipient->generation = accounts_generation(state->accounts);
    if (recipient_cache_find(state->found, address_of(recipient), recipient->generation,
                             &recipient->record))
        go_on(recipient);
    else
        lookers->submit(lookers, &recipient->job);
}

void recipient_on_request(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct auth_state *state = from->role->context;
    struct role_asker asker = role_asker_of(from, message);
    struct bytes address = message->recipient.address;
    struct recipient *recipient;

    (void)fd;
    if (!ipc_service_delivers(message->recipient.service)) {
        log_event(LOG_LEVEL_ERROR, "recipient-refused", "why", "asked for a service with logins");
        answer(&asker, IPC_DENIED, NULL);
        return;
    }
    if (address.len > RECIPIENT_BYTES_MAX || address.len == 0) {
        answer(&asker, IPC_NOT_FOUND, NULL);
        return;
    }
    if (state->recipient_count >= AUTH_RECIPIENTS_MAX) {
        answer(&asker, IPC_UNAVAILABLE, NULL);
        return;
    }
    recipient = calloc(1, sizeof(*recipient));
    if (recipient == NULL)
        abort();
    recipient->state = state;
    recipient->asker = asker;
    recipient->job = (struct job){ .run = run, .done = on_found };
    recipient->since = state->changes.count;
    recipient->service = message->recipient.service;
    recipient->session = message->recipient.session;
    recipient->address_len = address.len;
    memcpy(recipient->address, address.at, address.len);
    state->recipient_count++;
    list_push_back(&state->recipients, &recipient->link);
    look_up(recipient);
}

void recipient_forget_all(struct auth_state *state)
{
    LIST_EACH (node, after, &state->recipients)
        free_recipient(CONTAINER_OF(node, struct recipient, link));
}
