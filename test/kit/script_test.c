/* Dialogue files: lines, escapes, <any>. */
#include "kit/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kit/assert_bytes.h"

static bool load(struct script *script, struct arena *arena, const char *text)
{
    char path[] = "/tmp/script-XXXXXX";
    int fd = mkstemp(path);
    struct bytes bytes = bytes_from_string(text);
    bool good;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.at, bytes.len), bytes.len);
    assert_int_equal(close(fd), 0);
    good = script_load(script, path, arena);
    assert_int_equal(unlink(path), 0);
    return good;
}

static void test_lines(void **state MAYBE_UNUSED)
{
    struct arena arena = arena_make(1 << 20);
    struct script script;

    assert_true(load(&script, &arena, "# x\n\nC: a  b\nS2:\nT:5"));
    assert_int_equal(script.count, 3);
    assert_int_equal(script.steps[0].letter, 'C');
    assert_int_equal(script.steps[0].client, 1);
    assert_int_equal(script.steps[0].line, 3);
    ASSERT_BYTES(script.steps[0].text, BYTES("a  b"));
    assert_int_equal(script.steps[1].client, 2);
    ASSERT_BYTES(script.steps[1].text, BYTES(""));
    ASSERT_BYTES(script.steps[2].text, BYTES("5"));
    assert_false(load(&script, &arena, "C a\n"));
    assert_false(load(&script, &arena, "C0: a\n"));
    assert_false(load(&script, &arena, "C12: a\n"));
    assert_false(script_load(&script, "/nonexistent/script", &arena));
    arena_done(&arena);
}

static void test_escapes(void **state MAYBE_UNUSED)
{
    struct arena arena = arena_make(1000);

    ASSERT_BYTES(script_unescape(BYTES("a\\r\\n\\0\\\\\\x4a"), &arena), BYTES("a\r\n\0\\J"));
    assert_null(script_unescape(BYTES("\\q"), &arena).at);
    assert_null(script_unescape(BYTES("\\x4"), &arena).at);
    assert_null(script_unescape(BYTES("a\\"), &arena).at);
    arena_done(&arena);
}

static void test_any(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *wanted;
        const char *line;
        bool matches;
    } rows[] = {
        { "abc", "abc", true },
        { "abc", "abcd", false },
        { "<any>", "", true },
        { "a<any>", "abc", true },
        { "a<any>", "b", false },
        { "<any>c", "abc", true },
        { "<any>c", "abcd", false },
        { "a<any>c<any>e", "abcde", true },
        { "a<any>c<any>e", "ace", true },
        { "a<any>c<any>e", "abde", false },
        { "a<any>b<any>b", "ab", false },
        { "<any><any>x", "x", true },
        { "ab<any>b", "ab", false },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (script_line_matches(bytes_from_string(rows[i].wanted),
                                bytes_from_string(rows[i].line)) != rows[i].matches)
            fail_msg("\"%s\" and \"%s\"", rows[i].wanted, rows[i].line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
