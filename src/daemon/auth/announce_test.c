/* The shard hears of a login before the gate does, or nobody does. */
#include "kit/auth_role.h"

/* Success is not known to the gate before the shard has acknowledged. */
static void test_shard_comes_first(void **state)
{
    struct auth_fixture *f = *state;

    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    (void)auth_hear(f, f->mail, IPC_TICKET);
    fake_hear_nothing(f->loop, f->gate);
    fd_close(&f->mail); /* and then dies */
    (void)auth_hear_result(f, IPC_UNAVAILABLE);
    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    (void)auth_hear_result(f, IPC_UNAVAILABLE);
    f->mail = fake_join(f->supervisor, IPC_ROLE_MAIL, 0, 9);
    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    auth_shard_answers(f, IPC_SERVICE_IMAP, IPC_LIMIT);
    (void)auth_hear_result(f, IPC_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUTH_TEST(test_shard_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
