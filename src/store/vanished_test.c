/* The history of expunges. */
#include "store/vanished.h"

#include "kit/assert_bytes.h"
#include "store/uid_set.h"

static const struct uid_range everything[] = { { 1, UINT32_MAX } };
static const struct uid_set all = { everything, 1 };

static void test_since(void **state)
{
    struct arena arena = arena_make(1 << 16);
    struct vanished vanished = { 0 };
    const struct uid_range some[] = { { 1, 5 }, { 9, 9 } };
    struct uid_set set;

    (void)state;
    vanished_add(&vanished, (struct uid_range){ 9, 9 }, 5);
    vanished_add(&vanished, (struct uid_range){ 4, 4 }, 6);
    vanished_add(&vanished, (struct uid_range){ 5, 6 }, 6);
    vanished_add(&vanished, (struct uid_range){ 3, 3 }, 8);
    assert_int_equal(vanished.count, 3);
    assert_true(vanished_reaches(&vanished, 0));
    assert_true(vanished_since(&vanished, 0, all, &arena, &set));
    assert_int_equal(set.count, 2);
    assert_int_equal(set.ranges[0].first, 3);
    assert_int_equal(set.ranges[0].last, 6);
    assert_int_equal(set.ranges[1].first, 9);
    assert_true(vanished_since(&vanished, 6, all, &arena, &set));
    assert_int_equal(set.count, 1);
    assert_int_equal(set.ranges[0].first, 3);
    assert_true(vanished_since(&vanished, 8, all, &arena, &set));
    assert_int_equal(set.count, 0);
    assert_true(vanished_since(&vanished, 4, (struct uid_set){ some, 2 }, &arena, &set));
    assert_int_equal(set.count, 2);
    assert_int_equal(set.ranges[0].last, 5);
    vanished_done(&vanished);
    arena_done(&arena);
}

static void test_forgets_whole_changes(void **state)
{
    struct arena arena = arena_make(1 << 24);
    struct vanished vanished = { 0 };
    struct uid_set set;

    (void)state;
    for (uint32_t i = 0; i < VANISHED_RANGES_MAX + 1; i++)
        vanished_add(&vanished, (struct uid_range){ i * 2 + 1, i * 2 + 1 }, 1 + i / 3);
    assert_true(vanished.count <= VANISHED_RANGES_MAX / 2 + 1);
    assert_false(vanished_reaches(&vanished, 0));
    assert_false(vanished_reaches(&vanished, vanished.complete_since - 1));
    assert_true(vanished_reaches(&vanished, vanished.complete_since));
    assert_true(vanished.ranges[0].modseq > vanished.complete_since);
    assert_true(vanished_since(&vanished, vanished.complete_since, all, &arena, &set));
    assert_int_equal(set.count, vanished.count);
    vanished_done(&vanished);
    arena_done(&arena);
}

static void test_one_change_too_large(void **state)
{
    struct vanished vanished = { 0 };

    (void)state;
    for (uint32_t i = 0; i < VANISHED_RANGES_MAX + 10; i++)
        vanished_add(&vanished, (struct uid_range){ i * 2 + 1, i * 2 + 1 }, 7);
    assert_int_equal(vanished.count, 0);
    assert_false(vanished_reaches(&vanished, 6));
    assert_true(vanished_reaches(&vanished, 7));
    vanished_done(&vanished);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_since),
        cmocka_unit_test(test_forgets_whole_changes),
        cmocka_unit_test(test_one_change_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
