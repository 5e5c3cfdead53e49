/* At every point the history is the account as it was at that point. */
#include "store/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/shadow.h"
#include "kit/state_dump.h"
#include "store/account_state.h"
#include "store/checkpoint_format.h"
#include "store/op.h"
#include "store/segment_find.h"
#include "store/state_encode.h"

enum { POINTS_MAX = 600, DUMP_BYTES_MAX = 1 << 24 };

static const struct wall never = { INT64_MAX };

/* The account at one moment. */
struct point {
    uint64_t position;
    struct wall now;
    struct modseq change;
    struct buf dump;
};

struct scene {
    struct test_random random;
    struct desk desk;
    struct shadow *shadow;
    struct point points[POINTS_MAX];
    unsigned count;
};

static uint64_t new_seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static void start(struct scene *scene)
{
    uint64_t seed = new_seed();

    memset(scene, 0, sizeof(*scene));
    scene->random.state = seed + 1;
    scene->shadow = malloc(sizeof(*scene->shadow));
    shadow_init(scene->shadow, seed);
    desk_init(&scene->desk, mem_vfs_new(seed));
    scene->desk.options.checkpoint_bytes = 5000;
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
}

static void finish(struct scene *scene)
{
    for (unsigned i = 0; i < scene->count; i++)
        buf_done(&scene->points[i].dump);
    if (scene->desk.account != NULL)
        desk_close(&scene->desk);
    assert_int_equal(mem_vfs_open_files(scene->desk.vfs), 0);
    mem_vfs_free(scene->desk.vfs);
    free(scene->shadow);
}

static void note_point(struct scene *scene)
{
    const struct account *account = scene->desk.account;
    struct point *point = &scene->points[scene->count++];

    assert_true(scene->count < POINTS_MAX);
    *point = (struct point){ .position = log_tip(account->log),
                             .now = scene->desk.now,
                             .change = account->state.change,
                             .dump = buf_make(DUMP_BYTES_MAX) };
    state_dump(&account->state, &point->dump);
}

static void act(struct scene *scene, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        shadow_act(scene->shadow, &scene->desk);
        note_point(scene);
        if (test_random_below(&scene->random, 4) == 0)
            desk_sync(&scene->desk);
        (void)desk_tick(&scene->desk);
    }
    desk_sync(&scene->desk);
}

static const char *last_segment(struct vfs *vfs)
{
    const char *last = NULL;
    const char *path;

    for (unsigned i = 0; (path = mem_vfs_path(vfs, i)) != NULL; i++)
        if (strstr(path, ".log") != NULL && (last == NULL || strcmp(path, last) > 0))
            last = path;
    return last;
}

/* Closed and opened again, in a new segment: something stood behind the last record. */
static void reopen(struct scene *scene)
{
    struct desk *desk = &scene->desk;
    struct buf grown = buf_make(1 << 26);
    const char *last;

    desk_close(desk);
    last = last_segment(desk->vfs);
    buf_add(&grown, mem_vfs_file(desk->vfs, last));
    for (unsigned i = 0; i < 64; i++)
        buf_put_u8(&grown, i == 63);
    mem_vfs_put(desk->vfs, last, buf_bytes(&grown));
    buf_done(&grown);
    desk->now.us += 1000000;
    assert_int_equal(desk_open(desk), ERR_OK);
    note_point(scene);
}

static struct history *open_history(struct scene *scene, const struct history_options *options)
{
    struct history *history;
    struct note why = { .text = "" };

    if (history_open(options, &history, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return history;
}

static void run(struct scene *scene, struct history *history)
{
    bool done = false;

    while (!done)
        assert_int_equal(
            history_step(history, 1 + test_random_below(&scene->random, 1 << 14), &done, NULL),
            ERR_OK);
}

static void assert_dump(const struct state *state, const struct point *point)
{
    struct buf dump = buf_make(DUMP_BYTES_MAX);

    state_dump(state, &dump);
    ASSERT_BYTES(buf_bytes(&dump), buf_bytes(&point->dump));
    buf_done(&dump);
}

/* To the point's position and, again, to its time. */
static void check_point(struct scene *scene, const struct point *point)
{
    struct history_options options = { .vfs = scene->desk.vfs,
                                       .position = point->position,
                                       .until = never };
    struct history *history = open_history(scene, &options);

    run(scene, history);
    assert_dump(history_state(history), point);
    assert_int_equal(history_damaged(history), 0);
    assert_true(history_position(history) <= point->position);
    history_close(history);
    options = (struct history_options){ .vfs = scene->desk.vfs,
                                        .position = UINT64_MAX,
                                        .until = point->now };
    history = open_history(scene, &options);
    run(scene, history);
    assert_dump(history_state(history), point);
    history_close(history);
}

static void test_every_point_comes_back(void **context)
{
    struct scene *scene = malloc(sizeof(*scene));

    start(scene);
    scene->shadow->with_large = true;
    for (unsigned round = 0; round < 6; round++) {
        act(scene, 30);
        reopen(scene);
    }
    for (unsigned i = 0; i < scene->count; i++)
        check_point(scene, &scene->points[i]);
    finish(scene);
    free(scene);
}

/* A copy of the directory begins with an epoch; the shadow knows nothing of the UIDs that it skips,
 * but the history does. */
static void test_epochs(void **context)
{
    struct scene *scene = malloc(sizeof(*scene));

    start(scene);
    act(scene, 40);
    desk_close(&scene->desk);
    mem_vfs_change_identity(scene->desk.vfs, MEM_DIRECTORY);
    scene->desk.now.us += 1000000;
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
    assert_true(scene->desk.report.epoch);
    note_point(scene);
    assert_int_equal(
        desk_append(&scene->desk, desk_mailbox(&scene->desk, "INBOX"), BYTES("x"), 0, NULL),
        ERR_OK);
    note_point(scene);
    desk_sync(&scene->desk);
    for (unsigned i = 0; i < scene->count; i++)
        check_point(scene, &scene->points[i]);
    finish(scene);
    free(scene);
}

/* What the callbacks saw. */
struct told {
    const struct scene *scene;
    struct modseq last;
    unsigned before;
    unsigned after;
    enum err answer;
};

/* The last point up to that change. */
static const struct point *point_at(const struct scene *scene, uint64_t change)
{
    const struct point *found = NULL;

    for (unsigned i = 0; i < scene->count && scene->points[i].change.value <= change; i++)
        found = &scene->points[i];
    return found;
}

static enum err on_before(void *context, const struct state *state, const struct log_record *record)
{
    struct told *told = context;
    const struct point *point = point_at(told->scene, record->number.value - 1);

    told->before++;
    assert_int_equal(record->number.value, told->last.value + 1);
    assert_int_equal(state->change.value, told->last.value);
    if (point != NULL)
        assert_dump(state, point);
    return told->answer;
}

static enum err on_after(void *context, const struct state *state, const struct log_record *record)
{
    struct told *told = context;

    told->after++;
    told->last = record->number;
    assert_int_equal(state->change.value, record->number.value);
    assert_int_equal(state->changed_at.us, record->when.us);
    return ERR_OK;
}

static void test_callbacks_see_both_sides(void **context)
{
    struct scene *scene = malloc(sizeof(*scene));
    struct told told = { .scene = scene };
    struct history_options options = { .position = UINT64_MAX,
                                       .until = never,
                                       .before = on_before,
                                       .after = on_after,
                                       .context = &told };
    struct history *history;
    bool done;

    start(scene);
    act(scene, 30);
    options.vfs = scene->desk.vfs;
    history = open_history(scene, &options);
    run(scene, history);
    assert_int_equal(told.before, scene->desk.account->state.change.value);
    assert_int_equal(told.after, told.before);
    assert_int_equal(history_since(history).us, INT64_C(1700000000) * 1000000);
    history_close(history);
    told = (struct told){ .scene = scene, .answer = ERR_LIMIT };
    history = open_history(scene, &options);
    assert_int_equal(history_step(history, UINT64_MAX, &done, NULL), ERR_LIMIT);
    assert_int_equal(told.before, 1);
    assert_int_equal(told.after, 0);
    history_close(history);
    finish(scene);
    free(scene);
}

/* A damaged change is missing from both, the account that recovered and its history. */
static void test_damage(void **context)
{
    struct scene *scene = malloc(sizeof(*scene));
    struct history_options options = { .position = UINT64_MAX, .until = never };
    struct desk *desk = &scene->desk;
    struct history *history;

    start(scene);
    act(scene, 20);
    reopen(scene);
    act(scene, 20);
    desk_close(desk);
    mem_vfs_remove(desk->vfs, "checkpoint");
    mem_vfs_damage(desk->vfs, "log/0000000000000004.log",
                   scene->points[10].position - RECORD_ALIGN - 8, 0x20);
    options.vfs = desk->vfs;
    assert_int_equal(desk_open(desk), ERR_OK);
    assert_int_equal(desk->report.records_damaged, 1);
    note_point(scene);
    history = open_history(scene, &options);
    run(scene, history);
    assert_int_equal(history_damaged(history), 1);
    assert_dump(history_state(history), &scene->points[scene->count - 1]);
    history_close(history);
    finish(scene);
    free(scene);
}

/* Under an open account: what is before the position was on the disk, so a break is no end. */
static void test_damage_before_a_durable_position(void **context)
{
    struct scene *scene = malloc(sizeof(*scene));
    struct history_options options = { .until = never };
    struct history *history;

    start(scene);
    act(scene, 20);
    mem_vfs_damage(scene->desk.vfs, "log/0000000000000004.log",
                   scene->points[10].position - RECORD_ALIGN - 8, 0x20);
    options.vfs = scene->desk.vfs;
    options.position = scene->points[scene->count - 1].position;
    history = open_history(scene, &options);
    run(scene, history);
    assert_int_equal(history_damaged(history), 1);
    assert_int_equal(history_state(history)->change.value, scene->desk.account->state.change.value);
    history_close(history);
    finish(scene);
    free(scene);
}

/* Whatever stands behind the position is not looked at. */
static void test_what_is_behind_the_position(void **context)
{
    struct scene *scene = malloc(sizeof(*scene));
    struct history_options options = { .position = UINT64_MAX, .until = never };
    struct history *history;
    struct bytes first;
    unsigned end;

    start(scene);
    act(scene, 20);
    end = scene->count - 1;
    reopen(scene);
    act(scene, 5);
    reopen(scene);
    act(scene, 5);
    desk_close(&scene->desk);
    mem_vfs_remove(scene->desk.vfs, "log/0000000000000008.log");
    mem_vfs_put(scene->desk.vfs, "log/0000000000000014.log", BYTES("half a header"));
    first = mem_vfs_file(scene->desk.vfs, "log/0000000000000004.log");
    mem_vfs_put(scene->desk.vfs, "log/0000000000000004.log",
                bytes_slice(first, 0, (size_t)scene->points[end].position));
    for (unsigned i = 0; i <= end; i++)
        check_point(scene, &scene->points[i]);
    options.vfs = scene->desk.vfs;
    history = open_history(scene, &options);
    run(scene, history);
    assert_int_equal(history_damaged(history), 1); /* the missing one; the last was being made */
    history_close(history);
    finish(scene);
    free(scene);
}

static void add_record(struct buf *file, struct record_key key, const struct buf *ops)
{
    struct record_header header = { .type = RECORD_BASE, .length = ops->len };
    uint64_t offset = file->len;

    record_header_encode(file, key, offset, &header);
    record_payload_encode(file, key, offset + RECORD_HEADER_BYTES, buf_bytes(ops));
    while (file->len % RECORD_ALIGN != 0)
        buf_put_u8(file, 0);
}

/* All of a state as the records of a base. */
static void add_records(struct buf *file, struct record_key key, const struct state *state,
                        uint64_t position)
{
    struct op end = { OP_BASE_END, { .base_end = 2 } };
    struct buf ops = buf_make(RECORD_CHANGE_BYTES_MAX);

    checkpoint_state_encode(&ops, state, position);
    add_record(file, key, &ops);
    buf_clear(&ops);
    for (size_t i = 0; i < state->mailbox_count; i++)
        for (size_t j = 0; j < state->by_id[i]->rows.block_count; j++) {
            struct block *block = state->by_id[i]->rows.blocks[j];

            state_rows_encode(&ops, state, state->by_id[i]->id, block, block->count);
        }
    op_encode(&ops, &end);
    add_record(file, key, &ops);
    buf_done(&ops);
}

/* A base that says what the log said at that position, which is the end of segment `last`. */
static void add_base(struct vfs *vfs, const struct state *state, uint64_t last, uint64_t position)
{
    struct segment base = { .number = 0x4002, .base = last, .position = position };
    struct buf file = buf_make(1 << 26);
    char path[SEGMENT_PATH_BYTES];

    segment_id_make(vfs, base.id);
    for (unsigned copy = 0; copy < 2; copy++) {
        segment_header_encode(&file, &base);
        while (file.len % SEGMENT_COPY_AT != 0)
            buf_put_u8(&file, 0);
    }
    add_records(&file, record_key_make(base.id), state, position);
    segment_path(base.number, path);
    mem_vfs_put(vfs, path, buf_bytes(&file));
    buf_done(&file);
}

/* Supersedes the first segment by a base, and removes it. */
static void compact(struct scene *scene, uint64_t position)
{
    struct history_options options = { .vfs = scene->desk.vfs,
                                       .position = position,
                                       .until = never };
    struct history *history = open_history(scene, &options);

    run(scene, history);
    add_base(scene->desk.vfs, history_state(history), 4, position);
    history_close(history);
    mem_vfs_remove(scene->desk.vfs, "log/0000000000000004.log");
}

static void test_begins_with_the_base(void **context)
{
    struct scene *scene = malloc(sizeof(*scene));
    struct history_options options = { .until = { 1 }, .position = UINT64_MAX };
    struct history *history;
    unsigned first;

    start(scene);
    act(scene, 40);
    first = scene->count - 1;
    reopen(scene);
    act(scene, 40);
    compact(scene, scene->points[first].position);
    for (unsigned i = first; i < scene->count; i++)
        check_point(scene, &scene->points[i]);
    options.vfs = scene->desk.vfs;
    history = open_history(scene, &options);
    run(scene, history);
    assert_dump(history_state(history), &scene->points[first]);
    assert_int_equal(history_since(history).us, history_state(history)->changed_at.us);
    assert_in_range(history_since(history).us, scene->points[0].now.us,
                    scene->points[first].now.us);
    history_close(history);
    options.position = scene->points[first].position - 8;
    assert_int_equal(history_open(&options, &history, NULL), ERR_CONFLICT);
    finish(scene);
    free(scene);
}

static void test_nothing_there(void **context)
{
    struct vfs *vfs = mem_vfs_new(1);
    struct history_options options = { .vfs = vfs, .position = UINT64_MAX, .until = never };
    struct note why = { .text = "" };
    struct history *history;

    assert_int_equal(history_open(&options, &history, &why), ERR_NOT_FOUND);
    assert_string_equal(why.text, "there is no log, or a part of it has gone");
    history_close(NULL);
    mem_vfs_free(vfs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_point_comes_back),
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_callbacks_see_both_sides),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_damage_before_a_durable_position),
        cmocka_unit_test(test_what_is_behind_the_position),
        cmocka_unit_test(test_begins_with_the_base),
        cmocka_unit_test(test_nothing_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
