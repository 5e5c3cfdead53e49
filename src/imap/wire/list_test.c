/* LIST and LSUB arguments, LIST responses. */
#include "imap/wire/list.h"

#include <string.h>

#include "imap/wire/pattern.h"
#include "imap/wire/status.h"
#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static void dump(struct buf *out, const void *parsed)
{
    const struct imap_list_args *args = parsed;

    buf_add_format(out, "%s%x %x %x [%.*s]%s", args->extended ? "extended " : "", args->selects,
                   args->returns, args->status_atts, BYTES_ARG(args->reference),
                   args->root_only ? " root" : "");
    for (uint32_t i = 0; i < args->pattern_count; i++)
        buf_add_format(out, " '%.*s'", BYTES_ARG(args->patterns[i]));
}

static const struct {
    imap_args_parser *parser;
    struct parse_row row;
} rows[] = {
    { imap_list_parse, { " \"\" *", "0 0 0 [] '*'" } },
    { imap_list_parse, { " \"\" \"\"", "0 0 0 [] root ''" } },
    { imap_list_parse, { " a/ %", "0 0 0 [a/] 'a/%'" } },
    { imap_list_parse, { " a/ \"\"", "0 0 0 [a/] root 'a/'" } },
    { imap_list_parse, { " \"\" \"%/%\"", "0 0 0 [] '%/%'" } },
    { imap_list_parse, { " {0}\r\n {1}\r\n*", "0 0 0 [] '*'" } },
    { imap_list_parse, { " \"\" &AOQ-*", "0 0 0 [] '\u00e4*'" } },
    { imap_list_parse, { " \"\" R&D*", "0 0 0 [] 'R&D*'" } },
    { imap_list_parse, { " (SUBSCRIBED) \"\" *", "extended 1 0 0 [] '*'" } },
    { imap_list_parse, { " () \"\" *", "extended 0 0 0 [] '*'" } },
    { imap_list_parse, { " (SUBSCRIBED REMOTE RECURSIVEMATCH) \"\" *", "extended 7 0 0 [] '*'" } },
    { imap_list_parse, { " (special-use recursivematch) \"\" *", "extended c 0 0 [] '*'" } },
    { imap_list_parse, { " \"\" (a b*)", "extended 0 0 0 [] 'a' 'b*'" } },
    { imap_list_parse, { " \"\" (\"\")", "extended 0 0 0 [] ''" } },
    { imap_list_parse, { " x (a b)", "extended 0 0 0 [x] 'xa' 'xb'" } },
    { imap_list_parse,
      { " \"\" % RETURN (CHILDREN SUBSCRIBED SPECIAL-USE)", "extended 0 b 0 [] '%'" } },
    { imap_list_parse,
      { " \"\" % RETURN (STATUS (MESSAGES UNSEEN) CHILDREN)", "extended 0 6 11 [] '%'" } },
    { imap_list_parse, { " \"\" % return ()", "extended 0 0 0 [] '%'" } },
    { imap_lsub_parse, { " \"\" *", "0 0 0 [] '*'" } },
    { imap_list_parse, { " (RECURSIVEMATCH) \"\" *", NULL } },
    { imap_list_parse, { " (REMOTE RECURSIVEMATCH) \"\" *", NULL } },
    { imap_list_parse, { " (FOO) \"\" *", NULL } },
    { imap_list_parse, { " (SUBSCRIBED \"\" *", NULL } },
    { imap_list_parse, { " \"\" ()", NULL } },
    { imap_list_parse, { " \"\" (a b", NULL } },
    { imap_list_parse, { " \"\"", NULL } },
    { imap_list_parse, { " \"\" ", NULL } },
    { imap_list_parse, { " *", NULL } },
    { imap_list_parse, { " \"\" * RETURN", NULL } },
    { imap_list_parse, { " \"\" * RETURN (FOO)", NULL } },
    { imap_list_parse, { " \"\" * RETURN (STATUS ())", NULL } },
    { imap_list_parse, { " \"\" * RETURN (STATUS)", NULL } },
    { imap_list_parse, { " \"\" * x", NULL } },
    { imap_lsub_parse, { " (SUBSCRIBED) \"\" *", NULL } },
    { imap_lsub_parse, { " \"\" (a b)", NULL } },
    { imap_lsub_parse, { " \"\" * RETURN ()", NULL } },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_parse_row(&rows[i].row, rows[i].parser, dump);
}

static bool parses_patterns(uint32_t count, size_t len)
{
    struct buf text = buf_make(1 << 20);
    struct parse parse;
    bool good;

    buf_add_string(&text, " \"\" (");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_byte(&text, ' ');
        for (size_t j = 0; j < len; j++)
            buf_add_byte(&text, 'x');
    }
    buf_add_byte(&text, ')');
    parse_init(&parse, imap_grammar_make(), buf_bytes(&text));
    good = parse_args(&parse, imap_list_parse) != NULL;
    parse_done(&parse);
    buf_done(&text);
    return good;
}

static void test_limits(void **state MAYBE_UNUSED)
{
    assert_true(parses_patterns(imap_grammar_limits_default.patterns_max, 1));
    assert_false(parses_patterns(imap_grammar_limits_default.patterns_max + 1, 1));
    assert_true(parses_patterns(1, IMAP_PATTERN_BYTES_MAX));
    assert_false(parses_patterns(1, IMAP_PATTERN_BYTES_MAX + 1));
}

static const struct {
    struct imap_list_response response;
    const char *printed;
} responses[] = {
    { { .name = BYTES("INBOX"), .attributes = IMAP_ATTRIBUTE_HAS_NO_CHILDREN },
      "* LIST (\\HasNoChildren) \"/\" INBOX\r\n" },
    { { .attributes = IMAP_ATTRIBUTE_NOSELECT }, "* LIST (\\Noselect) \"/\" \"\"\r\n" },
    { { .lsub = true, .name = BYTES("a") }, "* LSUB () \"/\" a\r\n" },
    { { .name = BYTES("\u00e4"), .attributes = IMAP_ATTRIBUTE_SENT | IMAP_ATTRIBUTE_SUBSCRIBED },
      "* LIST (\\Subscribed \\Sent) \"/\" &AOQ-\r\n" },
    { { .name = BYTES("a"), .child_info = IMAP_LIST_SUBSCRIBED | IMAP_LIST_REMOTE },
      "* LIST () \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n" },
    { { .name = BYTES("new"), .old_name = BYTES("old name") },
      "* LIST () \"/\" new (\"OLDNAME\" (\"old name\"))\r\n" },
    { { .name = BYTES("a"),
        .child_info = IMAP_LIST_SUBSCRIBED | IMAP_LIST_SPECIAL_USE,
        .old_name = BYTES("b") },
      "* LIST () \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\" \"SPECIAL-USE\") \"OLDNAME\" (b))\r\n" },
};

static void test_responses(void **state MAYBE_UNUSED)
{
    struct imap_grammar grammar = imap_grammar_make();

    for (size_t i = 0; i < ARRAY_COUNT(responses); i++) {
        struct buf out = buf_make(1000);

        imap_list_response_print(&out, &grammar, &responses[i].response);
        ASSERT_BYTES(buf_bytes(&out), bytes_from_string(responses[i].printed));
        buf_done(&out);
    }
}

static void test_attribute_names(void **state MAYBE_UNUSED)
{
    assert_int_equal(imap_list_attribute_find(BYTES("\\sent")), IMAP_ATTRIBUTE_SENT);
    assert_int_equal(imap_list_attribute_find(BYTES("Sent")), 0);
    assert_int_equal(imap_list_attribute_find(BYTES("\\Sents")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_attribute_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
