/* The clocks. */
#include "sys/clock.h"

#include <time.h>

#include "kit/assert_bytes.h"

static void test_mono_never_steps_back(void **state)
{
    struct mono before = clock_mono();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct mono now = clock_mono();

        assert_true(now.ms >= before.ms);
        before = now;
    }
}

static void test_wall_is_the_time_of_the_c_library(void **state)
{
    int64_t before = (int64_t)time(NULL);
    int64_t now = wall_seconds(clock_wall());

    (void)state;
    assert_in_range(now, before, before + 2);
}

static void test_sleep_takes_as_long(void **state)
{
    struct mono before = clock_mono();

    (void)state;
    clock_sleep_ms(20);
    assert_true(clock_mono().ms - before.ms >= 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mono_never_steps_back),
        cmocka_unit_test(test_wall_is_the_time_of_the_c_library),
        cmocka_unit_test(test_sleep_takes_as_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
