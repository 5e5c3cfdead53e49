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

static void fill(struct search_keymap *map, uint64_t seed)
{
    for (uint32_t i = 1; i <= KEYS; i++) {
        uint32_t *number = search_keymap_at(map, key_of(seed, i));

        assert_int_equal(*number, 0);
        *number = i;
    }
}

static void test_numbers(void **state)
{
    static const size_t expected[] = { 0, 1, KEYS, 10 * KEYS };
    uint64_t seed = (uint64_t)time(NULL) << 32;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        struct search_keymap map;

        search_keymap_init(&map, expected[i]);
        fill(&map, seed);
        for (uint32_t n = 1; n <= KEYS; n++)
            assert_int_equal(*search_keymap_at(&map, key_of(seed, n)), n);
        assert_int_equal(*search_keymap_at(&map, 2), 0);
        search_keymap_done(&map);
    }
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

    (void)state;
    search_keymap_init(&map, 0);
    for (uint32_t i = 0; i < ARRAY_COUNT(keys); i++)
        *search_keymap_at(&map, keys[i]) = i + 1;
    for (uint32_t i = 0; i < ARRAY_COUNT(keys); i++)
        assert_int_equal(*search_keymap_at(&map, keys[i]), i + 1);
    search_keymap_done(&map);
}

static void test_freed_in_parts(void **state)
{
    struct search_keymap map;

    (void)state;
    search_keymap_init(&map, 0);
    fill(&map, 1);
    for (uint32_t i = 0; i < SEARCH_KEYMAP_PARTS; i++)
        search_keymap_free_part(&map, i);
    search_keymap_done(&map);
    fill(&map, 2);
    search_keymap_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_freed_in_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
