/* SELECT with CONDSTORE and QRESYNC. */
#include "imap/wire/select.h"

#include "kit/imap_parse.h"

static void dump(struct buf *out, const void *parsed)
{
    const struct imap_select_args *args = parsed;
    buf_add(out, args->mailbox.name);
    if (args->condstore)
        buf_add_string(out, " condstore");
    if (!args->qresync)
        return;
    buf_add_format(out, " qresync %u %llu known=", args->uidvalidity,
                   (unsigned long long)args->modseq);
    imap_seqset_print(out, &args->known_uids);
    buf_add_string(out, " match=");
    imap_seqset_print(out, &args->match_seqnos);
    buf_add_byte(out, '/');
    imap_seqset_print(out, &args->match_uids);
}

static const struct parse_row rows[] = {
    { " inbox", "INBOX" },
    { " \"a b\" ", "a b" },
    { " a (CONDSTORE)", "a condstore" },
    { " a (QRESYNC (67890007 20050715194045000))",
      "a qresync 67890007 20050715194045000 known= match=/" },
    { " a (QRESYNC (67890007 90060115194045000 41:211,214:541))",
      "a qresync 67890007 90060115194045000 known=41:211,214:541 match=/" },
    { " a (QRESYNC (1 2 1:5 (1,3 3,6)) CONDSTORE)",
      "a condstore qresync 1 2 known=1:5 match=1,3/3,6" },
    { " a (condstore qresync (1 2 (1 3)))", "a condstore qresync 1 2 known= match=1/3" },
    { "", NULL },
    { " ", NULL },
    { " a b", NULL },
    { " a ()", NULL },
    { " a (FOO)", NULL },
    { " a (CONDSTORE CONDSTORE)", NULL },
    { " a (CONDSTORE", NULL },
    { " a (QRESYNC (0 1))", NULL },
    { " a (QRESYNC (1 0))", NULL },
    { " a (QRESYNC (1))", NULL },
    { " a (QRESYNC (1 2 (1:3,9 2:4,30)))", "a qresync 1 2 known= match=1:3,9/2:4,30" },
    { " a (QRESYNC (1 2 (1:2,9 2:4,30)))", NULL }, /* three numbers, four UIDs */
    { " a (QRESYNC (1 2 (9,1 2,30)))", NULL },
    { " a (QRESYNC (1 2 (1,9 30,2)))", NULL },
    { " a (QRESYNC (1 2 (2:1 1:2)))", NULL },
    { " a (QRESYNC (1 2 1:*))", NULL },
    { " a (QRESYNC (1 2 (1 *)))", NULL },
    { " a (QRESYNC (1 2) QRESYNC (1 2))", NULL },
    { " a (QRESYNC 1 2)", NULL },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_parse_row(&rows[i], imap_select_parse, dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
