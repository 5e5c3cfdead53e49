/* The log on a disk that keeps what it is given. */
#include "store/log.h"

#include <stdlib.h>

#include "kit/crash_vfs.h"
#include "kit/log_changes.h"

static const char first_log[] = "log/0000000000000004.log";

static void expect_seen(const struct log_bench *bench, unsigned count, const uint64_t *numbers)
{
    assert_int_equal(bench->seen_count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(bench->seen[i], numbers[i]);
}

static void changes_come_back_in_order(void **state)
{
    static const uint64_t all[] = { 1, 2, 3, 4 };
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_true(bench.report.created);
    assert_int_equal(bench.report.epoch_reasons, 0);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(bench_change(&bench, i, 200000 * (i - 1), true), ERR_OK);
    assert_true(log_durable(bench.log) < log_gate(bench.log));
    bench_close(&bench);

    bench_start(&bench, 100);
    assert_false(bench.report.created);
    assert_false(bench.report.unclean);
    expect_seen(&bench, 3, all);
    assert_int_equal(bench_change(&bench, 4, 0, true), ERR_OK);
    bench_close(&bench);

    bench_start(&bench, 100);
    expect_seen(&bench, 4, all);
    bench_close(&bench);
    assert_int_equal(mem_vfs_open_files(disk), 0);
    mem_vfs_free(disk);
}

static void gate_and_durable_meet_after_a_sync(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 10, true), ERR_OK);
    log_sync(bench.log);
    assert_true(log_is_busy(bench.log));
    jobs_settle(&bench.jobs);
    assert_false(log_is_busy(bench.log));
    assert_int_equal(log_durable(bench.log), log_gate(bench.log));
    assert_int_equal(log_durable(bench.log), log_tip(bench.log));

    /* One that nobody waits for does not move the gate, but is durable with the next sync. */
    assert_int_equal(bench_change(&bench, 2, 10, false), ERR_OK);
    assert_int_equal(log_durable(bench.log), log_gate(bench.log));
    assert_true(log_tip(bench.log) > log_durable(bench.log));

    /* Added while a sync runs: another one follows it. */
    log_sync(bench.log);
    assert_true(jobs_run(&bench.jobs));
    assert_int_equal(bench_change(&bench, 3, 10, true), ERR_OK);
    log_sync(bench.log);
    assert_true(jobs_deliver(&bench.jobs));
    assert_true(log_durable(bench.log) < log_gate(bench.log));
    assert_true(log_is_busy(bench.log));
    jobs_settle(&bench.jobs);
    assert_int_equal(log_durable(bench.log), log_tip(bench.log));
    assert_false(log_is_busy(bench.log));
    log_sync(bench.log);
    assert_false(log_is_busy(bench.log));
    bench_close(&bench);
    mem_vfs_free(disk);
}

/* What opening would begin anew without a word is told to nobody. */
static void new_log_is_heard_of_once_it_is_on_the_disk(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    for (int turn = 0; turn < 2; turn++) { /* before its segment is made, and after */
        assert_int_equal(bench_change(&bench, 1 + (unsigned)turn, 10, false), ERR_OK);
        assert_int_equal(log_gate(bench.log), log_tip(bench.log));
        assert_true(log_durable(bench.log) < log_gate(bench.log));
        (void)jobs_run(&bench.jobs);
        (void)jobs_deliver(&bench.jobs);
    }
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_int_equal(log_durable(bench.log), log_tip(bench.log));
    assert_int_equal(bench_change(&bench, 3, 10, false), ERR_OK);
    assert_true(log_gate(bench.log) < log_tip(bench.log));
    bench_close(&bench);

    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 4, 10, true), ERR_OK); /* takes the clean mark away */
    jobs_settle(&bench.jobs);
    assert_int_equal(bench_change(&bench, 5, 10, false), ERR_OK);
    assert_true(log_gate(bench.log) < log_tip(bench.log));
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void segments_follow_each_other(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    struct place places[50];

    bench_init(&bench, disk);
    bench.options.segment_bytes = 20000;
    bench_start(&bench, 100);
    for (uint64_t i = 0; i < 50; i++) {
        uint64_t end = log_tip(bench.log);

        assert_int_equal(bench_put(&bench, i + 1, 3000, &places[i]), ERR_OK);
        assert_true(log_tip(bench.log) > end);
        if (i % 7 == 0)
            log_sync(bench.log);
        if (i % 3 == 0)
            jobs_settle(&bench.jobs);
    }
    for (uint64_t i = 0; i < 50; i++) { /* in memory, in the present file, in old ones */
        static uint8_t frame[RECORD_FRAME_BYTES];
        struct log_source source;
        struct bytes chunk;

        assert_int_equal(log_source(bench.log, places[i], (struct body_id){ i + 1 }, 0, &source),
                         ERR_OK);
        assert_int_equal(source.length, 3000);
        assert_int_equal(
            log_source_read(bench.log, &source, (struct log_chunk){ 0, 0 }, frame, &chunk), ERR_OK);
        assert_int_equal(chunk.len, 3000);
        assert_int_equal(chunk.at[0], i + 1);
        assert_int_equal(chunk.at[2999], i + 1);
        assert_int_equal(
            log_source_read(bench.log, &source, (struct log_chunk){ 1, 0 }, frame, &chunk),
            ERR_INVALID);
        assert_int_equal(log_source(bench.log, places[i], (struct body_id){ i + 2 }, 0, &source),
                         ERR_CORRUPT);
    }
    bench_close(&bench);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 50);
    for (uint64_t i = 0; i < 50; i++) {
        assert_int_equal(bench.seen[i], i + 1);
        assert_int_equal(bench.bodies[i].segment, places[i].segment);
        assert_int_equal(bench.bodies[i].offset, places[i].offset);
    }
    bench_close(&bench);
    assert_int_equal(mem_vfs_open_files(disk), 0);
    assert_true(mem_vfs_file(disk, "log/0000000000000010.log").len > 0);
    mem_vfs_free(disk);
}

static void replay_starts_at_a_mark(void **state)
{
    static const uint64_t rest[] = { 2, 3 };
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    struct log_mark mark;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 10, true), ERR_OK);
    jobs_settle(&bench.jobs);
    assert_int_equal(log_sync_now(bench.log), ERR_OK);
    log_durable_mark(bench.log, &mark);
    assert_int_equal(bench_change(&bench, 2, 10, true), ERR_OK);
    assert_int_equal(bench_change(&bench, 3, 10, true), ERR_OK);
    bench_close(&bench);

    bench.options.from = mark;
    bench_start(&bench, 100);
    expect_seen(&bench, 2, rest);
    bench_close(&bench);

    bench.options.from.segment_id[3] ^= 1;
    assert_int_equal(bench_open(&bench), ERR_CONFLICT);
    bench.options.from = mark;
    bench.options.from.position += 100000; /* ahead of the log */
    assert_int_equal(bench_open(&bench), ERR_CONFLICT);
    bench.options.from = mark;
    bench.options.from.segment += 4;
    assert_int_equal(bench_open(&bench), ERR_CONFLICT);
    bench.options.from = mark;
    bench_start(&bench, 100);
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void only_one_owner(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench one, two;

    bench_init(&one, disk);
    bench_init(&two, disk);
    two.options.create = false;
    assert_int_equal(bench_open(&two), ERR_NOT_FOUND);
    bench_start(&one, 100);
    assert_int_equal(bench_open(&two), ERR_BUSY);
    assert_int_equal(bench_change(&one, 1, 0, true), ERR_OK);
    bench_close(&one);
    assert_int_equal(bench_open(&two), ERR_OK);
    assert_int_equal(log_settle(two.log, NULL), ERR_OK);
    bench_close(&two);
    mem_vfs_free(disk);
}

/* Nothing was ever written: there is no account, however far its making had come. */
static void empty_log_is_no_account(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    bench_close(&bench);
    bench.options.create = false;
    assert_int_equal(bench_open(&bench), ERR_NOT_FOUND);
    mem_vfs_free(disk);
}

static void lost_log_is_not_made_anew(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
    bench_close(&bench);
    mem_vfs_remove(disk, first_log);
    assert_int_equal(bench_open(&bench), ERR_NOT_FOUND);
    mem_vfs_free(disk);
}

static void open_and_close_write_nothing(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    size_t lock_bytes, log_bytes;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
    bench_close(&bench);
    lock_bytes = mem_vfs_file(disk, "lock").len;
    log_bytes = mem_vfs_file(disk, first_log).len;
    for (int i = 0; i < 3; i++) {
        bench_start(&bench, 100);
        bench_close(&bench);
    }
    assert_int_equal(mem_vfs_file(disk, "lock").len, lock_bytes);
    assert_int_equal(mem_vfs_file(disk, first_log).len, log_bytes);
    mem_vfs_free(disk);
}

/* The mark goes away on the disk before the first change reaches it. */
static void clean_mark_is_withdrawn_before_the_first_change(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    size_t lock_bytes, log_bytes;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
    bench_close(&bench);
    bench_start(&bench, 100);
    lock_bytes = mem_vfs_file(disk, "lock").len;
    log_bytes = mem_vfs_file(disk, first_log).len;
    assert_int_equal(bench_change(&bench, 2, 0, false), ERR_OK);
    assert_int_equal(mem_vfs_file(disk, first_log).len, log_bytes);
    assert_true(log_gate(bench.log) > log_durable(bench.log)); /* it only waits in memory */
    assert_true(jobs_run(&bench.jobs));
    assert_true(mem_vfs_file(disk, "lock").len > lock_bytes);
    assert_int_equal(mem_vfs_file(disk, first_log).len, log_bytes);
    assert_true(jobs_deliver(&bench.jobs));
    assert_true(mem_vfs_file(disk, first_log).len > log_bytes);
    bench_close(&bench);
    mem_vfs_free(disk);
}

/* What the report asks for when the directory, the machine or the boot is another one. */
static void identities_call_for_epochs(void **state)
{
    static const struct {
        const char *what;
        int change; /* enum mem_identity, -1: none */
        bool killed;
        uint32_t reasons;
    } cases[] = {
        { "nothing", -1, false, 0 },
        { "another boot after a close", MEM_BOOT, false, 0 },
        { "a kill", -1, true, 0 },
        { "a kill and another boot", MEM_BOOT, true, EPOCH_TAIL_LOST },
        { "another machine", MEM_MACHINE, false, EPOCH_COPIED },
        { "another directory", MEM_DIRECTORY, false, EPOCH_COPIED },
        { "a live copy", MEM_DIRECTORY, true, EPOCH_COPIED },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct vfs *disk = mem_vfs_new(i);
        struct vfs *copy;
        struct log_bench bench;

        bench_init(&bench, disk);
        bench_start(&bench, 100);
        assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
        jobs_settle(&bench.jobs);
        assert_int_equal(log_sync_now(bench.log), ERR_OK);
        if (!cases[i].killed)
            log_close(bench.log, bench.options.now);
        copy = mem_vfs_copy(disk, i + 100);
        if (cases[i].killed)
            log_close(bench.log, bench.options.now);
        if (cases[i].change >= 0)
            mem_vfs_change_identity(copy, (enum mem_identity)cases[i].change);
        bench_init(&bench, copy);
        assert_int_equal(bench_open(&bench), ERR_OK);
        if (bench.report.epoch_reasons != cases[i].reasons)
            fail_msg("%s: reasons %u", cases[i].what, bench.report.epoch_reasons);
        assert_int_equal(bench.report.unclean, cases[i].killed);
        if (cases[i].reasons != 0) { /* not settled: it must come again */
            assert_int_equal(bench_change(&bench, 100, 0, true), ERR_OK);
            bench_close(&bench);
            assert_int_equal(bench_open(&bench), ERR_OK);
            assert_int_equal(bench.report.epoch_reasons, cases[i].reasons);
            assert_int_equal(bench_change(&bench, 101, 0, true), ERR_OK);
        }
        assert_int_equal(log_settle(bench.log, NULL), ERR_OK);
        bench_close(&bench);
        assert_int_equal(bench_open(&bench), ERR_OK);
        assert_int_equal(bench.report.epoch_reasons, 0);
        assert_int_equal(log_settle(bench.log, NULL), ERR_OK);
        bench_close(&bench);
        mem_vfs_free(copy);
        mem_vfs_free(disk);
    }
}

static void put_lock(struct vfs *disk, uint64_t size, const char *behind)
{
    struct buf lock = buf_make(1 << 16);

    buf_add(&lock, bytes_slice(mem_vfs_file(disk, "lock"), 0, (size_t)size));
    buf_add_string(&lock, behind);
    mem_vfs_put(disk, "lock", buf_bytes(&lock));
    buf_done(&lock);
}

/* Writes one change and loses the power. */
static struct vfs *cut_after_a_change(struct vfs *disk, uint64_t number)
{
    struct log_bench bench;
    struct vfs *copy;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, number, 0, true), ERR_OK);
    jobs_settle(&bench.jobs);
    assert_int_equal(log_sync_now(bench.log), ERR_OK);
    copy = mem_vfs_copy(disk, number);
    bench_close(&bench);
    mem_vfs_free(disk);
    mem_vfs_change_identity(copy, MEM_BOOT);
    return copy;
}

/* A clean mark that something broken stands behind is believed by nobody, later neither. */
static void broken_withdrawal_takes_the_clean_mark_away(void **state)
{
    struct vfs *disk = mem_vfs_new(3);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
    bench_close(&bench);
    put_lock(disk, UINT32_MAX, "an entry that never got whole");
    disk = cut_after_a_change(disk, 2);
    bench_init(&bench, disk);
    assert_int_equal(bench_open(&bench), ERR_OK);
    assert_true(bench.report.unclean);
    assert_int_equal(bench.report.epoch_reasons, EPOCH_TAIL_LOST);
    bench_close(&bench);
    mem_vfs_free(disk);
}

/* The log goes on behind the clean mark: entries are missing. */
static void old_clean_mark_is_not_believed(void **state)
{
    struct vfs *disk = mem_vfs_new(4);
    struct log_bench bench;
    uint64_t size;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
    bench_close(&bench);
    size = mem_vfs_file(disk, "lock").len;
    disk = cut_after_a_change(disk, 2);
    put_lock(disk, size, "");
    bench_init(&bench, disk);
    assert_int_equal(bench_open(&bench), ERR_OK);
    assert_true(bench.report.unclean);
    assert_int_equal(bench.report.epoch_reasons, EPOCH_TAIL_LOST);
    assert_int_equal(bench.report.damaged, 0);
    bench_close(&bench);
    mem_vfs_free(disk);
}

/* A full disk refuses one batch and takes the next one. */
static void short_write_is_taken_back(void **state)
{
    static const uint64_t rest[] = { 1, 3 };
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;
    uint64_t end;

    bench_init(&bench, crash_vfs_get(crash));
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
    jobs_settle(&bench.jobs);
    end = log_tip(bench.log);
    crash_vfs_fail(crash, CRASH_FAIL_APPEND, 0, 40);
    assert_int_equal(bench_change(&bench, 2, 0, true), ERR_NO_SPACE);
    assert_false(log_has_failed(bench.log));
    assert_int_equal(log_tip(bench.log), end);
    assert_int_equal(log_gate(bench.log), end);
    assert_int_equal(bench_change(&bench, 3, 0, true), ERR_OK);
    bench_close(&bench);
    bench_start(&bench, 100);
    expect_seen(&bench, 2, rest);
    assert_int_equal(bench.report.tail_bytes, 0);
    bench_close(&bench);
    crash_vfs_free(crash);
}

static void short_write_that_cannot_be_taken_back_ends_the_log(void **state)
{
    static const uint64_t rest[] = { 1, 100, 3 };
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;

    bench_init(&bench, crash_vfs_get(crash));
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
    jobs_settle(&bench.jobs);
    crash_vfs_fail(crash, CRASH_FAIL_APPEND, 0, 40);
    crash_vfs_fail(crash, CRASH_FAIL_TRUNCATE, 0, 0);
    assert_int_equal(bench_change(&bench, 2, 0, true), ERR_NO_SPACE);
    assert_true(log_has_failed(bench.log));
    assert_int_equal(bench_change(&bench, 3, 0, true), ERR_CLOSED);
    bench_close(&bench);

    bench_start(&bench, 100);
    assert_in_range(bench.report.tail_bytes, 30, 40); /* zeros at the end do not count */
    assert_int_equal(bench.report.epoch_reasons, EPOCH_TAIL_LOST);
    assert_int_equal(
        mem_vfs_file(crash_vfs_cache(crash), "log/aside-0000000000000004-0000000000002040").len,
        bench.report.tail_bytes);
    assert_int_equal(bench_change(&bench, 3, 0, true), ERR_OK);
    bench_close(&bench);
    bench_start(&bench, 100);
    expect_seen(&bench, 3, rest);
    assert_int_equal(bench.report.epoch_reasons, 0);
    bench_close(&bench);
    crash_vfs_free(crash);
}

/* What waited for the lock file's entry, and was taken for written: the log fails, but there is no
 * tail, since a full disk has no room for what that calls for. Written by the job, or behind it. */
static void what_waited_and_does_not_fit_leaves_no_tail(void **state)
{
    static const uint64_t rest[] = { 1, 3 };

    for (unsigned large = 0; large < 2; large++) {
        struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
        struct log_bench bench;

        bench_init(&bench, crash_vfs_get(crash));
        bench_start(&bench, 100);
        assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
        bench_close(&bench);
        bench_start(&bench, 100);
        crash_vfs_fail(crash, CRASH_FAIL_APPEND, 1, 100); /* not that of the entry */
        assert_int_equal(bench_change(&bench, 2, large * 2 * LOG_STEP_BYTES, true), ERR_OK);
        assert_int_equal(log_failure(bench.log), ERR_OK);
        jobs_settle(&bench.jobs);
        assert_int_equal(crash_vfs_faults(crash), 1);
        assert_int_equal(bench.failed_calls, 1);
        assert_int_equal(log_failure(bench.log), ERR_NO_SPACE);
        bench_close(&bench);
        bench_start(&bench, 100);
        assert_int_equal(bench.report.tail_bytes, 0);
        assert_int_equal(bench.report.epoch_reasons, 0);
        assert_int_equal(bench_change(&bench, 3, 0, true), ERR_OK);
        bench_close(&bench);
        bench_start(&bench, 100);
        expect_seen(&bench, 2, rest);
        bench_close(&bench);
        crash_vfs_free(crash);
    }
}

/* What is in the page cache after a failed sync is not believed, whole as it looks. */
static void failed_sync_discards_what_was_not_durable(void **state)
{
    static const uint64_t rest[] = { 1, 100, 3 };
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;

    bench_init(&bench, crash_vfs_get(crash));
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_int_equal(bench_change(&bench, 2, 0, true), ERR_OK);
    crash_vfs_fail(crash, CRASH_FAIL_SYNC, 0, 0);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_int_equal(bench.failed_calls, 1);
    assert_true(log_has_failed(bench.log));
    assert_true(log_durable(bench.log) < log_gate(bench.log));
    assert_int_equal(bench_change(&bench, 3, 0, true), ERR_CLOSED);
    bench_close(&bench);

    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 1);
    assert_true((bench.report.epoch_reasons & EPOCH_SYNC_FAILED) != 0);
    assert_true(bench.report.tail_bytes > 0);
    assert_int_equal(bench_change(&bench, 3, 0, true), ERR_OK);
    bench_close(&bench);
    bench_start(&bench, 100);
    expect_seen(&bench, 3, rest);
    bench_close(&bench);
    crash_vfs_free(crash);
}

/* Nor when the full disk has no room for the entry that says so. */
static void failed_sync_on_a_full_disk_discards_too(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;

    bench_init(&bench, crash_vfs_get(crash));
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    assert_int_equal(bench_change(&bench, 2, 0, true), ERR_OK);
    crash_vfs_fail(crash, CRASH_FAIL_SYNC, 0, 0);
    crash_vfs_fail(crash, CRASH_FAIL_APPEND, 0, 60);
    log_sync(bench.log);
    jobs_settle(&bench.jobs);
    bench_close(&bench);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 1);
    assert_true((bench.report.epoch_reasons & EPOCH_SYNC_FAILED) != 0);
    bench_close(&bench);
    crash_vfs_free(crash);
}

/* No room for a new segment: the log fails, and what was durable is there afterwards. */
static void segment_that_cannot_be_made_ends_the_log(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct log_bench bench;

    bench_init(&bench, crash_vfs_get(crash));
    bench.options.segment_bytes = 9000;
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, 0, true), ERR_OK);
    jobs_settle(&bench.jobs);
    crash_vfs_fail(crash, CRASH_FAIL_CREATE, 0, 0);
    assert_int_equal(bench_change(&bench, 2, 1000, true), ERR_OK); /* fills the segment */
    assert_int_equal(bench_change(&bench, 3, 0, true), ERR_OK);
    jobs_settle(&bench.jobs);
    assert_true(log_has_failed(bench.log));
    bench_close(&bench);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 2);
    assert_int_equal(bench.report.epoch_reasons, 0);
    assert_int_equal(bench_change(&bench, 4, 0, true), ERR_OK);
    bench_close(&bench);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 3);
    bench_close(&bench);
    crash_vfs_free(crash);
}

static void limits_are_refused(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    struct origin origin = { .actor = BYTES("") };
    struct log_record record;
    struct place place;
    uint8_t *big = calloc(1, LOG_BATCH_BYTES_MAX);

    assert_non_null(big);
    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(log_batch(bench.log), ERR_OK);
    assert_int_equal(log_add_body(bench.log, (struct body_id){ 1 }, origin.now,
                                  bytes_make(big, LOG_BATCH_BYTES_MAX), &place),
                     ERR_LIMIT);
    assert_int_equal(log_add_change(bench.log, &origin, (struct modseq){ 1 },
                                    bytes_make(big, RECORD_CHANGE_BYTES_MAX), &record),
                     ERR_LIMIT);
    assert_int_equal(log_add_change(bench.log, &origin, (struct modseq){ 1 },
                                    bytes_make(big, RECORD_CHANGE_BYTES_MAX - 3), &record),
                     ERR_OK);
    assert_int_equal(bench_change(&bench, 2, 0, true), ERR_OK); /* drops that batch */
    bench_close(&bench);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 1);
    bench_close(&bench);
    free(big);
    mem_vfs_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_come_back_in_order),
        cmocka_unit_test(gate_and_durable_meet_after_a_sync),
        cmocka_unit_test(new_log_is_heard_of_once_it_is_on_the_disk),
        cmocka_unit_test(segments_follow_each_other),
        cmocka_unit_test(replay_starts_at_a_mark),
        cmocka_unit_test(only_one_owner),
        cmocka_unit_test(empty_log_is_no_account),
        cmocka_unit_test(lost_log_is_not_made_anew),
        cmocka_unit_test(open_and_close_write_nothing),
        cmocka_unit_test(clean_mark_is_withdrawn_before_the_first_change),
        cmocka_unit_test(identities_call_for_epochs),
        cmocka_unit_test(broken_withdrawal_takes_the_clean_mark_away),
        cmocka_unit_test(old_clean_mark_is_not_believed),
        cmocka_unit_test(short_write_is_taken_back),
        cmocka_unit_test(short_write_that_cannot_be_taken_back_ends_the_log),
        cmocka_unit_test(what_waited_and_does_not_fit_leaves_no_tail),
        cmocka_unit_test(failed_sync_discards_what_was_not_durable),
        cmocka_unit_test(failed_sync_on_a_full_disk_discards_too),
        cmocka_unit_test(segment_that_cannot_be_made_ends_the_log),
        cmocka_unit_test(limits_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
