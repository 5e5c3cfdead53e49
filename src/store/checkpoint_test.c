/* Checkpoints: whole or not at all, and only what changed is written again. */
#include "store/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"
#include "kit/row_flags.h"
#include "store/checkpoint_format.h"
#include "store/state.h"

enum { ROWS = 3 * BLOCK_ROWS };

static const struct log_mark mark = { 1000, 4, "0123456789abcde", 6 };

static struct mailbox *fill(struct state *state)
{
    struct mailbox *mailbox = state_mailbox_new(state, (struct mailbox_id){ 1 }, BYTES("INBOX"));

    memcpy(state->id.raw, "account id 16 by", 16);
    state->change.value = 70;
    state->changed_at.us = INT64_C(1700000000123456);
    state->mailbox_next = 2;
    state->body_next = ROWS + 1;
    state->uidvalidity_last = 5;
    mailbox->uidvalidity = 5;
    mailbox->highest.value = 60;
    (void)keyword_table_add(&mailbox->keywords, BYTES("key"));
    vanished_add(&mailbox->vanished, (struct uid_range){ 100000, 100007 }, 50);
    vanished_add(&mailbox->vanished, (struct uid_range){ 90000, 90000 }, 55);
    state_add(state, mailbox);
    for (uint32_t uid = 1; uid <= ROWS; uid++) {
        struct row row = { .uid = { uid }, .modseq = { 60 }, .size = 10, .body = { uid } };

        row.flags = uid % 2 == 0 ? 0 : FLAG_SEEN;

        row.thread.value = uid;
        assert_true(body_table_add(&state->bodies, row.body, (struct place){ 4, uid }, 10));
        rows_append(&mailbox->rows, &row);
        state_count_row(mailbox, &row, 1);
    }
    mailbox->uidnext = 200000;
    thread_table_add(&state->threads, 77, (struct thread_id){ 3 });
    (void)state_subscribe(state, BYTES("INBOX"), true);
    return mailbox;
}

static void write_one(struct checkpoint *checkpoint, const struct state *state)
{
    checkpoint_begin(checkpoint, state, &mark);
    while (!checkpoint_step(checkpoint))
        continue;
    checkpoint_write(checkpoint);
    checkpoint_end(checkpoint);
    assert_int_equal(checkpoint_change(checkpoint).value, state->change.value);
}

static uint64_t rows_bytes(struct vfs *vfs)
{
    return mem_vfs_file(vfs, checkpoint_rows_path(1)).len;
}

/* Loads; true when there was one. */
static bool load(struct vfs *vfs, struct state *state)
{
    struct log_mark found = { 0 };
    struct checkpoint *checkpoint = checkpoint_load(vfs, state, &found);
    bool loaded = checkpoint_change(checkpoint).value != 0;

    assert_int_equal(found.position, loaded ? mark.position : 0);
    assert_int_equal(found.segment, loaded ? mark.segment : 0);
    assert_int_equal(found.base, loaded ? mark.base : 0);
    if (!loaded)
        assert_int_equal(state->mailbox_count, 0);
    checkpoint_free(checkpoint);
    return loaded;
}

static void assert_same(const struct state *a, const struct state *b)
{
    struct buf left = buf_make(1 << 24);
    struct buf right = buf_make(1 << 24);

    checkpoint_state_encode(&left, a, 0);
    checkpoint_state_encode(&right, b, 0);
    ASSERT_BYTES(buf_bytes(&left), buf_bytes(&right));
    assert_int_equal(a->used_bytes, b->used_bytes);
    for (size_t i = 0; i < a->mailbox_count; i++)
        for (uint32_t uid = 1; uid <= ROWS + 1; uid++) {
            struct row one = { 0 };
            struct row two = { 0 };

            assert_int_equal(rows_get(&a->by_id[i]->rows, uid, &one),
                             rows_get(&b->by_id[i]->rows, uid, &two));
            assert_memory_equal(&one, &two, sizeof(one));
        }
    buf_done(&left);
    buf_done(&right);
}

static void test_comes_back(void **context)
{
    struct vfs *vfs = mem_vfs_new(1);
    struct log_mark none = { 0 };
    struct state state;
    struct state again;
    struct checkpoint *checkpoint;

    (void)context;
    state_init(&state);
    state_init(&again);
    checkpoint = checkpoint_load(vfs, &state, &none);
    assert_int_equal(checkpoint_change(checkpoint).value, 0);
    (void)fill(&state);
    state_add_drop(&state, 8, (struct wall){ 55 });
    state_add_drop(&state, 13, (struct wall){ 55 });
    write_one(checkpoint, &state);
    checkpoint_free(checkpoint);
    assert_true(load(vfs, &again));
    assert_int_equal(again.drops.count, 2);
    assert_same(&state, &again);
    state_done(&state);
    state_done(&again);
    assert_int_equal(mem_vfs_open_files(vfs), 0);
    mem_vfs_free(vfs);
}

/* Flips a flag in the middle block, writes, and answers how much the rows file grew. */
static uint64_t growth_by_one_flag(struct vfs *vfs, struct checkpoint *checkpoint,
                                   struct state *state)
{
    struct rows *rows = &state->by_id[0]->rows;
    uint64_t before = rows_bytes(vfs);
    struct row row;

    assert_true(rows_get(rows, 5000, &row));
    row.flags ^= FLAG_SEEN;
    rows_flags_set(rows, 5000, &row);
    state->change.value++;
    write_one(checkpoint, state);
    return rows_bytes(vfs) - before;
}

static void test_only_what_changed_is_written(void **context)
{
    struct vfs *vfs = mem_vfs_new(1);
    struct log_mark none = { 0 };
    struct checkpoint *checkpoint;
    struct state state;
    struct state again;
    uint64_t whole;
    uint64_t grown;

    (void)context;
    state_init(&state);
    state_init(&again);
    checkpoint = checkpoint_load(vfs, &state, &none);
    (void)fill(&state);
    write_one(checkpoint, &state);
    whole = rows_bytes(vfs);
    state.change.value++;
    write_one(checkpoint, &state);
    assert_int_equal(rows_bytes(vfs), whole);
    grown = growth_by_one_flag(vfs, checkpoint, &state);
    assert_true(grown > 0 && grown < whole * 2 / 5);
    checkpoint_free(checkpoint);
    /* One that was loaded is built upon in the same way. */
    checkpoint = checkpoint_load(vfs, &again, &none);
    assert_same(&state, &again);
    grown = growth_by_one_flag(vfs, checkpoint, &again);
    assert_true(grown > 0 && grown < whole * 2 / 5);
    checkpoint_free(checkpoint);
    state_done(&again);
    assert_true(load(vfs, &again));
    assert_true(again.by_id[0]->rows.count == ROWS);
    state_done(&state);
    state_done(&again);
    mem_vfs_free(vfs);
}

static void test_steps_see_the_beginning(void **context)
{
    struct vfs *vfs = mem_vfs_new(1);
    struct log_mark none = { 0 };
    struct checkpoint *checkpoint;
    struct mailbox *mailbox;
    struct state state;
    struct state again;
    struct row row;

    (void)context;
    state_init(&state);
    state_init(&again);
    checkpoint = checkpoint_load(vfs, &state, &none);
    mailbox = fill(&state);
    checkpoint_begin(checkpoint, &state, &mark);
    assert_false(checkpoint_step(checkpoint));
    assert_true(rows_get(&mailbox->rows, ROWS, &row));
    row.flags = FLAG_DELETED;
    rows_flags_set(&mailbox->rows, ROWS, &row);
    row.uid.value++;
    rows_append(&mailbox->rows, &row);
    while (!checkpoint_step(checkpoint))
        continue;
    checkpoint_write(checkpoint);
    checkpoint_end(checkpoint);
    checkpoint_free(checkpoint);
    assert_true(load(vfs, &again));
    assert_int_equal(again.by_id[0]->rows.count, ROWS);
    assert_true(rows_get(&again.by_id[0]->rows, ROWS, &row));
    assert_int_equal(row.flags, 0);
    state_done(&state);
    state_done(&again);
    mem_vfs_free(vfs);
}

/* The rows that nothing counts on go with the job that replaced them: what is begun later finds its
 * file empty, and has nothing to free on the owner's thread. */
static void test_old_rows_are_emptied(void **context)
{
    struct vfs *vfs = mem_vfs_new(1);
    struct log_mark none = { 0 };
    struct checkpoint *checkpoint;
    struct state state;
    struct state again;

    (void)context;
    state_init(&state);
    state_init(&again);
    checkpoint = checkpoint_load(vfs, &state, &none);
    (void)fill(&state);
    write_one(checkpoint, &state);
    for (uint64_t generation = 1; generation < 4; generation++) {
        const char *old = checkpoint_rows_path(generation);
        uint64_t size = mem_vfs_file(vfs, old).len;

        assert_true(size > CHECKPOINT_ROWS_HEAD_BYTES);
        checkpoint_forget(checkpoint);
        write_one(checkpoint, &state);
        assert_int_equal(mem_vfs_file(vfs, old).len, 0);
        assert_int_equal(mem_vfs_file(vfs, checkpoint_rows_path(generation + 1)).len, size);
        write_one(checkpoint, &state); /* it builds on those rows */
        assert_int_equal(mem_vfs_file(vfs, checkpoint_rows_path(generation + 1)).len, size);
        assert_true(load(vfs, &again));
        state_done(&again);
    }
    checkpoint_free(checkpoint);
    state_done(&state);
    mem_vfs_free(vfs);
}

static void test_damage_is_seen(void **context)
{
    const char *const paths[] = { checkpoint_path, checkpoint_rows_path(1) };
    struct vfs *vfs = mem_vfs_new(1);
    struct log_mark none = { 0 };
    struct checkpoint *checkpoint;
    struct state state;
    struct state again;

    (void)context;
    state_init(&state);
    state_init(&again);
    checkpoint = checkpoint_load(vfs, &state, &none);
    (void)fill(&state);
    write_one(checkpoint, &state);
    checkpoint_free(checkpoint);
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        uint64_t size = mem_vfs_file(vfs, paths[i]).len;
        uint64_t step = size / 60 + 1;

        for (uint64_t at = 0; at < size; at += step) {
            mem_vfs_damage(vfs, paths[i], at, 0x20);
            assert_false(load(vfs, &again));
            mem_vfs_damage(vfs, paths[i], at, 0x20);
        }
        assert_true(load(vfs, &again));
        state_done(&again);
    }
    mem_vfs_remove(vfs, paths[1]);
    assert_false(load(vfs, &again));
    state_done(&state);
    mem_vfs_free(vfs);
}

/* What the checksums cannot see: parts that do not belong together. */
static void spoil(struct state *state, unsigned how)
{
    const uint64_t bodies[] = { 5 };
    const uint16_t places[] = { 3 };
    struct mailbox *mailbox = state->by_id[0];

    switch (how) {
    case 0: body_table_unreference(&state->bodies, bodies, 1, 70); break;
    case 1: mailbox->uidnext = ROWS; break;
    case 2:
        block_mask(&mailbox->rows.blocks[0], COLUMN_KEYWORDS_LOW, (struct block_mask){ .set = 2 },
                   places, 1);
        break;
    default:
        block_mask(&mailbox->rows.blocks[0], COLUMN_KEYWORDS_HIGH, (struct block_mask){ .set = 1 },
                   places, 1);
        break;
    }
}

static void test_parts_that_do_not_fit(void **context)
{
    (void)context;
    for (unsigned how = 0; how < 4; how++) {
        struct vfs *vfs = mem_vfs_new(1);
        struct log_mark none = { 0 };
        struct checkpoint *checkpoint;
        struct state state;
        struct state again;

        state_init(&state);
        state_init(&again);
        checkpoint = checkpoint_load(vfs, &state, &none);
        (void)fill(&state);
        spoil(&state, how);
        write_one(checkpoint, &state);
        checkpoint_free(checkpoint);
        assert_false(load(vfs, &again));
        state_done(&state);
        mem_vfs_free(vfs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_only_what_changed_is_written),
        cmocka_unit_test(test_steps_see_the_beginning),
        cmocka_unit_test(test_old_rows_are_emptied),
        cmocka_unit_test(test_damage_is_seen),
        cmocka_unit_test(test_parts_that_do_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
