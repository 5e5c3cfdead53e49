/* Keywords, bodies, threads and the names of mailboxes. */
#include <stdio.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "store/body_table.h"
#include "store/keyword.h"
#include "store/state.h"
#include "store/thread_table.h"

static void test_keywords(void **context)
{
    struct keyword_table table = { 0 };
    uint8_t longest[KEYWORD_BYTES_MAX + 1];
    char name[16];

    (void)context;
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(keyword_table_add(&table, BYTES("$Forwarded")), 0);
    assert_int_equal(keyword_table_add(&table, BYTES("$FORWARDED")), 0);
    ASSERT_BYTES(table.names[0], BYTES("$Forwarded"));
    assert_int_equal(keyword_table_find(&table, BYTES("other")), -1);
    assert_int_equal(keyword_table_add(&table, bytes_make(longest, KEYWORD_BYTES_MAX)), 1);
    assert_int_equal(keyword_table_add(&table, bytes_make(longest, KEYWORD_BYTES_MAX + 1)), -1);
    assert_int_equal(keyword_table_add(&table, BYTES("")), -1);
    for (int i = 2; i < KEYWORDS_PER_MAILBOX_MAX; i++) {
        (void)snprintf(name, sizeof(name), "k%d", i);
        assert_int_equal(keyword_table_add(&table, bytes_from_string(name)), i);
    }
    assert_int_equal(keyword_table_add(&table, BYTES("toomany")), -1);
    assert_int_equal(keyword_table_find(&table, BYTES("K127")), 127);
    keyword_table_done(&table);
}

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
        cmocka_unit_test(test_keywords),      cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_threads),       cmocka_unit_test(test_names),
        cmocka_unit_test(test_subscriptions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
