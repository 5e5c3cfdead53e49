/* Columns against plain arrays. */
#include "store/column.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/random.h"

struct model {
    struct column column;
    uint64_t values[COLUMN_VALUES_MAX];
    uint32_t count;
};

static void assert_same(const struct column *column, const uint64_t *values, uint32_t count)
{
    uint64_t loaded[COLUMN_VALUES_MAX];
    uint64_t sum = 0;

    column_load(column, 0, count, loaded);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(loaded[i], values[i]);
        assert_int_equal(column_get(column, i), values[i]);
        sum += values[i];
    }
    assert_int_equal(column_sum(column, 0, count), sum);
}

static void append(struct model *model, uint64_t value)
{
    column_append(&model->column, model->count, value);
    model->values[model->count++] = value;
}

static void test_what_costs_nothing(void **state)
{
    struct model model = { .count = 0 };

    (void)state;
    for (uint32_t i = 0; i < COLUMN_VALUES_MAX; i++)
        append(&model, 77);
    assert_null(model.column.array);
    assert_same(&model.column, model.values, model.count);
    assert_true(column_is_constant(&model.column));
    column_done(&model.column);
    model.count = 0;
    for (uint32_t i = 0; i < COLUMN_VALUES_MAX; i++)
        append(&model, 5000000000 + i);
    assert_null(model.column.array);
    assert_same(&model.column, model.values, model.count);
    assert_int_equal(column_find(&model.column, model.count, 5000000009), 9);
    assert_int_equal(column_find(&model.column, model.count, 1), 0);
    assert_int_equal(column_find(&model.column, model.count, UINT64_MAX), model.count);
    assert_true(column_ascends(&model.column, model.count));
}

/* The last value that a width can hold, and the first that it cannot. */
static void test_width_at_its_border(void **state)
{
    static const struct {
        uint64_t most;
        uint8_t width;
    } borders[] = {
        { 0, 0 },
        { UINT8_MAX, 1 },
        { UINT8_MAX + 1, 2 },
        { UINT16_MAX, 2 },
        { UINT16_MAX + 1, 4 },
        { UINT32_MAX, 4 },
        { UINT64_C(1) << 32, 8 },
        { UINT64_MAX, 8 },
    };
    static const uint64_t bases[] = { 0, 1, 1000, UINT64_MAX, UINT64_C(1) << 63, UINT32_MAX };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(borders); i++) {
        for (size_t j = 0; j < ARRAY_COUNT(bases); j++) {
            struct model model = { .count = 0 };

            append(&model, bases[j]);
            append(&model, bases[j]);
            append(&model, bases[j] + borders[i].most);
            append(&model, bases[j]);
            assert_same(&model.column, model.values, model.count);
            if (borders[i].most <= INT64_MAX)
                assert_int_equal(model.column.width, borders[i].width);
            column_set(&model.column, model.count, 1, bases[j] - borders[i].most);
            model.values[1] = bases[j] - borders[i].most;
            assert_same(&model.column, model.values, model.count);
            column_done(&model.column);
        }
    }
}

/* Numbers that go down are packed anew now and then, not each time. */
static void test_going_down(void **state)
{
    struct model model = { .count = 0 };
    const struct column_array *array = NULL;
    uint32_t renewed = 0;

    (void)state;
    for (uint32_t i = 0; i < COLUMN_VALUES_MAX; i++) {
        append(&model, UINT64_C(1) << 40 | (COLUMN_VALUES_MAX - i) * UINT64_C(1000));
        renewed += model.column.array != array;
        array = model.column.array;
    }
    assert_true(renewed < 64);
    assert_same(&model.column, model.values, model.count);
    column_done(&model.column);
}

static void test_sharing(void **state)
{
    struct model model = { .count = 0 };
    uint64_t before[COLUMN_VALUES_MAX];
    struct column theirs;
    uint32_t seen;

    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        append(&model, i % 3 * 100);
    theirs = column_share(&model.column);
    assert_true(column_is_same(&theirs, &model.column));
    seen = model.count;
    memcpy(before, model.values, sizeof(before));
    append(&model, 250); /* room was left: behind what they see */
    assert_ptr_equal(theirs.array, model.column.array);
    column_set(&model.column, model.count, 3, 9);
    model.values[3] = 9;
    assert_ptr_not_equal(theirs.array, model.column.array);
    assert_same(&theirs, before, seen);
    assert_same(&model.column, model.values, model.count);
    assert_int_equal(column_count_bytes(&theirs, 1), 32);
    assert_int_equal(column_count_bytes(&theirs, 1), 0);
    assert_int_equal(column_count_bytes(&theirs, 2), 32);
    column_done(&theirs);
    assert_same(&model.column, model.values, model.count);
    column_fill(&model.column, 4);
    assert_null(model.column.array);
    assert_int_equal(column_get(&model.column, 20), 4);
}

static void test_find_without(void **state)
{
    uint64_t values[COLUMN_VALUES_MAX];
    struct column column = { 0 };

    (void)state;
    for (uint32_t hole = 0; hole <= 300; hole++) {
        for (uint32_t i = 0; i < 300; i++)
            values[i] = i == hole ? 4 : 1 | (i & 2);
        column_store(&column, values, 300);
        assert_int_equal(column_find_without(&column, 300, 1), hole);
    }
    values[299] = UINT64_C(1) << 40;
    column_store(&column, values, 300);
    assert_int_equal(column_find_without(&column, 300, 1), 299);
    column_fill(&column, 3);
    assert_int_equal(column_find_without(&column, 300, 1), 300);
    assert_int_equal(column_find_without(&column, 300, 4), 0);
    column_done(&column);
}

static void assert_refused(struct buf *bytes, uint32_t count, size_t at, uint8_t byte)
{
    struct bytes raw = buf_bytes(bytes);
    uint8_t copy[256];
    struct reader reader;
    struct column column = { .base = 1 };

    assert_true(raw.len <= sizeof(copy));
    memcpy(copy, raw.at, raw.len);
    copy[at] = byte;
    reader = reader_make(bytes_make(copy, raw.len));
    assert_false(column_decode(&reader, count, &column));
}

static void test_decoding_refuses(void **state)
{
    struct buf bytes = buf_make(1 << 16);
    struct model model = { .count = 0 };
    struct reader reader;
    struct column column;

    (void)state;
    for (uint32_t i = 0; i < 50; i++)
        append(&model, i * 10000);
    column_encode(&bytes, &model.column, model.count);
    assert_int_equal(model.column.width, 4);
    assert_refused(&bytes, 50, 0, 3);
    assert_refused(&bytes, 50, 0, 16);
    assert_refused(&bytes, 50, 0, 255);
    assert_refused(&bytes, 50, 1, 2);
    for (size_t len = 0; len < bytes.len; len++) {
        reader = reader_make(bytes_slice(buf_bytes(&bytes), 0, len));
        assert_false(column_decode(&reader, 50, &column));
    }
    reader = reader_make(buf_bytes(&bytes));
    assert_false(column_decode(&reader, COLUMN_VALUES_MAX + 1, &column));
    buf_done(&bytes);
    column_done(&model.column);
}

/* ---- random ---- */

static uint64_t random_value(struct test_random *random, unsigned kind, uint64_t before)
{
    switch (kind % 6) {
    case 0: return before + 1;
    case 1: return before + test_random_below(random, 300);
    case 2: return before - test_random_below(random, 70000);
    case 3: return test_random_below(random, 256);
    case 4: return test_random_next(random) >> test_random_below(random, 64);
    default: return before;
    }
}

static void check_codec(const struct model *model)
{
    struct buf bytes = buf_make(1 << 20);
    struct reader reader;
    struct column column;

    column_encode(&bytes, &model->column, model->count);
    reader = reader_make(buf_bytes(&bytes));
    assert_true(column_decode(&reader, model->count, &column) && reader_finish(&reader));
    assert_same(&column, model->values, model->count);
    column_done(&column);
    buf_done(&bytes);
}

static void check_parts(const struct model *model, struct test_random *random)
{
    uint16_t places[COLUMN_VALUES_MAX];
    uint64_t values[COLUMN_VALUES_MAX];
    struct column column;
    uint32_t count = 0;
    uint32_t half = model->count / 2;

    for (uint32_t i = 0; i < model->count; i++) {
        if (test_random_below(random, 3) == 0)
            continue;
        values[count] = model->values[i];
        places[count++] = (uint16_t)i;
    }
    column = column_select(&model->column, places, count);
    assert_same(&column, values, count);
    column_done(&column);
    column_append_from(&column, 0, &model->column, half, model->count - half);
    column_append_from(&column, model->count - half, &model->column, 0, half);
    assert_same(&column, model->values + half, model->count - half);
    for (uint32_t i = 0; i < half; i++)
        assert_int_equal(column_get(&column, model->count - half + i), model->values[i]);
    column_done(&column);
}

/* Beside a copy that is packed in another way, and one of which a single value is another. */
static void check_matches(const struct model *model, struct test_random *random)
{
    uint32_t at = (uint32_t)test_random_below(random, model->count);
    uint64_t values[COLUMN_VALUES_MAX];
    struct column shared = column_share(&model->column);
    struct column other = { 0 };

    memcpy(values, model->values, model->count * sizeof(*values));
    column_store(&other, values, model->count);
    assert_true(column_matches(&model->column, &other, 0, model->count));
    column_set(&shared, model->count, at, values[at] ^ 1);
    values[at] ^= UINT64_C(1) << test_random_below(random, 64);
    column_store(&other, values, model->count);
    for (uint32_t i = 0; i < 10; i++) {
        uint32_t first = (uint32_t)test_random_below(random, model->count);
        uint32_t count = 1 + (uint32_t)test_random_below(random, model->count - first);
        bool is_in = at >= first && at < first + count;

        assert_int_equal(column_matches(&model->column, &other, first, count), !is_in);
        assert_int_equal(column_matches(&model->column, &shared, first, count), !is_in);
    }
    column_done(&other);
    column_done(&shared);
}

static void run_random(struct test_random *random, unsigned kind)
{
    struct model *model = calloc(1, sizeof(*model));
    uint32_t rounds = 200 + (uint32_t)test_random_below(random, 2000);

    for (uint32_t i = 0; i < rounds; i++) {
        uint64_t last = model->count == 0 ? test_random_below(random, 1 << 20)
                                          : model->values[model->count - 1];
        unsigned mixed =
            test_random_below(random, 50) == 0 ? (unsigned)test_random_next(random) : kind;

        append(model, random_value(random, mixed, last));
        if (test_random_below(random, 4) == 0) {
            uint32_t at = (uint32_t)test_random_below(random, model->count);

            model->values[at] = random_value(random, mixed, model->values[at]);
            column_set(&model->column, model->count, at, model->values[at]);
        }
    }
    assert_same(&model->column, model->values, model->count);
    check_codec(model);
    check_parts(model, random);
    check_matches(model, random);
    column_store(&model->column, model->values, model->count);
    assert_same(&model->column, model->values, model->count);
    check_codec(model);
    column_done(&model->column);
    free(model);
}

static void test_random(void **state)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);
    struct test_random random = { seed };

    (void)state;
    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)seed);
    for (unsigned i = 0; i < 60; i++)
        run_random(&random, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_costs_nothing),
        cmocka_unit_test(test_width_at_its_border),
        cmocka_unit_test(test_going_down),
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_find_without),
        cmocka_unit_test(test_decoding_refuses),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
