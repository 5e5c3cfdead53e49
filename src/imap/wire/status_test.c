/* STATUS and its answer. */
#include "imap/wire/status.h"

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static const struct {
    const char *text;
    uint32_t atts; /* 0: refused */
} rows[] = {
    { " a (MESSAGES)", IMAP_STATUS_MESSAGES },
    { " a (uidnext Unseen UIDNEXT)", IMAP_STATUS_UIDNEXT | IMAP_STATUS_UNSEEN },
    { " a (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ MAILBOXID "
      "APPENDLIMIT)",
      0x3ff },
    { " a ()", 0 },
    { " a (FOO)", 0 },
    { " a (MESSAGES", 0 },
    { " a MESSAGES", 0 },
    { " a (MESSAGES) x", 0 },
    { " a", 0 },
    { "", 0 },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct imap_status_args *args;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        args = parse_args(&parse, imap_status_parse);
        if ((args == NULL) != (rows[i].atts == 0))
            fail_msg("%s", rows[i].text);
        assert_true(args == NULL || args->atts == rows[i].atts);
        parse_done(&parse);
    }
}

static void test_response(void **state MAYBE_UNUSED)
{
    struct imap_grammar grammar = imap_grammar_make();
    struct imap_status_values values = {
        .messages = 1,
        .recent = 2,
        .uidnext = 3,
        .uidvalidity = 4,
        .unseen = 5,
        .deleted = 6,
        .size_bytes = 7000000000,
        .highestmodseq = 8,
        .mailboxid = BYTES("F1-x"),
        .appendlimit_bytes = 9,
    };
    struct buf out = buf_make(1000);

    imap_status_response_print(&out, &grammar, BYTES("a b"), 0x3ff, &values);
    ASSERT_BYTES(buf_bytes(&out),
                 BYTES("* STATUS \"a b\" (MESSAGES 1 RECENT 2 UIDNEXT 3 UIDVALIDITY 4 UNSEEN 5 "
                       "DELETED 6 SIZE 7000000000 HIGHESTMODSEQ 8 MAILBOXID (F1-x) "
                       "APPENDLIMIT 9)\r\n"));
    buf_clear(&out);
    imap_status_response_print(&out, &grammar, BYTES("a"), IMAP_STATUS_UNSEEN, &values);
    ASSERT_BYTES(buf_bytes(&out), BYTES("* STATUS a (UNSEEN 5)\r\n"));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_response),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
