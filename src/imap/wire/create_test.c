/* CREATE with USE, and RENAME. */
#include "imap/wire/create.h"

#include "imap/wire/list.h"
#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static const struct {
    const char *text;
    bool good;
    uint32_t use;
    bool unknown;
} rows[] = {
    { " a", true, 0, false },
    { " a/", true, 0, false },
    { " a (USE (\\Sent))", true, IMAP_ATTRIBUTE_SENT, false },
    { " a (use (\\drafts \\Junk))", true, IMAP_ATTRIBUTE_DRAFTS | IMAP_ATTRIBUTE_JUNK, false },
    { " a (USE ())", true, 0, false },
    { " a (USE (\\Foo \\Sent))", true, IMAP_ATTRIBUTE_SENT, true },
    { " a (USE (\\Subscribed))", true, 0, true },
    { " a (USE (Sent))", false, 0, false },
    { " a (USE \\Sent)", false, 0, false },
    { " a (USE (\\Sent)", false, 0, false },
    { " a ()", false, 0, false },
    { " a (FOO (x))", false, 0, false },
    { " a b", false, 0, false },
    { "", false, 0, false },
};

static void test_create(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct imap_create_args *args;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        args = parse_args(&parse, imap_create_parse);
        if ((args != NULL) != rows[i].good)
            fail_msg("%s", rows[i].text);
        if (args != NULL) {
            ASSERT_BYTES(args->mailbox.name, BYTES("a"));
            assert_int_equal(args->special_use, rows[i].use);
            assert_int_equal(args->unknown_use, rows[i].unknown);
        }
        parse_done(&parse);
    }
}

static void test_rename(void **state MAYBE_UNUSED)
{
    const struct imap_rename_args *args;
    struct parse parse;

    parse_init(&parse, imap_grammar_make(), BYTES(" inbox \"b c\""));
    args = parse_args(&parse, imap_rename_parse);
    assert_non_null(args);
    ASSERT_BYTES(args->from.name, BYTES("INBOX"));
    ASSERT_BYTES(args->to.name, BYTES("b c"));
    parse_done(&parse);
    parse_init(&parse, imap_grammar_make(), BYTES(" a"));
    assert_null(parse_args(&parse, imap_rename_parse));
    parse_done(&parse);
    parse_init(&parse, imap_grammar_make(), BYTES(" a b c"));
    assert_null(parse_args(&parse, imap_rename_parse));
    parse_done(&parse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_rename),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
