/* Connections after the login: input, one step, output held or let out, the end. */
#include "daemon/mail/connection.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/mail/home.h"
#include "daemon/mail/shard.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum {
    LINGER_MS = 2000, /* for the client to read our last words */
    LINGER_STOP_MS = 200, /* likewise, while the server is going down */
    DEADLINE_STEP_MS = 1000, /* between two looks at a deadline that has passed */
    FAREWELL_BYTES_MAX = 128 * 1024, /* a tag, and a word */
    INPUT_HIGH_BYTES = 64 * 1024, /* above: not read while the session is at work */
};

static const struct stream_limits stream_limits = {
    .out_low = 16 * 1024,
    .out_high = 64 * 1024,
    .out_max = SHARD_OUTPUT_BYTES_MAX,
};

static const struct stream_ops connection_stream_ops;

static void on_wake(struct waker *waker)
{
    connection_wake(CONTAINER_OF(waker, struct connection, waker));
}

static void on_timer(struct loop_timer *timer)
{
    struct connection *connection = CONTAINER_OF(timer, struct connection, timer);

    if (connection->end != END_NOT)
        connection_free(connection);
    else
        connection_wake(connection);
}

static struct bytes put(char **at, struct bytes bytes)
{
    struct bytes copy = bytes_make(*at, bytes.len);

    if (bytes.len > 0)
        memcpy(*at, bytes.at, bytes.len);
    *at += bytes.len;
    return copy;
}

void connection_new(struct home *home, const struct ipc_handoff *handoff, struct bytes user, int fd,
                    uint16_t gate)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    const struct ipc_client *client = &handoff->client;
    size_t text_len = client->address.len + client->tls_facts.len + user.len + handoff->tag.len;
    char *at = malloc(text_len + 1);

    if (connection == NULL || at == NULL)
        abort();
    connection->home = home;
    connection->gate = gate;
    connection->begun = clock_mono();
    connection->text = at;
    connection->client = *client;
    connection->client.address = put(&at, client->address);
    connection->client.tls_facts = put(&at, client->tls_facts);
    connection->user = put(&at, user);
    connection->tag = put(&at, handoff->tag);
    connection->waker.wake = on_wake;
    connection->in = buf_make(SHARD_INPUT_BYTES_MAX);
    connection->held = held_make(SHARD_HELD_BYTES_MAX);
    buf_add(&connection->in, handoff->unread);
    stream_init(&connection->stream, home->shard->role->loop, fd, &connection_stream_ops,
                stream_limits);
    loop_timer_init(&connection->timer, home->shard->role->loop, on_timer);
    list_push_back(&home->connections, &connection->link);
    home->shard->counts.sessions++;
    home->shard->counts.logins++;
    home->shard->counts.sessions_tls += client->tls ? 1 : 0;
    if (home->state == HOME_OPEN)
        connection_begin(connection);
}

void connection_begin(struct connection *connection)
{
    struct imap_session_options options = {
        .account = connection->home->account,
        .user = connection->user,
        .number = connection->client.session,
        .limits = &connection->home->shard->limits,
        .waker = &connection->waker,
        .texts = connection->home->shard->texts,
        .tls = connection->client.tls,
    };

    assert(connection->session == NULL && connection->home->state == HOME_OPEN);
    mark_enter(connection->home->shard, connection->home->id);
    connection->session = imap_session_new(&options, connection->tag);
    if (connection->bye != NULL)
        imap_session_bye(connection->session, connection->bye);
    mark_leave(connection->home->shard);
    connection_wake(connection);
}

/* Once for each session, so that its life can be read from login to end by its number. */
static void log_end_of(const struct connection *connection)
{
    struct log_line line;
    const char *why = "connection lost";

    if (connection->end == END_HAND_BACK)
        why = "unauthenticate";
    else if (connection->end == END_CLOSE)
        why = connection->ended_by_client ? "client closed"
              : connection->farewell      ? connection->farewell
                                          : "logout";
    log_begin(&line, LOG_LEVEL_INFO, "session-ended");
    log_number(&line, "session", (int64_t)connection->client.session);
    log_bytes(&line, "account", connection->user);
    log_string(&line, "why", why);
    log_number(&line, "seconds", (clock_mono().ms - connection->begun.ms) / 1000);
    log_number(&line, "received", (int64_t)connection->taken_bytes);
    log_number(&line, "sent", (int64_t)connection->said_bytes);
    log_end(&line);
}

void connection_free(struct connection *connection)
{
    struct home *home = connection->home;

    assert(home->shard->running != connection);
    log_end_of(connection);
    mark_enter(home->shard, home->id);
    imap_session_free(connection->session);
    mark_leave(home->shard);
    stream_done(&connection->stream);
    loop_timer_done(&connection->timer);
    buf_done(&connection->in);
    home->shard->counts.held_bytes -= held_len(&connection->held);
    held_done(&connection->held);
    list_remove(&connection->run_link);
    list_remove(&connection->link);
    home->shard->counts.sessions--;
    home->shard->counts.sessions_tls -= connection->client.tls ? 1 : 0;
    free(connection->text);
    free(connection);
    home_left(home);
}

/* RFC 9051 s7.1.5: a BYE before the tagged answer, which many clients show to their user. Both are
 * best effort: a socket that cannot take two lines now is not worth waiting for. */
void connection_refuse(struct connection *connection, const char *why)
{
    struct buf text = buf_make(FAREWELL_BYTES_MAX);

    buf_add_format(&text, "* BYE [UNAVAILABLE] %s\r\n", why);
    if (connection->tag.len > 0)
        buf_add_format(&text, "%.*s NO [UNAVAILABLE] %s\r\n", BYTES_ARG(connection->tag), why);
    if (stream_send(&connection->stream, buf_bytes(&text)) == ERR_OK)
        stream_shutdown(&connection->stream);
    buf_done(&text);
    connection->farewell = why;
    connection->end = END_CLOSE;
    connection_free(connection);
}

void connection_wake(struct connection *connection)
{
    struct shard *shard = connection->home->shard;

    list_remove(&connection->run_link);
    list_push_back(&shard->fresh, &connection->run_link);
    shard_turn_soon(shard);
}

void connection_bye(struct connection *connection, const char *text)
{
    connection->bye = text; /* for one whose account is still being opened */
    if (connection->session == NULL || connection->end != END_NOT)
        return;
    imap_session_bye(connection->session, text);
    connection_wake(connection);
}

/* What its commands would be answered waits for the disk, or for a reader: of that nothing is said.
 * RFC 9051 s7.1.5 */
void connection_evict(struct connection *connection, const char *bye)
{
    struct imap_now now = { clock_mono(), clock_wall() };
    struct buf last = buf_make(SHARD_SCRATCH_KEPT_BYTES);
    enum imap_want want;
    size_t used;

    if (connection->session != NULL && stream_unsent(&connection->stream) == 0) {
        mark_enter(connection->home->shard, connection->home->id);
        imap_session_bye(connection->session, bye);
        want = imap_session_step(connection->session, BYTES(""), now, &used, &last);
        mark_leave(connection->home->shard);
        /* Best effort, as in connection_refuse. */
        if (want == IMAP_WANT_CLOSE && stream_send(&connection->stream, buf_bytes(&last)) == ERR_OK)
            stream_shutdown(&connection->stream);
        connection->said_bytes += last.len;
        connection->farewell = bye;
        connection->end = END_CLOSE;
    }
    buf_done(&last);
    connection_free(connection);
}

static size_t output_waiting(const struct connection *connection)
{
    return held_len(&connection->held) + stream_unsent(&connection->stream);
}

/* To the client, or held until the log is durable. False: the connection is at its end. */
static bool let_out(struct connection *connection, struct buf *scratch)
{
    struct shard_counts *counts = &connection->home->shard->counts;
    struct account *account = connection->home->account;
    size_t held_before = held_len(&connection->held);
    uint64_t gate = account_gate(account);
    bool good = !scratch->overflowed;

    if (good && held_len(&connection->held) == 0 && gate <= account_durable(account))
        good = stream_send(&connection->stream, buf_bytes(scratch)) != ERR_LIMIT;
    else if (good)
        good = held_add(&connection->held, buf_bytes(scratch), gate);
    counts->held_bytes += held_len(&connection->held) - held_before;
    if (scratch->capacity > SHARD_SCRATCH_KEPT_BYTES)
        buf_done(scratch);
    buf_clear(scratch);
    return good;
}

static void hand_back(struct connection *connection)
{
    struct role *role = connection->home->shard->role;
    struct role_peer *gate = role_peer_find(role, IPC_ROLE_GATE, connection->gate);
    struct ipc_message message = { IPC_HAND_BACK,
                                   { .hand_back = { .service = IPC_SERVICE_IMAP,
                                                    .client = connection->client,
                                                    .unread = buf_bytes(&connection->in) } } };
    int fd = stream_take_fd(&connection->stream);

    connection->stream = (struct stream){ .ops = NULL };
    if (gate == NULL || role_tell(gate, &message, &fd) != ERR_OK)
        fd_close(&fd); /* the client connects anew */
    connection_free(connection);
}

/* The session has ended: once all it said is out, the connection follows. May free it. */
static void go_on_ending(struct connection *connection)
{
    if (held_len(&connection->held) > 0)
        return;
    if (connection->end == END_HAND_BACK) {
        if (stream_unsent(&connection->stream) == 0)
            hand_back(connection);
        else
            stream_want_drained(&connection->stream);
        return;
    }
    if (connection->stream.shutting_down)
        return;
    stream_shutdown(&connection->stream);
    stream_read_start(&connection->stream); /* closing with input unread would reset it */
    loop_timer_set_in(&connection->timer,
                      connection->home->shard->stopping ? LINGER_STOP_MS : LINGER_MS);
}

static void begin_end(struct connection *connection, enum connection_end end)
{
    connection->end = end;
    stream_read_stop(&connection->stream);
    loop_timer_set_in(&connection->timer, LINGER_MS * 10); /* a client that does not read */
    connection->farewell = imap_session_farewell(connection->session);
    imap_session_free(connection->session);
    connection->session = NULL;
    if (end == END_CLOSE) {
        buf_clear(&connection->in);
        buf_trim(&connection->in);
    }
    go_on_ending(connection);
}

/* Deadlines only move on: a timer that fires early is set again. */
static void watch_deadline(struct connection *connection, struct mono now)
{
    struct mono deadline = imap_session_deadline(connection->session);

    if (loop_timer_is_set(&connection->timer) && connection->timer.deadline.ms <= deadline.ms)
        return;
    if (deadline.ms == INT64_MAX)
        return;
    if (deadline.ms <= now.ms)
        deadline.ms = now.ms + DEADLINE_STEP_MS;
    loop_timer_set(&connection->timer, deadline);
}

static void heed(struct connection *connection)
{
    struct home *home = connection->home;

    switch (connection->want) {
    case IMAP_WANT_INPUT:
        connection->ended_by_client = connection->input_ended;
        if (connection->input_ended)
            begin_end(connection, END_CLOSE);
        else if (connection->in.len == SHARD_INPUT_BYTES_MAX)
            connection_free(connection); /* cannot be: a framer takes what it is given */
        else
            stream_read_start(&connection->stream);
        return;
    case IMAP_WANT_TURN:
        if (list_is_linked(&connection->run_link)) /* woken during its step */
            break;
        list_push_back(&home->again, &connection->run_link);
        if (!list_is_linked(&home->busy_link))
            list_push_back(&home->shard->busy, &home->busy_link);
        shard_turn_soon(home->shard);
        break;
    case IMAP_WANT_WAKE: break;
    case IMAP_WANT_DRAIN: stream_want_drained(&connection->stream); break;
    case IMAP_WANT_HAND_BACK: begin_end(connection, END_HAND_BACK); return;
    case IMAP_WANT_CLOSE: begin_end(connection, END_CLOSE); return;
    }
    if (connection->in.len >= INPUT_HIGH_BYTES)
        stream_read_stop(&connection->stream);
}

/* Too much output waits. May free it: to one that does not read nothing more can be said. */
static void wait_for_reader(struct connection *connection, struct mono now)
{
    if (imap_session_is_overdue(connection->session, now)) {
        connection_free(connection);
        return;
    }
    stream_read_stop(&connection->stream);
    stream_want_drained(&connection->stream);
    watch_deadline(connection, now);
}

void connection_step(struct connection *connection)
{
    struct shard *shard = connection->home->shard;
    struct imap_now now = { clock_mono(), clock_wall() };
    size_t used = 0;

    if (connection->end != END_NOT) {
        go_on_ending(connection);
        return;
    }
    if (connection->session == NULL || connection->home->failed)
        return;
    connection->blocked = output_waiting(connection) > IMAP_OUTPUT_HIGH;
    if (connection->blocked) {
        wait_for_reader(connection, now.mono);
        return;
    }
    shard->running = connection;
    connection->want = imap_session_step(connection->session, buf_bytes(&connection->in), now,
                                         &used, &shard->scratch);
    shard->running = NULL;
    buf_consume(&connection->in, used);
    buf_trim(&connection->in);
    connection->taken_bytes += used;
    connection->said_bytes += shard->scratch.len;
    home_touch(connection->home);
    if (connection->home->failed) { /* whatever it says may not be true */
        buf_clear(&shard->scratch);
        return;
    }
    watch_deadline(connection, now.mono);
    if (used > 0 && buf_is_empty(&shard->scratch)) /* half a command */
        stream_acknowledge(&connection->stream);
    if (let_out(connection, &shard->scratch))
        heed(connection);
    else
        connection_free(connection);
}

void connection_release(struct connection *connection)
{
    struct bytes ready;

    if (connection->home->account == NULL)
        return;
    ready = held_ready(&connection->held, account_durable(connection->home->account));
    while (ready.len > 0) {
        if (stream_send(&connection->stream, ready) == ERR_LIMIT) {
            connection_free(connection);
            return;
        }
        held_consume(&connection->held, ready.len);
        connection->home->shard->counts.held_bytes -= ready.len;
        ready = held_ready(&connection->held, account_durable(connection->home->account));
    }
    if (connection->end != END_NOT)
        go_on_ending(connection);
    else if (connection->blocked && output_waiting(connection) <= IMAP_OUTPUT_HIGH)
        connection_wake(connection);
}

static struct connection *connection_of(struct stream *stream)
{
    return CONTAINER_OF(stream, struct connection, stream);
}

static void on_input(struct stream *stream, struct bytes in)
{
    struct connection *connection = connection_of(stream);

    if (connection->end != END_NOT)
        return;
    buf_add(&connection->in, in);
    if (connection->in.overflowed) { /* cannot be: reading stops long before */
        connection_free(connection);
        return;
    }
    if (connection->in.len >= INPUT_HIGH_BYTES)
        stream_read_stop(stream);
    connection_wake(connection);
}

static void on_input_end(struct stream *stream)
{
    struct connection *connection = connection_of(stream);

    connection->input_ended = true;
    if (connection->end == END_CLOSE && stream->shut_down)
        connection_free(connection);
    else
        connection_wake(connection);
}

static void on_drained(struct stream *stream)
{
    struct connection *connection = connection_of(stream);

    if (connection->end == END_CLOSE && stream->shut_down && connection->input_ended)
        connection_free(connection);
    else
        connection_wake(connection);
}

static void on_broken(struct stream *stream)
{
    connection_free(connection_of(stream));
}

static const struct stream_ops connection_stream_ops = {
    .input = on_input,
    .input_end = on_input_end,
    .drained = on_drained,
    .broken = on_broken,
};
