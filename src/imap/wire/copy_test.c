/* COPY, MOVE and UID EXPUNGE. */
#include "imap/wire/copy.h"

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static void test_copy(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *text;
        const char *set; /* NULL: refused */
    } rows[] = {
        { " 2:4,* a", "2:4,*" }, { " $ \"a\" ", "$" }, { " 1", NULL },
        { " 1 ", NULL },         { " a 1", NULL },     { " 1 a b", NULL },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = buf_make(100);
        const struct imap_copy_args *args;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        args = parse_args(&parse, imap_copy_parse);
        assert_int_equal(args != NULL, rows[i].set != NULL);
        if (args != NULL) {
            imap_seqset_print(&out, &args->set);
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(rows[i].set));
            ASSERT_BYTES(args->mailbox.name, BYTES("a"));
        }
        buf_done(&out);
        parse_done(&parse);
    }
}

static void test_uid_expunge(void **state MAYBE_UNUSED)
{
    static const struct {
        const char *text;
        uint32_t ranges; /* 0: refused */
    } rows[] = { { " 3000:3002,5", 2 }, { " * ", 1 }, { "", 0 }, { " 1 x", 0 }, { " x", 0 } };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct imap_expunge_args *args;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        args = parse_args(&parse, imap_uid_expunge_parse);
        assert_int_equal(args == NULL ? 0 : args->set.count, rows[i].ranges);
        parse_done(&parse);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_uid_expunge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
