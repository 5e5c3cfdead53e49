/* The mail of removed accounts, across trouble of shard and auth. */
#include "kit/auth_role.h"

static void shard_drops(struct auth_fixture *f, struct ipc_account_id *out_id,
                        enum ipc_result result)
{
    struct ipc_account_drop *drop = &auth_hear(f, f->mail, IPC_ACCOUNT_DROP)->account_drop;
    struct ipc_message answer = { IPC_ACCOUNT_DROP_ANSWER,
                                  { .answer = { drop->request, (uint8_t)result } } };

    *out_id = drop->account_id;
    fake_say(f->mail, &answer, -1);
}

static void test_removal(void **state)
{
    struct auth_fixture *f = *state;
    struct ipc_account_id id;
    struct ipc_account_id again;

    auth_control_ask(f, IPC_ACCOUNT_REMOVE, "anna", "");
    shard_drops(f, &id, IPC_UNAVAILABLE); /* it could not: must be asked again */
    (void)auth_control_hear(f, IPC_OK);
    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    (void)auth_hear_result(f, IPC_DENIED);
    shard_drops(f, &again, IPC_OK);
    assert_memory_equal(id.raw, again.raw, IPC_ACCOUNT_ID_BYTES);
    fake_settle(f->loop);
    auth_end(f);
    auth_start(f, auth_config);
    fake_hear_nothing(f->loop, f->mail);
}

/* The shard was away: it hears of it when it comes, even from the next auth process. */
static void test_removal_without_shard(void **state)
{
    struct auth_fixture *f = *state;
    struct ipc_account_id id;

    fd_close(&f->mail);
    fake_settle(f->loop);
    auth_control_ask(f, IPC_ACCOUNT_REMOVE, "anna", "");
    (void)auth_control_hear(f, IPC_OK);
    auth_end(f);
    auth_start(f, auth_config);
    shard_drops(f, &id, IPC_OK);
    fake_settle(f->loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUTH_TEST(test_removal),
        AUTH_TEST(test_removal_without_shard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
