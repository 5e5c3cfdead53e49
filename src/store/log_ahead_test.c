/* Space taken ahead: when, how much, and how it goes again. */
#include "store/log_ahead.h"

#include "kit/crash_vfs.h"
#include "kit/log_changes.h"
#include "store/log_base.h"
#include "store/log_write.h"

enum { AHEAD = 16384, SMALL = 1000, LARGE = 70000 };

static const char first_log[] = "log/0000000000000004.log";
static const char second_log[] = "log/0000000000000008.log";

static void set_up(struct log_bench *bench, struct vfs *disk)
{
    bench_init(bench, disk);
    bench->options.ahead_bytes = AHEAD;
    bench->options.ahead_syncs = 2;
    bench_start(bench, 100);
}

static void change(struct log_bench *bench, uint64_t number, size_t filler)
{
    assert_int_equal(bench_change(bench, number, filler, true), ERR_OK);
    log_sync(bench->log);
    jobs_settle(&bench->jobs);
    assert_int_equal(log_durable(bench->log), log_tip(bench->log));
}

static uint64_t size_of(struct vfs *disk, const char *path)
{
    return mem_vfs_file(disk, path).len;
}

/* Changes until there is space ahead; answers the number of the last. */
static uint64_t take(struct log_bench *bench, struct vfs *disk)
{
    uint64_t number = 0;

    while (size_of(disk, first_log) == log_tip(bench->log) || number == 0)
        change(bench, ++number, SMALL);
    return number;
}

static void space_is_taken_behind_small_syncs(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    uint64_t size;
    unsigned grown = 0;

    set_up(&bench, disk);
    assert_int_equal(take(&bench, disk), 3);
    size = size_of(disk, first_log);
    assert_int_equal(size % 4096, 0);
    assert_in_range(size - log_tip(bench.log), AHEAD - 4096, AHEAD);
    for (uint64_t i = log_tip(bench.log); i < size; i++)
        assert_int_equal(mem_vfs_file(disk, first_log).at[i], 0);
    for (uint64_t i = 4; i <= 200; i++) {
        change(&bench, i, SMALL);
        grown += size_of(disk, first_log) != size;
        size = size_of(disk, first_log);
    }
    assert_in_range(grown, 200 * SMALL / AHEAD, 2 * 200 * SMALL / AHEAD);
    bench_close(&bench);
    bench_start(&bench, 1000);
    assert_int_equal(bench.seen_count, 200);
    assert_false(bench.report.unclean);
    bench_close(&bench);
    mem_vfs_free(disk);
}

/* The other way in. */
static void pieces_are_written_over_it(void **state)
{
    static const uint8_t payload[300];
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    struct buf buf = buf_make(1 << 20);
    struct origin origin = { PROTOCOL_IMAP, 1, BYTES("anne"), { 1700000000000000 } };
    struct log_record record;
    uint64_t size = 0;
    unsigned grown = 0;

    set_up(&bench, disk);
    op_origin_encode(&buf, &origin);
    buf_put_u8(&buf, OP_IGNORABLE);
    buf_put_u32(&buf, sizeof(payload));
    buf_add(&buf, bytes_make(payload, sizeof(payload)));
    for (uint64_t i = 1; i <= 100; i++) {
        struct log_change change = { { i }, bench.options.now, buf_bytes(&buf), true };
        enum err err;

        assert_int_equal(log_batch(bench.log), ERR_OK);
        assert_int_equal(log_write_begin(bench.log, &change, &record), ERR_OK);
        while ((err = log_write(bench.log, 100)) == ERR_BUSY)
            continue;
        assert_int_equal(err, ERR_OK);
        log_sync(bench.log);
        jobs_settle(&bench.jobs);
        grown += size_of(disk, first_log) != size;
        size = size_of(disk, first_log);
    }
    assert_in_range(grown, 3, 100 / 4);
    bench_close(&bench);
    bench_start(&bench, 1000);
    assert_int_equal(bench.seen_count, 100);
    bench_close(&bench);
    buf_done(&buf);
    mem_vfs_free(disk);
}

static void none_is_taken_behind_large_ones(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;

    set_up(&bench, disk);
    for (uint64_t i = 1; i <= 5; i++) { /* small batches, of which a sync has many */
        for (uint64_t j = 0; j < 100; j++)
            assert_int_equal(bench_change(&bench, i * 100 + j, SMALL, true), ERR_OK);
        log_sync(bench.log);
        jobs_settle(&bench.jobs);
        assert_int_equal(size_of(disk, first_log), log_tip(bench.log));
    }
    change(&bench, 5000, SMALL);
    change(&bench, 5001, SMALL);
    change(&bench, 5002, LARGE); /* a large one behind them */
    change(&bench, 5003, SMALL);
    change(&bench, 5004, SMALL);
    assert_int_equal(size_of(disk, first_log), log_tip(bench.log));
    change(&bench, 5005, SMALL);
    assert_true(size_of(disk, first_log) > log_tip(bench.log));
    change(&bench, 5006, LARGE); /* beyond what was taken */
    assert_int_equal(size_of(disk, first_log), log_tip(bench.log));
    bench_close(&bench);
    bench_start(&bench, 10000);
    assert_int_equal(bench.seen_count, 507);
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void a_segment_is_no_longer_for_it(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    uint64_t number;
    uint64_t tip;

    bench_init(&bench, disk);
    bench.options.ahead_bytes = AHEAD;
    bench.options.ahead_syncs = 2;
    bench.options.segment_bytes = 3 * AHEAD;
    bench_start(&bench, 100);
    number = take(&bench, disk);
    while (size_of(disk, second_log) == 0) {
        assert_in_range(size_of(disk, first_log), 0, 3 * AHEAD + 2 * SMALL);
        change(&bench, ++number, SMALL);
    }
    bench_close(&bench);

    /* A segment that ends early is cut off where it ends. */
    mem_vfs_free(disk);
    disk = mem_vfs_new(1);
    set_up(&bench, disk);
    number = take(&bench, disk);
    tip = log_tip(bench.log);
    assert_true(log_roll(bench.log, bench.options.now));
    jobs_settle(&bench.jobs);
    change(&bench, number + 1, SMALL);
    assert_true(size_of(disk, second_log) > 0);
    assert_int_equal(size_of(disk, first_log), tip);
    bench_close(&bench);
    bench_start(&bench, 1000);
    assert_int_equal(bench.seen_count, number + 1);
    assert_int_equal(bench.report.damaged, 0);
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void a_log_at_rest_gives_it_back(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    uint64_t number;

    set_up(&bench, disk);
    number = take(&bench, disk);
    assert_int_equal(bench_change(&bench, ++number, SMALL, true), ERR_OK);
    assert_true(log_is_restless(bench.log));
    assert_false(log_rest(bench.log)); /* not what is not on the disk yet */
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_true(log_rest(bench.log));
    assert_false(log_is_restless(bench.log));
    assert_int_equal(size_of(disk, first_log), log_tip(bench.log));
    change(&bench, ++number, SMALL); /* it begins anew */
    assert_true(log_is_restless(bench.log));
    assert_int_equal(size_of(disk, first_log), log_tip(bench.log));
    change(&bench, ++number, SMALL);
    change(&bench, ++number, SMALL);
    assert_true(size_of(disk, first_log) > log_tip(bench.log));
    log_trim(bench.log);
    assert_int_equal(size_of(disk, first_log), log_tip(bench.log));
    change(&bench, ++number, SMALL);
    bench_close(&bench);
    bench_start(&bench, 1000);
    assert_int_equal(bench.seen_count, number);
    assert_int_equal(bench.report.damaged, 0);
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void a_log_that_is_closed_has_none(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    uint64_t tip;

    set_up(&bench, disk);
    (void)take(&bench, disk);
    tip = log_tip(bench.log);
    bench_close(&bench);
    assert_int_equal(size_of(disk, first_log), tip);
    mem_vfs_free(disk);
}

/* Whoever is killed leaves it; the next one cuts it off and goes on in the same segment. */
static void an_opening_gives_it_back(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct vfs *killed;
    struct log_bench bench;
    struct log_bench next;
    uint64_t number;

    set_up(&bench, disk);
    number = take(&bench, disk);
    killed = mem_vfs_copy(disk, 2);
    assert_true(size_of(killed, first_log) > log_tip(bench.log));
    bench_init(&next, killed);
    bench_start(&next, 1000);
    assert_int_equal(next.seen_count, number);
    assert_true(next.report.unclean);
    assert_int_equal(next.report.epoch_reasons, 0);
    assert_int_equal(size_of(killed, first_log), log_tip(bench.log));
    assert_int_equal(log_tip(next.log), log_tip(bench.log));
    change(&next, number + 1, SMALL);
    assert_int_equal(size_of(killed, first_log), log_tip(next.log));
    assert_int_equal(size_of(killed, second_log), 0);
    bench_close(&next);
    bench_start(&next, 1000);
    assert_int_equal(next.seen_count, number + 1);
    bench_close(&next);
    bench_close(&bench);
    mem_vfs_free(killed);
    mem_vfs_free(disk);
}

/* What is behind the end is more than zeros: that stays, and the log goes on elsewhere. */
static void an_opening_cuts_off_nothing_else(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct vfs *killed;
    struct log_bench bench;
    struct log_bench next;
    uint64_t size;

    set_up(&bench, disk);
    (void)take(&bench, disk);
    killed = mem_vfs_copy(disk, 2);
    size = size_of(killed, first_log);
    mem_vfs_damage(killed, first_log, size - 5000, 1);
    bench_init(&next, killed);
    bench_start(&next, 1000);
    assert_int_equal(size_of(killed, first_log), size);
    assert_int_equal(next.report.tail_bytes, size - 4999 - log_tip(bench.log));
    assert_true(size_of(killed, second_log) > 0);
    bench_close(&next);
    bench_close(&bench);
    mem_vfs_free(killed);
    mem_vfs_free(disk);
}

static void a_disk_that_is_nearly_full_is_left_alone(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;

    mem_vfs_set_room(disk, (UINT64_C(1) << 30) - 1);
    set_up(&bench, disk);
    for (uint64_t i = 1; i < 10; i++) {
        change(&bench, i, SMALL);
        assert_int_equal(size_of(disk, first_log), log_tip(bench.log));
    }
    mem_vfs_set_room(disk, UINT64_C(1) << 30);
    change(&bench, 10, SMALL);
    assert_true(size_of(disk, first_log) > log_tip(bench.log));
    bench_close(&bench);
    mem_vfs_free(disk);
}

/* Somebody's share of the disk may be used up where the disk is not. The batch counts. */
static void no_space_for_it_is_no_error(void **state)
{
    for (unsigned with_truncate = 0; with_truncate < 2; with_truncate++) {
        struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
        struct vfs *disk = crash_vfs_cache(crash);
        struct log_bench bench;
        uint64_t full;

        set_up(&bench, crash_vfs_get(crash));
        for (uint64_t i = 1; i <= 2; i++)
            change(&bench, i, SMALL);
        crash_vfs_fail(crash, CRASH_FAIL_APPEND, 1, 5000);
        if (with_truncate)
            crash_vfs_fail(crash, CRASH_FAIL_TRUNCATE, 0, 0);
        change(&bench, 3, SMALL);
        assert_int_equal(crash_vfs_faults(crash), 1 + with_truncate);
        full = size_of(disk, first_log) - log_tip(bench.log);
        assert_int_equal(full, with_truncate ? 5000 : 0);
        assert_false(log_has_failed(bench.log));
        for (uint64_t i = 4; i <= 50; i++)
            change(&bench, i, SMALL);
        bench_close(&bench);
        bench_start(&bench, 1000);
        assert_int_equal(bench.seen_count, 50);
        assert_int_equal(bench.report.tail_bytes + bench.report.damaged, 0);
        bench_close(&bench);
        crash_vfs_free(crash);
    }
}

/* A batch that finds no space is cut off, and what was taken ahead with it. */
static void a_batch_that_fails_leaves_nothing(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct vfs *disk = crash_vfs_cache(crash);
    struct log_bench bench;
    uint64_t number;
    uint64_t tip;

    set_up(&bench, crash_vfs_get(crash));
    number = take(&bench, disk);
    tip = log_tip(bench.log);
    crash_vfs_fail(crash, CRASH_FAIL_APPEND, 0, 300);
    assert_int_equal(bench_change(&bench, number + 1, SMALL, true), ERR_NO_SPACE);
    assert_int_equal(log_tip(bench.log), tip);
    assert_int_equal(size_of(disk, first_log), tip);
    change(&bench, number + 1, SMALL);
    bench_close(&bench);
    bench_start(&bench, 1000);
    assert_int_equal(bench.seen_count, number + 1);
    assert_int_equal(bench.report.tail_bytes + bench.report.damaged, 0);
    bench_close(&bench);
    crash_vfs_free(crash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(space_is_taken_behind_small_syncs),
        cmocka_unit_test(pieces_are_written_over_it),
        cmocka_unit_test(none_is_taken_behind_large_ones),
        cmocka_unit_test(a_segment_is_no_longer_for_it),
        cmocka_unit_test(a_log_at_rest_gives_it_back),
        cmocka_unit_test(a_log_that_is_closed_has_none),
        cmocka_unit_test(an_opening_gives_it_back),
        cmocka_unit_test(an_opening_cuts_off_nothing_else),
        cmocka_unit_test(a_disk_that_is_nearly_full_is_left_alone),
        cmocka_unit_test(no_space_for_it_is_no_error),
        cmocka_unit_test(a_batch_that_fails_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
