/* The life of a relay. */
#include "daemon/tls/relay.h"

#include <assert.h>
#include <stdlib.h>

#include "sys/clock.h"
#include "sys/fd.h"

static const struct stream_limits limits = { RELAY_OUT_LOW, RELAY_OUT_HIGH, RELAY_OUT_MAX };

static int64_t state_ms(const struct relay *relay)
{
    if (relay->house->stopping)
        return RELAY_STOP_MS;
    return relay->state == RELAY_SHAKING ? relay->house->handshake_ms : relay->house->linger_ms;
}

static struct list *list_of(struct relay_house *house, enum relay_state state)
{
    switch (state) {
    case RELAY_SHAKING: return &house->shaking;
    case RELAY_STALLED: return &house->stalled;
    case RELAY_LINGERING: return &house->lingering;
    case RELAY_TALKING: break;
    }
    return &house->talking;
}

/* Each list is in the order of its deadlines, as all in it wait for the same time. */
static void enter(struct relay *relay, enum relay_state state)
{
    struct relay_house *house = relay->house;

    list_remove(&relay->link);
    relay->state = state;
    list_push_back(list_of(house, state), &relay->link);
    if (state == RELAY_TALKING)
        return;
    relay->deadline.ms = clock_mono().ms + state_ms(relay);
    if (!loop_timer_is_set(&house->timer) || relay->deadline.ms < house->timer.deadline.ms)
        loop_timer_set(&house->timer, relay->deadline);
}

static void relay_free(struct relay *relay)
{
    struct relay_house *house = relay->house;

    list_remove(&relay->link);
    stream_done(&relay->client);
    stream_done(&relay->plain);
    tls_conn_free(relay->conn);
    buf_done(&relay->held);
    free(relay);
    house->count--;
    if (house->count == 0 && house->empty != NULL)
        house->empty(house);
}

/* Nothing more goes to the client: what is left is sent, then its end is awaited. */
static void linger(struct relay *relay)
{
    tls_conn_close_output(relay->conn);
    stream_done(&relay->plain);
    stream_flush(&relay->client);
    relay->unsent_before = stream_unsent(&relay->client);
    enter(relay, RELAY_LINGERING);
    stream_shutdown(&relay->client);
    if (relay->input_over && relay->unsent_before == 0)
        relay_free(relay);
    else if (!relay->input_over)
        stream_read_start(&relay->client);
}

/* The connection cannot go on; the client may get an alert, which is in its output already. */
static void fail(struct relay *relay, const char *why)
{
    int none = -1;

    if (relay->state == RELAY_SHAKING)
        relay->house->settled(relay, NULL, &none, why);
    linger(relay);
}

static void client_ended(struct relay *relay)
{
    relay->input_over = true;
    stream_read_stop(&relay->client);
    stream_shutdown(&relay->plain);
}

/* Decrypts into the shared buffer until it is full or the input is used up. */
static enum tls_result decrypt(struct relay *relay, size_t *out_len)
{
    enum tls_result result = TLS_DONE;
    size_t len = 0;

    while (result == TLS_DONE && len < RELAY_PLAIN_BYTES) {
        size_t got = 0;

        result =
            tls_conn_read(relay->conn, relay->house->plain + len, RELAY_PLAIN_BYTES - len, &got);
        if (result == TLS_DONE)
            len += got;
    }
    *out_len = len;
    return result;
}

/* Passes on what was fed, as far as the plain side takes it. False: the relay has failed. */
static bool pass_on(struct relay *relay)
{
    enum tls_result result = TLS_DONE;

    while (result == TLS_DONE && !stream_is_congested(&relay->plain)) {
        size_t len;

        result = decrypt(relay, &len);
        /* Who has closed the plain side does not want it, and its end will be read soon. */
        if (len > 0 && stream_send(&relay->plain, bytes_make(relay->house->plain, len)) != ERR_OK)
            stream_read_stop(&relay->client);
    }
    /* Reading may have produced output: an answer to a key update. */
    stream_flush(&relay->client);
    if (result == TLS_FAILED) {
        fail(relay, tls_conn_complaint(relay->conn));
        return false;
    }
    if (result == TLS_END)
        client_ended(relay);
    return true;
}

/* What the plain side had no room for is kept, and the client made to wait. */
static void hold(struct relay *relay, struct bytes unused)
{
    if (relay->input_over)
        return;
    if (unused.len > 0)
        buf_add(&relay->held, unused);
    if (relay->held.len > 0 || stream_is_congested(&relay->plain))
        stream_read_stop(&relay->client);
}

static void resume(struct relay *relay)
{
    struct bytes held = buf_bytes(&relay->held);

    tls_conn_feed(relay->conn, held);
    if (!pass_on(relay))
        return;
    buf_consume(&relay->held, held.len - tls_conn_take_unused(relay->conn).len);
    if (relay->held.len > 0 || stream_is_congested(&relay->plain) || relay->input_over)
        return;
    buf_trim(&relay->held);
    stream_read_start(&relay->client);
}

static void plain_input(struct stream *stream, struct bytes in)
{
    struct relay *relay = CONTAINER_OF(stream, struct relay, plain);

    if (tls_conn_write(relay->conn, in) != TLS_DONE) {
        fail(relay, tls_conn_complaint(relay->conn));
        return;
    }
    stream_flush(&relay->client);
    if (!stream_is_congested(&relay->client))
        return;
    stream_read_stop(&relay->plain);
    relay->unsent_before = stream_unsent(&relay->client);
    enter(relay, RELAY_STALLED);
}

static void plain_end(struct stream *stream)
{
    linger(CONTAINER_OF(stream, struct relay, plain));
}

static void plain_drained(struct stream *stream)
{
    struct relay *relay = CONTAINER_OF(stream, struct relay, plain);

    if (!relay->input_over)
        resume(relay);
}

static const struct stream_ops plain_ops = { plain_input, plain_end, plain_drained, plain_end };

/* Names of versions and ciphers have some 50 bytes together. */
static bool talk(struct relay *relay)
{
    struct relay_house *house = relay->house;
    struct tls_facts facts;
    int pair[2];

    if (fd_pair_stream(pair) != ERR_OK) {
        fail(relay, "no descriptor left");
        return false;
    }
    stream_init(&relay->plain, house->loop, pair[0], &plain_ops, limits);
    relay->plain.input_survives = true;
    enter(relay, RELAY_TALKING);
    tls_conn_facts(relay->conn, &facts);
    house->settled(relay, &facts, &pair[1], NULL);
    fd_close(&pair[1]);
    stream_read_start(&relay->plain);
    return true;
}

/* True once the handshake is complete and the relay lives. RFC 9051 s11.1. */
static bool shake(struct relay *relay)
{
    enum tls_result result = tls_conn_handshake(relay->conn);

    stream_flush(&relay->client);
    switch (result) {
    case TLS_DONE: return talk(relay);
    case TLS_WANT_INPUT: return false;
    case TLS_END:
    case TLS_FAILED: fail(relay, tls_conn_complaint(relay->conn)); return false;
    }
    return false;
}

static void client_input(struct stream *stream, struct bytes in)
{
    struct relay *relay = CONTAINER_OF(stream, struct relay, client);

    if (relay->state == RELAY_LINGERING)
        return;
    tls_conn_feed(relay->conn, in);
    if (relay->state == RELAY_SHAKING && !shake(relay))
        return;
    if (pass_on(relay))
        hold(relay, tls_conn_take_unused(relay->conn));
}

static void client_input_end(struct stream *stream)
{
    struct relay *relay = CONTAINER_OF(stream, struct relay, client);

    relay->input_over = true;
    if (relay->state == RELAY_TALKING || relay->state == RELAY_STALLED)
        client_ended(relay);
    else if (relay->state == RELAY_SHAKING)
        fail(relay, "the client went away");
    else if (stream_unsent(stream) == 0)
        relay_free(relay);
}

static void client_drained(struct stream *stream)
{
    struct relay *relay = CONTAINER_OF(stream, struct relay, client);

    if (relay->state == RELAY_STALLED)
        enter(relay, RELAY_TALKING);
    if (relay->state == RELAY_TALKING)
        stream_read_start(&relay->plain);
    else if (relay->state == RELAY_LINGERING && relay->input_over && stream_unsent(stream) == 0)
        relay_free(relay);
}

static void client_broken(struct stream *stream)
{
    struct relay *relay = CONTAINER_OF(stream, struct relay, client);
    int none = -1;

    if (relay->state == RELAY_SHAKING)
        relay->house->settled(relay, NULL, &none, "the client went away");
    relay_free(relay);
}

static const struct stream_ops client_ops = { client_input, client_input_end, client_drained,
                                              client_broken };

static void overdue(struct relay *relay)
{
    size_t unsent = stream_unsent(&relay->client);
    bool moves = unsent > 0 && unsent < relay->unsent_before;

    if (relay->state == RELAY_SHAKING) {
        fail(relay, "the handshake took too long");
        return;
    }
    /* How long a client may take to read is for the plain side to say, while it is there. */
    if (!moves && (relay->state == RELAY_LINGERING || fd_is_hung_up(relay->plain.watch.fd))) {
        relay_free(relay);
        return;
    }
    relay->unsent_before = unsent;
    enter(relay, relay->state);
}

static struct relay *first_of(const struct list *list)
{
    struct list *node = list_first(list);

    return node == NULL ? NULL : CONTAINER_OF(node, struct relay, link);
}

static void on_timer(struct loop_timer *timer)
{
    struct relay_house *house = CONTAINER_OF(timer, struct relay_house, timer);
    const struct list *lists[] = { &house->shaking, &house->stalled, &house->lingering };
    int64_t now_ms = clock_mono().ms;

    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        struct relay *relay;

        while ((relay = first_of(lists[i])) != NULL && relay->deadline.ms <= now_ms)
            overdue(relay);
        if (relay != NULL && (!loop_timer_is_set(timer) || relay->deadline.ms < timer->deadline.ms))
            loop_timer_set(timer, relay->deadline);
    }
}

void relay_house_init(struct relay_house *house, struct loop *loop)
{
    *house = (struct relay_house){ .loop = loop,
                                   .linger_ms = RELAY_LINGER_MS,
                                   .plain = malloc(RELAY_PLAIN_BYTES) };
    if (house->plain == NULL)
        abort();
    list_init(&house->shaking);
    list_init(&house->talking);
    list_init(&house->stalled);
    list_init(&house->lingering);
    loop_timer_init(&house->timer, loop, on_timer);
}

static void hurry(struct list *relays, struct mono deadline)
{
    LIST_EACH (node, after, relays)
        CONTAINER_OF(node, struct relay, link)->deadline = deadline;
}

void relay_house_stop(struct relay_house *house, void (*empty)(struct relay_house *house))
{
    struct mono deadline = { clock_mono().ms + RELAY_STOP_MS };

    house->stopping = true;
    house->empty = empty;
    hurry(&house->shaking, deadline);
    hurry(&house->lingering, deadline);
    if (!list_is_empty(&house->shaking) || !list_is_empty(&house->lingering))
        loop_timer_set(&house->timer, deadline);
}

void relay_house_done(struct relay_house *house)
{
    struct list *lists[] = { &house->shaking, &house->talking, &house->stalled, &house->lingering };

    house->empty = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++)
        while (!list_is_empty(lists[i]))
            relay_free(first_of(lists[i]));
    loop_timer_done(&house->timer);
    tls_context_free(house->context);
    house->context = NULL;
    free(house->plain);
    house->plain = NULL;
}

enum err relay_start(struct relay_house *house, int *fd, const struct relay_request *request)
{
    struct relay *relay;

    assert(house->context != NULL);
    if (house->count >= house->count_max)
        return ERR_LIMIT;
    relay = calloc(1, sizeof(*relay));
    if (relay == NULL)
        abort();
    relay->house = house;
    relay->asker = request->asker;
    relay->held = buf_make(LOOP_BUFFER_BYTES);
    stream_init(&relay->client, house->loop, fd_take(fd), &client_ops, limits);
    relay->conn = tls_conn_new(house->context, stream_out(&relay->client), request->alpn);
    house->count++;
    enter(relay, RELAY_SHAKING);
    stream_read_start(&relay->client);
    return ERR_OK;
}
