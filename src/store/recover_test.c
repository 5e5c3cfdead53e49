/* Opening a log that was hurt: what is damage, what is the tail, what is set aside, what goes on.
 */
#include "kit/log_changes.h"
#include "store/record.h"
#include "store/segment.h"

#include <stdio.h>

#include "base/crc.h"
#include "base/num.h"

static const char log_1[] = "log/0000000000000004.log";
static const char log_2[] = "log/0000000000000008.log";
static const char log_3[] = "log/000000000000000c.log";

/* A clean log of `count` changes of 100 bytes and a bit, numbered from 1; each is 176 bytes long.
 */
enum { CHANGE_FILLER = 100, CHANGE_BYTES = 168 };

static struct vfs *disk_with(unsigned count, uint64_t segment_bytes)
{
    struct vfs *disk = mem_vfs_new(count);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench.options.segment_bytes = segment_bytes;
    bench_start(&bench, 100);
    for (unsigned i = 1; i <= count; i++) {
        assert_int_equal(bench_change(&bench, i, CHANGE_FILLER, true), ERR_OK);
        jobs_settle(&bench.jobs);
    }
    bench_close(&bench);
    return disk;
}

static uint64_t change_at(unsigned number)
{
    return SEGMENT_RECORDS_AT + (number - 1) * (uint64_t)CHANGE_BYTES;
}

static struct segment segment_of(struct vfs *disk, const char *path)
{
    struct segment segment;

    assert_int_equal(segment_header_decode(
                         bytes_slice(mem_vfs_file(disk, path), 0, SEGMENT_HEADER_BYTES), &segment),
                     ERR_OK);
    return segment;
}

/* Opens, expects all changes from 1 to `count` but `missing`, closes. */
static void expect_all_but(struct vfs *disk, unsigned count, unsigned missing,
                           struct log_report *out_report)
{
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    for (unsigned i = 1; i <= count; i++)
        assert_int_equal(bench_saw(&bench, i), i != missing);
    *out_report = bench.report;
    bench_close(&bench);
}

static void record_sizes_are_as_the_tests_think(void **state)
{
    struct vfs *disk = disk_with(3, 0);

    assert_int_equal(mem_vfs_file(disk, log_1).len, change_at(4));
    mem_vfs_free(disk);
}

/* Wherever one bit of a record turns, that record is missing, no other, and a second opening has
 * nothing new to say. */
static void damage_costs_one_record(void **state)
{
    for (uint64_t at = 0; at < CHANGE_BYTES; at += 5) {
        struct vfs *disk = disk_with(5, 0);
        struct log_report report;
        unsigned missing = at < RECORD_HEADER_BYTES + 116 ? 3 : 0; /* padding is nobody's */
        char aside[64];

        mem_vfs_damage(disk, log_1, change_at(3) + at, 0x20);
        expect_all_but(disk, 5, missing, &report);
        assert_int_equal(report.damaged, missing != 0);
        assert_int_equal(report.epoch_reasons, missing != 0 ? EPOCH_DAMAGED : 0);
        assert_int_equal(report.tail_bytes, 0);
        expect_all_but(disk, 5, missing, &report);
        assert_int_equal(report.damaged, missing != 0);
        assert_int_equal(report.epoch_reasons, 0);
        (void)snprintf(aside, sizeof(aside), "log/aside-0000000000000004-%016llx",
                       (unsigned long long)change_at(3));
        assert_int_equal(mem_vfs_file(disk, aside).len, missing != 0 ? CHANGE_BYTES : 0);
        mem_vfs_free(disk);
    }
}

/* A large one, piece by piece: others who sync meanwhile do not wait for all of it. */
static void what_is_set_aside_is_written_in_pieces(void **state)
{
    enum { LARGE = 300 * 1000, PIECE_BYTES = 64 * 1024 };
    static const char aside[] = "log/aside-0000000000000004-0000000000002000";
    struct vfs *disk = mem_vfs_new(9);
    struct log_report report;
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, LARGE, true), ERR_OK);
    assert_int_equal(bench_change(&bench, 2, 100, true), ERR_OK);
    jobs_settle(&bench.jobs);
    bench_close(&bench);
    mem_vfs_damage(disk, log_1, SEGMENT_RECORDS_AT + LARGE / 2, 1);
    expect_all_but(disk, 2, 1, &report);
    assert_true(mem_vfs_file(disk, aside).len > LARGE);
    assert_in_range(mem_vfs_unwritten_most(disk, aside), 1, PIECE_BYTES);
    mem_vfs_free(disk);
}

static void end_of_a_clean_log_is_not_a_tail(void **state)
{
    struct vfs *disk = disk_with(5, 0);
    struct log_report report;

    mem_vfs_damage(disk, log_1, change_at(5) + 60, 1);
    expect_all_but(disk, 5, 5, &report);
    assert_int_equal(report.damaged, 1);
    assert_int_equal(report.tail_bytes, 0);
    mem_vfs_free(disk);
}

/* The file is shorter than what was durable: the rest is missed, and its positions are not used
 * again. */
static void shortened_log_is_damage(void **state)
{
    struct vfs *disk = disk_with(5, 0);
    struct bytes whole = mem_vfs_file(disk, log_1);
    struct buf cut = buf_make(1 << 20);
    struct log_report report;

    buf_add(&cut, bytes_slice(whole, 0, (size_t)change_at(5)));
    mem_vfs_put(disk, log_1, buf_bytes(&cut));
    expect_all_but(disk, 5, 5, &report);
    assert_int_equal(report.damaged, 1);
    assert_int_equal(report.epoch_reasons, EPOCH_DAMAGED);
    assert_int_equal(segment_of(disk, log_2).position, change_at(6));
    expect_all_but(disk, 4, 0, &report);
    assert_int_equal(report.epoch_reasons, 0);
    buf_done(&cut);
    mem_vfs_free(disk);
}

/* Leaves changes 1 and 2 synced and 3 to 5 only written, as a kill does. */
static struct vfs *killed_disk(void)
{
    struct vfs *disk = mem_vfs_new(9);
    struct vfs *copy;
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(bench_change(&bench, i, CHANGE_FILLER, true), ERR_OK);
        if (i == 2)
            log_sync(bench.log);
        jobs_settle(&bench.jobs);
    }
    copy = mem_vfs_copy(disk, 10);
    bench_close(&bench);
    mem_vfs_free(disk);
    return copy;
}

static void kill_loses_nothing(void **state)
{
    struct vfs *disk = killed_disk();
    struct log_report report;

    expect_all_but(disk, 5, 0, &report);
    assert_true(report.unclean);
    assert_int_equal(report.epoch_reasons, 0);
    mem_vfs_free(disk);
}

/* A break behind the highest mark: it and all behind it, whole or not. */
static void tail_is_cut_at_its_first_break(void **state)
{
    struct vfs *disk = killed_disk();
    struct log_bench bench;

    mem_vfs_damage(disk, log_1, change_at(4) + 70, 1);
    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 3);
    assert_int_equal(bench.report.damaged, 0);
    assert_int_equal(bench.report.epoch_reasons, EPOCH_TAIL_LOST);
    assert_in_range(bench.report.tail_bytes, CHANGE_BYTES, 2 * CHANGE_BYTES);
    assert_int_equal(bench_change(&bench, 6, 0, true), ERR_OK);
    bench_close(&bench);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 5);
    assert_false(bench_saw(&bench, 5));
    assert_int_equal(bench.report.epoch_reasons, 0);
    assert_int_equal(bench.report.tail_bytes, 0);
    bench_close(&bench);
    mem_vfs_free(disk);
}

/* A break before the mark, in the same unclean log: the records behind it knew that it was durable.
 */
static void marks_behind_a_break_tell_damage_from_tail(void **state)
{
    struct vfs *disk = killed_disk();
    struct log_report report;

    mem_vfs_damage(disk, log_1, change_at(2) + 10, 1);
    expect_all_but(disk, 5, 2, &report);
    assert_int_equal(report.damaged, 1);
    assert_int_equal(report.tail_bytes, 0);
    mem_vfs_free(disk);
}

static void tail_of_zeros_is_nothing(void **state)
{
    static const uint8_t zeros[5000];
    struct vfs *disk = killed_disk();
    struct buf longer = buf_make(1 << 20);
    struct log_bench bench;
    uint64_t tip;

    buf_add(&longer, mem_vfs_file(disk, log_1));
    buf_add(&longer, bytes_make(zeros, sizeof(zeros)));
    mem_vfs_put(disk, log_1, buf_bytes(&longer));
    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 5);
    assert_int_equal(bench.report.epoch_reasons, 0);
    assert_int_equal(bench_change(&bench, 6, 0, true), ERR_OK);
    jobs_settle(&bench.jobs);
    tip = log_tip(bench.log);
    bench_close(&bench);
    assert_int_equal(mem_vfs_file(disk, log_2).len, 0);
    assert_int_equal(mem_vfs_file(disk, log_1).len, tip);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 6);
    bench_close(&bench);
    buf_done(&longer);
    mem_vfs_free(disk);
}

/* The owner's own records, sent to him as a mail, when the header in front of them is broken. */
static void records_inside_a_mail_are_no_records(void **state)
{
    struct vfs *disk = mem_vfs_new(3);
    struct origin origin = { .actor = BYTES("") };
    struct log_record record;
    struct log_bench bench;
    struct place place;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 1, CHANGE_FILLER, true), ERR_OK);
    jobs_settle(&bench.jobs);
    assert_int_equal(log_batch(bench.log), ERR_OK);
    assert_int_equal(log_add_body(bench.log, (struct body_id){ 1 }, origin.now,
                                  mem_vfs_file(disk, log_1), &place),
                     ERR_OK);
    assert_int_equal(
        log_add_change(bench.log, &origin, (struct modseq){ 2 }, bytes_make(NULL, 0), &record),
        ERR_OK);
    assert_int_equal(log_append(bench.log, true), ERR_OK);
    bench_close(&bench);
    mem_vfs_damage(disk, log_1, place.offset + 12, 1);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 2);
    assert_int_equal(bench.seen[0], 1);
    assert_int_equal(bench.seen[1], 2);
    assert_int_equal(bench.report.damaged, 1);
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void either_copy_of_the_header_will_do(void **state)
{
    struct vfs *disk = disk_with(200, 20000);
    struct log_report report;

    mem_vfs_damage(disk, log_1, 40, 1);
    mem_vfs_damage(disk, log_2, SEGMENT_COPY_AT + 40, 1);
    expect_all_but(disk, 200, 0, &report);
    assert_int_equal(report.damaged, 0);
    mem_vfs_free(disk);
}

static void segment_without_header_costs_that_segment(void **state)
{
    struct vfs *disk = disk_with(200, 20000);
    struct log_bench bench;

    mem_vfs_damage(disk, log_2, 40, 1);
    mem_vfs_damage(disk, log_2, SEGMENT_COPY_AT + 40, 1);
    bench_init(&bench, disk);
    bench_start(&bench, 1000);
    assert_int_equal(bench.report.damaged, 1);
    assert_int_equal(bench.report.epoch_reasons, EPOCH_DAMAGED);
    assert_int_equal(bench.seen[0], 1);
    assert_int_equal(bench.seen[bench.seen_count - 1], 200);
    assert_in_range(bench.seen_count, 100, 150);
    bench_close(&bench);
    bench_start(&bench, 1000);
    assert_int_equal(bench.report.epoch_reasons, 0);
    assert_int_equal(bench.seen[bench.seen_count - 1], 1000);
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void missing_segment_is_damage(void **state)
{
    struct vfs *disk = disk_with(200, 20000);
    struct log_bench bench;

    mem_vfs_remove(disk, log_2);
    bench_init(&bench, disk);
    bench_start(&bench, 1000);
    assert_int_equal(bench.report.damaged, 1);
    assert_int_equal(bench.report.epoch_reasons, EPOCH_DAMAGED);
    assert_int_equal(bench.seen[bench.seen_count - 1], 200);
    bench_close(&bench);
    bench_start(&bench, 1000);
    assert_int_equal(bench.report.epoch_reasons, 0);
    bench_close(&bench);
    mem_vfs_free(disk);
}

/* The last segment of an unclean log without its header: no records of it can be told. */
static void last_segment_without_header_is_passed(void **state)
{
    struct vfs *disk = disk_with(200, 20000);
    struct log_bench bench;

    mem_vfs_damage(disk, log_3, 40, 1);
    mem_vfs_damage(disk, log_3, SEGMENT_COPY_AT + 40, 1);
    bench_init(&bench, disk);
    bench_start(&bench, 1000);
    assert_int_equal(bench.report.damaged, 1);
    assert_int_equal(bench_change(&bench, 1001, 0, true), ERR_OK);
    bench_close(&bench);
    bench_start(&bench, 1000);
    assert_int_equal(bench.report.epoch_reasons, 0);
    assert_true(bench_saw(&bench, 1001));
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void unfinished_segment_is_removed(void **state)
{
    struct vfs *disk = killed_disk();
    struct log_report report;

    mem_vfs_put(disk, log_2, BYTES("ROOSTSEG"));
    expect_all_but(disk, 5, 0, &report);
    assert_int_equal(report.epoch_reasons, 0);
    assert_null(mem_vfs_file(disk, log_2).at);
    mem_vfs_free(disk);
}

/* It was removed, but its directory was not synced before the next one was made. */
static void unfinished_segment_may_come_back(void **state)
{
    struct vfs *disk = killed_disk();
    struct log_report report;
    struct log_bench bench;

    mem_vfs_put(disk, log_2, BYTES(""));
    bench_init(&bench, disk);
    bench.options.segment_bytes = 1;
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 6, CHANGE_FILLER, true), ERR_OK);
    assert_int_equal(bench_change(&bench, 7, CHANGE_FILLER, true), ERR_OK);
    bench_close(&bench);
    assert_int_equal(segment_of(disk, log_3).previous, segment_number(1, SEGMENT_LOG));
    mem_vfs_put(disk, log_2, BYTES(""));
    expect_all_but(disk, 7, 0, &report);
    assert_int_equal(report.damaged, 0);
    assert_null(mem_vfs_file(disk, log_2).at);
    mem_vfs_free(disk);
}

/* Its making failed when its header was on the disk already. Beside the one that was made in its
 * place it is nothing; without that it is the last one, and empty. */
static void segment_made_in_vain_may_come_back(void **state)
{
    for (int turn = 0; turn < 2; turn++) {
        struct vfs *disk = killed_disk();
        struct segment segment = { .number = segment_number(2 + (unsigned)turn, SEGMENT_LOG),
                                   .previous = segment_number(1, SEGMENT_LOG),
                                   .position = mem_vfs_file(disk, log_1).len };
        struct vfs_file *file;
        struct log_report report;

        for (int i = 0; i < 2 - turn; i++) {
            segment_id_make(disk, segment.id);
            assert_int_equal(segment_create(disk, &segment, &file), ERR_OK);
            vfs_close(file);
            segment.number += 4;
        }
        expect_all_but(disk, 5, 0, &report);
        assert_int_equal(report.damaged, 0);
        assert_int_equal(report.epoch_reasons, 0);
        assert_null(mem_vfs_file(disk, log_2).at);
        assert_non_null(mem_vfs_file(disk, log_3).at);
        mem_vfs_free(disk);
    }
}

/* The header reached the disk, the rest of what belongs to it did not: nothing is missing, neither
 * now nor when the log has gone on. */
static void segment_shorter_than_its_head_is_passed(void **state)
{
    static const size_t sizes[] = { 128, 512, 600, 4096, 8191 };

    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct vfs *disk = disk_with(4, SEGMENT_RECORDS_AT + 4 * CHANGE_BYTES);
        struct log_report report;
        struct log_bench bench;

        mem_vfs_remove(disk, "lock"); /* which knows the new segment's end */
        mem_vfs_put(disk, log_2, bytes_slice(mem_vfs_file(disk, log_2), 0, sizes[i]));
        bench_init(&bench, disk);
        bench_start(&bench, 100);
        assert_int_equal(bench.report.damaged, 0);
        assert_int_equal(bench_change(&bench, 101, CHANGE_FILLER, true), ERR_OK);
        bench_close(&bench);
        expect_all_but(disk, 4, 0, &report);
        assert_int_equal(report.damaged, 0);
        assert_int_equal(report.records, 6);
        mem_vfs_free(disk);
    }
}

/* The mark that a broken end took away is taken away in the file, too, before anything changes. */
static void broken_end_of_the_lock_file_is_overwritten(void **state)
{
    enum { ENTRY_BYTES = 128, STATE_AT = 9, STATE_OPEN = 1 };
    struct vfs *disk = disk_with(3, 0);
    struct buf torn = buf_make(4096);
    struct log_bench bench;
    struct bytes lock;

    buf_add(&torn, mem_vfs_file(disk, "lock"));
    buf_add(&torn, bytes_slice(mem_vfs_file(disk, "lock"), 0, 70));
    mem_vfs_put(disk, "lock", buf_bytes(&torn));
    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench_change(&bench, 4, CHANGE_FILLER, true), ERR_OK);
    jobs_settle(&bench.jobs);
    lock = mem_vfs_file(disk, "lock");
    assert_int_equal(lock.len % ENTRY_BYTES, 0);
    assert_int_equal(lock.at[lock.len - ENTRY_BYTES + STATE_AT], STATE_OPEN);
    bench_close(&bench);
    buf_done(&torn);
    mem_vfs_free(disk);
}

/* An account whose making was cut short on another boot: no epoch now, and none at the next
 * opening. */
static void log_begun_again_is_of_this_boot(void **state)
{
    struct vfs *disk = disk_with(1, 0);
    struct log_bench bench;
    struct vfs *killed;

    mem_vfs_remove(disk, log_1);
    mem_vfs_put(disk, "lock", bytes_slice(mem_vfs_file(disk, "lock"), 0, 128)); /* open */
    mem_vfs_change_identity(disk, MEM_BOOT);
    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_true(bench.report.created);
    assert_int_equal(bench_change(&bench, 1, CHANGE_FILLER, true), ERR_OK);
    jobs_settle(&bench.jobs);
    killed = mem_vfs_copy(disk, 1);
    bench_close(&bench);
    bench_init(&bench, killed);
    assert_int_equal(bench_open(&bench), ERR_OK);
    assert_int_equal(bench.report.epoch_reasons, 0);
    assert_true(bench_saw(&bench, 1));
    bench_close(&bench);
    mem_vfs_free(killed);
    mem_vfs_free(disk);
}

/* Whole, but nothing that any Roost says: never applied, never taken for the tail. */
static void change_that_makes_no_sense_is_damage(void **state)
{
    struct vfs *disk = mem_vfs_new(3);
    struct origin origin = { .actor = BYTES("") };
    struct log_record record;
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(log_batch(bench.log), ERR_OK);
    assert_int_equal(
        log_add_change(bench.log, &origin, (struct modseq){ 1 }, BYTES("nonsense"), &record),
        ERR_OK);
    assert_int_equal(log_append(bench.log, true), ERR_OK);
    assert_int_equal(bench_change(&bench, 2, 0, true), ERR_OK);
    bench_close(&bench);
    bench_start(&bench, 100);
    assert_int_equal(bench.seen_count, 1);
    assert_int_equal(bench.report.damaged, 1);
    bench_close(&bench);
    mem_vfs_free(disk);
}

static void newer_formats_are_refused(void **state)
{
    static const struct {
        uint64_t offset;
        const char *what;
    } cases[] = {
        { 8, "version" },
        { 16, "feature to read" },
        { 24, "feature to write" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct vfs *disk = disk_with(3, 0);
        struct segment segment = segment_of(disk, log_1);
        struct buf file = buf_make(1 << 20);
        struct log_bench bench;

        buf_add(&file, mem_vfs_file(disk, log_1));
        for (uint64_t copy = 0; copy <= SEGMENT_COPY_AT; copy += SEGMENT_COPY_AT) {
            file.at[copy + cases[i].offset] ^= 0x40;
            num_store_u32(file.at + copy + 124, crc32c(0, bytes_make(file.at + copy, 124)));
        }
        mem_vfs_put(disk, log_1, buf_bytes(&file));
        bench_init(&bench, disk);
        if (bench_open(&bench) != ERR_UNSUPPORTED)
            fail_msg("%s, segment %llu", cases[i].what, (unsigned long long)segment.number);
        buf_done(&file);
        mem_vfs_free(disk);
    }
}

static void cut_file(struct vfs *disk, const char *path, uint64_t size)
{
    struct buf cut = buf_make(1 << 20);

    buf_add(&cut, bytes_slice(mem_vfs_file(disk, path), 0, (size_t)size));
    mem_vfs_put(disk, path, buf_bytes(&cut));
    buf_done(&cut);
}

/* Its first header got to the disk, the rest did not: a log without records, now and later. */
static void segment_cut_within_its_headers_is_empty(void **state)
{
    struct vfs *disk = killed_disk();
    struct segment next = segment_of(disk, log_1);
    struct buf file = buf_make(1 << 20);
    struct log_report report;

    next.number = 8;
    next.previous = 4;
    next.position = change_at(6);
    segment_header_encode(&file, &next);
    mem_vfs_put(disk, log_2, buf_bytes(&file));
    for (int opening = 0; opening < 3; opening++) {
        expect_all_but(disk, 5, 0, &report);
        assert_int_equal(report.damaged, 0);
        assert_int_equal(report.epoch_reasons, 0);
    }
    buf_done(&file);
    mem_vfs_free(disk);
}

/* The same with records lost: the damage is told once, by the same name. */
static void cut_within_the_headers_is_met_once(void **state)
{
    struct vfs *disk = disk_with(5, 0);
    struct log_report report;

    cut_file(disk, log_1, 5000);
    for (int opening = 0; opening < 3; opening++) {
        struct log_bench bench;

        bench_init(&bench, disk);
        bench_start(&bench, 100);
        report = bench.report;
        bench_close(&bench);
        assert_int_equal(report.damaged, 1);
        assert_int_equal(report.epoch_reasons, opening == 0 ? EPOCH_DAMAGED : 0);
    }
    mem_vfs_free(disk);
}

/* Damage may end anywhere; records begin at multiples of 8. */
static void log_goes_on_behind_an_uneven_end(void **state)
{
    struct vfs *disk = disk_with(5, 0);
    struct buf file = buf_make(1 << 20);
    struct log_bench bench;

    buf_add(&file, mem_vfs_file(disk, log_1));
    buf_add_string(&file, "xxxxx");
    mem_vfs_put(disk, log_1, buf_bytes(&file));
    mem_vfs_damage(disk, log_1, change_at(5), 1);
    bench_init(&bench, disk);
    bench_start(&bench, 100);
    assert_int_equal(bench.report.damaged, 1);
    assert_int_equal(bench_change(&bench, 101, 0, true), ERR_OK);
    bench_close(&bench);
    bench_start(&bench, 200);
    assert_int_equal(bench.report.damaged, 1);
    assert_int_equal(bench.report.epoch_reasons, 0);
    assert_true(bench_saw(&bench, 4) && bench_saw(&bench, 100) && bench_saw(&bench, 101));
    bench_close(&bench);
    buf_done(&file);
    mem_vfs_free(disk);
}

/* After a kill the end of the log may be anywhere behind the mark; a checkpoint knows better. */
static void end_that_a_checkpoint_knew_is_missed(void **state)
{
    static const struct {
        bool known;
        uint8_t id; /* xor */
        bool copied;
        bool damaged;
    } cases[] = {
        { false, 0, false, false },
        { true, 0, false, true },
        { true, 1, false, false }, /* another log's */
        { true, 0, true, false }, /* the files of a copy are of different moments */
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct vfs *disk = killed_disk();
        struct segment segment = segment_of(disk, log_1);
        struct log_bench bench;

        cut_file(disk, log_1, change_at(4));
        if (cases[i].copied)
            mem_vfs_change_identity(disk, MEM_DIRECTORY);
        bench_init(&bench, disk);
        segment.id[3] ^= cases[i].id;
        if (cases[i].known) {
            bench.options.known = (struct log_mark){ .position = change_at(6), .segment = 4 };
            memcpy(bench.options.known.segment_id, segment.id, sizeof(segment.id));
        }
        bench_start(&bench, 100);
        assert_int_equal(bench.report.damaged, cases[i].damaged);
        assert_true(bench_saw(&bench, 3) && !bench_saw(&bench, 4));
        assert_true(log_tip(bench.log) >= (cases[i].damaged ? change_at(6) : change_at(4)));
        bench_close(&bench);
        mem_vfs_free(disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_sizes_are_as_the_tests_think),
        cmocka_unit_test(damage_costs_one_record),
        cmocka_unit_test(what_is_set_aside_is_written_in_pieces),
        cmocka_unit_test(end_of_a_clean_log_is_not_a_tail),
        cmocka_unit_test(shortened_log_is_damage),
        cmocka_unit_test(kill_loses_nothing),
        cmocka_unit_test(tail_is_cut_at_its_first_break),
        cmocka_unit_test(marks_behind_a_break_tell_damage_from_tail),
        cmocka_unit_test(tail_of_zeros_is_nothing),
        cmocka_unit_test(records_inside_a_mail_are_no_records),
        cmocka_unit_test(either_copy_of_the_header_will_do),
        cmocka_unit_test(segment_without_header_costs_that_segment),
        cmocka_unit_test(missing_segment_is_damage),
        cmocka_unit_test(last_segment_without_header_is_passed),
        cmocka_unit_test(unfinished_segment_is_removed),
        cmocka_unit_test(unfinished_segment_may_come_back),
        cmocka_unit_test(segment_made_in_vain_may_come_back),
        cmocka_unit_test(segment_shorter_than_its_head_is_passed),
        cmocka_unit_test(broken_end_of_the_lock_file_is_overwritten),
        cmocka_unit_test(log_begun_again_is_of_this_boot),
        cmocka_unit_test(change_that_makes_no_sense_is_damage),
        cmocka_unit_test(newer_formats_are_refused),
        cmocka_unit_test(segment_cut_within_its_headers_is_empty),
        cmocka_unit_test(cut_within_the_headers_is_met_once),
        cmocka_unit_test(log_goes_on_behind_an_uneven_end),
        cmocka_unit_test(end_that_a_checkpoint_knew_is_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
