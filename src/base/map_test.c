/* The hash map, against an array that is searched from end to end. */
#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/num.h"
#include "kit/assert_bytes.h"

static void test_set_get_remove(void **state)
{
    struct map map = map_make(7);
    int one = 1;
    int two = 2;

    (void)state;
    assert_null(map_get(&map, BYTES("a")));
    assert_null(map_remove(&map, BYTES("a")));
    assert_null(map_set(&map, BYTES("a"), &one));
    assert_null(map_set(&map, BYTES("a\0"), &two));
    assert_null(map_set(&map, BYTES(""), &two));
    assert_ptr_equal(map_set(&map, BYTES("a"), &two), &one);
    assert_int_equal(map.count, 3);
    assert_ptr_equal(map_get(&map, bytes_make(NULL, 0)), &two);
    assert_null(map_get(&map, BYTES("A")));
    assert_ptr_equal(map_remove(&map, BYTES("a")), &two);
    assert_null(map_get(&map, BYTES("a")));
    assert_ptr_equal(map_get(&map, BYTES("a\0")), &two);
    map_done(&map);
    assert_int_equal(map.count, 0);
}

static void test_keys_are_copied(void **state)
{
    struct map map = map_make(7);
    char key[] = "key";
    int value = 0;

    (void)state;
    assert_null(map_set(&map, bytes_make(key, 3), &value));
    key[0] = 'x';
    assert_ptr_equal(map_get(&map, BYTES("key")), &value);
    map_done(&map);
}

enum { MODEL_KEYS = 500, MODEL_STEPS = 30000 };

static void assert_walk_meets_all(const struct map *map, int *const model[MODEL_KEYS])
{
    size_t position = 0;
    size_t met = 0;
    struct bytes key;
    void *value;

    while (map_next(map, &position, &key, &value)) {
        uint64_t index;

        assert_true(num_parse(bytes_slice(key, 0, key.len - 1), MODEL_KEYS - 1, &index));

        assert_ptr_equal(model[index], value);
        met++;
    }
    for (size_t i = 0; i < MODEL_KEYS; i++)
        met -= model[i] != NULL;
    assert_int_equal(met, 0);
}

static void test_against_a_model(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    struct map map = map_make(seed);
    int *model[MODEL_KEYS] = { NULL };
    int values[16] = { 0 };

    (void)state;
    print_message("seed %u\n", seed);
    for (int step = 0; step < MODEL_STEPS; step++) {
        size_t index = (size_t)rand_r(&seed) % MODEL_KEYS;
        int *value = &values[rand_r(&seed) % 16];
        char text[16];
        struct bytes key;

        /* The final NUL is part of the key. */
        key = bytes_make(text, (size_t)snprintf(text, sizeof(text), "%zu", index) + 1);
        if (rand_r(&seed) % 2 == 0) {
            assert_ptr_equal(map_set(&map, key, value), model[index]);
            model[index] = value;
        } else {
            assert_ptr_equal(map_remove(&map, key), model[index]);
            model[index] = NULL;
        }
        assert_ptr_equal(map_get(&map, key), model[index]);
    }
    assert_walk_meets_all(&map, model);
    map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_get_remove),
        cmocka_unit_test(test_keys_are_copied),
        cmocka_unit_test(test_against_a_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
