/* Tickets. */
#include "daemon/auth/announce.h"

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

enum ipc_result announce_begin(struct announce *announce, struct auth_state *state,
                               const struct announce_request *request)
{
    const struct accounts_record *record = request->record;
    struct role_peer *shard = auth_shard_peer(state, &record->id);
    const struct role_peer *gate = request->gate->peer;
    struct ipc_message message = { IPC_TICKET,
                                   { .ticket_announce = {
                                         .gate = gate->index,
                                         .gate_incarnation = gate->incarnation,
                                         .service = request->service,
                                         .account_id = auth_ipc_id(&record->id),
                                         .account = account_name_bytes(&record->name),
                                         .quota_bytes = record->quota_bytes != 0
                                                            ? record->quota_bytes
                                                            : state->config.mail_quota_bytes } } };

    if (shard == NULL || !role_asker_waits(request->gate) ||
        changes_since(&state->changes, &record->id, request->since))
        return IPC_UNAVAILABLE;
    entropy_fill(announce->ticket.raw, sizeof(announce->ticket.raw));
    announce->shard = shard->index;
    announce->ask.answered = on_answer;
    message.ticket_announce.ticket = announce->ticket;
    message.ticket_announce.mail_incarnation = shard->incarnation;
    if (role_ask(shard, &announce->ask, &message, NULL, ANNOUNCE_TIMEOUT_MS) != ERR_OK)
        return IPC_UNAVAILABLE;
    return IPC_OK;
}

void announce_drop(struct announce *announce)
{
    role_ask_drop(&announce->ask);
}
