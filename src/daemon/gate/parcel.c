/* Parcels: one recipient's share of a message on its way to a shard. */
#include <stdlib.h>

#include "daemon/gate/internal.h"
#include "daemon/gate/lmtp.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { TRACE_BYTES_MAX = 16 * 1024 };

enum smtp_verdict parcel_verdict_of_recipient(enum ipc_result result)
{
    switch (result) {
    case IPC_OK: return SMTP_ACCEPTED;
    case IPC_NOT_FOUND:
    case IPC_DENIED:
    case IPC_INVALID: return SMTP_NO_ACCOUNT;
    case IPC_OVER_QUOTA: return SMTP_OVER_QUOTA;
    case IPC_TOO_LARGE: return SMTP_TOO_LARGE;
    case IPC_NO_SPACE: return SMTP_NO_SPACE;
    case IPC_EXISTS:
    case IPC_UNAVAILABLE:
    case IPC_LIMIT:
    case IPC_EXPIRED:
    case IPC_UNSUPPORTED:
    case IPC_RESULT_COUNT: break;
    }
    return SMTP_UNAVAILABLE;
}

static enum smtp_verdict verdict_of_delivery(enum ipc_result result, bool has_folder)
{
    switch (result) {
    case IPC_OK: return SMTP_ACCEPTED;
    case IPC_NOT_FOUND: return has_folder ? SMTP_NO_FOLDER : SMTP_NO_ACCOUNT;
    case IPC_OVER_QUOTA: return SMTP_OVER_QUOTA;
    case IPC_TOO_LARGE: return SMTP_TOO_LARGE;
    case IPC_NO_SPACE: return SMTP_NO_SPACE;
    case IPC_DENIED: /* the ticket: nothing is known against the recipient */
    case IPC_INVALID:
    case IPC_EXISTS:
    case IPC_UNAVAILABLE:
    case IPC_LIMIT:
    case IPC_EXPIRED:
    case IPC_UNSUPPORTED:
    case IPC_RESULT_COUNT: break;
    }
    return SMTP_UNAVAILABLE;
}

static struct role *role_of(const struct parcel *parcel)
{
    return parcel->side->client->gate->role;
}

static void start_more(struct lmtp_side *side);

/* However often it is sent. At least a moment: what is late is ended by its clock. */
static int64_t time_left(const struct parcel *parcel)
{
    int64_t left = parcel->give_up.ms - clock_mono().ms;

    return left > 0 ? left : 1;
}

void parcels_drop(struct lmtp_side *side)
{
    for (size_t i = 0; i < side->parcel_count; i++)
        role_ask_drop(&side->parcels[i].ask);
    free(side->parcels);
    side->parcels = NULL;
    side->parcel_count = 0;
    side->parcels_started = 0;
    side->parcels_ended = 0;
}

/* The fate of one parcel is known. */
static void end_parcel(struct parcel *parcel, enum smtp_verdict verdict)
{
    smtp_session_delivered(parcel->side->session, parcel->index, verdict);
    parcel->side->parcels_ended++;
}

/* The same, when it was sent. May free all of them. */
static void end_sent(struct parcel *parcel, enum smtp_verdict verdict)
{
    struct lmtp_side *side = parcel->side;

    end_parcel(parcel, verdict);
    start_more(side);
    lmtp_step_soon(side);
}

static enum err ask_auth(struct parcel *parcel);

/* When a ticket that was kept is void, for the shard began anew, the account was removed, or time
 * has passed: who knows more is auth. False: it was not asked. */
static bool try_again(struct parcel *parcel, const struct ipc_deliver_answer *answer)
{
    bool is_void = answer->result == IPC_DENIED || answer->result == IPC_EXPIRED;

    if (parcel->kept == NULL || !is_void)
        return false;
    lately_forget(&parcel->side->lately, parcel->kept);
    parcel->kept = NULL;
    return ask_auth(parcel) == ERR_OK;
}

static void on_delivered(struct role_ask *ask, const struct ipc_message *answer, int *fd)
{
    struct parcel *parcel = CONTAINER_OF(ask, struct parcel, ask);
    struct smtp_delivery delivery = smtp_session_delivery(parcel->side->session, parcel->index);
    enum smtp_verdict verdict = SMTP_UNAVAILABLE;

    if (answer != NULL && try_again(parcel, &answer->deliver_answer))
        return;
    if (answer != NULL)
        verdict = verdict_of_delivery((enum ipc_result)answer->deliver_answer.result,
                                      delivery.folder.len > 0);
    end_sent(parcel, verdict);
}

/* A small message as it is, as long as the shard takes what is sent; others by descriptor. */
static enum err add_message(struct lmtp_side *side, const struct role_peer *mail,
                            struct ipc_deliver *deliver, int *out_fd)
{
    enum err err = ERR_OK;

    if (side->message_fd < 0 && spool_is_held(&side->spool) &&
        !channel_is_congested(&mail->channel)) {
        deliver->content = spool_held(&side->spool);
        return ERR_OK;
    }
    if (side->message_fd < 0)
        err = spool_finish(&side->spool, &side->message_fd);
    return err == ERR_OK ? fd_duplicate(side->message_fd, out_fd) : err;
}

static enum err send_parcel(struct parcel *parcel, const struct ipc_ticket *ticket, unsigned shard)
{
    struct lmtp_side *side = parcel->side;
    struct role_peer *mail = role_peer_find(role_of(parcel), IPC_ROLE_MAIL, shard);
    struct smtp_delivery delivery = smtp_session_delivery(side->session, parcel->index);
    struct buf trace = buf_make(TRACE_BYTES_MAX);
    struct ipc_message message = { IPC_DELIVER,
                                   { .deliver = { .ticket = *ticket,
                                                  .keeps_ticket = parcel->kept != NULL,
                                                  .service = IPC_SERVICE_LMTP,
                                                  .client = client_identity(side->client),
                                                  .recipient = delivery.recipient,
                                                  .mailbox = delivery.folder,
                                                  .size = smtp_session_size(side->session) } } };
    FD_LOCAL int fd = -1;
    enum err err = mail == NULL ? ERR_CLOSED : add_message(side, mail, &message.deliver, &fd);

    if (err == ERR_OK) {
        smtp_session_trace(side->session, parcel->index, clock_wall(), &trace);
        message.deliver.trace = buf_bytes(&trace);
        parcel->ask.answered = on_delivered;
        err = role_ask(mail, &parcel->ask, &message, &fd, time_left(parcel));
    }
    buf_done(&trace);
    return err;
}

static void on_looked_up(struct role_ask *ask, const struct ipc_message *answer, int *fd)
{
    struct parcel *parcel = CONTAINER_OF(ask, struct parcel, ask);
    const struct ipc_recipient_result *result = answer == NULL ? NULL : &answer->recipient_result;

    if (result == NULL)
        end_sent(parcel, SMTP_UNAVAILABLE);
    else if (result->result != IPC_OK)
        end_sent(parcel, parcel_verdict_of_recipient((enum ipc_result)result->result));
    else if (send_parcel(parcel, &result->ticket, result->shard) != ERR_OK)
        end_sent(parcel, SMTP_UNAVAILABLE);
}

static enum err ask_auth(struct parcel *parcel)
{
    struct lmtp_side *side = parcel->side;
    struct role_peer *auth = role_peer_find(role_of(parcel), IPC_ROLE_AUTH, 0);
    int64_t left = time_left(parcel);
    struct ipc_message message = {
        IPC_RECIPIENT,
        { .recipient = { .service = IPC_SERVICE_LMTP,
                         .session = side->client->session,
                         .address = smtp_session_delivery(side->session, parcel->index).recipient,
                         .size = smtp_session_size(side->session) } }
    };

    parcel->ask.answered = on_looked_up;
    if (left > PARCEL_LOOK_UP_MS)
        left = PARCEL_LOOK_UP_MS;
    return auth == NULL ? ERR_CLOSED : role_ask(auth, &parcel->ask, &message, NULL, left);
}

static enum err start_parcel(struct parcel *parcel)
{
    struct smtp_delivery delivery = smtp_session_delivery(parcel->side->session, parcel->index);
    const struct looked_up *known = &parcel->side->looked_up[delivery.token];

    parcel->give_up.ms = clock_mono().ms + PARCEL_DELIVER_MS;
    if (!looked_up_is_fresh(known, clock_mono()))
        return ask_auth(parcel);
    parcel->kept = known->is_kept ? &known->ticket : NULL;
    return send_parcel(parcel, &known->ticket, known->shard);
}

static void start_more(struct lmtp_side *side)
{
    while (side->parcels_started < side->parcel_count &&
           side->parcels_started - side->parcels_ended < PARCELS_OUT_MAX) {
        struct parcel *parcel = &side->parcels[side->parcels_started++];

        if (start_parcel(parcel) != ERR_OK)
            end_parcel(parcel, SMTP_UNAVAILABLE);
    }
    if (side->parcels_ended < side->parcel_count)
        return;
    parcels_drop(side);
    fd_close(&side->message_fd);
}

void parcels_send(struct lmtp_side *side)
{
    side->parcel_count = smtp_session_recipient_count(side->session);
    side->parcels = calloc(side->parcel_count, sizeof(*side->parcels));
    if (side->parcels == NULL)
        abort();
    for (size_t i = 0; i < side->parcel_count; i++) {
        side->parcels[i].side = side;
        side->parcels[i].index = i;
    }
    start_more(side);
}
