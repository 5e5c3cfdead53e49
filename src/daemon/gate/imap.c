/* IMAP before the login: joins imap/login to the connection, to auth and to the shards. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/gate/internal.h"
#include "imap/login/login.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum {
    AUTH_MS = 60 * 1000, /* auth delays answers to those who guess */
    DRAIN_MS = 60 * 1000, /* for the client to read what came before its connection changes hands */
};

enum imap_phase {
    PHASE_LOGIN, /* the login session may be stepped */
    PHASE_ASKING, /* auth or a shard has a question of ours */
    PHASE_STARTTLS, /* as soon as all output is out */
    PHASE_HANDOFF, /* likewise */
};

struct imap_side {
    struct imap_login *login;
    enum imap_phase phase;
    struct ipc_ticket ticket; /* of the login that auth granted */
    uint16_t shard;
    struct mono give_up; /* in PHASE_STARTTLS and PHASE_HANDOFF */
    char account[256]; /* for the log */
};

static struct imap_side *side_of(struct client *client)
{
    return client->state;
}

static void imap_open(struct client *client)
{
    struct imap_side *side = calloc(1, sizeof(*side));
    struct imap_login_options options = {
        .tls = client->tls,
        .starttls = !client->tls && client_tls_is_there(client),
        .plaintext = address_is_loopback(&client->peer),
        .plain = gate_offers(client->gate, BYTES("PLAIN")),
        .login = gate_offers(client->gate, BYTES("LOGIN")),
        .scram = gate_offers(client->gate, BYTES("SCRAM-SHA-256")),
        .scram_plus = gate_offers(client->gate, BYTES("SCRAM-SHA-256-PLUS")),
        .channel_binding = client->binding_len > 0,
        .resumed = client->resumed,
        .timeout_ms = (int64_t)client->gate->config.gate_login_timeout_ms,
    };

    if (side == NULL)
        abort();
    client->state = side;
    side->login = imap_login_new(&options, clock_mono());
}

static void imap_close(struct client *client)
{
    struct imap_side *side = side_of(client);

    client->state = NULL;
    imap_login_free(side->login);
    free(side);
}

static void imap_stop(struct client *client)
{
    struct imap_side *side = side_of(client);

    if (side->phase != PHASE_LOGIN) {
        client_close(client);
        return;
    }
    imap_login_bye(side->login, "The server is going down");
    client->protocol->step(client);
}

static void imap_tls_started(struct client *client)
{
    struct imap_side *side = side_of(client);

    side->phase = PHASE_LOGIN;
    imap_login_tls_started(side->login, client->binding_len > 0);
}

static enum imap_login_verdict verdict_of(enum ipc_result result)
{
    switch (result) {
    case IPC_OK: return IMAP_LOGIN_SUCCESS;
    case IPC_EXPIRED: return IMAP_LOGIN_EXPIRED;
    case IPC_LIMIT: return IMAP_LOGIN_TOO_MANY;
    case IPC_UNAVAILABLE: return IMAP_LOGIN_UNAVAILABLE;
    case IPC_DENIED:
    case IPC_NOT_FOUND:
    case IPC_EXISTS:
    case IPC_INVALID:
    case IPC_OVER_QUOTA:
    case IPC_TOO_LARGE:
    case IPC_NO_SPACE:
    case IPC_UNSUPPORTED:
    case IPC_RESULT_COUNT: break;
    }
    return IMAP_LOGIN_FAILED;
}

static void keep_login(struct imap_side *side, const struct ipc_auth_result *result)
{
    struct bytes account = bytes_slice(result->account, 0, sizeof(side->account) - 1);

    side->ticket = result->ticket;
    side->shard = result->shard;
    memset(side->account, 0, sizeof(side->account));
    if (account.len > 0)
        memcpy(side->account, account.at, account.len);
}

static void on_auth_answer(struct role_ask *ask, const struct ipc_message *answer, int *fd)
{
    struct client *client = CONTAINER_OF(ask, struct client, ask);
    struct imap_side *side = side_of(client);

    if (side->phase != PHASE_ASKING) /* auth went away while it was the client's turn */
        return;
    side->phase = PHASE_LOGIN;
    if (answer == NULL) {
        imap_login_answer(side->login, IMAP_LOGIN_UNAVAILABLE, BYTES(""));
    } else if (answer->type == IPC_AUTH_CHALLENGE) {
        imap_login_answer(side->login, IMAP_LOGIN_CHALLENGE, answer->auth_data.data);
    } else {
        keep_login(side, &answer->auth_result);
        imap_login_answer(side->login, verdict_of((enum ipc_result)answer->auth_result.result),
                          answer->auth_result.final_data);
    }
    client->protocol->step(client);
}

static enum err ask_start(struct client *client, const struct imap_login_request *request)
{
    struct role_peer *auth = role_peer_find(client->gate->role, IPC_ROLE_AUTH, 0);
    struct ipc_message message = {
        IPC_AUTH_START,
        { .auth_start = { .service = IPC_SERVICE_IMAP,
                          .client = client_identity(client),
                          .mechanism = request->mechanism,
                          .has_initial = request->has_data,
                          .initial = request->data,
                          .channel_binding = bytes_make(client->binding, client->binding_len) } }
    };

    if (auth == NULL)
        return ERR_CLOSED;
    client->ask.answered = on_auth_answer;
    return role_ask(auth, &client->ask, &message, NULL, AUTH_MS);
}

static enum err ask_more(struct client *client, const struct imap_login_request *request)
{
    struct ipc_message message = { IPC_AUTH_CONTINUE, { .auth_data = { .data = request->data } } };

    if (!role_ask_is_out(&client->ask))
        return ERR_CLOSED;
    return role_ask_follow(&client->ask, &message);
}

static void cancel(struct client *client)
{
    struct ipc_message message = { IPC_AUTH_CANCEL, { .request = { client->ask.request } } };

    if (!role_ask_is_out(&client->ask))
        return;
    /* An auth that does not read has more to worry about than one exchange too many. */
    if (role_tell(client->ask.peer, &message, NULL) != ERR_OK)
        log_event(LOG_LEVEL_DEBUG, "auth-cancel-lost", NULL, NULL);
    role_ask_drop(&client->ask);
}

/* Does what the login session asks for. */
static void attend_auth(struct client *client)
{
    struct imap_side *side = side_of(client);
    struct imap_login_request request = imap_login_request(side->login);
    enum err err = ERR_OK;

    switch (request.kind) {
    case IMAP_LOGIN_START: err = ask_start(client, &request); break;
    case IMAP_LOGIN_CONTINUE: err = ask_more(client, &request); break;
    case IMAP_LOGIN_CANCEL: cancel(client); return;
    }
    if (err == ERR_OK)
        side->phase = PHASE_ASKING;
    else
        imap_login_answer(side->login,
                          err == ERR_INVALID ? IMAP_LOGIN_FAILED : IMAP_LOGIN_UNAVAILABLE,
                          BYTES(""));
}

static void log_handed_over(const struct client *client, const struct imap_side *side)
{
    struct log_line line;

    log_begin(&line, LOG_LEVEL_DEBUG, "handed-over");
    log_number(&line, "session", (int64_t)client->session);
    log_string(&line, "account", side->account);
    log_number(&line, "shard", side->shard);
    log_end(&line);
}

static void on_handoff_answer(struct role_ask *ask, const struct ipc_message *answer, int *fd)
{
    struct client *client = CONTAINER_OF(ask, struct client, ask);
    struct imap_side *side = side_of(client);

    if (answer != NULL && answer->answer.result == IPC_OK)
        log_handed_over(client, side);
    /* Without an answer nobody knows whether the shard has spoken already: the client is not to
     * hear two voices. */
    if (answer == NULL || answer->answer.result == IPC_OK) {
        client_handed_over(client);
        client_close(client);
        return;
    }
    side->phase = PHASE_LOGIN;
    imap_login_handoff_failed(side->login);
    client->protocol->step(client);
}

static enum err hand_off(struct client *client)
{
    struct imap_side *side = side_of(client);
    struct role_peer *shard = role_peer_find(client->gate->role, IPC_ROLE_MAIL, side->shard);
    struct ipc_message message = { IPC_HANDOFF,
                                   { .handoff = { .ticket = side->ticket,
                                                  .service = IPC_SERVICE_IMAP,
                                                  .client = client_identity(client),
                                                  .tag = imap_login_tag(side->login),
                                                  .unread = buf_bytes(&client->in) } } };
    FD_LOCAL int fd = -1;
    enum err err;

    if (shard == NULL)
        return ERR_CLOSED;
    err = fd_duplicate(client->stream.watch.fd, &fd);
    if (err != ERR_OK)
        return err;
    client->ask.answered = on_handoff_answer;
    return role_ask(shard, &client->ask, &message, &fd, GATE_HANDOFF_MS);
}

/* All output is out: the connection changes hands. */
static void change_hands(struct client *client)
{
    struct imap_side *side = side_of(client);

    if (side->phase == PHASE_STARTTLS) {
        client_start_tls(client);
        return;
    }
    side->phase = PHASE_ASKING;
    if (hand_off(client) == ERR_OK)
        return;
    side->phase = PHASE_LOGIN;
    imap_login_handoff_failed(side->login);
    client->protocol->step(client);
}

static void begin_change(struct imap_side *side, enum imap_phase phase)
{
    side->phase = phase;
    side->give_up.ms = clock_mono().ms + DRAIN_MS;
}

/* One step of the login session; false when there is nothing more to do now, and then the client
 * may be gone. */
static bool step_once(struct client *client)
{
    struct imap_side *side = side_of(client);
    size_t used = 0;
    enum imap_login_want want = imap_login_step(side->login, buf_bytes(&client->in), clock_mono(),
                                                &used, stream_out(&client->stream));

    client_consume(client, used);
    if (used > 0 && stream_unsent(&client->stream) == 0) /* half a command */
        stream_acknowledge(&client->stream);
    stream_flush(&client->stream);
    switch (want) {
    case IMAP_LOGIN_INPUT:
        if (!client->input_ended)
            return false;
        client_finish(client, "client closed");
        return false;
    case IMAP_LOGIN_AUTH: attend_auth(client); return side->phase == PHASE_LOGIN;
    case IMAP_LOGIN_STARTTLS:
        /* RFC 9051 section 6.2.1: what was sent behind STARTTLS ends the session. */
        if (!buf_is_empty(&client->in))
            return true;
        begin_change(side, PHASE_STARTTLS);
        return false;
    case IMAP_LOGIN_HANDOFF: begin_change(side, PHASE_HANDOFF); return false;
    case IMAP_LOGIN_CLOSE: client_finish(client, "said bye"); return false;
    }
    return false;
}

/* The connection changes hands once all output is out. */
static void wait_for_output(struct client *client)
{
    struct imap_side *side = side_of(client);

    if (stream_unsent(&client->stream) == 0) {
        change_hands(client);
    } else if (clock_mono().ms >= side->give_up.ms) {
        client_close(client);
    } else {
        stream_want_drained(&client->stream);
        client_wait_until(client, side->give_up);
    }
}

static void imap_step(struct client *client)
{
    struct imap_side *side = side_of(client);

    while (client->state != NULL && side->phase == PHASE_LOGIN && step_once(client))
        ;
    if (client->state == NULL) /* last words are going out */
        return;
    client_wait_until(client, imap_login_deadline(side->login));
    client_read(client, side->phase == PHASE_LOGIN);
    if (side->phase == PHASE_STARTTLS || side->phase == PHASE_HANDOFF)
        wait_for_output(client);
}

const struct gate_protocol gate_imap = {
    .open = imap_open,
    .step = imap_step,
    .tls_started = imap_tls_started,
    .stop = imap_stop,
    .close = imap_close,
    .read_bytes_max = GATE_READ_LOGIN_BYTES,
};
