/* The index of summaries against a plain array. */
#include "store/summary_index.h"

#include <stdlib.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/random.h"
#include "store/body_table.h"

enum { BODIES = 40000 };

static void add(struct summary_index *index, uint64_t *model, uint64_t body, uint64_t offset)
{
    struct summary_entry entry = { body, offset, (uint32_t)(offset % 1000) };

    assert_true(summary_index_fits(&entry));
    summary_index_add(index, &entry);
    model[body] = offset;
}

static void assert_same(const struct summary_index *index, const uint64_t *model)
{
    uint64_t bytes = 0;
    size_t near = 0;

    for (uint64_t body = 0; body < BODIES; body++) {
        struct summary_entry entry;
        uint64_t other = body * 7919 % BODIES;

        assert_int_equal(summary_index_find_near(index, body, &near, &entry), model[body] != 0);
        if (body % 5 == 0) /* back and forth */
            assert_int_equal(summary_index_find_near(index, other, &near, &entry),
                             model[other] != 0);
        assert_int_equal(summary_index_find(index, body, &entry), model[body] != 0);
        if (model[body] == 0)
            continue;
        assert_int_equal(entry.body, body);
        assert_int_equal(entry.offset, model[body]);
        assert_int_equal(entry.length, model[body] % 1000);
        bytes += SUMMARY_ENTRY_BYTES + entry.length;
    }
    assert_int_equal(summary_index_bytes(index), bytes);
}

static void test_random(void **context)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);
    uint64_t *model = calloc(BODIES, sizeof(*model));
    struct test_random random = { seed };
    struct summary_index index = { 0 };
    struct body_table bodies = { 0 };

    (void)context;
    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)seed);
    for (uint64_t body = 3; body < BODIES; body += 3)
        assert_true(body_table_add(&bodies, (struct body_id){ body }, (struct place){ 4, 1 }, 1));
    for (uint64_t body = 1; body < BODIES; body += 2)
        add(&index, model, body, 32 + test_random_below(&random, UINT64_C(1) << 38));
    assert_false(summary_index_purge(&index, &bodies)); /* none was begun */
    summary_index_purge_begin(&index);
    while (summary_index_purge(&index, &bodies)) {
        /* What comes meanwhile may stand before the place that the purge has come to. */
        uint64_t body = test_random_below(&random, BODIES / 3) * 3;

        if (body != 0)
            add(&index, model, body, 32 + test_random_below(&random, 5000));
    }
    for (uint64_t body = 0; body < BODIES; body++)
        if (body % 3 != 0)
            model[body] = 0;
    assert_same(&index, model);
    add(&index, model, 1, 77); /* again, after it was forgotten */
    assert_same(&index, model);
    summary_index_done(&index);
    body_table_done(&bodies);
    free(model);
}

static void test_merge(void **context)
{
    uint64_t *model = calloc(BODIES, sizeof(*model));
    struct summary_index older = { 0 };
    struct summary_index newer = { 0 };

    (void)context;
    for (uint64_t body = 2; body < BODIES; body += 2)
        add(&older, model, body, 1000 + body);
    for (uint64_t body = 3; body < BODIES; body += 3)
        add(&newer, model, body, 9000 + body);
    summary_index_merge(&newer, &older);
    assert_same(&newer, model);
    assert_null(older.slots);
    summary_index_done(&newer);
    free(model);
}

static void test_limits(void **context)
{
    static const struct {
        struct summary_entry entry;
        bool fits;
    } cases[] = {
        { { 1, (UINT64_C(1) << 39) - 1, (1u << 25) - 1 }, true },
        { { 1, UINT64_C(1) << 39, 1 }, false },
        { { 1, 32, 1u << 25 }, false },
        { { 1, 0, 1 }, false },
    };

    (void)context;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct summary_index index = { 0 };
        struct summary_entry found;

        assert_int_equal(summary_index_fits(&cases[i].entry), cases[i].fits);
        if (!cases[i].fits)
            continue;
        summary_index_add(&index, &cases[i].entry);
        assert_true(summary_index_find(&index, 1, &found));
        assert_int_equal(found.offset, cases[i].entry.offset);
        assert_int_equal(found.length, cases[i].entry.length);
        summary_index_done(&index);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
