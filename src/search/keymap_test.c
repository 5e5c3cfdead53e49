/* Numbers under keys, against the keys themselves. */
#include "search/keymap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "kit/random.h"

enum { KEYS = 20000 };

/* Key n of the run. */
static uint64_t key_of(uint64_t seed, uint32_t n)
{
    struct test_random random = { seed + n };

    return test_random_next(&random) | 1;
}

/* With so much work for each key. Answers how much of it was done. */
static uint64_t fill(struct search_keymap *map, uint64_t seed, unsigned work_each)
{
    uint64_t done = 0;

    for (uint32_t i = 1; i <= KEYS; i++) {
        unsigned work = work_each;
        uint32_t *number = search_keymap_at(map, key_of(seed, i), &work);

        assert_int_equal(*number, 0);
        *number = i;
        assert_true(work <= work_each);
        done += work_each - work;
    }
    return done;
}

static void test_numbers(void **state)
{
    uint64_t seed = (uint64_t)time(NULL) << 32;
    struct search_keymap map;
    unsigned work = 0;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    search_keymap_init(&map);
    (void)fill(&map, seed, 5);
    for (uint32_t n = 1; n <= KEYS; n++)
        assert_int_equal(*search_keymap_at(&map, key_of(seed, n), &work), n);
    assert_int_equal(*search_keymap_at(&map, 2, &work), 0);
    search_keymap_done(&map);
}

/* A step for each slot of each growth, as far as there are any left; it grows all the same. */
static void test_work(void **state)
{
    struct search_keymap map;
    uint64_t freed = 0;
    uint64_t slots;
    bool is_free;
    unsigned work;

    (void)state;
    search_keymap_init(&map);
    assert_int_equal(fill(&map, 1, 0), 0);
    search_keymap_done(&map);
    slots = fill(&map, 1, 1000000);
    assert_in_range(slots, KEYS, 8 * KEYS);
    do {
        work = 100;
        is_free = search_keymap_free_step(&map, &work);
        assert_true(work == 0 || (is_free && work <= 100));
        freed += 100 - work;
    } while (!is_free);
    assert_in_range(freed, SEARCH_KEYMAP_PARTS, slots);
    search_keymap_done(&map);
}

/* Keys that are alike: of one part, of one slot, with one half in common, with a half of zeros. */
static void test_neighbours(void **state)
{
    static const uint64_t keys[] = { 1,
                                     UINT64_C(1) << 32,
                                     UINT64_C(2) << 32,
                                     UINT64_C(1) << 32 | 1,
                                     UINT64_C(1) << 32 | 9,
                                     9,
                                     17,
                                     UINT64_MAX,
                                     UINT64_MAX - 1,
                                     UINT32_MAX };
    struct search_keymap map;
    unsigned work = 0;

    (void)state;
    search_keymap_init(&map);
    for (uint32_t i = 0; i < ARRAY_COUNT(keys); i++)
        *search_keymap_at(&map, keys[i], &work) = i + 1;
    for (uint32_t i = 0; i < ARRAY_COUNT(keys); i++)
        assert_int_equal(*search_keymap_at(&map, keys[i], &work), i + 1);
    search_keymap_done(&map);
}

static void test_freed(void **state)
{
    struct search_keymap map;
    unsigned work = 1000000;

    (void)state;
    search_keymap_init(&map);
    (void)fill(&map, 1, 0);
    assert_true(search_keymap_free_step(&map, &work));
    (void)fill(&map, 2, 0);
    work = 1000;
    assert_false(search_keymap_free_step(&map, &work));
    search_keymap_done(&map);
    (void)fill(&map, 1, 0);
    search_keymap_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_work),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
