/* Sets of UIDs. */
#include "store/uid_set.h"

#include "kit/assert_bytes.h"

static void test_has(void **state)
{
    const struct uid_range ranges[] = { { 2, 2 }, { 5, 9 }, { 4294967295u, 4294967295u } };
    struct uid_set set = { ranges, 3 };

    (void)state;
    assert_true(uid_set_has(set, 2));
    assert_true(uid_set_has(set, 5));
    assert_true(uid_set_has(set, 9));
    assert_true(uid_set_has(set, 4294967295u));
    assert_false(uid_set_has(set, 1));
    assert_false(uid_set_has(set, 3));
    assert_false(uid_set_has(set, 10));
    assert_false(uid_set_has((struct uid_set){ 0 }, 1));
    assert_int_equal(uid_set_span(set), 7);
    assert_true(uid_set_is_valid(set));
}

static void test_validity(void **state)
{
    const struct uid_range zero[] = { { 0, 2 } };
    const struct uid_range turned[] = { { 3, 2 } };
    const struct uid_range touching[] = { { 1, 2 }, { 3, 4 } };
    const struct uid_range after_all[] = { { 1, 4294967295u }, { 5, 6 } };

    (void)state;
    assert_false(uid_set_is_valid((struct uid_set){ zero, 1 }));
    assert_false(uid_set_is_valid((struct uid_set){ turned, 1 }));
    assert_false(uid_set_is_valid((struct uid_set){ touching, 2 }));
    assert_false(uid_set_is_valid((struct uid_set){ after_all, 2 }));
    assert_true(uid_set_is_valid((struct uid_set){ NULL, 0 }));
}

static void test_builder(void **state)
{
    struct arena arena = arena_make(4096);
    struct uid_set_builder builder = uid_set_builder_make(&arena);
    struct uid_set set;

    (void)state;
    uid_set_add(&builder, 1, 1);
    uid_set_add(&builder, 2, 4);
    for (uint32_t uid = 10; uid < 60; uid += 2)
        uid_set_add(&builder, uid, uid);
    assert_true(uid_set_finish(&builder, &set));
    assert_int_equal(set.count, 26);
    assert_int_equal(set.ranges[0].last, 4);
    assert_true(uid_set_is_valid(set));
    arena_done(&arena);
}

static void test_builder_over_budget(void **state)
{
    struct arena arena = arena_make(200);
    struct uid_set_builder builder = uid_set_builder_make(&arena);
    struct uid_set set = { 0 };

    (void)state;
    for (uint32_t uid = 1; uid < 100; uid += 2)
        uid_set_add(&builder, uid, uid);
    assert_false(uid_set_finish(&builder, &set));
    assert_null(set.ranges);
    arena_done(&arena);
}

static void test_normalise(void **state)
{
    struct uid_range ranges[] = { { 7, 9 },  { 1, 2 }, { 3, 3 }, { 8, 12 }, { 20, 4294967295u },
                                  { 30, 40 } };
    uint32_t count = uid_ranges_normalise(ranges, 6);

    (void)state;
    assert_int_equal(count, 3);
    assert_int_equal(ranges[0].last, 3);
    assert_int_equal(ranges[1].first, 7);
    assert_int_equal(ranges[1].last, 12);
    assert_int_equal(ranges[2].last, 4294967295u);
    assert_int_equal(uid_ranges_normalise(NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_has),       cmocka_unit_test(test_validity),
        cmocka_unit_test(test_builder),   cmocka_unit_test(test_builder_over_budget),
        cmocka_unit_test(test_normalise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
