/* Tickets. */
#include "daemon/auth/announce.h"

#include <assert.h>

#include "daemon/auth/state.h"
#include "sys/entropy.h"

enum { ANNOUNCE_TIMEOUT_MS = 5000 };

static void on_answer(struct role_ask *ask, const struct ipc_message *answer, int *fd)
{
    struct announce *announce = CONTAINER_OF(ask, struct announce, ask);
    enum ipc_result result =
        answer == NULL ? IPC_UNAVAILABLE : (enum ipc_result)answer->answer.result;

    (void)fd;
    announce->over(announce, result);
}

/* Makes a ticket. IPC_UNAVAILABLE: nobody can be told, or what was read is not true any more. */
static enum ipc_result make_ticket(struct announce *announce, struct auth_state *state,
                                   const struct announce_request *request,
                                   struct role_peer **out_shard)
{
    const struct accounts_record *record = request->record;
    struct role_peer *shard = auth_shard_peer(state, &record->id);

    if (shard == NULL || !role_asker_waits(request->gate) ||
        changes_since(&state->changes, &record->id, request->since))
        return IPC_UNAVAILABLE;
    entropy_fill(announce->ticket.raw, sizeof(announce->ticket.raw));
    announce->shard = shard->index;
    *out_shard = shard;
    return IPC_OK;
}

/* Borrows from the request. */
static struct ipc_ticket_announce announcement(const struct announce *announce,
                                               const struct auth_state *state,
                                               const struct announce_request *request,
                                               const struct role_peer *shard)
{
    const struct accounts_record *record = request->record;

    return (struct ipc_ticket_announce){
        .ticket = announce->ticket,
        .gate = request->gate->peer->index,
        .gate_incarnation = request->gate->peer->incarnation,
        .mail_incarnation = shard->incarnation,
        .service = request->service,
        .account_id = auth_ipc_id(&record->id),
        .account = account_name_bytes(&record->name),
        .quota_bytes =
            record->quota_bytes != 0 ? record->quota_bytes : state->config.mail_quota_bytes,
    };
}

enum ipc_result announce_begin(struct announce *announce, struct auth_state *state,
                               const struct announce_request *request)
{
    struct ipc_message message = { .type = IPC_TICKET };
    struct role_peer *shard = NULL;
    enum ipc_result result = make_ticket(announce, state, request, &shard);

    if (result != IPC_OK)
        return result;
    message.ticket_announce = announcement(announce, state, request, shard);
    announce->ask.answered = on_answer;
    if (role_ask(shard, &announce->ask, &message, NULL, ANNOUNCE_TIMEOUT_MS) != ERR_OK)
        return IPC_UNAVAILABLE;
    return IPC_OK;
}

enum ipc_result announce_now(struct announce *announce, struct auth_state *state,
                             const struct announce_request *request)
{
    struct ipc_message message = { .type = IPC_DELIVERY_TICKET };
    struct role_peer *shard = NULL;
    enum ipc_result result = make_ticket(announce, state, request, &shard);

    assert(ipc_service_delivers(request->service));
    if (result != IPC_OK)
        return result;
    if (!channel_is_through(&shard->channel))
        return IPC_LIMIT;
    message.ticket_announce = announcement(announce, state, request, shard);
    if (role_tell(shard, &message, NULL) != ERR_OK)
        return IPC_UNAVAILABLE;
    return channel_is_through(&shard->channel) ? IPC_OK : IPC_LIMIT;
}

void announce_drop(struct announce *announce)
{
    role_ask_drop(&announce->ask);
}
