/* Sections in and out, limits. */
#include "imap/wire/section.h"

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static const struct {
    const char *text;
    const char *printed; /* NULL: refused */
    const char *binary; /* as section-binary */
} rows[] = {
    { "[]", "[]", "[]" },
    { "[1]", "[1]", "[1]" },
    { "[1.2.3]", "[1.2.3]", "[1.2.3]" },
    { "[header]", "[HEADER]", NULL },
    { "[TEXT]", "[TEXT]", NULL },
    { "[1.MIME]", "[1.MIME]", NULL },
    { "[1.2.Header]", "[1.2.HEADER]", NULL },
    { "[4.1.TEXT]", "[4.1.TEXT]", NULL },
    { "[HEADER.FIELDS (From To)]", "[HEADER.FIELDS (From To)]", NULL },
    { "[HEADER.FIELDS (\"X-A\" {1}\r\nb)]", "[HEADER.FIELDS (X-A b)]", NULL },
    { "[2.HEADER.FIELDS.NOT (Received)]", "[2.HEADER.FIELDS.NOT (Received)]", NULL },
    { "[HEADER.FIELDS (\"a\\\\\")]", "[HEADER.FIELDS (\"a\\\\\")]", NULL },
    { "[MIME]", NULL, NULL },
    { "[0]", NULL, NULL },
    { "[1.]", NULL, NULL },
    { "[1.0]", NULL, NULL },
    { "[.1]", NULL, NULL },
    { "[1.4294967296]", NULL, NULL },
    { "[HEADERS]", NULL, NULL },
    { "[HEADER.FIELDS]", NULL, NULL },
    { "[HEADER.FIELDS ()]", NULL, NULL },
    { "[HEADER.FIELDS (From]", NULL, NULL },
    { "[HEADER.FIELDS (\"a b\")]", NULL, NULL },
    { "[HEADER.FIELDS (\"a:\")]", NULL, NULL },
    { "[HEADER.FIELDS (\"\")]", NULL, NULL },
    { "[HEADER.FIELDS ({2}\r\n\r\n)]", NULL, NULL },
    { "[TEXT (From)]", NULL, NULL },
    { "[", NULL, NULL },
    { "[1", NULL, NULL },
    { "", NULL, NULL },
};

typedef bool section_parser(struct cursor *cur, const struct imap_grammar *grammar,
                            struct arena *arena, struct imap_section *out_section);

static void check(const char *text, section_parser *parser, const char *printed)
{
    struct buf out = buf_make(1000);
    struct imap_section section;
    struct parse parse;
    bool good;

    parse_init(&parse, imap_grammar_make(), bytes_from_string(text));
    good = parser(&parse.cur, &parse.grammar, &parse.arena, &section);
    if (good != (printed != NULL))
        fail_msg("%s", text);
    if (good) {
        imap_section_print(&out, &section);
        ASSERT_BYTES(buf_bytes(&out), bytes_from_string(printed));
    }
    buf_done(&out);
    parse_done(&parse);
}

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        check(rows[i].text, imap_section_parse, rows[i].printed);
        check(rows[i].text, imap_section_binary_parse, rows[i].binary);
    }
}

static bool parses_repeated(const char *before, const char *element, uint32_t count)
{
    struct buf text = buf_make(100000);
    struct imap_section section;
    struct parse parse;
    bool good;

    buf_add_string(&text, before);
    for (uint32_t i = 1; i < count; i++)
        buf_add_string(&text, element);
    buf_add_string(&text, before[1] == '1' ? "]" : ")]");
    parse_init(&parse, imap_grammar_make(), buf_bytes(&text));
    good = imap_section_parse(&parse.cur, &parse.grammar, &parse.arena, &section);
    assert_true(!good || section.part_count + section.field_count == count);
    parse_done(&parse);
    buf_done(&text);
    return good;
}

static void test_limits(void **state MAYBE_UNUSED)
{
    assert_true(parses_repeated("[1", ".1", imap_grammar_limits_default.section_parts_max));
    assert_false(parses_repeated("[1", ".1", imap_grammar_limits_default.section_parts_max + 1));
    assert_true(
        parses_repeated("[HEADER.FIELDS (a", " a", imap_grammar_limits_default.header_fields_max));
    assert_false(parses_repeated("[HEADER.FIELDS (a", " a",
                                 imap_grammar_limits_default.header_fields_max + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
