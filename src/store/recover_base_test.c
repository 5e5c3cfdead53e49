/* Base segments: one that is complete stands for the log before it. */
#include <stdlib.h>

#include "kit/crash_vfs.h"
#include "kit/log_changes.h"
#include "store/log_base.h"
#include "store/record.h"
#include "store/segment.h"

static const char log_1[] = "log/0000000000000004.log";
static const char log_2[] = "log/0000000000000008.log";
static const char base_path[] = "log/0000000000000042.base";
static const char newer_path[] = "log/0000000000000046.base";

/* Changes 1 to 100 in several segments. */
static struct vfs *disk_with_segments(void)
{
    struct vfs *disk = mem_vfs_new(4);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench.options.segment_bytes = 12000;
    bench_start(&bench, 1000);
    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(bench_change(&bench, i, 150, true), ERR_OK);
        jobs_settle(&bench.jobs);
    }
    bench_close(&bench);
    return disk;
}

static void add_record(struct buf *file, struct record_key key, const struct op *op)
{
    struct buf ops = buf_make(1 << 16);
    struct record_header header = { .type = RECORD_BASE };
    uint64_t offset = file->len;

    op_encode(&ops, op);
    header.length = ops.len;
    record_header_encode(file, key, offset, &header);
    record_payload_encode(file, key, offset + RECORD_HEADER_BYTES, buf_bytes(&ops));
    while (file->len % RECORD_ALIGN != 0)
        buf_put_u8(file, 0);
    buf_done(&ops);
}

/* A base that supersedes the segments up to `until`, with `told` as its count of records. */
static void add_base_until(struct vfs *disk, uint64_t number, uint64_t until, uint64_t told)
{
    char path[SEGMENT_PATH_BYTES];
    struct op state = { OP_BASE_STATE,
                        { .base_state = { .change = { 7 }, .mailbox_next = 1, .body_next = 1 } } };
    struct op end = { OP_BASE_END, { .base_end = told } };
    struct segment last, base = { .number = number, .base = until };
    struct buf file = buf_make(1 << 20);

    segment_path(until, path);
    assert_int_equal(segment_header_decode(
                         bytes_slice(mem_vfs_file(disk, path), 0, SEGMENT_HEADER_BYTES), &last),
                     ERR_OK);
    segment_id_make(disk, base.id);
    base.position = last.position + mem_vfs_file(disk, path).len;
    segment_path(number, path);
    segment_header_encode(&file, &base);
    while (file.len < SEGMENT_COPY_AT)
        buf_put_u8(&file, 0);
    segment_header_encode(&file, &base);
    while (file.len < SEGMENT_RECORDS_AT)
        buf_put_u8(&file, 0);
    add_record(&file, record_key_make(base.id), &state);
    add_record(&file, record_key_make(base.id), &end);
    mem_vfs_put(disk, path, buf_bytes(&file));
    buf_done(&file);
}

/* One that supersedes the first two segments. */
static void add_base(struct vfs *disk, uint64_t told)
{
    add_base_until(disk, 0x42, 8, told);
}

static void open_and_close(struct vfs *disk, struct log_bench *bench)
{
    bench_init(bench, disk);
    bench_start(bench, 1000);
    bench_close(bench);
}

static void complete_base_replaces_what_it_supersedes(void **state)
{
    for (int removed = 0; removed < 2; removed++) {
        struct vfs *disk = disk_with_segments();
        struct log_bench bench;

        add_base(disk, 2);
        if (removed) {
            mem_vfs_remove(disk, log_1);
            mem_vfs_remove(disk, log_2);
        }
        open_and_close(disk, &bench);
        assert_int_equal(bench.report.damaged, 0);
        assert_int_equal(bench.report.epoch_reasons, 0);
        assert_int_equal(bench.seen[0], 0); /* the base's records have no number */
        assert_int_equal(bench.seen[1], 0);
        assert_in_range(bench.seen[2], 10, 60);
        assert_int_equal(bench.seen[bench.seen_count - 1], 100);
        assert_int_equal(bench.seen_count, 2 + 100 - bench.seen[2] + 1);
        mem_vfs_free(disk);
    }
}

static void incomplete_base_is_ignored_while_the_past_is_there(void **state)
{
    struct vfs *disk = disk_with_segments();
    struct log_bench bench;

    add_base(disk, 3);
    open_and_close(disk, &bench);
    assert_int_equal(bench.report.damaged, 0);
    assert_int_equal(bench.seen_count, 100);
    mem_vfs_damage(disk, base_path, SEGMENT_RECORDS_AT + 50, 1);
    open_and_close(disk, &bench);
    assert_int_equal(bench.seen_count, 100);
    mem_vfs_free(disk);
}

static void damaged_base_gives_what_is_whole_when_the_past_is_gone(void **state)
{
    struct vfs *disk = disk_with_segments();
    struct log_bench bench;

    add_base(disk, 2);
    mem_vfs_remove(disk, log_1);
    mem_vfs_damage(disk, base_path, SEGMENT_RECORDS_AT + 50, 1);
    open_and_close(disk, &bench);
    assert_int_equal(bench.report.damaged, 1);
    assert_int_equal(bench.report.epoch_reasons, EPOCH_DAMAGED);
    assert_int_equal(bench.seen[0], 0);
    assert_in_range(bench.seen[1], 10, 60);
    mem_vfs_free(disk);
}

/* What a second compaction left when it was cut short stands for nothing: the first base and the
 * segments behind it say it all. */
static void unfinished_base_over_a_complete_one(void **state)
{
    struct vfs *disk = disk_with_segments();
    struct log_bench bench;

    add_base(disk, 2);
    add_base_until(disk, 0x46, 12, 3);
    mem_vfs_remove(disk, log_1);
    mem_vfs_remove(disk, log_2);
    open_and_close(disk, &bench);
    assert_int_equal(bench.report.damaged, 0);
    assert_int_equal(bench.report.base_unfinished, 0x46);
    assert_int_equal(bench.seen[bench.seen_count - 1], 100);
    assert_int_equal(bench.seen_count, 2 + 100 - bench.seen[2] + 1);
    assert_non_null(mem_vfs_file(disk, newer_path).at); /* who opened decides */
    mem_vfs_remove(disk, "log/000000000000000c.log");
    open_and_close(disk, &bench); /* now it is needed */
    assert_int_equal(bench.report.base_unfinished, 0);
    assert_int_equal(bench.report.damaged, 0);
    assert_int_equal(bench.seen[bench.seen_count - 1], 100);
    mem_vfs_free(disk);
}

/* No record can stand behind a header that was never finished. */
static void base_without_a_header_is_removed(void **state)
{
    struct vfs *disk = disk_with_segments();
    struct log_bench bench;

    mem_vfs_put(disk, base_path, BYTES("ROOSTSEG"));
    open_and_close(disk, &bench);
    assert_null(mem_vfs_file(disk, base_path).at);
    assert_int_equal(bench.report.damaged, 0);
    assert_int_equal(bench.seen_count, 100);
    mem_vfs_free(disk);
}

/* A checkpoint holds places that another base may have made void. */
static void checkpoint_of_another_base_is_refused(void **state)
{
    struct vfs *disk = disk_with_segments();
    struct log_mark mark;
    struct log_bench bench;

    bench_init(&bench, disk);
    bench_start(&bench, 1000);
    log_durable_mark(bench.log, &mark);
    bench_close(&bench);
    assert_int_equal(mark.base, 0);
    for (int complete = 0; complete < 2; complete++) {
        add_base(disk, complete ? 2 : 3);
        bench_init(&bench, disk);
        bench.options.from = mark;
        assert_int_equal(bench_open(&bench), complete ? ERR_CONFLICT : ERR_OK);
        if (!complete)
            bench_close(&bench);
    }
    bench.options.from = (struct log_mark){ 0 };
    bench_start(&bench, 1000);
    assert_int_equal(log_base(bench.log), 0x42);
    log_durable_mark(bench.log, &mark);
    assert_int_equal(mark.base, 0x42);
    bench_close(&bench);
    bench.options.from = mark;
    bench_start(&bench, 1000);
    assert_int_equal(bench.seen_count, 0);
    assert_int_equal(log_base(bench.log), 0x42);
    bench_close(&bench);
    mem_vfs_free(disk);
}

/* A base, and not one segment behind it: the log goes on where the base says. */
static void base_alone_is_a_log(void **state)
{
    struct vfs *disk = disk_with_segments();
    struct log_bench bench;
    uint64_t last = 0;

    add_base(disk, 2);
    for (uint64_t number = 4; number < 0x40; number += 4) {
        char path[SEGMENT_PATH_BYTES];

        segment_path(number, path);
        mem_vfs_remove(disk, path);
    }
    mem_vfs_remove(disk, "lock"); /* the clean mark knew of more */
    bench_init(&bench, disk);
    bench_start(&bench, 1000);
    assert_int_equal(bench.report.epoch_reasons, EPOCH_COPIED);
    assert_int_equal(bench_change(&bench, 1001, 0, true), ERR_OK);
    last = log_tip(bench.log);
    bench_close(&bench);
    bench_start(&bench, 1000);
    assert_int_equal(bench.report.damaged, 0);
    assert_int_equal(bench.seen_count, 4);
    assert_int_equal(bench.seen[3], 1001);
    assert_int_equal(log_tip(bench.log), last);
    bench_close(&bench);
    mem_vfs_free(disk);
}

/* Its maker was killed before the last sync; the log was closed all the while. */
static void base_is_on_the_disk_before_it_counts(void **state)
{
    struct vfs *disk = disk_with_segments();
    struct vfs *twin = mem_vfs_copy(disk, 5);
    struct crash_vfs *crash = crash_vfs_new(disk);
    struct vfs *vfs = crash_vfs_get(crash);
    struct log_bench bench;
    struct vfs_file *file;
    struct bytes base;

    add_base(twin, 2);
    base = mem_vfs_file(twin, base_path);
    assert_int_equal(vfs->open(vfs, base_path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file), ERR_OK);
    assert_int_equal(vfs->sync_dir(vfs, "log"), ERR_OK);
    assert_int_equal(vfs_append(file, base), ERR_OK);
    vfs_close(file);
    open_and_close(vfs, &bench);
    assert_false(bench.report.unclean);
    assert_int_equal(bench.seen[1], 0);
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct vfs *cut = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct bytes kept = mem_vfs_file(cut, base_path);

        assert_int_equal(kept.len, base.len);
        assert_memory_equal(kept.at, base.at, base.len);
        mem_vfs_free(cut);
    }
    crash_vfs_free(crash);
    mem_vfs_free(twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complete_base_replaces_what_it_supersedes),
        cmocka_unit_test(incomplete_base_is_ignored_while_the_past_is_there),
        cmocka_unit_test(damaged_base_gives_what_is_whole_when_the_past_is_gone),
        cmocka_unit_test(unfinished_base_over_a_complete_one),
        cmocka_unit_test(base_without_a_header_is_removed),
        cmocka_unit_test(checkpoint_of_another_base_is_refused),
        cmocka_unit_test(base_alone_is_a_log),
        cmocka_unit_test(base_is_on_the_disk_before_it_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
