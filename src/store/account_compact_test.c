/* Compaction of an account: whatever happens to it meanwhile, it answers what it answered before.
 */
#include "store/account_compact.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/crash_vfs.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/random.h"
#include "kit/shadow.h"
#include "store/account_state.h"
#include "store/log_base.h"
#include "store/segment.h"

#define HOUR_US INT64_C(3600000000)

static uint64_t new_seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* Everything small: segments, what is worth it, what is kept and how long. */
static void make_small(struct desk *desk, struct vfs *disk)
{
    desk_init(desk, disk);
    desk->options.log_segment_bytes = 40000;
    desk->options.checkpoint_bytes = 9000;
    desk->options.compact = (struct compact_policy){
        .enabled = true,
        .keep_us = HOUR_US,
        .linger_ms = 600000,
        .garbage_bytes_min = 4000,
        .check_ms = 500,
    };
}

/* Ticks until nothing is under way any more; the clock stands still. */
static void tick_out(struct desk *desk)
{
    for (int i = 0; i < 20000; i++) {
        struct mono next = desk_tick(desk);

        desk_settle(desk);
        if (next.ms > desk->mono.ms + 50 && i > 3)
            return;
    }
    fail_msg("it never rests");
}

static uint64_t bytes_of(struct vfs *disk, const char *ending)
{
    uint64_t bytes = 0;
    const char *path;

    for (unsigned i = 0; (path = mem_vfs_path(disk, i)) != NULL; i++) {
        struct bytes name = bytes_from_string(path);
        struct bytes end = bytes_from_string(ending);

        if (name.len > 4 && memcmp(path, "log/", 4) == 0 && name.len >= end.len &&
            bytes_equal(bytes_from(name, name.len - end.len), end))
            bytes += mem_vfs_file(disk, path).len;
    }
    return bytes;
}

static uint64_t log_bytes(struct vfs *disk)
{
    return bytes_of(disk, ".log") + bytes_of(disk, ".base") + bytes_of(disk, ".body");
}

static void remove_derived(struct vfs *disk)
{
    static const char *const derived[] = { "checkpoint", "checkpoint.rows.0", "checkpoint.rows.1",
                                           "summary", "summary.index" };

    for (size_t i = 0; i < ARRAY_COUNT(derived); i++)
        mem_vfs_remove(disk, derived[i]);
}

/* The account as it is, and as it is after it was closed and opened, with and without what is
 * derived. */
static void assert_stays(struct desk *desk, const struct shadow *shadow)
{
    struct buf before = buf_make(1 << 26);
    struct buf after = buf_make(1 << 26);

    shadow_check(shadow, desk);
    shadow_describe(desk, true, &before);
    for (int bare = 0; bare < 2; bare++) {
        desk_close(desk);
        if (bare)
            remove_derived(desk->vfs);
        assert_int_equal(desk_open(desk), ERR_OK);
        assert_false(desk->report.unclean || desk->report.epoch);
        assert_int_equal(desk->report.records_damaged, 0);
        shadow_describe(desk, true, &after);
        ASSERT_BYTES(buf_bytes(&after), buf_bytes(&before));
    }
    buf_done(&before);
    buf_done(&after);
}

struct storm {
    struct desk desk;
    struct shadow *shadow;
    struct test_random random;
    unsigned bases;
    uint64_t base;
};

static bool one_of(struct storm *storm, uint64_t count)
{
    return test_random_below(&storm->random, count) == 0;
}

static void count_bases(struct storm *storm)
{
    uint64_t base = log_base(storm->desk.account->log);

    storm->bases += base != storm->base;
    storm->base = base;
}

/* One act, then some of what waits for its turn; now and then time leaps. */
static void act_in_between(struct storm *storm)
{
    struct desk *desk = &storm->desk;

    shadow_act(storm->shadow, desk);
    if (one_of(storm, 3))
        account_sync(desk->account);
    for (uint64_t turns = test_random_below(&storm->random, 6); turns > 0; turns--) {
        (void)desk_tick(desk);
        if (one_of(storm, 2))
            (void)jobs_run(&desk->jobs);
        if (one_of(storm, 2))
            (void)jobs_deliver(&desk->jobs);
        count_bases(storm);
    }
    if (one_of(storm, 10))
        account_trim(desk->account);
    if (one_of(storm, 8))
        desk->now.us += (int64_t)test_random_below(&storm->random, (uint64_t)HOUR_US);
}

/* Acts of all kinds between the steps of compactions. */
static void answers_stay_the_same(void **context)
{
    uint64_t seed = new_seed();
    struct storm storm = { .shadow = malloc(sizeof(*storm.shadow)), .random = { seed + 1 } };

    (void)context;
    shadow_init(storm.shadow, seed);
    storm.shadow->with_large = true;
    make_small(&storm.desk, mem_vfs_new(seed));
    assert_int_equal(desk_open(&storm.desk), ERR_OK);
    for (int round = 0; round < 24; round++) {
        for (int i = 0; i < 40; i++)
            act_in_between(&storm);
        if (one_of(&storm, 2))
            tick_out(&storm.desk);
        assert_stays(&storm.desk, storm.shadow);
        count_bases(&storm);
    }
    print_message("%u bases\n", storm.bases);
    assert_in_range(storm.bases, 2, 1000);
    desk_close(&storm.desk);
    assert_int_equal(mem_vfs_open_files(storm.desk.vfs), 0);
    mem_vfs_free(storm.desk.vfs);
    free(storm.shadow);
}

static void append_many(struct desk *desk, const char *mailbox, uint32_t count)
{
    struct buf text = buf_make(1 << 16);

    for (uint32_t i = 0; i < count; i++) {
        buf_clear(&text);
        buf_add_format(&text, "Subject: number %u\r\n\r\n%*u\r\n", i, 600 + (int)(i % 800), i);
        assert_int_equal(desk_append(desk, desk_mailbox(desk, mailbox), buf_bytes(&text), 0, NULL),
                         ERR_OK);
        if (i % 64 == 0) {
            (void)desk_tick(desk);
            desk_settle(desk);
        }
    }
    desk_sync(desk);
    buf_done(&text);
}

/* Expunges all UIDs up to `last` but every tenth. */
static void expunge_most(struct desk *desk, const char *mailbox, uint32_t last)
{
    struct origin origin = desk_origin(desk);
    struct uid_range *ranges = malloc(last * sizeof(*ranges));
    uint32_t count = 0;
    uint32_t gone = 0;

    for (uint32_t uid = 1; uid <= last; uid += 10)
        ranges[count++] = (struct uid_range){ uid, uid + 8 <= last ? uid + 8 : last };
    assert_int_equal(act_expunge(desk_mailbox(desk, mailbox), &origin,
                                 (struct uid_set){ ranges, count }, false, &gone),
                     ERR_OK);
    desk_sync(desk);
    free(ranges);
}

/* Nine of ten messages go; when retention and linger are over the log is little more than what is
 * left, and all that clients know is as it was. */
static void log_shrinks_to_what_is_living(void **context)
{
    enum { MESSAGES = 10000 };
    struct buf before = buf_make(1 << 26);
    struct buf after = buf_make(1 << 26);
    uint64_t peak = 0;
    uint64_t full;
    struct desk desk;

    (void)context;
    make_small(&desk, mem_vfs_new(7));
    desk.options.log_segment_bytes = 1 << 20;
    desk.options.checkpoint_bytes = 1 << 20;
    assert_int_equal(desk_open(&desk), ERR_OK);
    append_many(&desk, "INBOX", MESSAGES);
    expunge_most(&desk, "INBOX", MESSAGES);
    shadow_describe(&desk, true, &before);
    tick_out(&desk);
    full = log_bytes(desk.vfs);
    assert_int_equal(log_base(desk.account->log), 0); /* it is all kept for an hour */
    desk.now.us += HOUR_US + 1;
    for (int i = 0; i < 3000; i++) {
        (void)desk_tick(&desk);
        desk_settle(&desk);
        peak = log_bytes(desk.vfs) > peak ? log_bytes(desk.vfs) : peak;
    }
    assert_int_not_equal(log_base(desk.account->log), 0);
    assert_true(log_bytes(desk.vfs) >= full); /* whoever copies it finds it all */
    assert_true(peak < full + full / 4);
    desk.now.us += HOUR_US;
    tick_out(&desk);
    print_message("%llu bytes, %llu at most, %llu now, %llu living\n", (unsigned long long)full,
                  (unsigned long long)peak, (unsigned long long)log_bytes(desk.vfs),
                  (unsigned long long)account_used_bytes(desk.account));
    assert_true(log_bytes(desk.vfs) * 10 <= account_used_bytes(desk.account) * 13);
    for (int opened = 0; opened < 3; opened++) {
        shadow_describe(&desk, true, &after);
        ASSERT_BYTES(buf_bytes(&after), buf_bytes(&before));
        desk_close(&desk);
        if (opened == 1)
            remove_derived(desk.vfs);
        assert_int_equal(desk_open(&desk), ERR_OK);
        assert_int_equal(desk.report.records_damaged, 0);
        assert_false(desk.report.epoch);
    }
    desk_close(&desk);
    mem_vfs_free(desk.vfs);
    buf_done(&before);
    buf_done(&after);
}

/* An account of which most was expunged, two hours ago. */
static void start_with_garbage(struct desk *desk, struct vfs *disk)
{
    make_small(desk, disk);
    assert_int_equal(desk_open(desk), ERR_OK);
    append_many(desk, "INBOX", 100);
    expunge_most(desk, "INBOX", 100);
    desk->now.us += 2 * HOUR_US;
}

static void finish(struct desk *desk)
{
    desk_close(desk);
    assert_int_equal(mem_vfs_open_files(desk->vfs), 0);
    mem_vfs_free(desk->vfs);
}

static bool removal_was_made(const struct desk *desk)
{
    return desk->account->state.drops.count == 0;
}

static void nothing_is_removed_while_somebody_holds(void **context)
{
    uint64_t first;
    uint64_t second;
    uint64_t bytes;
    struct desk desk;

    (void)context;
    start_with_garbage(&desk, mem_vfs_new(8));
    first = account_hold(desk.account, (struct wall){ desk.now.us + 10 * HOUR_US });
    second = account_hold(desk.account, (struct wall){ desk.now.us + 4 * HOUR_US });
    tick_out(&desk);
    assert_int_not_equal(log_base(desk.account->log), 0);
    bytes = log_bytes(desk.vfs);
    desk.now.us += 2 * HOUR_US;
    tick_out(&desk);
    assert_false(removal_was_made(&desk));
    account_release(desk.account, first);
    tick_out(&desk);
    assert_false(removal_was_made(&desk));
    assert_int_equal(log_bytes(desk.vfs), bytes);
    desk.now.us += 2 * HOUR_US + 1; /* who forgets to release it holds it no longer than it said */
    tick_out(&desk);
    assert_true(removal_was_made(&desk));
    assert_true(log_bytes(desk.vfs) < bytes / 2);
    account_release(desk.account, second); /* means nothing now */
    finish(&desk);
}

/* The account was closed between the base and the removal. */
static void removal_comes_after_a_restart(void **context)
{
    (void)context;
    for (int bare = 0; bare < 2; bare++) {
        struct desk desk;

        start_with_garbage(&desk, mem_vfs_new(10));
        tick_out(&desk);
        assert_false(removal_was_made(&desk));
        desk_close(&desk);
        if (bare)
            remove_derived(desk.vfs);
        assert_int_equal(desk_open(&desk), ERR_OK);
        assert_false(removal_was_made(&desk));
        tick_out(&desk);
        assert_false(removal_was_made(&desk));
        desk.now.us += HOUR_US;
        tick_out(&desk);
        assert_true(removal_was_made(&desk));
        assert_int_equal(bytes_of(desk.vfs, ".base") + SEGMENT_RECORDS_AT, log_bytes(desk.vfs));
        finish(&desk);
    }
}

/* Whatever a list says: the log behind the base and the base itself stay. */
static void nothing_goes_that_is_not_superseded(void **context)
{
    struct wall long_ago = { 1 };
    struct log_mark mark;
    struct desk desk;

    (void)context;
    start_with_garbage(&desk, mem_vfs_new(31));
    tick_out(&desk);
    assert_int_not_equal(log_base(desk.account->log), 0);
    log_durable_mark(desk.account->log, &mark);
    state_add_drop(&desk.account->state, mark.segment, long_ago);
    state_add_drop(&desk.account->state, log_base(desk.account->log), long_ago);
    desk.now.us += HOUR_US;
    tick_out(&desk);
    assert_true(removal_was_made(&desk));
    desk_close(&desk);
    remove_derived(desk.vfs);
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_int_equal(desk.report.records_damaged, 0);
    finish(&desk);
}

/* What is not on the disk yet may name bodies that would be superseded. */
static void all_is_durable_before_it_begins(void **context)
{
    struct desk desk;

    (void)context;
    start_with_garbage(&desk, mem_vfs_new(18));
    for (int i = 0; i < 30; i++) {
        assert_int_equal(
            desk_append(&desk, desk_mailbox(&desk, "Sent"), BYTES("a: b\r\n\r\n"), 0, NULL),
            ERR_OK);
        (void)desk_tick(&desk);
        assert_false(account_compact_is_running(desk.account));
        (void)jobs_run(&desk.jobs);
        (void)jobs_deliver(&desk.jobs);
    }
    desk_settle(&desk);
    tick_out(&desk);
    assert_int_not_equal(log_base(desk.account->log), 0);
    finish(&desk);
}

/* Who shares a limit waits for the others. */
static void only_so_many_run(void **context)
{
    atomic_uint running = 1;
    struct desk desk;

    (void)context;
    make_small(&desk, mem_vfs_new(17));
    desk.options.compact.running = &running;
    desk.options.compact.running_max = 1;
    assert_int_equal(desk_open(&desk), ERR_OK);
    append_many(&desk, "INBOX", 100);
    expunge_most(&desk, "INBOX", 100);
    desk.now.us += 2 * HOUR_US;
    tick_out(&desk);
    assert_int_equal(log_base(desk.account->log), 0);
    running = 0;
    for (int i = 0; i < 100 && !account_compact_is_running(desk.account); i++) {
        (void)desk_tick(&desk);
        if (!account_compact_is_running(desk.account))
            desk_settle(&desk);
    }
    assert_int_equal(running, 1);
    tick_out(&desk);
    assert_int_equal(running, 0);
    assert_int_not_equal(log_base(desk.account->log), 0);
    finish(&desk);
    assert_int_equal(running, 0);
}

/* Closed at any time: what was under way is done, or it never was. */
static void closing_interrupts(void **context)
{
    bool through = false;

    (void)context;
    for (unsigned ticks = 0; !through; ticks++) {
        struct buf before = buf_make(1 << 24);
        struct buf after = buf_make(1 << 24);
        struct desk desk;

        start_with_garbage(&desk, mem_vfs_new(11));
        shadow_describe(&desk, true, &before);
        for (unsigned i = 0; i < ticks; i++) {
            (void)desk_tick(&desk);
            desk_settle(&desk);
        }
        through = log_base(desk.account->log) != 0;
        desk_close(&desk);
        assert_int_equal(desk_open(&desk), ERR_OK);
        assert_int_equal(desk.report.records_replayed, 0); /* the checkpoint is of that base */
        assert_int_equal(bytes_of(desk.vfs, ".base") != 0, log_base(desk.account->log) != 0);
        shadow_describe(&desk, true, &after);
        ASSERT_BYTES(buf_bytes(&after), buf_bytes(&before));
        finish(&desk);
        buf_done(&before);
        buf_done(&after);
    }
}

/* Appending fails, wherever it hits: no base comes of it, all else goes on, and later it works. */
static void full_disk_is_no_harm(void **context)
{
    struct account_compacted compacted;
    unsigned failed = 0;
    bool through = false;

    (void)context;
    for (unsigned skip = 0; !through; skip++) {
        struct vfs *start = mem_vfs_new(12);
        struct crash_vfs *crash;
        struct uid uid;
        struct desk desk;

        start_with_garbage(&desk, start);
        desk_close(&desk);
        crash = crash_vfs_new(start);
        desk.options.vfs = desk.vfs = crash_vfs_get(crash);
        desk.options.checkpoint_bytes = 1 << 30;
        assert_int_equal(desk_open(&desk), ERR_OK);
        for (int i = 0; i < 3; i++) { /* a new segment first */
            (void)desk_tick(&desk);
            desk_settle(&desk);
        }
        crash_vfs_fail(crash, CRASH_FAIL_APPEND, skip, 100);
        through = true;
        for (int i = 0; i < 60; i++) {
            (void)desk_tick(&desk);
            desk_settle(&desk);
            if (!account_compacted(desk.account, &compacted) || compacted.err == ERR_OK)
                continue;
            assert_int_equal(compacted.err, ERR_NO_SPACE);
            assert_true(compacted.why.text[0] != '\0');
            assert_int_equal(bytes_of(crash_vfs_cache(crash), ".base"), 0);
            through = false;
            failed++;
        }
        assert_false(account_has_failed(desk.account));
        crash_vfs_heal(crash);
        assert_int_equal(
            desk_append(&desk, desk_mailbox(&desk, "INBOX"), BYTES("a: b\r\n\r\n"), 0, &uid),
            ERR_OK);
        assert_int_equal(uid.value, 101);
        desk.mono.ms += 10000;
        tick_out(&desk);
        assert_int_not_equal(log_base(desk.account->log), 0);
        desk_close(&desk);
        crash_vfs_free(crash);
    }
    assert_true(failed > 1);
}

/* More expunged than is to be kept: the oldest goes before its time. */
static void too_much_is_forgotten_early(void **context)
{
    struct desk desk;

    (void)context;
    make_small(&desk, mem_vfs_new(13));
    desk.options.compact.keep_us = 1000 * HOUR_US;
    desk.options.compact.expunged_bytes_max = 60000;
    assert_int_equal(desk_open(&desk), ERR_OK);
    append_many(&desk, "INBOX", 200);
    expunge_most(&desk, "INBOX", 50);
    tick_out(&desk);
    assert_int_equal(log_base(desk.account->log), 0);
    expunge_most(&desk, "Junk", 1); /* nothing is there */
    append_many(&desk, "Junk", 200);
    expunge_most(&desk, "Junk", 200);
    for (int i = 0; i < 20; i++) {
        tick_out(&desk);
        desk.now.us += HOUR_US;
    }
    assert_int_not_equal(log_base(desk.account->log), 0);
    assert_true(state_garbage(&desk.account->state) < 150000);
    finish(&desk);
}

static unsigned wakes;

static void on_wake(struct waker *waker)
{
    (void)waker;
    wakes++;
}

static enum err purge(struct desk *desk, struct wall before, struct account_purged *purged)
{
    struct waker waker = { on_wake };
    struct note why = { .text = "" };
    enum err err = account_purge(desk->account, before, &waker);

    assert_int_equal(err, ERR_OK);
    assert_int_equal(account_purge(desk->account, before, &waker), ERR_BUSY);
    for (int i = 0; i < 10000; i++) {
        (void)desk_tick(desk);
        desk_settle(desk);
        err = account_purge_result(desk->account, purged, &why);
        if (err != ERR_BUSY)
            return err;
    }
    fail_msg("it never ends");
    return ERR_BUSY;
}

static bool disk_has(struct vfs *disk, struct bytes needle)
{
    const char *path;

    for (unsigned i = 0; (path = mem_vfs_path(disk, i)) != NULL; i++) {
        struct bytes file = mem_vfs_file(disk, path);

        for (size_t at = 0; at + needle.len <= file.len; at++)
            if (memcmp(file.at + at, needle.at, needle.len) == 0)
                return true;
    }
    return false;
}

/* Not a byte of what was expunged is left, in whatever file; all else is. */
static void purge_forgets(void **context)
{
    struct buf before = buf_make(1 << 24);
    struct buf after = buf_make(1 << 24);
    struct account_purged purged;
    struct desk desk;

    (void)context;
    make_small(&desk, mem_vfs_new(14));
    desk.options.compact.enabled = false;
    assert_int_equal(desk_open(&desk), ERR_OK);
    append_many(&desk, "INBOX", 100);
    expunge_most(&desk, "INBOX", 100);
    shadow_describe(&desk, true, &before);
    assert_true(disk_has(desk.vfs, BYTES("Subject: number 17\r\n")));
    wakes = 0;
    assert_int_equal(purge(&desk, (struct wall){ INT64_MAX }, &purged), ERR_OK);
    assert_int_equal(wakes, 1);
    assert_int_equal(purged.since.us, desk.account->state.changed_at.us);
    assert_false(purged.held);
    assert_true(purged.freed_bytes > 70000);
    assert_false(disk_has(desk.vfs, BYTES("number 17")));
    assert_true(disk_has(desk.vfs, BYTES("Subject: number 19\r\n")));
    shadow_describe(&desk, true, &after);
    ASSERT_BYTES(buf_bytes(&after), buf_bytes(&before));
    assert_int_equal(purge(&desk, (struct wall){ 5 }, &purged), ERR_OK);
    for (int bare = 0; bare < 2; bare++) {
        desk_close(&desk);
        if (bare)
            remove_derived(desk.vfs);
        assert_int_equal(desk_open(&desk), ERR_OK);
        shadow_describe(&desk, true, &after);
        ASSERT_BYTES(buf_bytes(&after), buf_bytes(&before));
    }
    finish(&desk);
    buf_done(&before);
    buf_done(&after);
}

/* The least time between two steps of a compaction that is under way. */
static int64_t least_rest_ms(struct desk *desk)
{
    int64_t least = INT64_MAX;
    int64_t last = 0;
    unsigned steps = 0;

    for (int i = 0; i < 20000 && log_base(desk->account->log) == 0; i++) {
        desk->mono.ms++;
        (void)account_tick(desk->account, desk->mono, desk->now);
        if (account_compact_is_running(desk->account) && !list_is_empty(&desk->jobs.waiting)) {
            if (steps++ > 0 && desk->mono.ms - last < least)
                least = desk->mono.ms - last;
            last = desk->mono.ms;
        }
        desk_settle(desk);
    }
    assert_in_range(steps, 3, 1000);
    return least;
}

/* Clients come first: nobody waits for a compaction, and not as much for a purge. */
static void steps_have_rests_between(void **context)
{
    int64_t rests[2];

    (void)context;
    for (int purges = 0; purges < 2; purges++) {
        struct desk desk;

        make_small(&desk, mem_vfs_new(15));
        desk.options.compact.enabled = !purges;
        desk.options.checkpoint_bytes = 1 << 30; /* the jobs are the compaction's */
        assert_int_equal(desk_open(&desk), ERR_OK);
        append_many(&desk, "INBOX", 100);
        expunge_most(&desk, "INBOX", 100);
        desk.now.us += 2 * HOUR_US;
        if (purges)
            assert_int_equal(account_purge(desk.account, (struct wall){ INT64_MAX }, &desk.waker),
                             ERR_OK);
        rests[purges] = least_rest_ms(&desk);
        finish(&desk);
    }
    assert_in_range(rests[0], 10, 20);
    assert_in_range(rests[1], 5, rests[0] - 1);
}

static void purge_waits_for_who_holds(void **context)
{
    struct account_purged purged;
    uint64_t hold;
    struct desk desk;

    (void)context;
    start_with_garbage(&desk, mem_vfs_new(15));
    hold = account_hold(desk.account, (struct wall){ INT64_MAX });
    assert_int_equal(purge(&desk, desk.now, &purged), ERR_OK);
    assert_true(purged.held);
    assert_false(removal_was_made(&desk));
    account_release(desk.account, hold);
    desk.now.us += HOUR_US;
    tick_out(&desk);
    assert_true(removal_was_made(&desk));
    assert_int_equal(purge(&desk, (struct wall){ 5 }, &purged), ERR_OK); /* nothing is that old */
    finish(&desk);
}

/* A copy is another message of the same body, however often the log is compacted. */
static void copies_store_no_second_body(void **context)
{
    const struct uid_range all = { 1, UINT32_MAX };
    uint64_t bytes;
    struct desk desk;

    (void)context;
    start_with_garbage(&desk, mem_vfs_new(16));
    bytes = log_bytes(desk.vfs);
    for (int i = 0; i < 5; i++) {
        struct origin origin = desk_origin(&desk);
        struct copy_act act = { .to = desk_mailbox(&desk, "Archive"), .uids = { &all, 1 } };
        struct copy_result result;
        struct arena arena = arena_make(1 << 20);

        assert_int_equal(act_copy(desk_mailbox(&desk, "INBOX"), &origin, &act, &arena, &result),
                         ERR_OK);
        arena_done(&arena);
    }
    desk_sync(&desk);
    assert_true(log_bytes(desk.vfs) < bytes + 1000);
    assert_int_equal(account_used_messages(desk.account), 60);
    for (int i = 0; i < 3; i++) {
        desk.now.us += 2 * HOUR_US;
        tick_out(&desk);
    }
    assert_true(removal_was_made(&desk));
    /* the ten bodies that are left, sixty rows, two headers of segments */
    assert_true(log_bytes(desk.vfs) < desk.account->state.bodies.living_bytes + 10 * 100 + 60 * 40 +
                                          2 * SEGMENT_RECORDS_AT);
    finish(&desk);
}

/* A copy of a live directory: the base was read while it grew, the checkpoint when it was whole.
 * What the base supersedes still lingers. */
static void test_a_copy_with_half_a_base(void **context)
{
    uint64_t seed = new_seed();
    struct shadow *shadow = malloc(sizeof(*shadow));
    struct vfs *disk = mem_vfs_new(seed);
    struct desk desk;
    char path[SEGMENT_PATH_BYTES];
    uint64_t messages;
    struct bytes whole;

    (void)context;
    make_small(&desk, disk);
    shadow_init(shadow, seed);
    assert_int_equal(desk_open(&desk), ERR_OK);
    for (int i = 0; log_base(desk.account->log) == 0; i++) {
        assert_true(i < 4000);
        shadow_act(shadow, &desk);
        desk_sync(&desk);
        desk.now.us += HOUR_US / 20;
        (void)desk_tick(&desk);
        desk_settle(&desk);
    }
    segment_path(log_base(desk.account->log), path);
    messages = account_used_messages(desk.account);
    desk_close(&desk);
    whole = mem_vfs_file(disk, path);
    assert_true(whole.len > SEGMENT_RECORDS_AT);
    mem_vfs_put(disk, path,
                bytes_slice(whole, 0, SEGMENT_RECORDS_AT + (whole.len - SEGMENT_RECORDS_AT) / 4));
    mem_vfs_remove(disk, "lock");
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_true(desk.report.epoch);
    assert_int_equal(desk.report.left_out, 0);
    assert_int_equal(account_used_messages(desk.account), messages);
    desk_close(&desk);
    assert_int_equal(mem_vfs_open_files(disk), 0);
    mem_vfs_free(disk);
    free(shadow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_with_half_a_base),
        cmocka_unit_test(answers_stay_the_same),
        cmocka_unit_test(log_shrinks_to_what_is_living),
        cmocka_unit_test(nothing_is_removed_while_somebody_holds),
        cmocka_unit_test(removal_comes_after_a_restart),
        cmocka_unit_test(nothing_goes_that_is_not_superseded),
        cmocka_unit_test(all_is_durable_before_it_begins),
        cmocka_unit_test(only_so_many_run),
        cmocka_unit_test(closing_interrupts),
        cmocka_unit_test(full_disk_is_no_harm),
        cmocka_unit_test(too_much_is_forgotten_early),
        cmocka_unit_test(purge_forgets),
        cmocka_unit_test(steps_have_rests_between),
        cmocka_unit_test(purge_waits_for_who_holds),
        cmocka_unit_test(copies_store_no_second_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
