/* Arenas: alignment, zeroing, budgets. */
#include "base/arena.h"

#include <string.h>

#include "kit/assert_bytes.h"

static void check_pieces(const size_t *lengths, uint8_t **pieces, size_t count)
{
    struct arena arena = arena_make(1 << 20);

    for (size_t i = 0; i < count; i++) {
        pieces[i] = arena_alloc(&arena, lengths[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < lengths[i]; k++)
            assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], (int)i + 1, lengths[i]);
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < lengths[i]; k++)
            assert_int_equal(pieces[i][k], i + 1);
    arena_done(&arena);
}

static void test_pieces_are_aligned_zeroed_and_apart(void **state)
{
    static const size_t lengths[] = { 1, 7, 16, 17, 500, 600, 70000, 0, 65536, 65537, 3, 70000 };
    uint8_t *pieces[ARRAY_COUNT(lengths)];

    (void)state;
    for (int round = 0; round < 2; round++) /* the second one in memory that was written to */
        check_pieces(lengths, pieces, ARRAY_COUNT(lengths));
}

static void test_budget_holds_to_the_byte(void **state)
{
    struct arena arena = arena_make(64);

    (void)state;
    assert_non_null(arena_alloc(&arena, 48));
    assert_null(arena_alloc(&arena, 17));
    assert_non_null(arena_alloc(&arena, 16));
    assert_null(arena_alloc(&arena, 1));
    assert_non_null(arena_alloc(&arena, 0));
    arena_done(&arena);
    assert_non_null(arena_alloc(&arena, 64));
    arena_done(&arena);
    arena = arena_make(72); /* what alignment adds is paid for too */
    assert_null(arena_alloc(&arena, 65));
    assert_non_null(arena_alloc(&arena, 64));
    arena_done(&arena);
}

static void test_overflowing_sizes_are_over_budget(void **state)
{
    struct arena arena = arena_make(1024);

    (void)state;
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 3));
    assert_null(arena_alloc_array(&arena, SIZE_MAX / 2, 4));
    assert_null(arena_copy(&arena, bytes_make("x", SIZE_MAX)).at);
    assert_non_null(ARENA_NEW_ARRAY(&arena, uint64_t, 128));
    arena_done(&arena);
}

static void test_copy_is_followed_by_nul(void **state)
{
    struct arena arena = arena_make(1024);
    struct bytes copy = arena_copy(&arena, BYTES("a\0b"));

    (void)state;
    ASSERT_BYTES(copy, BYTES("a\0b"));
    assert_int_equal(copy.at[copy.len], 0);
    copy = arena_copy(&arena, bytes_make(NULL, 0));
    assert_non_null(copy.at);
    assert_int_equal(copy.len, 0);
    arena_done(&arena);
}

static void test_format(void **state)
{
    struct arena arena = arena_make(32);
    const char *text = arena_format(&arena, "%s-%d", "log", 7);

    (void)state;
    assert_string_equal(text, "log-7");
    assert_null(arena_format(&arena, "%40d", 1));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_aligned_zeroed_and_apart),
        cmocka_unit_test(test_budget_holds_to_the_byte),
        cmocka_unit_test(test_overflowing_sizes_are_over_budget),
        cmocka_unit_test(test_copy_is_followed_by_nul),
        cmocka_unit_test(test_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
