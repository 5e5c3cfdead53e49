/* Cursors: what is taken, what is left alone, which complaint survives. */
#include "base/cursor.h"

#include "base/ascii.h"
#include "kit/assert_bytes.h"

static void test_peeking(void **state)
{
    struct cursor cur = cursor_make(BYTES("a\xff"));

    (void)state;
    assert_int_equal(cursor_peek(&cur), 'a');
    assert_int_equal(cursor_peek_at(&cur, 1), 0xff);
    assert_int_equal(cursor_peek_at(&cur, 2), CURSOR_END);
    assert_int_equal(cursor_peek_at(&cur, SIZE_MAX), CURSOR_END);
    assert_false(cursor_skip(&cur, 0xff));
    assert_true(cursor_skip(&cur, 'a'));
    assert_true(cursor_skip(&cur, 0xff));
    assert_true(cursor_at_end(&cur));
    assert_int_equal(cursor_peek(&cur), CURSOR_END);
    assert_false(cursor_skip(&cur, 0xff));
    assert_null(cur.expected);
}

static void test_words(void **state)
{
    struct cursor cur = cursor_make(BYTES("Fetch 1"));

    (void)state;
    assert_false(cursor_skip_word(&cur, BYTES("FETCHED 12")));
    assert_false(cursor_skip_word(&cur, BYTES("STORE")));
    assert_int_equal(cur.offset, 0);
    assert_true(cursor_skip_word(&cur, BYTES("FETCH")));
    assert_true(cursor_take(&cur, ' ', "a space"));
    ASSERT_BYTES(cursor_take_while(&cur, ascii_is_digit), BYTES("1"));
    ASSERT_BYTES(cursor_take_while(&cur, ascii_is_digit), BYTES(""));
    ASSERT_BYTES(cursor_rest(&cur), BYTES(""));
    assert_null(cur.expected);
}

static void test_the_furthest_complaint_stays(void **state)
{
    struct cursor cur = cursor_make(BYTES("abcdef"));

    (void)state;
    assert_false(cursor_fail_at(&cur, 0, "at the start"));
    assert_string_equal(cur.expected, "at the start");
    assert_false(cursor_fail_at(&cur, 4, "further on"));
    assert_false(cursor_fail_at(&cur, 2, "in between"));
    assert_string_equal(cur.expected, "further on");
    assert_int_equal(cur.failed_at, 4);
    assert_false(cursor_take(&cur, 'x', "an x"));
    assert_string_equal(cur.expected, "further on");
    assert_int_equal(cur.offset, 0);
}

/* What is too much is said, whatever a production that gives up says after it. */
static void test_exceeded(void **state)
{
    struct cursor cur = cursor_make(BYTES("abcdef"));

    (void)state;
    assert_false(cursor_fail_at(&cur, 4, "further on"));
    cur.offset = 1;
    assert_false(cursor_exceed(&cur, 7, "letters"));
    assert_string_equal(cur.expected, "letters");
    assert_int_equal(cur.failed_at, 1);
    assert_true(cur.is_exceeded);
    assert_int_equal(cur.exceeded_max, 7);
    assert_false(cursor_fail_at(&cur, 5, "at the end"));
    assert_false(cursor_exceed(&cur, 8, "words"));
    assert_string_equal(cur.expected, "letters");
    assert_int_equal(cur.exceeded_max, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peeking),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_the_furthest_complaint_stays),
        cmocka_unit_test(test_exceeded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
