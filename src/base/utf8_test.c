/* Strict UTF-8 (RFC 3629). */
#include "base/utf8.h"

#include "kit/assert_bytes.h"

static void test_every_scalar_comes_back(void **state)
{
    (void)state;
    for (uint32_t code_point = 0; code_point <= 0x110010; code_point++) {
        uint8_t raw[UTF8_BYTES_MAX];
        uint32_t back = 0;
        size_t len = utf8_encode(code_point, raw);
        bool scalar = code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff);

        if ((len > 0) != scalar)
            fail_msg("U+%04X", code_point);
        if (len > 0 && (utf8_decode(bytes_make(raw, len), &back) != len || back != code_point))
            fail_msg("U+%04X came back as U+%04X", code_point, back);
        if (len > 1 && utf8_decode(bytes_make(raw, len - 1), &back) != 0)
            fail_msg("U+%04X without its last byte was taken", code_point);
    }
}

static void test_validity(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        { "", true },
        { "plain", true },
        { "Gr\xc3\xbc\xc3\x9f", true },
        { "\xe2\x82\xac", true },
        { "\xf0\x9f\x90\x93", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\xc0\x80", false }, /* overlong NUL */
        { "\xc1\xbf", false },
        { "\xe0\x9f\xbf", false },
        { "\xf0\x8f\xbf\xbf", false },
        { "\xed\xa0\x80", false }, /* surrogate */
        { "\xf4\x90\x80\x80", false }, /* above U+10FFFF */
        { "\xf5\x80\x80\x80", false },
        { "\x80", false },
        { "a\xc3", false },
        { "\xc3(", false },
        { "\xfe\xff", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        if (utf8_is_valid(bytes_from_string(cases[i].text)) != cases[i].valid)
            fail_msg("case %zu", i);
}

static void test_ascii(void **state)
{
    (void)state;
    assert_true(utf8_is_ascii(bytes_make(NULL, 0)));
    assert_true(utf8_is_ascii(BYTES("\x00\x7f")));
    assert_false(utf8_is_ascii(BYTES("a\x80")));
}

/* The byte that ends a run at every place of the words that it is looked at in. */
static void test_ascii_runs(void **state)
{
    enum { LEN = 80 };
    uint8_t text[LEN];

    (void)state;
    for (size_t i = 0; i < LEN; i++)
        text[i] = (uint8_t)(i % 2 == 0 ? 0x7f : 0);
    for (size_t start = 0; start < 9; start++)
        for (size_t end = start; end < LEN; end++) {
            uint8_t kept = text[end];

            text[end] = 0x80;
            assert_int_equal(utf8_ascii_run(bytes_make(text + start, LEN - start)), end - start);
            text[end] = kept;
            assert_int_equal(utf8_ascii_run(bytes_make(text + start, end - start)), end - start);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_scalar_comes_back),
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_ascii_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
