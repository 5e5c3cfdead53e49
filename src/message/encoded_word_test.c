/* Encoded-words. */
#include "message/encoded_word.h"

#include "base/utf8.h"
#include "message/message_test.h"

static void test_decode(void **state)
{
    static const struct {
        struct bytes value;
        struct bytes text;
    } cases[] = {
        { BYTES(""), BYTES("") },
        { BYTES("plain text"), BYTES("plain text") },
        { BYTES("=?utf-8?q?caf=C3=A9_x?="), BYTES("caf\xc3\xa9 x") },
        { BYTES("=?UTF-8?B?Y2Fmw6k=?="), BYTES("caf\xc3\xa9") },
        { BYTES("=?iso-8859-1?Q?caf=E9?="), BYTES("caf\xc3\xa9") },
        { BYTES("=?iso-8859-1*en?Q?caf=E9?="), BYTES("caf\xc3\xa9") },
        { BYTES("=?koi8-r?b?0NLJ18XU?="),
          BYTES("\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82") },
        { BYTES("=?iso-2022-jp?B?GyRCJDMbKEI=?="), BYTES("\xe3\x81\x93") },
        { BYTES("=?gb2312?B?xOO6ww==?="), BYTES("\xe4\xbd\xa0\xe5\xa5\xbd") },
        { BYTES("a =?utf-8?q?b?= c"), BYTES("a b c") },
        { BYTES("=?utf-8?q?a?= =?utf-8?q?b?="), BYTES("ab") },
        { BYTES("=?utf-8?q?a?=\r\n =?utf-8?q?b?= c"), BYTES("ab c") },
        { BYTES("=?utf-8?q?a?==?utf-8?q?b?="), BYTES("ab") },
        { BYTES("=?utf-8?q?a=C3?= =?utf-8?q?=A9?="),
          BYTES("a\xc3\xa9") }, /* a character cut in two */
        { BYTES("=?utf-8?b?ww==?= =?utf-8?b?qQ==?="), BYTES("\xc3\xa9") },
        { BYTES("=?utf-8?q?a?= =?iso-8859-1?q?=E9?="), BYTES("a\xc3\xa9") },
        { BYTES("in=?utf-8?q?side?=word"), BYTES("insideword") },
        { BYTES("\"=?utf-8?q?quoted?=\""), BYTES("\"quoted\"") },
        { BYTES("=?utf-8?q?with blank?="), BYTES("with blank") },
        { BYTES("=?utf-8?q?bad=4?="), BYTES("bad=4") },
        { BYTES("=?utf-8?x?no?="), BYTES("=?utf-8?x?no?=") },
        { BYTES("=?utf-8?q?open"), BYTES("=?utf-8?q?open") },
        { BYTES("=??q?x?="), BYTES("=??q?x?=") },
        { BYTES("=?=?utf-8?q?x?="), BYTES("=?x") },
        { BYTES("=?"), BYTES("=?") },
        { BYTES("=?no-such?q?=E9?="), BYTES("\xc3\xa9") },
        { BYTES("raw caf\xc3\xa9"), BYTES("raw caf\xc3\xa9") },
        { BYTES("raw caf\xe9"), BYTES("raw caf\xc3\xa9") },
        { BYTES("folded\r\n\ttext"), BYTES("folded text") },
    };
    struct buf out = buf_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bytes copy = exact_copy(cases[i].value);
        buf_clear(&out);
        encoded_word_decode(copy, &out);
        ASSERT_BYTES(buf_bytes(&out), cases[i].text);
        assert_true(utf8_is_valid(buf_bytes(&out)));
        exact_free(copy);
    }
    buf_done(&out);
}

static void test_length_limit(void **state)
{
    struct buf value = buf_make(ENCODED_WORD_BYTES_MAX * 2);
    struct buf out = buf_make(ENCODED_WORD_BYTES_MAX * 8);

    (void)state;
    buf_add(&value, BYTES("=?utf-8?q?"));
    while (value.len < ENCODED_WORD_BYTES_MAX - 2)
        buf_add_byte(&value, 'x');
    buf_add(&value, BYTES("?="));
    encoded_word_decode(buf_bytes(&value), &out);
    assert_int_equal(buf_bytes(&out).at[0], 'x');
    buf_truncate(&value, value.len - 2);
    buf_add(&value, BYTES("x?="));
    buf_clear(&out);
    encoded_word_decode(buf_bytes(&value), &out);
    assert_int_equal(buf_bytes(&out).at[0], '=');
    buf_done(&value);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_length_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
