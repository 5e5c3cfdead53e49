/* The pass over a message's text: what is text in it, and that no border hides a key. */
#include "search/scan.h"

#include <stdlib.h>

#include "search/search_test.h"

/* The bits of the keys that were found in message 1. */
static uint64_t scan(struct search_bench *bench, const char *text, struct search_effort *effort)
{
    struct search_source source = { bench->desk.account, &bench->desk.waker, SEARCH_BYTES_STEP };
    struct search_scan scan = { 0 };
    struct search_program *program;
    uint64_t found;
    struct row row;
    enum err err;

    assert_int_equal(search_bench_compile(bench, text, &program), ERR_OK);
    view_row(bench->view, (struct seqno){ 1 }, &row);
    while ((err = search_scan_step(&scan, program, &source, row.body)) != ERR_OK) {
        assert_true(err == ERR_BUSY || err == ERR_LIMIT);
        assert_true(scan.active || err == ERR_BUSY);
        effort->waits += err == ERR_BUSY;
        effort->steps += err == ERR_LIMIT;
        desk_settle(&bench->desk);
        if (err == ERR_LIMIT)
            source.bytes_left = SEARCH_BYTES_STEP;
    }
    found = scan.found;
    search_scan_done(&scan);
    assert_false(scan.active);
    return found;
}

static void open_with(struct search_bench *bench, const char *message)
{
    search_bench_open(bench);
    search_bench_add(bench, message, 0);
    search_bench_view(bench);
}

static const char nested[] =
    "Subject: outer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
    "quoted-printable\r\nContent-Description: label\r\n\r\nGr=FCne Bir=\r\nnen\r\n--b\r\n"
    "Content-Type: text/html\r\n\r\n<p>bo<b>ld</b> &amp; brave<!-- secret --></p>\r\n--b\r\n"
    "Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?inn=65r?=\r\n\r\ndeep text\r\n--b\r\n"
    "Content-Type: application/octet-stream\r\n\r\nbinary\r\n--b\r\n"
    "Content-Type: message/delivery-status\r\n\r\nStatus: 5.1.1\r\n--b\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\naGlkZGVuIHdvcmRz\r\n--b--\r\nepilogue\r\n";

static void test_what_is_text(void **state)
{
    static const struct {
        const char *program;
        bool found;
    } rows[] = {
        { " TEXT outer", true },
        { " BODY outer", false }, /* the message's own header */
        { " BODY label", true }, /* the headers of its parts are in its body */
        { " BODY {6+}\r\ngr\xc3\xbcne", true },
        { " BODY {10+}\r\nGR\xc3\x9cNE bir", true },
        { " BODY birnen", true },
        { " BODY \"bold & brave\"", true },
        { " BODY secret", false },
        { " BODY inner", true },
        { " BODY \"subject: inner\"", true },
        { " BODY \"deep text\"", true },
        { " BODY binary", false },
        { " BODY \"status: 5.1.1\"", true },
        { " BODY \"hidden words\"", true },
        { " BODY aGlkZGVu", false },
        { " BODY preamble", false },
        { " BODY epilogue", false },
        { " BODY \"brave deep\"", false }, /* no key lies across two parts */
    };
    struct search_effort effort = { 0 };
    struct search_bench bench;

    open_with(&bench, nested);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if ((scan(&bench, rows[i].program, &effort) == 1) != rows[i].found)
            fail_msg("%s", rows[i].program);
    assert_int_equal(effort.steps, 0);
    assert_int_equal(scan(&bench, " BODY outer TEXT outer BODY birnen TEXT nix", &effort), 6);
    search_bench_close(&bench);
}

/* A key that begins in one piece and ends in the next, at every place around the border. */
static void test_borders(void **state)
{
    enum { PIECE = 16 * 1024, LEN = 3 * PIECE };
    static const char head[] = "Subject: x\r\n\r\n";
    char *message = malloc(sizeof(head) + LEN + 1);

    assert_non_null(message);
    for (int shift = -12; shift <= 2; shift += 2) {
        struct search_effort effort = { 0 };
        struct search_bench bench;

        memcpy(message, head, sizeof(head) - 1);
        memset(message + sizeof(head) - 1, '.', LEN);
        message[sizeof(head) - 1 + LEN] = '\0';
        memcpy(message + sizeof(head) - 1 + 2 * PIECE + shift, "Across bits", 11);
        open_with(&bench, message);
        assert_int_equal(scan(&bench, " BODY \"across bits\" BODY s.. BODY t", &effort), 7);
        assert_int_equal(scan(&bench, " BODY \"across  bits\"", &effort), 0);
        search_bench_close(&bench);
    }
    free(message);
}

/* A large message takes steps; a small one with a thousand parts no more than its bytes. */
static void test_steps(void **state)
{
    enum { LARGE = 10 * SEARCH_BYTES_STEP, PARTS = 1000 };
    struct buf text = buf_make(LARGE + 1000);
    struct search_effort effort = { 0 };
    struct search_bench bench;

    buf_add_string(&text, "Subject: x\r\n\r\n");
    while (text.len < LARGE)
        buf_add_string(&text, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n");
    buf_add(&text, BYTES("last\r\n\0"));
    open_with(&bench, (const char *)text.at);
    mem_vfs_chill(bench.vfs);
    assert_int_equal(scan(&bench, " BODY last", &effort), 1);
    assert_in_range(effort.steps, 10, 13);
    assert_true(effort.waits > 0);
    /* All found: the rest is not read. */
    effort = (struct search_effort){ 0 };
    assert_int_equal(scan(&bench, " BODY abcdef", &effort), 1);
    assert_int_equal(effort.steps, 0);
    search_bench_close(&bench);

    buf_clear(&text);
    buf_add_string(&text, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (int i = 0; i < PARTS; i++)
        buf_add_string(&text, "--b\r\n\r\npart\r\n");
    buf_add(&text, BYTES("--b\r\n\r\nlast\r\n--b--\r\n\0"));
    open_with(&bench, (const char *)text.at);
    effort = (struct search_effort){ 0 };
    assert_int_equal(scan(&bench, " BODY last", &effort), 1);
    assert_in_range(effort.steps, 1, 8);
    search_bench_close(&bench);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_text),
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_steps),
    };
    int failed;

    (void)charset_open_all();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    charset_close_all();
    return failed;
}
