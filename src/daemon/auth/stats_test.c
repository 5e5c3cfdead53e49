/* Logins counted: by mechanism, by result, and those whose client did not wait for a refusal. */
#include "daemon/auth/stats.h"

#include "daemon/auth/state.h"
#include "kit/auth_role.h"

static struct bytes ask_stats(struct auth_fixture *f)
{
    struct ipc_message ask = { IPC_STATS, { .request = { 4711 } } };

    fake_say(f->control, &ask, -1);
    return auth_hear(f, f->control, IPC_STATS_ANSWER)->text_answer.text;
}

static void test_logins(void **state)
{
    struct auth_fixture *f = *state;

    assert_true(auth_text_holds(ask_stats(f), "\"PLAIN\":{\"ok\":0},"));
    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    auth_shard_answers(f, IPC_SERVICE_IMAP, IPC_OK);
    (void)auth_hear_result(f, IPC_OK);
    auth_say_login(f, "PLAIN", BYTES("\0anna\0wrong"));
    (void)auth_hear_result(f, IPC_DENIED);
    assert_true(auth_text_holds(ask_stats(f), "\"PLAIN\":{\"ok\":1,\"denied\":1},"));
}

static void test_who_hangs_up_is_counted(void **state)
{
    struct auth_fixture *f = *state;
    struct ipc_message cancel = { .type = IPC_AUTH_CANCEL };

    auth_say_login(f, "PLAIN", BYTES("\0anna\0wrong"));
    fake_settle(f->loop);
    cancel.request.request = f->request;
    fake_say(f->gate, &cancel, -1);
    for (int i = 0; i < FAKE_WAIT_TURNS && f->auth->logins[0][IPC_DENIED] == 0; i++)
        loop_turn(f->loop, true);
    assert_int_equal(f->auth->logins[0][IPC_DENIED], 1);
}

static void test_mechanisms(void **state)
{
    (void)state;
    assert_int_equal(auth_stats_mechanism(BYTES("PLAIN")), 0);
    assert_int_equal(auth_stats_mechanism(BYTES("SCRAM-SHA-256-PLUS")), 3);
    assert_int_equal(auth_stats_mechanism(BYTES("SCRAM-SHA-256-PLU")), AUTH_MECHANISMS - 1);
    assert_int_equal(auth_stats_mechanism(BYTES("")), AUTH_MECHANISMS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUTH_TEST(test_logins),
        AUTH_TEST(test_who_hangs_up_is_counted),
        cmocka_unit_test(test_mechanisms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
