/* FETCH: all items, macros, modifiers, limits. */
#include "imap/wire/fetch.h"

#include "kit/imap_parse.h"

/* The set, the items as they would be answered ("!" behind those that set \Seen), modifiers. */
static void dump(struct buf *out, const void *parsed)
{
    const struct imap_fetch_args *args = parsed;
    imap_seqset_print(out, &args->set);
    for (uint32_t i = 0; i < args->att_count; i++) {
        const struct imap_fetch_att *att = &args->atts[i];

        buf_add_byte(out, ' ');
        buf_add(out, att->name);
        if (!att->peek)
            buf_add_byte(out, '!');
        if (att->lazy)
            buf_add_string(out, "~");
        if (att->partial)
            buf_add_format(out, "+%llu", (unsigned long long)att->partial_bytes);
    }
    if (args->has_changed_since)
        buf_add_format(out, " since %llu", (unsigned long long)args->changed_since);
    if (args->vanished)
        buf_add_string(out, " vanished");
}

static const struct parse_row rows[] = {
    { " 1 FLAGS", "1 FLAGS" },
    { " 1:* (UID flags)", "1:* UID FLAGS" },
    { " $ UID", "$ UID" },
    { " 2 ALL", "2 FLAGS INTERNALDATE RFC822.SIZE ENVELOPE" },
    { " 2 fast", "2 FLAGS INTERNALDATE RFC822.SIZE" },
    { " 2 FULL", "2 FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY" },
    { " 1 BODY", "1 BODY" },
    { " 1 BODY[]", "1 BODY[]!" },
    { " 1 BODY.PEEK[]", "1 BODY[]" },
    { " 1 BODY[1.2.HEADER.FIELDS (To)]<10.20>", "1 BODY[1.2.HEADER.FIELDS (To)]<10>!+20" },
    { " 1 (BODYSTRUCTURE BODY)", "1 BODYSTRUCTURE BODY" },
    { " 1 (RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE)",
      "1 RFC822! RFC822.HEADER RFC822.TEXT! RFC822.SIZE" },
    { " 1 BINARY[1]<0.1>", "1 BINARY[1]<0>!+1" },
    { " 1 BINARY.PEEK[]", "1 BINARY[]" },
    { " 1 BINARY.SIZE[2.1]", "1 BINARY.SIZE[2.1]" },
    { " 1 (MODSEQ EMAILID THREADID SAVEDATE PREVIEW)",
      "1 MODSEQ EMAILID THREADID SAVEDATE PREVIEW" },
    { " 1 (PREVIEW (LAZY) UID)", "1 PREVIEW~ UID" },
    { " 1 PREVIEW (CHANGEDSINCE 5)", "1 PREVIEW since 5" },
    { " 1:* FLAGS (CHANGEDSINCE 12 VANISHED)", "1:* FLAGS since 12 vanished" },
    { " 1:* FLAGS (VANISHED CHANGEDSINCE 12)", "1:* FLAGS since 12 vanished" },
    { " 1 FLAGS ", "1 FLAGS" },
    { " 1 BODY[]<0.9223372036854775807>", "1 BODY[]<0>!+9223372036854775807" },
    { "", NULL },
    { " ", NULL },
    { " 1", NULL },
    { " 1 ", NULL },
    { " 1  FLAGS", NULL },
    { " 0 FLAGS", NULL },
    { " 1 (FLAGS", NULL },
    { " 1 ()", NULL },
    { " 1 FLAGS UID", NULL },
    { " 1 (ALL)", NULL },
    { " 1 ALLX", NULL },
    { " 1 NOTHING", NULL },
    { " 1 BODY.PEEK", NULL },
    { " 1 BODY[]<0.0>", NULL },
    { " 1 BODY[]<0>", NULL },
    { " 1 BODY[]<0.9223372036854775808>", NULL },
    { " 1 BODYSTRUCTURE[]", NULL },
    { " 1 BINARY", NULL },
    { " 1 BINARY[TEXT]", NULL },
    { " 1 BINARY.SIZE[1]<0.1>", NULL },
    { " 1 FLAGS (VANISHED)", NULL },
    { " 1 FLAGS (CHANGEDSINCE 0)", "1 FLAGS since 0" },
    { " 1 FLAGS (CHANGEDSINCE 0 CHANGEDSINCE 0)", NULL },
    { " 1 FLAGS (CHANGEDSINCE -1)", NULL },
    { " 1 FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)", NULL },
    { " 1 FLAGS (FOO)", NULL },
    { " 1 FLAGS ()", NULL },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_parse_row(&rows[i], imap_fetch_parse, dump);
}

static void test_old_names_are_sections(void **state MAYBE_UNUSED)
{
    const struct imap_fetch_args *args;
    struct parse parse;

    parse_init(&parse, imap_grammar_make(), BYTES(" 1 (RFC822 RFC822.HEADER RFC822.TEXT)"));
    args = parse_args(&parse, imap_fetch_parse);
    assert_non_null(args);
    assert_int_equal(args->atts[0].section.text, IMAP_SECTION_ALL);
    assert_int_equal(args->atts[1].section.text, IMAP_SECTION_HEADER);
    assert_int_equal(args->atts[2].section.text, IMAP_SECTION_TEXT);
    parse_done(&parse);
}

static bool parses_items(uint32_t count)
{
    struct buf text = buf_make(100000);
    struct parse parse;
    bool good;

    buf_add_string(&text, " 1 (UID");
    for (uint32_t i = 1; i < count; i++)
        buf_add_string(&text, " UID");
    buf_add_byte(&text, ')');
    parse_init(&parse, imap_grammar_make(), buf_bytes(&text));
    good = parse_args(&parse, imap_fetch_parse) != NULL;
    parse_done(&parse);
    buf_done(&text);
    return good;
}

static void test_limit(void **state MAYBE_UNUSED)
{
    assert_true(parses_items(imap_grammar_limits_default.fetch_atts_max));
    assert_false(parses_items(imap_grammar_limits_default.fetch_atts_max + 1));
}

static void test_spent_arena_is_a_complaint(void **state MAYBE_UNUSED)
{
    for (size_t budget = 0; budget < 2000; budget += 16) {
        struct parse parse;

        parse_init(&parse, imap_grammar_make(), BYTES(" 1 (BODY[1.HEADER.FIELDS (a b)] UID)"));
        parse.arena.budget = budget;
        if (parse_args(&parse, imap_fetch_parse) == NULL)
            assert_true(parse.cur.is_exceeded);
        else
            assert_true(budget > 200);
        parse_done(&parse);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_old_names_are_sections),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_spent_arena_is_a_complaint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
