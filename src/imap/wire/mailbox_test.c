/* Names in both encodings, refusals, limits, printing. RFC 9051 s5.1. */
#include "imap/wire/mailbox.h"

#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

enum mode { REV1 = 1, UTF8 = 2, BOTH = 3 };

static const struct {
    const char *text;
    enum mode modes;
    enum imap_name_refusal refusal;
    const char *name;
    bool delimiter_at_end;
} rows[] = {
    { "inbox", BOTH, IMAP_NAME_OK, "INBOX", false },
    { "\"InBoX\"", BOTH, IMAP_NAME_OK, "INBOX", false },
    { "{5}\r\niNBox", BOTH, IMAP_NAME_OK, "INBOX", false },
    { "iNbox/Foo", BOTH, IMAP_NAME_OK, "INBOX/Foo", false },
    { "inboxes", BOTH, IMAP_NAME_OK, "inboxes", false },
    { "foo/inbox", BOTH, IMAP_NAME_OK, "foo/inbox", false },
    { "a/b/", BOTH, IMAP_NAME_OK, "a/b", true },
    { "\"with blank\"", BOTH, IMAP_NAME_OK, "with blank", false },
    { "\"q\\\"\\\\\"", BOTH, IMAP_NAME_OK, "q\"\\", false },
    { "&AOQ-", REV1, IMAP_NAME_OK, "\u00e4", false },
    { "&AGEDCA-", REV1, IMAP_NAME_BAD_UTF7, NULL, false },
    { "a&Awg-", REV1, IMAP_NAME_OK, "\u00e4", false }, /* normal form C */
    { "&AOQ-", UTF8, IMAP_NAME_OK, "&AOQ-", false },
    { "\"\u00e4\"", UTF8, IMAP_NAME_OK, "\u00e4", false },
    { "\"a\u0308\"", UTF8, IMAP_NAME_OK, "\u00e4", false },
    { "\"\u00e4\"", REV1, IMAP_NAME_EIGHT_BIT, NULL, false },
    { "R&D", REV1, IMAP_NAME_BAD_UTF7, NULL, false },
    { "R&D", UTF8, IMAP_NAME_OK, "R&D", false },
    { "\"\"", BOTH, IMAP_NAME_EMPTY, NULL, false },
    { "/", BOTH, IMAP_NAME_EMPTY, NULL, false },
    { "/a", BOTH, IMAP_NAME_EMPTY_COMPONENT, NULL, false },
    { "a//b", BOTH, IMAP_NAME_EMPTY_COMPONENT, NULL, false },
    { "a//", BOTH, IMAP_NAME_EMPTY_COMPONENT, NULL, false },
    { ".", BOTH, IMAP_NAME_DOTS, NULL, false },
    { "a/../b", BOTH, IMAP_NAME_DOTS, NULL, false },
    { "a/...", BOTH, IMAP_NAME_OK, "a/...", false },
    { ".a", BOTH, IMAP_NAME_OK, ".a", false },
    { "#news", BOTH, IMAP_NAME_NAMESPACE, NULL, false },
    { "a#b", BOTH, IMAP_NAME_OK, "a#b", false },
    { "\"a*b\"", BOTH, IMAP_NAME_WILDCARD, NULL, false },
    { "\"a%b\"", BOTH, IMAP_NAME_WILDCARD, NULL, false },
    { "\"a\tb\"", UTF8, IMAP_NAME_CONTROL, NULL, false },
    { "\"a\tb\"", REV1, IMAP_NAME_CONTROL, NULL, false },
    { "&AAk-", REV1, IMAP_NAME_CONTROL, NULL, false },
    { "\"\u2028\"", UTF8, IMAP_NAME_CONTROL, NULL, false },
    { "\"\xc2\x85\"", UTF8, IMAP_NAME_CONTROL, NULL, false },
    { "{2}\r\na\n", UTF8, IMAP_NAME_CONTROL, NULL, false },
    { "\"\xff\"", UTF8, IMAP_NAME_BAD_UTF8, NULL, false },
    { "\"\xc0\xaf\"", UTF8, IMAP_NAME_BAD_UTF8, NULL, false },
    { "\"\xed\xa0\x80\"", UTF8, IMAP_NAME_BAD_UTF8, NULL, false },
    { "\"\xef\xbf\xbf\"", UTF8, IMAP_NAME_BAD_UTF8, NULL, false },
    { "&,,8-", REV1, IMAP_NAME_BAD_UTF8, NULL, false },
};

static void check(size_t i, bool utf8)
{
    struct parse parse;
    struct imap_mailbox mailbox;

    parse_init(&parse, (struct imap_grammar){ .rev2 = utf8 }, bytes_from_string(rows[i].text));
    assert_true(imap_mailbox_parse(&parse.cur, &parse.grammar, &parse.arena, &mailbox));
    if (mailbox.refusal != rows[i].refusal)
        fail_msg("%s: %s", rows[i].text, imap_name_refusal_text(mailbox.refusal));
    if (rows[i].name != NULL) {
        ASSERT_BYTES(mailbox.name, bytes_from_string(rows[i].name));
        assert_int_equal(mailbox.delimiter_at_end, rows[i].delimiter_at_end);
    }
    parse_done(&parse);
}

/* What the client wrote, beside the canonical name: for OLDNAME. */
static void test_given(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *text;
        const char *given;
        const char *name;
    } spelled[] = {
        { "iNbox/a/", "iNbox/a", "INBOX/a" },
        { "\"a\xcc\x88/\"", "a\xcc\x88", "\u00e4" },
        { "plain", "plain", "plain" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(spelled); i++) {
        struct imap_mailbox mailbox;
        struct parse parse;

        parse_init(&parse, (struct imap_grammar){ .rev2 = true },
                   bytes_from_string(spelled[i].text));
        assert_true(imap_mailbox_parse(&parse.cur, &parse.grammar, &parse.arena, &mailbox));
        ASSERT_BYTES(mailbox.given, bytes_from_string(spelled[i].given));
        ASSERT_BYTES(mailbox.name, bytes_from_string(spelled[i].name));
        parse_done(&parse);
    }
}

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if ((rows[i].modes & REV1) != 0)
            check(i, false);
        if ((rows[i].modes & UTF8) != 0)
            check(i, true);
    }
}

/* A name of `count` components of `len` bytes each. */
static enum imap_name_refusal refusal_of(size_t count, size_t len)
{
    struct arena arena = arena_make(1 << 20);
    struct buf name = buf_make(100000);
    struct imap_mailbox mailbox;

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_byte(&name, '/');
        for (size_t j = 0; j < len; j++)
            buf_add_byte(&name, 'x');
    }
    assert_true(
        imap_mailbox_from_utf8(buf_bytes(&name), &imap_grammar_limits_default, &arena, &mailbox));
    buf_done(&name);
    arena_done(&arena);
    return mailbox.refusal;
}

static void test_limits(void **state MAYBE_UNUSED)
{
    assert_int_equal(refusal_of(1, 255), IMAP_NAME_OK);
    assert_int_equal(refusal_of(1, 256), IMAP_NAME_LEVEL_TOO_LONG);
    assert_int_equal(refusal_of(32, 1), IMAP_NAME_OK);
    assert_int_equal(refusal_of(33, 1), IMAP_NAME_TOO_DEEP);
    assert_int_equal(refusal_of(7, 142), IMAP_NAME_OK); /* 1000 bytes */
    assert_int_equal(refusal_of(13, 76), IMAP_NAME_OK); /* 1000 bytes */
    assert_int_equal(refusal_of(2, 500), IMAP_NAME_TOO_LONG);
    assert_int_equal(refusal_of(7, 143), IMAP_NAME_TOO_LONG);
    assert_int_equal(refusal_of(1, 90000), IMAP_NAME_TOO_LONG);
}

static const struct {
    const char *name;
    const char *rev1;
    const char *rev2;
} printed[] = {
    { "INBOX", "INBOX", "INBOX" },
    { "", "\"\"", "\"\"" },
    { "NIL", "\"NIL\"", "\"NIL\"" },
    { "a b", "\"a b\"", "\"a b\"" },
    { "a\"\\", "\"a\\\"\\\\\"", "\"a\\\"\\\\\"" },
    { "R&D", "R&-D", "R&D" },
    { "\u00e4 b", "\"&AOQ- b\"", "\"\u00e4 b\"" },
    { "\u00e4", "&AOQ-", "\"\u00e4\"" },
    { "x]", "\"x]\"", "\"x]\"" },
};

static void test_print(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(printed); i++) {
        struct imap_grammar grammar = imap_grammar_make();
        struct buf out = buf_make(1000);

        imap_mailbox_print(&out, &grammar, bytes_from_string(printed[i].name));
        ASSERT_BYTES(buf_bytes(&out), bytes_from_string(printed[i].rev1));
        buf_clear(&out);
        grammar.utf8_accept = true;
        imap_mailbox_print(&out, &grammar, bytes_from_string(printed[i].name));
        ASSERT_BYTES(buf_bytes(&out), bytes_from_string(printed[i].rev2));
        buf_done(&out);
    }
}

static void test_args(void **state MAYBE_UNUSED)
{
    struct parse parse;
    const struct imap_mailbox_args *args;

    parse_init(&parse, imap_grammar_make(), BYTES(" a/b "));
    args = parse_args(&parse, imap_mailbox_args_parse);
    assert_non_null(args);
    ASSERT_BYTES(args->mailbox.name, BYTES("a/b"));
    parse_done(&parse);
    parse_init(&parse, imap_grammar_make(), BYTES(" a b"));
    assert_null(parse_args(&parse, imap_mailbox_args_parse));
    assert_int_equal(parse.cur.failed_at, 2);
    parse_done(&parse);
    parse_init(&parse, imap_grammar_make(), BYTES(""));
    assert_null(parse_args(&parse, imap_mailbox_args_parse));
    parse_done(&parse);
}

static void test_spent_arena(void **state MAYBE_UNUSED)
{
    struct parse parse;
    struct imap_mailbox mailbox;

    parse_init(&parse, imap_grammar_make(), BYTES("&AOQ-&"));
    parse.arena.budget = 0;
    parse.cur.in.len = 5;
    assert_false(imap_mailbox_parse(&parse.cur, &parse.grammar, &parse.arena, &mailbox));
    assert_true(parse.cur.is_exceeded);
    parse_done(&parse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_given),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_print),
        cmocka_unit_test(test_args),   cmocka_unit_test(test_spent_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
