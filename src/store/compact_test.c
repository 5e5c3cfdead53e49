/* One compaction by hand: how far it goes, what it keeps, what it lets go. */
#include "store/compact.h"

#include <stdlib.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/shadow.h"
#include "store/account_state.h"
#include "store/change.h"
#include "store/log_base.h"
#include "store/segment.h"

enum { LARGE_BYTES = 200000 };

/* Log segments of an account get these numbers as long as nothing else is made. */
static const uint64_t seg_1 = 4, seg_2 = 8, seg_3 = 12;

static void start(struct desk *desk)
{
    desk_init(desk, mem_vfs_new(3));
    assert_int_equal(desk_open(desk), ERR_OK);
}

static void finish(struct desk *desk)
{
    desk_close(desk);
    assert_int_equal(mem_vfs_open_files(desk->vfs), 0);
    mem_vfs_free(desk->vfs);
}

static void append(struct desk *desk, size_t bytes, uint32_t count)
{
    struct buf text = buf_make(1 << 20);

    for (uint32_t i = 0; i < count; i++) {
        buf_clear(&text);
        buf_add_format(&text, "Subject: number %u\r\n\r\n%*u\r\n", i, (int)bytes, i);
        assert_int_equal(desk_append(desk, desk_mailbox(desk, "INBOX"), buf_bytes(&text), 0, NULL),
                         ERR_OK);
    }
    buf_done(&text);
}

static void expunge(struct desk *desk, uint32_t first, uint32_t last)
{
    struct origin origin = desk_origin(desk);
    struct uid_range range = { first, last };
    uint32_t count;

    assert_int_equal(act_expunge(desk_mailbox(desk, "INBOX"), &origin,
                                 (struct uid_set){ &range, 1 }, false, &count),
                     ERR_OK);
    assert_int_equal(count, last - first + 1);
}

/* The segment ends here. */
static void roll(struct desk *desk)
{
    desk_sync(desk);
    assert_true(log_roll(desk->account->log, desk->account->state.changed_at));
    desk_settle(desk);
    assert_int_equal(log_tip(desk->account->log), log_durable(desk->account->log));
}

static struct compact_options options_for(struct desk *desk)
{
    desk_sync(desk);
    return (struct compact_options){
        .vfs = desk->vfs,
        .number = log_number_base(desk->account->log),
        .base = log_base(desk->account->log),
        .position = log_durable(desk->account->log),
        .now = desk->now,
        .before = desk->now,
    };
}

static struct compact *run(const struct compact_options *options, struct compact_result *result)
{
    struct compact *compact = compact_new(options);
    struct note why = { .text = "" };
    bool done = false;

    while (!done)
        assert_int_equal(compact_step(compact, &done, &why), ERR_OK);
    compact_result(compact, result);
    return compact;
}

static bool drops_have(const struct compact_result *result, uint64_t segment)
{
    for (size_t i = 0; i < result->drops->count; i++)
        if (result->drops->segments[i] == segment)
            return true;
    return false;
}

static void remove_segment(struct desk *desk, uint64_t segment)
{
    char path[SEGMENT_PATH_BYTES];

    segment_path(segment, path);
    mem_vfs_remove(desk->vfs, path);
}

/* Opens what is left when all that may go has gone, derived files too: it says the same. */
static void assert_base_says_it_all(struct desk *desk, const struct compact_result *result)
{
    struct buf before = buf_make(1 << 26);
    struct buf after = buf_make(1 << 26);

    shadow_describe(desk, true, &before);
    desk_close(desk);
    for (size_t i = 0; i < result->drops->count; i++)
        remove_segment(desk, result->drops->segments[i]);
    mem_vfs_remove(desk->vfs, "checkpoint");
    mem_vfs_remove(desk->vfs, "summary");
    assert_int_equal(desk_open(desk), ERR_OK);
    assert_false(desk->report.epoch);
    assert_int_equal(desk->report.records_damaged, 0);
    assert_int_equal(desk->account->state.drops.count, result->drops->count);
    shadow_describe(desk, true, &after);
    ASSERT_BYTES(buf_bytes(&after), buf_bytes(&before));
    buf_done(&before);
    buf_done(&after);
}

/* Three segments an hour apart, and a fourth one; half of all is expunged. */
static void fill(struct desk *desk)
{
    start(desk);
    for (int i = 0; i < 3; i++) {
        append(desk, 2000, 20);
        if (i > 0)
            expunge(desk, (uint32_t)i * 20 - 19, (uint32_t)i * 20 - 5);
        roll(desk);
        desk->now.us += INT64_C(3600000000);
    }
    append(desk, 2000, 5);
}

static void horizon_is_where_segments_are_old(void **context)
{
    static const struct {
        int64_t hours_ago;
        uint64_t excess;
        enum compact_outcome outcome;
        uint64_t horizon;
    } cases[] = {
        { 9, 0, COMPACT_NO_HORIZON, 0 },     { 3, 0, COMPACT_DONE, seg_1 },
        { 2, 0, COMPACT_DONE, seg_2 },       { 1, 0, COMPACT_DONE, seg_3 },
        { -9, 0, COMPACT_DONE, seg_3 },      { 9, 1, COMPACT_DONE, seg_1 },
        { 9, 60000, COMPACT_DONE, seg_2 },   { 2, 60000, COMPACT_DONE, seg_2 },
        { 9, 1 << 30, COMPACT_DONE, seg_3 }, { 3, 1, COMPACT_DONE, seg_1 },
    };

    (void)context;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct compact_options options;
        struct compact_result result;
        struct compact *compact;
        struct desk desk;

        fill(&desk);
        options = options_for(&desk);
        options.before.us -= cases[i].hours_ago * INT64_C(3600000000);
        options.excess_bytes = cases[i].excess;
        options.thorough = true;
        compact = run(&options, &result);
        assert_int_equal(result.outcome, cases[i].outcome);
        assert_int_equal(result.horizon, cases[i].horizon);
        if (result.outcome == COMPACT_DONE) {
            assert_true(result.since.us > 0 && result.since.us < desk.now.us);
            assert_base_says_it_all(&desk, &result);
            assert_int_equal(log_base(desk.account->log), options.number);
        } else {
            assert_true(result.next.us >= options.before.us && result.next.us < desk.now.us);
        }
        compact_free(compact);
        finish(&desk);
    }
}

static void holders_stay(void **context)
{
    struct compact_options options;
    struct compact_result result;
    struct compact *compact;
    struct desk desk;

    (void)context;
    start(&desk);
    append(&desk, 4000, 40); /* one of ten will go */
    roll(&desk);
    append(&desk, 4000, 40); /* three of ten will */
    roll(&desk);
    expunge(&desk, 1, 4);
    expunge(&desk, 41, 52);
    roll(&desk);
    options = options_for(&desk);
    options.before.us++;
    compact = run(&options, &result);
    assert_int_equal(result.outcome, COMPACT_DONE);
    assert_false(drops_have(&result, seg_1));
    assert_true(drops_have(&result, seg_2));
    assert_true(drops_have(&result, seg_3));
    assert_int_equal(result.move_count, 28);
    assert_in_range(result.garbage_after, 16000, 40000);
    assert_base_says_it_all(&desk, &result);
    assert_in_range(state_garbage(&desk.account->state), result.garbage_after,
                    result.garbage_after + 1000);
    compact_free(compact);

    options = options_for(&desk); /* now all of it, the holder as well */
    options.thorough = true;
    compact = run(&options, &result);
    assert_int_equal(result.outcome, COMPACT_DONE);
    assert_true(drops_have(&result, seg_1));
    assert_true(drops_have(&result, options.base));
    assert_int_equal(result.move_count, 64);
    assert_int_equal(result.garbage_after, 0);
    assert_base_says_it_all(&desk, &result);
    compact_free(compact);
    finish(&desk);
}

/* As bringing back does it: a PUT that names a body by the place where it once came in. */
static void put_again(struct desk *desk, struct body_entry entry)
{
    struct mailbox *mailbox = desk_mailbox(desk, "INBOX");
    struct origin origin = desk_origin(desk);
    struct change change;

    assert_int_equal(change_begin(desk->account, &origin, &change), ERR_OK);
    change_add(&change, &(struct op){ OP_PUT,
                                      { .put = { .mailbox = mailbox->id,
                                                 .uid = { mailbox->uidnext },
                                                 .body = entry.id,
                                                 .place = entry.place,
                                                 .size = entry.size,
                                                 .thread = { entry.id.value } } } });
    assert_int_equal(change_commit(&change, true), ERR_OK);
}

static struct body_entry body_of(struct desk *desk, uint32_t uid)
{
    struct mailbox *mailbox = desk_mailbox(desk, "INBOX");
    struct body_entry entry;
    struct row row = { 0 };

    assert_true(rows_get(&mailbox->rows, uid, &row));
    assert_true(body_table_find(&desk->account->state.bodies, row.body, &entry));
    return entry;
}

static void bodies_that_later_changes_name_are_kept(void **context)
{
    struct compact_options options;
    struct compact_result result;
    struct compact *compact;
    struct body_entry small;
    struct body_entry large;
    struct desk desk;

    (void)context;
    start(&desk);
    append(&desk, 2000, 10);
    append(&desk, LARGE_BYTES, 2);
    small = body_of(&desk, 3);
    large = body_of(&desk, 11);
    expunge(&desk, 1, 12);
    roll(&desk);
    put_again(&desk, small);
    put_again(&desk, large);
    put_again(&desk, small);
    roll(&desk);
    options = options_for(&desk);
    options.before.us -= 2500000; /* the second segment is too young */
    compact = run(&options, &result);
    assert_int_equal(result.outcome, COMPACT_DONE);
    assert_int_equal(result.horizon, seg_1);
    assert_true(drops_have(&result, seg_1));
    assert_base_says_it_all(&desk, &result);
    compact_free(compact);
    assert_int_equal(body_of(&desk, 13).place.segment, options.number);
    assert_int_equal(body_of(&desk, 14).place.segment, large.place.segment);
    assert_int_equal(body_of(&desk, 15).place.segment, options.number);

    expunge(&desk, 13, 13); /* once more, over a base that has moved them */
    small = body_of(&desk, 15);
    expunge(&desk, 15, 15);
    roll(&desk);
    put_again(&desk, small);
    options = options_for(&desk);
    options.thorough = true;
    compact = run(&options, &result);
    assert_int_equal(result.outcome, COMPACT_DONE);
    assert_true(drops_have(&result, small.place.segment));
    assert_base_says_it_all(&desk, &result);
    compact_free(compact);
    assert_int_equal(body_of(&desk, 16).place.segment, options.number);
    finish(&desk);
}

/* Large bodies stay in their segments; those of the dead go, those of nobody are not touched. */
static void body_segments_go_with_their_messages(void **context)
{
    struct compact_options options;
    struct compact_result result;
    struct compact *compact;
    struct body_writer *writer;
    struct body_entry dead;
    struct body_entry living;
    struct desk desk;
    struct buf text = buf_make(1 << 20);

    (void)context;
    start(&desk);
    append(&desk, LARGE_BYTES, 2);
    dead = body_of(&desk, 1);
    living = body_of(&desk, 2);
    expunge(&desk, 1, 1);
    roll(&desk);
    buf_add_format(&text, "%*u", LARGE_BYTES, 5);
    assert_int_equal(desk_body(&desk, buf_bytes(&text), &writer), ERR_OK);
    options = options_for(&desk);
    options.before.us++;
    compact = run(&options, &result);
    assert_int_equal(result.outcome, COMPACT_DONE);
    assert_true(drops_have(&result, dead.place.segment));
    assert_false(drops_have(&result, living.place.segment));
    assert_int_equal(result.drops->count, 2);
    body_writer_free(writer);
    assert_base_says_it_all(&desk, &result);
    compact_free(compact);
    buf_done(&text);
    finish(&desk);
}

static void broken_bodies_keep_their_segments(void **context)
{
    struct compact_options options;
    struct compact_result result;
    struct compact *compact;
    struct body_entry broken[2];
    struct desk desk;
    char path[SEGMENT_PATH_BYTES];

    (void)context;
    start(&desk);
    append(&desk, 2000, 10);
    roll(&desk);
    append(&desk, 2000, 10);
    roll(&desk);
    append(&desk, 2000, 10);
    broken[0] = body_of(&desk, 4);
    broken[1] = body_of(&desk, 14);
    for (uint32_t uid = 1; uid < 30; uid += 10)
        expunge(&desk, uid, uid + 2);
    roll(&desk);
    segment_path(seg_1, path);
    mem_vfs_damage(desk.vfs, path, broken[0].place.offset + 100, 1);
    segment_path(seg_2, path);
    mem_vfs_damage(desk.vfs, path, broken[1].place.offset + 5, 1);
    options = options_for(&desk);
    options.thorough = true;
    options.before.us++;
    compact = run(&options, &result);
    assert_int_equal(result.outcome, COMPACT_DONE);
    assert_false(drops_have(&result, seg_1));
    assert_false(drops_have(&result, seg_2));
    assert_true(drops_have(&result, seg_3));
    for (size_t i = 0; i < result.move_count; i++)
        assert_int_not_equal(result.moves[i].body.value, broken[0].id.value);
    compact_free(compact);
    finish(&desk);
}

static unsigned count_files(struct vfs *disk)
{
    unsigned count = 0;

    while (mem_vfs_path(disk, count) != NULL)
        count++;
    return count;
}

static void given_up_anywhere_leaves_nothing(void **context)
{
    unsigned steps = 0;

    (void)context;
    for (bool done = false; !done; steps++) {
        struct compact_options options;
        struct compact *compact;
        struct desk desk;
        unsigned files;

        fill(&desk);
        options = options_for(&desk);
        files = count_files(desk.vfs);
        compact = compact_new(&options);
        for (unsigned i = 0; i < steps && !done; i++)
            assert_int_equal(compact_step(compact, &done, NULL), ERR_OK);
        compact_free(compact);
        assert_int_equal(count_files(desk.vfs), files + done);
        finish(&desk);
    }
    assert_in_range(steps, 8, 40);
}

/* There is garbage enough, but all of it in a segment that stays. */
static void holders_gain_nothing(void **context)
{
    struct compact_options options;
    struct compact_result result;
    struct compact *compact;
    struct desk desk;

    (void)context;
    start(&desk);
    append(&desk, 4000, 40);
    roll(&desk);
    expunge(&desk, 1, 4);
    roll(&desk);
    options = options_for(&desk);
    options.before.us++;
    options.gain_bytes_min = 5000;
    compact = run(&options, &result);
    assert_true(result.garbage_before > options.gain_bytes_min);
    assert_int_equal(result.outcome, COMPACT_NO_GAIN);
    compact_free(compact);
    finish(&desk);
}

static void what_gains_too_little_is_left(void **context)
{
    struct compact_options options;
    struct compact_result result;
    struct compact *compact;
    struct desk desk;
    unsigned files;

    (void)context;
    fill(&desk);
    options = options_for(&desk);
    options.gain_bytes_min = 500000;
    options.before.us++;
    files = count_files(desk.vfs);
    compact = run(&options, &result);
    assert_int_equal(result.outcome, COMPACT_NO_GAIN);
    assert_int_equal(result.horizon, seg_3);
    compact_free(compact);
    options.gain_bytes_min = 0;
    options.tried = seg_3;
    compact = run(&options, &result);
    assert_int_equal(result.outcome, COMPACT_NO_GAIN);
    compact_free(compact);
    assert_int_equal(count_files(desk.vfs), files);
    options.tried = seg_2;
    compact = run(&options, &result);
    assert_int_equal(result.outcome, COMPACT_DONE);
    compact_free(compact);
    finish(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(horizon_is_where_segments_are_old),
        cmocka_unit_test(holders_stay),
        cmocka_unit_test(bodies_that_later_changes_name_are_kept),
        cmocka_unit_test(body_segments_go_with_their_messages),
        cmocka_unit_test(broken_bodies_keep_their_segments),
        cmocka_unit_test(given_up_anywhere_leaves_nothing),
        cmocka_unit_test(holders_gain_nothing),
        cmocka_unit_test(what_gains_too_little_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
