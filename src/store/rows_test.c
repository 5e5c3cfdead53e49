/* The rows of a mailbox, against a plain array. */
#include "store/rows.h"

#include <stdlib.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "store/uid_set.h"

enum { UID_MAX = 30000 };

struct model {
    struct rows rows;
    bool there[UID_MAX + 1];
    uint32_t removed_told;
};

static void on_removed(void *context, const struct block *block, const uint16_t *places,
                       uint32_t count)
{
    struct model *model = context;

    for (uint32_t i = 0; i < count; i++) {
        assert_true(model->there[block_uid(block, places[i])]);
        model->there[block_uid(block, places[i])] = false;
        model->removed_told++;
    }
}

static void assert_same(struct model *model)
{
    const struct uid_range everything[] = { { 1, UINT32_MAX } };
    struct rows_walk walk = rows_walk_make(&model->rows, (struct uid_set){ everything, 1 });
    struct row row;
    uint32_t count = 0;

    for (uint32_t uid = 1; uid <= UID_MAX; uid++) {
        if (!model->there[uid])
            continue;
        count++;
        assert_true(rows_walk_next(&walk, &row));
        assert_int_equal(row.uid.value, uid);
    }
    assert_false(rows_walk_next(&walk, &row));
    assert_int_equal(model->rows.count, count);
}

static struct model *filled(uint32_t count)
{
    struct model *model = calloc(1, sizeof(*model));

    for (uint32_t uid = 1; uid <= count; uid++) {
        struct row row = { .uid = { uid } };

        rows_append(&model->rows, &row);
        model->there[uid] = true;
    }
    return model;
}

static void done(struct model *model)
{
    rows_done(&model->rows);
    free(model);
}

static void test_find_and_count(void **state)
{
    struct model *model = filled(10000);
    struct row row;

    (void)state;
    assert_int_equal(model->rows.block_count, 3);
    assert_true(rows_get(&model->rows, 4097, &row));
    assert_int_equal(row.uid.value, 4097);
    assert_false(rows_get(&model->rows, 0, &row));
    assert_false(rows_get(&model->rows, 10001, &row));
    assert_int_equal(rows_count_from(&model->rows, 1), 10000);
    assert_int_equal(rows_count_from(&model->rows, 9999), 2);
    assert_int_equal(rows_count_from(&model->rows, UINT32_MAX), 0);
    done(model);
}

static void test_remove_keeps_the_rest(void **state)
{
    struct model *model = filled(3 * BLOCK_ROWS);
    const struct uid_range middle[] = { { BLOCK_ROWS + 5, BLOCK_ROWS + 6 } };
    const struct uid_range most[] = { { 2, BLOCK_ROWS + 4 }, { BLOCK_ROWS + 9, UINT32_MAX } };
    struct block *first = model->rows.blocks[0];

    (void)state;
    rows_remove(&model->rows, (struct uid_set){ middle, 1 }, on_removed, model);
    assert_int_equal(model->removed_told, 2);
    assert_ptr_equal(model->rows.blocks[0], first);
    assert_same(model);
    rows_remove(&model->rows, (struct uid_set){ most, 2 }, on_removed, model);
    assert_same(model);
    assert_int_equal(model->rows.count, 3);
    assert_int_equal(model->rows.block_count, 1); /* joined */
    done(model);
}

static void test_random_removals(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    struct model *model = filled(20000);
    uint32_t next = 20001;

    (void)state;
    print_message("seed %u\n", seed);
    for (int round = 0; round < 200; round++) {
        struct uid_range ranges[8];
        uint32_t count = 0;
        uint32_t uid = 1 + (uint32_t)rand_r(&seed) % 4000;

        for (; count < 8 && uid < next; count++) {
            ranges[count].first = uid;
            uid += (uint32_t)rand_r(&seed) % 60;
            ranges[count].last = uid;
            uid += 2 + (uint32_t)rand_r(&seed) % 5000;
        }
        rows_remove(&model->rows, (struct uid_set){ ranges, count }, on_removed, model);
        for (int i = 0; i < 40 && next <= UID_MAX; i++, next++) {
            struct row row = { .uid = { next } };

            rows_append(&model->rows, &row);
            model->there[next] = true;
        }
        assert_same(model);
    }
    done(model);
}

struct visit {
    struct uid_set set;
    bool hit[UID_MAX + 1];
};

static void on_visit(void *context, struct block **slot, const uint16_t *places, uint32_t count)
{
    struct visit *visit = context;

    assert_true(count > 0);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t uid = block_uid(*slot, places[i]);

        assert_true(i == 0 || places[i - 1] < places[i]);
        assert_false(visit->hit[uid]);
        visit->hit[uid] = true;
    }
}

/* Sets of single UIDs, of long ranges and of both, over blocks with holes. */
static void test_visits(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    struct model *model = filled(20000);

    (void)state;
    print_message("seed %u\n", seed);
    for (int round = 0; round < 60; round++) {
        struct uid_range ranges[2000];
        struct visit *visit = calloc(1, sizeof(*visit));
        uint32_t limit = 2u << (unsigned)(rand_r(&seed) % 12);
        uint32_t uid = 1 + (uint32_t)rand_r(&seed) % limit;
        uint32_t count = 0;

        for (; count < ARRAY_COUNT(ranges) && uid < UID_MAX; count++) {
            ranges[count].first = uid;
            uid += (uint32_t)rand_r(&seed) % 3 * ((uint32_t)rand_r(&seed) % limit);
            ranges[count].last = uid;
            uid += 2 + (uint32_t)rand_r(&seed) % limit;
        }
        visit->set = (struct uid_set){ ranges, count };
        rows_visit(&model->rows, visit->set, on_visit, visit);
        for (uid = 1; uid <= UID_MAX; uid++)
            assert_int_equal(visit->hit[uid], model->there[uid] && uid_set_has(visit->set, uid));
        free(visit);
        if (round % 4 == 3)
            rows_remove(&model->rows, (struct uid_set){ ranges, count > 200 ? 200 : count },
                        on_removed, model);
    }
    assert_same(model);
    done(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_and_count),
        cmocka_unit_test(test_remove_keeps_the_rest),
        cmocka_unit_test(test_random_removals),
        cmocka_unit_test(test_visits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
