/* Counters as JSON: every result has a label of its own, fit for one. */
#include "daemon/role/stats.h"

#include "kit/assert_bytes.h"

static void test_labels(void **state)
{
    (void)state;
    for (int i = 0; i < IPC_RESULT_COUNT; i++) {
        struct bytes label = bytes_from_string(role_stats_result((enum ipc_result)i));

        for (size_t at = 0; at < label.len; at++)
            assert_true((label.at[at] >= 'a' && label.at[at] <= 'z') || label.at[at] == '_');
        assert_false(bytes_equal(label, BYTES("unknown")));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(role_stats_result((enum ipc_result)k), label.at);
    }
}

static void test_results(void **state)
{
    uint64_t counts[IPC_RESULT_COUNT] = { 0 };
    struct buf out = buf_make(ROLE_STATS_BYTES_MAX);

    (void)state;
    role_stats_print_results(&out, counts);
    ASSERT_BYTES(buf_bytes(&out), BYTES("{\"ok\":0}"));
    buf_clear(&out);
    counts[IPC_OK] = UINT64_MAX;
    counts[IPC_OVER_QUOTA] = 7;
    role_stats_print_results(&out, counts);
    ASSERT_BYTES(buf_bytes(&out), BYTES("{\"ok\":18446744073709551615,\"over_quota\":7}"));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_results),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
