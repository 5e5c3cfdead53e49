/* Flag lists, doubles, limits. */
#include "imap/wire/flag.h"

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static const struct {
    const char *text;
    bool bare; /* imap_flags_parse */
    const char *printed; /* NULL: refused */
    bool extension;
} rows[] = {
    { "()", false, "()", false },
    { "(\\Seen \\ANSWERED \\flagged)", false, "(\\Answered \\Flagged \\Seen)", false },
    { "(\\Deleted \\Draft \\Recent)", false, "(\\Deleted \\Draft \\Recent)", false },
    { "($Forwarded \\Seen foo FOO Foo)", false, "(\\Seen $Forwarded foo)", false },
    { "(\\Foo x)", false, "(x)", true },
    { "\\Seen", true, "(\\Seen)", false },
    { "\\Seen a b", true, "(\\Seen a b)", false },
    { "(a)", true, "(a)", false },
    { "\\Seen", false, NULL, false },
    { "(", false, NULL, false },
    { "(a", false, NULL, false },
    { "(a  b)", false, NULL, false },
    { "(a )", false, NULL, false },
    { "( a)", false, NULL, false },
    { "(\\*)", false, NULL, false },
    { "(\\)", false, NULL, false },
    { "", true, NULL, false },
    { "a ", true, NULL, false },
    { "\"a\"", true, NULL, false },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = buf_make(1000);
        struct imap_flags flags;
        struct parse parse;
        bool good;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        good = (rows[i].bare ? imap_flags_parse : imap_flag_list_parse)(&parse.cur, &parse.grammar,
                                                                        &parse.arena, &flags);
        if (good != (rows[i].printed != NULL))
            fail_msg("%s", rows[i].text);
        if (good) {
            assert_true(cursor_at_end(&parse.cur));
            assert_int_equal(flags.extension, rows[i].extension);
            imap_flag_list_print(&out, &flags);
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(rows[i].printed));
        }
        buf_done(&out);
        parse_done(&parse);
    }
}

static bool parses_keywords(uint32_t count, uint32_t padding)
{
    struct buf text = buf_make(100000);
    struct imap_flags flags;
    struct parse parse;
    bool good;

    buf_add_byte(&text, '(');
    for (uint32_t i = 0; i < count; i++)
        buf_add_format(&text, "%sk%0*u", i > 0 ? " " : "", (int)padding, i);
    buf_add_byte(&text, ')');
    parse_init(&parse, imap_grammar_make(), buf_bytes(&text));
    good = imap_flag_list_parse(&parse.cur, &parse.grammar, &parse.arena, &flags);
    assert_true(!good || flags.keyword_count == count);
    parse_done(&parse);
    buf_done(&text);
    return good;
}

static void test_limits(void **state MAYBE_UNUSED)
{
    assert_true(parses_keywords(imap_grammar_limits_default.keywords_max, 1));
    assert_false(parses_keywords(imap_grammar_limits_default.keywords_max + 1, 1));
    assert_true(parses_keywords(1, imap_grammar_limits_default.keyword_bytes_max - 1));
    assert_false(parses_keywords(1, imap_grammar_limits_default.keyword_bytes_max));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
