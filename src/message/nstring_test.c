/* IMAP string forms. */
#include "message/nstring.h"

#include <string.h>

#include "kit/assert_bytes.h"

static void test_forms(void **state)
{
    static const struct {
        struct bytes text;
        struct bytes string;
    } cases[] = {
        { BYTES(""), BYTES("\"\"") },
        { BYTES("plain text"), BYTES("\"plain text\"") },
        { BYTES("a\tb"), BYTES("\"a\tb\"") },
        { BYTES("say \"hi\" \\ bye"), BYTES("\"say \\\"hi\\\" \\\\ bye\"") },
        { BYTES("two\r\nlines"), BYTES("{10}\r\ntwo\r\nlines") },
        { BYTES("\xc3\xa9"), BYTES("{2}\r\n\xc3\xa9") },
        { BYTES("a\0b\0"), BYTES("{4}\r\na\x80"
                                 "b\x80") },
        { BYTES("\x7f"), BYTES("{1}\r\n\x7f") },
        { BYTES("\x01"), BYTES("{1}\r\n\x01") },
    };
    struct buf out = buf_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        buf_clear(&out);
        nstring_print_string(&out, cases[i].text);
        ASSERT_BYTES(buf_bytes(&out), cases[i].string);
        buf_clear(&out);
        nstring_print(&out, cases[i].text);
        ASSERT_BYTES(buf_bytes(&out), cases[i].string);
    }
    buf_done(&out);
}

static void test_nil(void **state)
{
    struct buf out = buf_make(100);

    (void)state;
    nstring_print(&out, (struct bytes){ 0 });
    nstring_print_string(&out, (struct bytes){ 0 });
    nstring_print_literal(&out, (struct bytes){ 0 });
    ASSERT_BYTES(buf_bytes(&out), BYTES("NIL\"\"{0}\r\n"));
    buf_done(&out);
}

static void test_longest_quoted(void **state)
{
    uint8_t text[NSTRING_QUOTED_MAX + 1];
    struct buf out = buf_make(2000);

    (void)state;
    memset(text, 'a', sizeof text);
    nstring_print_string(&out, bytes_make(text, NSTRING_QUOTED_MAX));
    assert_int_equal(buf_bytes(&out).at[0], '"');
    buf_clear(&out);
    nstring_print_string(&out, bytes_make(text, NSTRING_QUOTED_MAX + 1));
    assert_int_equal(buf_bytes(&out).at[0], '{');
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_nil),
        cmocka_unit_test(test_longest_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
