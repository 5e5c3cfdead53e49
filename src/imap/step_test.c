/* A session gives the shard back: what one step does is bounded, output that nobody reads stops
 * it, and it can be ended at any point (session.h). On a mailbox of 10,000 messages. RFC 9051
 * s5.3, s5.5, s6.3.9, s6.4.4.2; RFC 5182 s2. */
#include "imap/session.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "imap/selected.h"
#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "message/charset.h"

enum {
    MESSAGES = 10000,
    BATCH = 500,
    /* A step may pass its mark by what it had begun: a line, a chunk. */
    STEP_BYTES_MAX = IMAP_OUTPUT_STEP + BODY_CHUNK_BYTES + 1024,
};

struct bench {
    struct vfs *vfs;
    struct desk desk;
    struct imap_seat seat;
    struct imap_seat other;
};

static const char small[] = "Subject: small one\r\n\r\nneedle in hay\r\n";

static void fill(struct desk *desk, struct mailbox *mailbox, uint32_t count)
{
    for (uint32_t done = 0; done < count; done += BATCH) {
        struct append_item items[BATCH] = { 0 };
        struct origin origin = desk_origin(desk);
        struct uid first;

        for (int i = 0; i < BATCH; i++) {
            items[i].flags.flags = i % 2 == 0 ? FLAG_ANSWERED : 0;
            assert_int_equal(desk_body(desk, bytes_from_string(small), &items[i].body), ERR_OK);
        }
        assert_int_equal(desk_finish(desk, act_append(mailbox, &origin, items, BATCH, &first)),
                         ERR_OK);
    }
}

static void open_bench(struct bench *bench, uint32_t messages)
{
    bench->vfs = mem_vfs_new(1);
    desk_init(&bench->desk, bench->vfs);
    assert_int_equal(desk_open(&bench->desk), ERR_OK);
    fill(&bench->desk, desk_mailbox(&bench->desk, "INBOX"), messages);
    imap_seat_open(&bench->seat, &bench->desk);
    imap_seat_open(&bench->other, &bench->desk);
}

/* Nothing is left: no handle, no writer, no job. */
static void close_bench(struct bench *bench)
{
    imap_seat_close(&bench->seat);
    imap_seat_close(&bench->other);
    desk_close(&bench->desk);
    assert_int_equal(mem_vfs_open_files(bench->vfs), 0);
    mem_vfs_free(bench->vfs);
}

static bool ends_with_ok(struct bytes out, const char *tag)
{
    char line[40];
    size_t last = out.len;

    snprintf(line, sizeof(line), "%s OK", tag);
    while (last > 1 && out.at[last - 2] != '\n')
        last--;
    return bytes_starts_with(bytes_from(out, last == 0 ? 0 : last - 1), bytes_from_string(line));
}

static uint32_t count_of(struct bytes out, struct bytes word)
{
    uint32_t count = 0;

    for (size_t at = bytes_find(out, 0, word); at < out.len;
         at = bytes_find(out, at + word.len, word))
        count++;
    return count;
}

/* Runs, and checks that no step of it was too large and that there were enough of them. */
static struct bytes run(struct imap_seat *seat, const char *line, unsigned steps_min)
{
    struct bytes out = imap_seat_run(seat, line);

    if (seat->step_bytes_max > STEP_BYTES_MAX || seat->steps < steps_min)
        fail_msg("%s: %u steps, up to %zu bytes", line, seat->steps, seat->step_bytes_max);
    assert_true(ends_with_ok(out, "a"));
    return out;
}

static void test_large_answers(void **state)
{
    struct bench bench;
    struct bytes out;

    open_bench(&bench, MESSAGES);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    (void)run(&bench.other, "a SELECT INBOX", 1);
    out = run(&bench.seat, "a FETCH 1:* (UID FLAGS ENVELOPE)", MESSAGES / IMAP_MESSAGES_STEP);
    assert_int_equal(count_of(out, BYTES(" FETCH (UID ")), MESSAGES);
    out = run(&bench.seat, "a UID FETCH 1:* BODY.PEEK[]", MESSAGES / IMAP_MESSAGES_STEP);
    assert_int_equal(count_of(out, BYTES("needle")), MESSAGES);
    (void)run(&bench.seat, "a SEARCH ALL", MESSAGES / (8 * IMAP_MESSAGES_STEP) + 1);
    /* Reading, not matching, is what costs. */
    out = run(&bench.seat, "a SEARCH RETURN (COUNT) SUBJECT small", MESSAGES / 512);
    assert_int_equal(count_of(out, BYTES("COUNT 10000")), 1);
    (void)run(&bench.seat, "a SEARCH BODY needle", MESSAGES / 256);
    (void)run(&bench.seat, "a SEARCH RETURN (MIN) BODY needle", 1);
    assert_true(bench.seat.steps < 3);
    /* STORE tells each message, and the other session hears of each, both in steps. */
    out = run(&bench.seat, "a STORE 1:* +FLAGS (\\Flagged)", 5);
    assert_int_equal(count_of(out, BYTES(" FETCH (FLAGS (")), MESSAGES);
    out = run(&bench.other, "a NOOP", 5);
    assert_int_equal(count_of(out, BYTES(" FETCH (UID ")), MESSAGES);
    (void)run(&bench.other, "a NOOP", 1);
    assert_true(bench.other.steps < 3);
    close_bench(&bench);
}

/* STORE looks at no more messages in a step when it says little or nothing of them: of flags that
 * were there already, of MODIFIED. */
static void test_store_that_says_little(void **state)
{
    enum { STEPS = MESSAGES / IMAP_MESSAGES_STEP };
    struct bench bench;
    struct bytes out;

    open_bench(&bench, MESSAGES);
    (void)run(&bench.seat, "a SELECT INBOX (CONDSTORE)", 1);
    (void)run(&bench.seat, "a STORE 1:* +FLAGS.SILENT (\\Seen)", STEPS);
    out = run(&bench.seat, "a STORE 1:* +FLAGS.SILENT (\\Seen)", STEPS);
    assert_int_equal(count_of(out, BYTES("FETCH")), 0);
    out = run(&bench.seat, "a STORE 1:* (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Seen)", 2 * STEPS);
    assert_int_equal(count_of(out, BYTES("FETCH")), MESSAGES);
    assert_int_equal(count_of(out, BYTES("a OK [MODIFIED 1:10000] ")), 1);
    close_bench(&bench);
}

static void test_large_sets(void **state)
{
    struct bench bench;
    struct bytes out;

    open_bench(&bench, MESSAGES);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    (void)run(&bench.other, "a SELECT INBOX", 1);
    for (uint32_t uid = 2; uid <= MESSAGES; uid += 2)
        assert_int_equal(
            desk_flags(&bench.desk, desk_mailbox(&bench.desk, "INBOX"),
                       (struct desk_store){ { uid, uid }, FLAGS_ADD, FLAG_DELETED, BYTES("") },
                       NULL),
            ERR_OK);
    (void)run(&bench.seat, "a NOOP", 1);
    (void)run(&bench.seat, "a SEARCH RETURN (SAVE ALL COUNT) DELETED", 1);
    /* 5,000 ranges of sources: every one of them is in the code. */
    out = imap_seat_run(&bench.seat, "a COPY $ Archive");
    assert_true(ends_with_ok(out, "a"));
    assert_int_equal(count_of(out, BYTES(",")), MESSAGES / 2 - 1);
    assert_int_equal(count_of(out, BYTES(",10000 1:5000] COPY done")), 1);
    (void)run(&bench.seat, "a STORE 1:* +FLAGS.SILENT (\\Deleted)", 1);
    out = run(&bench.seat, "a EXPUNGE", 2);
    assert_true(bench.seat.step_bytes_max < IMAP_OUTPUT_STEP + 100);
    assert_int_equal(count_of(out, BYTES("* 1 EXPUNGE\r\n")), MESSAGES);
    out = run(&bench.other, "a NOOP", 2);
    assert_true(bench.other.step_bytes_max < IMAP_OUTPUT_STEP + 100);
    assert_int_equal(count_of(out, BYTES("* 1 EXPUNGE\r\n")), MESSAGES);
    (void)run(&bench.seat, "a SELECT Archive", 1);
    out = imap_seat_run(&bench.seat, "a MOVE 1:* Trash");
    assert_int_equal(count_of(out, BYTES("* 1 EXPUNGE\r\n")), MESSAGES / 2);
    close_bench(&bench);
}

/* Results of any length, and scattered as can be, are printed in steps. */
static void test_large_results(void **state)
{
    enum { MANY = 28000, KEYS = 200 };
    static const char key[] = " LARGER 9";
    static char keys[8 + KEYS * (sizeof(key) - 1) + 1];
    static const struct {
        const char *line;
        const char *head;
        const char *tail;
        struct bytes between;
    } rows[] = {
        { "a SEARCH ANSWERED", "* SEARCH 1 3 5 7 9 11 ", " 27997 27999\r\na OK", BYTES(" ") },
        { "a UID SEARCH ANSWERED", "* SEARCH 1 3 5 7 ", " 27997 27999\r\na OK", BYTES(" ") },
        { "a UID SEARCH RETURN (ALL COUNT) ANSWERED",
          "* ESEARCH (TAG \"a\") UID COUNT 14000 ALL 1,3,5,", ",27997,27999\r\na OK", BYTES(",") },
    };
    struct bench bench;

    open_bench(&bench, MANY);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bytes out = run(&bench.seat, rows[i].line, MANY / 2 / (8 * IMAP_MESSAGES_STEP) + 1);
        struct bytes tail = bytes_from_string(rows[i].tail);
        size_t end = bytes_find(out, 0, tail);

        assert_true(bench.seat.step_bytes_max < IMAP_OUTPUT_STEP + 100);
        assert_true(bytes_starts_with(out, bytes_from_string(rows[i].head)));
        assert_true(end < out.len);
        assert_in_range(count_of(bytes_slice(out, 0, end + tail.len - 6), rows[i].between),
                        MANY / 2 - 1, MANY / 2 + 7);
    }
    /* One range says nothing until it ends: to save and to print it takes steps all the same. */
    (void)run(&bench.seat, "a SEARCH RETURN (SAVE) ALL", MANY / (8 * IMAP_MESSAGES_STEP) + 1);
    (void)run(&bench.seat, "a UID SEARCH RETURN (ALL) ALL", MANY / (8 * IMAP_MESSAGES_STEP) + 1);
    /* Few keys are asked of many rows in a step, many keys of few. */
    assert_true(bench.seat.steps < 8);
    for (size_t at = 8; at < sizeof(keys) - 1; at += sizeof(key) - 1)
        memcpy(keys + at, key, sizeof(key) - 1);
    memcpy(keys, "a SEARCH", 8);
    (void)run(&bench.seat, keys, MANY / (512 * 1024 / KEYS));
    close_bench(&bench);
}

/* Blocks of rows begin anywhere, once messages have gone. */
static void test_search_after_expunge(void **state)
{
    enum { MANY = 9000, GONE = 37 };
    char wanted[200];
    struct bench bench;
    struct bytes out;

    open_bench(&bench, MANY);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    (void)run(&bench.seat, "a STORE 1:37 +FLAGS.SILENT (\\Deleted)", 1);
    (void)run(&bench.seat, "a EXPUNGE", 1);
    snprintf(wanted, sizeof(wanted), "COUNT %d\r\n", MANY / 2 - (GONE + 1) / 2);
    out = run(&bench.seat, "a SEARCH RETURN (MIN MAX COUNT) ANSWERED", 1);
    assert_true(bytes_find(out, 0, BYTES("MIN 2 MAX 8962 ")) < out.len);
    assert_true(bytes_find(out, 0, bytes_from_string(wanted)) < out.len);
    out = run(&bench.seat, "a SEARCH ANSWERED", 1);
    for (int number = 2; number <= MANY - GONE; number += 2) {
        snprintf(wanted, sizeof(wanted), " %d", number);
        assert_true(
            bytes_starts_with(bytes_from(out, bytes_find(out, 0, bytes_from_string(wanted))),
                              bytes_from_string(wanted)));
        out = bytes_from(out, bytes_find(out, 0, bytes_from_string(wanted)));
    }
    /* The first one that matches is told by its text, one behind it by its flags. */
    out = run(&bench.seat, "a SEARCH RETURN (MIN) OR 5:* SUBJECT small", 1);
    assert_true(bytes_find(out, 0, BYTES("MIN 1\r\n")) < out.len);
    out = run(&bench.seat, "a SEARCH RETURN (MIN) OR 5:* SUBJECT nothing", 1);
    assert_true(bytes_find(out, 0, BYTES("MIN 5\r\n")) < out.len);
    close_bench(&bench);
}

/* Small messages come faster than they are taken in: MULTIAPPEND, RFC 3502. */
static void test_many_messages_of_one_append(void **state)
{
    enum { COUNT = 5000 };
    struct buf line = buf_make(1 << 20);
    struct bench bench;
    struct bytes out;

    open_bench(&bench, 0);
    buf_add_string(&line, "a APPEND INBOX");
    for (int i = 0; i < COUNT; i++)
        buf_add_string(&line, " {1+}\r\nx");
    buf_add_byte(&line, '\0');
    out = run(&bench.seat, (const char *)buf_bytes(&line).at, COUNT * 4 / IMAP_MESSAGES_STEP);
    assert_int_equal(count_of(out, BYTES(" 1:5000] APPEND done")), 1);
    buf_done(&line);
    close_bench(&bench);
}

static void test_list(void **state)
{
    enum { MAILBOXES = 2500 };
    struct bench bench;
    struct bytes out;

    open_bench(&bench, 0);
    for (int i = 0; i < MAILBOXES; i++) {
        struct origin origin = desk_origin(&bench.desk);
        char name[40];

        snprintf(name, sizeof(name), "d/e/e/p/%d", i);
        assert_int_equal(
            act_mailbox_create(bench.desk.account, &origin, bytes_from_string(name), 0, NULL),
            ERR_OK);
    }
    out = run(&bench.seat, "a LIST \"\" * RETURN (STATUS (MESSAGES))", 3);
    assert_int_equal(count_of(out, BYTES("* STATUS")), MAILBOXES + 10);
    /* Each level looks at all that is below it: that counts as well. */
    (void)run(&bench.seat, "a LIST (SPECIAL-USE RECURSIVEMATCH) \"\" *", 8);
    close_bench(&bench);
}

static void test_pipeline(void **state)
{
    struct bench bench;

    open_bench(&bench, 0);
    for (int i = 0; i < 100; i++)
        imap_seat_say(&bench.seat, BYTES("a NOOP\r\n"));
    assert_int_equal(imap_seat_step(&bench.seat), IMAP_WANT_TURN);
    assert_int_equal(count_of(buf_bytes(&bench.seat.out), BYTES("a OK")), IMAP_COMMANDS_STEP);
    (void)imap_seat_finish(&bench.seat);
    assert_int_equal(bench.seat.steps, 100 / IMAP_COMMANDS_STEP);
    close_bench(&bench);
    /* One that may touch thousands of messages counts for more than one. */
    open_bench(&bench, MESSAGES);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    for (int i = 0; i < 30; i++)
        imap_seat_say(&bench.seat, i % 2 == 0 ? BYTES("a STORE 1:* +FLAGS.SILENT (\\Seen)\r\n")
                                              : BYTES("a UID STORE 1:* FLAGS.SILENT ()\r\n"));
    (void)imap_seat_finish(&bench.seat);
    assert_in_range(bench.seat.steps, 10, 12);
    close_bench(&bench);
}

/* All at once: one command after the other, and what ends a session ends what is behind it. */
static void test_pipelines(void **state)
{
    static const struct {
        const char *said;
        const char *heard; /* the last of it */
        const char *left; /* not taken */
    } rows[] = {
        { "a IDLE\r\nDONE\r\nb NOOP\r\n", "+ idling\r\na OK IDLE done\r\nb OK Done\r\n", "" },
        { "a IDLE\r\nb NOOP\r\nc NOOP\r\n", "+ idling\r\na BAD Expected DONE\r\nc OK Done\r\n",
          "" },
        { "a NOOP\r\nb LOGOUT\r\nc NOOP\r\n",
          "a OK Done\r\n* BYE Logging out\r\nb OK LOGOUT done\r\n", "c NOOP\r\n" },
        { "a UNAUTHENTICATE\r\nb LOGIN x y\r\n", "a OK Logged out, another login may follow\r\n",
          "b LOGIN x y\r\n" },
        { "a SELECT INBOX\r\nb CLOSE\r\nc FETCH 1 UID\r\n",
          "b OK No mailbox is selected now\r\nc BAD No mailbox is selected: SELECT one first\r\n",
          "" },
        { "a SELECT INBOX\r\nb SEARCH RETURN (SAVE) 2\r\nc FETCH $ UID\r\n",
          "b OK SEARCH done\r\n* 2 FETCH (UID 2)\r\nc OK FETCH done\r\n", "" },
        { "a SELECT INBOX\r\nb STORE 1 +FLAGS.SILENT (\\Deleted)\r\nc EXPUNGE\r\nd FETCH 1 UID\r\n",
          "b OK STORE done\r\n* 1 EXPUNGE\r\nc OK EXPUNGE done\r\n* 1 FETCH (UID 2)\r\n"
          "d OK FETCH done\r\n",
          "" },
        { "a CREATE {3+}\r\nnew\r\nb APPEND new {3+}\r\nabc\r\nc STATUS new (MESSAGES)\r\n",
          "b OK [APPENDUID 1700000006 1] APPEND done\r\n* STATUS new (MESSAGES 1)\r\n"
          "c OK STATUS done\r\n",
          "" },
        { "a ENABLE IMAP4rev2\r\nb CREATE \"\xc3\xbc\"\r\nc LIST \"\" \"\xc3\xbc\"\r\n",
          "* LIST (\\HasNoChildren) \"/\" \"\xc3\xbc\"\r\nc OK LIST done\r\n", "" },
        { "a NOOP\nb NOOP\n", "a OK Done\r\nb OK Done\r\n", "" }, /* lines of a person */
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bench bench;
        struct bytes out;

        open_bench(&bench, BATCH);
        imap_seat_say(&bench.seat, bytes_from_string(rows[i].said));
        (void)imap_seat_step(&bench.seat);
        out = buf_bytes(&bench.seat.out);
        if (!bytes_ends_with(out, bytes_from_string(rows[i].heard)) ||
            !bytes_equal(buf_bytes(&bench.seat.unsent), bytes_from_string(rows[i].left)))
            fail_msg("%s: %.*s", rows[i].said, (int)out.len, (const char *)out.at);
        assert_int_equal(bench.seat.steps, 2); /* the first was the login */
        close_bench(&bench);
    }
}

/* Items that are asked for again and again come in steps too, within the line of one message. */
static void test_many_items_of_one_message(void **state)
{
    enum { PARTS = 2000, ITEMS = 100 };
    struct buf text = buf_make(1 << 20);
    struct buf line = buf_make(1 << 16);
    struct bench bench;
    struct bytes out;

    open_bench(&bench, 0);
    buf_add(&text, BYTES("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (int i = 0; i < PARTS; i++)
        buf_add(&text, BYTES("--b\r\n\r\nx\r\n"));
    assert_int_equal(desk_append(&bench.desk, desk_mailbox(&bench.desk, "INBOX"), buf_bytes(&text),
                                 FLAG_SEEN, NULL),
                     ERR_OK);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    buf_add(&line, BYTES("a FETCH 1 (UID"));
    for (int i = 1; i < ITEMS; i++)
        buf_add(&line, i % 2 == 0 ? BYTES(" BODYSTRUCTURE") : BYTES(" BODY"));
    buf_add(&line, bytes_make(")", 2));
    out = imap_seat_run(&bench.seat, (const char *)buf_bytes(&line).at);
    assert_true(bench.seat.steps > ITEMS / 2);
    assert_in_range(bench.seat.step_bytes_max, 1, IMAP_OUTPUT_STEP + 200 * PARTS);
    assert_true(ends_with_ok(out, "a"));
    assert_int_equal(count_of(out, BYTES(" BODYSTRUCTURE (")), ITEMS / 2 - 1);
    assert_int_equal(count_of(out, BYTES(" FETCH (UID 1 BODY (")), 1);
    assert_int_equal(count_of(out, BYTES("\r\n")), 2);
    buf_done(&line);
    buf_done(&text);
    close_bench(&bench);
}

/* A client that asks and does not read: its session stops, alone, and is ended in the end. */
static void test_slow_reader(void **state)
{
    struct bench bench;
    size_t held;

    open_bench(&bench, MESSAGES);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    buf_clear(&bench.seat.out);
    imap_seat_say(&bench.seat, BYTES("a FETCH 1:* (FLAGS BODY.PEEK[])\r\n"));
    for (int i = 0; i < 100 && bench.seat.want != IMAP_WANT_DRAIN; i++)
        (void)imap_seat_step(&bench.seat);
    assert_int_equal(bench.seat.want, IMAP_WANT_DRAIN);
    held = bench.seat.out.len;
    assert_in_range(held, IMAP_OUTPUT_HIGH, IMAP_OUTPUT_HIGH + STEP_BYTES_MAX);
    for (int i = 0; i < 5; i++)
        assert_int_equal(imap_seat_step(&bench.seat), IMAP_WANT_DRAIN);
    assert_int_equal(bench.seat.out.len, held);
    (void)run(&bench.other, "a SELECT INBOX", 1);

    /* Half an hour for a piece is no idleness as long as it reads. */
    for (int i = 0; i < 4; i++) {
        bench.seat.now.mono.ms += imap_session_limits_default.idle_ms_max - 1;
        buf_clear(&bench.seat.out);
        (void)imap_seat_step(&bench.seat);
        assert_int_not_equal(bench.seat.want, IMAP_WANT_CLOSE);
    }
    while (bench.seat.want != IMAP_WANT_DRAIN)
        (void)imap_seat_step(&bench.seat);
    assert_int_equal(imap_session_deadline(bench.seat.session).ms,
                     bench.seat.now.mono.ms + imap_session_limits_default.idle_ms_max);
    bench.seat.now.mono.ms += imap_session_limits_default.idle_ms_max;
    assert_int_equal(imap_seat_step(&bench.seat), IMAP_WANT_CLOSE);
    close_bench(&bench);
}

/* Ended in the middle of anything, with cold caches and jobs on their way. */
static void test_freed(void **state)
{
    static const char *const lines[] = {
        "a FETCH 1:* (FLAGS)",
        "a FETCH 1:* (BODY[])",
        "a FETCH 1:* (ENVELOPE BODY.PEEK[HEADER.FIELDS (X-Other)])",
        "a FETCH 1:* (BINARY[1])",
        "a SEARCH HEADER X-Other x",
        "a SEARCH BODY nothing",
        "a STORE 1:* FLAGS (\\Seen)",
        "a IDLE",
        "a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" *",
        "a APPEND INBOX {100}\r\nhalf",
        "a APPEND INBOX {3+}\r\none {100+}\r\nhalf",
        "a APPEND INBOX {70000+}\r\nhalf",
        "a APPEND nowhere {70000+}\r\nhalf",
        "a SEARCH SUBJECT {100+}\r\nhalf",
    };

    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        for (unsigned steps = 1; steps <= 3; steps++) {
            struct bench bench;

            open_bench(&bench, 2 * BATCH);
            (void)run(&bench.seat, "a SELECT INBOX", 1);
            mem_vfs_chill(bench.vfs);
            imap_seat_say(&bench.seat, bytes_from_string(lines[i]));
            imap_seat_say(&bench.seat, BYTES("\r\n"));
            for (unsigned step = 0; step < steps; step++)
                (void)imap_seat_step(&bench.seat);
            if (steps == 2) {
                imap_session_bye(bench.seat.session, "The server stops");
                assert_int_equal(imap_seat_step(&bench.seat), IMAP_WANT_CLOSE);
            }
            imap_seat_close(&bench.seat);
            bench.seat.wakes = 0;
            desk_settle(&bench.desk);
            assert_int_equal(bench.seat.wakes, 0);
            (void)run(&bench.other, "a SELECT INBOX", 1);
            (void)run(&bench.other, "a FETCH 1,1000 (ENVELOPE BODY.PEEK[])", 1);
            close_bench(&bench);
        }
    }
}

/* A body larger than anything held in memory, in and out, whole and in part, as it is and decoded.
 */
static void test_large_body(void **state)
{
    static const char head[] = "Subject: large\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    enum { LINES = 20000, LINE = 14 }; /* "QUJDREVGR0hJ" CRLF: nine letters */
    struct buf text = buf_make(LINES * LINE + 1000);
    struct bench bench;
    struct bytes out;
    char line[100];

    buf_add_string(&text, head);
    for (int i = 0; i < LINES; i++)
        buf_add_string(&text, "QUJDREVGR0hJ\r\n");
    open_bench(&bench, 0);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    snprintf(line, sizeof(line), "a APPEND INBOX {%zu+}\r\n", text.len);
    imap_seat_say(&bench.seat, bytes_from_string(line));
    imap_seat_say(&bench.seat, buf_bytes(&text));
    out = run(&bench.seat, "", 1);
    mem_vfs_chill(bench.vfs);
    out = run(&bench.seat, "a FETCH 1 BODY.PEEK[]", LINES * LINE / IMAP_OUTPUT_STEP);
    snprintf(line, sizeof(line), "* 1 FETCH (BODY[] {%zu}\r\n", text.len);
    assert_true(bytes_starts_with(out, bytes_from_string(line)));
    assert_true(bytes_equal(bytes_slice(out, strlen(line), text.len), buf_bytes(&text)));
    assert_true(bytes_starts_with(bytes_from(out, strlen(line) + text.len), BYTES(")\r\na OK")));
    mem_vfs_chill(bench.vfs);
    out = run(&bench.seat, "a FETCH 1 (BODY.PEEK[1]<140000.28> BINARY.SIZE[1])", 1);
    assert_true(bytes_starts_with(out, BYTES("* 1 FETCH (BODY[1]<140000> {28}\r\n"
                                             "QUJDREVGR0hJ\r\nQUJDREVGR0hJ\r\n BINARY.SIZE[1] "
                                             "180000)\r\na OK")));
    mem_vfs_chill(bench.vfs);
    out = run(&bench.seat, "a FETCH 1 BINARY.PEEK[1]", 2);
    assert_int_equal(count_of(out, BYTES("ABCDEFGHI")), LINES);
    out = run(&bench.seat, "a FETCH 1 BINARY.PEEK[1]<90001.10>", 1);
    assert_true(bytes_starts_with(out, BYTES("* 1 FETCH (BINARY[1]<90001> {10}\r\nBCDEFGHIAB)")));
    out = run(&bench.seat, "a SEARCH BODY ihgfed", 1);
    assert_true(bytes_starts_with(out, BYTES("* SEARCH\r\n")));
    out = run(&bench.seat, "a SEARCH BODY ghiabc", 1);
    assert_true(bytes_starts_with(out, BYTES("* SEARCH 1\r\n")));
    close_bench(&bench);
    buf_done(&text);
}

/* A header that is longer than what is looked at: what is told of it ends with an empty line. */
static void test_large_header(void **state)
{
    enum { LINES = 140000, LINE = 8 };
    struct buf text = buf_make(LINES * LINE + 1000);
    struct bench bench;
    struct bytes out;
    char line[100];

    buf_add_string(&text, "Subject: large\r\nX-Large: x\r\n");
    for (int i = 0; i < LINES; i++)
        buf_add_string(&text, " words\r\n");
    buf_add_string(&text, "To: a@b\r\n\r\nbody\r\n");
    open_bench(&bench, 0);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    snprintf(line, sizeof(line), "a APPEND INBOX {%zu+}\r\n", text.len);
    imap_seat_say(&bench.seat, bytes_from_string(line));
    imap_seat_say(&bench.seat, buf_bytes(&text));
    (void)run(&bench.seat, "", 1);
    out = run(&bench.seat, "a FETCH 1 (BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[TEXT])", 1);
    assert_true(bytes_starts_with(out, BYTES("* 1 FETCH (BODY[HEADER.FIELDS (Subject)] {18}\r\n"
                                             "Subject: large\r\n\r\n BODY[TEXT] {6}\r\nbody")));
    out = imap_seat_run(&bench.seat, "a FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (Subject)]");
    assert_true(bytes_find(out, 0, BYTES("\r\n\r\n)\r\na OK")) < out.len);
    close_bench(&bench);
    buf_done(&text);
}

static void add_many(struct imap_seat *seat, size_t count)
{
    for (size_t i = 0; i < count; i++)
        imap_seat_say(seat, BYTES("x"));
}

/* Lines and literals above their limits. */
static void test_too_long(void **state)
{
    size_t line_max = imap_session_limits_default.frame.line_bytes_max;
    struct bench bench;
    struct bytes out;

    open_bench(&bench, 0);
    imap_seat_say(&bench.seat, BYTES("t1 "));
    add_many(&bench.seat, line_max);
    out = imap_seat_run(&bench.seat, "");
    assert_true(bytes_equal(
        out, BYTES("t1 BAD [LIMIT] At most 65536 bytes in one line, 262144 in one command\r\n")));
    (void)run(&bench.seat, "a NOOP", 1);
    /* A literal behind such a line is passed over as well. */
    imap_seat_say(&bench.seat, BYTES("t2 "));
    add_many(&bench.seat, line_max);
    out = imap_seat_run(&bench.seat, "{9+}\r\nt3 NOOP\r\nt4 NOOP");
    assert_true(bytes_equal(
        out, BYTES("t2 BAD [LIMIT] At most 65536 bytes in one line, 262144 in one command\r\n")));
    imap_seat_say(&bench.seat, BYTES("t5 CREATE {65537+}\r\n"));
    add_many(&bench.seat, 65537);
    out = imap_seat_run(&bench.seat, "");
    assert_true(bytes_starts_with(out, BYTES("t5 BAD [TOOBIG]")));
    assert_int_equal(count_of(out, BYTES("\r\n")), 1);
    (void)run(&bench.seat, "a NOOP", 1);
    out = imap_seat_run(&bench.seat, "t6 CREATE {99999999999999999999+}");
    assert_true(bytes_starts_with(out, BYTES("* BYE ")));
    assert_int_equal(bench.seat.want, IMAP_WANT_CLOSE);
    close_bench(&bench);
}

/* RFC 9051 section 6.4.4.3: a result may be refused to be kept. */
static void test_saved_limit(void **state)
{
    struct imap_selected selected = { 0 };
    struct uid_range *ranges = calloc(IMAP_SAVED_RANGES_MAX + 1, sizeof(*ranges));

    assert_non_null(ranges);
    assert_true(imap_selected_save(&selected, (struct uid_set){ ranges, IMAP_SAVED_RANGES_MAX }));
    assert_int_equal(selected.saved_count, IMAP_SAVED_RANGES_MAX);
    assert_false(
        imap_selected_save(&selected, (struct uid_set){ ranges, IMAP_SAVED_RANGES_MAX + 1 }));
    assert_int_equal(selected.saved_count, 0);
    assert_null(selected.saved);
    free(ranges);
}

/* NOTSAVED, and nothing is saved then (RFC 9051 section 6.4.4.3): every other message is one range.
 */
static void test_scattered_result(void **state)
{
    struct bench bench;

    open_bench(&bench, 2 * IMAP_SAVED_RANGES_MAX + 2 * BATCH);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    assert_true(bytes_ends_with(run(&bench.seat, "a SEARCH RETURN (SAVE) 1", 1),
                                BYTES("a OK SEARCH done\r\n")));
    assert_true(bytes_equal(imap_seat_run(&bench.seat, "a SEARCH RETURN (SAVE COUNT) ANSWERED"),
                            BYTES("a NO [NOTSAVED] Result is too scattered to be saved\r\n")));
    assert_true(bytes_equal(run(&bench.seat, "a SEARCH RETURN (COUNT) $", 1),
                            BYTES("* ESEARCH (TAG \"a\") COUNT 0\r\na OK SEARCH done\r\n")));
    close_bench(&bench);
}

/* A session that sleeps holds no buffer: what it costs is a few structs. */
static void test_idle_memory(void **state)
{
    enum { IDLE_BYTES_MAX = 4096 };
    struct imap_seat seats[16];
    struct bench bench;
    size_t before;

    open_bench(&bench, BATCH);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    (void)run(&bench.seat, "a FETCH 1:* (BODY.PEEK[] ENVELOPE)", 1);
    before = mallinfo2().uordblks;
    for (size_t i = 0; i < ARRAY_COUNT(seats); i++) {
        imap_seat_open(&seats[i], &bench.desk);
        (void)run(&seats[i], "a SELECT INBOX", 1);
        (void)run(&seats[i], "a FETCH 1:* (BODY.PEEK[] ENVELOPE)", 1);
        imap_seat_say(&seats[i], BYTES("a IDLE\r\n"));
        assert_int_equal(imap_seat_step(&seats[i]), IMAP_WANT_INPUT);
        buf_done(&seats[i].unsent);
        buf_done(&seats[i].out);
    }
    /* Nothing is counted where a sanitizer allocates. */
    assert_true(mallinfo2().uordblks <= before + ARRAY_COUNT(seats) * IDLE_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(seats); i++)
        imap_seat_close(&seats[i]);
    close_bench(&bench);
}

/* However many large messages one APPEND brings, only the one that is coming in takes a file. */
static void test_many_large_messages(void **state)
{
    enum { LARGE = 70000, COUNT = 200 };
    unsigned files;
    struct bench bench;
    struct bytes out;

    open_bench(&bench, 0);
    files = mem_vfs_open_files(bench.vfs);
    imap_seat_say(&bench.seat, BYTES("a APPEND INBOX"));
    for (int i = 0; i < COUNT; i++) {
        imap_seat_say(&bench.seat, BYTES(" {70000+}\r\n"));
        add_many(&bench.seat, LARGE);
        (void)imap_seat_finish(&bench.seat);
        assert_in_range(mem_vfs_open_files(bench.vfs), 1, files + 1);
    }
    out = imap_seat_run(&bench.seat, "");
    assert_true(ends_with_ok(out, "a"));
    assert_true(bytes_find(out, 0, BYTES(" 1:200]")) < out.len);
    out = imap_seat_run(&bench.seat, "a STATUS INBOX (MESSAGES)");
    assert_true(bytes_find(out, 0, BYTES("(MESSAGES 200)")) < out.len);
    close_bench(&bench);
}

/* A session whose view holds on to too much of the past is told to go, and the others stay. */
static void test_old_view(void **state)
{
    enum { LIMIT = BATCH * 2 }; /* flags and MODSEQ of all, a byte each once they differ */
    struct bench bench;
    struct bytes out;

    open_bench(&bench, BATCH);
    imap_seat_close(&bench.seat);
    imap_seat_close(&bench.other);
    desk_close(&bench.desk);
    bench.desk.options.pinned_bytes_max = LIMIT;
    assert_int_equal(desk_open(&bench.desk), ERR_OK);
    imap_seat_open(&bench.seat, &bench.desk);
    imap_seat_open(&bench.other, &bench.desk);
    (void)run(&bench.other, "a SELECT INBOX", 1);
    (void)run(&bench.other, "a STORE 1:100 +FLAGS.SILENT (\\Answered first)", 1);
    (void)run(&bench.seat, "a SELECT INBOX", 1);
    (void)run(&bench.other, "a STORE 1:* +FLAGS.SILENT (\\Seen)", 1);
    (void)desk_tick(&bench.desk); /* at the limit */
    assert_false(imap_session_is_overdue(bench.seat.session, bench.seat.now.mono));
    (void)run(&bench.other, "a STORE 1 +FLAGS.SILENT (keyword)", 1);
    (void)run(&bench.other, "a UID EXPUNGE 1", 1);
    (void)run(&bench.other, "a STORE 50 +FLAGS.SILENT (\\Deleted)", 1);
    (void)run(&bench.other, "a EXPUNGE", 1);
    buf_clear(&bench.seat.out);
    bench.seat.wakes = 0;
    (void)desk_tick(&bench.desk);
    assert_int_equal(bench.seat.wakes, 1);
    assert_true(imap_session_is_overdue(bench.seat.session, bench.seat.now.mono));
    out = imap_seat_finish(&bench.seat);
    assert_true(bytes_starts_with(out, BYTES("* BYE ")));
    assert_int_equal(bench.seat.want, IMAP_WANT_CLOSE);
    assert_false(imap_session_is_overdue(bench.other.session, bench.other.now.mono));
    (void)run(&bench.other, "a FETCH 1:* FLAGS", 1);
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_answers),
        cmocka_unit_test(test_store_that_says_little),
        cmocka_unit_test(test_large_sets),
        cmocka_unit_test(test_pipelines),
        cmocka_unit_test(test_many_items_of_one_message),
        cmocka_unit_test(test_large_results),
        cmocka_unit_test(test_search_after_expunge),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_many_messages_of_one_append),
        cmocka_unit_test(test_pipeline),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_freed),
        cmocka_unit_test(test_large_body),
        cmocka_unit_test(test_large_header),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_saved_limit),
        cmocka_unit_test(test_idle_memory),
        cmocka_unit_test(test_many_large_messages),
        cmocka_unit_test(test_old_view),
        cmocka_unit_test(test_scattered_result),
    };
    int failed;

    (void)charset_open_all();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    charset_close_all();
    return failed;
}
