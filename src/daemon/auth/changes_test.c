/* Changed accounts: seen since, not before, and never missed when the ring is too short. */
#include "daemon/auth/changes.h"

#include "kit/assert_bytes.h"

static void test_since(void **state)
{
    static struct changes changes;
    struct accounts_id anna = { { 1 } };
    struct accounts_id bert = { { 2 } };

    (void)state;
    assert_false(changes_since(&changes, &anna, 0));
    changes_note(&changes, &anna);
    assert_true(changes_since(&changes, &anna, 0));
    assert_false(changes_since(&changes, &anna, 1));
    assert_false(changes_since(&changes, &bert, 0));
    for (int i = 1; i < CHANGES_KEPT; i++)
        changes_note(&changes, &anna);
    assert_false(changes_since(&changes, &bert, 0));
    changes_note(&changes, &anna);
    assert_true(changes_since(&changes, &bert, 0));
    assert_false(changes_since(&changes, &bert, 1));
    changes_note(&changes, &bert);
    assert_true(changes_since(&changes, &bert, CHANGES_KEPT + 1));
    assert_false(changes_since(&changes, &bert, CHANGES_KEPT + 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_since) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
