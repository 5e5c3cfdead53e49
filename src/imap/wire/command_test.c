/* Tags, names, UID, ends of commands. */
#include "imap/wire/command.h"

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

#define TAG_64 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg"
#define NAME_32 "abcdefghijklmnopqrstuvwxyzabcdef"

static const struct {
    const char *text;
    bool good;
    const char *tag;
    const char *name;
    bool uid;
    size_t at; /* behind the name, or the complaint's */
} rows[] = {
    { "a1 NOOP", true, "a1", "NOOP", false, 7 },
    { "a1 uid Fetch 1 FLAGS", true, "a1", "Fetch", true, 12 },
    { "]-.1 x", true, "]-.1", "x", false, 6 },
    { TAG_64 " x", true, TAG_64, "x", false, 66 },
    { TAG_64 "h x", false, "", NULL, false, 0 },
    { "a " NAME_32, true, "a", NAME_32, false, 34 },
    { "a " NAME_32 "g", false, "a", NULL, false, 2 },
    { "", false, "", NULL, false, 0 },
    { "+ x", false, "", NULL, false, 0 },
    { "a", false, "a", NULL, false, 1 },
    { "a  NOOP", false, "a", NULL, false, 2 },
    { "a UID", false, "a", NULL, false, 5 },
    { "a UID ", false, "a", NULL, false, 6 },
    { "a (", false, "a", NULL, false, 2 },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct imap_command command = { .uid = false };
        struct parse parse;
        bool good;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        good = imap_command_parse(&parse.cur, &command);
        assert_int_equal(good, rows[i].good);
        ASSERT_BYTES(command.tag, bytes_from_string(rows[i].tag));
        if (good) {
            ASSERT_BYTES(command.name, bytes_from_string(rows[i].name));
            assert_int_equal(command.uid, rows[i].uid);
        }
        assert_int_equal(good ? parse.cur.offset : parse.cur.failed_at, rows[i].at);
        parse_done(&parse);
    }
}

static void test_no_args(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *text;
        bool good;
    } ends[] = { { "", true }, { "  ", true }, { " x", false }, { "x", false }, { "\r", false } };

    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        struct cursor cur = cursor_make(bytes_from_string(ends[i].text));
        const void *args = "x";

        assert_int_equal(imap_no_args_parse(&cur, NULL, NULL, &args), ends[i].good);
        assert_int_equal(args == NULL, ends[i].good);
    }
}

static void test_done(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *text;
        bool good;
    } lines[] = { { "DONE", true },
                  { "done ", true },
                  { "DONE x", false },
                  { "DON", false },
                  { "DONER", false } };

    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        struct cursor cur = cursor_make(bytes_from_string(lines[i].text));

        assert_int_equal(imap_done_parse(&cur), lines[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_args),
        cmocka_unit_test(test_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
