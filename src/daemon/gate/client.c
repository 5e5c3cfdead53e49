/* A connection from its first byte to its last: PROXY header, TLS, protocol, last words. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/gate/internal.h"
#include "daemon/gate/proxy.h"
#include "sys/clock.h"
#include "sys/fd.h"

static const struct stream_ops client_stream_ops;

static const struct stream_limits client_stream_limits = {
    .out_low = 0, /* `drained` means that all is out */
    .out_high = 64 * 1024,
    .out_max = GATE_OUTPUT_BYTES_MAX,
};

static const struct gate_protocol *protocol_of(enum ipc_service service)
{
    return service == IPC_SERVICE_LMTP ? &gate_lmtp : &gate_imap;
}

static void name_peer(struct client *client, const struct address *peer)
{
    struct buf text = buf_make(sizeof(client->address) - 1);
    struct bytes printed;

    client->peer = *peer;
    address_print(peer, true, &text);
    printed = buf_bytes(&text);
    memset(client->address, 0, sizeof(client->address));
    if (printed.len > 0)
        memcpy(client->address, printed.at, printed.len);
    buf_done(&text);
}

static void open_stream(struct client *client, int fd)
{
    stream_init(&client->stream, client->gate->role->loop, fd, &client_stream_ops,
                client_stream_limits);
    client->stream.read_max = client->protocol->read_bytes_max;
}

static int take_socket(struct client *client)
{
    int fd = stream_take_fd(&client->stream);

    client->stream = (struct stream){ .ops = NULL };
    return fd;
}

static void on_timer(struct loop_timer *timer)
{
    struct client *client = CONTAINER_OF(timer, struct client, timer);

    if (client->stage == CLIENT_TALKING)
        client->protocol->step(client);
    else
        client_close(client);
}

static struct client *client_new(struct gate *gate, enum ipc_service service)
{
    struct client *client = calloc(1, sizeof(*client));

    if (client == NULL)
        abort();
    client->gate = gate;
    client->service = service;
    client->protocol = protocol_of(service);
    client->begun = clock_mono();
    client->in = buf_make(GATE_INPUT_BYTES_MAX);
    loop_timer_init(&client->timer, gate->role->loop, on_timer);
    list_push_back(&gate->clients, &client->link);
    gate->client_count++;
    gate->crowd_counts[gate_crowd_of(service)]++;
    return client;
}

static void log_client(const struct client *client, enum log_level level, const char *event,
                       struct bytes why)
{
    struct log_line line;

    log_begin(&line, level, event);
    log_number(&line, "session", (int64_t)client->session);
    log_string(&line, "address", client->address);
    if (why.len > 0)
        log_bytes(&line, "why", why);
    log_end(&line);
}

/* The same, of a connection that ends here and now. */
static void log_last(struct client *client, enum log_level level, const char *event,
                     struct bytes why)
{
    log_client(client, level, event, why);
    client->end_told = true;
}

/* Of a session that no shard has taken over. At the usual level there is no line for who only looks
 * whether the port is open, for health checks come every few seconds, nor for an MTA on a socket of
 * this machine, of whom the deliveries tell all. */
static void log_end_of(const struct client *client)
{
    struct log_line line;
    const char *why = client->farewell;
    bool quiet = client->read_bytes == 0 ||
                 (client->service == IPC_SERVICE_LMTP && client->peer.kind == ADDRESS_UNIX);

    if (client->end_told || !(client->counted || client->resumed))
        return;
    if (why == NULL)
        why = client->input_ended ? "client closed" : "connection lost";
    log_begin(&line, quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "session-ended");
    log_number(&line, "session", (int64_t)client->session);
    log_string(&line, "service", client->service == IPC_SERVICE_LMTP ? "lmtp" : "imap");
    log_string(&line, "address", client->address);
    log_string(&line, "why", why);
    log_number(&line, "seconds", (clock_mono().ms - client->begun.ms) / 1000);
    if (client->service == IPC_SERVICE_LMTP)
        log_number(&line, "messages", client->messages);
    else
        log_string(&line, "login", "no");
    log_end(&line);
}

void client_handed_over(struct client *client)
{
    client->end_told = true;
}

/* The connection is there in the clear, or behind a tls process. */
static void talk(struct client *client)
{
    client->stage = CLIENT_TALKING;
    if (client->state == NULL)
        client->protocol->open(client);
    else
        client->protocol->tls_started(client);
    client_read(client, true);
    client->protocol->step(client);
}

static void on_tls_answer(struct role_ask *ask, const struct ipc_message *message, int *fd)
{
    struct client *client = CONTAINER_OF(ask, struct client, ask);
    const struct ipc_tls_answer *answer = message == NULL ? NULL : &message->tls_answer;
    size_t facts_len;

    if (answer == NULL || answer->result != IPC_OK || !fd_check(*fd, FD_KIND_SOCKET_STREAM)) {
        log_last(client, LOG_LEVEL_INFO, "tls-failed",
                 answer == NULL ? BYTES("no answer") : answer->text);
        client_close(client);
        return;
    }
    client->tls = true;
    facts_len = bytes_slice(answer->facts, 0, sizeof(client->facts) - 1).len;
    memcpy(client->facts, answer->facts.at, facts_len);
    client->facts[facts_len] = '\0';
    if (answer->channel_binding.len > 0 && answer->channel_binding.len <= sizeof(client->binding)) {
        client->binding_len = (uint8_t)answer->channel_binding.len;
        memcpy(client->binding, answer->channel_binding.at, client->binding_len);
    }
    open_stream(client, fd_take(fd));
    talk(client);
}

static struct role_peer *choose_tls(struct gate *gate)
{
    struct role_peer *chosen = NULL;

    LIST_EACH (node, after, &gate->role->peers) {
        struct role_peer *peer = CONTAINER_OF(node, struct role_peer, link);

        if (peer->of != IPC_ROLE_TLS || !peer->connected)
            continue;
        if (chosen == NULL)
            chosen = peer;
        if (peer->index >= gate->tls_next) {
            chosen = peer;
            break;
        }
    }
    gate->tls_next = chosen == NULL ? 0 : chosen->index + 1U;
    return chosen;
}

bool client_tls_is_there(const struct client *client)
{
    LIST_EACH (node, after, &client->gate->role->peers) {
        const struct role_peer *peer = CONTAINER_OF(node, struct role_peer, link);

        if (peer->of == IPC_ROLE_TLS && peer->connected)
            return true;
    }
    return false;
}

/* Takes `fd`. */
static void shake_hands(struct client *client, int fd)
{
    struct ipc_message message = { IPC_TLS_START, { .tls_start = { .session = client->session } } };
    struct role_peer *tls = choose_tls(client->gate);
    int64_t limit_ms = (int64_t)client->gate->config.tls_handshake_timeout_ms + GATE_TLS_GRACE_MS;

    message.tls_start.service = (uint8_t)client->service;
    client->stage = CLIENT_TLS;
    client->ask.answered = on_tls_answer;
    loop_timer_unset(&client->timer); /* the ask has its own */
    if (tls != NULL && role_ask(tls, &client->ask, &message, &fd, limit_ms) == ERR_OK)
        return;
    fd_close(&fd);
    log_last(client, LOG_LEVEL_WARNING, "tls-failed", BYTES("no tls process"));
    client_close(client);
}

void client_start_tls(struct client *client)
{
    assert(stream_unsent(&client->stream) == 0 && buf_is_empty(&client->in));
    shake_hands(client, take_socket(client));
}

/* The client is known by now: counted, then served. RFC 9051 s11.2. */
static void admit(struct client *client)
{
    struct gate *gate = client->gate;

    if (!tally_add(&gate->tally, &client->peer)) {
        log_client(client, LOG_LEVEL_WARNING, "connection-refused",
                   BYTES("too many from this address"));
        client_close(client);
        return;
    }
    client->counted = true;
    log_client(client, LOG_LEVEL_DEBUG, "connect", BYTES(""));
    if (client->implicit_tls)
        shake_hands(client, take_socket(client));
    else
        talk(client);
}

void client_accept(struct gate_listener *listener, int fd, const struct address *peer)
{
    struct gate *gate = listener->gate;
    struct client *client = client_new(gate, listener->service);

    client->implicit_tls = listener->implicit_tls;
    client->session = gate->session_next;
    gate->session_next += 256; /* the low byte is the gate's index */
    name_peer(client, peer);
    open_stream(client, fd);
    if (!networks_contain(&gate->proxies, peer)) {
        admit(client);
        return;
    }
    client->stage = CLIENT_PROXY;
    client->stream.read_max = PROXY_HEADER_BYTES; /* what follows may be meant for the tls role */
    loop_timer_set_in(&client->timer, (int64_t)gate->config.gate_login_timeout_ms);
    stream_read_start(&client->stream);
}

static void proxy_step(struct client *client)
{
    struct address address;
    size_t wanted = 0;

    switch (proxy_parse(buf_bytes(&client->in), &wanted, &address)) {
    case PROXY_MORE: client->stream.read_max = wanted - client->in.len; return;
    case PROXY_BAD:
        log_client(client, LOG_LEVEL_WARNING, "connection-refused", BYTES("no PROXY header"));
        client_close(client);
        return;
    case PROXY_DONE: break;
    }
    client_consume(client, wanted);
    stream_read_stop(&client->stream);
    client->stream.read_max = client->protocol->read_bytes_max;
    if (address.kind != ADDRESS_NONE)
        name_peer(client, &address);
    loop_timer_unset(&client->timer);
    admit(client);
}

void client_take_back(struct gate *gate, const struct ipc_hand_back *back, int fd)
{
    struct client *client = client_new(gate, (enum ipc_service)back->service);
    struct bytes facts = bytes_slice(back->client.tls_facts, 0, sizeof(client->facts) - 1);
    struct bytes address = bytes_slice(back->client.address, 0, sizeof(client->address) - 1);

    client->session = back->client.session;
    client->tls = back->client.tls;
    client->resumed = true;
    client->peer.kind = back->client.loopback ? ADDRESS_UNIX : ADDRESS_NONE;
    if (facts.len > 0)
        memcpy(client->facts, facts.at, facts.len);
    if (address.len > 0)
        memcpy(client->address, address.at, address.len);
    buf_add(&client->in, back->unread);
    open_stream(client, fd);
    talk(client);
}

void client_close(struct client *client)
{
    struct gate *gate = client->gate;
    enum gate_crowd crowd = gate_crowd_of(client->service);

    log_end_of(client);
    role_ask_drop(&client->ask);
    loop_timer_done(&client->timer);
    if (client->state != NULL)
        client->protocol->close(client);
    stream_done(&client->stream);
    client_consume(client, client->in.len);
    if (client->counted)
        tally_remove(&gate->tally, &client->peer);
    list_remove(&client->link);
    gate->client_count--;
    gate->crowd_counts[crowd]--;
    free(client);
    gate_client_left(gate, crowd);
}

void client_finish(struct client *client, const char *why)
{
    client->farewell = why;
    role_ask_drop(&client->ask);
    if (client->state != NULL)
        client->protocol->close(client);
    client_consume(client, client->in.len);
    client->stage = CLIENT_CLOSING;
    loop_timer_set_in(&client->timer,
                      client->gate->draining ? GATE_LINGER_STOP_MS : GATE_LINGER_MS);
    stream_flush(&client->stream);
    stream_shutdown(&client->stream);
    stream_read_start(&client->stream); /* closing with input unread would reset the connection */
}

void client_stop(struct client *client)
{
    if (client->stage == CLIENT_TALKING)
        client->protocol->stop(client);
    else if (client->stage != CLIENT_CLOSING)
        client_close(client);
}

void client_wait_until(struct client *client, struct mono deadline)
{
    if (deadline.ms == INT64_MAX)
        loop_timer_unset(&client->timer);
    else
        loop_timer_set(&client->timer, deadline);
}

void client_read(struct client *client, bool on)
{
    if (on && !client->input_ended)
        stream_read_start(&client->stream);
    else
        stream_read_stop(&client->stream);
}

void client_consume(struct client *client, size_t used)
{
    buf_consume(&client->in, used);
    if (!buf_is_empty(&client->in) || client->in.at == NULL)
        return;
    explicit_bzero(client->in.at, client->in.capacity);
    buf_trim(&client->in);
}

struct ipc_client client_identity(const struct client *client)
{
    return (struct ipc_client){
        .session = client->session,
        .address = bytes_from_string(client->address),
        .loopback = address_is_loopback(&client->peer),
        .tls = client->tls,
        .tls_facts = bytes_from_string(client->facts),
    };
}

static struct client *client_of(struct stream *stream)
{
    return CONTAINER_OF(stream, struct client, stream);
}

static void on_input(struct stream *stream, struct bytes in)
{
    struct client *client = client_of(stream);

    if (client->stage == CLIENT_CLOSING)
        return;
    client->read_bytes += in.len;
    buf_add(&client->in, in);
    if (client->protocol == &gate_imap) /* a password, perhaps; the loop's buffer lives on */
        explicit_bzero((void *)(uintptr_t)in.at, in.len);
    if (client->in.overflowed) /* cannot be: reading stops while input waits */
        client_close(client);
    else if (client->stage == CLIENT_PROXY)
        proxy_step(client);
    else
        client->protocol->step(client);
}

static void on_input_end(struct stream *stream)
{
    struct client *client = client_of(stream);

    client->input_ended = true;
    if (client->stage == CLIENT_TALKING)
        client->protocol->step(client);
    else
        client_close(client);
}

static void on_drained(struct stream *stream)
{
    struct client *client = client_of(stream);

    if (client->stage == CLIENT_TALKING)
        client->protocol->step(client);
    else if (client->stage == CLIENT_CLOSING && client->input_ended)
        client_close(client);
}

static void on_broken(struct stream *stream)
{
    client_close(client_of(stream));
}

static const struct stream_ops client_stream_ops = {
    .input = on_input,
    .input_end = on_input_end,
    .drained = on_drained,
    .broken = on_broken,
};
