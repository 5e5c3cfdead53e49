/* LOGIN, AUTHENTICATE, lines of an exchange. */
#include "imap/wire/login.h"

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static void test_login(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *text;
        const char *user; /* NULL: refused */
        const char *password;
    } rows[] = {
        { " joe secret", "joe", "secret" },
        { " \"joe\" \"a b\\\"\"", "joe", "a b\"" },
        { " {3}\r\njoe {0}\r\n", "joe", "" },
        { " joe pass]word ", "joe", "pass]word" },
        { " joe", NULL, NULL },
        { " joe ", NULL, NULL },
        { "", NULL, NULL },
        { " joe a b", NULL, NULL },
        { " joe (a)", NULL, NULL },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct imap_login_args *args;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        args = parse_args(&parse, imap_login_parse);
        assert_int_equal(args != NULL, rows[i].user != NULL);
        if (args != NULL) {
            ASSERT_BYTES(args->user, bytes_from_string(rows[i].user));
            ASSERT_BYTES(args->password, bytes_from_string(rows[i].password));
        }
        parse_done(&parse);
    }
}

static void test_authenticate(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *text;
        const char *mechanism; /* NULL: refused */
        const char *initial; /* NULL: none */
    } rows[] = {
        { " PLAIN", "PLAIN", NULL },
        { " scram-sha-256 ", "scram-sha-256", NULL },
        { " PLAIN Zm9v", "PLAIN", "foo" },
        { " EXTERNAL =", "EXTERNAL", "" },
        { " PLAIN Zm9", NULL, NULL },
        { " PLAIN *", NULL, NULL },
        { " PLAIN Zm9v x", NULL, NULL },
        { " PLAIN ==", NULL, NULL },
        { " PLAIN {3}", NULL, NULL },
        { "", NULL, NULL },
        { " ", NULL, NULL },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct imap_authenticate_args *args;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        args = parse_args(&parse, imap_authenticate_parse);
        if ((args != NULL) != (rows[i].mechanism != NULL))
            fail_msg("%s", rows[i].text);
        if (args != NULL) {
            ASSERT_BYTES(args->mechanism, bytes_from_string(rows[i].mechanism));
            assert_int_equal(args->has_initial, rows[i].initial != NULL);
            ASSERT_BYTES(args->initial, bytes_from_string(rows[i].initial));
        }
        parse_done(&parse);
    }
}

static void test_sasl_line(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *text;
        const char *data; /* NULL: refused */
        bool cancelled;
    } rows[] = {
        { "", "", false },           { "Zm9v", "foo", false }, { "*", "", true },
        { "* ", "", true },          { "*x", NULL, false },    { "Zm9v=", NULL, false },
        { "Zm9v {5}", NULL, false }, { "=", NULL, false },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bytes data;
        struct parse parse;
        bool cancelled;
        bool good;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        good = imap_sasl_line_parse(&parse.cur, &parse.arena, &data, &cancelled);
        assert_int_equal(good, rows[i].data != NULL);
        if (good) {
            ASSERT_BYTES(data, bytes_from_string(rows[i].data));
            assert_int_equal(cancelled, rows[i].cancelled);
        }
        parse_done(&parse);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_authenticate),
        cmocka_unit_test(test_sasl_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
