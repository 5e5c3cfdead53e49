/* Mail on its way through the gate: recipients, the message, the answers. */
#include "daemon/gate/gate_test.h"

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
    static uint8_t body[64 * 1024];
    uint64_t size = 0;

    fake_hear(f->loop, f->mail, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_DELIVER);
    if (f->heard.fd < 0) {
        assert_int_equal(f->heard.got.deliver.size, want.len);
        ASSERT_BYTES(f->heard.got.deliver.content, want);
        return f->heard.got.deliver.request;
    }
    ASSERT_BYTES(f->heard.got.deliver.content, BYTES(""));
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

/* They are looked up side by side, and each keeps its own ticket, whoever is known first. */
static void test_recipients_that_come_together(void **state)
{
    enum { RECIPIENTS = 3 };
    struct fixture *f = *state;
    int client = dial(f, "lmtp");
    uint64_t requests[RECIPIENTS];

    (void)ask(f, client, "LHLO there\r\n");
    assert_string_equal(ask(f, client,
                            "MAIL FROM:<>\r\nRCPT TO:<alice>\r\nRCPT TO:<nobody>\r\n"
                            "RCPT TO:<carol>\r\nDATA\r\n"),
                        "");
    for (int i = 0; i < RECIPIENTS; i++) {
        fake_hear(f->loop, f->auth, &f->heard);
        requests[i] = f->heard.got.recipient.request;
    }
    for (int i = RECIPIENTS; i > 0; i--) {
        struct ipc_message answer = { IPC_RECIPIENT_RESULT,
                                      { .recipient_result = { .request = requests[i - 1],
                                                              .result =
                                                                  i == 2 ? IPC_NOT_FOUND : IPC_OK,
                                                              .ticket = { { (uint8_t)i } },
                                                              .account = BYTES("alice") } } };

        assert_string_equal(hear(f, client), "");
        fake_say(f->auth, &answer, -1);
    }
    assert_true(bytes_starts_with(bytes_from_string(hear(f, client)), BYTES("250 2.1.0")));
    assert_non_null(strstr(f->text, "250 2.1.5 <alice> recipient ok\r\n550 5.1.1 <nobody>"));
    assert_non_null(strstr(f->text, "\r\n250 2.1.5 <carol> recipient ok\r\n354"));
    (void)ask(f, client, CONTENT ".\r\n");
    answer_parcel(f, take_parcel(f, BYTES(CONTENT)), IPC_OK);
    ASSERT_BYTES(f->heard.got.deliver.recipient, BYTES("alice"));
    assert_int_equal(f->heard.got.deliver.ticket.raw[0], 1);
    answer_parcel(f, take_parcel(f, BYTES(CONTENT)), IPC_OK);
    ASSERT_BYTES(f->heard.got.deliver.recipient, BYTES("carol"));
    assert_int_equal(f->heard.got.deliver.ticket.raw[0], 3);
    assert_non_null(strstr(hear(f, client), "<carol> stored"));
    fd_close(&client);
}

/* Who goes away while they are looked up is gone. */
static void test_a_client_that_does_not_wait_for_its_recipients(void **state)
{
    struct fixture *f = *state;
    int client = begin_mail(f);

    assert_string_equal(ask(f, client, "RCPT TO:<alice>\r\nRCPT TO:<carol>\r\nQUIT\r\n"), "");
    fd_close(&client);
    answer_recipient(f, BYTES("alice"), IPC_OK);
    answer_recipient(f, BYTES("carol"), IPC_OK);
    fake_settle(f->loop);
    assert_int_equal(gate_connections(f->gate), 0);
    assert_non_null(role_peer_find(&f->role, IPC_ROLE_AUTH, 0));
}

/* A message of its own, up to its parcel. */
static uint64_t send_one(struct fixture *f, int client)
{
    assert_non_null(strstr(ask(f, client, "DATA\r\n"), "354"));
    assert_string_equal(ask(f, client, CONTENT ".\r\n"), "");
    return take_parcel(f, BYTES(CONTENT));
}

static void deliver_one(struct fixture *f, int client, bool keeps)
{
    uint64_t request = send_one(f, client);

    assert_int_equal(f->heard.got.deliver.keeps_ticket, keeps);
    answer_parcel(f, request, IPC_OK);
    assert_non_null(strstr(hear(f, client), "250"));
    assert_non_null(strstr(ask(f, client, "MAIL FROM:<>\r\n"), "250"));
}

/* From the third time on nobody is asked; when the shard does not know the ticket any more, auth
 * says what has become of the account. */
static void test_who_was_named_lately(void **state)
{
    struct fixture *f = *state;
    int client = begin_mail(f);

    add_recipient(f, client, BYTES("alice"));
    deliver_one(f, client, false);
    add_recipient(f, client, BYTES("alice"));
    deliver_one(f, client, true);
    assert_non_null(strstr(ask(f, client, "RCPT TO:<alice>\r\n"), "250"));
    deliver_one(f, client, true);
    assert_non_null(strstr(ask(f, client, "RCPT TO:<alice>\r\n"), "250"));
    answer_parcel(f, send_one(f, client), IPC_EXPIRED);
    answer_recipient(f, BYTES("alice"), IPC_OK);
    answer_parcel(f, take_parcel(f, BYTES(CONTENT)), IPC_OK);
    assert_false(f->heard.got.deliver.keeps_ticket);
    assert_non_null(strstr(hear(f, client), "250"));

    (void)ask(f, client, "MAIL FROM:<>\r\n");
    add_recipient(f, client, BYTES("alice")); /* it was forgotten */
    answer_parcel(f, send_one(f, client), IPC_DENIED);
    answer_recipient(f, BYTES("alice"), IPC_NOT_FOUND);
    assert_non_null(strstr(hear(f, client), "550"));

    (void)ask(f, client, "MAIL FROM:<>\r\n");
    add_recipient(f, client, BYTES("alice"));
    answer_parcel(f, send_one(f, client), IPC_DENIED);
    answer_recipient(f, BYTES("alice"), IPC_OK);
    answer_parcel(f, take_parcel(f, BYTES(CONTENT)), IPC_DENIED); /* once is enough */
    assert_non_null(strstr(hear(f, client), "451"));
    fd_close(&client);
}

/* A ticket that was not to be kept is not asked for again; nor can it be where auth is gone. */
static void test_who_is_not_asked_for_again(void **state)
{
    struct fixture *f = *state;
    int client = begin_mail(f);

    add_recipient(f, client, BYTES("alice"));
    answer_parcel(f, send_one(f, client), IPC_DENIED);
    assert_non_null(strstr(hear(f, client), "451"));

    (void)ask(f, client, "MAIL FROM:<>\r\n");
    add_recipient(f, client, BYTES("alice"));
    fd_close(&f->auth);
    answer_parcel(f, send_one(f, client), IPC_DENIED);
    assert_true(f->heard.got.deliver.keeps_ticket);
    assert_non_null(strstr(hear(f, client), "451"));
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
    assert_non_null(strstr(ask(f, client, "MAIL FROM:<>\r\nRCPT TO:<carol>\r\n"), "451"));
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

/* A message that fits into a packet is in there; a descriptor is for those that do not. */
static void test_what_does_not_fit_into_a_packet_is_a_descriptor(void **state)
{
    static char text[IPC_CONTENT_BYTES_MAX + 8];
    struct fixture *f = *state;
    int client = begin_mail(f);

    memset(text, 'x', sizeof(text));
    memcpy(text + IPC_CONTENT_BYTES_MAX - 2, "\r\n.\r\n", 5);
    add_recipient(f, client, BYTES("alice"));
    (void)ask(f, client, "DATA\r\n");
    assert_int_equal(send(client, text, IPC_CONTENT_BYTES_MAX + 3, MSG_NOSIGNAL),
                     IPC_CONTENT_BYTES_MAX + 3);
    answer_parcel(f, take_parcel(f, bytes_make(text, IPC_CONTENT_BYTES_MAX)), IPC_OK);
    ASSERT_BYTES(f->heard.got.deliver.content, bytes_make(text, IPC_CONTENT_BYTES_MAX));
    assert_non_null(strstr(hear(f, client), "250"));

    (void)ask(f, client, "MAIL FROM:<bob@example.org>\r\n");
    memcpy(text + IPC_CONTENT_BYTES_MAX - 2, "x\r\n.\r\n", 6);
    add_recipient(f, client, BYTES("alice"));
    (void)ask(f, client, "DATA\r\n");
    assert_int_equal(send(client, text, IPC_CONTENT_BYTES_MAX + 4, MSG_NOSIGNAL),
                     IPC_CONTENT_BYTES_MAX + 4);
    answer_parcel(f, take_parcel(f, bytes_make(text, IPC_CONTENT_BYTES_MAX + 1)), IPC_OK);
    ASSERT_BYTES(f->heard.got.deliver.content, BYTES(""));
    assert_non_null(strstr(hear(f, client), "250"));
    fd_close(&client);
}

/* What waits for a shard that does not read is not in memory once for each recipient. */
static void test_a_shard_that_hangs_is_sent_descriptors(void **state)
{
    enum { RECIPIENTS = 50, BYTES_EACH = 30000, QUEUE_MAX = 20 * BYTES_EACH };
    static char text[BYTES_EACH + 5];
    struct fixture *f = *state;
    int client = begin_mail(f);
    const int socket_bytes = 4 * BYTES_EACH;
    struct channel *channel = &role_peer_find(&f->role, IPC_ROLE_MAIL, 0)->channel;
    size_t inside = 0;
    char address[20];

    memset(text, 'x', sizeof(text));
    memcpy(text + BYTES_EACH - 2, "\r\n.\r\n", 5);
    channel->queue_bytes_max = QUEUE_MAX;
    assert_int_equal(
        setsockopt(channel->watch.fd, SOL_SOCKET, SO_SNDBUF, &socket_bytes, sizeof(socket_bytes)),
        0);
    for (int i = 0; i < RECIPIENTS; i++) {
        (void)snprintf(address, sizeof(address), "user%d", i);
        add_recipient(f, client, bytes_from_string(address));
    }
    (void)ask(f, client, "DATA\r\n");
    assert_int_equal(send(client, text, BYTES_EACH + 3, MSG_NOSIGNAL), BYTES_EACH + 3);
    fake_settle(f->loop);
    for (int i = 0; i < RECIPIENTS; i++) {
        answer_parcel(f, take_parcel(f, bytes_make(text, BYTES_EACH)), IPC_OK);
        inside += f->heard.got.deliver.content.len > 0;
    }
    assert_in_range(inside, 1, RECIPIENTS - 1);
    assert_non_null(strstr(hear(f, client), "250"));
    assert_null(strstr(f->text, "451"));
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
    for (int i = 0; i < RECIPIENTS; i++) {
        answer_parcel(f, take_parcel(f, BYTES(CONTENT)), IPC_OK);
        for (const char *at = hear(f, client); (at = strstr(at, "250 2")) != NULL; at++)
            good++;
    }
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
        GATE_TEST(test_mail_is_taken_when_the_shard_has_it),
        GATE_TEST(test_recipients_that_come_together),
        GATE_TEST(test_a_client_that_does_not_wait_for_its_recipients),
        GATE_TEST(test_who_was_named_lately),
        GATE_TEST(test_who_is_not_asked_for_again),
        GATE_TEST(test_what_is_down_is_a_451),
        GATE_TEST(test_a_large_message_is_spooled_and_gone),
        GATE_TEST(test_what_does_not_fit_into_a_packet_is_a_descriptor),
        GATE_TEST(test_a_shard_that_hangs_is_sent_descriptors),
        GATE_TEST(test_many_recipients_travel_side_by_side),
        GATE_TEST(test_a_client_that_goes_away_takes_its_parcels_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
