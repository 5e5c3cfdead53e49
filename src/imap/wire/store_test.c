/* STORE: acts, flags, UNCHANGEDSINCE. */
#include "imap/wire/store.h"

#include "kit/imap_parse.h"

static void dump(struct buf *out, const void *parsed)
{
    const struct imap_store_args *args = parsed;
    static const char *const acts[] = { "=", "+", "-" };

    imap_seqset_print(out, &args->set);
    buf_add_byte(out, ' ');
    buf_add_string(out, acts[args->act]);
    imap_flag_list_print(out, &args->flags);
    if (args->silent)
        buf_add_string(out, " silent");
    if (args->has_unchanged_since)
        buf_add_format(out, " unchanged %llu", (unsigned long long)args->unchanged_since);
}

static const struct parse_row rows[] = {
    { " 1 FLAGS (\\Seen)", "1 =(\\Seen)" },
    { " 1:4,* +flags.silent \\Seen \\Deleted x", "1:4,* +(\\Deleted \\Seen x) silent" },
    { " $ -FLAGS ()", "$ -()" },
    { " 1 (UNCHANGEDSINCE 0) FLAGS.SILENT (a)", "1 =(a) silent unchanged 0" },
    { " 1 (UNCHANGEDSINCE 12121230045) +FLAGS (a)", "1 +(a) unchanged 12121230045" },
    { " 1 FLAGS (\\Seen) ", "1 =(\\Seen)" },
    { " 1 FLAGS", NULL },
    { " 1 FLAGS ", NULL },
    { " 1 FLAG (a)", NULL },
    { " 1 FLAGSX (a)", NULL },
    { " 1 *FLAGS (a)", NULL },
    { " 1 ++FLAGS (a)", NULL },
    { " 1 FLAGS.SILENTLY (a)", NULL },
    { " 1 () FLAGS (a)", NULL },
    { " 1 (UNCHANGEDSINCE) FLAGS (a)", NULL },
    { " 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 2) FLAGS (a)", NULL },
    { " 1 (FOO) FLAGS (a)", NULL },
    { " 1 FLAGS (a) b", NULL },
    { " x FLAGS (a)", NULL },
    { "", NULL },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_parse_row(&rows[i], imap_store_parse, dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
