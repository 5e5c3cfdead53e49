/* SORT: criteria, what it shares with SEARCH, refusals. */
#include "imap/wire/sort.h"

#include <string.h>

#include "base/buf.h"
#include "kit/imap_parse.h"

static const char *const key_names[IMAP_SORT_KEYS] = {
    [IMAP_SORT_ARRIVAL] = "arrival",
    [IMAP_SORT_CC] = "cc",
    [IMAP_SORT_DATE] = "date",
    [IMAP_SORT_DISPLAYFROM] = "displayfrom",
    [IMAP_SORT_DISPLAYTO] = "displayto",
    [IMAP_SORT_FROM] = "from",
    [IMAP_SORT_SIZE] = "size",
    [IMAP_SORT_SUBJECT] = "subject",
    [IMAP_SORT_TO] = "to",
};

static void dump(struct buf *out, const void *parsed)
{
    const struct imap_sort_args *args = parsed;
    const struct imap_search_key *key = args->search.program->children;
    unsigned keys = 0;

    if (args->search.has_return)
        buf_add_format(out, "return %u ", args->search.returns);
    for (uint32_t i = 0; i < args->count; i++)
        buf_add_format(out, "%s%s ", args->criteria[i].reverse ? "-" : "",
                       key_names[args->criteria[i].key]);
    for (; key != NULL; key = key->next)
        keys++;
    buf_add_format(out, "%.*s %u", BYTES_ARG(args->search.charset), keys);
    if (args->search.has_modseq)
        buf_add_string(out, " modseq");
    if (args->search.has_seqnos)
        buf_add_string(out, " seqnos");
}

static const struct parse_row rows[] = {
    { " (DATE) UTF-8 ALL", "date UTF-8 1" },
    { " (ARRIVAL CC FROM SIZE SUBJECT TO DISPLAYFROM DISPLAYTO DATE) US-ASCII 1:3 SEEN",
      "arrival cc from size subject to displayfrom displayto date US-ASCII 2 seqnos" },
    { " (reverse date Reverse SUBJECT from) \"utf-8\" MODSEQ 7",
      "-date -subject from utf-8 1 modseq" },
    { " (DATE REVERSE DATE SIZE DATE) {5}\r\nUTF-8 ALL", "date size UTF-8 1" },
    { " RETURN () (DATE) US-ASCII ALL", "return 4 date US-ASCII 1" },
    { " return (MIN max COUNT save) (REVERSE SIZE) UTF-8 FROM a TO b", "return 27 -size UTF-8 2" },
    { "", NULL },
    { " ", NULL },
    { " DATE UTF-8 ALL", NULL },
    { " () UTF-8 ALL", NULL },
    { " (DATE", NULL },
    { " (DATE)", NULL },
    { " (DATE) ", NULL },
    { " (DATE) UTF-8", NULL },
    { " (DATE) UTF-8 ", NULL },
    { " (DATE) \"\" ALL", NULL },
    { " (DATE)UTF-8 ALL", NULL },
    { " (DATE  SIZE) UTF-8 ALL", NULL },
    { " (DATE ) UTF-8 ALL", NULL },
    { " ( DATE) UTF-8 ALL", NULL },
    { " (DATES) UTF-8 ALL", NULL },
    { " (REVERSE) UTF-8 ALL", NULL },
    { " (REVERSE REVERSE DATE) UTF-8 ALL", NULL },
    { " (REVERSE  DATE) UTF-8 ALL", NULL },
    { " (BCC) UTF-8 ALL", NULL },
    { " (DATE) UTF-8 FOO", NULL },
    { " (DATE) UTF-8 ALL)", NULL },
    { " (DATE) CHARSET UTF-8 ALL", NULL },
    { " RETURN (PARTIAL 1:2) (DATE) UTF-8 ALL", NULL },
    { " RETURN () UTF-8 ALL", NULL },
    { " RETURN(DATE) UTF-8 ALL", NULL },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_parse_row(&rows[i], imap_sort_parse, dump);
}

/* What a person reads who has mistyped it. */
static void test_complaints(void **state MAYBE_UNUSED)
{
    static const char *const complaints[][2] = {
        { " (DATES) UTF-8 ALL",
          "ARRIVAL, CC, DATE, DISPLAYFROM, DISPLAYTO, FROM, SIZE, SUBJECT or TO" },
        { " () UTF-8 ALL", "something to sort by" },
        { " DATE UTF-8 ALL", "\"(\" and what to sort by" },
        { " (DATE) UTF-8 FOO", "a search key" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(complaints); i++) {
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(complaints[i][0]));
        assert_null(parse_args(&parse, imap_sort_parse));
        assert_string_equal(parse.cur.expected, complaints[i][1]);
        parse_done(&parse);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_complaints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
