/* Snapshots: finding, comparing, ghosts. */
#include "store/snapshot.h"

#include "kit/assert_bytes.h"
#include "kit/row_flags.h"
#include "store/keyword.h"

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

/* In steps of `cost`; answers how many there were. */
static unsigned compare(struct snapshot_comparing comparing, struct arena *arena, uint32_t cost,
                        struct snapshot_difference *out_difference)
{
    unsigned steps = 0;
    enum err err;

    do {
        uint32_t left = cost;

        err = snapshot_compare(&comparing, arena, &left, out_difference);
        steps++;
    } while (err == ERR_BUSY);
    assert_int_equal(err, ERR_OK);
    return steps;
}

static struct snapshot *with_ghosts(const struct snapshot *before, const struct snapshot *after,
                                    uint32_t cost, unsigned *out_steps)
{
    struct snapshot_ghosts ghosts = { .before = before, .after = after };
    struct snapshot *made;

    *out_steps = 0;
    do {
        uint32_t left = cost;

        made = snapshot_with_ghosts(&ghosts, &left);
        ++*out_steps;
    } while (made == NULL);
    snapshot_ghosts_done(&ghosts);
    return made;
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
    (void)compare(snapshot_compare_begin(before, after, (struct snapshot_telling){ 0 }), &arena,
                  UINT32_MAX, &difference);
    assert_int_equal(difference.gone, 2);
    assert_int_equal(difference.changes.expunged[0].value, 2);
    assert_int_equal(difference.changes.expunged[1].value, 4); /* the fifth, after one has gone */
    assert_int_equal(difference.changes.expunged_uids[1].value, 10);
    assert_int_equal(difference.changes.changed_count, 1);
    assert_int_equal(difference.changes.changed[0].value, 4);
    assert_int_equal(difference.changes.exists_before, COUNT - 2);
    assert_int_equal(difference.changes.exists_now, COUNT - 1);
    (void)compare(snapshot_compare_begin(
                      before, after, (struct snapshot_telling){ .keep = true, .silent = { 9 } }),
                  &arena, 100, &difference);
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
    unsigned steps;

    (void)context;
    fill(&rows, COUNT);
    before = snapshot_new(&rows, (struct modseq){ 1 });
    remove_one(&rows, 2);
    remove_one(&rows, 2 * COUNT);
    after = snapshot_new(&rows, (struct modseq){ 2 });
    both = with_ghosts(before, after, UINT32_MAX, &steps);
    assert_int_equal(steps, 1);
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

static void change(struct rows *rows, uint32_t uid, uint64_t modseq)
{
    struct row row;

    if (!rows_get(rows, uid, &row))
        return;
    row.flags ^= FLAG_SEEN;
    row.modseq.value = modseq;
    keyword_set_add(&row.keywords, modseq % KEYWORDS_PER_MAILBOX_MAX);
    rows_flags_set(rows, uid, &row);
}

static void read_row(const struct snapshot *snapshot, uint32_t index, struct row *out_row)
{
    const struct snapshot_block *part = snapshot_at(snapshot, index);

    block_row(part->block, index - part->before, out_row);
}

/* Every row of `before` as it is now, or as it was when it went; then those that came. */
static void check_ghosts(const struct snapshot *both, const struct snapshot *before,
                         const struct snapshot *after)
{
    uint32_t now = 0;
    struct row wanted;
    struct row row;

    for (uint32_t i = 0; i < both->count; i++) {
        uint32_t uid = i < before->count ? 0 : UINT32_MAX;

        read_row(both, i, &row);
        if (uid == 0) {
            read_row(before, i, &wanted);
            uid = wanted.uid.value;
        }
        if (now < after->count) {
            struct row newer;

            read_row(after, now, &newer);
            if (newer.uid.value <= uid) {
                wanted = newer;
                now++;
            }
        }
        assert_int_equal(row.uid.value, wanted.uid.value);
        assert_int_equal(row.modseq.value, wanted.modseq.value);
        assert_int_equal(row.flags, wanted.flags);
        assert_true(keyword_set_equal(&row.keywords, &wanted.keywords));
    }
    assert_int_equal(now, after->count);
}

/* Steps of any size find the same, each does no more than it may. */
static void test_steps(void **context)
{
    static const uint32_t costs[] = { 1, 100, 5000, UINT32_MAX };
    struct snapshot_difference differences[2];
    struct arena arena = arena_make(1 << 24);
    struct snapshot *before;
    struct snapshot *after;
    struct rows rows = { 0 };

    (void)context;
    fill(&rows, COUNT);
    before = snapshot_new(&rows, (struct modseq){ 1 });
    for (uint32_t i = 1; i <= COUNT; i += 3)
        remove_one(&rows, 2 * i);
    for (uint32_t i = 1; i <= COUNT; i += 5)
        change(&rows, 2 * i, 9 + i % 2);
    for (uint32_t i = 1; i <= COUNT; i++) {
        struct row row = { .uid = { 2 * (COUNT + i) }, .modseq = { 12 } };

        rows_append(&rows, &row);
    }
    after = snapshot_new(&rows, (struct modseq){ 12 });
    for (size_t i = 0; i < ARRAY_COUNT(costs); i++)
        for (int keep = 0; keep < 2; keep++) {
            struct snapshot_telling telling = { keep != 0, { 10 } };
            struct view_changes *changes = &differences[0].changes;
            unsigned steps = compare(snapshot_compare_begin(before, after, telling), &arena,
                                     costs[i], &differences[0]);

            (void)compare(snapshot_compare_begin(before, after, telling), &arena, UINT32_MAX,
                          &differences[1]);
            assert_true(steps >= 2 * (COUNT / costs[i])); /* counted, then written down */
            assert_int_equal(changes->changed_count, differences[1].changes.changed_count);
            assert_true(changes->changed_count > COUNT / 20);
            assert_memory_equal(changes->changed, differences[1].changes.changed,
                                changes->changed_count * sizeof(*changes->changed));
            assert_int_equal(differences[0].gone, (COUNT + 2) / 3);
        }
    for (size_t i = 0; i < ARRAY_COUNT(costs); i++) {
        unsigned steps;
        struct snapshot *both = with_ghosts(before, after, costs[i], &steps);

        assert_true(steps >= (costs[i] == 1 ? 3 : 1)); /* a block at least */
        check_ghosts(both, before, after);
        snapshot_release(both);
    }
    rows_done(&rows);
    snapshot_release(before);
    snapshot_release(after);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_ghosts),
        cmocka_unit_test(test_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
