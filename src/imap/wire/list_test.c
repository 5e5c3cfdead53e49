/* LIST and LSUB arguments, LIST responses. */
#include "imap/wire/list.h"

#include <string.h>

#include "imap/wire/pattern.h"
#include "imap/wire/status.h"
#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static void dump(struct buf *out, const struct imap_list_args *args)
{
    buf_add_format(out, "%s%x %x %x [%.*s]%s", args->extended ? "extended " : "", args->selects,
                   args->returns, args->status_atts, BYTES_ARG(args->reference),
                   args->root_only ? " root" : "");
    for (uint32_t i = 0; i < args->pattern_count; i++)
        buf_add_format(out, " '%.*s'", BYTES_ARG(args->patterns[i]));
}

static const struct {
    const char *text;
    imap_args_parser *parser;
    const char *dumped; /* NULL: refused */
} rows[] = {
    { " \"\" *", imap_list_parse, "0 0 0 [] '*'" },
    { " \"\" \"\"", imap_list_parse, "0 0 0 [] root ''" },
    { " a/ %", imap_list_parse, "0 0 0 [a/] 'a/%'" },
    { " a/ \"\"", imap_list_parse, "0 0 0 [a/] root 'a/'" },
    { " \"\" \"%/%\"", imap_list_parse, "0 0 0 [] '%/%'" },
    { " {0}\r\n {1}\r\n*", imap_list_parse, "0 0 0 [] '*'" },
    { " \"\" &AOQ-*", imap_list_parse, "0 0 0 [] '\u00e4*'" },
    { " \"\" R&D*", imap_list_parse, "0 0 0 [] 'R&D*'" },
    { " (SUBSCRIBED) \"\" *", imap_list_parse, "extended 1 0 0 [] '*'" },
    { " () \"\" *", imap_list_parse, "extended 0 0 0 [] '*'" },
    { " (SUBSCRIBED REMOTE RECURSIVEMATCH) \"\" *", imap_list_parse, "extended 7 0 0 [] '*'" },
    { " (special-use recursivematch) \"\" *", imap_list_parse, "extended c 0 0 [] '*'" },
    { " \"\" (a b*)", imap_list_parse, "extended 0 0 0 [] 'a' 'b*'" },
    { " \"\" (\"\")", imap_list_parse, "extended 0 0 0 [] ''" },
    { " x (a b)", imap_list_parse, "extended 0 0 0 [x] 'xa' 'xb'" },
    { " \"\" % RETURN (CHILDREN SUBSCRIBED SPECIAL-USE)", imap_list_parse,
      "extended 0 b 0 [] '%'" },
    { " \"\" % RETURN (STATUS (MESSAGES UNSEEN) CHILDREN)", imap_list_parse,
      "extended 0 6 11 [] '%'" },
    { " \"\" % return ()", imap_list_parse, "extended 0 0 0 [] '%'" },
    { " \"\" *", imap_lsub_parse, "0 0 0 [] '*'" },
    { " (RECURSIVEMATCH) \"\" *", imap_list_parse, NULL },
    { " (REMOTE RECURSIVEMATCH) \"\" *", imap_list_parse, NULL },
    { " (FOO) \"\" *", imap_list_parse, NULL },
    { " (SUBSCRIBED \"\" *", imap_list_parse, NULL },
    { " \"\" ()", imap_list_parse, NULL },
    { " \"\" (a b", imap_list_parse, NULL },
    { " \"\"", imap_list_parse, NULL },
    { " \"\" ", imap_list_parse, NULL },
    { " *", imap_list_parse, NULL },
    { " \"\" * RETURN", imap_list_parse, NULL },
    { " \"\" * RETURN (FOO)", imap_list_parse, NULL },
    { " \"\" * RETURN (STATUS ())", imap_list_parse, NULL },
    { " \"\" * RETURN (STATUS)", imap_list_parse, NULL },
    { " \"\" * x", imap_list_parse, NULL },
    { " (SUBSCRIBED) \"\" *", imap_lsub_parse, NULL },
    { " \"\" (a b)", imap_lsub_parse, NULL },
    { " \"\" * RETURN ()", imap_lsub_parse, NULL },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = buf_make(1000);
        const struct imap_list_args *args;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        args = parse_args(&parse, rows[i].parser);
        if ((args != NULL) != (rows[i].dumped != NULL))
            fail_msg("%s", rows[i].text);
        if (args != NULL) {
            dump(&out, args);
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(rows[i].dumped));
        }
        buf_done(&out);
        parse_done(&parse);
    }
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
