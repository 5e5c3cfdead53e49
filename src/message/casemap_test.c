/* i;unicode-casemap. */
#include "message/casemap.h"

#include <string.h>

#include "kit/assert_bytes.h"

static void test_fold(void **state)
{
    static const struct {
        struct bytes text;
        struct bytes folded;
    } cases[] = {
        { BYTES(""), BYTES("") },
        { BYTES("Hello, 1"), BYTES("HELLO, 1") },
        { BYTES("\xc3\xa9"), BYTES("E\xcc\x81") }, /* e acute */
        { BYTES("\xc3\x89"), BYTES("E\xcc\x81") },
        { BYTES("e\xcc\x81"), BYTES("E\xcc\x81") },
        { BYTES("\xc7\x84"), BYTES("Dz\xcc\x8c") }, /* U+01C4: the example of RFC 5051 s2 */
        { BYTES("\xef\xac\x81"), BYTES("fi") }, /* the ligature has no titlecase of its own */
        { BYTES("\xc3\x9f"), BYTES("\xc3\x9f") }, /* sharp s: no simple titlecase */
        { BYTES("\xef\xbc\xa1"), BYTES("A") }, /* full width A */
        { BYTES("\xea\xb0\x80"), BYTES("\xe1\x84\x80\xe1\x85\xa1") }, /* Hangul */
        { BYTES("abc\xff"), BYTES("abc\xff") }, /* not UTF-8: as it is */
    };
    struct buf out = buf_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        buf_clear(&out);
        casemap_fold(cases[i].text, &out);
        ASSERT_BYTES(buf_bytes(&out), cases[i].folded);
    }
    buf_done(&out);
}

/* Each ASCII byte, wherever it stands in the eight that are folded at once. */
static void test_ascii(void **state)
{
    struct buf out = buf_make(1000);
    uint8_t text[23];

    (void)state;
    for (int c = 0; c < 128; c++)
        for (size_t place = 0; place < sizeof(text); place++) {
            uint8_t folded = (uint8_t)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);

            memset(text, '~', sizeof(text));
            text[place] = (uint8_t)c;
            buf_clear(&out);
            casemap_fold(bytes_make(text, sizeof(text)), &out);
            text[place] = folded;
            ASSERT_BYTES(buf_bytes(&out), bytes_make(text, sizeof(text)));
        }
    buf_done(&out);
}

/* Every value folds to something of bounded length. */
static void test_all_code_points(void **state)
{
    struct buf out = buf_make(1000);

    (void)state;
    for (uint32_t c = 0; c <= 0x110001; c++) {
        buf_clear(&out);
        casemap_fold_code_point(c, &out);
        assert_in_range(out.len, 1, 18 * 4);
    }
    buf_clear(&out);
    casemap_fold_code_point(0xD800, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("\xef\xbf\xbd"));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_all_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
