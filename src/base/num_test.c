/* Numbers as text and as stored bytes. */
#include "base/num.h"

#include "kit/assert_bytes.h"

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool good;
        uint64_t value;
    } cases[] = {
        { "0", 0, true, 0 },
        { "1", 0, false, 0 },
        { "007", 7, true, 7 },
        { "4294967295", UINT32_MAX, true, UINT32_MAX },
        { "4294967296", UINT32_MAX, false, 0 },
        { "42949672950", UINT32_MAX, false, 0 },
        { "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
        { "18446744073709551616", UINT64_MAX, false, 0 },
        { "99999999999999999999", UINT64_MAX, false, 0 },
        { "", 9, false, 0 },
        { "-1", 9, false, 0 },
        { "+1", 9, false, 0 },
        { " 1", 9, false, 0 },
        { "1 ", 9, false, 0 },
        { "0x1", 99, false, 0 },
        { "9", 8, false, 0 },
        { "19", 18, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint64_t value = 77;

        if (num_parse(bytes_from_string(cases[i].text), cases[i].max, &value) != cases[i].good)
            fail_msg("\"%s\" up to %ju", cases[i].text, (uintmax_t)cases[i].max);
        assert_true(value == (cases[i].good ? cases[i].value : 77));
    }
}

static void test_print_is_undone_by_parse(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t number = (UINT64_C(1) << bit) - 1;
        char digits[NUM_DECIMAL_MAX];
        uint64_t back;

        assert_true(num_parse(bytes_make(digits, num_print(number, digits)), UINT64_MAX, &back));
        assert_true(back == number);
    }
}

static void test_print_digits(void **state)
{
    static const struct {
        uint64_t number;
        struct bytes digits;
    } rows[] = {
        { 0, BYTES("0") },
        { 9, BYTES("9") },
        { 10, BYTES("10") },
        { 99, BYTES("99") },
        { 100, BYTES("100") },
        { 905, BYTES("905") },
        { 9999, BYTES("9999") },
        { 10000, BYTES("10000") },
        { 99999, BYTES("99999") },
        { 123456, BYTES("123456") },
        { 10000000, BYTES("10000000") },
        { UINT64_MAX, BYTES("18446744073709551615") },
    };
    char digits[NUM_DECIMAL_MAX];
    uint8_t pair[2];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        ASSERT_BYTES(bytes_make(digits, num_print(rows[i].number, digits)), rows[i].digits);
    num_print_pair(7, pair);
    ASSERT_BYTES(bytes_make(pair, 2), BYTES("07"));
    num_print_pair(2042, pair);
    ASSERT_BYTES(bytes_make(pair, 2), BYTES("42"));
}

static void test_stored_little_endian(void **state)
{
    uint8_t raw[8];

    (void)state;
    num_store_u64(raw, UINT64_C(0x8182838485868788));
    ASSERT_BYTES(bytes_make(raw, 8), BYTES("\x88\x87\x86\x85\x84\x83\x82\x81"));
    assert_true(num_load_u64(raw) == UINT64_C(0x8182838485868788));
    assert_int_equal(num_load_u32(raw), 0x85868788);
    assert_int_equal(num_load_u16(raw), 0x8788);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_print_is_undone_by_parse),
        cmocka_unit_test(test_print_digits),
        cmocka_unit_test(test_stored_little_endian),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
