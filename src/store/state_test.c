/* Names, ids and subscriptions of an account. */
#include "store/state.h"

#include "kit/assert_bytes.h"

static struct mailbox *add(struct state *state, uint32_t id, const char *name)
{
    struct mailbox *mailbox =
        state_mailbox_new(state, (struct mailbox_id){ id }, bytes_from_string(name));

    state_add(state, mailbox);
    return mailbox;
}

static void test_names(void **context)
{
    struct state state;
    struct mailbox *mailbox;

    (void)context;
    state_init(&state);
    (void)add(&state, 3, "a/b");
    mailbox = add(&state, 1, "a");
    (void)add(&state, 2, "a-b");
    assert_int_equal(state_find(&state, BYTES("a-b"))->id.value, 2);
    assert_int_equal(state_find_id(&state, (struct mailbox_id){ 3 })->id.value, 3);
    assert_null(state_find(&state, BYTES("")));
    assert_null(state_find_id(&state, (struct mailbox_id){ 9 }));
    assert_true(state_has_below(&state, BYTES("a")));
    assert_false(state_has_below(&state, BYTES("a-b")));
    assert_false(state_has_below(&state, BYTES("a/")));
    state_set_name(&state, mailbox, BYTES("z"));
    assert_null(state_find(&state, BYTES("a")));
    assert_ptr_equal(state_find(&state, BYTES("z")), mailbox);
    assert_true(state_has_below(&state, BYTES("a")));
    mailbox_hold(mailbox);
    state_remove(&state, mailbox);
    assert_true(mailbox_is_deleted(mailbox));
    ASSERT_BYTES(mailbox_name(mailbox), BYTES("z"));
    assert_null(state_find(&state, BYTES("z")));
    mailbox_release(mailbox);
    assert_int_equal(state.mailbox_count, 2);
    state_done(&state);
}

static void test_subscriptions(void **context)
{
    struct state state;

    (void)context;
    state_init(&state);
    assert_true(state_subscribe(&state, BYTES("b"), true));
    assert_false(state_subscribe(&state, BYTES("b"), true));
    assert_true(state_subscribe(&state, BYTES("a"), true));
    assert_false(state_subscribe(&state, BYTES("c"), false));
    ASSERT_BYTES(state.subscriptions[0], BYTES("a"));
    assert_true(state_subscribe(&state, BYTES("a"), false));
    assert_int_equal(state.subscription_count, 1);
    state_done(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_subscriptions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
