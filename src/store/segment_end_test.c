/* Where a segment ends that is being written. */
#include "store/segment_end.h"

#include <stdlib.h>

#include "kit/log_changes.h"

static const char first_log[] = "log/0000000000000004.log";

enum { NUMBER = 4, AHEAD = 64 * 1024 };

static uint64_t end_of(struct vfs *disk)
{
    uint64_t end = 0;

    assert_int_equal(segment_find_end(disk, NUMBER, &end), ERR_OK);
    return end;
}

static void set_up(struct log_bench *bench, struct vfs *disk)
{
    bench_init(bench, disk);
    bench->options.ahead_bytes = AHEAD;
    bench->options.ahead_syncs = 1;
    bench_start(bench, 1000);
}

static void change(struct log_bench *bench, uint64_t number, size_t filler)
{
    assert_int_equal(bench_change(bench, number, filler, true), ERR_OK);
    log_sync(bench->log);
    jobs_settle(&bench->jobs);
}

static void behind_the_last_record(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    uint64_t end = 1;

    assert_int_equal(segment_find_end(disk, NUMBER, &end), ERR_NOT_FOUND);
    assert_int_equal(end, 1);
    set_up(&bench, disk);
    for (uint64_t i = 1; i < 30; i++) {
        change(&bench, i, i * 100);
        assert_int_equal(end_of(disk), log_tip(bench.log));
    }
    assert_true(mem_vfs_file(disk, first_log).len > log_tip(bench.log));
    bench_close(&bench);
    assert_int_equal(end_of(disk), mem_vfs_file(disk, first_log).len);
    mem_vfs_free(disk);
}

static void damage_is_passed(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct log_bench bench;
    uint64_t tip;
    uint64_t before;

    set_up(&bench, disk);
    for (uint64_t i = 1; i < 10; i++)
        change(&bench, i, 500);
    before = log_tip(bench.log);
    change(&bench, 10, 500);
    tip = log_tip(bench.log);
    bench_close(&bench);
    mem_vfs_damage(disk, first_log, 8192 + 10, 1); /* a header */
    mem_vfs_damage(disk, first_log, before - 100, 1); /* a payload */
    assert_int_equal(end_of(disk), tip);
    mem_vfs_damage(disk, first_log, before + 100, 1);
    assert_int_equal(end_of(disk), before - (tip - before)); /* there is nothing behind it */
    mem_vfs_damage(disk, first_log, 0, 1);
    assert_int_equal(end_of(disk), before - (tip - before)); /* the other copy of the header */
    mem_vfs_damage(disk, first_log, 4096, 1);
    assert_int_equal(end_of(disk), tip); /* all of the file */
    mem_vfs_free(disk);
}

/* A file that is written while it is read: each read is followed by another change. */
struct racing {
    struct vfs vfs;
    struct vfs *disk;
    struct log_bench *bench;
    uint64_t number;
};

struct racing_file {
    struct vfs_file file;
    struct racing *racing;
    struct vfs_file *inner;
};

static struct racing_file *file_of(struct vfs_file *file)
{
    return CONTAINER_OF(file, struct racing_file, file);
}

/* As whoever reads is overtaken: the second half is read later than the first. */
static enum err racing_read(struct vfs_file *file, uint64_t offset, void *into, size_t len,
                            unsigned flags)
{
    struct racing_file *own = file_of(file);
    size_t half = len / 2 / 8 * 8;
    enum err err = vfs_read(own->inner, offset, into, half, flags);

    if (len > 500)
        for (int i = 0; i < 3; i++)
            change(own->racing->bench, ++own->racing->number, 3000);
    if (err == ERR_OK)
        err = vfs_read(own->inner, offset + half, (uint8_t *)into + half, len - half, flags);
    return err;
}

static enum err racing_size(struct vfs_file *file, uint64_t *out_size)
{
    return file_of(file)->inner->calls->size(file_of(file)->inner, out_size);
}

static void racing_close(struct vfs_file *file)
{
    vfs_close(file_of(file)->inner);
    free(file_of(file));
}

static const struct vfs_file_calls racing_calls = {
    .read = racing_read,
    .size = racing_size,
    .close = racing_close,
};

static enum err racing_open(struct vfs *vfs, const char *path, unsigned flags,
                            struct vfs_file **out_file)
{
    struct racing *racing = CONTAINER_OF(vfs, struct racing, vfs);
    struct racing_file *file = calloc(1, sizeof(*file));
    enum err err = racing->disk->open(racing->disk, path, flags, &file->inner);

    assert_int_equal(err, ERR_OK);
    file->file.calls = &racing_calls;
    file->racing = racing;
    *out_file = &file->file;
    return ERR_OK;
}

static void what_comes_meanwhile_is_no_end(void **state)
{
    for (unsigned start = 1; start < 40; start++) {
        struct vfs *disk = mem_vfs_new(1);
        struct log_bench bench;
        struct racing racing = { .vfs.open = racing_open, .disk = disk, .bench = &bench };
        uint64_t tip;
        uint64_t end = 0;

        set_up(&bench, disk);
        while (racing.number < start)
            change(&bench, ++racing.number, 900);
        tip = log_tip(bench.log);
        assert_int_equal(segment_find_end(&racing.vfs, NUMBER, &end), ERR_OK);
        assert_true(racing.number > start);
        assert_in_range(end, tip, log_tip(bench.log));
        bench_close(&bench);
        mem_vfs_free(disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behind_the_last_record),
        cmocka_unit_test(damage_is_passed),
        cmocka_unit_test(what_comes_meanwhile_is_no_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
