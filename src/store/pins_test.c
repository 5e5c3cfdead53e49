/* What views keep of the past is counted once and bounded. */
#include "store/pins.h"

#include "base/job.h"
#include "kit/assert_bytes.h"
#include "kit/row_flags.h"
#include "store/state.h"
#include "store/view.h"

/* Rows have sizes of eight bytes and one of two MODSEQs, so that these columns cost something. */
enum { ROWS = 3 * BLOCK_ROWS, MODSEQ_BYTES = BLOCK_ROWS, BLOCK_BYTES = BLOCK_ROWS * 9 };

struct scene {
    struct state state;
    struct mailbox *mailbox;
    struct waker waker;
    unsigned wakes;
};

static void on_wake(struct waker *waker)
{
    CONTAINER_OF(waker, struct scene, waker)->wakes++;
}

static void begin(struct scene *scene)
{
    scene->state.change.value++;
    scene->mailbox->highest = scene->state.change;
    state_touch(scene->mailbox);
}

static void append(struct scene *scene, uint32_t count)
{
    uint32_t first = rows_last_uid(&scene->mailbox->rows) + 1;

    begin(scene);
    for (uint32_t i = 0; i < count; i++)
        rows_append(&scene->mailbox->rows,
                    &(struct row){ .uid = { first + i },
                                   .modseq = { scene->state.change.value - i % 2 },
                                   .size = i % 2 == 0 ? 0 : UINT64_C(1) << 40 });
}

static void ignore_rows(void *context, const struct block *block, const uint16_t *places,
                        uint32_t count)
{
    (void)context;
    (void)block;
    (void)places;
    (void)count;
}

static void expunge(struct scene *scene, uint32_t first, uint32_t last)
{
    struct uid_range range = { first, last };

    begin(scene);
    rows_remove(&scene->mailbox->rows, (struct uid_set){ &range, 1 }, ignore_rows, NULL);
}

static void flag(struct scene *scene, uint32_t uid)
{
    struct row row;

    begin(scene);
    assert_true(rows_get(&scene->mailbox->rows, uid, &row));
    row.modseq = scene->state.change;
    rows_flags_set(&scene->mailbox->rows, uid, &row);
}

static void refresh(struct view *view, unsigned flags)
{
    struct arena arena = arena_make(1 << 22);
    struct view_changes changes;

    assert_int_equal(view_refresh(view, flags, (struct modseq){ 0 }, &arena, &changes), ERR_OK);
    arena_done(&arena);
}

static void scene_init(struct scene *scene)
{
    *scene = (struct scene){ .waker = { on_wake } };
    state_init(&scene->state);
    scene->mailbox = state_mailbox_new(&scene->state, (struct mailbox_id){ 1 }, BYTES("INBOX"));
    state_add(&scene->state, scene->mailbox);
    append(scene, ROWS);
}

static struct view *open_view(struct scene *scene)
{
    struct view *view = view_open(scene->mailbox);

    view_watch(view, &scene->waker);
    return view;
}

static void test_what_is_shared_costs_nothing(void **context)
{
    struct scene scene;
    struct view *old;
    struct view *other;

    (void)context;
    scene_init(&scene);
    old = open_view(&scene);
    other = open_view(&scene);
    assert_int_equal(pins_bound(&scene.state, 0), 0);
    append(&scene, 1); /* into a block of its own */
    assert_int_equal(pins_bound(&scene.state, 0), 0);
    assert_false(view_is_overdue(old));
    flag(&scene, 1);
    assert_int_equal(pins_bound(&scene.state, UINT64_MAX), MODSEQ_BYTES);
    flag(&scene, 2);
    assert_int_equal(pins_bound(&scene.state, UINT64_MAX), MODSEQ_BYTES);
    refresh(other, 0);
    flag(&scene, 1); /* each of the two views has other flags of the first block */
    assert_int_equal(pins_bound(&scene.state, UINT64_MAX), 2 * MODSEQ_BYTES);
    expunge(&scene, BLOCK_ROWS + 1, 2 * BLOCK_ROWS); /* both have the second block */
    assert_int_equal(pins_bound(&scene.state, UINT64_MAX), 2 * MODSEQ_BYTES + BLOCK_BYTES);
    refresh(old, 0);
    refresh(other, 0);
    assert_int_equal(pins_bound(&scene.state, 0), 0);
    view_close(old);
    view_close(other);
    assert_int_equal(scene.wakes, 0);
    state_done(&scene.state);
}

static void test_the_one_behind_the_longest_ends(void **context)
{
    struct scene scene;
    struct view *old;
    struct view *newer;

    (void)context;
    scene_init(&scene);
    newer = open_view(&scene);
    old = open_view(&scene);
    expunge(&scene, 1, BLOCK_ROWS);
    refresh(newer, 0); /* now it is `old` that is behind the longest */
    expunge(&scene, BLOCK_ROWS + 1, 2 * BLOCK_ROWS);
    assert_int_equal(pins_bound(&scene.state, 2 * BLOCK_BYTES), 2 * BLOCK_BYTES); /* the limit */
    assert_false(view_is_overdue(old) || view_is_overdue(newer));
    assert_int_equal(pins_bound(&scene.state, 2 * BLOCK_BYTES - 1), BLOCK_BYTES); /* one past it */
    assert_true(view_is_overdue(old));
    assert_false(view_is_overdue(newer));
    assert_int_equal(scene.wakes, 1);
    assert_int_equal(pins_bound(&scene.state, 2 * BLOCK_BYTES - 1), BLOCK_BYTES);
    assert_int_equal(scene.wakes, 1); /* told once */
    view_close(old);
    assert_int_equal(pins_bound(&scene.state, BLOCK_BYTES - 1), 0);
    assert_true(view_is_overdue(newer));
    view_close(newer);
    state_done(&scene.state);
}

static void test_ghosts_and_deleted_mailboxes_count(void **context)
{
    struct scene scene;
    struct view *view;

    (void)context;
    scene_init(&scene);
    view = open_view(&scene);
    expunge(&scene, 1, 1);
    refresh(view, VIEW_KEEP_EXPUNGED); /* a block of its own, with the ghost */
    assert_int_equal(pins_bound(&scene.state, UINT64_MAX), BLOCK_BYTES);
    begin(&scene);
    state_remove(&scene.state, scene.mailbox);
    assert_true(pins_bound(&scene.state, UINT64_MAX) >= 3 * BLOCK_BYTES);
    assert_int_equal(pins_bound(&scene.state, 0), 0);
    assert_true(view_is_overdue(view));
    view_close(view);
    state_done(&scene.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_shared_costs_nothing),
        cmocka_unit_test(test_the_one_behind_the_longest_ends),
        cmocka_unit_test(test_ghosts_and_deleted_mailboxes_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
