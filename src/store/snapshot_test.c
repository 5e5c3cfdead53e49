/* Snapshots: finding, comparing, ghosts. */
#include "store/snapshot.h"

#include "kit/assert_bytes.h"
#include "kit/row_flags.h"

enum { COUNT = 2 * BLOCK_ROWS + 10 };

static void fill(struct rows *rows, uint32_t count)
{
    for (uint32_t uid = 1; uid <= count; uid++) {
        struct row row = { .uid = { uid * 2 }, .modseq = { 1 } };

        rows_append(rows, &row);
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

static void remove_one(struct rows *rows, uint32_t uid)
{
    const struct uid_range range = { uid, uid };

    rows_remove(rows, (struct uid_set){ &range, 1 }, ignore_rows, NULL);
}

static void test_find(void **context)
{
    struct rows rows = { 0 };
    struct snapshot *snapshot;

    (void)context;
    fill(&rows, COUNT);
    snapshot = snapshot_new(&rows, (struct modseq){ 1 });
    assert_int_equal(snapshot->count, COUNT);
    assert_int_equal(snapshot->block_count, 3);
    assert_int_equal(snapshot_find(snapshot, 0), 0);
    assert_int_equal(snapshot_find(snapshot, 2), 0);
    assert_int_equal(snapshot_find(snapshot, 3), 1);
    assert_int_equal(snapshot_find(snapshot, 2 * BLOCK_ROWS + 1), BLOCK_ROWS);
    assert_int_equal(snapshot_find(snapshot, 2 * COUNT), COUNT - 1);
    assert_int_equal(snapshot_find(snapshot, 2 * COUNT + 1), COUNT);
    assert_int_equal(snapshot_at(snapshot, BLOCK_ROWS - 1)->before, 0);
    assert_int_equal(snapshot_at(snapshot, BLOCK_ROWS)->before, BLOCK_ROWS);
    rows_done(&rows);
    snapshot_release(snapshot);
    snapshot_release(NULL);
}

static void test_compare(void **context)
{
    struct arena arena = arena_make(1 << 16);
    struct snapshot_difference difference;
    struct snapshot *before;
    struct snapshot *after;
    struct rows rows = { 0 };
    struct row row;

    (void)context;
    fill(&rows, COUNT);
    before = snapshot_new(&rows, (struct modseq){ 1 });
    remove_one(&rows, 4);
    remove_one(&rows, 10);
    assert_true(rows_get(&rows, 12, &row));
    row.modseq.value = 9;
    rows_flags_set(&rows, 12, &row);
    row.uid.value = 2 * COUNT + 8;
    rows_append(&rows, &row);
    after = snapshot_new(&rows, (struct modseq){ 9 });
    assert_int_equal(
        snapshot_compare(before, after, (struct snapshot_telling){ 0 }, &arena, &difference),
        ERR_OK);
    assert_int_equal(difference.gone, 2);
    assert_int_equal(difference.changes.expunged[0].value, 2);
    assert_int_equal(difference.changes.expunged[1].value, 4); /* the fifth, after one has gone */
    assert_int_equal(difference.changes.expunged_uids[1].value, 10);
    assert_int_equal(difference.changes.changed_count, 1);
    assert_int_equal(difference.changes.changed[0].value, 4);
    assert_int_equal(difference.changes.exists_before, COUNT - 2);
    assert_int_equal(difference.changes.exists_now, COUNT - 1);
    assert_int_equal(snapshot_compare(before, after,
                                      (struct snapshot_telling){ .keep = true, .silent = { 9 } },
                                      &arena, &difference),
                     ERR_OK);
    assert_int_equal(difference.gone, 2);
    assert_int_equal(difference.changes.expunged_count, 0);
    assert_int_equal(difference.changes.changed_count, 0);
    assert_int_equal(difference.changes.exists_now, COUNT + 1);
    rows_done(&rows);
    snapshot_release(before);
    snapshot_release(after);
    arena_done(&arena);
}

static void test_ghosts(void **context)
{
    struct snapshot *before;
    struct snapshot *after;
    struct snapshot *both;
    struct rows rows = { 0 };

    (void)context;
    fill(&rows, COUNT);
    before = snapshot_new(&rows, (struct modseq){ 1 });
    remove_one(&rows, 2);
    remove_one(&rows, 2 * COUNT);
    after = snapshot_new(&rows, (struct modseq){ 2 });
    both = snapshot_with_ghosts(before, after);
    assert_int_equal(both->count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        const struct snapshot_block *part = snapshot_at(both, i);

        assert_int_equal(block_uid(part->block, i - part->before), 2 * (i + 1));
    }
    assert_ptr_equal(both->blocks[1].block, after->blocks[1].block);
    rows_done(&rows);
    snapshot_release(before);
    snapshot_release(after);
    snapshot_release(both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_ghosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
