/* Compaction of an account: whatever happens to it meanwhile, it answers what it answered before.
 */
#include "store/account_compact.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_stay_the_same),
        cmocka_unit_test(log_shrinks_to_what_is_living),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
