/* What comes back and what does not, by name and time; what is refused. */
#include "store/act_undelete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/observer.h"
#include "store/account_state.h"
#include "store/acting.h"

struct scene {
    struct desk desk;
    struct seen now;
    struct seen before;
};

static void look(struct scene *scene)
{
    scene->before = scene->now;
    observer_look(&scene->desk, &scene->now);
}

static void finish(struct scene *scene)
{
    desk_close(&scene->desk);
    assert_int_equal(mem_vfs_open_files(scene->desk.vfs), 0);
    mem_vfs_free(scene->desk.vfs);
    free(scene);
}

/* Three messages in INBOX, with the UIDs 1 to 3. */
static struct scene *start_with_three(void)
{
    struct scene *scene = malloc(sizeof(*scene));

    memset(scene, 0, sizeof(*scene));
    desk_init(&scene->desk, mem_vfs_new(1));
    scene->desk.options.step_cost = 1;
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(desk_append(&scene->desk, desk_mailbox(&scene->desk, "INBOX"),
                                     BYTES("Subject: x\r\n\r\nbody"), FLAG_SEEN, NULL),
                         ERR_OK);
    return scene;
}

static void expunge(struct desk *desk, const char *name, uint32_t uid, enum protocol protocol)
{
    struct uid_range range = { uid, uid };
    struct origin origin = desk_origin(desk);
    uint32_t count;

    origin.protocol = protocol;
    assert_int_equal(desk_finish(desk, act_expunge(desk_mailbox(desk, name), &origin,
                                                   (struct uid_set){ &range, 1 }, false, &count)),
                     ERR_OK);
    assert_int_equal(count, 1);
    desk_sync(desk);
}

static void create(struct desk *desk, const char *name, unsigned uses)
{
    struct origin origin = desk_origin(desk);

    assert_int_equal(
        act_mailbox_create(desk->account, &origin, bytes_from_string(name), uses, NULL), ERR_OK);
}

static void remove_mailbox(struct desk *desk, const char *name)
{
    struct origin origin = desk_origin(desk);

    assert_int_equal(
        desk_finish(desk, act_mailbox_delete(desk->account, &origin, desk_mailbox(desk, name))),
        ERR_OK);
    desk_sync(desk);
}

static void rename_to(struct desk *desk, const char *name, const char *new_name)
{
    struct origin origin = desk_origin(desk);

    assert_int_equal(
        desk_finish(desk, act_mailbox_rename(desk->account, &origin, desk_mailbox(desk, name),
                                             bytes_from_string(new_name))),
        ERR_OK);
    desk_sync(desk);
}

static uint64_t messages_of(const struct lost_find_options *ask, struct desk *desk)
{
    struct undelete undelete;
    struct lost lost;
    uint64_t count;

    observer_find_lost(desk, ask, &lost);
    undelete_begin(&undelete, desk->account, &lost);
    while (!undelete_plan(&undelete))
        continue;
    count = undelete.planned.messages;
    undelete_done(&undelete);
    lost_done(&lost);
    return count;
}

static void copy(struct desk *desk, const char *to, bool move)
{
    struct uid_range first = { 1, 1 };
    struct origin origin = desk_origin(desk);
    struct arena arena = arena_make(1 << 20);
    struct copy_act act = { desk_mailbox(desk, to), { &first, 1 }, move };
    struct copy_result result;

    assert_int_equal(
        desk_finish(desk, act_copy(desk_mailbox(desk, "INBOX"), &origin, &act, &arena, &result)),
        ERR_OK);
    arena_done(&arena);
}

static void test_what_is_lost(void **context)
{
    const struct lost_find_options all = { .position = 0 };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;

    copy(desk, "Sent", false);
    expunge(desk, "INBOX", 1, PROTOCOL_IMAP);
    assert_int_equal(messages_of(&all, desk), 1); /* it lives in Sent, but not here */
    expunge(desk, "INBOX", 2, PROTOCOL_STORE);
    assert_int_equal(messages_of(&all, desk), 1); /* there is no body for it */
    assert_int_equal(observer_undelete(desk, &all).messages, 1);
    rename_to(desk, "INBOX", "Moved"); /* its messages are there now */
    assert_int_equal(messages_of(&all, desk), 0);
    finish(scene);
}

static void test_by_name_and_time(void **context)
{
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;
    struct lost_find_options ask = { .name = BYTES("INBOX") };
    struct wall middle;

    create(desk, "Work", 0);
    copy(desk, "Work", false);
    expunge(desk, "INBOX", 2, PROTOCOL_IMAP);
    expunge(desk, "Work", 1, PROTOCOL_IMAP);
    middle = desk->now;
    expunge(desk, "INBOX", 3, PROTOCOL_IMAP);
    assert_int_equal(messages_of(&ask, desk), 2);
    ask.since.us = middle.us + 1;
    assert_int_equal(messages_of(&ask, desk), 1);
    ask = (struct lost_find_options){ .name = BYTES("Work") };
    rename_to(desk, "Work", "Play");
    assert_int_equal(messages_of(&ask, desk), 1); /* it had that name then */
    ask = (struct lost_find_options){ .name = BYTES("Play"), .id = desk_mailbox(desk, "Play")->id };
    assert_int_equal(messages_of(&ask, desk), 1); /* it has this one now */
    remove_mailbox(desk, "Play");
    ask = (struct lost_find_options){ .name = BYTES("Play") };
    assert_int_equal(observer_undelete(desk, &ask).made, 1);
    assert_int_equal(mailbox_uidnext(desk_mailbox(desk, "Play")), 1); /* it was empty */
    ask = (struct lost_find_options){ .name = BYTES("Work") };
    assert_int_equal(observer_undelete(desk, &ask).messages, 1);
    assert_non_null(desk_mailbox(desk, "Work"));
    ask = (struct lost_find_options){ .name = BYTES("Elsewhere") };
    assert_int_equal(messages_of(&ask, desk), 0);
    finish(scene);
}

/* A mailbox has its use again, unless another one has taken it. */
static void test_mailboxes_come_back(void **context)
{
    const struct lost_find_options all = { .position = 0 };
    const struct lost_find_options only = { .name = BYTES("y/b") };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;
    struct undelete_counts counts;

    remove_mailbox(desk, "Drafts");
    remove_mailbox(desk, "Trash");
    create(desk, "Bin", USE_TRASH);
    create(desk, "a/b", 0);
    remove_mailbox(desk, "a/b");
    remove_mailbox(desk, "a");
    counts = observer_undelete(desk, &all);
    assert_int_equal(counts.made, 4);
    assert_int_equal(desk_mailbox(desk, "Drafts")->uses, USE_DRAFTS);
    assert_int_equal(desk_mailbox(desk, "Trash")->uses, 0);
    assert_non_null(desk_mailbox(desk, "a/b"));
    rename_to(desk, "a", "x");
    rename_to(desk, "x", "y");
    remove_mailbox(desk, "y/b");
    remove_mailbox(desk, "y");
    assert_int_equal(observer_undelete(desk, &only).made, 1);
    assert_non_null(desk_mailbox(desk, "y")); /* the level above it */
    rename_to(desk, "y", "b"); /* brought back, and renamed since: not lost again */
    assert_int_equal(observer_undelete(desk, &all).made, 0);
    finish(scene);
}

/* The name that counts is the one that it had last, not the one it had first or longest. */
static void test_names_that_come_again(void **context)
{
    const struct lost_find_options all = { .position = 0 };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;

    create(desk, "one", 0);
    copy(desk, "one", false);
    copy(desk, "one", false);
    expunge(desk, "one", 1, PROTOCOL_IMAP);
    rename_to(desk, "one", "two");
    expunge(desk, "two", 2, PROTOCOL_IMAP);
    rename_to(desk, "two", "one");
    remove_mailbox(desk, "one");
    assert_int_equal(observer_undelete(desk, &all).messages, 1); /* they were the same */
    assert_null(desk_mailbox(desk, "two"));
    assert_int_equal(mailbox_uidnext(desk_mailbox(desk, "one")), 2);
    finish(scene);
}

static enum err try_undelete(struct undelete *undelete, struct desk *desk)
{
    struct origin origin = desk_origin(desk);
    bool done;

    return desk_finish(desk, act_undelete(undelete, &origin, &done));
}

static void test_refusals(void **context)
{
    const struct lost_find_options all = { .position = 0 };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;
    struct modseq change;
    struct undelete undelete;
    struct lost lost;

    create(desk, "d/e", 0);
    copy(desk, "d/e", false);
    remove_mailbox(desk, "d/e");
    remove_mailbox(desk, "d");
    expunge(desk, "INBOX", 2, PROTOCOL_IMAP);
    change = account_change_number(desk->account);
    observer_find_lost(desk, &all, &lost);
    undelete_begin(&undelete, desk->account, &lost);
    while (!undelete_plan(&undelete))
        continue;
    account_set_quota(desk->account, account_used_bytes(desk->account) + 30);
    assert_int_equal(try_undelete(&undelete, desk), ERR_OVER_QUOTA);
    account_set_quota(desk->account, 0);
    desk->account->mailboxes_max = mailbox_count(desk->account) + 1;
    assert_int_equal(try_undelete(&undelete, desk), ERR_LIMIT);
    assert_int_equal(account_change_number(desk->account).value, change.value);
    create(desk, "x", 0); /* takes the id that a mailbox was to have */
    desk->account->mailboxes_max += 2;
    assert_int_equal(try_undelete(&undelete, desk), ERR_OK);
    assert_int_equal(undelete.done.made, 2);
    assert_int_equal(mailbox_uidnext(desk_mailbox(desk, "d/e")), 2);
    assert_int_equal(mailbox_uidnext(desk_mailbox(desk, "x")), 1);
    undelete_done(&undelete);
    lost_done(&lost);
    finish(scene);
}

/* What others do between two steps of the plan counts: here the one message that is lost comes
 * back, however far the plan is. */
static void test_others_between_steps_of_the_plan(void **context)
{
    const struct lost_find_options all = { .position = 0 };

    for (unsigned before = 0;; before++) {
        struct scene *scene = start_with_three();
        struct desk *desk = &scene->desk;
        struct undelete undelete;
        struct lost lost;
        bool is_planned = false;

        copy(desk, "Sent", false);
        expunge(desk, "Sent", 1, PROTOCOL_IMAP);
        observer_find_lost(desk, &all, &lost);
        undelete_begin(&undelete, desk->account, &lost);
        for (unsigned i = 0; i < before && !is_planned; i++)
            is_planned = undelete_plan(&undelete);
        if (!is_planned) {
            copy(desk, "Sent", false);
            while (!undelete_plan(&undelete))
                continue;
            assert_int_equal(undelete.planned.messages, 0);
            assert_true(lost.messages[0].is_left_out);
        }
        undelete_done(&undelete);
        lost_done(&lost);
        finish(scene);
        if (is_planned) {
            assert_in_range(before, 3, 100);
            return;
        }
    }
}

/* Until the account is its own. */
static void plan_beside_others(struct undelete *undelete, struct desk *desk, unsigned *out_steps)
{
    for (*out_steps = 0; !account_is_acting(desk->account); ++*out_steps) {
        assert_int_equal(desk_append(desk, desk_mailbox(desk, "INBOX"), BYTES("x"), 0, NULL),
                         ERR_OK);
        assert_false(undelete_plan(undelete));
    }
    assert_in_range(*out_steps, 3, 10);
}

/* Who acts all the time does not keep it from its end; and it may be given up. */
static void test_a_plan_comes_to_its_end(void **context)
{
    enum { STEPS_MAX = 100 };
    const struct lost_find_options all = { .position = 0 };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;
    struct undelete undelete;
    struct lost lost;
    unsigned steps = 1;
    unsigned alone = 0;

    copy(desk, "Sent", false);
    for (uint32_t uid = 1; uid <= 3; uid++)
        expunge(desk, "INBOX", uid, PROTOCOL_IMAP);
    observer_find_lost(desk, &all, &lost);
    undelete_begin(&undelete, desk->account, &lost);
    assert_false(undelete_plan(&undelete));
    undelete_done(&undelete);
    undelete_begin(&undelete, desk->account, &lost);
    plan_beside_others(&undelete, desk, &alone);
    while (!undelete_plan(&undelete) && steps++ < STEPS_MAX)
        (void)account_step(desk->account);
    assert_true(steps > 6); /* in steps all the same, while the others wait */
    assert_false(account_is_acting(desk->account));
    assert_int_equal(undelete.planned.messages, 3);
    undelete_done(&undelete);
    undelete_begin(&undelete, desk->account, &lost);
    plan_beside_others(&undelete, desk, &alone);
    undelete_done(&undelete);
    assert_false(account_is_acting(desk->account));
    lost_done(&lost);
    finish(scene);
}

/* Long gone, the bodies are not known any more; they come back between those of others, and the
 * same body into two mailboxes. */
static void test_many_bodies_long_gone(void **context)
{
    enum { MESSAGES = 1200 };
    const struct lost_find_options all = { .position = 0 };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;
    struct uid_range range = { 1, MESSAGES };
    struct origin origin = desk_origin(desk);
    struct arena arena = arena_make(1 << 22);
    struct copy_act act = { desk_mailbox(desk, "Sent"), { &range, 1 }, false };
    struct copy_result result;
    struct body_entry body;

    create(desk, "d", 0);
    for (unsigned i = 0; i < MESSAGES; i++)
        assert_int_equal(
            desk_append(desk, desk_mailbox(desk, i % 3 == 0 ? "INBOX" : "d"), BYTES("x"), 0, NULL),
            ERR_OK);
    assert_int_equal(
        desk_finish(desk, act_copy(desk_mailbox(desk, "d"), &origin, &act, &arena, &result)),
        ERR_OK);
    arena_done(&arena);
    look(scene);
    remove_mailbox(desk, "d");
    remove_mailbox(desk, "Sent");
    for (unsigned i = 0; i < 50; i++) {
        (void)desk_tick(desk);
        desk_settle(desk);
    }
    assert_false(body_table_find(&desk->account->state.bodies, (struct body_id){ 5 }, &body));
    assert_int_equal(observer_undelete(desk, &all).messages, 2 * (MESSAGES - MESSAGES / 3));
    look(scene);
    assert_int_equal(scene->now.count, scene->before.count);
    assert_true(body_table_find(&desk->account->state.bodies, (struct body_id){ 5 }, &body));
    assert_int_equal(body.messages, 2);
    assert_int_equal(desk->account->state.bodies.count, MESSAGES + 3); /* each is there once */
    observer_read_all(&scene->desk, &scene->now);
    observer_reopen(desk);
    observer_assert_nothing_left(&scene->desk);
    finish(scene);
}

/* Keywords make a message's op large: 1,000 of these fill more than one change. */
static void test_several_changes(void **context)
{
    enum { MESSAGES = 1000, WORDS = 127 };
    const struct lost_find_options all = { .position = 0 };
    struct scene *scene = start_with_three();
    struct desk *desk = &scene->desk;
    char keyword[KEYWORD_BYTES_MAX];
    struct modseq change;

    create(desk, "d", 0);
    for (unsigned i = 0; i < MESSAGES; i++)
        assert_int_equal(desk_append(desk, desk_mailbox(desk, "d"), BYTES("x"), 0, NULL), ERR_OK);
    for (unsigned i = 0; i < WORDS; i++) {
        struct desk_store store = { .uids = { 1, MESSAGES }, .mode = FLAGS_ADD };

        memset(keyword, 'k', sizeof(keyword));
        (void)snprintf(keyword, sizeof(keyword), "%u", i);
        keyword[strlen(keyword)] = 'k';
        store.keyword = bytes_make((uint8_t *)keyword, sizeof(keyword));
        assert_int_equal(desk_flags(desk, desk_mailbox(desk, "d"), store, NULL), ERR_OK);
    }
    look(scene);
    remove_mailbox(desk, "d");
    change = account_change_number(desk->account);
    assert_int_equal(observer_undelete(desk, &all).messages, MESSAGES);
    assert_int_equal(account_change_number(desk->account).value, change.value + 2);
    look(scene);
    assert_int_equal(scene->now.count, scene->before.count);
    for (size_t i = 3; i < scene->now.count; i++) {
        assert_int_equal(scene->now.rows[i].uid, i - 2);
        assert_int_equal(scene->now.rows[i].body, scene->before.rows[i].body);
        assert_int_equal(scene->now.rows[i].flags, scene->before.rows[i].flags);
        assert_string_equal(scene->now.rows[i].rest, scene->before.rows[i].rest);
    }
    observer_reopen(desk);
    observer_assert_nothing_left(&scene->desk);
    finish(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_lost),
        cmocka_unit_test(test_by_name_and_time),
        cmocka_unit_test(test_mailboxes_come_back),
        cmocka_unit_test(test_names_that_come_again),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_others_between_steps_of_the_plan),
        cmocka_unit_test(test_a_plan_comes_to_its_end),
        cmocka_unit_test(test_many_bodies_long_gone),
        cmocka_unit_test(test_several_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
