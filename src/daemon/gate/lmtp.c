/* LMTP: joins smtp/session to the connection, the spool and the deliveries. */
#include "daemon/gate/lmtp.h"

#include <stdlib.h>

#include "daemon/gate/internal.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum {
    SPOOL_MEMORY_BYTES_MAX = 1024 * 1024, /* larger ones go to an unnamed file */
    DRAIN_MS = 60 * 1000,
    READ_BYTES = 64 * 1024,
};

static struct lmtp_side *side_of(struct client *client)
{
    return client->state;
}

static void on_again(struct loop_task *task)
{
    struct client *client = CONTAINER_OF(task, struct lmtp_side, again)->client;

    client->protocol->step(client);
}

void lmtp_step_soon(struct lmtp_side *side)
{
    loop_defer(side->client->gate->role->loop, &side->again);
}

static void lmtp_open(struct client *client)
{
    struct gate *gate = client->gate;
    struct lmtp_side *side = calloc(1, sizeof(*side));
    struct ipc_client identity = client_identity(client);
    struct smtp_options options = {
        .host = bytes_from_string(gate->host),
        .address = identity.address,
        .tls_facts = identity.tls_facts,
        .session = client->session,
        .local = client->peer.kind == ADDRESS_UNIX,
        .starttls = !client->tls && client_tls_is_there(client),
        .size_max = gate->config.mail_message_bytes_max,
        .recipients_max = (size_t)gate->config.lmtp_recipients_max,
        .timeout_ms = (int64_t)gate->config.lmtp_timeout_ms,
    };

    if (side == NULL)
        abort();
    side->client = client;
    side->again.run = on_again;
    side->session = smtp_session_new(&options, clock_mono());
    side->message_fd = -1;
    spool_init(
        &side->spool, gate->role->directory_fd,
        (struct spool_limits){ IPC_CONTENT_BYTES_MAX, SPOOL_MEMORY_BYTES_MAX, options.size_max });
    client->state = side;
}

static void drop_message(struct lmtp_side *side)
{
    spool_done(&side->spool);
    fd_close(&side->message_fd);
}

static void lmtp_close(struct client *client)
{
    struct lmtp_side *side = side_of(client);

    client->state = NULL;
    loop_undefer(&side->again);
    for (size_t i = 0; i < SMTP_ASKED_MAX; i++)
        role_ask_drop(&side->look_ups[i].ask);
    parcels_drop(side);
    drop_message(side);
    smtp_session_free(side->session);
    lately_done(&side->lately);
    free(side->looked_up);
    free(side);
}

static void lmtp_stop(struct client *client)
{
    smtp_session_bye(side_of(client)->session);
    client->protocol->step(client);
}

static void lmtp_tls_started(struct client *client)
{
    struct lmtp_side *side = side_of(client);

    side->starttls = false;
    smtp_session_tls_started(side->session, bytes_from_string(client->facts));
}

/* Answers its token. */
static uint32_t keep_found(struct lmtp_side *side, const struct looked_up *found)
{
    uint32_t token = side->looked_up_count;

    if (token == side->looked_up_max) {
        side->looked_up_max = token == 0 ? 4 : 2 * token;
        side->looked_up =
            reallocarray(side->looked_up, side->looked_up_max, sizeof(*side->looked_up));
        if (side->looked_up == NULL)
            abort();
    }
    side->looked_up[token] = *found;
    side->looked_up_count++;
    return token;
}

static void on_recipient_answer(struct role_ask *ask, const struct ipc_message *answer, int *fd)
{
    struct look_up *question = CONTAINER_OF(ask, struct look_up, ask);
    struct lmtp_side *side = question->side;
    enum smtp_verdict verdict = SMTP_UNAVAILABLE;
    uint32_t token = 0;

    if (answer != NULL)
        verdict = parcel_verdict_of_recipient((enum ipc_result)answer->recipient_result.result);
    if (verdict == SMTP_ACCEPTED) {
        struct looked_up found = { .ticket = answer->recipient_result.ticket,
                                   .shard = answer->recipient_result.shard,
                                   .when = clock_mono() };

        lately_note(&side->lately, question->address, &found);
        token = keep_found(side, &found);
    }
    side->look_ups_out--;
    smtp_session_recipient_is(side->session, (unsigned)(question - side->look_ups), verdict, token);
    lmtp_step_soon(side);
}

static void look_up(struct client *client)
{
    struct lmtp_side *side = side_of(client);
    struct smtp_asked asked = smtp_session_asked(side->session);
    struct role_peer *auth = role_peer_find(client->gate->role, IPC_ROLE_AUTH, 0);
    struct look_up *question = &side->look_ups[asked.slot];
    const struct looked_up *found = lately_find(&side->lately, asked.address, clock_mono());
    struct ipc_message message = { IPC_RECIPIENT,
                                   { .recipient = { .service = IPC_SERVICE_LMTP,
                                                    .session = client->session,
                                                    .address = asked.address,
                                                    .size = asked.size } } };

    if (side->look_ups_out == 0 && smtp_session_recipient_count(side->session) == 0)
        side->looked_up_count = 0; /* a new message, or nobody has been accepted yet */
    if (found != NULL) {
        smtp_session_recipient_is(side->session, asked.slot, SMTP_ACCEPTED,
                                  keep_found(side, found));
        return;
    }
    question->side = side;
    question->address = asked.address;
    question->ask.answered = on_recipient_answer;
    if (auth != NULL && role_ask(auth, &question->ask, &message, NULL, PARCEL_LOOK_UP_MS) == ERR_OK)
        side->look_ups_out++;
    else
        smtp_session_recipient_is(side->session, asked.slot, SMTP_UNAVAILABLE, 0);
}

static enum smtp_verdict verdict_of(enum err err)
{
    if (err == ERR_OK)
        return SMTP_ACCEPTED;
    if (err == ERR_LIMIT)
        return SMTP_TOO_LARGE;
    return err == ERR_NO_SPACE ? SMTP_NO_SPACE : SMTP_UNAVAILABLE;
}

static void store(struct lmtp_side *side)
{
    uint64_t offset;
    struct bytes chunk = smtp_session_chunk(side->session, &offset);

    if (offset == 0)
        drop_message(side);
    smtp_session_spooled(side->session, verdict_of(spool_append(&side->spool, chunk)));
}

static void deliver(struct lmtp_side *side)
{
    side->client->messages++;
    parcels_send(side);
}

/* One step; false when there is nothing more to do now, and then the client may be gone. */
static bool step_once(struct client *client)
{
    struct lmtp_side *side = side_of(client);
    size_t used = 0;
    enum smtp_want want = smtp_session_step(side->session, buf_bytes(&client->in), clock_mono(),
                                            &used, stream_out(&client->stream));

    if (want == SMTP_SPOOL) /* borrows from the input */
        store(side);
    else if (!smtp_session_holds_message(side->session))
        drop_message(side);
    client_consume(client, used);
    if (want != SMTP_SPOOL && want != SMTP_RECIPIENT && side->look_ups_out == 0)
        stream_flush(&client->stream); /* else more is to be said soon */
    switch (want) {
    case SMTP_SPOOL: return true;
    case SMTP_RECIPIENT: look_up(client); return true;
    case SMTP_DELIVER: deliver(side); return !parcels_are_out(side);
    case SMTP_INPUT:
        client_read(client, true);
        if (client->input_ended)
            client_finish(client, "client closed");
        return false;
    case SMTP_OUTPUT:
        stream_flush(&client->stream);
        client_read(client, false);
        if (stream_unsent(&client->stream) == 0)
            return true;
        stream_want_drained(&client->stream);
        return false;
    case SMTP_PENDING:
        if (client->in.len >= READ_BYTES) /* who waits for answers mostly sends nothing */
            client_read(client, false);
        return false;
    case SMTP_STARTTLS:
        if (!buf_is_empty(&client->in))
            return true; /* what was sent behind it ends the session */
        side->starttls = true;
        side->give_up.ms = clock_mono().ms + DRAIN_MS;
        client_read(client, false);
        return false;
    case SMTP_CLOSE: client_finish(client, "said bye"); return false;
    }
    return false;
}

static void start_tls(struct client *client)
{
    struct lmtp_side *side = side_of(client);

    if (stream_unsent(&client->stream) == 0) {
        client_start_tls(client);
    } else if (clock_mono().ms >= side->give_up.ms) {
        client_close(client);
    } else {
        stream_want_drained(&client->stream);
        client_wait_until(client, side->give_up);
    }
}

static void lmtp_step(struct client *client)
{
    struct lmtp_side *side = side_of(client);

    while (client->state != NULL && !side->starttls && step_once(client))
        ;
    if (client->state == NULL) /* last words are going out */
        return;
    if (side->starttls)
        start_tls(client);
    else
        client_wait_until(client, smtp_session_deadline(side->session));
}

const struct gate_protocol gate_lmtp = {
    .open = lmtp_open,
    .step = lmtp_step,
    .tls_started = lmtp_tls_started,
    .stop = lmtp_stop,
    .close = lmtp_close,
    .read_bytes_max = READ_BYTES,
};
