/* Ids and where they lead. */
#include "ipc/route.h"

#include "kit/assert_bytes.h"

static void test_shards(void **state)
{
    const struct ipc_account_id id = { { 7, 1, 0, 0, 0, 0, 0, 0, 0xff } }; /* 263 */
    static const struct {
        uint16_t shards;
        uint16_t want;
    } rows[] = { { 0, 0 }, { 1, 0 }, { 2, 1 }, { 100, 63 }, { 65535, 263 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(ipc_shard_of(&id, rows[i].shards), rows[i].want);
}

static void test_text_and_sameness(void **state)
{
    struct ipc_account_id id = { { 0x00, 0x1f, 0xa0, [15] = 0xff } };
    struct ipc_account_id other = id;
    struct ipc_account_id again = { { 1 } };
    char text[IPC_ID_TEXT_BYTES];

    (void)state;
    ipc_id_print(id.raw, text);
    assert_string_equal(text, "001fa0000000000000000000000000ff");
    assert_false(ipc_id_parse("001fa0000000000000000000000000ff0", again.raw));
    assert_false(ipc_id_parse("001fa0000000000000000000000000f", again.raw));
    assert_false(ipc_id_parse("001fa0000000000000000000000000fx", again.raw));
    assert_false(ipc_id_parse(NULL, again.raw));
    assert_int_equal(again.raw[0], 1);
    assert_true(ipc_id_parse(text, again.raw));
    assert_true(ipc_id_equal(&id, &again));
    assert_true(ipc_id_equal(&id, &other));
    other.raw[15] = 0xfe;
    assert_false(ipc_id_equal(&id, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_text_and_sameness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
