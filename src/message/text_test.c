/* The way from stored bytes to text. */
#include "message/text.h"

#include <string.h>

#include "message/message_test.h"

static void read_in_steps(const struct text_options *options, struct bytes raw, size_t step,
                          struct buf *out)
{
    struct text_reader *reader = text_reader_new(options);

    buf_clear(out);
    for (; raw.len > 0; raw = bytes_from(raw, step))
        text_reader_feed(reader, bytes_slice(raw, 0, step), out);
    text_reader_finish(reader, out);
    text_reader_free(reader);
}

static void test_read(void **state)
{
    static const struct {
        struct text_options options;
        struct bytes raw;
        struct bytes text;
    } cases[] = {
        { { .encoding = TRANSFER_7BIT }, BYTES("Hello"), BYTES("Hello") },
        { { .encoding = TRANSFER_8BIT }, BYTES("caf\xe9 \xc3\xa9"), BYTES("caf\xc3\xa9 \xc3\xa9") },
        { { TRANSFER_8BIT, BYTES("us-ascii"), false, false }, BYTES("\xe9"), BYTES("\xc3\xa9") },
        { { TRANSFER_QUOTED_PRINTABLE, BYTES("iso-8859-1"), false, true },
          BYTES("caf=\r\n=E9"),
          BYTES("CAFE\xcc\x81") },
        { { TRANSFER_BASE64, BYTES("koi8-r"), false, false },
          BYTES("0NLJ18XU"),
          BYTES("\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82") },
        { { TRANSFER_QUOTED_PRINTABLE, BYTES("utf-8"), true, true },
          BYTES("<p>caf&eacute;</p>=\r\n<b>=C3=A9</b>"),
          BYTES(" CAFE\xcc\x81 E\xcc\x81") },
        { { TRANSFER_7BIT, BYTES("utf-8"), true, false }, BYTES("a &am"), BYTES("a &am") },
        { { TRANSFER_7BIT, BYTES("utf-8"), false, false }, BYTES("a\xc3"), BYTES("a\xef\xbf\xbd") },
        { { TRANSFER_8BIT, BYTES("utf-8"), false, true },
          BYTES("ab\xc3\xa9 c\xc3xy"), /* a character that ASCII follows, and half of one */
          BYTES("ABE\xcc\x81 C\xef\xbf\xbdXY") },
        { { TRANSFER_7BIT, BYTES("iso-2022-jp"), false, true },
          BYTES("ab\x1b$BF|K\\\x1b(Bc"), /* ASCII letters that are no such thing */
          BYTES("AB\xe6\x97\xa5\xe6\x9c\xac"
                "C") },
        { { TRANSFER_7BIT, BYTES("utf-8"), true, true }, BYTES("<p>a</p>b"), BYTES(" A B") },
    };
    struct buf out = buf_make(10000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t step = 1; step <= 40; step++) {
            read_in_steps(&cases[i].options, cases[i].raw, step, &out);
            ASSERT_BYTES(buf_bytes(&out), cases[i].text);
        }
    }
    text_reader_free(NULL);
    buf_done(&out);
}

/* Another text with the same reader: nothing of the one before is left. */
static void test_restart(void **state)
{
    static const struct text_options first = { TRANSFER_QUOTED_PRINTABLE, BYTES("utf-8"), true,
                                               true };
    static const struct text_options second = { TRANSFER_BASE64, BYTES("iso-2022-jp"), true,
                                                false };
    struct text_reader *reader = text_reader_new(&second);
    struct buf out = buf_make(1000);

    (void)state;
    text_reader_feed(reader, BYTES("GyRCRnxLXA=="), &out);
    text_reader_restart(reader, &first);
    buf_clear(&out);
    text_reader_feed(reader, BYTES("<style>x =C3"), &out);
    text_reader_restart(reader, &second);
    text_reader_feed(reader, BYTES("GyRCRnxLXBsoQg=="), &out);
    text_reader_finish(reader, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("\xe6\x97\xa5\xe6\x9c\xac"));
    text_reader_free(reader);
    buf_done(&out);
}

/* A large part in one piece is taken in steps; nothing is lost at their edges. */
static void test_large(void **state)
{
    struct text_options options = { TRANSFER_7BIT, BYTES("utf-8"), false, true };
    struct buf raw = buf_make(1000 * 1000), out = buf_make(4 * 1000 * 1000);

    (void)state;
    while (raw.len < 300 * 1000)
        buf_add(&raw, BYTES("x\xc3\xa9"));
    read_in_steps(&options, buf_bytes(&raw), raw.len, &out);
    assert_int_equal(out.len, raw.len / 3 * 4);
    ASSERT_BYTES(bytes_slice(buf_bytes(&out), 0, 8), BYTES("XE\xcc\x81XE\xcc\x81"));
    buf_done(&raw);
    buf_done(&out);
}

static void test_header(void **state)
{
    struct buf out = buf_make(1000);

    (void)state;
    text_header(BYTES("=?utf-8?q?caf=C3=A9?=\r\n x"), false, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("caf\xc3\xa9 x"));
    buf_clear(&out);
    text_header(BYTES("=?utf-8?q?caf=C3=A9?="), true, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("CAFE\xcc\x81"));
    buf_clear(&out);
    text_search_key(BYTES("Caf\xc3\xa9"), &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("CAFE\xcc\x81"));
    buf_done(&out);
}

/* However plain a value is, its folded text is its text, folded. */
static void test_folded_header(void **state)
{
    static const struct bytes values[] = {
        BYTES(""),
        BYTES("Plain Words <a@b.example>"),
        BYTES("tab\tand\x01control"),
        BYTES("a NUL\0 in"),
        BYTES("cut\r\n here"),
        BYTES("cut\n here"),
        BYTES("bare\rcr"),
        BYTES("=?"),
        BYTES("a =?us-ascii?q?b=5F?= c"),
        BYTES("caf\xc3\xa9"),
        BYTES("caf\xe9"),
        BYTES("\x1b$B%+\x1b(B x"),
        BYTES("~{;;~} \x7f"),
        BYTES("+AOQ-"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        struct buf text = buf_make(1000);
        struct buf folded = buf_make(1000);
        struct buf at_once = buf_make(1000);

        text_header(values[i], false, &text);
        text_search_key(buf_bytes(&text), &folded);
        text_header(values[i], true, &at_once);
        ASSERT_BYTES(buf_bytes(&at_once), buf_bytes(&folded));
        buf_done(&text);
        buf_done(&folded);
        buf_done(&at_once);
    }
}

static void test_one_line(void **state)
{
    static const struct {
        struct bytes text;
        size_t chars_max;
        struct bytes line;
    } cases[] = {
        { BYTES("  a \r\n\t b  "), 10, BYTES("a b") },
        { BYTES("abcdef"), 3, BYTES("abc") },
        { BYTES("ab cd"), 3, BYTES("ab") },
        { BYTES("ab cd"), 4, BYTES("ab c") },
        { BYTES("\xc3\xa9\xc3\xa9\xc3\xa9"), 2, BYTES("\xc3\xa9\xc3\xa9") },
        { BYTES("a\xc2\xa0\xe2\x80\x8c\xcd\x8f"
                "b"),
          10, BYTES("a b") },
        { BYTES("a\xff\x01"
                "b"),
          10, BYTES("a b") },
        { BYTES(" \r\n "), 10, BYTES("") },
    };
    struct buf out = buf_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        buf_clear(&out);
        text_one_line(cases[i].text, cases[i].chars_max, &out);
        ASSERT_BYTES(buf_bytes(&out), cases[i].line);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),   cmocka_unit_test(test_restart),
        cmocka_unit_test(test_large),  cmocka_unit_test(test_folded_header),
        cmocka_unit_test(test_header), cmocka_unit_test(test_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
