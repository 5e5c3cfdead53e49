/* Going back to a moment: what was is there again, and nothing that is there now has gone. */
#include "store/lost_then.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/observer.h"
#include "kit/shadow.h"
#include "kit/state_dump.h"
#include "store/account_compact.h"
#include "store/account_state.h"
#include "store/act_undelete.h"
#include "store/history.h"
#include "store/log_base.h"

enum { DUMP_BYTES_MAX = 1 << 24 };

static enum err look_back(struct desk *desk, struct wall at, struct lost *out_lost)
{
    struct lost_then_options options = { .vfs = desk->vfs,
                                         .position = account_durable(desk->account),
                                         .at = at };
    struct lost_then *then = lost_then_new(&options);
    enum err err = ERR_OK;
    bool done = false;

    while (err == ERR_OK && !done)
        err = lost_then_read(then, 700, &done, NULL);
    if (err == ERR_OK) {
        assert_true(lost_then_position(then) <= 2 * options.position);
        lost_then_take(then, out_lost);
    }
    lost_then_free(then);
    return err;
}

static struct undelete_counts restore(struct desk *desk, struct wall at)
{
    struct origin origin = desk_origin(desk);
    struct undelete undelete;
    struct account_pause pause = { .waker = &desk->waker };
    struct lost lost;
    bool done = false;

    while (!account_compact_pause(desk->account, &pause)) {
        (void)desk_tick(desk);
        desk_settle(desk);
    }
    assert_int_equal(look_back(desk, at, &lost), ERR_OK);
    undelete_begin(&undelete, desk->account, &lost);
    while (!undelete_plan(&undelete))
        continue;
    while (!done)
        assert_int_equal(desk_finish(desk, act_undelete(&undelete, &origin, &done)), ERR_OK);
    assert_memory_equal(&undelete.planned, &undelete.done, sizeof(undelete.done));
    account_compact_resume(desk->account, &pause, true);
    undelete_done(&undelete);
    lost_done(&lost);
    desk_sync(desk);
    return undelete.done;
}

static bool has_keyword(const struct mailbox *mailbox, const struct row *row, struct bytes name)
{
    int index = keyword_table_find(&mailbox->keywords, name);

    return index >= 0 && keyword_set_has(&row->keywords, (uint32_t)index);
}

/* `a` is what was: restoring sets no \Deleted that is not there. */
static void assert_same_flags(const struct mailbox *left, const struct row *a,
                              const struct mailbox *right, const struct row *b)
{
    assert_int_equal(a->flags & ~FLAG_DELETED, b->flags & ~FLAG_DELETED);
    assert_true((b->flags & FLAG_DELETED) == 0 || (a->flags & FLAG_DELETED) != 0);
    for (uint32_t i = 0; i < left->keywords.count; i++)
        assert_int_equal(has_keyword(left, a, left->keywords.names[i]),
                         has_keyword(right, b, left->keywords.names[i]));
    for (uint32_t i = 0; i < right->keywords.count; i++)
        assert_int_equal(has_keyword(left, a, right->keywords.names[i]),
                         has_keyword(right, b, right->keywords.names[i]));
}

static const struct uid_range everything = { 1, UINT32_MAX };

/* The row of `mailbox` that is `was`: by UID, else by body. */
static bool find_row(const struct mailbox *mailbox, const struct row *was, struct row *out_row)
{
    struct rows_walk walk = rows_walk_make(&mailbox->rows, (struct uid_set){ &everything, 1 });

    if (rows_get(&mailbox->rows, was->uid.value, out_row) && out_row->body.value == was->body.value)
        return true;
    while (rows_walk_next(&walk, out_row))
        if (out_row->body.value == was->body.value)
            return true;
    return false;
}

/* No other message of the mailbox has the body. */
static bool is_only(const struct mailbox *mailbox, const struct row *row)
{
    struct rows_walk walk = rows_walk_make(&mailbox->rows, (struct uid_set){ &everything, 1 });
    unsigned count = 0;
    struct row other;

    while (rows_walk_next(&walk, &other))
        count += other.body.value == row->body.value;
    return count == 1;
}

/* Each mailbox and message of `was` is in `is`, with its flags. Only where a name was taken a
 * mailbox of the time may have kept the one that it has. */
static void assert_holds(const struct state *is, const struct state *was, uint32_t names_taken)
{
    for (size_t i = 0; i < was->mailbox_count; i++) {
        const struct mailbox *then = was->by_id[i];
        const struct mailbox *now = state_find_id(is, then->id);
        struct rows_walk walk = rows_walk_make(&then->rows, (struct uid_set){ &everything, 1 });
        bool is_same = now != NULL;
        struct row row;
        struct row found;

        if (now == NULL)
            now = state_find(is, mailbox_name_bytes(then));
        assert_non_null(now);
        if (names_taken == 0)
            ASSERT_BYTES(mailbox_name_bytes(now), mailbox_name_bytes(then));
        while (rows_walk_next(&walk, &row)) {
            assert_true(find_row(now, &row, &found));
            assert_int_equal(found.internal_date.seconds, row.internal_date.seconds);
            if (is_same && (found.uid.value == row.uid.value || is_only(then, &row)))
                assert_same_flags(then, &row, now, &found);
        }
    }
}

/* No message of `before` is missing where it was, by mailbox and UID. */
static void assert_nothing_gone(const struct state *is, const struct state *before)
{
    for (size_t i = 0; i < before->mailbox_count; i++) {
        const struct mailbox *old = before->by_id[i];
        const struct mailbox *now = state_find_id(is, old->id);
        struct rows_walk walk = rows_walk_make(&old->rows, (struct uid_set){ &everything, 1 });
        struct row row;
        struct row found;

        assert_non_null(now);
        while (rows_walk_next(&walk, &row)) {
            assert_true(rows_get(&now->rows, row.uid.value, &found));
            assert_int_equal(found.body.value, row.body.value);
        }
    }
}

static struct history *at_time(struct desk *desk, struct wall until)
{
    struct history_options options = { .vfs = desk->vfs, .position = UINT64_MAX, .until = until };
    struct history *history;
    bool done = false;

    assert_int_equal(history_open(&options, &history, NULL), ERR_OK);
    while (!done)
        assert_int_equal(history_step(history, 1 << 20, &done, NULL), ERR_OK);
    return history;
}

static uint64_t new_seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static void check_going_back(struct desk *desk, struct wall at)
{
    const struct undelete_counts none = { 0 };
    struct wall present = desk->now;
    struct history *then = at_time(desk, at);
    struct history *before = at_time(desk, present);
    struct undelete_counts counts = restore(desk, at);
    struct undelete_counts again;
    struct history *after = at_time(desk, (struct wall){ INT64_MAX });
    struct buf left = buf_make(DUMP_BYTES_MAX);
    struct buf right = buf_make(DUMP_BYTES_MAX);

    assert_holds(&desk->account->state, history_state(then), counts.not_renamed);
    assert_nothing_gone(&desk->account->state, history_state(before));
    state_dump(&desk->account->state, &left);
    state_dump(history_state(after), &right); /* the log says so, too */
    ASSERT_BYTES(buf_bytes(&left), buf_bytes(&right));
    again = restore(desk, at);
    again.not_renamed = 0;
    assert_memory_equal(&again, &none, sizeof(none));
    history_close(then);
    history_close(before);
    history_close(after);
    buf_done(&left);
    buf_done(&right);
}

/* The shadow acts until somebody goes back; then it knows nothing any more. */
static void test_random_moments(void **context)
{
    uint64_t seed = new_seed();

    for (uint64_t round = 0; round < 12; round++) {
        struct shadow *shadow = malloc(sizeof(*shadow));
        struct test_random random = { seed + round };
        struct wall moments[3];
        struct desk desk;

        shadow_init(shadow, seed + round);
        desk_init(&desk, mem_vfs_new(seed + round));
        assert_int_equal(desk_open(&desk), ERR_OK);
        for (size_t i = 0; i < ARRAY_COUNT(moments); i++) {
            for (uint64_t acts = test_random_below(&random, 40); acts > 0; acts--)
                shadow_act(shadow, &desk);
            moments[i] = desk.now;
        }
        desk_sync(&desk);
        check_going_back(&desk, moments[test_random_below(&random, 3)]);
        check_going_back(&desk, moments[test_random_below(&random, 3)]);
        desk_close(&desk);
        mem_vfs_free(desk.vfs);
        free(shadow);
    }
}

static void rest_a_while(struct desk *desk)
{
    for (unsigned i = 0; i < 20; i++) {
        (void)desk_tick(desk);
        desk_sync(desk);
    }
}

/* The same while the log is compacted behind a horizon of an hour; what came back can be read, also
 * when what was superseded has gone. */
static void test_moments_beside_compaction(void **context)
{
    uint64_t seed = new_seed();
    unsigned bases = 0;

    for (uint64_t round = 0; round < 12; round++) {
        struct shadow *shadow = malloc(sizeof(*shadow));
        struct seen *seen = malloc(sizeof(*seen));
        struct test_random random = { seed + round };
        uint64_t moment_at = 200 + test_random_below(&random, 40);
        struct wall moment = { 0 };
        struct desk desk;

        shadow_init(shadow, seed + round);
        desk_init(&desk, mem_vfs_new(seed + round));
        desk.options.log_segment_bytes = 12000;
        desk.options.compact = (struct compact_policy){ .enabled = true,
                                                        .keep_us = INT64_C(3600000000),
                                                        .linger_ms = 300,
                                                        .garbage_bytes_min = 300,
                                                        .check_ms = 200 };
        assert_int_equal(desk_open(&desk), ERR_OK);
        for (unsigned acts = 0; acts < 250; acts++) {
            shadow_act(shadow, &desk);
            if (test_random_below(&random, 15) == 0)
                desk.now.us += INT64_C(600000000);
            if (acts == moment_at)
                moment = desk.now;
            if (test_random_below(&random, 10) == 0)
                rest_a_while(&desk);
        }
        rest_a_while(&desk);
        bases += log_base(desk.account->log) != 0;
        check_going_back(&desk, moment.us > desk.now.us - INT64_C(3600000000) ? moment : desk.now);
        rest_a_while(&desk);
        desk.now.us += INT64_C(7200000000);
        rest_a_while(&desk);
        rest_a_while(&desk);
        observer_look(&desk, seen);
        observer_read_all(&desk, seen);
        observer_reopen(&desk);
        observer_read_all(&desk, seen);
        desk_close(&desk);
        mem_vfs_free(desk.vfs);
        free(shadow);
        free(seen);
    }
    assert_true(bases > 3);
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

/* A name that another mailbox gave up is free again; two that changed theirs keep them. */
static void test_names(void **context)
{
    struct undelete_counts counts;
    struct origin origin;
    struct wall at;
    struct desk desk;

    desk_init(&desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&desk), ERR_OK);
    origin = desk_origin(&desk);
    assert_int_equal(act_mailbox_create(desk.account, &origin, BYTES("a/x"), 0, NULL), ERR_OK);
    assert_int_equal(act_mailbox_create(desk.account, &origin, BYTES("b"), 0, NULL), ERR_OK);
    at = desk.now;
    rename_to(&desk, "b", "c");
    rename_to(&desk, "a", "b");
    counts = restore(&desk, at);
    assert_int_equal(counts.renamed, 3);
    assert_int_equal(counts.not_renamed, 0);
    assert_non_null(desk_mailbox(&desk, "a/x"));
    assert_null(desk_mailbox(&desk, "c"));
    rename_to(&desk, "a", "t");
    rename_to(&desk, "b", "a");
    rename_to(&desk, "t", "b");
    counts = restore(&desk, at);
    assert_int_equal(counts.not_renamed, 2);
    assert_int_equal(counts.renamed, 1); /* a/x, which was b/x */
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

/* A chain of names, the last of which has to be given up first. */
static void test_names_in_a_chain(void **context)
{
    struct origin origin;
    struct wall at;
    struct desk desk;

    desk_init(&desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&desk), ERR_OK);
    origin = desk_origin(&desk);
    assert_int_equal(act_mailbox_create(desk.account, &origin, BYTES("b"), 0, NULL), ERR_OK);
    assert_int_equal(act_mailbox_create(desk.account, &origin, BYTES("c"), 0, NULL), ERR_OK);
    at = desk.now;
    rename_to(&desk, "b", "a");
    rename_to(&desk, "c", "b");
    assert_int_equal(restore(&desk, at).renamed, 2);
    assert_null(desk_mailbox(&desk, "a"));
    assert_non_null(desk_mailbox(&desk, "c"));
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

static void create(struct desk *desk, const char *name)
{
    struct origin origin = desk_origin(desk);

    assert_int_equal(act_mailbox_create(desk->account, &origin, bytes_from_string(name), 0, NULL),
                     ERR_OK);
}

static void remove_mailbox(struct desk *desk, const char *name)
{
    struct origin origin = desk_origin(desk);

    assert_int_equal(
        desk_finish(desk, act_mailbox_delete(desk->account, &origin, desk_mailbox(desk, name))),
        ERR_OK);
    desk_sync(desk);
}

static void copy_all(struct desk *desk, const char *from, const char *to)
{
    struct uid_range all = { 1, UINT32_MAX };
    struct arena arena = arena_make(1 << 20);
    struct copy_act act = { .to = desk_mailbox(desk, to), .uids = { &all, 1 } };
    struct origin origin = desk_origin(desk);
    struct copy_result result;

    assert_int_equal(
        desk_finish(desk, act_copy(desk_mailbox(desk, from), &origin, &act, &arena, &result)),
        ERR_OK);
    arena_done(&arena);
}

/* Two mailboxes that went are levels above others that get their names back: each of them gets its
 * message, although it is the same one. */
static void test_one_message_in_two_levels(void **context)
{
    struct undelete_counts counts;
    struct wall at;
    struct desk desk;

    desk_init(&desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&desk), ERR_OK);
    create(&desk, "a/x");
    create(&desk, "b/x");
    assert_int_equal(desk_append(&desk, desk_mailbox(&desk, "a"), BYTES("one"), 0, NULL), ERR_OK);
    copy_all(&desk, "a", "b");
    at = desk.now;
    rename_to(&desk, "a/x", "x");
    rename_to(&desk, "b/x", "y");
    remove_mailbox(&desk, "a");
    remove_mailbox(&desk, "b");
    counts = restore(&desk, at);
    assert_int_equal(counts.messages, 2);
    assert_int_equal(counts.renamed, 2);
    assert_int_equal(desk_mailbox(&desk, "a")->rows.count, 1);
    assert_int_equal(desk_mailbox(&desk, "b")->rows.count, 1);
    assert_int_equal(restore(&desk, at).messages, 0);
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

/* Such a level has its special use again. */
static void test_special_use_of_a_level(void **context)
{
    struct undelete_counts counts;
    struct wall at;
    struct desk desk;

    desk_init(&desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&desk), ERR_OK);
    create(&desk, "Archive/x/y");
    at = desk.now;
    rename_to(&desk, "Archive/x/y", "y");
    remove_mailbox(&desk, "Archive/x");
    remove_mailbox(&desk, "Archive");
    counts = restore(&desk, at);
    assert_int_equal(counts.renamed, 1);
    assert_int_equal(counts.made, 2);
    assert_int_equal(counts.levels, 0);
    assert_int_equal(mailbox_uses(desk_mailbox(&desk, "Archive")), USE_ARCHIVE);
    assert_int_equal(mailbox_uses(desk_mailbox(&desk, "Archive/x")), 0);
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

static void set_flags(struct desk *desk, uint32_t uid, uint16_t flags)
{
    struct desk_store store = { .uids = { uid, uid }, .mode = FLAGS_REPLACE, .flags = flags };

    assert_int_equal(desk_flags(desk, desk_mailbox(desk, "INBOX"), store, NULL), ERR_OK);
    desk_sync(desk);
}

static uint16_t flags_of(struct desk *desk, uint32_t uid)
{
    struct row row;

    assert_true(rows_get(&desk_mailbox(desk, "INBOX")->rows, uid, &row));
    return row.flags;
}

static void expunge(struct desk *desk, uint32_t uid)
{
    struct uid_range range = { uid, uid };
    struct origin origin = desk_origin(desk);
    uint32_t count;

    assert_int_equal(desk_finish(desk, act_expunge(desk_mailbox(desk, "INBOX"), &origin,
                                                   (struct uid_set){ &range, 1 }, false, &count)),
                     ERR_OK);
    desk_sync(desk);
}

/* UIDs 1 and 2 are one message, 3 is another. */
static void open_with_three(struct desk *desk)
{
    struct uid_range first = { 1, 1 };
    struct arena arena = arena_make(1 << 20);
    struct copy_act act = { .uids = { &first, 1 } };
    struct copy_result result;
    struct origin origin;

    desk_init(desk, mem_vfs_new(1));
    assert_int_equal(desk_open(desk), ERR_OK);
    act.to = desk_mailbox(desk, "INBOX");
    assert_int_equal(desk_append(desk, act.to, BYTES("one"), 0, NULL), ERR_OK);
    origin = desk_origin(desk);
    assert_int_equal(desk_finish(desk, act_copy(act.to, &origin, &act, &arena, &result)), ERR_OK);
    assert_int_equal(desk_append(desk, act.to, BYTES("two"), FLAG_SEEN, NULL), ERR_OK);
    set_flags(desk, 1, FLAG_FLAGGED);
    arena_done(&arena);
}

/* What was brought back since is known by its body; of two that are the same each has its own. */
static void test_messages_under_other_uids(void **context)
{
    struct wall at;
    struct desk desk;

    open_with_three(&desk);
    at = desk.now;
    expunge(&desk, 3);
    assert_int_equal(restore(&desk, at).messages, 1);
    set_flags(&desk, 4, FLAG_DELETED);
    expunge(&desk, 1);
    set_flags(&desk, 2, FLAG_ANSWERED);
    assert_int_equal(restore(&desk, at).messages, 0);
    assert_int_equal(flags_of(&desk, 4), FLAG_SEEN);
    assert_int_equal(flags_of(&desk, 2), 0);
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

/* What was to be expunged at the time comes back, and the next EXPUNGE does not take it. */
static void test_no_deletion_is_restored(void **context)
{
    struct wall at;
    struct desk desk;

    open_with_three(&desk);
    set_flags(&desk, 2, FLAG_DELETED);
    set_flags(&desk, 3, FLAG_SEEN | FLAG_DELETED);
    at = desk.now;
    set_flags(&desk, 2, FLAG_ANSWERED);
    expunge(&desk, 3);
    assert_int_equal(restore(&desk, at).messages, 1);
    assert_int_equal(flags_of(&desk, 2), 0);
    assert_int_equal(flags_of(&desk, 4), FLAG_SEEN);
    assert_int_equal(restore(&desk, at).flags, 0);
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

/* Between the look and the act the account went on. */
static void test_what_changed_meanwhile(void **context)
{
    struct undelete undelete;
    struct origin origin;
    struct lost lost;
    struct wall at;
    struct desk desk;
    bool done;

    open_with_three(&desk);
    at = desk.now;
    set_flags(&desk, 1, 0);
    set_flags(&desk, 2, FLAG_DRAFT);
    set_flags(&desk, 3, 0);
    assert_int_equal(look_back(&desk, at, &lost), ERR_OK);
    assert_int_equal(lost.flag_count, 3);
    set_flags(&desk, 1, FLAG_FLAGGED);
    expunge(&desk, 2);
    undelete_begin(&undelete, desk.account, &lost);
    while (!undelete_plan(&undelete))
        continue;
    origin = desk_origin(&desk);
    assert_int_equal(desk_finish(&desk, act_undelete(&undelete, &origin, &done)), ERR_OK);
    assert_int_equal(undelete.done.flags, 1);
    assert_int_equal(flags_of(&desk, 3), FLAG_SEEN);
    undelete_done(&undelete);
    lost_done(&lost);
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

static void test_times_out_of_reach(void **context)
{
    struct lost lost = { 0 };
    struct desk desk;

    desk_init(&desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_int_equal(look_back(&desk, (struct wall){ desk.now.us - 1 }, &lost), ERR_CONFLICT);
    assert_int_equal(look_back(&desk, desk.now, &lost), ERR_OK);
    assert_int_equal(lost.message_count + lost.flag_count, 0);
    lost_done(&lost);
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_moments),
        cmocka_unit_test(test_moments_beside_compaction),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_names_in_a_chain),
        cmocka_unit_test(test_one_message_in_two_levels),
        cmocka_unit_test(test_special_use_of_a_level),
        cmocka_unit_test(test_messages_under_other_uids),
        cmocka_unit_test(test_no_deletion_is_restored),
        cmocka_unit_test(test_what_changed_meanwhile),
        cmocka_unit_test(test_times_out_of_reach),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
