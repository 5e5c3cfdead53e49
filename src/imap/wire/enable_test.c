/* ENABLE and ID, with their limits. RFC 9051 s9; RFC 2971 s3.3. */
#include "imap/wire/enable.h"

#include "base/buf.h"
#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static void test_enable(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *text;
        uint32_t count; /* 0: refused */
    } rows[] = {
        { " IMAP4rev2", 1 }, { " CONDSTORE X-GOOD-IDEA UTF8=ACCEPT ", 3 },
        { "", 0 },           { " ", 0 },
        { " A  B", 0 },      { " (A)", 0 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct imap_enable_args *args;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        args = parse_args(&parse, imap_enable_parse);
        assert_int_equal(args == NULL ? 0 : args->count, rows[i].count);
        parse_done(&parse);
    }
}

static void test_id(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *text;
        int count; /* -1: refused */
    } rows[] = {
        { " NIL", 0 },
        { " ()", 0 },
        { " (\"name\" \"sodr\" \"version\" NIL)", 2 },
        { " (\"name\" {3}\r\nfoo)", 1 },
        { " (\"name\")", -1 },
        { " (name foo)", -1 },
        { " (NIL \"x\")", -1 },
        { " NILS", -1 },
        { "", -1 },
        { " (\"a\" \"b\" ", -1 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct imap_id_args *args;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        args = parse_args(&parse, imap_id_parse);
        assert_int_equal(args == NULL ? -1 : (int)args->count, rows[i].count);
        parse_done(&parse);
    }
}

static void test_values(void **state MAYBE_UNUSED)
{
    const struct imap_id_args *args;
    struct parse parse;

    parse_init(&parse, imap_grammar_make(), BYTES(" (\"name\" \"sodr\" \"version\" NIL)"));
    args = parse_args(&parse, imap_id_parse);
    assert_non_null(args);
    ASSERT_BYTES(args->pairs[0].field, BYTES("name"));
    ASSERT_BYTES(args->pairs[0].value, BYTES("sodr"));
    assert_null(args->pairs[1].value.at);
    parse_done(&parse);
}

/* `count` times `element` between the ends. */
static bool parses(imap_args_parser *parser, const char *begin, const char *element, uint32_t count,
                   const char *end)
{
    struct buf text = buf_make(100000);
    struct parse parse;
    bool good;

    buf_add_string(&text, begin);
    for (uint32_t i = 0; i < count; i++)
        buf_add_string(&text, element);
    buf_add_string(&text, end);
    parse_init(&parse, imap_grammar_make(), buf_bytes(&text));
    good = parse_args(&parse, parser) != NULL;
    parse_done(&parse);
    buf_done(&text);
    return good;
}

static void test_limits(void **state MAYBE_UNUSED)
{
    const struct imap_grammar_limits *limits = &imap_grammar_limits_default;

    assert_true(parses(imap_enable_parse, "", " A", limits->enable_max, ""));
    assert_false(parses(imap_enable_parse, "", " A", limits->enable_max + 1, ""));
    assert_true(
        parses(imap_id_parse, " (\"a\" \"b\"", " \"a\" NIL", limits->id_pairs_max - 1, ")"));
    assert_false(parses(imap_id_parse, " (\"a\" \"b\"", " \"a\" NIL", limits->id_pairs_max, ")"));
    assert_true(parses(imap_id_parse, " (\"a\" \"", "x", limits->id_value_bytes_max, "\")"));
    assert_false(parses(imap_id_parse, " (\"a\" \"", "x", limits->id_value_bytes_max + 1, "\")"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enable),
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
