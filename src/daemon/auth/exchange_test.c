/* Logins as a gate sees them: success, refusals, steps, giving up, delays. */
#include <gsasl.h>

#include "kit/auth_role.h"
#include "sys/clock.h"

static void test_login(void **state)
{
    struct auth_fixture *f = *state;
    struct ipc_ticket first;

    for (int round = 0; round < 2; round++) {
        struct ipc_auth_result *result;

        first = f->ticket;
        auth_say_login(f, "PLAIN", BYTES("\0Anna\0pencil"));
        auth_shard_answers(f, IPC_SERVICE_IMAP, IPC_OK);
        result = auth_hear_result(f, IPC_OK);
        assert_memory_equal(result->ticket.raw, f->ticket.raw, IPC_TICKET_BYTES);
        assert_int_equal(result->shard, 0);
        ASSERT_BYTES(result->account, BYTES("anna"));
        assert_int_equal(result->final_data.len, 0);
    }
    assert_memory_not_equal(first.raw, f->ticket.raw, IPC_TICKET_BYTES);
}

static void test_refusals(void **state)
{
    struct auth_fixture *f = *state;
    struct ipc_message message;

    auth_say_login(f, "PLAIN", BYTES("\0anna\0wrong"));
    (void)auth_hear_result(f, IPC_DENIED);
    auth_say_login(f, "PLAIN", BYTES("\0nobody\0pencil"));
    (void)auth_hear_result(f, IPC_DENIED);
    auth_say_login(f, "PLAIN", BYTES("nonsense"));
    (void)auth_hear_result(f, IPC_INVALID);
    message = auth_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    message.auth_start.service = IPC_SERVICE_LMTP;
    fake_say(f->gate, &message, -1);
    (void)auth_hear_result(f, IPC_DENIED);
    auth_say_login(f, "CRAM-MD5", (struct bytes){ NULL, 0 });
    (void)auth_hear_result(f, IPC_UNSUPPORTED);
    message = auth_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    message.auth_start.client.tls = false;
    fake_say(f->gate, &message, -1);
    (void)auth_hear_result(f, IPC_UNSUPPORTED);
    message =
        (struct ipc_message){ IPC_AUTH_CONTINUE, { .auth_data = { .request = ++f->request } } };
    fake_say(f->gate, &message, -1);
    (void)auth_hear_result(f, IPC_UNAVAILABLE);
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
    struct auth_fixture *f = *state;
    struct bytes challenge = { NULL, 0 };
    Gsasl *library = NULL;
    Gsasl_session *session = NULL;

    assert_int_equal(gsasl_init(&library), GSASL_OK);
    gsasl_callback_set(library, client_answers);
    assert_int_equal(gsasl_client_start(library, "SCRAM-SHA-256", &session), GSASL_OK);
    auth_say_login(f, "SCRAM-SHA-256", (struct bytes){ NULL, 0 });
    challenge = auth_hear(f, f->gate, IPC_AUTH_CHALLENGE)->auth_data.data;
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
            challenge = auth_hear(f, f->gate, IPC_AUTH_CHALLENGE)->auth_data.data;
    }
    auth_shard_answers(f, IPC_SERVICE_IMAP, IPC_OK);
    (void)auth_hear_result(f, IPC_OK);
    gsasl_finish(session);
    gsasl_done(library);
}

static void test_cancel_and_a_new_gate(void **state)
{
    struct auth_fixture *f = *state;
    struct ipc_message cancel = { .type = IPC_AUTH_CANCEL };

    auth_say_login(f, "PLAIN", (struct bytes){ NULL, 0 });
    (void)auth_hear(f, f->gate, IPC_AUTH_CHALLENGE);
    cancel.request.request = f->request;
    fake_say(f->gate, &cancel, -1);
    fake_say(f->gate, &cancel, -1);
    fake_hear_nothing(f->loop, f->gate);
    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil")); /* while it is on a worker */
    cancel.request.request = f->request;
    fake_say(f->gate, &cancel, -1);
    fake_settle(f->loop);
    auth_say_login(f, "PLAIN", (struct bytes){ NULL, 0 });
    (void)auth_hear(f, f->gate, IPC_AUTH_CHALLENGE);
    fd_close(&f->gate);
    f->gate = fake_join(f->supervisor, IPC_ROLE_GATE, 3, 8);
    fake_settle(f->loop);
    f->request--; /* numbers start again at a gate's restart */
    auth_say_login(f, "PLAIN", (struct bytes){ NULL, 0 });
    (void)auth_hear(f, f->gate, IPC_AUTH_CHALLENGE);
    auth_say_login(f, "PLAIN", BYTES("\0anna\0wrong"));
    (void)auth_hear_result(f, IPC_DENIED);
}

static void test_same_number_twice(void **state)
{
    struct auth_fixture *f = *state;

    auth_say_login(f, "PLAIN", (struct bytes){ NULL, 0 });
    (void)auth_hear(f, f->gate, IPC_AUTH_CHALLENGE);
    f->request--;
    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    (void)auth_hear_result(f, IPC_INVALID);
}

static void test_failures_wait(void **state)
{
    struct auth_fixture *f = *state;
    struct mono begun;

    auth_end(f);
    auth_start(f, "data = /tmp/nowhere\nrun = /tmp/nowhere\nauth.failure_delay = 300ms\n");
    begun = clock_mono();
    auth_say_login(f, "PLAIN", BYTES("\0anna\0wrong"));
    (void)auth_hear_result(f, IPC_DENIED);
    assert_true(clock_mono().ms - begun.ms >= 300);
    auth_say_login(f, "PLAIN", BYTES("\0anna\0wronger"));
    fake_settle(f->loop);
    f->request++;
    {
        struct ipc_message message = auth_login(f, "PLAIN", BYTES("\0anna\0wrongest"));
        struct ipc_message other = auth_login(f, "PLAIN", BYTES("\0bert\0wrong"));

        fake_say(f->gate, &message, -1);
        other.auth_start.client.address = BYTES("198.51.100.1:1");
        fake_say(f->gate, &other, -1); /* is not held up by the others */
    }
    assert_int_equal(auth_hear(f, f->gate, IPC_AUTH_RESULT)->auth_result.request, f->request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUTH_TEST(test_login),
        AUTH_TEST(test_refusals),
        AUTH_TEST(test_scram_in_steps),
        AUTH_TEST(test_cancel_and_a_new_gate),
        AUTH_TEST(test_same_number_twice),
        AUTH_TEST(test_failures_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
