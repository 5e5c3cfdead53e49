/* ASCII classes, over every byte and what lies outside. */
#include "base/ascii.h"

#include <string.h>

#include "kit/assert_bytes.h"

struct class_case {
    const char *name;
    bool (*is)(int c);
    const char *members;
};

static void test_classes_hold_their_members_only(void **state)
{
    static const struct class_case cases[] = {
        { "digit", ascii_is_digit, "0123456789" },
        { "upper", ascii_is_upper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
        { "lower", ascii_is_lower, "abcdefghijklmnopqrstuvwxyz" },
        { "blank", ascii_is_blank, " \t" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (int c = -1; c < 300; c++) {
            bool wanted = c > 0 && c < 256 && strchr(cases[i].members, c) != NULL;

            if (cases[i].is(c) != wanted)
                fail_msg("%s is wrong about %d", cases[i].name, c);
        }
    }
}

static void test_joined_classes(void **state)
{
    (void)state;
    for (int c = -1; c < 256; c++) {
        assert_int_equal(ascii_is_alpha(c), ascii_is_upper(c) || ascii_is_lower(c));
        assert_int_equal(ascii_is_alnum(c), ascii_is_alpha(c) || ascii_is_digit(c));
        assert_int_equal(ascii_is_control(c), (c >= 0 && c < 32) || c == 127);
    }
}

static void test_values_and_case(void **state)
{
    static const char digits[] = "0123456789abcdef";

    (void)state;
    for (int i = 0; i < 16; i++) {
        assert_int_equal(ascii_hex_value(digits[i]), i);
        assert_int_equal(ascii_hex_value(ascii_upper(digits[i])), i);
    }
    assert_int_equal(ascii_hex_value('g'), -1);
    assert_int_equal(ascii_hex_value('@'), -1);
    assert_int_equal(ascii_hex_value(-1), -1);
    assert_int_equal(ascii_digit_value('9'), 9);
    assert_int_equal(ascii_lower('Q'), 'q');
    assert_int_equal(ascii_lower('['), '[');
    assert_int_equal(ascii_lower(0xc4), 0xc4);
    assert_int_equal(ascii_upper('q'), 'Q');
    assert_int_equal(ascii_upper('{'), '{');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_hold_their_members_only),
        cmocka_unit_test(test_joined_classes),
        cmocka_unit_test(test_values_and_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
