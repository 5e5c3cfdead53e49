/* Values as written, and back. */
#include "config/value.h"

#include "kit/assert_bytes.h"

enum { BAD = 0, GOOD = 1 };

struct value_case {
    const char *text;
    int good;
    uint64_t value;
    const char *printed;
};

static void test_sizes(void **state)
{
    static const struct value_case cases[] = {
        { "0", GOOD, 0, "0" },
        { "1", GOOD, 1, "1" },
        { "1024", GOOD, 1024, "1K" },
        { "1025", GOOD, 1025, "1025" },
        { "10M", GOOD, 10485760, "10M" },
        { "2g", GOOD, UINT64_C(2) << 30, "2G" },
        { "1T", GOOD, UINT64_C(1) << 40, "1T" },
        { "9223372036854775807", GOOD, INT64_MAX, "9223372036854775807" },
        { "9223372036854775808", BAD, 0, NULL },
        { "8388608T", BAD, 0, NULL },
        { "99999999999999999999", BAD, 0, NULL },
        { "", BAD, 0, NULL },
        { "M", BAD, 0, NULL },
        { "10 M", BAD, 0, NULL },
        { "10MB", BAD, 0, NULL },
        { "-1", BAD, 0, NULL },
        { "1.5M", BAD, 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = buf_make(64);
        uint64_t value = 99;

        assert_int_equal(config_size_parse(bytes_from_string(cases[i].text), &value),
                         cases[i].good);
        assert_true(value == (cases[i].good ? cases[i].value : 99));
        config_size_print(value, &out);
        if (cases[i].good)
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(cases[i].printed));
        buf_done(&out);
    }
}

static void test_durations(void **state)
{
    static const struct value_case cases[] = {
        { "0", GOOD, 0, "0" },
        { "0s", GOOD, 0, "0" },
        { "1500ms", GOOD, 1500, "1500ms" },
        { "60s", GOOD, 60000, "1m" },
        { "90m", GOOD, 5400000, "90m" },
        { "24H", GOOD, 86400000, "1d" },
        { "30d", GOOD, UINT64_C(2592000000), "30d" },
        { "30", BAD, 0, NULL },
        { "30x", BAD, 0, NULL },
        { "s", BAD, 0, NULL },
        { "106751991168d", BAD, 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = buf_make(64);
        uint64_t value = 99;

        assert_int_equal(config_duration_parse(bytes_from_string(cases[i].text), &value),
                         cases[i].good);
        assert_true(value == (cases[i].good ? cases[i].value : 99));
        config_duration_print(value, &out);
        if (cases[i].good)
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(cases[i].printed));
        buf_done(&out);
    }
}

static void test_bools(void **state)
{
    static const struct value_case cases[] = {
        { "yes", GOOD, 1, NULL },  { "NO", GOOD, 0, NULL },  { "True", GOOD, 1, NULL },
        { "off", GOOD, 0, NULL },  { "1", GOOD, 1, NULL },   { "", BAD, 0, NULL },
        { "maybe", BAD, 0, NULL }, { "yes ", BAD, 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        bool value = false;

        assert_int_equal(config_bool_parse(bytes_from_string(cases[i].text), &value),
                         cases[i].good);
        assert_int_equal(value, cases[i].value);
    }
}

static void test_choices(void **state)
{
    unsigned index = 9;

    (void)state;
    assert_true(config_choice_parse(BYTES("Strict"), "normal strict", &index));
    assert_int_equal(index, 1);
    assert_false(config_choice_parse(BYTES("str"), "normal strict", &index));
    assert_false(config_choice_parse(BYTES(""), "normal strict", &index));
    assert_int_equal(index, 1);
    ASSERT_BYTES(config_choice_text("normal strict", 0), BYTES("normal"));
    ASSERT_BYTES(config_choice_text("normal strict", 1), BYTES("strict"));
    ASSERT_BYTES(config_choice_text("normal strict", 2), BYTES(""));
}

static void test_words(void **state)
{
    struct bytes rest = BYTES("  one\ttwo\n three ");

    (void)state;
    ASSERT_BYTES(config_word_take(&rest), BYTES("one"));
    ASSERT_BYTES(config_word_take(&rest), BYTES("two"));
    ASSERT_BYTES(config_word_take(&rest), BYTES("three"));
    ASSERT_BYTES(config_word_take(&rest), BYTES(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes), cmocka_unit_test(test_durations),
        cmocka_unit_test(test_bools), cmocka_unit_test(test_choices),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
