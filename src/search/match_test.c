/* Programs asked of messages: every key, with as little reading as it takes. */
#include "search/match.h"

#include "search/rows.h"
#include "search/search_test.h"
#include "search/texts.h"

static const char ann[] =
    "From: Ann <ann@example.org>\r\nSubject: =?utf-8?q?=C3=84pfel?= and pears\r\n"
    "Date: Mon, 2 Nov 2020 00:30:00 +0100\r\nX-Shop: corner\r\n\r\nred ones\r\n";
static const char bob[] =
    "From: bob@example.org\r\nTo: ann@example.org, carl@example.org\r\n"
    "Cc: dora@example.org\r\nBcc: eve@example.org\r\nX-Empty:\r\n\r\ngreen\r\n";
static const char empty[] = "";

static void open_three(struct search_bench *bench)
{
    search_bench_open(bench);
    search_bench_add(bench, ann, FLAG_SEEN | FLAG_ANSWERED);
    search_bench_add(bench, bob, FLAG_FLAGGED | FLAG_DRAFT);
    search_bench_add(bench, empty, FLAG_DELETED);
    assert_int_equal(desk_flags(&bench->desk, desk_mailbox(&bench->desk, "INBOX"),
                                (struct desk_store){ { 2, 2 }, FLAGS_ADD, 0, BYTES("Blue") }, NULL),
                     ERR_OK);
    search_bench_view(bench);
}

static const struct {
    const char *program;
    const char *hits;
} rows[] = {
    { " ALL", "1 2 3" },
    { " NOT ALL", "" },
    { " SEEN", "1" },
    { " UNSEEN", "2 3" },
    { " ANSWERED", "1" },
    { " UNANSWERED", "2 3" },
    { " FLAGGED", "2" },
    { " UNFLAGGED", "1 3" },
    { " DRAFT", "2" },
    { " UNDRAFT", "1 3" },
    { " DELETED", "3" },
    { " UNDELETED", "1 2" },
    { " RECENT", "2" },
    { " OLD", "1 3" },
    { " NEW", "2" },
    { " KEYWORD blue", "2" },
    { " UNKEYWORD BLUE", "1 3" },
    { " KEYWORD green", "" },
    { " UNKEYWORD green", "1 2 3" },
    { " 2:*", "2 3" },
    { " *", "3" },
    { " 7", "" },
    { " UID 1,3", "1 3" },
    { " UID 9:*", "3" },
    { " $", "1" },
    { " NOT $", "2 3" },
    { " FROM ANN", "1" },
    { " FROM example", "1 2" },
    { " TO carl", "2" },
    { " CC dora", "2" },
    { " BCC eve", "2" },
    { " CC eve", "" },
    { " SUBJECT \"fel and\"", "1" },
    { " SUBJECT \"\"", "1" },
    { " HEADER x-shop \"\"", "1" },
    { " HEADER X-Shop CORN", "1" },
    { " HEADER X-Shop wheat", "" },
    { " HEADER X-Empty \"\"", "2" },
    { " HEADER X-Empty a", "" },
    { " HEADER From bob", "2" },
    { " BODY red", "1" },
    { " BODY pears", "" },
    { " TEXT pears", "1" },
    { " TEXT \"\"", "1 2 3" },
    { " BODY \"\"", "1 2 3" },
    { " TEXT \"x-shop: c\"", "1" },
    { " OR BODY red BODY green", "1 2" },
    { " BODY red TEXT ann HEADER X-Shop corner", "1" },
    { " NOT BODY e", "3" },
    { " OR (SEEN BODY nothing) (FLAGGED BODY green)", "2" },
    { " SENTON 2-Nov-2020", "1" }, /* in its own zone: in UTC it is the day before */
    { " SENTBEFORE 2-Nov-2020", "" },
    { " SENTSINCE 2-Nov-2020", "1" },
    { " ON 14-Nov-2023", "1 2 3" },
    { " BEFORE 14-Nov-2023", "" },
    { " SINCE 14-Nov-2023", "1 2 3" },
    { " SINCE 15-Nov-2023", "" },
    { " SAVEDON 14-Nov-2023", "1 2 3" },
    { " SAVEDBEFORE 14-Nov-2023", "" },
    { " SAVEDSINCE 15-Nov-2023", "" },
    { " SAVEDATESUPPORTED", "1 2 3" },
    { " LARGER 0", "1 2" },
    { " SMALLER 1", "3" },
    { " LARGER 100 SMALLER 1000", "1 2" },
    { " OLDER 3", "1" },
    { " OLDER 2", "1 2" },
    { " YOUNGER 1", "3" },
    { " YOUNGER 2", "2 3" },
    { " YOUNGER 4", "1 2 3" },
    { " MODSEQ 1", "1 2 3" },
    { " EMAILID e0000000000000002", "2" },
    { " EMAILID t0000000000000002", "" },
    { " THREADID t0000000000000002", "2" },
    { " EMAILID e000000000000000", "" },
};

static void check_all(struct search_bench *bench)
{
    static const struct uid_range recent = { 2, 2 };
    static const struct uid_range saved = { 1, 1 };

    bench->context.recent = (struct uid_set){ &recent, 1 };
    bench->context.saved = (struct uid_set){ &saved, 1 };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char hits[100];

        mem_vfs_chill(bench->vfs);
        search_bench_run(bench, rows[i].program, hits);
        if (strcmp(hits, rows[i].hits) != 0)
            fail_msg("%s: %s, wanted %s", rows[i].program, hits, rows[i].hits);
    }
}

static void test_keys(void **state)
{
    struct search_bench bench;

    open_three(&bench);
    check_all(&bench);
    search_bench_close(&bench);
}

static const char *const field_programs[] = {
    " FROM ann1@",
    " FROM ANN",
    " SUBJECT \"report 8\"",
    " NOT SUBJECT report",
    " OR FROM bob TO cd",
    " TO bc",
    " HEADER Cc \"\"",
    " HEADER CC x",
    " SUBJECT \"\"",
    " TO ab",
    " HEADER X-Other y",
    " BCC a",
    " FROM {3+}\r\n\xc3\xa4n",
    " CHARSET UTF-7 TO \"+AAA-\"",
    " 3:60 SUBJECT report NOT FROM bob",
    " SENTSINCE 3-Nov-2020",
    " SENTON 2-Nov-2020",
    " NOT SENTBEFORE 2-Nov-2020",
    " SENTON 31-Dec-1969",
};

/* What would match where one text runs into the next. */
static bool is_in_none(const char *program)
{
    return strcmp(program, " TO bc") == 0 || strcmp(program, " BCC a") == 0 ||
           strcmp(program, " SENTSINCE 3-Nov-2020") == 0 || strstr(program, "\xc3\xa4n") != NULL ||
           strstr(program, "+AAA-") != NULL;
}

enum { MANY = 330, MANY_WORDS = (MANY + 63) / 64 };

/* Two To fields, whose texts must not run into each other; Cc in some, and one that is too long. */
static void add_many(struct search_bench *bench, int from, int to)
{
    static const char *const dates[] = {
        "Mon, 2 Nov 2020 00:30:00 +0100",
        "Mon, 2 Nov 2020 23:30:00 -0100",
        "Wed, 31 Dec 1969 23:30:00 -0100", /* in UTC it is the day behind */
        "some day",
    };
    static char text[20000];

    for (int i = from; i < to; i++) {
        int len =
            snprintf(text, sizeof(text),
                     "Date: %s\r\nFrom: %s%d@example.org\r\nTo: ab\r\nto: cd\r\nX-Other: y%d\r\n%s",
                     dates[i % 4], i % 3 == 0 ? "bob" : "ann", i, i, i % 5 == 0 ? "Cc:\r\n" : "");

        if (i % 7 != 0)
            len += snprintf(text + len, sizeof(text) - (size_t)len, "Subject: report %d\r\n", i);
        if (i % 50 == 1) {
            len += snprintf(text + len, sizeof(text) - (size_t)len, "Cc: ");
            memset(text + len, 'x', 2 * SEARCH_TEXT_BYTES_MAX);
            len += 2 * SEARCH_TEXT_BYTES_MAX;
            len += snprintf(text + len, sizeof(text) - (size_t)len, "\r\n");
        }
        (void)snprintf(text + len, sizeof(text) - (size_t)len, "\r\n");
        search_bench_add(bench, text, 0);
    }
    search_bench_view(bench);
}

/* The messages that match; answers how many of them had to be looked at one by one. */
static uint32_t find(struct search_bench *bench, const char *text, uint64_t hits[MANY_WORDS])
{
    struct search_effort effort = { 0 };
    struct search_verdict verdict;
    struct search_program *program;
    struct search_match match;
    struct search_rows block = { view_run(bench->view, (struct seqno){ 1 }), { 1 } };
    uint32_t open = 0;

    assert_int_equal(search_bench_compile(bench, text, &program), ERR_OK);
    match = search_bench_match(bench, program);
    search_rows_judge(program, &block, &verdict);
    memset(hits, 0, MANY_WORDS * sizeof(*hits));
    for (uint32_t i = 0; i < search_rows_count(&block); i++) {
        bool matches = (verdict.yes[i / 64] >> i % 64 & 1) != 0;

        if (!matches && (verdict.no[i / 64] >> i % 64 & 1) == 0) {
            assert_int_equal(search_bench_ask(bench, &match, i + 1, &matches, &effort), ERR_OK);
            open++;
        }
        hits[i / 64] |= (uint64_t)matches << i % 64;
    }
    search_match_done(&match);
    return open;
}

/* A search that has been made before reads nothing, and finds the same; what came meanwhile too. */
static void test_texts_are_kept(void **state)
{
    struct search_texts *texts = search_texts_new(1 << 20);
    struct search_bench bench;

    search_bench_open(&bench);
    for (int count = 40; count <= MANY; count += 290, view_close(bench.view)) {
        add_many(&bench, count == 40 ? 0 : 40, count);
        for (size_t i = 0; i < ARRAY_COUNT(field_programs); i++) {
            uint64_t wanted[MANY_WORDS];
            uint64_t hits[MANY_WORDS];
            uint32_t open;

            bench.context.texts = NULL;
            (void)find(&bench, field_programs[i], wanted);
            assert_int_equal(wanted[0] == 0, is_in_none(field_programs[i]));
            bench.context.texts = texts;
            for (int round = 0; round < 2; round++) {
                open = find(&bench, field_programs[i], hits);
                assert_memory_equal(hits, wanted, sizeof(hits));
            }
            if (strstr(field_programs[i], "+AAA-") != NULL)
                assert_int_equal(open, count); /* a NUL is between the texts */
            else if (strstr(field_programs[i], "X-Other") == NULL) /* not kept by summaries */
                assert_in_range(open, 0, count / 50 + 1);
        }
    }
    bench.view = NULL;
    search_bench_close(&bench);
    search_texts_free(texts);
}

/* Nothing is read to learn what no longer matters. */
static void test_reads_nothing_idle(void **state)
{
    static const char *const programs[] = {
        " DELETED BODY x", " UNSEEN DELETED SUBJECT x", " NOT ALL HEADER X-Y z",
        " OR ALL TEXT x",  " NOT (OR SEEN BODY x)",
    };
    struct search_bench bench;

    open_three(&bench);
    for (size_t i = 0; i < ARRAY_COUNT(programs); i++) {
        struct search_effort effort = { 0 };
        struct search_program *program;
        struct search_match match;
        bool matches;

        mem_vfs_chill(bench.vfs);
        assert_int_equal(search_bench_compile(&bench, programs[i], &program), ERR_OK);
        match = search_bench_match(&bench, program);
        assert_int_equal(search_bench_ask(&bench, &match, 1, &matches, &effort), ERR_OK);
        if (effort.waits != 0 || match.source.bytes_left != SEARCH_BYTES_STEP)
            fail_msg("%s", programs[i]);
        search_match_done(&match);
    }
    search_bench_close(&bench);
}

/* What is looked at counts, and a step that has nothing left stops before the next message. */
static void test_step(void **state)
{
    struct search_effort effort = { 0 };
    struct search_program *program;
    struct search_bench bench;
    struct search_match match;
    bool matches;

    open_three(&bench);
    assert_int_equal(search_bench_compile(&bench, " SUBJECT pears", &program), ERR_OK);
    match = search_bench_match(&bench, program);
    assert_int_equal(search_bench_ask(&bench, &match, 1, &matches, &effort), ERR_OK);
    assert_true(matches);
    assert_int_equal(match.source.bytes_left,
                     SEARCH_BYTES_STEP - SEARCH_SUMMARY_COST - SEARCH_KEY_COST * program->row_cost);
    match.source.bytes_left = 0;
    assert_int_equal(search_bench_ask(&bench, &match, 2, &matches, &effort), ERR_OK);
    assert_false(matches);
    assert_int_equal(effort.steps, 1);
    search_match_done(&match);
    search_bench_close(&bench);
}

/* Flips a bit of the stored text; again, and it is whole. */
static void damage(struct search_bench *bench, struct bytes text)
{
    const char *path;

    for (unsigned i = 0; (path = mem_vfs_path(bench->vfs, i)) != NULL; i++) {
        struct bytes file = mem_vfs_file(bench->vfs, path);
        size_t at = bytes_find(file, 0, text);

        if (at == file.len)
            continue;
        mem_vfs_damage(bench->vfs, path, at + text.len - 1, 1);
        return;
    }
    fail_msg("the text is not on the disk");
}

/* A message that cannot be read is an error of its own; the next one is found. */
static void test_unreadable(void **state)
{
    struct search_effort effort = { 0 };
    struct search_program *program;
    struct search_bench bench;
    struct search_match match;
    bool matches = true;

    open_three(&bench);
    assert_int_equal(search_bench_compile(&bench, " NOT BODY zzz", &program), ERR_OK);
    match = search_bench_match(&bench, program);
    damage(&bench, BYTES("red ones"));
    assert_int_equal(search_bench_ask(&bench, &match, 1, &matches, &effort), ERR_CORRUPT);
    assert_true(matches); /* untouched */
    assert_int_equal(search_bench_ask(&bench, &match, 2, &matches, &effort), ERR_OK);
    assert_true(matches);
    search_match_done(&match);
    search_bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_texts_are_kept),
        cmocka_unit_test(test_reads_nothing_idle),
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_unreadable),
    };
    int failed;

    (void)charset_open_all();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    charset_close_all();
    return failed;
}
