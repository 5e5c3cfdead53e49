/* Accounts as control manages them. */
#include <unistd.h>

#include "auth/accounts_copy.h"
#include "kit/auth_role.h"

static void test_accounts(void **state)
{
    struct auth_fixture *f = *state;
    struct ipc_account_answer *answer;

    auth_control_ask(f, IPC_ACCOUNT_ADD, "Anna", "x");
    answer = auth_control_hear(f, IPC_EXISTS);
    ASSERT_BYTES(answer->text, BYTES("there is an account Anna already"));
    auth_control_ask(f, IPC_ACCOUNT_ADD, "a/b", "x");
    assert_true(auth_text_holds(auth_control_hear(f, IPC_INVALID)->text, "'/'"));
    auth_control_ask(f, IPC_ACCOUNT_ADD, "bert", "");
    assert_true(auth_text_holds(auth_control_hear(f, IPC_INVALID)->text, "password is empty"));
    auth_control_ask(f, IPC_ACCOUNT_SHOW, "ANNA", "");
    answer = auth_control_hear(f, IPC_OK);
    assert_true(auth_text_holds(answer->text, "\"name\":\"anna\""));
    assert_true(auth_text_holds(answer->text, "\"shard\":0"));
    auth_control_ask(f, IPC_ACCOUNT_SHOW, "bert", "");
    assert_true(auth_text_holds(auth_control_hear(f, IPC_NOT_FOUND)->text, "bert"));
    auth_control_ask(f, IPC_ACCOUNT_PASSWORD, "bert", "x");
    (void)auth_control_hear(f, IPC_NOT_FOUND);
    auth_control_ask(f, IPC_ACCOUNT_REMOVE, "bert", "");
    (void)auth_control_hear(f, IPC_NOT_FOUND);
    fake_hear_nothing(f->loop, f->mail);
}

/* More than fit into one answer. */
static void test_list(void **state)
{
    struct auth_fixture *f = *state;
    struct ipc_message list = { .type = IPC_ACCOUNT_LIST };
    size_t seen = 0;
    bool more = true;

    for (int i = 0; i < 32; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "user%02d", i);
        auth_control_ask(f, IPC_ACCOUNT_ADD, name, "x");
    }
    for (int i = 0; i < 32; i++)
        assert_int_equal(auth_hear(f, f->control, IPC_ACCOUNT_ANSWER)->account_answer.result,
                         IPC_OK);
    list.request.request = ++f->request;
    fake_say(f->control, &list, -1);
    for (int part = 0; more; part++) {
        struct ipc_account_answer *answer = auth_control_hear(f, IPC_OK);

        more = answer->more;
        for (size_t at = 0; at < answer->text.len; at += 6) {
            at = bytes_find(answer->text, at, BYTES("\"id\":"));
            seen += at < answer->text.len;
        }
        assert_true(part < 3);
    }
    assert_int_equal(seen, 33);
}

static void test_copy(void **state)
{
    struct auth_fixture *f = *state;
    struct ipc_message copy = { .type = IPC_ACCOUNT_COPY };
    char names[2][ACCOUNTS_COPY_NAME_BYTES] = { "" };
    char path[128];

    for (int i = 0; i < 2; i++) { /* each is a file of its own */
        const char *said;

        copy.request.request = ++f->request;
        fake_say(f->control, &copy, -1);
        said = (const char *)auth_control_hear(f, IPC_OK)->text.at;
        said = strstr(said, ACCOUNTS_COPY_PREFIX);
        assert_non_null(said);
        memcpy(names[i], said, ACCOUNTS_COPY_NAME_BYTES - 1);
        assert_true(accounts_copy_is_name(names[i]));
    }
    assert_string_not_equal(names[0], names[1]);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->directory, names[i]);
        assert_int_equal(unlink(path), 0);
    }
}

static void test_password_change(void **state)
{
    struct auth_fixture *f = *state;

    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    auth_shard_answers(f, IPC_SERVICE_IMAP, IPC_OK);
    (void)auth_hear_result(f, IPC_OK);
    auth_control_ask(f, IPC_ACCOUNT_PASSWORD, "anna", "crayon");
    (void)auth_control_hear(f, IPC_OK);
    (void)auth_hear(f, f->mail, IPC_ACCOUNT_LOGOUT);
    auth_say_login(f, "PLAIN", BYTES("\0anna\0pencil"));
    (void)auth_hear_result(f, IPC_DENIED);
    auth_say_login(f, "PLAIN", BYTES("\0anna\0crayon"));
    auth_shard_answers(f, IPC_SERVICE_IMAP, IPC_OK);
    (void)auth_hear_result(f, IPC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AUTH_TEST(test_accounts),
        AUTH_TEST(test_list),
        AUTH_TEST(test_copy),
        AUTH_TEST(test_password_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
