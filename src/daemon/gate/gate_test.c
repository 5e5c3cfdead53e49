/* A gate in the hands of a test: clients connect to a real socket; auth, shards and tls are played.
 * RFC 9051 s11.2. */
#include "daemon/gate/gate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "kit/fake_peer.h"

enum { TEXT_BYTES_MAX = 1 << 16, MAIL_INCARNATION = 70 };

struct fixture {
    struct loop *loop;
    struct role role;
    struct gate *gate;
    int supervisor;
    int auth;
    int mail;
    int tls;
    char path[64]; /* of the directory for the socket and the spool */
    struct fake_mail heard;
    char text[TEXT_BYTES_MAX];
};

static struct sockaddr_un socket_name(const struct fixture *f, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.50s/%.20s", f->path, name);
    return address;
}

static void give_listener(struct fixture *f, const char *name, enum ipc_service service,
                          bool implicit_tls)
{
    struct sockaddr_un address = socket_name(f, name);
    struct ipc_message message = { IPC_LISTENER,
                                   { .listener = { .service = (uint8_t)service,
                                                   .implicit_tls = implicit_tls,
                                                   .local = true,
                                                   .name = bytes_from_string(name) } } };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 100), 0);
    fake_say(f->supervisor, &message, fd);
}

static void start_gate(struct fixture *f, struct bytes config)
{
    struct ipc_message directory = { .type = IPC_DIRECTORY };
    int pair[2];

    f->gate = gate_new();
    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    f->supervisor = pair[1];
    role_init(&f->role, &gate_role, f->gate, f->loop, pair[0]);
    fake_say(f->supervisor, &directory, open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    give_listener(f, "imap", IPC_SERVICE_IMAP, false);
    give_listener(f, "imaps", IPC_SERVICE_IMAP, true);
    give_listener(f, "lmtp", IPC_SERVICE_LMTP, false);
    fake_start(f->loop, f->supervisor, IPC_ROLE_GATE, config);
    f->auth = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, 50);
    f->mail = fake_join(f->supervisor, IPC_ROLE_MAIL, 0, MAIL_INCARNATION);
    f->tls = fake_join(f->supervisor, IPC_ROLE_TLS, 0, 60);
    fake_settle(f->loop);
}

static void stop_gate(struct fixture *f)
{
    static const char *const names[] = { "imap", "imaps", "lmtp" };

    role_done(&f->role);
    gate_free(f->gate);
    fd_close(&f->supervisor);
    fd_close(&f->auth);
    fd_close(&f->mail);
    fd_close(&f->tls);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        (void)unlink(socket_name(f, names[i]).sun_path);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->loop = loop_new();
    (void)snprintf(f->path, sizeof(f->path), "/tmp/roost-gate-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    start_gate(f, BYTES("log.level = error\n"));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    stop_gate(f);
    assert_int_equal(rmdir(f->path), 0); /* nothing is left in the spool */
    loop_free(f->loop);
    free(f);
    return 0;
}

static void restart_gate(struct fixture *f, struct bytes config)
{
    stop_gate(f);
    start_gate(f, config);
}

static const char *hear(struct fixture *f, int client)
{
    size_t len = 0;
    ssize_t got;

    fake_settle(f->loop);
    while ((got = recv(client, f->text + len, TEXT_BYTES_MAX - 1 - len, MSG_DONTWAIT)) > 0)
        len += (size_t)got;
    f->text[len] = '\0';
    return f->text;
}

static bool is_closed(struct fixture *f, int client)
{
    char byte;

    fake_settle(f->loop);
    return recv(client, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static int dial(struct fixture *f, const char *name)
{
    struct sockaddr_un address = socket_name(f, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    fake_settle(f->loop);
    return fd;
}

static const char *ask(struct fixture *f, int client, const char *text)
{
    assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    return hear(f, client);
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

/* LMTP. */

static void answer_recipient(struct fixture *f, struct bytes address, enum ipc_result result)
{
    struct ipc_message answer = { IPC_RECIPIENT_RESULT,
                                  { .recipient_result = { .result = (uint8_t)result,
                                                          .ticket = { { 8 } },
                                                          .account = BYTES("alice") } } };

    fake_hear(f->loop, f->auth, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_RECIPIENT);
    ASSERT_BYTES(f->heard.got.recipient.address, address);
    answer.recipient_result.request = f->heard.got.recipient.request;
    fake_say(f->auth, &answer, -1);
    fake_settle(f->loop);
}

/* The message that came to the shard; its request number is answered later. */
static uint64_t take_parcel(struct fixture *f, struct bytes want)
{
    static uint8_t body[4096];
    uint64_t size = 0;

    fake_hear(f->loop, f->mail, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_DELIVER);
    assert_true(fd_check_spooled(f->heard.fd));
    assert_int_equal(fd_size(f->heard.fd, &size), ERR_OK);
    assert_int_equal(size, f->heard.got.deliver.size);
    assert_int_equal(fd_read_at(f->heard.fd, 0, body, (size_t)size), ERR_OK);
    ASSERT_BYTES(bytes_make(body, (size_t)size), want);
    fd_close(&f->heard.fd);
    return f->heard.got.deliver.request;
}

static void answer_parcel(struct fixture *f, uint64_t request, enum ipc_result result)
{
    struct ipc_message answer = {
        IPC_DELIVER_ANSWER, { .deliver_answer = { .request = request, .result = (uint8_t)result } }
    };

    fake_say(f->mail, &answer, -1);
}

static int begin_mail(struct fixture *f)
{
    int client = dial(f, "lmtp");

    assert_non_null(strstr(hear(f, client), "220 "));
    assert_non_null(strstr(ask(f, client, "LHLO there\r\n"), "250"));
    assert_non_null(strstr(ask(f, client, "MAIL FROM:<bob@example.org>\r\n"), "250"));
    return client;
}

static void add_recipient(struct fixture *f, int client, struct bytes address)
{
    char line[200];

    (void)snprintf(line, sizeof(line), "RCPT TO:<%.*s>\r\n", BYTES_ARG(address));
    assert_string_equal(ask(f, client, line), "");
    answer_recipient(f, address, IPC_OK);
    assert_non_null(strstr(hear(f, client), "250"));
}

#define CONTENT "Subject: hi\r\n\r\nthere\r\n"

static void test_mail_is_taken_when_the_shard_has_it(void **state)
{
    struct fixture *f = *state;
    int client = begin_mail(f);
    uint64_t first;
    uint64_t second;

    add_recipient(f, client, BYTES("alice@example.org"));
    add_recipient(f, client, BYTES("carol"));
    assert_string_equal(ask(f, client, "RCPT TO:<nobody@example.org>\r\n"), "");
    answer_recipient(f, BYTES("nobody@example.org"), IPC_NOT_FOUND);
    assert_non_null(strstr(hear(f, client), "550"));
    assert_non_null(strstr(ask(f, client, "DATA\r\n"), "354"));
    assert_string_equal(ask(f, client, CONTENT ".\r\n"), "");
    first = take_parcel(f, BYTES(CONTENT));
    assert_int_equal(f->heard.got.deliver.ticket.raw[0], 8);
    assert_true(bytes_starts_with(f->heard.got.deliver.trace, BYTES("Return-Path: <bob@")));
    second = take_parcel(f, BYTES(CONTENT)); /* side by side */
    ASSERT_BYTES(f->heard.got.deliver.recipient, BYTES("carol"));
    assert_string_equal(hear(f, client), "");
    answer_parcel(f, second, IPC_OVER_QUOTA);
    assert_string_equal(hear(f, client), ""); /* in the order of the recipients */
    answer_parcel(f, first, IPC_OK);
    assert_non_null(strstr(hear(f, client), "250"));
    assert_non_null(strstr(f->text, "\r\n452"));
    assert_non_null(strstr(ask(f, client, "QUIT\r\n"), "221"));
    assert_true(is_closed(f, client));
    fd_close(&client);
}

static void test_what_is_down_is_a_451(void **state)
{
    struct fixture *f = *state;
    int client = begin_mail(f);

    add_recipient(f, client, BYTES("alice"));
    assert_non_null(strstr(ask(f, client, "DATA\r\n"), "354"));
    assert_string_equal(ask(f, client, CONTENT ".\r\n"), "");
    (void)take_parcel(f, BYTES(CONTENT));
    fd_close(&f->mail); /* before it answers */
    assert_non_null(strstr(hear(f, client), "451"));

    assert_non_null(strstr(ask(f, client, "MAIL FROM:<>\r\n"), "250"));
    add_recipient(f, client, BYTES("alice"));
    (void)ask(f, client, "DATA\r\n");
    assert_non_null(strstr(ask(f, client, CONTENT ".\r\n"), "451")); /* no shard at all */

    fd_close(&f->auth);
    assert_non_null(strstr(ask(f, client, "MAIL FROM:<>\r\nRCPT TO:<alice>\r\n"), "451"));
    fd_close(&client);
}

static void test_a_large_message_is_spooled_and_gone(void **state)
{
    enum { LINES = 40000 };
    static const char line[] =
        "0123456789012345678901234567890123456789012345678901234567890123\r\n";
    struct fixture *f = *state;
    int client = begin_mail(f);
    uint64_t size = 0;

    add_recipient(f, client, BYTES("alice"));
    (void)ask(f, client, "DATA\r\n");
    for (int i = 0; i < LINES; i++) {
        assert_int_equal(send(client, line, sizeof(line) - 1, MSG_NOSIGNAL), sizeof(line) - 1);
        if (i % 100 == 0)
            fake_settle(f->loop);
    }
    assert_string_equal(ask(f, client, ".\r\n"), "");
    fake_hear(f->loop, f->mail, &f->heard);
    assert_int_equal(fd_size(f->heard.fd, &size), ERR_OK);
    assert_int_equal(size, LINES * (sizeof(line) - 1));
    assert_true(fd_check(f->heard.fd, FD_KIND_REGULAR));
    assert_true(fd_check_spooled(f->heard.fd));
    fd_close(&f->heard.fd);
    answer_parcel(f, f->heard.got.deliver.request, IPC_OK);
    assert_non_null(strstr(hear(f, client), "250"));
    fd_close(&client);
}

static void test_many_recipients_travel_side_by_side(void **state)
{
    enum { RECIPIENTS = 200 };
    struct fixture *f = *state;
    int client = begin_mail(f);
    char address[20];
    size_t good = 0;

    for (int i = 0; i < RECIPIENTS; i++) {
        (void)snprintf(address, sizeof(address), "user%d", i);
        add_recipient(f, client, bytes_from_string(address));
    }
    (void)ask(f, client, "DATA\r\n");
    assert_string_equal(ask(f, client, CONTENT ".\r\n"), "");
    for (int i = 0; i < RECIPIENTS; i++)
        answer_parcel(f, take_parcel(f, BYTES(CONTENT)), IPC_OK);
    for (const char *at = hear(f, client); (at = strstr(at, "250 2")) != NULL; at++)
        good++;
    assert_int_equal(good, RECIPIENTS);
    fd_close(&client);
}

static void test_a_client_that_goes_away_takes_its_parcels_along(void **state)
{
    struct fixture *f = *state;
    int client = begin_mail(f);
    uint64_t request;

    add_recipient(f, client, BYTES("alice"));
    (void)ask(f, client, "DATA\r\n");
    (void)ask(f, client, CONTENT ".\r\n");
    request = take_parcel(f, BYTES(CONTENT));
    fd_close(&client);
    fake_settle(f->loop);
    answer_parcel(f, request, IPC_OK);
    fake_settle(f->loop);
    assert_int_equal(gate_connections(f->gate), 0);
    assert_non_null(role_peer_find(&f->role, IPC_ROLE_MAIL, 0));
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
        GATE_TEST(test_mail_is_taken_when_the_shard_has_it),
        GATE_TEST(test_what_is_down_is_a_451),
        GATE_TEST(test_a_large_message_is_spooled_and_gone),
        GATE_TEST(test_many_recipients_travel_side_by_side),
        GATE_TEST(test_a_client_that_goes_away_takes_its_parcels_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
