/* Lines of the control socket: what is asked, what is wrong, how answers look. */
#include "daemon/control/request.h"

#include "kit/assert_bytes.h"

static void test_questions(void **state)
{
    static const struct {
        struct bytes line;
        enum ipc_type type; /* 0: refused */
        enum ipc_role whom;
    } cases[] = {
        { BYTES("{\"verb\":\"account.add\",\"name\":\"ann\",\"password\":\"s\"}"), IPC_ACCOUNT_ADD,
          IPC_ROLE_AUTH },
        { BYTES("{\"verb\":\"account.password\",\"name\":\"ann\",\"password\":\"\"}"),
          IPC_ACCOUNT_PASSWORD, IPC_ROLE_AUTH },
        { BYTES("{\"name\":\"ann\",\"verb\":\"account.show\",\"later\":[1]}"), IPC_ACCOUNT_SHOW,
          IPC_ROLE_AUTH },
        { BYTES("{\"verb\":\"account.remove\",\"name\":\"ann\"}"), IPC_ACCOUNT_REMOVE,
          IPC_ROLE_AUTH },
        { BYTES(" {\"verb\":\"account.list\"}\r"), IPC_ACCOUNT_LIST, IPC_ROLE_AUTH },
        { BYTES("{\"verb\":\"account.copy\"}"), IPC_ACCOUNT_COPY, IPC_ROLE_AUTH },
        { BYTES("{\"verb\":\"status\"}"), IPC_STATUS, IPC_ROLE_SUPERVISOR },
        { BYTES("{\"verb\":\"reload\"}"), IPC_RELOAD, IPC_ROLE_SUPERVISOR },
        { BYTES("{\"verb\":\"stats\"}"), IPC_STATS, IPC_ROLE_MAIL },
        { BYTES("{\"verb\":\"maintain\",\"name\":\"ann\",\"act\":\"verify\"}"), IPC_ACCOUNT_SHOW,
          IPC_ROLE_AUTH },
        { BYTES("{\"verb\":\"maintain\",\"name\":\"ann\",\"act\":\"x\",\"arguments\":{}}"),
          IPC_ACCOUNT_SHOW, IPC_ROLE_AUTH },
        { BYTES("{\"verb\":\"maintain\",\"name\":\"ann\"}"), 0, 0 },
        { BYTES("{\"verb\":\"maintain\",\"name\":\"ann\",\"act\":1}"), 0, 0 },
        { BYTES("{\"verb\":\"maintain\",\"act\":\"verify\"}"), 0, 0 },
        { BYTES("{\"verb\":\"maintain\",\"name\":\"ann\",\"act\":\"x\",\"arguments\":[]}"), 0, 0 },
        { BYTES(""), 0, 0 },
        { BYTES("status"), 0, 0 },
        { BYTES("[]"), 0, 0 },
        { BYTES("{}"), 0, 0 },
        { BYTES("{\"verb\":7}"), 0, 0 },
        { BYTES("{\"verb\":\"account.eat\"}"), 0, 0 },
        { BYTES("{\"verb\":\"account.show\"}"), 0, 0 },
        { BYTES("{\"verb\":\"account.show\",\"name\":7}"), 0, 0 },
        { BYTES("{\"verb\":\"account.add\",\"name\":\"ann\"}"), 0, 0 },
        { BYTES("{\"verb\":\"status\",\"verb\":\"reload\"}"), 0, 0 },
        { BYTES("{\"verb\":\"status\"} {}"), 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct control_request request = { .json = NULL };
        const char *complaint = NULL;

        assert_int_equal(control_request_parse(cases[i].line, &request, &complaint),
                         cases[i].type != 0);
        assert_int_equal(complaint == NULL, cases[i].type != 0);
        assert_int_equal(request.message.type, cases[i].type);
        if (cases[i].type != 0)
            assert_int_equal(request.whom, cases[i].whom);
        control_request_done(&request);
    }
}

static void test_texts_are_passed_on(void **state)
{
    struct control_request request;
    const char *complaint;

    (void)state;
    assert_true(control_request_parse(
        BYTES("{\"verb\":\"account.add\",\"name\":\"\xc3\xa4nn\",\"password\":\"a\\\"b\\u0000c\"}"),
        &request, &complaint));
    ASSERT_BYTES(request.message.account.name, BYTES("\xc3\xa4nn"));
    ASSERT_BYTES(request.message.account.password, BYTES("a\"b\0c"));
    control_request_done(&request);
}

/* What auth says of an account decides who is asked. */
static void test_an_account_becomes_a_shard(void **state)
{
#define ID "\"id\":\"0123456789abcdef0123456789abcdef\""
    static const struct {
        struct bytes account;
        bool good;
        unsigned shard;
        uint64_t quota;
    } cases[] = {
        { BYTES("{" ID ",\"shard\":3,\"quota_bytes\":77}"), true, 3, 77 },
        { BYTES("{" ID ",\"shard\":0,\"quota_bytes\":0}"), true, 0, 500 },
        { BYTES("{" ID ",\"shard\":65535}"), true, 65535, 500 },
        { BYTES("{" ID ",\"shard\":65536}"), false, 0, 0 },
        { BYTES("{" ID ",\"shard\":-1}"), false, 0, 0 },
        { BYTES("{" ID ",\"shard\":\"1\"}"), false, 0, 0 },
        { BYTES("{" ID "}"), false, 0, 0 },
        { BYTES("{\"id\":\"0123456789abcdef0123456789abcdeg\",\"shard\":1}"), false, 0, 0 },
        { BYTES("{\"id\":\"0123456789abcdef\",\"shard\":1}"), false, 0, 0 },
        { BYTES("{\"shard\":1}"), false, 0, 0 },
        { BYTES("nothing"), false, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct control_request request = { .json = NULL };
        const char *complaint;
        unsigned shard = 0;

        assert_true(control_request_parse(
            BYTES("{\"verb\":\"maintain\",\"name\":\"ann\",\"act\":\"verify\",\"arguments\":{}}"),
            &request, &complaint));
        ASSERT_BYTES(request.name, BYTES("ann"));
        assert_int_equal(control_request_maintain(&request, cases[i].account, 500, &shard),
                         cases[i].good);
        assert_int_equal(request.message.type, cases[i].good ? IPC_MAINTAIN : IPC_ACCOUNT_SHOW);
        if (cases[i].good) {
            assert_int_equal(shard, cases[i].shard);
            assert_int_equal(request.message.maintain.quota_bytes, cases[i].quota);
            assert_int_equal(request.message.maintain.account_id.raw[7], 0xef);
            ASSERT_BYTES(request.message.maintain.arguments, BYTES("{}"));
        }
        control_request_done(&request);
    }
}

static void test_answers(void **state)
{
    struct buf out = buf_make(4096);

    (void)state;
    control_print_result(&out, BYTES("{\"name\": \"ann\"}"), false);
    control_print_result(&out, BYTES("[1,\n2]"), true);
    control_print_result(&out, BYTES("certificates reloaded\n"), false);
    control_print_refusal(&out, IPC_EXISTS, BYTES("there is an account \"ann\" already"));
    control_print_refusal(&out, IPC_NOT_FOUND, BYTES(""));
    control_print_refusal(&out, IPC_INVALID, BYTES("\xff"));
    ASSERT_BYTES(buf_bytes(&out),
                 BYTES("{\"ok\":true,\"result\":{\"name\":\"ann\"}}\n"
                       "{\"ok\":true,\"result\":[1,2],\"more\":true}\n"
                       "{\"ok\":true,\"result\":\"certificates reloaded\\n\"}\n"
                       "{\"ok\":false,\"code\":\"exists\",\"error\":\"there is an account "
                       "\\\"ann\\\" already\"}\n"
                       "{\"ok\":false,\"code\":\"not-found\",\"error\":\"not found\"}\n"
                       "{\"ok\":false,\"code\":\"invalid\",\"error\":\"(not UTF-8)\"}\n"));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_texts_are_passed_on),
        cmocka_unit_test(test_an_account_becomes_a_shard),
        cmocka_unit_test(test_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
