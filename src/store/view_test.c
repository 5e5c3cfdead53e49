/* Views, against sessions that keep plain arrays and believe what they are told. */
#include "store/view.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/job.h"
#include "kit/assert_bytes.h"
#include "kit/row_flags.h"
#include "store/state.h"

enum { MODEL_UIDS = 40000 };

/* What one session believes: UID and MODSEQ by position. */
struct believer {
    struct view *view;
    uint32_t count;
    uint32_t uids[MODEL_UIDS];
    uint64_t modseqs[MODEL_UIDS];
};

struct scene {
    struct state state;
    struct mailbox *mailbox;
    uint32_t uidnext;
};

static void scene_init(struct scene *scene)
{
    state_init(&scene->state);
    scene->mailbox = state_mailbox_new(&scene->state, (struct mailbox_id){ 1 }, BYTES("INBOX"));
    state_add(&scene->state, scene->mailbox);
    scene->uidnext = 1;
}

static void begin(struct scene *scene)
{
    scene->state.change.value++;
    scene->mailbox->highest = scene->state.change;
    state_touch(scene->mailbox);
}

static void append(struct scene *scene, uint32_t count)
{
    begin(scene);
    for (uint32_t i = 0; i < count; i++) {
        struct row row = { .uid = { scene->uidnext++ }, .modseq = scene->state.change };

        rows_append(&scene->mailbox->rows, &row);
    }
}

static void set_flags(struct scene *scene, struct uid_range range)
{
    struct rows_walk walk = rows_walk_make(&scene->mailbox->rows, (struct uid_set){ &range, 1 });
    struct row row;

    begin(scene);
    while (rows_walk_next(&walk, &row)) {
        row.flags ^= FLAG_SEEN;
        row.modseq = scene->state.change;
        rows_flags_set(&scene->mailbox->rows, row.uid.value, &row);
    }
}

static void ignore_rows(void *context, const struct block *block, const uint16_t *places,
                        uint32_t count)
{
    (void)context;
    (void)block;
    (void)places;
    (void)count;
}

static void expunge(struct scene *scene, struct uid_range range)
{
    begin(scene);
    rows_remove(&scene->mailbox->rows, (struct uid_set){ &range, 1 }, ignore_rows, NULL);
}

static void learn(struct believer *believer, uint32_t index)
{
    struct row row;

    view_row(believer->view, (struct seqno){ index + 1 }, &row);
    believer->uids[index] = row.uid.value;
    believer->modseqs[index] = row.modseq.value;
}

static struct believer *believer_new(struct scene *scene)
{
    struct believer *believer = calloc(1, sizeof(*believer));

    believer->view = view_open(scene->mailbox);
    believer->count = view_count(believer->view);
    for (uint32_t i = 0; i < believer->count; i++)
        learn(believer, i);
    return believer;
}

static void believer_free(struct believer *believer)
{
    view_close(believer->view);
    free(believer);
}

/* Takes in what a refresh tells, as a client would. */
static void believe(struct believer *believer, unsigned flags)
{
    struct arena arena = arena_make(1 << 22);
    struct view_changes changes;
    enum err err;

    do {
        err = view_refresh(believer->view, flags, (struct modseq){ 0 }, &arena, &changes);
        if (err == ERR_BUSY)
            assert_int_equal(view_count(believer->view), believer->count); /* it has not moved */
    } while (err == ERR_BUSY);
    assert_int_equal(err, ERR_OK);
    if ((flags & VIEW_KEEP_EXPUNGED) != 0)
        assert_int_equal(changes.expunged_count, 0);
    for (uint32_t i = 0; i < changes.expunged_count; i++) {
        uint32_t index = changes.expunged[i].value - 1;

        assert_true(index < believer->count);
        assert_int_equal(believer->uids[index], changes.expunged_uids[i].value);
        believer->count--;
        memmove(&believer->uids[index], &believer->uids[index + 1],
                (believer->count - index) * sizeof(believer->uids[0]));
        memmove(&believer->modseqs[index], &believer->modseqs[index + 1],
                (believer->count - index) * sizeof(believer->modseqs[0]));
    }
    assert_int_equal(believer->count, changes.exists_before);
    for (uint32_t i = 0; i < changes.changed_count; i++)
        learn(believer, changes.changed[i].value - 1);
    for (; believer->count < changes.exists_now; believer->count++)
        learn(believer, believer->count);
    arena_done(&arena);
}

/* The view is what the session believes, row by row. */
static void assert_believed(const struct believer *believer)
{
    assert_int_equal(view_count(believer->view), believer->count);
    for (uint32_t i = 0; i < believer->count; i++) {
        struct row row;

        view_row(believer->view, (struct seqno){ i + 1 }, &row);
        assert_int_equal(row.uid.value, believer->uids[i]);
        assert_int_equal(row.modseq.value, believer->modseqs[i]);
        if (i % 97 == 0)
            assert_int_equal(view_seqno(believer->view, (struct uid){ believer->uids[i] }).value,
                             i + 1);
    }
    assert_int_equal(view_uid_last(believer->view),
                     believer->count == 0 ? 0 : believer->uids[believer->count - 1]);
}

/* After a full refresh the session believes exactly what is there. */
static void assert_present(const struct scene *scene, const struct believer *believer)
{
    const struct uid_range everything[] = { { 1, UINT32_MAX } };
    struct rows_walk walk =
        rows_walk_make(&scene->mailbox->rows, (struct uid_set){ everything, 1 });
    struct row row;

    for (uint32_t i = 0; i < believer->count; i++) {
        assert_true(rows_walk_next(&walk, &row));
        assert_int_equal(row.uid.value, believer->uids[i]);
        assert_int_equal(row.modseq.value, believer->modseqs[i]);
    }
    assert_false(rows_walk_next(&walk, &row));
    assert_false(view_is_stale(believer->view));
}

static struct uid_range random_range(unsigned *seed, uint32_t uidnext, uint32_t most)
{
    uint32_t first = 1 + (uint32_t)rand_r(seed) % uidnext;

    return (struct uid_range){ first, first + (uint32_t)rand_r(seed) % most };
}

static void random_change(struct scene *scene, unsigned *seed)
{
    uint32_t left = MODEL_UIDS - scene->uidnext;
    uint32_t most = rand_r(seed) % 8 == 0 ? 3000 : 5;

    switch (rand_r(seed) % 3) {
    case 0: append(scene, (uint32_t)rand_r(seed) % (most < left ? most : left + 1)); break;
    case 1: set_flags(scene, random_range(seed, scene->uidnext, most)); break;
    default: expunge(scene, random_range(seed, scene->uidnext, most)); break;
    }
}

static void test_sessions_stay_right(void **context)
{
    unsigned seed = (unsigned)time(NULL);
    struct believer *believers[4];
    struct scene scene;

    (void)context;
    print_message("seed %u\n", seed);
    scene_init(&scene);
    append(&scene, 9000);
    for (int i = 0; i < 4; i++)
        believers[i] = believer_new(&scene);
    for (int round = 0; round < 600; round++) {
        struct believer *believer = believers[rand_r(&seed) % 4];
        bool keep = rand_r(&seed) % 2 == 0;

        scene.state.refresh_cost = rand_r(&seed) % 2 == 0 ? 0 : 1 + (uint32_t)rand_r(&seed) % 5000;
        random_change(&scene, &seed);
        if (rand_r(&seed) % 3 != 0)
            continue;
        believe(believer, keep ? VIEW_KEEP_EXPUNGED : 0);
        if (!keep)
            assert_present(&scene, believer);
        if (round % 5 == 0)
            for (int i = 0; i < 4; i++)
                assert_believed(believers[i]);
    }
    for (int i = 0; i < 4; i++) {
        believe(believers[i], 0);
        assert_present(&scene, believers[i]);
        believer_free(believers[i]);
    }
    state_done(&scene.state);
}

/* A block that was left by expunges takes new rows behind those of others, which went since. */
static void test_ghosts_before_what_came(void **context)
{
    struct believer *believer;
    struct scene scene;

    (void)context;
    scene_init(&scene);
    append(&scene, BLOCK_ROWS + 100);
    expunge(&scene, (struct uid_range){ 1, BLOCK_ROWS - 50 });
    believer = believer_new(&scene);
    expunge(&scene, (struct uid_range){ BLOCK_ROWS + 1, BLOCK_ROWS + 100 });
    append(&scene, 10);
    believe(believer, VIEW_KEEP_EXPUNGED);
    assert_int_equal(believer->count, 50 + 100 + 10);
    for (uint32_t i = 1; i < believer->count; i++)
        assert_true(believer->uids[i - 1] < believer->uids[i]);
    believe(believer, 0);
    assert_present(&scene, believer);
    believer_free(believer);
    state_done(&scene.state);
}

/* What happens between the steps comes with the next refresh; a view may go in the middle. */
static void test_steps(void **context)
{
    enum { ROWS = 3 * BLOCK_ROWS, COST = 1000 };
    static const unsigned flags[] = { 0, VIEW_KEEP_EXPUNGED };
    const struct modseq none = { 0 };

    (void)context;
    for (size_t i = 0; i < ARRAY_COUNT(flags); i++) {
        struct arena arena = arena_make(1 << 20);
        struct view_changes changes;
        struct modseq moment;
        struct scene scene;
        struct view *view;
        unsigned steps = 1;

        scene_init(&scene);
        append(&scene, ROWS);
        scene.state.refresh_cost = COST;
        view = view_open(scene.mailbox);
        for (uint32_t uid = 2; uid <= ROWS; uid += BLOCK_ROWS / 2)
            expunge(&scene, (struct uid_range){ uid, uid });
        moment = scene.state.change;
        for (; view_refresh(view, flags[i], none, &arena, &changes) == ERR_BUSY; steps++) {
            assert_int_equal(view_count(view), ROWS);
            if (steps == 1)
                append(&scene, 5);
            if (steps == 2)
                expunge(&scene, (struct uid_range){ 1, 100 });
        }
        assert_true(steps > ROWS / COST);
        assert_int_equal(view_modseq(view).value, moment.value);
        assert_int_equal(changes.exists_now, flags[i] == 0 ? ROWS - 6 : ROWS);
        assert_int_equal(changes.expunged_count, flags[i] == 0 ? 6 : 0);
        assert_int_equal(view_modseq_known(view).value, flags[i] == 0 ? moment.value : 1);
        assert_true(view_is_stale(view));
        scene.state.refresh_cost = 0;
        assert_int_equal(view_refresh(view, VIEW_KEEP_EXPUNGED, none, &arena, &changes), ERR_OK);
        assert_int_equal(view_modseq_known(view).value, flags[i] == 0 ? moment.value : 1);
        assert_int_equal(view_refresh(view, 0, none, &arena, &changes), ERR_OK);
        assert_int_equal(changes.exists_now, scene.mailbox->rows.count);
        set_flags(&scene, (struct uid_range){ 1, ROWS });
        scene.state.refresh_cost = COST;
        assert_int_equal(view_refresh(view, flags[i], none, &arena, &changes), ERR_BUSY);
        view_close(view);
        arena_done(&arena);
        state_done(&scene.state);
    }
}

static void test_sharing(void **context)
{
    struct scene scene;
    struct view *first;
    struct view *second;
    struct row row;

    (void)context;
    scene_init(&scene);
    append(&scene, 10000);
    first = view_open(scene.mailbox);
    second = view_open(scene.mailbox);
    assert_int_equal(view_first_unseen(first).value, 1);
    set_flags(&scene, (struct uid_range){ 5000, 5000 });
    view_row(first, (struct seqno){ 5000 }, &row);
    assert_int_equal(row.flags, 0);
    assert_true(view_is_stale(first));
    view_close(first);
    view_close(second);
    view_close(NULL);
    state_done(&scene.state);
}

static void test_silent_and_gone(void **context)
{
    struct arena arena = arena_make(1 << 16);
    struct view_changes changes;
    struct scene scene;
    struct view *view;
    struct row row;

    (void)context;
    scene_init(&scene);
    append(&scene, 10);
    view = view_open(scene.mailbox);
    set_flags(&scene, (struct uid_range){ 3, 4 });
    assert_int_equal(view_refresh(view, 0, scene.state.change, &arena, &changes), ERR_OK);
    assert_int_equal(changes.changed_count, 0);
    view_row(view, (struct seqno){ 3 }, &row);
    assert_int_equal(row.flags, FLAG_SEEN);
    expunge(&scene, (struct uid_range){ 3, 3 });
    assert_true(view_row_is_gone(view, (struct uid){ 3 }));
    assert_false(view_row_is_gone(view, (struct uid){ 4 }));
    assert_int_equal(view_seqno_from(view, (struct uid){ 3 }).value, 3);
    assert_int_equal(view_refresh(view, VIEW_KEEP_EXPUNGED, (struct modseq){ 0 }, &arena, &changes),
                     ERR_OK);
    assert_int_equal(changes.exists_now, 10);
    assert_true(view_is_stale(view));
    assert_int_equal(state_views_floor(&scene.state), 2);
    assert_int_equal(view_refresh(view, 0, (struct modseq){ 0 }, &arena, &changes), ERR_OK);
    assert_int_equal(changes.expunged_count, 1);
    assert_int_equal(changes.expunged[0].value, 3);
    assert_int_equal(view_seqno_from(view, (struct uid){ 3 }).value, 3);
    assert_int_equal(view_seqno(view, (struct uid){ 3 }).value, 0);
    assert_int_equal(view_seqno_from(view, (struct uid){ 99 }).value, 10);
    assert_int_equal(state_views_floor(&scene.state), 3);
    view_close(view);
    arena_done(&arena);
    state_done(&scene.state);
}

static void test_over_budget_moves_nothing(void **context)
{
    struct arena arena = arena_make(64);
    struct view_changes changes = { .exists_now = 7 };
    struct scene scene;
    struct view *view;

    (void)context;
    scene_init(&scene);
    append(&scene, 100);
    view = view_open(scene.mailbox);
    expunge(&scene, (struct uid_range){ 1, 50 });
    assert_int_equal(view_refresh(view, 0, (struct modseq){ 0 }, &arena, &changes), ERR_LIMIT);
    assert_int_equal(changes.exists_now, 7);
    assert_int_equal(view_count(view), 100);
    view_close(view);
    arena_done(&arena);
    state_done(&scene.state);
}

static void test_a_deleted_mailbox_stays_readable(void **context)
{
    struct scene scene;
    struct view *view;
    struct row row;

    (void)context;
    scene_init(&scene);
    append(&scene, 3);
    view = view_open(scene.mailbox);
    state_remove(&scene.state, scene.mailbox);
    assert_true(mailbox_is_deleted(view_mailbox(view)));
    view_row(view, (struct seqno){ 3 }, &row);
    assert_int_equal(row.uid.value, 3);
    assert_false(view_row_is_gone(view, (struct uid){ 3 }));
    view_close(view);
    state_done(&scene.state);
}

static void expunge_one(struct scene *scene, uint32_t uid)
{
    expunge(scene, (struct uid_range){ uid, uid });
}

/* Rows that are gone from a block, from its ends, with the whole block; ranges that begin and end
 * beside them. */
static void test_any_is_gone(void **context)
{
    static const uint32_t gone[] = { 1, 2 * BLOCK_ROWS, 2 * BLOCK_ROWS + 7, 3 * BLOCK_ROWS + 9 };
    struct scene scene;
    struct view *view;

    (void)context;
    scene_init(&scene);
    append(&scene, 4 * BLOCK_ROWS);
    view = view_open(scene.mailbox);
    assert_false(view_any_is_gone(view, (struct uid_range){ 1, UINT32_MAX }));
    for (size_t i = 0; i < ARRAY_COUNT(gone); i++)
        expunge_one(&scene, gone[i]);
    for (size_t i = 0; i < ARRAY_COUNT(gone); i++) {
        uint32_t before = i == 0 ? 0 : gone[i - 1];

        assert_true(view_any_is_gone(view, (struct uid_range){ gone[i], gone[i] }));
        assert_true(view_any_is_gone(view, (struct uid_range){ before + 1, UINT32_MAX }));
        if (gone[i] > before + 1)
            assert_false(view_any_is_gone(view, (struct uid_range){ before + 1, gone[i] - 1 }));
    }
    assert_false(view_any_is_gone(view, (struct uid_range){ 3 * BLOCK_ROWS + 10, UINT32_MAX }));
    expunge(&scene, (struct uid_range){ 3 * BLOCK_ROWS + 1, 4 * BLOCK_ROWS });
    assert_true(view_any_is_gone(view, (struct uid_range){ 4 * BLOCK_ROWS, UINT32_MAX }));
    view_close(view);
    state_done(&scene.state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_stay_right),
        cmocka_unit_test(test_ghosts_before_what_came),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_any_is_gone),
        cmocka_unit_test(test_silent_and_gone),
        cmocka_unit_test(test_over_budget_moves_nothing),
        cmocka_unit_test(test_a_deleted_mailbox_stays_readable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
