/* Blocks: growth, sharing, copy on write. */
#include "store/block.h"

#include "kit/assert_bytes.h"
#include "kit/row_flags.h"

static struct row make_row(uint32_t uid)
{
    return (struct row){
        .uid = { uid },
        .flags = (uint16_t)(uid & FLAGS_ALL),
        .modseq = { uid * 3 },
        .internal_date = { .seconds = -(int64_t)uid, .zone = -90 },
        .save_date = uid + 5,
        .size = (uint64_t)uid << 32,
        .body = { uid + UINT64_C(1) },
        .thread = { uid + UINT64_C(2) },
    };
}

static void assert_row(const struct block *block, uint32_t at, const struct row *expected)
{
    struct row row;

    block_row(block, at, &row);
    assert_int_equal(row.uid.value, expected->uid.value);
    assert_int_equal(row.flags, expected->flags);
    assert_memory_equal(&row.keywords, &expected->keywords, sizeof(row.keywords));
    assert_int_equal(row.modseq.value, expected->modseq.value);
    assert_int_equal(row.internal_date.seconds, expected->internal_date.seconds);
    assert_int_equal(row.internal_date.zone, expected->internal_date.zone);
    assert_int_equal(row.save_date, expected->save_date);
    assert_int_equal(row.size, expected->size);
    assert_int_equal(row.body.value, expected->body.value);
    assert_int_equal(row.thread.value, expected->thread.value);
}

static void test_append_to_the_limit(void **state)
{
    struct block *block = block_new();

    (void)state;
    for (uint32_t uid = 1; uid <= BLOCK_ROWS; uid++) {
        struct row row = make_row(uid);

        if (uid == 100)
            row.keywords.word[1] = 7;
        block_append(block, &row);
    }
    assert_int_equal(block->count, BLOCK_ROWS);
    for (uint32_t uid = 1; uid <= BLOCK_ROWS; uid++) {
        struct row row = make_row(uid);

        if (uid == 100)
            row.keywords.word[1] = 7;
        assert_row(block, uid - 1, &row);
    }
    assert_int_equal(block_find(block, block->count, 1), 0);
    assert_int_equal(block_find(block, block->count, 77), 76);
    assert_int_equal(block_find(block, block->count, BLOCK_ROWS + 1), BLOCK_ROWS);
    block_release(block);
    block_release(NULL);
}

static void test_append_behind_a_holder(void **state)
{
    struct block *mine = block_new();
    struct block *theirs;
    struct row row = make_row(1);

    (void)state;
    block_append(mine, &row);
    theirs = block_hold(mine);
    row = make_row(2);
    block_append(mine, &row);
    row = make_row(1);
    assert_row(theirs, 0, &row);
    for (uint32_t uid = 3; uid <= 65; uid++) {
        row = make_row(uid);
        block_append(mine, &row);
    }
    assert_ptr_equal(mine, theirs); /* to append is no change */
    row = make_row(64);
    assert_row(theirs, 63, &row);
    block_release(mine);
    block_release(theirs);
}

static void test_flags_copy_one_column(void **state)
{
    struct block *mine = block_new();
    struct block *theirs;
    struct row before = make_row(1);
    struct row after = make_row(1);

    (void)state;
    block_append(mine, &before);
    after.flags = FLAG_DELETED;
    after.modseq.value = 99;
    theirs = mine;
    row_flags_set(&mine, 0, &before);
    assert_ptr_equal(mine, theirs); /* nobody shares: in place */
    theirs = block_hold(mine);
    row_flags_set(&mine, 0, &after);
    assert_row(mine, 0, &after);
    assert_row(theirs, 0, &before);
    assert_true(block_shares(mine, theirs, COLUMN_UID));
    assert_true(block_shares(mine, theirs, COLUMN_BODY));
    assert_false(block_shares(mine, theirs, COLUMN_FLAGS));
    assert_true(block_shares(mine, theirs, COLUMN_KEYWORDS_LOW));
    after.keywords.word[0] = 2;
    row_flags_set(&mine, 0, &after);
    assert_row(mine, 0, &after);
    assert_row(theirs, 0, &before);
    block_release(theirs);
    assert_row(mine, 0, &after);
    block_release(mine);
}

/* The four ways in which a mask goes over a column: known to change nothing, all rows at once, few
 * rows, many. */
static void test_masks(void **state)
{
    static const uint32_t strides[] = { 1, 2, 500 };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(strides); i++) {
        struct block *block = block_new();
        uint16_t places[BLOCK_ROWS];
        uint32_t count = 0;
        struct row row;

        for (uint32_t uid = 1; uid <= BLOCK_ROWS; uid++) {
            row = make_row(uid);
            block_append(block, &row);
        }
        for (uint32_t at = 0; at < BLOCK_ROWS; at += strides[i])
            places[count++] = (uint16_t)at;
        assert_int_equal(block_count_without(block, COLUMN_FLAGS, FLAG_SEEN, places, count),
                         strides[i] == 1 ? BLOCK_ROWS / 2 : 0);
        block_mask(&block, COLUMN_FLAGS, (struct block_mask){ .keep = FLAG_SEEN, .set = 4 }, places,
                   count);
        block_mask(&block, COLUMN_MODSEQ, (struct block_mask){ .set = UINT64_C(1) << 50 }, places,
                   count);
        for (uint32_t at = 0; at < BLOCK_ROWS; at++) {
            row = make_row(at + 1);
            if (at % strides[i] == 0) {
                row.flags = (uint16_t)((row.flags & FLAG_SEEN) | 4);
                row.modseq.value = UINT64_C(1) << 50;
            }
            assert_row(block, at, &row);
        }
        block_mask(&block, COLUMN_FLAGS, (struct block_mask){ .set = 9 }, places, count);
        for (uint32_t at = 0; at < BLOCK_ROWS; at += strides[i])
            assert_int_equal(block_get(block, COLUMN_FLAGS, at), 9);
        block_release(block);
    }
}

static void test_append_rows(void **state)
{
    struct block *from = block_new();
    struct block *to = block_new();

    (void)state;
    for (uint32_t uid = 1; uid <= 40; uid++) {
        struct row row = make_row(uid);

        row.keywords.word[0] = uid & 1;
        block_append(from, &row);
    }
    block_append_rows(to, from, 3, 5);
    block_append_rows(to, from, 20, 20);
    assert_int_equal(to->count, 25);
    for (uint32_t i = 0; i < 25; i++) {
        struct row row = make_row(i < 5 ? i + 4 : i + 16);

        row.keywords.word[0] = row.uid.value & 1;
        assert_row(to, i, &row);
    }
    block_release(from);
    block_release(to);
}

static void test_stored_and_back(void **state)
{
    /* A value that no row can have, or not in that place. */
    static const struct {
        enum block_column column;
        uint32_t at;
        uint64_t value;
    } wrong[] = {
        { COLUMN_UID, 0, 0 },
        { COLUMN_UID, 7, 7 },
        { COLUMN_UID, 7, 9 },
        { COLUMN_UID, 99, UINT32_MAX },
        { COLUMN_UID, 99, UINT64_C(1) << 32 },
        { COLUMN_FLAGS, 50, FLAGS_ALL + 1 },
        { COLUMN_MODSEQ, 50, UINT64_C(1) << 63 },
        { COLUMN_INTERNAL_ZONE, 50, ZONE_MINUTES_MAX + 1 },
        { COLUMN_INTERNAL_ZONE, 50, (uint64_t)-ZONE_MINUTES_MAX - 1 },
    };

    (void)state;
    for (size_t i = 0; i <= ARRAY_COUNT(wrong); i++) {
        struct block *block = block_new();
        struct buf bytes = buf_make(1 << 16);
        struct block *again;
        struct reader reader;
        struct row row;

        for (uint32_t uid = 1; uid <= 100; uid++) {
            row = make_row(uid);
            row.size = uid;
            block_append(block, &row);
        }
        if (i < ARRAY_COUNT(wrong))
            column_set(&block->columns[wrong[i].column], 100, wrong[i].at, wrong[i].value);
        block_encode(&bytes, block, 100);
        reader = reader_make(buf_bytes(&bytes));
        again = block_decode(&reader, 100);
        assert_int_equal(again != NULL, i == ARRAY_COUNT(wrong));
        for (uint32_t at = 0; again != NULL && at < 100; at++) {
            block_row(block, at, &row);
            assert_row(again, at, &row);
        }
        buf_done(&bytes);
        block_release(block);
        block_release(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_to_the_limit),   cmocka_unit_test(test_append_behind_a_holder),
        cmocka_unit_test(test_flags_copy_one_column), cmocka_unit_test(test_masks),
        cmocka_unit_test(test_append_rows),           cmocka_unit_test(test_stored_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
