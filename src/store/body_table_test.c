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
        body_table_collect(&table, (struct body_id){ 1 + i * 7 % 500 }, (struct place){ 4, i }, 5);
    body_table_settle(&table);
    assert_int_equal(table.count, 500);
    assert_int_equal(table.dead, 0);
    for (uint64_t id = 1; id <= 500; id++)
        assert_int_equal(body_table_find(&table, (struct body_id){ id })->messages, 2);
    body_table_settle(&table);
    assert_int_equal(table.count, 500);
    body_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_collecting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
