/* Random bytes. */
#include "sys/entropy.h"

#include <string.h>

#include "kit/assert_bytes.h"

static void test_fills_all_and_no_more(void **state)
{
    static uint8_t room[1024 + 2];
    size_t zeros = 0;

    (void)state;
    memset(room, 0, sizeof(room));
    entropy_fill(room + 1, 1024);
    assert_int_equal(room[0], 0);
    assert_int_equal(room[1025], 0);
    for (size_t i = 1; i <= 1024; i++)
        zeros += room[i] == 0;
    assert_true(zeros < 64); /* 4 are expected */
    entropy_fill(room, 0);
    assert_int_equal(room[0], 0);
}

static void test_numbers_differ(void **state)
{
    (void)state;
    assert_true(entropy_u64() != entropy_u64());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_all_and_no_more),
        cmocka_unit_test(test_numbers_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
