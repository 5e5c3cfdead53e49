/* The list of what is lost: order, names, limits. act_undelete_test.c has what it is for. */
#include "store/lost.h"

#include <string.h>

#include "kit/assert_bytes.h"
#include "store/state.h"

static struct mailbox *mailbox(struct state *state, uint32_t id, const char *name)
{
    return state_mailbox_new(state, (struct mailbox_id){ id }, bytes_from_string(name));
}

static void add_message(struct lost *lost, uint32_t in, uint32_t uid)
{
    struct lost_message message = { .mailbox = in, .row.uid = { uid }, .row.body = { uid } };

    assert_int_equal(lost_add_message(lost, &message), ERR_OK);
}

static void test_mailboxes(void **context)
{
    struct state state;
    struct lost lost = { 0 };
    struct mailbox *one = mailbox(&state, 1, "one");
    struct mailbox *again = mailbox(&state, 1, "one");
    struct mailbox *other = mailbox(&state, 1, "other");

    (void)keyword_table_add(&one->keywords, BYTES("red"));
    assert_int_equal(lost_add_mailbox(&lost, one), 0);
    assert_int_equal(lost_add_mailbox(&lost, other), 1);
    (void)keyword_table_add(&one->keywords, BYTES("blue"));
    assert_int_equal(lost_add_mailbox(&lost, one), 0);
    assert_int_equal(lost.mailboxes[0].keywords.count, 2);
    assert_true(lost.mailboxes[0].seen > lost.mailboxes[1].seen);
    assert_int_equal(lost_add_mailbox(&lost, again), 2); /* its keywords are others */
    state_mailbox_free(one);
    state_mailbox_free(again);
    state_mailbox_free(other);
    ASSERT_BYTES(lost.mailboxes[0].name, BYTES("one"));
    lost_done(&lost);
    assert_int_equal(lost.mailbox_count, 0);
}

static void test_order(void **context)
{
    static const uint32_t want[] = { 3, 7, 2, 9 };
    static const bool keep[] = { true, true, false, true, true };
    struct lost lost = { 0 };

    add_message(&lost, 1, 9);
    add_message(&lost, 0, 7);
    add_message(&lost, 0, 5);
    add_message(&lost, 1, 2);
    add_message(&lost, 0, 3);
    lost_add_flags(&lost, &(struct lost_flags){ .mailbox = 1, .uid = { 4 }, .flags = 1 });
    lost_add_flags(&lost, &(struct lost_flags){ .mailbox = 0, .uid = { 5 }, .flags = 2 });
    lost_add_flags(&lost, &(struct lost_flags){ .mailbox = 0, .uid = { 9 }, .flags = 1 });
    lost_add_flags(&lost, &(struct lost_flags){ .mailbox = 0, .uid = { 8 }, .flags = 1 });
    lost_settle(&lost, keep);
    assert_int_equal(lost.message_count, 4);
    for (size_t i = 0; i < ARRAY_COUNT(want); i++)
        assert_int_equal(lost.messages[i].row.uid.value, want[i]);
    assert_int_equal(lost_first_message(&lost, 0), 0);
    assert_int_equal(lost_first_message(&lost, 1), 2);
    assert_int_equal(lost_first_message(&lost, 2), 4);
    assert_int_equal(lost.flags[0].uid.value, 8);
    assert_int_equal(lost.flags[1].uid.value, 9);
    assert_int_equal(lost.flags[2].uid.value, 5);
    assert_int_equal(lost_first_flags(&lost, 1), 3);
    assert_int_equal(lost_first_flags(&lost, 2), 4);
    lost_done(&lost);
}

static void test_limit(void **context)
{
    struct lost_message message = { .row.body = { 1 } };
    struct lost lost = { 0 };

    for (size_t i = 0; i < LOST_MESSAGES_MAX; i++)
        assert_int_equal(lost_add_message(&lost, &message), ERR_OK);
    assert_int_equal(lost_add_message(&lost, &message), ERR_LIMIT);
    assert_int_equal(lost.message_count, LOST_MESSAGES_MAX);
    lost_done(&lost);
}

static void test_events(void **context)
{
    struct lost_event event = { .change = { 7 }, .session = 3 };
    struct lost lost = { 0 };
    uint8_t actor[] = "anne";

    event.actor = bytes_make(actor, 4);
    assert_int_equal(lost_add_event(&lost, &event), 0);
    event.actor.len = 0;
    assert_int_equal(lost_add_event(&lost, &event), 1);
    memset(actor, 'x', 4);
    ASSERT_BYTES(lost.events[0].actor, BYTES("anne"));
    assert_int_equal(lost.events[1].actor.len, 0);
    lost_done(&lost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mailboxes),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
