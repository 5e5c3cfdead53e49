/* Copies of a segment whose end is written over space taken ahead: read page by page, each of them
 * at any time since the one before. */
#include "store/recover.h"

#include <stdlib.h>
#include <time.h>

#include "kit/log_changes.h"
#include "kit/random.h"

enum { PAGE = 4096, WORD = 8, VERSIONS = 10, RUNS = 3000, EPOCH_NUMBER = 1 << 30 };

#define HOUR_US (INT64_C(3600) * 1000000)

static const char first_log[] = "log/0000000000000004.log";

/* One segment at work: what its file was after each change. */
struct scene {
    struct vfs *disk;
    struct vfs *version[VERSIONS]; /* of the whole disk */
    struct bytes file[VERSIONS]; /* in it */
    struct vfs *closed;
    uint64_t before; /* changes that were durable when the copying began */
    uint64_t after;
    unsigned with_hole;
    unsigned later; /* copies that hold more than what was there when they began */
};

static void change(struct log_bench *bench, uint64_t number, size_t filler)
{
    assert_int_equal(bench_change(bench, number, filler, true), ERR_OK);
    log_sync(bench->log);
    jobs_settle(&bench->jobs);
}

/* What is taken ahead runs out in between. The last change comes after a pause. */
static void scene_begin(struct scene *scene, int64_t pause_us)
{
    static const size_t filler[] = { 3000, 700, 5000, 1500, 6000, 400, 2500, 4200, 900 };
    struct log_bench bench;

    *scene = (struct scene){ .disk = mem_vfs_new(1) };
    bench_init(&bench, scene->disk);
    bench.options.ahead_bytes = 4 * PAGE;
    bench.options.ahead_syncs = 1;
    bench_start(&bench, EPOCH_NUMBER);
    while (scene->before < 4)
        change(&bench, ++scene->before, 900);
    scene->after = scene->before;
    for (unsigned i = 0; i < VERSIONS; i++) {
        scene->version[i] = mem_vfs_copy(scene->disk, i);
        scene->file[i] = mem_vfs_file(scene->version[i], first_log);
        assert_true(scene->file[i].len > log_tip(bench.log) || i == VERSIONS - 1);
        if (i == VERSIONS - 1)
            break;
        if (i == VERSIONS - 2)
            bench.options.now.us += pause_us;
        change(&bench, ++scene->after, filler[i]);
    }
    bench_close(&bench);
    scene->closed = mem_vfs_copy(scene->disk, VERSIONS);
}

static void scene_end(struct scene *scene)
{
    for (unsigned i = 0; i < VERSIONS; i++)
        mem_vfs_free(scene->version[i]);
    mem_vfs_free(scene->closed);
    mem_vfs_free(scene->disk);
}

/* The bytes from *at on, as version `from` has them, up to `end`. False: the file ended. */
static bool read_piece(const struct scene *scene, struct buf *copy, unsigned from, size_t end)
{
    struct bytes file = scene->file[from];
    bool more = end < file.len;

    if (copy->len >= file.len)
        return false;
    buf_add(copy, bytes_slice(file, copy->len, (more ? end : file.len) - copy->len));
    return more;
}

static struct vfs *disk_with(struct vfs *like, struct bytes file, bool is_copy)
{
    struct vfs *disk = mem_vfs_copy(like, 7);

    mem_vfs_put(disk, first_log, file);
    if (is_copy)
        mem_vfs_change_identity(disk, MEM_DIRECTORY);
    return disk;
}

static void expect_prefix(const struct log_bench *bench, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(bench->seen[i], i + 1);
}

/* `lock`: a disk whose lock file the copy has. */
static void check_copy(struct scene *scene, struct bytes file, struct vfs *lock)
{
    struct vfs *disk = disk_with(lock, file, true);
    struct log_bench bench;
    unsigned count;

    bench_init(&bench, disk);
    bench_start(&bench, EPOCH_NUMBER);
    count = bench.seen_count;
    assert_int_equal(bench.report.damaged, 0);
    assert_true((bench.report.epoch_reasons & EPOCH_COPIED) != 0);
    assert_in_range(count, scene->before, scene->after);
    expect_prefix(&bench, count);
    scene->with_hole += bench.report.tail_bytes > 0;
    scene->later += count > scene->before;
    change(&bench, EPOCH_NUMBER + 1, 10);
    bench_close(&bench);
    bench_start(&bench, EPOCH_NUMBER);
    assert_int_equal(bench.report.damaged, 0);
    assert_int_equal(bench.report.epoch_reasons, 0);
    assert_int_equal(bench.seen_count, count + 2);
    expect_prefix(&bench, count);
    bench_close(&bench);
    assert_int_equal(mem_vfs_open_files(disk), 0);
    mem_vfs_free(disk);
}

/* Every way in which the pages behind `copy` can be read, from version `from` on. */
static unsigned copy_in_every_way(struct scene *scene, struct buf *copy, unsigned from)
{
    size_t len = copy->len;
    unsigned ways = 0;

    for (unsigned i = from; i < VERSIONS; i++) {
        bool more = read_piece(scene, copy, i, len + PAGE);

        if (more) {
            ways += copy_in_every_way(scene, copy, i);
        } else {
            check_copy(scene, buf_bytes(copy), ways % 2 == 0 ? scene->version[i] : scene->closed);
            ways++;
        }
        buf_truncate(copy, len);
    }
    return ways;
}

static void every_way_to_read_the_pages(void **state)
{
    struct buf copy = buf_make(1 << 20);
    struct scene scene;
    unsigned ways;

    scene_begin(&scene, 0);
    buf_add(&copy, bytes_slice(scene.file[0], 0, SEGMENT_RECORDS_AT)); /* is what it always was */
    ways = copy_in_every_way(&scene, &copy, 0);
    print_message("%u ways, %u with a hole, %u with something new\n", ways, scene.with_hole,
                  scene.later);
    assert_true(ways > 1000);
    assert_true(scene.with_hole > ways / 10);
    assert_true(scene.later > ways / 2);
    buf_done(&copy);
    scene_end(&scene);
}

static uint64_t new_seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* Who reads may be overtaken within a page. Nobody copies less than a word at a time. */
static void pages_read_by_halves(void **state)
{
    struct test_random random = { new_seed() };
    struct buf copy = buf_make(1 << 20);
    struct scene scene;

    scene_begin(&scene, 0);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t most = 1 + test_random_below(&random, 700);
        unsigned from = 0;

        buf_clear(&copy);
        while (read_piece(&scene, &copy, from,
                          copy.len + WORD * (1 + (size_t)test_random_below(&random, most))))
            if (copy.len >= SEGMENT_RECORDS_AT && test_random_below(&random, 8) == 0)
                from += (unsigned)test_random_below(&random, VERSIONS - from);
        check_copy(&scene, buf_bytes(&copy), i % 2 == 0 ? scene.version[from] : scene.closed);
    }
    print_message("%u with a hole, %u with something new\n", scene.with_hole, scene.later);
    assert_true(scene.with_hole > RUNS / 10);
    buf_done(&copy);
    scene_end(&scene);
}

/* The last version with the pages that the first change of the scene wrote as they were before. */
static void make_hole(const struct scene *scene, struct buf *copy)
{
    struct bytes last = scene->file[VERSIONS - 1];
    size_t at = SEGMENT_RECORDS_AT;

    buf_add(copy, last);
    while (bytes_equal(bytes_slice(scene->file[1], 0, at + PAGE),
                       bytes_slice(scene->file[0], 0, at + PAGE)))
        at += PAGE;
    memcpy(copy->at + copy->start + at, scene->file[0].at + at, PAGE);
}

static void open_with(struct log_bench *bench, struct vfs *disk)
{
    bench_init(bench, disk);
    bench_start(bench, EPOCH_NUMBER);
}

/* Where it is no copy the disk has lost what it had, and nothing else is given up for that. */
static void a_hole_in_the_original_is_damage(void **state)
{
    struct buf file = buf_make(1 << 20);
    struct log_bench bench;
    struct scene scene;
    struct vfs *disk;

    scene_begin(&scene, 0);
    make_hole(&scene, &file);
    disk = disk_with(scene.version[VERSIONS - 1], buf_bytes(&file), false);
    open_with(&bench, disk);
    assert_true(bench.report.damaged > 0);
    assert_int_equal(bench.report.tail_bytes, 0);
    assert_true((bench.report.epoch_reasons & EPOCH_DAMAGED) != 0);
    assert_true(bench_saw(&bench, scene.after));
    assert_false(bench_saw(&bench, scene.before + 1));
    bench_close(&bench);
    mem_vfs_free(disk);

    /* The same of another boot: the mark of a later record says that it was there. */
    disk = disk_with(scene.version[VERSIONS - 1], buf_bytes(&file), false);
    mem_vfs_change_identity(disk, MEM_BOOT);
    open_with(&bench, disk);
    assert_true(bench.report.damaged > 0);
    assert_true(bench_saw(&bench, scene.after));
    bench_close(&bench);
    mem_vfs_free(disk);
    buf_done(&file);
    scene_end(&scene);
}

static void a_checkpoint_is_not_believed_beyond_it(void **state)
{
    struct buf file = buf_make(1 << 20);
    struct log_bench bench;
    struct log_mark mark;
    struct scene scene;
    struct vfs *disk;

    scene_begin(&scene, 0);
    make_hole(&scene, &file);
    open_with(&bench, scene.disk);
    log_durable_mark(bench.log, &mark);
    bench_close(&bench);
    disk = disk_with(scene.version[VERSIONS - 1], buf_bytes(&file), true);
    bench_init(&bench, disk);
    bench.options.from = mark;
    assert_int_equal(bench_open(&bench), ERR_CONFLICT);
    mem_vfs_free(disk);
    buf_done(&file);
    scene_end(&scene);
}

/* No copy takes so long that what comes an hour later could have come meanwhile. */
static void a_hole_that_is_old_is_damage(void **state)
{
    for (unsigned longer = 0; longer < 2; longer++) {
        struct buf file = buf_make(1 << 20);
        struct log_bench bench;
        struct scene scene;
        struct vfs *disk;

        scene_begin(&scene, HOUR_US - 1 + longer);
        make_hole(&scene, &file);
        disk = disk_with(scene.version[VERSIONS - 1], buf_bytes(&file), true);
        open_with(&bench, disk);
        assert_int_equal(bench.report.damaged > 0, longer == 1);
        assert_int_equal(bench_saw(&bench, scene.after), longer == 1);
        bench_close(&bench);
        mem_vfs_free(disk);
        buf_done(&file);
        scene_end(&scene);
    }
}

/* A bit has gone, and no zeros are there: nobody reads that by copying. */
static void other_damage_is_damage_in_a_copy(void **state)
{
    struct log_bench bench;
    struct scene scene;
    struct vfs *disk;

    scene_begin(&scene, 0);
    disk = disk_with(scene.closed, mem_vfs_file(scene.closed, first_log), true);
    mem_vfs_damage(disk, first_log, SEGMENT_RECORDS_AT + 500, 1);
    open_with(&bench, disk);
    assert_int_equal(bench.report.damaged, 1);
    assert_int_equal(bench.seen_count, scene.after - 1);
    bench_close(&bench);
    mem_vfs_free(disk);
    scene_end(&scene);
}

/* What an opening has set aside was there before anyone copied. */
static void damage_that_was_met_is_passed_in_a_copy(void **state)
{
    struct buf file = buf_make(1 << 20);
    struct log_bench bench;
    struct scene scene;
    struct vfs *disk;
    struct vfs *copy;

    scene_begin(&scene, 0);
    make_hole(&scene, &file);
    disk = disk_with(scene.version[VERSIONS - 1], buf_bytes(&file), false);
    open_with(&bench, disk);
    change(&bench, EPOCH_NUMBER + 1, 10);
    bench_close(&bench);
    copy = mem_vfs_copy(disk, 3);
    mem_vfs_change_identity(copy, MEM_DIRECTORY);
    open_with(&bench, copy);
    assert_true(bench.report.damaged > 0);
    assert_int_equal(bench.report.tail_bytes, 0);
    assert_true(bench_saw(&bench, EPOCH_NUMBER + 1));
    bench_close(&bench);
    mem_vfs_free(copy);
    mem_vfs_free(disk);
    buf_done(&file);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_read_the_pages),
        cmocka_unit_test(pages_read_by_halves),
        cmocka_unit_test(a_hole_in_the_original_is_damage),
        cmocka_unit_test(a_checkpoint_is_not_believed_beyond_it),
        cmocka_unit_test(a_hole_that_is_old_is_damage),
        cmocka_unit_test(other_damage_is_damage_in_a_copy),
        cmocka_unit_test(damage_that_was_met_is_passed_in_a_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
