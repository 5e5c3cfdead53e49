/* Connections of IMAP, and what all connections have in common. RFC 9051 s11.2. */
#include "daemon/gate/gate_test.h"

static void restart_gate(struct fixture *f, struct bytes config)
{
    stop_gate(f);
    start_gate(f, config);
}

/* auth grants the login that it is asked about. */
static void grant(struct fixture *f)
{
    struct ipc_message result = {
        IPC_AUTH_RESULT, { .auth_result = { .ticket = { { 7, 7 } }, .account = BYTES("alice") } }
    };

    fake_hear(f->loop, f->auth, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_AUTH_START);
    result.auth_result.request = f->heard.got.auth_start.request;
    fake_say(f->auth, &result, -1);
}

static void answer_handoff(struct fixture *f, enum ipc_result result)
{
    struct ipc_message answer = { IPC_HANDOFF_ANSWER, { .answer = { .result = (uint8_t)result } } };

    answer.answer.request = f->heard.got.handoff.request;
    fake_say(f->mail, &answer, -1);
    fake_settle(f->loop);
}

static void test_a_login_goes_to_its_shard(void **state)
{
    struct fixture *f = *state;
    int client = dial(f, "imap");
    const struct ipc_handoff *handoff = &f->heard.got.handoff;

    assert_non_null(strstr(hear(f, client), "* OK"));
    (void)ask(f, client, "a LOGIN alice sesame\r\nb SELECT INBOX\r\n");
    grant(f);
    ASSERT_BYTES(f->heard.got.auth_start.mechanism, BYTES("PLAIN"));
    ASSERT_BYTES(f->heard.got.auth_start.initial, BYTES("\0alice\0sesame"));
    assert_true(f->heard.got.auth_start.client.loopback);
    fake_hear(f->loop, f->mail, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_HANDOFF);
    ASSERT_BYTES(handoff->tag, BYTES("a"));
    ASSERT_BYTES(handoff->unread, BYTES("b SELECT INBOX\r\n"));
    ASSERT_BYTES(handoff->client.address, BYTES("unix"));
    assert_int_equal(handoff->ticket.raw[1], 7);
    answer_handoff(f, IPC_OK);
    assert_int_equal(gate_connections(f->gate), 0);

    assert_string_equal(hear(f, client), ""); /* the gate says nothing and does not hang up */
    assert_int_equal(send(f->heard.fd, "a OK\r\n", 6, 0), 6);
    assert_string_equal(hear(f, client), "a OK\r\n");
    fd_close(&f->heard.fd);
    assert_true(is_closed(f, client));
    fd_close(&client);
}

static void test_a_shard_may_refuse(void **state)
{
    struct fixture *f = *state;
    int client = dial(f, "imap");

    (void)ask(f, client, "a LOGIN alice sesame\r\n");
    grant(f);
    fake_hear(f->loop, f->mail, &f->heard);
    fd_close(&f->heard.fd);
    answer_handoff(f, IPC_LIMIT);
    assert_non_null(strstr(hear(f, client), "a NO [UNAVAILABLE]"));
    assert_non_null(strstr(ask(f, client, "b NOOP\r\n"), "b OK"));
    fd_close(&client);
}

static void test_wrong_passwords_and_a_dead_auth(void **state)
{
    struct fixture *f = *state;
    struct ipc_message denied = { IPC_AUTH_RESULT, { .auth_result = { .result = IPC_DENIED } } };
    int client = dial(f, "imap");

    (void)ask(f, client, "a LOGIN alice wrong\r\n");
    fake_hear(f->loop, f->auth, &f->heard);
    denied.auth_result.request = f->heard.got.auth_start.request;
    fake_say(f->auth, &denied, -1);
    assert_non_null(strstr(hear(f, client), "a NO [AUTHENTICATIONFAILED]"));

    (void)ask(f, client, "b LOGIN alice sesame\r\n");
    fd_close(&f->auth); /* while it is asked */
    assert_non_null(strstr(hear(f, client), "b NO [UNAVAILABLE]"));
    assert_non_null(strstr(ask(f, client, "c LOGIN alice sesame\r\n"), "c NO [UNAVAILABLE]"));
    fd_close(&client);
}

static void test_a_dead_shard_is_no_success(void **state)
{
    struct fixture *f = *state;
    int client = dial(f, "imap");

    (void)ask(f, client, "a LOGIN alice sesame\r\n");
    fd_close(&f->mail);
    fake_settle(f->loop);
    grant(f);
    assert_non_null(strstr(hear(f, client), "a NO [UNAVAILABLE]"));
    fd_close(&client);
}

static void test_a_shard_that_dies_with_the_connection_ends_it(void **state)
{
    struct fixture *f = *state;
    int client = dial(f, "imap");

    (void)ask(f, client, "a LOGIN alice sesame\r\n");
    (void)hear(f, client);
    grant(f);
    fake_hear(f->loop, f->mail, &f->heard);
    fd_close(&f->heard.fd);
    fd_close(&f->mail);
    assert_true(is_closed(f, client));
    fd_close(&client);
}

/* The tls role takes the socket and gives one end of a pair back. Answers both. */
static void answer_tls(struct fixture *f, int *out_socket, int *out_plain)
{
    struct ipc_message answer = { IPC_TLS_ANSWER,
                                  { .tls_answer = { .facts = BYTES("TLSv1.3 X"),
                                                    .channel_binding = BYTES("0123") } } };
    int pair[2];

    fake_hear(f->loop, f->tls, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_TLS_START);
    answer.tls_answer.request = f->heard.got.tls_start.request;
    *out_socket = f->heard.fd;
    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    fake_say(f->tls, &answer, pair[0]);
    fake_settle(f->loop);
    *out_plain = pair[1];
}

static void test_starttls(void **state)
{
    struct fixture *f = *state;
    int client = dial(f, "imap");
    int taken;
    int plain;

    assert_non_null(strstr(hear(f, client), "STARTTLS"));
    assert_non_null(strstr(ask(f, client, "a STARTTLS\r\n"), "a OK"));
    answer_tls(f, &taken, &plain);
    assert_non_null(strstr(ask(f, plain, "b CAPABILITY\r\n"), "* CAPABILITY"));
    assert_null(strstr(f->text, "STARTTLS"));
    (void)ask(f, plain, "c LOGIN alice sesame\r\n");
    grant(f);
    assert_true(f->heard.got.auth_start.client.tls);
    ASSERT_BYTES(f->heard.got.auth_start.client.tls_facts, BYTES("TLSv1.3 X"));
    ASSERT_BYTES(f->heard.got.auth_start.channel_binding, BYTES("0123"));
    fd_close(&taken);
    fd_close(&plain);
    fd_close(&client);
}

static void test_what_is_piped_behind_starttls_ends_it(void **state)
{
    struct fixture *f = *state;
    int client = dial(f, "imap");

    assert_non_null(strstr(ask(f, client, "a STARTTLS\r\nb LOGIN alice sesame\r\n"), "BAD"));
    assert_true(is_closed(f, client));
    fake_hear_nothing(f->loop, f->auth);
    fake_hear_nothing(f->loop, f->tls);
    fd_close(&client);
}

static void test_implicit_tls_and_its_failure(void **state)
{
    struct fixture *f = *state;
    struct ipc_message failed = { IPC_TLS_ANSWER, { .tls_answer = { .result = IPC_INVALID } } };
    int client = dial(f, "imaps");
    int taken;
    int plain;

    answer_tls(f, &taken, &plain);
    assert_non_null(strstr(hear(f, plain), "* OK"));
    fd_close(&taken);
    fd_close(&plain);
    fd_close(&client);

    client = dial(f, "imaps");
    fake_hear(f->loop, f->tls, &f->heard);
    failed.tls_answer.request = f->heard.got.tls_start.request;
    fd_close(&f->heard.fd);
    fake_say(f->tls, &failed, -1);
    assert_true(is_closed(f, client));
    fd_close(&client);
    fake_settle(f->loop);
    assert_int_equal(gate_connections(f->gate), 0);
}

#define PROXY_HEADER \
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\x12\x67\0\x8f"

static void test_proxy_header(void **state)
{
    struct fixture *f = *state;
    int client;

    restart_gate(f, BYTES("log.level = error\ngate.proxy_from = unix\n"));
    client = dial(f, "imap");
    assert_string_equal(hear(f, client), ""); /* not before the header */
    assert_int_equal(send(client, PROXY_HEADER, 20, 0), 20);
    assert_string_equal(hear(f, client), "");
    assert_int_equal(send(client, PROXY_HEADER "a NOOP\r\n" + 20, 16, 0), 16);
    assert_non_null(strstr(hear(f, client), "a OK"));
    assert_non_null(strstr(f->text, "LOGINDISABLED")); /* the client is not on loopback */
    fd_close(&client);

    client = dial(f, "imap");
    assert_string_equal(ask(f, client, "a LOGIN alice sesame\r\n"), "");
    assert_true(is_closed(f, client));
    fd_close(&client);
}

static void test_who_does_not_log_in(void **state)
{
    struct fixture *f = *state;
    int client;

    restart_gate(f, BYTES("log.level = error\ngate.login_timeout = 1s\n"));
    client = dial(f, "imap");
    assert_non_null(strstr(hear(f, client), "* OK"));
    for (int i = 0; i < 100 && strstr(hear(f, client), "* BYE") == NULL; i++)
        loop_turn(f->loop, true);
    assert_non_null(strstr(f->text, "* BYE"));
    assert_true(is_closed(f, client));
    fd_close(&client);
}

static void test_the_number_of_connections_is_limited(void **state)
{
    enum { MOST = 16 };
    struct fixture *f = *state;
    int clients[MOST + 1];
    int mail;

    restart_gate(f, BYTES("log.level = error\ngate.connections_max = 16\n"));
    for (int i = 0; i <= MOST; i++)
        clients[i] = dial(f, "imap");
    assert_int_equal(gate_connections(f->gate), MOST);
    assert_string_equal(hear(f, clients[MOST]), ""); /* waits in the kernel */
    mail = dial(f, "lmtp"); /* is not kept out by them */
    assert_non_null(strstr(hear(f, mail), "220 "));
    fd_close(&mail);
    fake_settle(f->loop);
    assert_string_equal(hear(f, clients[MOST]), "");
    fd_close(&clients[0]);
    fake_settle(f->loop);
    assert_non_null(strstr(hear(f, clients[MOST]), "* OK"));
    for (int i = 1; i <= MOST; i++)
        fd_close(&clients[i]);
    fake_settle(f->loop);
    assert_int_equal(gate_connections(f->gate), 0);
}

static void test_a_connection_that_is_given_back(void **state)
{
    struct fixture *f = *state;
    struct ipc_message back = {
        IPC_HAND_BACK,
        { .hand_back = { .service = IPC_SERVICE_IMAP,
                         .client = { .session = 9, .address = BYTES("unix"), .loopback = true },
                         .unread = BYTES("x NOOP\r\n") } }
    };
    int pair[2];

    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    fake_say(f->mail, &back, pair[0]);
    assert_non_null(strstr(hear(f, pair[1]), "x OK"));
    assert_null(strstr(f->text, "* OK")); /* no second greeting */
    (void)ask(f, pair[1], "a LOGIN alice sesame\r\n");
    grant(f);
    assert_int_equal(f->heard.got.auth_start.client.session, 9);
    fd_close(&pair[1]);
}

static void test_stats(void **state)
{
    struct fixture *f = *state;
    struct ipc_message ask = { IPC_STATS, { .request = { 9 } } };
    int control = fake_join(f->supervisor, IPC_ROLE_CONTROL, 0, 1);
    int gone = dial(f, "imap");
    int client = dial(f, "imap");
    int secret = dial(f, "imaps");
    int sender = dial(f, "lmtp");

    fd_close(&gone);
    fake_settle(f->loop);
    fake_say(control, &ask, -1);
    fake_hear(f->loop, control, &f->heard);
    ASSERT_BYTES(f->heard.got.text_answer.text,
                 BYTES("{\"connections\":{\"imap\":{\"no\":1,\"yes\":1},"
                       "\"lmtp\":{\"no\":1,\"yes\":0}},"
                       "\"connections_total\":{\"imap\":{\"no\":2,\"yes\":1},"
                       "\"lmtp\":{\"no\":1,\"yes\":0}}}"));
    fd_close(&client);
    fd_close(&secret);
    fd_close(&sender);
    fd_close(&control);
}

static void test_stop(void **state)
{
    struct fixture *f = *state;
    struct ipc_message stop = { .type = IPC_STOP };
    int client = dial(f, "imap");

    (void)hear(f, client);
    fake_say(f->supervisor, &stop, -1);
    assert_non_null(strstr(hear(f, client), "* BYE"));
    assert_true(is_closed(f, client));
    fd_close(&client);
    fake_settle(f->loop);
    assert_true(f->role.ended);
}

int main(void)
{
#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        GATE_TEST(test_a_login_goes_to_its_shard),
        GATE_TEST(test_a_shard_may_refuse),
        GATE_TEST(test_wrong_passwords_and_a_dead_auth),
        GATE_TEST(test_a_dead_shard_is_no_success),
        GATE_TEST(test_a_shard_that_dies_with_the_connection_ends_it),
        GATE_TEST(test_starttls),
        GATE_TEST(test_what_is_piped_behind_starttls_ends_it),
        GATE_TEST(test_implicit_tls_and_its_failure),
        GATE_TEST(test_proxy_header),
        GATE_TEST(test_who_does_not_log_in),
        GATE_TEST(test_the_number_of_connections_is_limited),
        GATE_TEST(test_a_connection_that_is_given_back),
        GATE_TEST(test_stats),
        GATE_TEST(test_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
