/* THREAD: algorithms, what it shares with SEARCH, refusals. */
#include "imap/wire/thread.h"

#include <string.h>

#include "base/buf.h"
#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static void dump(struct buf *out, const struct imap_thread_args *args)
{
    const struct imap_search_key *key = args->search.program->children;
    unsigned keys = 0;

    for (; key != NULL; key = key->next)
        keys++;
    buf_add_format(out, "%s %.*s %u",
                   args->algorithm == IMAP_THREAD_REFERENCES ? "references" : "subject",
                   BYTES_ARG(args->search.charset), keys);
    if (args->search.has_return)
        buf_add_string(out, " return");
    if (args->search.has_modseq)
        buf_add_string(out, " modseq");
    if (args->search.has_seqnos)
        buf_add_string(out, " seqnos");
}

static const struct {
    const char *text;
    const char *dumped; /* NULL: refused */
} rows[] = {
    { " REFERENCES UTF-8 ALL", "references UTF-8 1" },
    { " ORDEREDSUBJECT US-ASCII TEXT \"gewp\"", "subject US-ASCII 1" },
    { " references \"utf-8\" 1:3 SEEN", "references utf-8 2 seqnos" },
    { " OrderedSubject {5}\r\nUTF-8 MODSEQ 7", "subject UTF-8 1 modseq" },
    { "", NULL },
    { " ", NULL },
    { " REFERENCES", NULL },
    { " REFERENCES ", NULL },
    { " REFERENCES UTF-8", NULL },
    { " REFERENCES UTF-8 ", NULL },
    { " REFERENCES \"\" ALL", NULL },
    { " REFERENCES  UTF-8 ALL", NULL },
    { "  REFERENCES UTF-8 ALL", NULL },
    { "REFERENCES UTF-8 ALL", NULL },
    { " REFERENCE UTF-8 ALL", NULL },
    { " REFERENCESX UTF-8 ALL", NULL },
    { " REFS UTF-8 ALL", NULL },
    { " \"REFERENCES\" UTF-8 ALL", NULL },
    { " (REFERENCES) UTF-8 ALL", NULL },
    { " REFERENCES UTF-8 FOO", NULL },
    { " REFERENCES UTF-8 ALL)", NULL },
    { " REFERENCES CHARSET UTF-8 ALL", NULL },
    { " RETURN () REFERENCES UTF-8 ALL", NULL },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = buf_make(1000);
        const struct imap_thread_args *args;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        args = parse_args(&parse, imap_thread_parse);
        if ((args != NULL) != (rows[i].dumped != NULL))
            fail_msg("%s", rows[i].text);
        if (args != NULL) {
            dump(&out, args);
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(rows[i].dumped));
        }
        buf_done(&out);
        parse_done(&parse);
    }
}

/* What a person reads who asks for one that there is not. */
static void test_complaint(void **state MAYBE_UNUSED)
{
    struct parse parse;

    parse_init(&parse, imap_grammar_make(), BYTES(" REFS UTF-8 ALL"));
    assert_null(parse_args(&parse, imap_thread_parse));
    assert_string_equal(parse.cur.expected, "ORDEREDSUBJECT or REFERENCES");
    parse_done(&parse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_complaint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
