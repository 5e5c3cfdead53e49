/* Borrowed bytes: comparing, finding, cutting. */
#include "base/bytes.h"

#include "kit/assert_bytes.h"

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void test_compare(void **state)
{
    static const struct {
        struct bytes a;
        struct bytes b;
        int order;
        int order_nocase;
    } cases[] = {
        { { NULL, 0 }, { NULL, 0 }, 0, 0 },
        { { NULL, 0 }, { (const uint8_t *)"a", 1 }, -1, -1 },
        { { (const uint8_t *)"a", 1 }, { (const uint8_t *)"B", 1 }, 1, -1 },
        { { (const uint8_t *)"inbox", 5 }, { (const uint8_t *)"INBOX", 5 }, 1, 0 },
        { { (const uint8_t *)"ab", 2 }, { (const uint8_t *)"abc", 3 }, -1, -1 },
        { { (const uint8_t *)"\xff", 1 }, { (const uint8_t *)"\x01", 1 }, 1, 1 },
        { { (const uint8_t *)"a\0b", 3 }, { (const uint8_t *)"a\0c", 3 }, -1, -1 },
        { { (const uint8_t *)"[", 1 }, { (const uint8_t *)"{", 1 }, -1, -1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bytes a = cases[i].a;
        struct bytes b = cases[i].b;

        assert_int_equal(sign(bytes_compare(a, b)), cases[i].order);
        assert_int_equal(sign(bytes_compare(b, a)), -cases[i].order);
        assert_int_equal(sign(bytes_compare_nocase(a, b)), cases[i].order_nocase);
        assert_int_equal(bytes_equal(a, b), cases[i].order == 0);
        assert_int_equal(bytes_equal_constant_time(a, b), cases[i].order == 0);
        assert_int_equal(bytes_equal_nocase(a, b), cases[i].order_nocase == 0);
    }
}

static void test_starts_and_ends(void **state)
{
    struct bytes text = BYTES("Received: x");
    struct bytes nothing = bytes_make(NULL, 0);

    (void)state;
    assert_true(bytes_starts_with(text, BYTES("Rec")));
    assert_false(bytes_starts_with(text, BYTES("rec")));
    assert_true(bytes_starts_with_nocase(text, BYTES("rEC")));
    assert_true(bytes_starts_with(text, nothing));
    assert_true(bytes_starts_with(nothing, nothing));
    assert_false(bytes_starts_with(nothing, BYTES("R")));
    assert_false(bytes_starts_with_nocase(BYTES("Re"), BYTES("Rec")));
    assert_true(bytes_ends_with(text, BYTES(": x")));
    assert_false(bytes_ends_with(text, BYTES("y")));
    assert_false(bytes_ends_with(BYTES("x"), text));
    assert_true(bytes_ends_with(nothing, nothing));
}

static void test_cutting(void **state)
{
    struct bytes text = BYTES("abcdef");

    (void)state;
    ASSERT_BYTES(bytes_slice(text, 1, 2), BYTES("bc"));
    ASSERT_BYTES(bytes_slice(text, 4, 99), BYTES("ef"));
    ASSERT_BYTES(bytes_slice(text, 4, SIZE_MAX), BYTES("ef"));
    ASSERT_BYTES(bytes_slice(text, 6, 1), BYTES(""));
    ASSERT_BYTES(bytes_slice(text, SIZE_MAX, 1), BYTES(""));
    ASSERT_BYTES(bytes_from(text, 5), BYTES("f"));
    ASSERT_BYTES(bytes_from(text, 7), BYTES(""));
    ASSERT_BYTES(bytes_from(bytes_make(NULL, 0), 3), BYTES(""));
    ASSERT_BYTES(bytes_trim(BYTES(" \t\r\na b\r\n ")), BYTES("a b"));
    ASSERT_BYTES(bytes_trim(BYTES("\r\n")), BYTES(""));
    ASSERT_BYTES(bytes_trim(bytes_make(NULL, 0)), BYTES(""));
    ASSERT_BYTES(bytes_from_string("x"), BYTES("x"));
    assert_null(bytes_from_string(NULL).at);
}

static void test_finding(void **state)
{
    struct bytes text = BYTES("one\r\n\r\ntwo");

    (void)state;
    assert_int_equal(bytes_find_byte(text, 0, '\r'), 3);
    assert_int_equal(bytes_find_byte(text, 4, '\r'), 5);
    assert_int_equal(bytes_find_byte(text, 6, '\r'), text.len);
    assert_int_equal(bytes_find_byte(text, 99, 'o'), text.len);
    assert_int_equal(bytes_find_byte(bytes_make(NULL, 0), 0, 'o'), 0);
    assert_int_equal(bytes_find(text, 0, BYTES("\r\n\r\n")), 3);
    assert_int_equal(bytes_find(text, 4, BYTES("\r\n\r\n")), text.len);
    assert_int_equal(bytes_find(text, 0, BYTES("two")), 7);
    assert_int_equal(bytes_find(text, 2, BYTES("")), 2);
    assert_int_equal(bytes_find(text, text.len, BYTES("")), text.len);
    assert_int_equal(bytes_find(text, text.len + 1, BYTES("o")), text.len);
    assert_int_equal(bytes_find(bytes_make(NULL, 0), 0, BYTES("o")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_starts_and_ends),
        cmocka_unit_test(test_cutting),
        cmocka_unit_test(test_finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
