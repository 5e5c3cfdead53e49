/* Numbers at and past their bounds. */
#include "imap/wire/number.h"

#include "kit/imap_parse.h"

static const struct {
    const char *text;
    bool number, nz_number, number64, nz_number64;
} rows[] = {
    { "0", true, false, true, false },
    { "1", true, true, true, true },
    { "007x", true, true, true, true },
    { "4294967295", true, true, true, true },
    { "4294967296", false, false, true, true },
    { "9223372036854775807", false, false, true, true },
    { "9223372036854775808", false, false, false, false },
    { "99999999999999999999999", false, false, false, false },
    { "", false, false, false, false },
    { "-1", false, false, false, false },
    { " 1", false, false, false, false },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint32_t number = 77;
        uint64_t number64 = 77;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        assert_int_equal(imap_number_parse(&parse.cur, &number), rows[i].number);
        assert_true(rows[i].number || (number == 77 && parse.cur.offset == 0));
        parse.cur.offset = 0;
        assert_int_equal(imap_nz_number_parse(&parse.cur, &number), rows[i].nz_number);
        parse.cur.offset = 0;
        assert_int_equal(imap_number64_parse(&parse.cur, &number64), rows[i].number64);
        assert_true(rows[i].number64 || number64 == 77);
        parse.cur.offset = 0;
        assert_int_equal(imap_nz_number64_parse(&parse.cur, &number64), rows[i].nz_number64);
        parse_done(&parse);
    }
}

static void test_stops_behind_the_digits(void **state MAYBE_UNUSED)
{
    struct cursor cur = cursor_make(BYTES("1234x"));
    uint32_t number;

    assert_true(imap_number_parse(&cur, &number));
    assert_int_equal(number, 1234);
    assert_int_equal(cursor_peek(&cur), 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_stops_behind_the_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
