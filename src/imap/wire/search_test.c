/* SEARCH programs as trees, refusals, limits. */
#include "imap/wire/search.h"

#include "imap/wire/flag.h"
#include "kit/imap_parse.h"

static const char *const type_names[] = {
    [IMAP_SEARCH_AND] = "and",
    [IMAP_SEARCH_OR] = "or",
    [IMAP_SEARCH_NOT] = "not",
    [IMAP_SEARCH_SEQUENCE] = "seq",
    [IMAP_SEARCH_UID] = "uid",
    [IMAP_SEARCH_FLAG] = "flag",
    [IMAP_SEARCH_KEYWORD] = "keyword",
    [IMAP_SEARCH_BCC] = "bcc",
    [IMAP_SEARCH_CC] = "cc",
    [IMAP_SEARCH_FROM] = "from",
    [IMAP_SEARCH_TO] = "to",
    [IMAP_SEARCH_SUBJECT] = "subject",
    [IMAP_SEARCH_HEADER] = "header",
    [IMAP_SEARCH_BODY] = "body",
    [IMAP_SEARCH_TEXT] = "text",
    [IMAP_SEARCH_INTERNALDATE] = "internal",
    [IMAP_SEARCH_SENTDATE] = "sent",
    [IMAP_SEARCH_SAVEDATE] = "saved",
    [IMAP_SEARCH_SAVEDATE_SUPPORTED] = "savable",
    [IMAP_SEARCH_LARGER] = "larger",
    [IMAP_SEARCH_SMALLER] = "smaller",
    [IMAP_SEARCH_OLDER] = "older",
    [IMAP_SEARCH_YOUNGER] = "younger",
    [IMAP_SEARCH_MODSEQ] = "modseq",
    [IMAP_SEARCH_EMAILID] = "emailid",
    [IMAP_SEARCH_THREADID] = "threadid",
};

static void dump_key(struct buf *out, const struct imap_search_key *key)
{
    static const char *const whens[] = { "before", "on", "since" };

    buf_add_string(out, key->wanted ||
                                (key->type != IMAP_SEARCH_FLAG && key->type != IMAP_SEARCH_KEYWORD)
                            ? "("
                            : "(un");
    buf_add_string(out, type_names[key->type]);
    if (key->flag != 0) {
        buf_add_byte(out, ' ');
        imap_system_flags_print(out, key->flag);
    }
    if (key->date.year > 0)
        buf_add_format(out, " %s %u-%u-%u", whens[key->when], key->date.year, key->date.month,
                       key->date.day);
    if (key->number > 0)
        buf_add_format(out, " %llu", (unsigned long long)key->number);
    if (key->field.len > 0)
        buf_add_format(out, " <%.*s>", BYTES_ARG(key->field));
    if (key->text.at != NULL)
        buf_add_format(out, " '%.*s'", BYTES_ARG(key->text));
    if (key->set.count > 0 || key->set.saved) {
        buf_add_byte(out, ' ');
        imap_seqset_print(out, &key->set);
    }
    for (const struct imap_search_key *child = key->children; child != NULL; child = child->next)
        dump_key(out, child);
    buf_add_byte(out, ')');
}

static void dump(struct buf *out, const void *parsed)
{
    const struct imap_search_args *args = parsed;
    if (args->has_return)
        buf_add_format(out, "return %u ", args->returns);
    if (args->charset.len > 0)
        buf_add_format(out, "charset %.*s ", BYTES_ARG(args->charset));
    if (args->has_modseq)
        buf_add_string(out, "has-modseq ");
    for (const struct imap_search_key *key = args->program->children; key != NULL; key = key->next)
        dump_key(out, key);
}

static const struct parse_row rows[] = {
    { " ALL", "(and)" },
    { " all unseen", "(and)(unflag \\Seen)" },
    { " ANSWERED DELETED DRAFT FLAGGED SEEN RECENT",
      "(flag \\Answered)(flag \\Deleted)(flag \\Draft)(flag \\Flagged)(flag \\Seen)"
      "(flag \\Recent)" },
    { " UNANSWERED UNDELETED UNDRAFT UNFLAGGED OLD",
      "(unflag \\Answered)(unflag \\Deleted)(unflag \\Draft)(unflag \\Flagged)"
      "(unflag \\Recent)" },
    { " NEW", "(and(flag \\Recent)(unflag \\Seen))" },
    { " BCC a CC b FROM c TO d SUBJECT \"e f\" BODY {1}\r\ng TEXT \"\"",
      "(bcc 'a')(cc 'b')(from 'c')(to 'd')(subject 'e f')(body 'g')(text '')" },
    { " HEADER X-A \"\" HEADER Subject b", "(header <X-A> '')(header <Subject> 'b')" },
    { " KEYWORD $Junk UNKEYWORD x", "(keyword '$Junk')(unkeyword 'x')" },
    { " BEFORE 1-Feb-1994 ON \"2-Feb-1994\" SINCE 3-Feb-1994",
      "(internal before 1994-2-1)(internal on 1994-2-2)(internal since 1994-2-3)" },
    { " SENTBEFORE 1-Feb-1994 SENTON 2-Feb-1994 SENTSINCE 3-Feb-1994",
      "(sent before 1994-2-1)(sent on 1994-2-2)(sent since 1994-2-3)" },
    { " SAVEDBEFORE 1-Feb-1994 SAVEDON 2-Feb-1994 SAVEDSINCE 3-Feb-1994 SAVEDATESUPPORTED",
      "(saved before 1994-2-1)(saved on 1994-2-2)(saved since 1994-2-3)(savable)" },
    { " LARGER 5 SMALLER 9223372036854775807", "(larger 5)(smaller 9223372036854775807)" },
    { " OLDER 60 YOUNGER 3600", "(older 60)(younger 3600)" },
    { " 1:3,* UID 5:* UID $ $", "(seq 1:3,*)(uid 5:*)(uid $)(seq $)" },
    { " NOT SEEN OR FROM a NOT 2", "(not(flag \\Seen))(or(from 'a')(not(seq 2)))" },
    { " (SEEN (OR 1 2)) 3", "(and(flag \\Seen)(and(or(seq 1)(seq 2))))(seq 3)" },
    { " OR (1 2) ALL", "(or(and(seq 1)(seq 2))(and))" },
    { " CHARSET UTF-8 TEXT {2}\r\n\xc3\xa4", "charset UTF-8 (text '\xc3\xa4')" },
    { " CHARSET \"iso-8859-1\" ALL", "charset iso-8859-1 (and)" },
    { " RETURN () ALL", "return 4 (and)" },
    { " RETURN (MIN MAX COUNT) 1", "return 11 (seq 1)" },
    { " return (all save) CHARSET UTF-8 1", "return 20 charset UTF-8 (seq 1)" },
    { " MODSEQ 620162338", "has-modseq (modseq 620162338)" },
    { " MODSEQ \"/flags/\\\\draft\" all 620162338", "has-modseq (modseq 620162338)" },
    { " EMAILID M6d99ac3275bb4e THREADID T64_b-478", "(emailid 'M6d99ac3275bb4e')"
                                                     "(threadid 'T64_b-478')" },
    { "", NULL },
    { " ", NULL },
    { " ()", NULL },
    { " (ALL", NULL },
    { " ALL)", NULL },
    { " ALL  SEEN", NULL },
    { " ALLSEEN", NULL },
    { " FOO", NULL },
    { " NOT", NULL },
    { " NOT ", NULL },
    { " OR 1", NULL },
    { " FROM", NULL },
    { " FROM ", NULL },
    { " HEADER a", NULL },
    { " HEADER \"\" a", NULL },
    { " BEFORE yesterday", NULL },
    { " ON 31-Feb-2000", NULL },
    { " LARGER -1", NULL },
    { " LARGER 9223372036854775808", NULL },
    { " OLDER 0", NULL },
    { " KEYWORD \\Seen", NULL },
    { " UID", NULL },
    { " UID 0", NULL },
    { " RETURN (FOO) ALL", NULL },
    { " RETURN (MIN", NULL },
    { " RETURN ()", NULL },
    { " CHARSET UTF-8", NULL },
    { " CHARSET \"\" ALL", NULL },
    { " MODSEQ \"/foo\" all 1", NULL },
    { " MODSEQ \"/flags/a\" none 1", NULL },
    { " EMAILID a.b", NULL },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_parse_row(&rows[i], imap_search_parse, dump);
}

/* `count` times `before`, then `middle`, then `count` times `after`. */
static bool parses_nested(const char *before, uint32_t count, const char *middle, const char *after)
{
    struct buf text = buf_make(1 << 20);
    struct parse parse;
    bool good;

    buf_add_byte(&text, ' ');
    for (uint32_t i = 0; i < count; i++)
        buf_add_string(&text, before);
    buf_add_string(&text, middle);
    for (uint32_t i = 0; i < count; i++)
        buf_add_string(&text, after);
    parse_init(&parse, imap_grammar_make(), buf_bytes(&text));
    good = parse_args(&parse, imap_search_parse) != NULL;
    parse_done(&parse);
    buf_done(&text);
    return good;
}

static void test_limits(void **state MAYBE_UNUSED)
{
    uint32_t depth = imap_grammar_limits_default.search_depth_max;
    uint32_t keys = imap_grammar_limits_default.search_keys_max;

    assert_true(parses_nested("(", depth - 1, "ALL", ")"));
    assert_false(parses_nested("(", depth, "ALL", ")"));
    assert_true(parses_nested("NOT ", depth - 1, "ALL", ""));
    assert_false(parses_nested("NOT ", depth, "ALL", ""));
    assert_false(parses_nested("OR ALL ", 100000, "ALL", ""));
    /* The top-level AND is one of the keys. */
    assert_true(parses_nested("1 ", keys - 2, "ALL", ""));
    assert_false(parses_nested("1 ", keys - 1, "ALL", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
