/* Recipients as a gate asks for them. */
#include "kit/auth_role.h"

static void say_recipient(struct auth_fixture *f, const char *address)
{
    struct ipc_message message = { IPC_RECIPIENT,
                                   { .recipient = { .request = ++f->request,
                                                    .service = IPC_SERVICE_LMTP,
                                                    .session = 6,
                                                    .address = bytes_from_string(address) } } };

    fake_say(f->gate, &message, -1);
}

static struct ipc_recipient_result *hear_recipient(struct auth_fixture *f, enum ipc_result result)
{
    struct ipc_recipient_result *answer =
        &auth_hear(f, f->gate, IPC_RECIPIENT_RESULT)->recipient_result;

    assert_int_equal(answer->result, result);
    assert_int_equal(answer->request, f->request);
    return answer;
}

static void test_recipients(void **state)
{
    static const char *const good[] = { "anna@example.org", "Anna+x@EXAMPLE.org", "anna" };
    static const char *const bad[] = { "anna@example.com", "nobody@example.org", "" };
    struct auth_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct ipc_recipient_result *result;

        say_recipient(f, good[i]);
        auth_shard_hears(f); /* and is not waited for */
        result = hear_recipient(f, IPC_OK);
        assert_memory_equal(result->ticket.raw, f->ticket.raw, IPC_TICKET_BYTES);
        ASSERT_BYTES(result->account, BYTES("anna"));
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        say_recipient(f, bad[i]);
        (void)hear_recipient(f, IPC_NOT_FOUND);
    }
    fd_close(&f->mail);
    fake_settle(f->loop);
    say_recipient(f, "anna");
    (void)hear_recipient(f, IPC_UNAVAILABLE);
}

/* The second time it is remembered; what was changed since is not believed. */
static void test_what_is_remembered(void **state)
{
    struct auth_fixture *f = *state;

    auth_add(f, "bert");
    for (int i = 0; i < 3; i++) {
        say_recipient(f, "anna@example.org");
        auth_shard_hears(f);
        (void)hear_recipient(f, IPC_OK);
    }
    fd_close(&f->mail);
    fake_settle(f->loop);
    say_recipient(f, "anna@example.org");
    (void)hear_recipient(f, IPC_UNAVAILABLE);
    auth_control_ask(f, IPC_ACCOUNT_REMOVE, "anna", "");
    (void)auth_control_hear(f, IPC_OK);
    say_recipient(f, "anna@example.org");
    (void)hear_recipient(f, IPC_NOT_FOUND);
}

/* Who has lost all accounts, or has none yet, does not say that somebody does not exist. */
static void test_nobody_at_all(void **state)
{
    struct auth_fixture *f = *state;

    say_recipient(f, "carol");
    (void)hear_recipient(f, IPC_NOT_FOUND);
    fd_close(&f->mail);
    fake_settle(f->loop);
    auth_control_ask(f, IPC_ACCOUNT_REMOVE, "anna", "");
    (void)auth_control_hear(f, IPC_OK);
    say_recipient(f, "carol");
    (void)hear_recipient(f, IPC_UNAVAILABLE);
}

/* A shard that has much to read is told in the way in which it answers. */
static void test_a_shard_that_is_slow(void **state)
{
    enum { REQUESTS_MAX = 10000 };
    struct auth_fixture *f = *state;
    struct ipc_message answer = { IPC_TICKET_ANSWER, { .answer = { .result = IPC_OK } } };
    size_t told = 0;
    struct channel_fds fds;
    size_t len;

    say_recipient(f, "anna"); /* from now on it is remembered */
    auth_shard_hears(f);
    (void)hear_recipient(f, IPC_OK);
    for (;; told++) {
        assert_in_range(told, 0, REQUESTS_MAX);
        say_recipient(f, "anna");
        fake_settle(f->loop);
        if (channel_receive_wait(f->gate, f->heard.packet, &len, &fds, 0) != ERR_OK)
            break;
    }
    for (size_t i = 0; i < told; i++) /* what the gate knows of is there already */
        assert_int_equal(channel_receive_wait(f->mail, f->heard.packet, &len, &fds, 0), ERR_OK);
    do {
        fake_hear(f->loop, f->mail, &f->heard); /* one was on its way when it was too much */
    } while (f->heard.got.type == IPC_DELIVERY_TICKET);
    assert_int_equal(f->heard.got.type, IPC_TICKET);
    fake_hear_nothing(f->loop, f->gate);
    answer.answer.request = f->heard.got.ticket_announce.request;
    fake_say(f->mail, &answer, -1);
    (void)hear_recipient(f, IPC_OK);
    say_recipient(f, "anna"); /* all is well again */
    auth_shard_hears(f);
    (void)hear_recipient(f, IPC_OK);
}

/* A gate that was broken into asks for what would let it log in without a password. */
static void test_no_ticket_for_a_login(void **state)
{
    static const uint8_t services[] = { 0, IPC_SERVICE_IMAP, IPC_SERVICE_POP3 };
    struct auth_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_COUNT(services); i++) {
        struct ipc_message message = { IPC_RECIPIENT,
                                       { .recipient = { .request = ++f->request,
                                                        .service = services[i],
                                                        .address = BYTES("anna") } } };

        fake_say(f->gate, &message, -1);
        (void)hear_recipient(f, IPC_DENIED);
        fake_hear_nothing(f->loop, f->mail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUTH_TEST(test_recipients),
        AUTH_TEST(test_what_is_remembered),
        AUTH_TEST(test_nobody_at_all),
        AUTH_TEST(test_a_shard_that_is_slow),
        AUTH_TEST(test_no_ticket_for_a_login),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
