/* The table of bodies. */
#include "store/body_table.h"

#include "kit/assert_bytes.h"

static void test_bodies(void **context)
{
    struct body_table table = { 0 };
    struct body_entry *entry;

    (void)context;
    for (uint64_t id = 1; id <= 200; id++) {
        entry = body_table_add(&table, (struct body_id){ id * 2 }, (struct place){ 1, id }, id);
        assert_non_null(entry);
        body_table_reference(&table, entry);
    }
    assert_null(body_table_add(&table, (struct body_id){ 8 }, (struct place){ 1, 1 }, 1));
    assert_null(body_table_find(&table, (struct body_id){ 7 }));
    for (uint64_t id = 1; id <= 150; id++)
        body_table_unreference(&table, body_table_find(&table, (struct body_id){ id * 2 }), id);
    assert_int_equal(table.dead, 150);
    body_table_purge(&table, 100);
    assert_int_equal(table.count, 100);
    assert_null(body_table_find(&table, (struct body_id){ 200 }));
    assert_non_null(body_table_find(&table, (struct body_id){ 202 }));
    assert_int_equal(body_table_find(&table, (struct body_id){ 400 })->place.offset, 200);
    body_table_done(&table);
}

/* Many in any order, some of them several times. */
static void test_collecting(void **context)
{
    struct body_table table = { 0 };

    (void)context;
    for (uint64_t i = 0; i < 1000; i++)
        body_table_collect(&table, (struct body_id){ 1 + i * 7 % 500 }, (struct place){ 4, i }, 5,
                           1);
    body_table_collect(&table, (struct body_id){ 1000 }, (struct place){ 4, 1 }, 9, 0);
    body_table_settle(&table);
    assert_int_equal(table.count, 501);
    assert_int_equal(table.dead, 1);
    assert_int_equal(table.living_bytes, 500 * 5);
    for (uint64_t id = 1; id <= 500; id++)
        assert_int_equal(body_table_find(&table, (struct body_id){ id })->messages, 2);
    body_table_settle(&table);
    assert_int_equal(table.count, 501);
    body_table_reference(&table, body_table_find(&table, (struct body_id){ 1000 }));
    assert_int_equal(table.living_bytes, 500 * 5 + 9);
    assert_int_equal(table.died_bytes, 0);
    body_table_unreference(&table, body_table_find(&table, (struct body_id){ 1000 }), 1);
    assert_int_equal(table.living_bytes, 500 * 5);
    assert_int_equal(table.died_bytes, 9);
    body_table_reference(&table, body_table_find(&table, (struct body_id){ 1000 }));
    assert_int_equal(table.died_bytes, 0);
    body_table_unreference(&table, body_table_find(&table, (struct body_id){ 1000 }), 2);
    body_table_done(&table);
}

static void test_moving(void **context)
{
    const struct body_id id = { 3 };
    struct body_table table = { 0 };

    (void)context;
    (void)body_table_add(&table, id, (struct place){ 4, 8192 }, 5);
    body_table_move(&table, id, (struct place){ 4, 8200 }, (struct place){ 6, 1 });
    body_table_move(&table, id, (struct place){ 8, 8192 }, (struct place){ 6, 1 });
    assert_int_equal(body_table_find(&table, id)->place.segment, 4);
    body_table_move(&table, id, (struct place){ 4, 8192 }, (struct place){ 6, 1 });
    assert_int_equal(body_table_find(&table, id)->place.segment, 6);
    assert_int_equal(body_table_find(&table, id)->place.offset, 1);
    body_table_move(&table, (struct body_id){ 4 }, (struct place){ 4, 8192 },
                    (struct place){ 6, 1 });
    body_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_collecting),
        cmocka_unit_test(test_moving),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
