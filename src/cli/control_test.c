/* The control socket's answers: whole, in parts, refused, broken, missing. */
#include "cli/control.h"

#include <string.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/fd.h"

static void test_decode(void **state)
{
    static const struct {
        const char *line;
        enum err err;
        const char *text; /* of the note, or of the result */
        bool more;
    } cases[] = {
        { "{\"ok\":true,\"result\":\"done\"}", ERR_OK, "done", false },
        { "{\"ok\":true,\"result\":\"a\",\"more\":true,\"new\":1}", ERR_OK, "a", true },
        { "{\"ok\":false,\"code\":\"exists\",\"error\":\"there is one\"}", ERR_EXISTS,
          "there is one", false },
        { "{\"ok\":false,\"code\":\"odd\"}", ERR_INVALID, "the server refused it", false },
        { "{\"ok\":false}", ERR_INVALID, "the server refused it", false },
        { "{\"ok\":1}", ERR_CORRUPT, "the server's answer cannot be understood", false },
        { "[]", ERR_CORRUPT, "the server's answer cannot be understood", false },
        { "", ERR_CORRUPT, "the server's answer cannot be understood", false },
        { "{\"ok\":true", ERR_CORRUPT, "the server's answer cannot be understood", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *result = NULL;
        bool more = false;
        struct note why = { "" };

        assert_int_equal(control_decode(bytes_from_string(cases[i].line), &result, &more, &why),
                         cases[i].err);
        assert_int_equal(more, cases[i].more);
        assert_string_equal(cases[i].err == ERR_OK ? json_string_value(result) : why.text,
                            cases[i].text);
        json_decref(result);
    }
}

/* What the server would write is there before the question is asked. */
static enum err ask(const char *answer, json_t **out_result, char sent[64], struct note *why)
{
    struct dialog dialog;
    json_t *request = json_pack("{s:s}", "verb", "account.list");
    int pair[2];
    ssize_t len;
    enum err err;

    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    assert_int_equal(write(pair[1], answer, strlen(answer)), strlen(answer));
    dialog_init(&dialog, pair[0], 50);
    err = control_ask(&dialog, request, out_result, why);
    len = read(pair[1], sent, 63);
    sent[len < 0 ? 0 : len] = '\0';
    close(pair[1]);
    dialog_done(&dialog);
    json_decref(request);
    return err;
}

static void test_ask(void **state)
{
    json_t *result = NULL;
    char sent[64];
    struct note why = { "" };

    (void)state;
    assert_int_equal(ask("{\"ok\":true,\"more\":true,\"result\":[1,2]}\n"
                         "{\"ok\":true,\"more\":true,\"result\":[]}\n"
                         "{\"ok\":true,\"result\":[3]}\n",
                         &result, sent, &why),
                     ERR_OK);
    assert_string_equal(sent, "{\"verb\":\"account.list\"}\n");
    assert_int_equal(json_array_size(result), 3);
    json_decref(result);
    assert_int_equal(ask("{\"ok\":true,\"more\":true,\"result\":[1]}\n", &result, sent, &why),
                     ERR_BUSY);
    assert_int_equal(ask("{\"ok\":true,\"more\":true,\"result\":[1]}\n"
                         "{\"ok\":false,\"code\":\"unavailable\",\"error\":\"later\"}\n",
                         &result, sent, &why),
                     ERR_BUSY);
    assert_string_equal(why.text, "later");
}

static void test_codes(void **state)
{
    (void)state;
    assert_int_equal(control_code_err("not-found"), ERR_NOT_FOUND);
    assert_int_equal(control_code_err("denied"), ERR_DENIED);
    assert_int_equal(control_code_err(""), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_ask),
        cmocka_unit_test(test_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
