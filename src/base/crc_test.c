/* CRC32C: the vectors of RFC 3720 sB.4, and both ways of computing it agree. */
#include "base/crc.h"

#include <string.h>

#include "kit/assert_bytes.h"

static void test_known_values(void **state)
{
    uint8_t zeros[32] = { 0 };
    uint8_t ones[32];
    uint8_t rising[32];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    for (size_t i = 0; i < sizeof(rising); i++)
        rising[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, bytes_make(zeros, 32)), 0x8a9136aa);
    assert_int_equal(crc32c(0, bytes_make(ones, 32)), 0x62a8ab43);
    assert_int_equal(crc32c(0, bytes_make(rising, 32)), 0x46dd794e);
    assert_int_equal(crc32c(0, BYTES("123456789")), 0xe3069283);
    assert_int_equal(crc32c(0, bytes_make(NULL, 0)), 0);
}

static void test_goes_on_at_any_cut_and_both_ways_agree(void **state)
{
    struct bytes text = BYTES("The quick brown fox jumps over the lazy dog, twice.");
    uint32_t seed = 0x12345678;
    uint32_t whole = crc32c(seed, text);

    (void)state;
    assert_int_not_equal(whole, crc32c(seed + 1, text));
    assert_int_equal(whole, crc32c_plain(seed, text));
    for (size_t cut = 0; cut <= text.len; cut++) {
        uint32_t first = crc32c(seed, bytes_slice(text, 0, cut));

        assert_int_equal(first, crc32c_plain(seed, bytes_slice(text, 0, cut)));
        assert_int_equal(crc32c(first, bytes_from(text, cut)), whole);
    }
}

/* Long ones are taken in stretches. */
static void test_long_ones(void **state)
{
    static uint8_t text[3000];
    uint32_t seed = 0x9abcdef0;

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * i * 31 + i / 7);
    for (size_t len = 0; len < sizeof(text) - 8; len += 1 + len / 100)
        for (size_t from = 0; from < 8; from += 7) {
            struct bytes some = bytes_make(text + from, len);

            assert_int_equal(crc32c(seed, some), crc32c_plain(seed, some));
            assert_int_equal(crc32c(0, some), crc32c_plain(0, some));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_goes_on_at_any_cut_and_both_ways_agree),
        cmocka_unit_test(test_long_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
