/* What a client hears when the store cannot do what it asks: damage, quota, limits, a full disk
 * (RFC 5530). */
#include "imap/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "kit/crash_vfs.h"
#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "message/charset.h"

struct bench {
    struct vfs *vfs;
    struct desk desk;
    struct imap_seat seat;
};

static void open_bench(struct bench *bench, uint64_t quota_bytes)
{
    bench->vfs = mem_vfs_new(1);
    desk_init(&bench->desk, bench->vfs);
    bench->desk.options.quota_bytes = quota_bytes;
    assert_int_equal(desk_open(&bench->desk), ERR_OK);
    imap_seat_open(&bench->seat, &bench->desk);
}

static void close_bench(struct bench *bench)
{
    imap_seat_close(&bench->seat);
    desk_close(&bench->desk);
    assert_int_equal(mem_vfs_open_files(bench->vfs), 0);
    mem_vfs_free(bench->vfs);
}

static void expect(struct bench *bench, const char *line, const char *wanted)
{
    struct bytes out = imap_seat_run(&bench->seat, line);

    if (wanted[0] != '\0' && bytes_find(out, 0, bytes_from_string(wanted)) == out.len)
        fail_msg("%s: wanted %s, got %.*s", line, wanted, out.len > 2000 ? 2000 : (int)out.len,
                 (const char *)out.at);
}

/* Flips a bit of the only place on the disk that holds `text`. */
static void damage(struct bench *bench, const char *text)
{
    struct bytes wanted = bytes_from_string(text);
    unsigned hits = 0;

    for (unsigned i = 0; mem_vfs_path(bench->vfs, i) != NULL; i++) {
        const char *path = mem_vfs_path(bench->vfs, i);
        struct bytes file = mem_vfs_file(bench->vfs, path);
        size_t at = bytes_find(file, 0, wanted);

        if (at == file.len || !bytes_starts_with(bytes_from_string(path), BYTES("log/")))
            continue;
        mem_vfs_damage(bench->vfs, path, at, 1);
        hits++;
    }
    assert_int_equal(hits, 1);
}

static void test_damaged_body(void **state)
{
    struct bench bench;

    open_bench(&bench, 0);
    expect(&bench, "a APPEND INBOX {25+}\r\nSubject: s\r\n\r\nfirst one\r\n", "a OK");
    expect(&bench, "a APPEND INBOX {26+}\r\nSubject: s\r\n\r\nsecond one\r\n", "a OK");
    expect(&bench, "a SELECT INBOX", "a OK");
    desk_sync(&bench.desk);
    damage(&bench, "first one");
    expect(&bench, "a FETCH 1:2 BODY.PEEK[]",
           "* 1 FETCH (BODY[] NIL)\r\n* 2 FETCH (BODY[] {26}\r\nSubject: s\r\n\r\nsecond "
           "one\r\n)\r\na NO [CORRUPTION] ");
    expect(&bench, "a FETCH 1 (UID BODY.PEEK[TEXT] BODY.PEEK[HEADER.FIELDS (X-A)] FLAGS)",
           "* 1 FETCH (UID 1 BODY[TEXT] NIL BODY[HEADER.FIELDS (X-A)] NIL FLAGS (\\Recent))");
    expect(&bench, "a FETCH 1 BINARY.PEEK[1]", "* 1 FETCH (BINARY[1] NIL)\r\na NO [CORRUPTION]");
    expect(&bench, "a FETCH 1 (UID BINARY.SIZE[1] FLAGS)",
           "* 1 FETCH (UID 1 BINARY.SIZE[1] 0 FLAGS (\\Recent))\r\na NO [CORRUPTION]");
    expect(&bench, "a FETCH 1 (UID FLAGS RFC822.SIZE)", "RFC822.SIZE 25)\r\na OK");
    expect(&bench, "a SEARCH BODY one", "* SEARCH 2\r\na OK SEARCH done, but some messages are");
    expect(&bench, "a COPY 1:2 Archive", "a OK [COPYUID");
    close_bench(&bench);
}

/* Behind what was announced nothing else can be said: the connection ends. */
static void test_damage_in_a_stream(void **state)
{
    enum { BYTES_ALL = 300000 };
    struct bench bench;
    struct bytes out;
    char *text = malloc(BYTES_ALL + 1);

    assert_non_null(text);
    memset(text, 'x', BYTES_ALL);
    memcpy(text, "Subject: s\r\n\r\n", 14);
    memcpy(text + 200000, "needle", 6);
    text[BYTES_ALL] = '\0';
    open_bench(&bench, 0);
    assert_int_equal(desk_append(&bench.desk, desk_mailbox(&bench.desk, "INBOX"),
                                 bytes_from_string(text), 0, NULL),
                     ERR_OK);
    desk_sync(&bench.desk);
    damage(&bench, "needle");
    expect(&bench, "a SELECT INBOX", "a OK");
    expect(&bench, "a FETCH 1 (ENVELOPE BODY.PEEK[]<0.1000>)", "a OK");
    out = imap_seat_run(&bench.seat, "a FETCH 1 BODY.PEEK[]");
    assert_true(out.len < BYTES_ALL);
    assert_int_equal(bytes_find(out, 0, BYTES("* BYE ")), out.len); /* of a literal's end */
    assert_int_equal(bench.seat.want, IMAP_WANT_CLOSE);
    close_bench(&bench);
    free(text);
}

static void test_missing_body_segment(void **state)
{
    struct buf text = buf_make(1 << 20);
    struct bench bench;
    const char *path;

    buf_add_string(&text, "Subject: s\r\n\r\n");
    while (text.len < 200000)
        buf_add_string(&text, "all of it in a segment of its own\r\n");
    open_bench(&bench, 0);
    assert_int_equal(
        desk_append(&bench.desk, desk_mailbox(&bench.desk, "INBOX"), buf_bytes(&text), 0, NULL),
        ERR_OK);
    desk_sync(&bench.desk);
    for (unsigned i = 0; (path = mem_vfs_path(bench.vfs, i)) != NULL; i++)
        if (strstr(path, ".body") != NULL)
            mem_vfs_remove(bench.vfs, path);
    expect(&bench, "a SELECT INBOX", "a OK");
    expect(&bench, "a FETCH 1 BODY.PEEK[]", "a NO [CORRUPTION]");
    expect(&bench, "a FETCH 1 (FLAGS ENVELOPE)", "a OK"); /* the summary is still there */
    close_bench(&bench);
    buf_done(&text);
}

static void test_quota(void **state)
{
    struct bench bench;

    open_bench(&bench, 1000);
    expect(&bench, "a APPEND INBOX {2000}", "a NO [OVERQUOTA]");
    expect(&bench, "a NOOP", "a OK");
    expect(&bench, "a APPEND INBOX {2000+}\r\nshort", "");
    assert_int_equal(bench.seat.want, IMAP_WANT_INPUT);
    for (int i = 0; i < 400; i++)
        imap_seat_say(&bench.seat, BYTES("12345"));
    expect(&bench, "", ""); /* what came was the literal, and is thrown away */
    imap_seat_say(&bench.seat, BYTES("\r\n"));
    (void)imap_seat_finish(&bench.seat);
    imap_seat_say(&bench.seat, BYTES("a APPEND INBOX {600+}\r\n"));
    for (int i = 0; i < 60; i++)
        imap_seat_say(&bench.seat, BYTES("Subject: x"));
    expect(&bench, "", "a OK [APPENDUID");
    expect(&bench, "a SELECT INBOX", "a OK");
    expect(&bench, "a COPY 1 Archive", "a NO [OVERQUOTA]");
    expect(&bench, "a MOVE 1 Archive", "a OK");
    /* Two that fit alone and not together: neither is there. */
    imap_seat_say(&bench.seat, BYTES("a APPEND INBOX {200+}\r\n"));
    for (int i = 0; i < 20; i++)
        imap_seat_say(&bench.seat, BYTES("Subject: x"));
    imap_seat_say(&bench.seat, BYTES(" {210+}\r\n"));
    for (int i = 0; i < 21; i++)
        imap_seat_say(&bench.seat, BYTES("Subject: x"));
    expect(&bench, "", "a NO [OVERQUOTA]");
    expect(&bench, "a STATUS INBOX (MESSAGES)", "(MESSAGES 0)");
    close_bench(&bench);
}

static void test_keyword_limit(void **state)
{
    struct bench bench;
    char line[60];

    open_bench(&bench, 0);
    expect(&bench, "a APPEND INBOX {3+}\r\nabc", "a OK");
    expect(&bench, "a SELECT INBOX", "\\*)] Flags permitted");
    for (int i = 0; i < KEYWORDS_PER_MAILBOX_MAX; i++) {
        snprintf(line, sizeof(line), "a STORE 1 +FLAGS.SILENT (k%d)", i);
        expect(&bench, line, "a OK");
    }
    /* No room: \* is not promised any more (RFC 9051 section 7.1, PERMANENTFLAGS). */
    expect(&bench, "a SELECT INBOX", "k127)] Flags permitted");
    expect(&bench, "a STORE 1 +FLAGS (onemore)", "a NO [LIMIT]");
    expect(&bench, "a APPEND INBOX (onemore) {3+}\r\nabc", "a NO [LIMIT]");
    expect(&bench, "a STORE 1 FLAGS (K5 \\Seen)", "* 1 FETCH (FLAGS (\\Seen k5))");
    expect(&bench, "a STORE 1 -FLAGS (onemore)", "a OK");
    close_bench(&bench);
}

/* A disk that is full: NO, and what was there is still there. The account then starts anew. */
static void test_full_disk(void **state)
{
    static const char *const lines[] = {
        "a APPEND INBOX {3+}\r\nabc",
        "a STORE 1 +FLAGS (\\Flagged)",
        "a COPY 1 Archive",
        "a CREATE new",
        "a SUBSCRIBE new",
        "a EXPUNGE",
        "a FETCH 1 BODY[TEXT]",
        "a RENAME Archive other",
        "a DELETE Archive",
        "a MOVE 1 Archive",
        "a CLOSE",
    };

    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
        struct bytes out;
        struct desk desk;
        struct imap_seat seat;

        desk_init(&desk, crash_vfs_get(crash));
        assert_int_equal(desk_open(&desk), ERR_OK);
        assert_int_equal(desk_append(&desk, desk_mailbox(&desk, "INBOX"), BYTES("A: b\r\n\r\nc"),
                                     FLAG_DELETED, NULL),
                         ERR_OK);
        imap_seat_open(&seat, &desk);
        (void)imap_seat_run(&seat, "a SELECT INBOX");
        crash_vfs_fail(crash, CRASH_FAIL_APPEND, 0, 10);
        out = imap_seat_run(&seat, lines[i]);
        /* To read is possible all the same; only \Seen is not set. */
        if (bytes_find(bytes_from_string(lines[i]), 0, BYTES("FETCH")) == 2)
            assert_true(bytes_starts_with(out, BYTES("* 1 FETCH (BODY[TEXT] ")));
        else if (bytes_find(out, 0, BYTES("a NO [UNAVAILABLE]")) == out.len)
            fail_msg("%s: %.*s", lines[i], (int)out.len, (const char *)out.at);
        imap_seat_close(&seat);
        desk_close(&desk);
        crash_vfs_free(crash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_body),         cmocka_unit_test(test_damage_in_a_stream),
        cmocka_unit_test(test_missing_body_segment), cmocka_unit_test(test_quota),
        cmocka_unit_test(test_keyword_limit),        cmocka_unit_test(test_full_disk),
    };
    int failed;

    (void)charset_open_all();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    charset_close_all();
    return failed;
}
