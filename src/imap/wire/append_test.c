/* APPEND and MULTIAPPEND, message by message. */
#include "imap/wire/append.h"

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static void dump(struct buf *out, const struct imap_append_message *message)
{
    imap_flag_list_print(out, &message->flags);
    if (message->has_date)
        imap_date_time_print(out, &message->date);
    buf_add_format(out, " %llu%s%s%s", (unsigned long long)message->bytes,
                   message->synchronising ? " sync" : "", message->literal8 ? " literal8" : "",
                   message->utf8 ? " utf8" : "");
}

static const struct {
    const char *text;
    const char *dumped; /* NULL: refused */
} rows[] = {
    { " INBOX {310}\r\n", "() 310 sync" },
    { " a {0}\r\n", "() 0 sync" },
    { " a (\\Seen x) {310+}\r\n", "(\\Seen x) 310" },
    { " a \"17-Jul-1996 02:44:25 -0700\" ~{4}\r\n", "()\"17-Jul-1996 02:44:25 -0700\" 4 sync "
                                                    "literal8" },
    { " a () \"17-Jul-1996 02:44:25 -0700\" {4}\r\n", "()\"17-Jul-1996 02:44:25 -0700\" 4 sync" },
    { " {1}\r\na {4}\r\n", "() 4 sync" },
    { " a UTF8 (~{4+}\r\n", "() 4 literal8 utf8" },
    { " a (x) UTF8 (~{4}\r\n", "(x) 4 sync literal8 utf8" },
    { " a {9223372036854775807}\r\n", "() 9223372036854775807 sync" },
    { " a UTF8 ({4}\r\n", NULL },
    { " a {4}", NULL },
    { " a {4}\r\nabcd", NULL },
    { " a {x}\r\n", NULL },
    { " a \"text\"", NULL },
    { " a", NULL },
    { " a ", NULL },
    { " a (\\Seen {4}\r\n", NULL },
    { " a (\\Seen){4}\r\n", NULL },
    { " a \"17-Jul-1996\" {4}\r\n", NULL },
    { " a \"17-Jul-1996 02:44:25 -0700\" (x) {4}\r\n", NULL },
    { " {1}\r\n", NULL },
    { "", NULL },
};

static void test_first(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = buf_make(1000);
        struct imap_append_args args;
        struct parse parse;
        bool good;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        good = imap_append_parse(&parse.cur, &parse.grammar, &parse.arena, &args);
        if (good != (rows[i].dumped != NULL))
            fail_msg("%s", rows[i].text);
        if (good) {
            dump(&out, &args.message);
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(rows[i].dumped));
        } else {
            assert_non_null(parse.cur.expected);
        }
        buf_done(&out);
        parse_done(&parse);
    }
}

static const struct {
    const char *text;
    bool after_utf8;
    const char *dumped; /* "end"; NULL: refused */
} nexts[] = {
    { "", false, "end" },
    { ")", true, "end" },
    { " {5}\r\n", false, "() 5 sync" },
    { " (x) \"17-Jul-1996 02:44:25 -0700\" ~{5+}\r\n", false,
      "(x)\"17-Jul-1996 02:44:25 -0700\" 5 literal8" },
    { ") UTF8 (~{5}\r\n", true, "() 5 sync literal8 utf8" },
    { ") {5}\r\n", true, "() 5 sync" },
    { "", true, NULL },
    { ")", false, NULL },
    { "x", false, NULL },
    { " ", false, NULL },
    { " INBOX {5}\r\n", false, NULL },
};

static void test_next(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(nexts); i++) {
        struct imap_append_message message = { .utf8 = nexts[i].after_utf8, .bytes = 99 };
        struct buf out = buf_make(1000);
        struct parse parse;
        bool ended = false;
        bool good;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(nexts[i].text));
        good = imap_append_next_parse(&parse.cur, &parse.grammar, &parse.arena, &message, &ended);
        if (good != (nexts[i].dumped != NULL))
            fail_msg("%s", nexts[i].text);
        if (good && !ended)
            dump(&out, &message);
        if (good && ended)
            buf_add_string(&out, "end");
        if (good)
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(nexts[i].dumped));
        assert_true((good && !ended) || message.bytes == 99);
        buf_done(&out);
        parse_done(&parse);
    }
}

static void test_mailbox_as_literal(void **state MAYBE_UNUSED)
{
    struct cursor mailbox = cursor_make(BYTES(" {5}\r\n"));
    struct cursor message = cursor_make(BYTES(" INBOX {5}\r\n"));
    struct cursor both = cursor_make(BYTES(" {5}\r\nINBOX {5}\r\n"));

    assert_true(imap_append_names_mailbox(&mailbox));
    assert_false(imap_append_names_mailbox(&message));
    assert_false(imap_append_names_mailbox(&both));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_mailbox_as_literal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
