/* Strings of all forms, and the printing of the shortest one. RFC 9051 s9. */
#include "imap/wire/astring.h"

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

typedef bool string_parser(struct cursor *cur, struct arena *arena, struct bytes *out_string);

static const struct {
    const char *text;
    string_parser *parser;
    const char *value; /* NULL: refused */
    size_t failed_at;
} rows[] = {
    { "abc]", imap_astring_parse, "abc]", 0 },
    { "a*", imap_list_mailbox_parse, "a*", 0 },
    { "NIL", imap_astring_parse, "NIL", 0 },
    { "\"\"", imap_astring_parse, "", 0 },
    { "\"a b\"", imap_string_parse, "a b", 0 },
    { "\"a\\\"b\\\\\"", imap_string_parse, "a\"b\\", 0 },
    { "\"\xc3\xa4\xff\"", imap_string_parse, "\xc3\xa4\xff", 0 },
    { "{0}\r\n", imap_string_parse, "", 0 },
    { "{3}\r\na\r\n", imap_string_parse, "a\r\n", 0 },
    { "{3+}\r\nabc", imap_nstring_parse, "abc", 0 },
    { "\"NIL\"", imap_nstring_parse, "NIL", 0 },
    { "", imap_astring_parse, NULL, 0 },
    { "(", imap_astring_parse, NULL, 0 },
    { "abc", imap_string_parse, NULL, 0 },
    { "\"abc", imap_string_parse, NULL, 4 },
    { "\"a\rb\"", imap_string_parse, NULL, 2 },
    { "\"a\nb\"", imap_string_parse, NULL, 2 },
    { "\"a\\b\"", imap_string_parse, NULL, 2 },
    { "\"a\\", imap_string_parse, NULL, 2 },
    { "{3}\r\nab", imap_string_parse, NULL, 5 },
    { "{3}", imap_string_parse, NULL, 3 },
    { "{3}\nabc", imap_string_parse, NULL, 3 },
    { "{}\r\n", imap_string_parse, NULL, 1 },
    { "{3", imap_string_parse, NULL, 2 },
    { "~{3}\r\nabc", imap_string_parse, NULL, 0 },
    { "NILS", imap_nstring_parse, NULL, 0 },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bytes value;
        struct parse parse;
        bool good;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        good = rows[i].parser(&parse.cur, &parse.arena, &value);
        if (good != (rows[i].value != NULL))
            fail_msg("%s", rows[i].text);
        if (good) {
            ASSERT_BYTES(value, bytes_from_string(rows[i].value));
            assert_non_null(value.at);
            assert_true(cursor_at_end(&parse.cur));
        } else {
            assert_int_equal(parse.cur.failed_at, rows[i].failed_at);
        }
        parse_done(&parse);
    }
}

static void test_nil_has_no_place(void **state MAYBE_UNUSED)
{
    struct cursor cur = cursor_make(BYTES("nil)"));
    struct bytes value = BYTES("x");

    assert_true(imap_nstring_parse(&cur, NULL, &value));
    assert_null(value.at);
}

static void test_nul_is_refused(void **state MAYBE_UNUSED)
{
    struct cursor quoted = cursor_make(BYTES("\"a\0b\""));
    struct cursor literal = cursor_make(BYTES("{3}\r\na\0b"));
    struct bytes value;

    assert_false(imap_string_parse(&quoted, NULL, &value));
    assert_false(imap_string_parse(&literal, NULL, &value));
}

static void test_announcement(void **state MAYBE_UNUSED)
{
    struct cursor cur = cursor_make(BYTES("~{42+}\r\n"));
    struct imap_announcement announced;

    assert_true(imap_announcement_parse(&cur, &announced));
    assert_int_equal(announced.bytes, 42);
    assert_true(announced.literal8);
    assert_false(announced.synchronising);
}

static void test_print(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *text;
        const char *printed;
    } prints[] = {
        { "abc", "abc" },           { "", "\"\"" },         { "nil", "\"nil\"" },
        { "a b", "\"a b\"" },       { "a\"", "\"a\\\"\"" }, { "a\nb", "{3}\r\na\nb" },
        { "\u00e4", "\"\u00e4\"" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(prints); i++) {
        struct buf out = buf_make(100);

        imap_astring_print(&out, bytes_from_string(prints[i].text));
        ASSERT_BYTES(buf_bytes(&out), bytes_from_string(prints[i].printed));
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_nil_has_no_place),
        cmocka_unit_test(test_nul_is_refused), cmocka_unit_test(test_announcement),
        cmocka_unit_test(test_print),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
