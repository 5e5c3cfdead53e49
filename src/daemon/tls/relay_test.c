/* Relays between a TLS client and the plain end, over socketpairs. */
#include "daemon/tls/relay.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "kit/tls_client.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/selfsigned.h"

enum { TURNS_MAX = 4000, BULK_BYTES = 2 * 1024 * 1024, HANDSHAKE_MS = 5000 };

static const char host[] = "mail.example";

struct scene {
    struct loop *loop;
    struct relay_house house;
    struct selfsigned pair;
    struct tls_client client;
    int client_fd;
    int plain; /* the end that a gate gets */
    int settled, failed, emptied;
    char why[100];
    struct relay *relay; /* while it talks */
};

static struct scene *current; /* callbacks of the house have no room for more */

static void on_settled(struct relay *relay, const struct tls_facts *facts, int *plain_fd,
                       const char *why)
{
    current->settled++;
    if (facts != NULL) {
        current->plain = fd_take(plain_fd);
        current->relay = relay;
        assert_string_equal(facts->server_name, host);
    } else {
        current->failed++;
        (void)snprintf(current->why, sizeof(current->why), "%s", why);
    }
}

static void on_empty(struct relay_house *house)
{
    CONTAINER_OF(house, struct scene, house)->emptied++;
}

static void use_new_pair(struct scene *scene)
{
    struct tls_settings settings;

    buf_clear(&scene->pair.certificate_pem);
    buf_clear(&scene->pair.key_pem);
    assert_int_equal(selfsigned_make(host, clock_wall(), 1, &scene->pair, NULL), ERR_OK);
    settings = (struct tls_settings){ .certificate_pem = buf_bytes(&scene->pair.certificate_pem),
                                      .key_pem = buf_bytes(&scene->pair.key_pem) };
    tls_context_free(scene->house.context);
    assert_int_equal(tls_context_new(&settings, &scene->house.context, NULL), ERR_OK);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    scene->loop = loop_new();
    scene->client_fd = -1;
    scene->plain = -1;
    scene->pair = (struct selfsigned){ buf_make(10000), buf_make(10000) };
    relay_house_init(&scene->house, scene->loop);
    scene->house.settled = on_settled;
    scene->house.empty = on_empty;
    scene->house.handshake_ms = HANDSHAKE_MS;
    scene->house.count_max = 2;
    use_new_pair(scene);
    current = scene;
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    tls_client_done(&scene->client);
    fd_close(&scene->client_fd);
    fd_close(&scene->plain);
    relay_house_done(&scene->house);
    buf_done(&scene->pair.certificate_pem);
    buf_done(&scene->pair.key_pem);
    loop_free(scene->loop);
    free(scene);
    return 0;
}

static void turn(struct scene *scene)
{
    loop_turn(scene->loop, false);
}

static void settle(struct scene *scene)
{
    for (int i = 0; i < 10; i++)
        turn(scene);
}

/* A new connection before its handshake. */
static void begin(struct scene *scene)
{
    const struct relay_request request = { .alpn = NULL };
    int pair[2];

    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    assert_int_equal(relay_start(&scene->house, &pair[0], &request), ERR_OK);
    assert_int_equal(pair[0], -1);
    scene->client_fd = pair[1];
    tls_client_init(&scene->client, pair[1], buf_bytes(&scene->pair.certificate_pem), host);
}

static void connect_client(struct scene *scene)
{
    begin(scene);
    for (int i = 0; i < TURNS_MAX && tls_client_shake(&scene->client) == 0; i++)
        turn(scene);
    settle(scene);
    assert_int_equal(scene->settled, 1);
    assert_true(scene->plain >= 0);
}

static void client_says(struct scene *scene, const char *text)
{
    assert_int_equal(tls_client_write(&scene->client, text, (int)strlen(text)), strlen(text));
    settle(scene);
}

static void assert_plain_hears(struct scene *scene, struct bytes want)
{
    uint8_t got[64];
    ssize_t len = recv(scene->plain, got, sizeof(got), MSG_DONTWAIT);

    assert_true(len >= 0);
    ASSERT_BYTES(bytes_make(got, (size_t)len), want);
}

static void assert_client_hears(struct scene *scene, struct bytes want)
{
    uint8_t got[64];
    int len = tls_client_read(&scene->client, got, sizeof(got));

    assert_true(len > 0);
    ASSERT_BYTES(bytes_make(got, (size_t)len), want);
}

static void test_words_both_ways_and_no_buffers(void **state)
{
    struct scene *scene = *state;

    connect_client(scene);
    client_says(scene, "a CAPABILITY");
    assert_plain_hears(scene, BYTES("a CAPABILITY"));
    assert_int_equal(send(scene->plain, "a OK", 4, 0), 4);
    settle(scene);
    assert_client_hears(scene, BYTES("a OK"));
    assert_null(scene->relay->held.at);
    assert_null(scene->relay->client.out.at);
    assert_null(scene->relay->plain.out.at);
}

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) * 7);
}

struct bulk {
    size_t sent, received;
    uint8_t piece[50000];
};

static size_t fill(struct bulk *bulk)
{
    size_t len = BULK_BYTES - bulk->sent;

    if (len > sizeof(bulk->piece))
        len = sizeof(bulk->piece);
    for (size_t i = 0; i < len; i++)
        bulk->piece[i] = pattern(bulk->sent + i);
    return len;
}

static void check(struct bulk *bulk, ssize_t len)
{
    for (ssize_t i = 0; i < len; i++)
        assert_int_equal(bulk->piece[i], pattern(bulk->received + (size_t)i));
    bulk->received += len > 0 ? (size_t)len : 0;
}

/* Both directions at once; `reads_every` turns passes between two reads: slow readers. */
static void run_bulk(struct scene *scene, int reads_every)
{
    static struct bulk up;
    static struct bulk down;

    memset(&up, 0, sizeof(up));
    memset(&down, 0, sizeof(down));
    for (int i = 0; i < TURNS_MAX && (up.received < BULK_BYTES || down.received < BULK_BYTES);
         i++) {
        size_t len = fill(&up);
        int taken = len > 0 ? tls_client_write(&scene->client, up.piece, (int)len) : 0;
        ssize_t given;

        assert_true(taken >= 0);
        up.sent += (size_t)taken;
        len = fill(&down);
        given = len > 0 ? send(scene->plain, down.piece, len, MSG_DONTWAIT) : 0;
        down.sent += given > 0 ? (size_t)given : 0;
        turn(scene);
        assert_true(scene->relay->client.out.len <= RELAY_OUT_HIGH + LOOP_BUFFER_BYTES + 4096);
        assert_true(scene->relay->plain.out.len <= RELAY_OUT_HIGH + RELAY_PLAIN_BYTES);
        if (i % reads_every != 0)
            continue;
        check(&up, recv(scene->plain, up.piece, sizeof(up.piece), MSG_DONTWAIT));
        check(&down, tls_client_read(&scene->client, down.piece, sizeof(down.piece)));
    }
    assert_int_equal(up.received, BULK_BYTES);
    assert_int_equal(down.received, BULK_BYTES);
}

static void test_much_in_both_directions(void **state)
{
    connect_client(*state);
    run_bulk(*state, 1);
}

static void test_slow_readers_stop_the_other_side(void **state)
{
    connect_client(*state);
    run_bulk(*state, 7);
}

static void test_half_close_by_the_client(void **state)
{
    struct scene *scene = *state;

    connect_client(scene);
    client_says(scene, "last");
    (void)SSL_shutdown(scene->client.ssl);
    settle(scene);
    assert_plain_hears(scene, BYTES("last"));
    assert_plain_hears(scene, BYTES("")); /* the end */
    assert_int_equal(send(scene->plain, "BYE", 3, 0), 3);
    fd_close(&scene->plain);
    settle(scene);
    assert_client_hears(scene, BYTES("BYE"));
    assert_int_equal(tls_client_read(&scene->client, &(char){ 0 }, 1), -1);
    settle(scene);
    assert_int_equal(scene->house.count, 0);
    assert_int_equal(scene->emptied, 1);
}

static void test_a_client_that_just_goes(void **state)
{
    struct scene *scene = *state;

    connect_client(scene);
    client_says(scene, "last");
    fd_close(&scene->client_fd);
    settle(scene);
    assert_plain_hears(scene, BYTES("last"));
    assert_plain_hears(scene, BYTES(""));
    fd_close(&scene->plain);
    settle(scene);
    assert_int_equal(scene->house.count, 0);
}

static void test_the_last_words_of_a_session_that_died(void **state)
{
    struct scene *scene = *state;

    connect_client(scene);
    assert_int_equal(tls_client_write(&scene->client, "unheard", 7), 7);
    assert_int_equal(send(scene->plain, "BYE", 3, 0), 3);
    fd_close(&scene->plain); /* nobody takes what the client has said, and that is met first */
    client_says(scene, "unheard");
    settle(scene);
    assert_client_hears(scene, BYTES("BYE"));
    assert_int_equal(tls_client_read(&scene->client, &(char){ 0 }, 1), -1);
    assert_int_equal(scene->house.count, 1); /* waits for the client's end */
    fd_close(&scene->client_fd);
    settle(scene);
    assert_int_equal(scene->house.count, 0);
}

static void test_a_long_goodbye_is_sent_in_full(void **state)
{
    struct scene *scene = *state;
    static uint8_t piece[60000];
    size_t sent = 0;
    size_t received = 0;
    int got = 0;

    connect_client(scene);
    for (int i = 0; i < 60; i++) { /* more than the sockets hold: some stays in the relay */
        ssize_t taken = send(scene->plain, piece, sizeof(piece), MSG_DONTWAIT);

        sent += taken > 0 ? (size_t)taken : 0;
        turn(scene);
    }
    fd_close(&scene->plain);
    settle(scene);
    for (int i = 0; i < TURNS_MAX && got >= 0; i++) {
        got = tls_client_read(&scene->client, piece, sizeof(piece));
        received += got > 0 ? (size_t)got : 0;
        turn(scene);
    }
    assert_int_equal(got, -1);
    assert_int_equal(received, sent);
}

/* A client that reads nothing holds its relay as long as the session wants, and no longer. */
static void test_a_client_that_never_reads(void **state)
{
    struct scene *scene = *state;
    static uint8_t piece[60000];

    connect_client(scene);
    scene->house.linger_ms = 20;
    for (int i = 0; i < 60; i++) {
        (void)send(scene->plain, piece, sizeof(piece), MSG_DONTWAIT);
        turn(scene);
    }
    for (int64_t end = clock_mono().ms + 100; clock_mono().ms < end;)
        turn(scene);
    assert_int_equal(scene->house.count, 1);
    fd_close(&scene->plain); /* with bytes in it that the relay has not read */
    for (int64_t end = clock_mono().ms + 2000; clock_mono().ms < end && scene->house.count > 0;)
        turn(scene);
    assert_int_equal(scene->house.count, 0);
}

static void test_garbage_instead_of_a_handshake(void **state)
{
    struct scene *scene = *state;
    uint8_t alert[32];

    begin(scene);
    assert_int_equal(send(scene->client_fd, "a1 LOGIN x y\r\n", 14, 0), 14);
    settle(scene);
    assert_int_equal(scene->failed, 1);
    assert_true(strlen(scene->why) > 0);
    (void)recv(scene->client_fd, alert, sizeof(alert), MSG_DONTWAIT);
    assert_int_equal(recv(scene->client_fd, alert, sizeof(alert), MSG_DONTWAIT), 0);
    fd_close(&scene->client_fd);
    settle(scene);
    assert_int_equal(scene->house.count, 0);
    assert_int_equal(scene->settled, 1);
}

static void test_a_client_that_goes_while_shaking(void **state)
{
    struct scene *scene = *state;

    begin(scene);
    (void)tls_client_shake(&scene->client);
    fd_close(&scene->client_fd);
    settle(scene);
    assert_int_equal(scene->failed, 1);
    assert_int_equal(scene->settled, 1);
    assert_int_equal(scene->house.count, 0);
}

static void test_a_handshake_takes_too_long(void **state)
{
    struct scene *scene = *state;

    scene->house.handshake_ms = 20;
    begin(scene);
    for (int i = 0; i < 20 && scene->failed == 0; i++)
        loop_turn(scene->loop, true);
    assert_string_equal(scene->why, "the handshake took too long");
    assert_int_equal(recv(scene->client_fd, &(char){ 0 }, 1, MSG_DONTWAIT), 0);
}

static void test_the_limit(void **state)
{
    struct scene *scene = *state;
    const struct relay_request request = { .alpn = NULL };
    int first[2];
    int second[2];

    assert_int_equal(fd_pair_stream(first), ERR_OK);
    assert_int_equal(fd_pair_stream(second), ERR_OK);
    begin(scene);
    assert_int_equal(relay_start(&scene->house, &first[0], &request), ERR_OK);
    assert_int_equal(relay_start(&scene->house, &second[0], &request), ERR_LIMIT);
    assert_true(second[0] >= 0);
    fd_close(&first[1]);
    settle(scene);
    assert_int_equal(relay_start(&scene->house, &second[0], &request), ERR_OK);
    fd_close(&second[1]);
}

static void test_a_new_certificate_counts_from_the_next_on(void **state)
{
    struct scene *scene = *state;
    struct tls_client first;
    int first_fd;
    int first_plain;

    connect_client(scene);
    first = scene->client;
    first_fd = scene->client_fd;
    first_plain = scene->plain;
    use_new_pair(scene);
    scene->settled = 0;
    connect_client(scene); /* trusts the new one alone */
    client_says(scene, "new");
    assert_plain_hears(scene, BYTES("new"));
    assert_int_equal(tls_client_write(&first, "old", 3), 3);
    settle(scene);
    assert_int_equal(recv(first_plain, &(char[3]){ 0 }, 3, MSG_DONTWAIT), 3);
    tls_client_done(&first);
    fd_close(&first_fd);
    fd_close(&first_plain);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_words_both_ways_and_no_buffers),
        CASE(test_much_in_both_directions),
        CASE(test_slow_readers_stop_the_other_side),
        CASE(test_half_close_by_the_client),
        CASE(test_a_client_that_just_goes),
        CASE(test_the_last_words_of_a_session_that_died),
        CASE(test_a_long_goodbye_is_sent_in_full),
        CASE(test_a_client_that_never_reads),
        CASE(test_garbage_instead_of_a_handshake),
        CASE(test_a_client_that_goes_while_shaking),
        CASE(test_a_handshake_takes_too_long),
        CASE(test_the_limit),
        CASE(test_a_new_certificate_counts_from_the_next_on),
    };

    const struct sigaction ignore = { .sa_handler = SIG_IGN };

    (void)sigaction(SIGPIPE, &ignore, NULL); /* OpenSSL writes with write(2) */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
