/* Sequence sets: parse, resolve, print, limits. */
#include "imap/wire/seqset.h"

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static const struct {
    const char *text;
    const char *resolved; /* with * at 10; NULL: refused */
    const char *empty; /* with * at 0 */
    uint64_t size;
} rows[] = {
    { "1", "1", "1", 1 },
    { "*", "10", "", 1 },
    { "1:*", "1:10", "1", 10 },
    { "*:1", "1:10", "1", 10 },
    { "12:*", "10:12", "12", 3 },
    { "*:*", "10", "", 1 },
    { "2,4:7,9,12:*", "2,4:7,9:12", "2,4:7,9,12", 9 },
    { "*:4,5:7", "4:10", "4:7", 7 },
    { "7:4,3,1:2,2", "1:7", "1:7", 7 },
    { "4294967295", "4294967295", "4294967295", 1 },
    { "1:4294967295", "1:4294967295", "1:4294967295", 4294967295 },
    { "4294967295,4294967294", "4294967294:4294967295", "4294967294:4294967295", 2 },
    { "0", NULL, NULL, 0 },
    { "4294967296", NULL, NULL, 0 },
    { "1:0", NULL, NULL, 0 },
    { "", NULL, NULL, 0 },
    { ",1", NULL, NULL, 0 },
    { "1,", NULL, NULL, 0 },
    { "1:", NULL, NULL, 0 },
    { "1,,2", NULL, NULL, 0 },
    { "x", NULL, NULL, 0 },
};

static void check_resolved(struct parse *parse, const struct imap_seqset *set, uint32_t star,
                           const char *want)
{
    struct buf out = buf_make(1000);
    struct imap_seqset resolved;

    assert_true(imap_seqset_resolve(set, star, &parse->arena, &resolved));
    imap_seqset_print(&out, &resolved);
    ASSERT_BYTES(buf_bytes(&out), bytes_from_string(want));
    buf_done(&out);
}

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = buf_make(1000);
        struct imap_seqset set;
        struct parse parse;
        bool good;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(rows[i].text));
        good = imap_seqset_parse(&parse.cur, &parse.grammar, &parse.arena, &set);
        if (good != (rows[i].resolved != NULL))
            fail_msg("\"%s\"", rows[i].text);
        if (good) {
            check_resolved(&parse, &set, 10, rows[i].resolved);
            check_resolved(&parse, &set, 0, rows[i].empty);
            assert_true(imap_seqset_resolve(&set, 10, &parse.arena, &set));
            assert_true(imap_seqset_size(&set) == rows[i].size);
        }
        buf_done(&out);
        parse_done(&parse);
    }
}

static void test_print_as_written(void **state MAYBE_UNUSED)
{
    static const char *const texts[] = { "*:4,5:7,1", "$", "3,3,*" };

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct buf out = buf_make(100);
        struct imap_seqset set;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(texts[i]));
        assert_true(imap_seqset_parse(&parse.cur, &parse.grammar, &parse.arena, &set));
        assert_true(cursor_at_end(&parse.cur));
        imap_seqset_print(&out, &set);
        ASSERT_BYTES(buf_bytes(&out), bytes_from_string(texts[i]));
        buf_done(&out);
        parse_done(&parse);
    }
}

static void test_plain_has_no_star(void **state MAYBE_UNUSED)
{
    static const char *const texts[] = { "*", "1:*", "$" };

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct imap_seqset set;
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(texts[i]));
        assert_false(imap_seqset_parse_plain(&parse.cur, &parse.grammar, &parse.arena, &set));
        parse_done(&parse);
    }
}

static bool parses_with_ranges(uint32_t count)
{
    struct buf text = buf_make(1 << 20);
    struct imap_seqset set;
    struct parse parse;
    bool good;

    for (uint32_t i = 1; i <= count; i++) {
        if (i > 1)
            buf_add_byte(&text, ',');
        buf_add_number(&text, i * 2);
    }
    parse_init(&parse, imap_grammar_make(), buf_bytes(&text));
    good = imap_seqset_parse(&parse.cur, &parse.grammar, &parse.arena, &set);
    if (good)
        assert_int_equal(set.count, count);
    parse_done(&parse);
    buf_done(&text);
    return good;
}

static void test_range_limit(void **state MAYBE_UNUSED)
{
    assert_true(parses_with_ranges(imap_grammar_limits_default.ranges_max));
    assert_false(parses_with_ranges(imap_grammar_limits_default.ranges_max + 1));
}

static void test_contains(void **state MAYBE_UNUSED)
{
    static const struct imap_range ranges[] = { { 2, 2 }, { 4, 7 }, { 9, UINT32_MAX } };
    struct imap_seqset set = { .ranges = ranges, .count = 3 };
    static const uint32_t in[] = { 2, 4, 5, 7, 9, UINT32_MAX };
    static const uint32_t out[] = { 1, 3, 8 };

    for (size_t i = 0; i < ARRAY_COUNT(in); i++)
        assert_true(imap_seqset_contains(&set, in[i]));
    for (size_t i = 0; i < ARRAY_COUNT(out); i++)
        assert_false(imap_seqset_contains(&set, out[i]));
    set.count = 0;
    assert_false(imap_seqset_contains(&set, 1));
}

static void test_printer(void **state MAYBE_UNUSED)
{
    static const uint32_t numbers[] = { 3, 4, 5, 7, 9, 10, 2, UINT32_MAX };
    struct buf out = buf_make(100);
    struct imap_seqset_printer printer = imap_seqset_printer_make(&out);

    imap_seqset_printer_end(&printer);
    assert_int_equal(out.len, 0);
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        imap_seqset_printer_add(&printer, numbers[i]);
    imap_seqset_printer_end(&printer);
    ASSERT_BYTES(buf_bytes(&out), BYTES("3:5,7,9:10,2,4294967295"));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_print_as_written),
        cmocka_unit_test(test_plain_has_no_star),
        cmocka_unit_test(test_range_limit),
        cmocka_unit_test(test_contains),
        cmocka_unit_test(test_printer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
