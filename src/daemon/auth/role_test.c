/* The auth process in the hands of a test that plays gate, shard and control. */
#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/auth/auth_role.h"
#include "kit/fake_peer.h"
#include "sys/clock.h"

static const char config_text[] =
    "data = /tmp/nowhere\nrun = /tmp/nowhere\ndomains = example.org\nauth.failure_delay = 0s\n"
    "auth.workers = 2\nmail.quota = 1M\n";

struct fixture {
    char directory[64];
    struct loop *loop;
    struct role role;
    struct auth_state *auth;
    int supervisor;
    int gate;
    int mail;
    int control;
    uint64_t request;
    struct fake_mail heard;
    struct ipc_ticket ticket;
};

static void start(struct fixture *f, const char *config)
{
    struct ipc_message directory = { .type = IPC_DIRECTORY };
    int pair[2];

    f->loop = loop_new();
    f->auth = auth_state_new();
    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    f->supervisor = pair[1];
    role_init(&f->role, &auth_role_spec, f->auth, f->loop, pair[0]);
    fake_say(f->supervisor, &directory, open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    fake_start(f->loop, f->supervisor, IPC_ROLE_AUTH, bytes_from_string(config));
    f->gate = fake_join(f->supervisor, IPC_ROLE_GATE, 3, 7);
    f->mail = fake_join(f->supervisor, IPC_ROLE_MAIL, 0, 9);
    f->control = fake_join(f->supervisor, IPC_ROLE_CONTROL, 0, 11);
    fake_settle(f->loop);
}

static void end(struct fixture *f)
{
    auth_state_free(f->auth);
    role_done(&f->role);
    fd_close(&f->supervisor);
    fd_close(&f->gate);
    fd_close(&f->mail);
    fd_close(&f->control);
    loop_free(f->loop);
}

static struct ipc_message *hear(struct fixture *f, int channel, enum ipc_type type)
{
    fake_hear(f->loop, channel, &f->heard);
    assert_int_equal(f->heard.got.type, type);
    assert_int_equal(f->heard.fd, -1);
    return &f->heard.got;
}

static void control_ask(struct fixture *f, enum ipc_type type, const char *name,
                        const char *password)
{
    struct ipc_message message = { type,
                                   { .account = { .request = ++f->request,
                                                  .name = bytes_from_string(name),
                                                  .password = bytes_from_string(password) } } };

    fake_say(f->control, &message, -1);
}

static struct ipc_account_answer *control_hear(struct fixture *f, enum ipc_result result)
{
    struct ipc_account_answer *answer = &hear(f, f->control, IPC_ACCOUNT_ANSWER)->account_answer;

    assert_int_equal(answer->result, result);
    assert_int_equal(answer->request, f->request);
    return answer;
}

static bool holds(struct bytes text, const char *part)
{
    struct bytes needle = bytes_from_string(part);

    return bytes_find(text, 0, needle) < text.len;
}

static void add(struct fixture *f, const char *name)
{
    struct ipc_account_answer *answer;

    control_ask(f, IPC_ACCOUNT_ADD, name, "pencil");
    answer = control_hear(f, IPC_OK);
    assert_true(holds(answer->text, name));
    assert_true(holds(answer->text, "\"scram\":true"));
    assert_false(holds(answer->text, "pencil"));
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->directory, sizeof(f->directory), "/tmp/roost-auth-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    start(f, config_text);
    add(f, "anna");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char path[96];

    end(f);
    (void)snprintf(path, sizeof(path), "%s/accounts.db", f->directory);
    (void)unlink(path);
    (void)rmdir(f->directory);
    free(f);
    return 0;
}

static struct ipc_message login(struct fixture *f, const char *mechanism, struct bytes initial)
{
    struct ipc_message message = { IPC_AUTH_START,
                                   { .auth_start = { .request = ++f->request,
                                                     .service = IPC_SERVICE_IMAP,
                                                     .client = { .session = 5,
                                                                 .address = BYTES("192.0.2.1:4711"),
                                                                 .tls = true },
                                                     .mechanism = bytes_from_string(mechanism),
                                                     .has_initial = initial.at != NULL,
                                                     .initial = initial } } };

    return message;
}

static void say_login(struct fixture *f, const char *mechanism, struct bytes initial)
{
    struct ipc_message message = login(f, mechanism, initial);

    fake_say(f->gate, &message, -1);
}

static struct ipc_auth_result *hear_result(struct fixture *f, enum ipc_result result)
{
    struct ipc_auth_result *answer = &hear(f, f->gate, IPC_AUTH_RESULT)->auth_result;

    assert_int_equal(answer->result, result);
    assert_int_equal(answer->request, f->request);
    return answer;
}

/* The shard hears of a ticket and answers. */
static void shard_answers(struct fixture *f, uint8_t service, enum ipc_result result)
{
    struct ipc_ticket_announce *ticket = &hear(f, f->mail, IPC_TICKET)->ticket_announce;
    struct ipc_message answer = { IPC_TICKET_ANSWER,
                                  { .answer = { ticket->request, (uint8_t)result } } };

    assert_int_equal(ticket->gate, 3);
    assert_int_equal(ticket->gate_incarnation, 7);
    assert_int_equal(ticket->mail_incarnation, 9);
    assert_int_equal(ticket->service, service);
    assert_int_equal(ticket->quota_bytes, 1024 * 1024);
    ASSERT_BYTES(ticket->account, BYTES("anna"));
    f->ticket = ticket->ticket;
    fake_say(f->mail, &answer, -1);
}

static void test_login(void **state)
{
    struct fixture *f = *state;
    struct ipc_ticket first;

    for (int round = 0; round < 2; round++) {
        struct ipc_auth_result *result;

        first = f->ticket;
        say_login(f, "PLAIN", BYTES("\0Anna\0pencil"));
        shard_answers(f, IPC_SERVICE_IMAP, IPC_OK);
        result = hear_result(f, IPC_OK);
        assert_memory_equal(result->ticket.raw, f->ticket.raw, IPC_TICKET_BYTES);
        assert_int_equal(result->shard, 0);
        ASSERT_BYTES(result->account, BYTES("anna"));
        assert_int_equal(result->final_data.len, 0);
    }
    assert_memory_not_equal(first.raw, f->ticket.raw, IPC_TICKET_BYTES);
}

/* Success is not known to the gate before the shard has acknowledged. */
static void test_shard_comes_first(void **state)
{
    struct fixture *f = *state;

    say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    (void)hear(f, f->mail, IPC_TICKET);
    fake_hear_nothing(f->loop, f->gate);
    fd_close(&f->mail); /* and then dies */
    (void)hear_result(f, IPC_UNAVAILABLE);
    say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    (void)hear_result(f, IPC_UNAVAILABLE);
    f->mail = fake_join(f->supervisor, IPC_ROLE_MAIL, 0, 9);
    say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    shard_answers(f, IPC_SERVICE_IMAP, IPC_LIMIT);
    (void)hear_result(f, IPC_UNAVAILABLE);
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    struct ipc_message message;

    say_login(f, "PLAIN", BYTES("\0anna\0wrong"));
    (void)hear_result(f, IPC_DENIED);
    say_login(f, "PLAIN", BYTES("\0nobody\0pencil"));
    (void)hear_result(f, IPC_DENIED);
    say_login(f, "PLAIN", BYTES("nonsense"));
    (void)hear_result(f, IPC_INVALID);
    say_login(f, "CRAM-MD5", (struct bytes){ NULL, 0 });
    (void)hear_result(f, IPC_UNSUPPORTED);
    message = login(f, "PLAIN", BYTES("\0anna\0pencil"));
    message.auth_start.client.tls = false;
    fake_say(f->gate, &message, -1);
    (void)hear_result(f, IPC_UNSUPPORTED);
    message =
        (struct ipc_message){ IPC_AUTH_CONTINUE, { .auth_data = { .request = ++f->request } } };
    fake_say(f->gate, &message, -1);
    (void)hear_result(f, IPC_UNAVAILABLE);
    fake_hear_nothing(f->loop, f->mail);
}

static int client_answers(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
    (void)library;
    if (property == GSASL_AUTHID)
        return gsasl_property_set(session, property, "anna");
    if (property == GSASL_PASSWORD)
        return gsasl_property_set(session, property, "pencil");
    return GSASL_NO_CALLBACK;
}

static void test_scram_in_steps(void **state)
{
    struct fixture *f = *state;
    struct bytes challenge = { NULL, 0 };
    Gsasl *library = NULL;
    Gsasl_session *session = NULL;

    assert_int_equal(gsasl_init(&library), GSASL_OK);
    gsasl_callback_set(library, client_answers);
    assert_int_equal(gsasl_client_start(library, "SCRAM-SHA-256", &session), GSASL_OK);
    say_login(f, "SCRAM-SHA-256", (struct bytes){ NULL, 0 });
    challenge = hear(f, f->gate, IPC_AUTH_CHALLENGE)->auth_data.data;
    for (int step = 0; step < 3; step++) {
        struct ipc_message message = { IPC_AUTH_CONTINUE, { .auth_data = { f->request } } };
        char *out = NULL;
        size_t out_len = 0;

        assert_true(gsasl_step(session, (const char *)challenge.at, challenge.len, &out,
                               &out_len) <= GSASL_NEEDS_MORE);
        message.auth_data.data = bytes_make(out, out_len);
        fake_say(f->gate, &message, -1);
        free(out);
        if (step < 2)
            challenge = hear(f, f->gate, IPC_AUTH_CHALLENGE)->auth_data.data;
    }
    shard_answers(f, IPC_SERVICE_IMAP, IPC_OK);
    (void)hear_result(f, IPC_OK);
    gsasl_finish(session);
    gsasl_done(library);
}

static void test_cancel_and_a_new_gate(void **state)
{
    struct fixture *f = *state;
    struct ipc_message cancel = { .type = IPC_AUTH_CANCEL };

    say_login(f, "PLAIN", (struct bytes){ NULL, 0 });
    (void)hear(f, f->gate, IPC_AUTH_CHALLENGE);
    cancel.request.request = f->request;
    fake_say(f->gate, &cancel, -1);
    fake_say(f->gate, &cancel, -1);
    fake_hear_nothing(f->loop, f->gate);
    say_login(f, "PLAIN", BYTES("\0anna\0pencil")); /* while it is on a worker */
    cancel.request.request = f->request;
    fake_say(f->gate, &cancel, -1);
    fake_settle(f->loop);
    say_login(f, "PLAIN", (struct bytes){ NULL, 0 });
    (void)hear(f, f->gate, IPC_AUTH_CHALLENGE);
    fd_close(&f->gate);
    f->gate = fake_join(f->supervisor, IPC_ROLE_GATE, 3, 8);
    fake_settle(f->loop);
    f->request--; /* numbers start again at a gate's restart */
    say_login(f, "PLAIN", (struct bytes){ NULL, 0 });
    (void)hear(f, f->gate, IPC_AUTH_CHALLENGE);
    say_login(f, "PLAIN", BYTES("\0anna\0wrong"));
    (void)hear_result(f, IPC_DENIED);
}

static void test_same_number_twice(void **state)
{
    struct fixture *f = *state;

    say_login(f, "PLAIN", (struct bytes){ NULL, 0 });
    (void)hear(f, f->gate, IPC_AUTH_CHALLENGE);
    f->request--;
    say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    (void)hear_result(f, IPC_INVALID);
}

static void test_failures_wait(void **state)
{
    struct fixture *f = *state;
    struct mono begun;

    end(f);
    start(f, "data = /tmp/nowhere\nrun = /tmp/nowhere\nauth.failure_delay = 300ms\n");
    begun = clock_mono();
    say_login(f, "PLAIN", BYTES("\0anna\0wrong"));
    (void)hear_result(f, IPC_DENIED);
    assert_true(clock_mono().ms - begun.ms >= 300);
    say_login(f, "PLAIN", BYTES("\0anna\0wronger"));
    fake_settle(f->loop);
    f->request++;
    {
        struct ipc_message message = login(f, "PLAIN", BYTES("\0anna\0wrongest"));
        struct ipc_message other = login(f, "PLAIN", BYTES("\0bert\0wrong"));

        fake_say(f->gate, &message, -1);
        other.auth_start.client.address = BYTES("198.51.100.1:1");
        fake_say(f->gate, &other, -1); /* is not held up by the others */
    }
    assert_int_equal(hear(f, f->gate, IPC_AUTH_RESULT)->auth_result.request, f->request);
}

static void say_recipient(struct fixture *f, const char *address)
{
    struct ipc_message message = { IPC_RECIPIENT,
                                   { .recipient = { .request = ++f->request,
                                                    .service = IPC_SERVICE_LMTP,
                                                    .session = 6,
                                                    .address = bytes_from_string(address) } } };

    fake_say(f->gate, &message, -1);
}

static struct ipc_recipient_result *hear_recipient(struct fixture *f, enum ipc_result result)
{
    struct ipc_recipient_result *answer = &hear(f, f->gate, IPC_RECIPIENT_RESULT)->recipient_result;

    assert_int_equal(answer->result, result);
    assert_int_equal(answer->request, f->request);
    return answer;
}

static void test_recipients(void **state)
{
    static const char *const good[] = { "anna@example.org", "Anna+x@EXAMPLE.org", "anna" };
    static const char *const bad[] = { "anna@example.com", "nobody@example.org", "" };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct ipc_recipient_result *result;

        say_recipient(f, good[i]);
        shard_answers(f, IPC_SERVICE_LMTP, IPC_OK);
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

static void test_accounts(void **state)
{
    struct fixture *f = *state;
    struct ipc_account_answer *answer;

    control_ask(f, IPC_ACCOUNT_ADD, "Anna", "x");
    answer = control_hear(f, IPC_EXISTS);
    ASSERT_BYTES(answer->text, BYTES("there is an account Anna already"));
    control_ask(f, IPC_ACCOUNT_ADD, "a/b", "x");
    assert_true(holds(control_hear(f, IPC_INVALID)->text, "'/'"));
    control_ask(f, IPC_ACCOUNT_ADD, "bert", "");
    assert_true(holds(control_hear(f, IPC_INVALID)->text, "password is empty"));
    control_ask(f, IPC_ACCOUNT_SHOW, "ANNA", "");
    answer = control_hear(f, IPC_OK);
    assert_true(holds(answer->text, "\"name\":\"anna\""));
    assert_true(holds(answer->text, "\"shard\":0"));
    control_ask(f, IPC_ACCOUNT_SHOW, "bert", "");
    assert_true(holds(control_hear(f, IPC_NOT_FOUND)->text, "bert"));
    control_ask(f, IPC_ACCOUNT_PASSWORD, "bert", "x");
    (void)control_hear(f, IPC_NOT_FOUND);
    control_ask(f, IPC_ACCOUNT_REMOVE, "bert", "");
    (void)control_hear(f, IPC_NOT_FOUND);
    fake_hear_nothing(f->loop, f->mail);
}

/* More than fit into one answer. */
static void test_list(void **state)
{
    struct fixture *f = *state;
    struct ipc_message list = { .type = IPC_ACCOUNT_LIST };
    size_t seen = 0;
    bool more = true;

    for (int i = 0; i < 32; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "user%02d", i);
        control_ask(f, IPC_ACCOUNT_ADD, name, "x");
    }
    for (int i = 0; i < 32; i++)
        assert_int_equal(hear(f, f->control, IPC_ACCOUNT_ANSWER)->account_answer.result, IPC_OK);
    list.request.request = ++f->request;
    fake_say(f->control, &list, -1);
    for (int part = 0; more; part++) {
        struct ipc_account_answer *answer = control_hear(f, IPC_OK);

        more = answer->more;
        for (size_t at = 0; at < answer->text.len; at += 6) {
            at = bytes_find(answer->text, at, BYTES("\"id\":"));
            seen += at < answer->text.len;
        }
        assert_true(part < 3);
    }
    assert_int_equal(seen, 33);
}

static void test_password_change(void **state)
{
    struct fixture *f = *state;

    say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    shard_answers(f, IPC_SERVICE_IMAP, IPC_OK);
    (void)hear_result(f, IPC_OK);
    control_ask(f, IPC_ACCOUNT_PASSWORD, "anna", "crayon");
    (void)control_hear(f, IPC_OK);
    (void)hear(f, f->mail, IPC_ACCOUNT_LOGOUT);
    say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    (void)hear_result(f, IPC_DENIED);
    say_login(f, "PLAIN", BYTES("\0anna\0crayon"));
    shard_answers(f, IPC_SERVICE_IMAP, IPC_OK);
    (void)hear_result(f, IPC_OK);
}

static void shard_drops(struct fixture *f, struct ipc_account_id *out_id, enum ipc_result result)
{
    struct ipc_account_drop *drop = &hear(f, f->mail, IPC_ACCOUNT_DROP)->account_drop;
    struct ipc_message answer = { IPC_ACCOUNT_DROP_ANSWER,
                                  { .answer = { drop->request, (uint8_t)result } } };

    *out_id = drop->account_id;
    fake_say(f->mail, &answer, -1);
}

static void test_removal(void **state)
{
    struct fixture *f = *state;
    struct ipc_account_id id;
    struct ipc_account_id again;

    control_ask(f, IPC_ACCOUNT_REMOVE, "anna", "");
    shard_drops(f, &id, IPC_UNAVAILABLE); /* it could not: must be asked again */
    (void)control_hear(f, IPC_OK);
    say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    (void)hear_result(f, IPC_DENIED);
    shard_drops(f, &again, IPC_OK);
    assert_memory_equal(id.raw, again.raw, IPC_ACCOUNT_ID_BYTES);
    fake_settle(f->loop);
    end(f);
    start(f, config_text);
    fake_hear_nothing(f->loop, f->mail);
}

/* The shard was away: it hears of it when it comes, even from the next auth process. */
static void test_removal_without_shard(void **state)
{
    struct fixture *f = *state;
    struct ipc_account_id id;

    fd_close(&f->mail);
    fake_settle(f->loop);
    control_ask(f, IPC_ACCOUNT_REMOVE, "anna", "");
    (void)control_hear(f, IPC_OK);
    end(f);
    start(f, config_text);
    shard_drops(f, &id, IPC_OK);
    fake_settle(f->loop);
}

static void test_start_refused(void **state)
{
    struct fixture *f = *state;
    struct ipc_message directory = { .type = IPC_DIRECTORY };
    struct ipc_message text = { .type = IPC_CONFIG };
    struct ipc_message begin = { IPC_START, { .start = { IPC_ROLE_AUTH, 0, 1, 1, false } } };
    struct auth_state *second = auth_state_new();
    struct role role;
    int pair[2];

    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    role_init(&role, &auth_role_spec, second, f->loop, pair[0]);
    fake_say(pair[1], &directory, open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    fake_say(pair[1], &text, fake_memfd(bytes_from_string(config_text)));
    fake_say(pair[1], &begin, -1);
    fake_settle(f->loop);
    assert_false(role.started);
    assert_int_equal(role.exit_code, ROLE_EXIT_REFUSED);
    auth_state_free(second);
    role_done(&role);
    fd_close(&pair[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_login),
        TEST(test_shard_comes_first),
        TEST(test_refusals),
        TEST(test_scram_in_steps),
        TEST(test_cancel_and_a_new_gate),
        TEST(test_same_number_twice),
        TEST(test_failures_wait),
        TEST(test_recipients),
        TEST(test_accounts),
        TEST(test_list),
        TEST(test_password_change),
        TEST(test_removal),
        TEST(test_removal_without_shard),
        TEST(test_start_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
