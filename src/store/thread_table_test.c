/* The table of threads: known answers of the hash, forgetting the oldest. */
#include "store/thread_table.h"

#include "kit/assert_bytes.h"

static void test_threads(void **context)
{
    struct account_id account = { .raw = { 0 } };
    struct thread_table table = { 0 };
    struct thread_id thread;

    (void)context;
    for (uint8_t i = 0; i < 16; i++)
        account.raw[i] = i;
    /* The test vectors of the SipHash paper's reference code: key 00..0f, input 00..len-1. */
    assert_true(thread_hash(&account, BYTES("")) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(thread_hash(&account, bytes_make(account.raw, 15)) == UINT64_C(0xa129ca6149be45e5));
    for (uint64_t i = 0; i < THREAD_TABLE_MAX + 100; i++)
        thread_table_add(&table, i * UINT64_C(0x9e3779b97f4a7c15), (struct thread_id){ i + 1 });
    assert_int_equal(table.count, THREAD_TABLE_MAX);
    assert_int_equal(thread_table_at(&table, 0).thread.value, 101);
    for (uint64_t i = 0; i < THREAD_TABLE_MAX + 100; i++) {
        bool found = thread_table_find(&table, i * UINT64_C(0x9e3779b97f4a7c15), &thread);

        assert_int_equal(found, i >= 100);
        if (found)
            assert_int_equal(thread.value, i + 1);
    }
    thread_table_add(&table, 200 * UINT64_C(0x9e3779b97f4a7c15), (struct thread_id){ 7 });
    assert_true(thread_table_find(&table, 200 * UINT64_C(0x9e3779b97f4a7c15), &thread));
    assert_int_equal(thread.value, 201);
    thread_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
