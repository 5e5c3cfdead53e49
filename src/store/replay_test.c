/* Going through the records of a log without opening it. */
#include "kit/log_changes.h"
#include "store/replay.h"

static const char log_1[] = "log/0000000000000004.log";

struct met {
    uint64_t numbers[SEEN_MAX];
    unsigned count;
    unsigned damaged;
    struct place damage; /* the last one */
    uint64_t damage_len;
    enum err answer; /* of `give` */
};

static enum err on_record(void *context, const struct log_record *record)
{
    struct met *met = context;

    assert_int_equal(record->type, RECORD_CHANGE);
    met->numbers[met->count++] = record->number.value;
    return met->answer;
}

static enum err on_damage(void *context, struct place place, uint64_t len, const char *what)
{
    struct met *met = context;

    assert_non_null(what);
    met->damaged++;
    met->damage = place;
    met->damage_len = len;
    return ERR_OK;
}

/* Changes 1 to `count`, in segments of about 20 each. */
static struct vfs *disk_with(unsigned count)
{
    struct vfs *disk = mem_vfs_new(count);
    struct log_bench bench;

    bench_init(&bench, disk);
    bench.options.segment_bytes = 12000;
    bench_start(&bench, 1000);
    for (unsigned i = 1; i <= count; i++) {
        assert_int_equal(bench_change(&bench, i, 100, true), ERR_OK);
        jobs_settle(&bench.jobs);
    }
    bench_close(&bench);
    return disk;
}

/* Everything below is one disk, gone through from its first record. */
struct going {
    struct segments segments;
    struct replay replay;
    struct met met;
};

static enum err go(struct vfs *disk, uint64_t mark, struct going *going)
{
    static const struct replay_calls calls = { on_record, on_damage };
    struct replay_options options = {
        .segments = &going->segments, .mark = mark, .calls = &calls, .context = &going->met
    };
    enum err err;

    assert_int_equal(segments_find(disk, &going->segments), ERR_OK);
    segments_limit(&going->segments, 0, 0);
    replay_begin(&going->replay, &options);
    do
        err = replay_step(&going->replay);
    while (err == ERR_OK && !going->replay.done);
    replay_done(&going->replay);
    segments_done(&going->segments);
    return err;
}

static void gives_all_in_order(void **state)
{
    struct vfs *disk = disk_with(50);
    struct going going = { .met.count = 0 };

    assert_int_equal(go(disk, UINT64_MAX, &going), ERR_OK);
    assert_int_equal(going.met.count, 50);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(going.met.numbers[i], i + 1);
    assert_int_equal(going.met.damaged, 0);
    assert_int_equal(mem_vfs_open_files(disk), 0);
    mem_vfs_free(disk);
}

static void passes_damage(void **state)
{
    struct vfs *disk = disk_with(50);
    struct going going = { .met.count = 0 };

    mem_vfs_damage(disk, log_1, SEGMENT_RECORDS_AT + RECORD_HEADER_BYTES + 3, 1);
    assert_int_equal(go(disk, UINT64_MAX, &going), ERR_OK);
    assert_int_equal(going.met.count, 49);
    assert_int_equal(going.met.numbers[0], 2);
    assert_int_equal(going.met.damaged, 1);
    assert_int_equal(going.met.damage.segment, 4);
    assert_int_equal(going.met.damage.offset, SEGMENT_RECORDS_AT);
    assert_true(going.met.damage_len > RECORD_HEADER_BYTES);
    mem_vfs_free(disk);
}

/* What is broken in the last segment, at or behind the mark, was being written: the end. */
static void ends_at_a_break_behind_the_mark(void **state)
{
    struct vfs *disk = disk_with(5);
    struct going going = { .met.count = 0 };
    struct bytes file = mem_vfs_file(disk, log_1);
    uint64_t size = file.len;

    mem_vfs_damage(disk, log_1, size - 100, 1);
    assert_int_equal(go(disk, 0, &going), ERR_OK);
    assert_int_equal(going.met.count, 4);
    assert_int_equal(going.met.damaged, 0);
    assert_true(going.replay.end < size);
    going.met = (struct met){ .count = 0 };
    assert_int_equal(go(disk, size, &going), ERR_OK);
    assert_int_equal(going.met.count, 4);
    assert_int_equal(going.met.damaged, 1);
    mem_vfs_free(disk);
}

static void says_what_the_listener_says(void **state)
{
    struct vfs *disk = disk_with(5);
    struct going going = { .met.answer = ERR_LIMIT };

    assert_int_equal(go(disk, 0, &going), ERR_LIMIT);
    assert_int_equal(going.met.count, 1);
    assert_int_equal(mem_vfs_open_files(disk), 0);
    mem_vfs_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_all_in_order),
        cmocka_unit_test(passes_damage),
        cmocka_unit_test(ends_at_a_break_behind_the_mark),
        cmocka_unit_test(says_what_the_listener_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
