/* The vectors of RFC 4648 s10, and what is no base64. */
#include "imap/wire/base64.h"

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

/* The first rows are RFC 4648 s10. */
static const struct {
    const char *text;
    const char *value; /* NULL: refused */
} rows[] = {
    { "", "" },
    { "Zg==", "f" },
    { "Zm8=", "fo" },
    { "Zm9v", "foo" },
    { "Zm9vYg==", "foob" },
    { "Zm9vYmE=", "fooba" },
    { "Zm9vYmFy", "foobar" },
    { "+/+/", "\xfb\xff\xbf" },
    { "Z", NULL },
    { "Zg", NULL },
    { "Zg=", NULL },
    { "Zm8", NULL },
    { "Zm9vY", NULL },
    { "Zh==", NULL },
    { "Zm9=", NULL },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = buf_make(100);
        struct bytes value;
        struct parse parse;
        bool good;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        good = imap_base64_parse(&parse.cur, &parse.arena, &value);
        if (good != (rows[i].value != NULL))
            fail_msg("%s", rows[i].text);
        if (good) {
            ASSERT_BYTES(value, bytes_from_string(rows[i].value));
            assert_true(cursor_at_end(&parse.cur));
            imap_base64_print(&out, value);
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(rows[i].text));
        }
        buf_done(&out);
        parse_done(&parse);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
