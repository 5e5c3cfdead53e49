/* Places in the order of dates, against the simplest way to sort. */
#include "search/by_date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "kit/random.h"

enum { DATES_MAX = 300, ROUNDS = 200 };

static bool comes_before(const int64_t *dates, uint32_t a, uint32_t b)
{
    return dates[a] < dates[b] || (dates[a] == dates[b] && a < b);
}

/* Puts them in order with so much work in each step, and looks at each neighbour. */
static void check(const int64_t *dates, uint32_t count, unsigned work_each)
{
    struct search_by_date order;
    unsigned work = work_each;

    search_by_date_init(&order, count);
    for (uint32_t i = 0; i < count; i++)
        search_by_date_add(&order, dates[i]);
    while (!search_by_date_step(&order, &work)) {
        assert_int_equal(work, 0);
        work = work_each;
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_true(order.from[i].place < count);
        assert_int_equal(order.from[i].seconds, dates[order.from[i].place]);
        assert_true(i == 0 || comes_before(dates, order.from[i - 1].place, order.from[i].place));
    }
    search_by_date_done(&order);
}

static void test_ends(void **state)
{
    static const int64_t dates[] = { 0, INT64_MAX, INT64_MIN, -1, 0, 1, INT64_MIN, 2048, 2047 };

    (void)state;
    for (uint32_t count = 0; count <= ARRAY_COUNT(dates); count++)
        check(dates, count, 3);
}

static void test_random_dates(void **state)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);
    struct test_random random = { seed };

    (void)state;
    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)seed);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t count = (uint32_t)test_random_below(&random, DATES_MAX + 1);
        unsigned bits = 1 + (unsigned)test_random_below(&random, 64);
        int64_t dates[DATES_MAX];

        for (uint32_t i = 0; i < count; i++)
            dates[i] = (int64_t)(test_random_next(&random) >> (64 - bits)) - 1000;
        check(dates, count, 1 + (unsigned)test_random_below(&random, 1000));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_random_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
