/* The role as its supervisor and a gate see it. RFC 9051 s11.1. */
#include "daemon/tls/tls_role.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/tls/sandbox.h"
#include "kit/fake_peer.h"
#include "kit/tls_client.h"
#include "sys/clock.h"
#include "sys/selfsigned.h"

enum { TURNS_MAX = 1000 };

static const char host[] = "mail.example";

struct scene {
    struct loop *loop;
    struct tls_role tls;
    struct role role;
    struct selfsigned pair;
    struct tls_client client;
    int supervisor, gate, client_fd;
    struct fake_mail mail;
};

static struct ipc_message ticket_message(void)
{
    static const uint8_t keys[TLS_TICKET_KEY_BYTES] = { 1 };

    return (struct ipc_message){ IPC_TLS_TICKETS,
                                 { .tls_tickets = { bytes_make(keys, sizeof(keys)) } } };
}

static void send_certificate(struct scene *scene)
{
    const struct ipc_message message = { .type = IPC_CERTIFICATE };
    struct buf both = buf_make(20000);

    buf_clear(&scene->pair.certificate_pem);
    buf_clear(&scene->pair.key_pem);
    assert_int_equal(selfsigned_make(host, clock_wall(), 1, &scene->pair, NULL), ERR_OK);
    buf_add(&both, buf_bytes(&scene->pair.certificate_pem));
    buf_add(&both, buf_bytes(&scene->pair.key_pem));
    fake_say(scene->supervisor, &message, fake_memfd(buf_bytes(&both)));
    buf_done(&both);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct ipc_message tickets = ticket_message();
    int pair[2];

    scene->client_fd = -1;
    scene->loop = loop_new();
    scene->pair = (struct selfsigned){ buf_make(10000), buf_make(10000) };
    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    scene->supervisor = pair[1];
    tls_role_init(&scene->tls);
    role_init(&scene->role, &tls_role_spec, &scene->tls, scene->loop, pair[0]);
    send_certificate(scene);
    fake_say(scene->supervisor, &tickets, -1);
    scene->gate = fake_join(scene->supervisor, IPC_ROLE_GATE, 0, 1);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    tls_client_done(&scene->client);
    fd_close(&scene->client_fd);
    fd_close(&scene->gate);
    fd_close(&scene->supervisor);
    tls_role_done(&scene->tls);
    role_done(&scene->role);
    buf_done(&scene->pair.certificate_pem);
    buf_done(&scene->pair.key_pem);
    loop_free(scene->loop);
    free(scene);
    return 0;
}

static void start(struct scene *scene)
{
    fake_start(scene->loop, scene->supervisor, IPC_ROLE_TLS, BYTES(""));
}

/* The gate hands a client over. */
static void hand_over(struct scene *scene, uint64_t request, uint8_t service)
{
    const struct ipc_message message = { IPC_TLS_START, { .tls_start = { request, service, 5 } } };
    int pair[2];

    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    scene->client_fd = pair[1];
    fake_say(scene->gate, &message, pair[0]);
}

static void shake(struct scene *scene)
{
    tls_client_init(&scene->client, scene->client_fd, buf_bytes(&scene->pair.certificate_pem),
                    host);
    for (int i = 0; i < TURNS_MAX && tls_client_shake(&scene->client) == 0; i++)
        loop_turn(scene->loop, false);
}

static void assert_refused(struct scene *scene, uint64_t request, enum ipc_result result)
{
    fake_hear(scene->loop, scene->gate, &scene->mail);
    assert_int_equal(scene->mail.got.type, IPC_TLS_ANSWER);
    assert_int_equal(scene->mail.got.tls_answer.request, request);
    assert_int_equal(scene->mail.got.tls_answer.result, result);
    assert_true(scene->mail.got.tls_answer.text.len > 0);
    assert_int_equal(scene->mail.fd, -1);
}

static void test_a_handshake_and_its_facts(void **state)
{
    struct scene *scene = *state;
    const struct ipc_tls_answer *answer = &scene->mail.got.tls_answer;
    uint8_t binding[TLS_BINDING_BYTES];
    char text[8] = "";

    start(scene);
    hand_over(scene, 42, IPC_SERVICE_IMAP);
    shake(scene);
    fake_hear(scene->loop, scene->gate, &scene->mail);
    assert_int_equal(scene->mail.got.type, IPC_TLS_ANSWER);
    assert_int_equal(answer->request, 42);
    assert_int_equal(answer->result, IPC_OK);
    ASSERT_BYTES(answer->facts, BYTES("TLSv1.3 TLS_AES_256_GCM_SHA384"));
    ASSERT_BYTES(answer->server_name, bytes_from_string(host));
    assert_int_equal(SSL_export_keying_material(scene->client.ssl, binding, sizeof(binding),
                                                "EXPORTER-Channel-Binding", 24, NULL, 0, 0),
                     1);
    ASSERT_BYTES(answer->channel_binding, bytes_make(binding, sizeof(binding)));
    assert_true(fd_check(scene->mail.fd, FD_KIND_SOCKET_STREAM));
    assert_int_equal(tls_client_write(&scene->client, "hello", 5), 5);
    fake_settle(scene->loop);
    assert_int_equal(recv(scene->mail.fd, text, sizeof(text), MSG_DONTWAIT), 5);
    assert_string_equal(text, "hello");
    fd_close(&scene->mail.fd);
}

static void test_what_is_no_handshake(void **state)
{
    struct scene *scene = *state;

    start(scene);
    hand_over(scene, 1, IPC_SERVICE_IMAP);
    assert_int_equal(send(scene->client_fd, "a LOGIN\r\n", 9, 0), 9);
    assert_refused(scene, 1, IPC_INVALID);
}

static void test_another_protocol_is_refused(void **state)
{
    struct scene *scene = *state;

    start(scene);
    hand_over(scene, 1, IPC_SERVICE_IMAP);
    tls_client_init(&scene->client, scene->client_fd, buf_bytes(&scene->pair.certificate_pem),
                    host);
    SSL_set_alpn_protos(scene->client.ssl, (const unsigned char *)"\x8http/1.1", 9);
    for (int i = 0; i < 20 && tls_client_shake(&scene->client) == 0; i++)
        loop_turn(scene->loop, false);
    assert_refused(scene, 1, IPC_INVALID);
}

static void test_stats(void **state)
{
    struct scene *scene = *state;
    struct ipc_message ask = { IPC_STATS, { .request = { 9 } } };
    int control = -1;

    start(scene);
    hand_over(scene, 1, IPC_SERVICE_IMAP);
    assert_int_equal(send(scene->client_fd, "a LOGIN\r\n", 9, 0), 9);
    assert_refused(scene, 1, IPC_INVALID);
    fd_close(&scene->client_fd);
    hand_over(scene, 2, IPC_SERVICE_IMAP);
    shake(scene);
    fake_hear(scene->loop, scene->gate, &scene->mail);
    fd_close(&scene->mail.fd);
    control = fake_join(scene->supervisor, IPC_ROLE_CONTROL, 0, 1);
    fake_say(control, &ask, -1);
    fake_hear(scene->loop, control, &scene->mail);
    ASSERT_BYTES(scene->mail.got.text_answer.text,
                 BYTES("{\"connections\":1,\"handshakes_total\":{\"ok\":1,\"failed\":1}}"));
    fd_close(&control);
}

static void test_what_is_no_connection(void **state)
{
    struct scene *scene = *state;
    const struct ipc_message message = { IPC_TLS_START, { .tls_start = { 9, 1, 5 } } };

    start(scene);
    fake_say(scene->gate, &message, fake_memfd(BYTES("x")));
    assert_refused(scene, 9, IPC_INVALID);
}

static void test_certificates_are_renewed(void **state)
{
    struct scene *scene = *state;
    const struct ipc_message broken = { .type = IPC_CERTIFICATE };

    start(scene);
    send_certificate(scene);
    fake_settle(scene->loop);
    fake_say(scene->supervisor, &broken, fake_memfd(BYTES("no certificate")));
    fake_settle(scene->loop); /* refused: the second stays */
    hand_over(scene, 1, IPC_SERVICE_IMAP);
    shake(scene); /* trusts the second alone */
    fake_hear(scene->loop, scene->gate, &scene->mail);
    assert_int_equal(scene->mail.got.tls_answer.result, IPC_OK);
    fd_close(&scene->mail.fd);
}

static void test_a_gate_that_has_gone(void **state)
{
    struct scene *scene = *state;

    start(scene);
    hand_over(scene, 1, IPC_SERVICE_IMAP);
    fake_settle(scene->loop);
    fd_close(&scene->gate);
    shake(scene);
    fake_settle(scene->loop);
    /* Nobody takes the plain end: the client sees an end. */
    assert_int_equal(tls_client_read(&scene->client, &(char){ 0 }, 1), -1);
}

static void test_stop_waits_for_the_last(void **state)
{
    struct scene *scene = *state;
    const struct ipc_message stop = { .type = IPC_STOP };

    start(scene);
    hand_over(scene, 1, IPC_SERVICE_IMAP);
    shake(scene);
    fake_hear(scene->loop, scene->gate, &scene->mail);
    fake_say(scene->supervisor, &stop, -1);
    fake_settle(scene->loop);
    scene->role.exit_code = 99;
    assert_int_equal(scene->tls.house.count, 1);
    assert_int_equal(send(scene->mail.fd, "BYE", 3, 0), 3);
    fd_close(&scene->mail.fd);
    fake_settle(scene->loop);
    assert_int_equal(tls_client_read(&scene->client, &(char[3]){ 0 }, 3), 3);
    fd_close(&scene->client_fd);
    fake_settle(scene->loop);
    assert_int_equal(scene->tls.house.count, 0);
    assert_int_equal(scene->role.exit_code, 0);
}

/* A client that was told the end, before the stop or after it, and leaves its socket open. */
static void stop_with_a_client_that_stays(struct scene *scene, bool ended_before)
{
    const struct ipc_message stop = { .type = IPC_STOP };

    start(scene);
    hand_over(scene, 1, IPC_SERVICE_IMAP);
    shake(scene);
    fake_hear(scene->loop, scene->gate, &scene->mail);
    if (ended_before)
        fd_close(&scene->mail.fd);
    fake_settle(scene->loop);
    fake_say(scene->supervisor, &stop, -1);
    fake_settle(scene->loop);
    fd_close(&scene->mail.fd);
    fake_settle(scene->loop);
    assert_int_equal(scene->tls.house.count, 1);
    scene->role.exit_code = 99;
    for (int i = 0; i < 10 && scene->tls.house.count > 0; i++)
        loop_turn(scene->loop, true);
    assert_int_equal(scene->role.exit_code, 0);
}

static void test_stop_leaves_a_client_that_stays(void **state)
{
    stop_with_a_client_that_stays(*state, false);
}

static void test_stop_leaves_a_client_that_stayed(void **state)
{
    stop_with_a_client_that_stays(*state, true);
}

static void test_no_certificate_refuses_the_start(void **state)
{
    struct scene *scene = *state;
    const struct ipc_message broken = { .type = IPC_CERTIFICATE };
    const struct ipc_message text = { .type = IPC_CONFIG };
    const struct ipc_message begin = { IPC_START, { .start = { IPC_ROLE_TLS, 0, 1, 1, false } } };

    fake_say(scene->supervisor, &broken, fake_memfd(BYTES("x")));
    fake_say(scene->supervisor, &text, fake_memfd(BYTES("")));
    fake_say(scene->supervisor, &begin, -1);
    fake_settle(scene->loop);
    assert_false(scene->role.started);
    assert_int_equal(scene->role.exit_code, ROLE_EXIT_REFUSED);
}

/* The walls, with OpenSSL at work inside. */
static int act_handshake(void *context)
{
    struct scene *scene = context;

    send_certificate(scene); /* memory for a new context, made inside */
    hand_over(scene, 1, IPC_SERVICE_IMAP);
    shake(scene);
    fake_hear(scene->loop, scene->gate, &scene->mail);
    return scene->mail.got.tls_answer.result == IPC_OK ? 0 : 1;
}

static int act_open(void *context)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0;
}

static int act_socket(void *context)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static void test_walls(void **state)
{
    /* The test's own part of the dialogue asks for a little more than the role does. */
    static const char *const names[] = { "memfd_create", NULL };
    static const struct sandbox_set of_test = { names, NULL, 0 };
    const struct sandbox_set *const sets[] = { tls_sandbox_sets[0], tls_sandbox_sets[1],
                                               tls_sandbox_sets[2], &of_test, NULL };
    const struct sandbox_profile profile = { .role = "tls", .sets = sets };
    struct scene *scene = *state;
    struct note why = { "" };
    int number = 0;

    if (sandbox_available().landlock_abi < 2)
        skip();
    start(scene);
    assert_ptr_equal(tls_sandbox_sets[2], &sandbox_pairs);
    assert_null(tls_sandbox_sets[3]);
    assert_int_equal(sandbox_probe(&profile, act_handshake, scene, &number, &why), SANDBOX_ALLOWED);
    if (sandbox_is_loose)
        skip();
    assert_int_equal(sandbox_probe(&profile, act_open, scene, &number, &why), SANDBOX_KILLED);
    assert_int_equal(sandbox_probe(&profile, act_socket, scene, &number, &why), SANDBOX_KILLED);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_handshake_and_its_facts),
        CASE(test_what_is_no_handshake),
        CASE(test_another_protocol_is_refused),
        CASE(test_stats),
        CASE(test_what_is_no_connection),
        CASE(test_certificates_are_renewed),
        CASE(test_a_gate_that_has_gone),
        CASE(test_stop_waits_for_the_last),
        CASE(test_stop_leaves_a_client_that_stays),
        CASE(test_stop_leaves_a_client_that_stayed),
        CASE(test_no_certificate_refuses_the_start),
        CASE(test_walls),
    };
    const struct sigaction ignore = { .sa_handler = SIG_IGN };

    (void)sigaction(SIGPIPE, &ignore, NULL); /* OpenSSL writes with write(2) */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
