/* A start that must not be. */
#include "kit/auth_role.h"

static void test_start_refused(void **state)
{
    struct auth_fixture *f = *state;
    struct ipc_message directory = { .type = IPC_DIRECTORY };
    struct ipc_message text = { .type = IPC_CONFIG };
    struct ipc_message begin = { IPC_START, { .start = { IPC_ROLE_AUTH, 0, 1, 1, false } } };
    struct auth_state *second = auth_state_new();
    struct role role;
    int pair[2];

    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    role_init(&role, &auth_role_spec, second, f->loop, pair[0]);
    fake_say(pair[1], &directory, open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    fake_say(pair[1], &text, fake_memfd(bytes_from_string(auth_config)));
    fake_say(pair[1], &begin, -1);
    fake_settle(f->loop);
    assert_false(role.started);
    assert_int_equal(role.exit_code, ROLE_EXIT_REFUSED);
    auth_state_free(second);
    role_done(&role);
    fd_close(&pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUTH_TEST(test_start_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
