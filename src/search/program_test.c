/* Compiling: what a leaf compares against, and what is refused. */
#include "search/program.h"

#include "kit/assert_bytes.h"
#include "search/search_test.h"

static void open_two(struct search_bench *bench)
{
    search_bench_open(bench);
    search_bench_add(bench, "Subject: a\r\n\r\n", 0);
    search_bench_add(bench, "Subject: b\r\n\r\n", 0);
    assert_int_equal(desk_flags(&bench->desk, desk_mailbox(&bench->desk, "INBOX"),
                                (struct desk_store){ { 1, 1 }, FLAGS_ADD, 0, BYTES("Blue") }, NULL),
                     ERR_OK);
    search_bench_view(bench);
}

static const struct search_key *first_key(struct search_bench *bench, const char *text)
{
    struct search_program *program;

    assert_int_equal(search_bench_compile(bench, text, &program), ERR_OK);
    assert_int_equal(program->root->type, IMAP_SEARCH_AND);
    return program->root->children;
}

/* In UTF-8, folded by i;unicode-casemap (RFC 5051). */
static void test_texts(void **state)
{
    static const struct {
        const char *program;
        struct bytes folded;
    } rows[] = {
        { " SUBJECT Hello", BYTES("HELLO") },
        { " CHARSET utf-8 BODY {2+}\r\n\xc3\xa4", BYTES("A\xcc\x88") },
        { " CHARSET ISO-8859-1 TEXT {1+}\r\n\xe4", BYTES("A\xcc\x88") },
        { " CHARSET US-ASCII FROM x", BYTES("X") },
        { " BODY {2+}\r\n\xc3\x9f", BYTES("\xc3\x9f") }, /* no charset: UTF-8 */
        { " HEADER X-Y \"\"", BYTES("") },
    };
    struct search_bench bench;

    open_two(&bench);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct search_key *key = first_key(&bench, rows[i].program);

        ASSERT_BYTES(key->text, rows[i].folded);
    }
    search_bench_close(&bench);
}

static void test_refused(void **state)
{
    static const struct {
        const char *program;
        enum err err;
    } rows[] = {
        { " CHARSET X-NONE SUBJECT a", ERR_UNSUPPORTED },
        { " CHARSET X-NONE ALL", ERR_UNSUPPORTED },
        { " CHARSET UTF-16 SUBJECT ab", ERR_UNSUPPORTED },
        { " BODY {1+}\r\n\xff", ERR_INVALID },
        { " CHARSET UTF-8 NOT (OR SEEN SUBJECT {1+}\r\n\xc3)", ERR_INVALID },
        { " CHARSET US-ASCII SUBJECT {1+}\r\n\xe4", ERR_INVALID },
        { " CHARSET Shift_JIS SUBJECT {1+}\r\n\x82", ERR_INVALID },
    };
    struct search_program *program = NULL;
    struct search_bench bench;

    open_two(&bench);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (search_bench_compile(&bench, rows[i].program, &program) != rows[i].err)
            fail_msg("%s", rows[i].program);
    assert_null(program);
    search_bench_close(&bench);
}

static void test_numbers(void **state)
{
    static const struct uid_range saved = { 7, 9 };
    const struct search_key *key;
    struct search_bench bench;

    open_two(&bench);
    key = first_key(&bench, " 5,*:1");
    assert_int_equal(key->type, IMAP_SEARCH_SEQUENCE);
    assert_int_equal(key->uids.count, 2);
    assert_int_equal(key->uids.ranges[0].last, 2);
    key = first_key(&bench, " UID *");
    assert_int_equal(key->uids.ranges[0].first, 2);
    key = first_key(&bench, " $");
    assert_int_equal(key->type, IMAP_SEARCH_UID);
    assert_int_equal(key->uids.count, 0);
    bench.context.saved = (struct uid_set){ &saved, 1 };
    key = first_key(&bench, " $");
    assert_int_equal(key->uids.ranges[0].first, 7);
    assert_int_equal(first_key(&bench, " KEYWORD bLUE")->keyword, 0);
    assert_int_equal(first_key(&bench, " UNKEYWORD other")->keyword, -1);
    assert_int_equal(first_key(&bench, " UNDELETED")->flags, FLAG_DELETED);
    assert_false(first_key(&bench, " UNDELETED")->wanted);
    assert_int_equal(first_key(&bench, " RECENT")->flags, 0);
    assert_int_equal(first_key(&bench, " BEFORE 2-Jan-1970")->number, 1);
    assert_int_equal(first_key(&bench, " LARGER 4294967295")->number, 4294967295);
    assert_int_equal(first_key(&bench, " BODY \"\"")->type, IMAP_SEARCH_AND);
    search_bench_close(&bench);
}

static void add_bodies(struct buf *text, int count)
{
    buf_clear(text);
    for (int i = 0; i < count; i++)
        buf_add_string(text, i % 2 == 0 ? " BODY x" : " TEXT long-x");
    buf_add_byte(text, '\0');
}

static void test_limits(void **state)
{
    struct buf text = buf_make(10000);
    struct search_program *program;
    struct search_bench bench;

    open_two(&bench);
    add_bodies(&text, SEARCH_TEXTS_MAX);
    assert_int_equal(search_bench_compile(&bench, (const char *)text.at, &program), ERR_OK);
    assert_int_equal(program->text_count, SEARCH_TEXTS_MAX);
    assert_int_equal(program->text_bytes_max, 6);
    assert_int_equal(program->texts[SEARCH_TEXTS_MAX - 1]->text_index, SEARCH_TEXTS_MAX - 1);
    add_bodies(&text, SEARCH_TEXTS_MAX + 1);
    assert_int_equal(search_bench_compile(&bench, (const char *)text.at, &program), ERR_LIMIT);
    buf_done(&text);
    search_bench_close(&bench);
}

/* Every size of arena that does not suffice is ERR_LIMIT, never a half program. */
static void test_small_arenas(void **state)
{
    struct imap_grammar grammar = imap_grammar_make();
    struct cursor cur =
        cursor_make(BYTES(" OR (1:3,5 UID 7) NOT (KEYWORD x BODY hello) HEADER X-Y z"));
    struct arena args_arena = arena_make(1 << 16);
    struct search_program *program;
    struct search_bench bench;
    size_t budget = 0;
    enum err err = ERR_LIMIT;
    const void *args;

    open_two(&bench);
    assert_true(imap_search_parse(&cur, &grammar, &args_arena, &args));
    for (; err != ERR_OK && budget < 1 << 16; budget += 16) {
        struct arena arena = arena_make(budget);

        err = search_compile(args, &bench.context, &arena, &program);
        assert_true(err == ERR_OK || err == ERR_LIMIT);
        arena_done(&arena);
    }
    assert_int_equal(err, ERR_OK);
    arena_done(&args_arena);
    search_bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_numbers),      cmocka_unit_test(test_limits),
        cmocka_unit_test(test_small_arenas),
    };
    int failed;

    (void)charset_open_all();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    charset_close_all();
    return failed;
}
