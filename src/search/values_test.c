/* What SORT and THREAD compare, out of summaries and out of memory. */
#include "search/values.h"

#include "kit/assert_bytes.h"
#include "message/summary.h"
#include "search/search_test.h"
#include "search/texts.h"
#include "store/thread_table.h"

enum { ALL_VALUES = (1 << SEARCH_VALUES) - 1 };

static const char whole[] =
    "Date: Mon, 2 Nov 2020 00:30:00 +0100\r\n"
    "From: =?utf-8?q?=C3=84nn?= Smith <Ann@example.org>, bob@example.org\r\n"
    "To: <carl@example.org>\r\nCc: Dora <dora@example.org>\r\n"
    "Subject: Re: [list] Apples (fwd)\r\n"
    "Message-ID: <one@example.org>\r\n"
    "References: <a@x> <\"b\"@x>\r\n\r\nred\r\n";
static const char bare[] = "X-Nothing: of that\r\n\r\ngreen\r\n";
static const char plain[] = "Subject: apples\r\nDate: some day\r\nIn-Reply-To: <c@x> <d@x>\r\n\r\n";

static struct search_values values_of(struct search_bench *bench, struct search_texts *texts)
{
    struct search_values values = { .wanted = ALL_VALUES,
                                    .texts = texts,
                                    .account = account_id(bench->desk.account),
                                    .source = { bench->desk.account, &bench->desk.waker, 0 } };

    search_values_begin_step(&values);
    return values;
}

/* As often as it takes. */
static enum err get(struct search_bench *bench, struct search_values *values, uint32_t seqno,
                    struct bytes out[SEARCH_VALUES])
{
    struct row row;
    enum err err;

    view_row(bench->view, (struct seqno){ seqno }, &row);
    while ((err = search_values_get(values, row.body, out)) == ERR_BUSY || err == ERR_LIMIT) {
        desk_settle(&bench->desk);
        search_values_begin_step(values);
    }
    return err;
}

static void check_whole(const struct search_bench *bench, const struct bytes *got)
{
    struct account_id account = account_id(bench->desk.account);

    assert_int_equal(search_value_sent(got[SEARCH_VALUE_SENT], 5), 1604273400);
    ASSERT_BYTES(search_value_subject(got[SEARCH_VALUE_SUBJECT]), BYTES("APPLES"));
    assert_true(search_value_is_reply(got[SEARCH_VALUE_SUBJECT]));
    ASSERT_BYTES(got[SEARCH_VALUE_FROM], BYTES("ANN"));
    ASSERT_BYTES(got[SEARCH_VALUE_TO], BYTES("CARL"));
    ASSERT_BYTES(got[SEARCH_VALUE_CC], BYTES("DORA"));
    ASSERT_BYTES(got[SEARCH_VALUE_DISPLAY_FROM], BYTES("A\xcc\x88NN SMITH"));
    ASSERT_BYTES(got[SEARCH_VALUE_DISPLAY_TO], BYTES("CARL@EXAMPLE.ORG"));
    assert_int_equal(search_value_id_count(got[SEARCH_VALUE_IDS]), 3);
    assert_int_equal(search_value_id(got[SEARCH_VALUE_IDS], 0),
                     thread_hash(&account, BYTES("one@example.org")));
    assert_int_equal(search_value_id(got[SEARCH_VALUE_IDS], 1),
                     thread_hash(&account, BYTES("a@x")));
    assert_int_equal(search_value_id(got[SEARCH_VALUE_IDS], 2),
                     thread_hash(&account, BYTES("b@x")));
}

static void check_bare(const struct bytes *got)
{
    assert_int_equal(search_value_sent(got[SEARCH_VALUE_SENT], 5), 5);
    ASSERT_BYTES(search_value_subject(got[SEARCH_VALUE_SUBJECT]), BYTES(""));
    assert_false(search_value_is_reply(got[SEARCH_VALUE_SUBJECT]));
    for (unsigned i = SEARCH_VALUE_FROM; i <= SEARCH_VALUE_DISPLAY_TO; i++)
        ASSERT_BYTES(got[i], BYTES(""));
    assert_int_equal(search_value_id_count(got[SEARCH_VALUE_IDS]), 1);
    assert_int_equal(search_value_id(got[SEARCH_VALUE_IDS], 0), 0);
}

static void check_plain(const struct search_bench *bench, const struct bytes *got)
{
    struct account_id account = account_id(bench->desk.account);

    assert_int_equal(search_value_sent(got[SEARCH_VALUE_SENT], 5), 5);
    ASSERT_BYTES(search_value_subject(got[SEARCH_VALUE_SUBJECT]), BYTES("APPLES"));
    assert_false(search_value_is_reply(got[SEARCH_VALUE_SUBJECT]));
    assert_int_equal(search_value_id_count(got[SEARCH_VALUE_IDS]), 2);
    assert_int_equal(search_value_id(got[SEARCH_VALUE_IDS], 0), 0);
    assert_int_equal(search_value_id(got[SEARCH_VALUE_IDS], 1),
                     thread_hash(&account, BYTES("c@x")));
}

static void open_three(struct search_bench *bench)
{
    search_bench_open(bench);
    search_bench_add(bench, whole, 0);
    search_bench_add(bench, bare, 0);
    search_bench_add(bench, plain, 0);
    search_bench_view(bench);
}

/* The same out of summaries and out of memory, and the second time no summary is read. */
static void test_values(void **state)
{
    struct search_texts *texts = search_texts_new(1 << 20);
    struct search_bench bench;

    (void)state;
    open_three(&bench);
    for (int round = 0; round < 3; round++) {
        struct search_values values = values_of(&bench, round == 0 ? NULL : texts);
        struct bytes got[SEARCH_VALUES];

        assert_int_equal(get(&bench, &values, 1, got), ERR_OK);
        check_whole(&bench, got);
        assert_int_equal(get(&bench, &values, 2, got), ERR_OK);
        check_bare(got);
        assert_int_equal(get(&bench, &values, 3, got), ERR_OK);
        check_plain(&bench, got);
        assert_int_equal(values.source.bytes_left,
                         SEARCH_BYTES_STEP - (round == 2 ? 0 : 3 * SEARCH_SUMMARY_COST));
        search_values_done(&values);
    }
    search_bench_close(&bench);
    search_texts_free(texts);
}

/* What is not wanted is not looked at, and not kept. */
static void test_only_wanted(void **state)
{
    struct search_texts *texts = search_texts_new(1 << 20);
    struct search_bench bench;
    struct search_values values;
    struct bytes got[SEARCH_VALUES];

    (void)state;
    open_three(&bench);
    values = values_of(&bench, texts);
    values.wanted = 1 << SEARCH_VALUE_FROM;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(get(&bench, &values, 1, got), ERR_OK);
        for (unsigned i = 0; i < SEARCH_VALUES; i++)
            ASSERT_BYTES(got[i], i == SEARCH_VALUE_FROM ? BYTES("ANN") : BYTES(""));
    }
    assert_int_equal(values.source.bytes_left, SEARCH_BYTES_STEP - SEARCH_SUMMARY_COST);
    values.wanted |= 1 << SEARCH_VALUE_TO;
    search_values_begin_step(&values);
    assert_int_equal(get(&bench, &values, 1, got), ERR_OK);
    ASSERT_BYTES(got[SEARCH_VALUE_TO], BYTES("CARL"));
    assert_int_equal(values.source.bytes_left, SEARCH_BYTES_STEP - SEARCH_SUMMARY_COST);
    search_values_done(&values);
    search_bench_close(&bench);
    search_texts_free(texts);
}

/* The longest subject and the longest list are more than is kept; both come whole every time. */
static void test_longest(void **state)
{
    static char text[16000];
    struct search_texts *texts = search_texts_new(1 << 20);
    struct search_bench bench;
    struct search_values values;
    size_t len = (size_t)snprintf(text, sizeof(text), "Subject: ");

    (void)state;
    memset(text + len, 's', 2 * SUMMARY_KEY_BYTES_MAX);
    len += 2 * SUMMARY_KEY_BYTES_MAX;
    len += (size_t)snprintf(text + len, sizeof(text) - len, "\r\nReferences:");
    for (unsigned i = 0; i < SUMMARY_REFERENCES_MAX + 2; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, " <%u@x>", i);
    (void)snprintf(text + len, sizeof(text) - len, "\r\n\r\n");
    search_bench_open(&bench);
    search_bench_add(&bench, text, 0);
    search_bench_view(&bench);
    values = values_of(&bench, texts);
    for (int round = 0; round < 2; round++) {
        struct bytes got[SEARCH_VALUES];

        assert_int_equal(get(&bench, &values, 1, got), ERR_OK);
        assert_int_equal(search_value_subject(got[SEARCH_VALUE_SUBJECT]).len,
                         SUMMARY_KEY_BYTES_MAX);
        assert_int_equal(search_value_id_count(got[SEARCH_VALUE_IDS]), SUMMARY_REFERENCES_MAX + 1);
        assert_int_equal(search_value_id(got[SEARCH_VALUE_IDS], SUMMARY_REFERENCES_MAX),
                         thread_hash(&values.account, BYTES("201@x")));
    }
    search_values_done(&values);
    search_bench_close(&bench);
    search_texts_free(texts);
}

/* A step that is used up reads no summary; a disk that must be waited for is waited for. */
static void test_steps(void **state)
{
    struct search_bench bench;
    struct search_values values;
    struct bytes got[SEARCH_VALUES];
    struct row row;

    (void)state;
    open_three(&bench);
    desk_sync(&bench.desk);
    for (int tick = 0; tick < 20; tick++)
        (void)desk_tick(&bench.desk); /* two seconds: summaries are in their file by then */
    values = values_of(&bench, NULL);
    values.source.bytes_left = 0;
    view_row(bench.view, (struct seqno){ 1 }, &row);
    assert_int_equal(search_values_get(&values, row.body, got), ERR_LIMIT);
    search_values_begin_step(&values);
    mem_vfs_chill(bench.vfs);
    assert_int_equal(search_values_get(&values, row.body, got), ERR_BUSY);
    assert_int_equal(get(&bench, &values, 1, got), ERR_OK);
    check_whole(&bench, got);
    search_values_done(&values);
    search_bench_close(&bench);
}

/* No body, no values: as of a message without a header. */
static void test_unreadable(void **state)
{
    struct search_bench bench;
    struct search_values values;
    struct bytes got[SEARCH_VALUES];

    (void)state;
    open_three(&bench);
    values = values_of(&bench, NULL);
    assert_int_equal(get(&bench, &values, 1, got), ERR_OK);
    assert_int_equal(search_values_get(&values, (struct body_id){ 99 }, got), ERR_NOT_FOUND);
    check_bare(got);
    search_values_done(&values);
    search_bench_close(&bench);
}

/* Pages that are dropped while a walk goes on are looked for again in its next step. */
static void test_pages_come_and_go(void **state)
{
    struct search_texts *texts = search_texts_new(1 << 20);
    struct search_bench bench;
    struct search_values values;
    struct bytes got[SEARCH_VALUES];

    (void)state;
    open_three(&bench);
    values = values_of(&bench, texts);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 1; i <= 3; i++)
            assert_int_equal(get(&bench, &values, i, got), ERR_OK);
        assert_int_equal(get(&bench, &values, 1, got), ERR_OK);
        check_whole(&bench, got);
        search_texts_forget(texts, &values.account);
        search_values_begin_step(&values);
    }
    search_values_done(&values);
    search_bench_close(&bench);
    search_texts_free(texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),     cmocka_unit_test(test_only_wanted),
        cmocka_unit_test(test_longest),    cmocka_unit_test(test_steps),
        cmocka_unit_test(test_unreadable), cmocka_unit_test(test_pages_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
