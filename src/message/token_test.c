/* Lexical pieces. */
#include "message/token.h"

#include "kit/assert_bytes.h"

static void test_cfws(void **state)
{
    static const struct {
        struct bytes in;
        struct bytes rest;
    } cases[] = {
        { BYTES("x"), BYTES("x") },
        { BYTES(" \t\r\n x"), BYTES("x") },
        { BYTES("(a (b) \\) c) (d)x"), BYTES("x") },
        { BYTES("(open"), BYTES("") },
        { BYTES("(open\\"), BYTES("") },
        { BYTES("((((((((()x"), BYTES("") },
        { BYTES(")x"), BYTES(")x") },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct cursor cur = cursor_make(cases[i].in);
        token_skip_cfws(&cur);
        ASSERT_BYTES(cursor_rest(&cur), cases[i].rest);
    }
}

static void test_texts(void **state)
{
    struct arena arena = arena_make(1000);
    struct token_text text = token_text_make(&arena, 100);
    struct cursor cur = cursor_make(BYTES("\"a \\\"b\\\\\r\n c\"x"));

    (void)state;
    token_take_quoted(&cur, &text);
    ASSERT_BYTES(token_text_bytes(&text), BYTES("a \"b\\ c"));
    ASSERT_BYTES(cursor_rest(&cur), BYTES("x"));
    text.len = 0;
    cur = cursor_make(BYTES("(a (b) \\(c)x"));
    token_take_comment(&cur, &text);
    ASSERT_BYTES(token_text_bytes(&text), BYTES("a (b) (c"));
    ASSERT_BYTES(cursor_rest(&cur), BYTES("x"));
    text.len = 0;
    cur = cursor_make(BYTES("\"never closed"));
    token_take_quoted(&cur, &text);
    ASSERT_BYTES(token_text_bytes(&text), BYTES("never closed"));
    arena_done(&arena);
}

static void test_text_bounds(void **state)
{
    struct arena arena = arena_make(64);
    struct token_text text = token_text_make(&arena, 3);

    (void)state;
    token_text_add(&text, BYTES("ab"));
    token_text_add(&text, BYTES("cd"));
    token_text_add_byte(&text, 'e');
    ASSERT_BYTES(token_text_bytes(&text), BYTES("abc"));
    struct token_text none = token_text_make(&arena, 1000);
    token_text_add(&none, BYTES("ab"));
    assert_int_equal(none.len, 0);
    arena_done(&arena);
}

static void test_first(void **state)
{
    (void)state;
    ASSERT_BYTES(token_first(BYTES(" (c) word; x")), BYTES("word"));
    ASSERT_BYTES(token_first(BYTES("\"quoted\"")), BYTES("quoted"));
    assert_int_equal(token_first(BYTES(" ;")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cfws),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_text_bounds),
        cmocka_unit_test(test_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
