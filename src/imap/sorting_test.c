/* SORT in steps: whole answers, ended at any point, read once, of mail that is damaged or too much
 * (RFC 5256 s3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/cursor.h"
#include "imap/session.h"
#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"
#include "search/texts.h"

enum { MANY = 40000, BATCH = 500, MODULUS = 39989 /* a prime */ };

struct bench {
    struct vfs *vfs;
    struct desk desk;
    struct imap_seat seat;
    struct search_texts *texts;
};

/* Message n, from 1 on, is number n * 7919 modulo MODULUS by its Date and by its Subject. */
static uint32_t rank_of(uint32_t number)
{
    return (uint32_t)((uint64_t)number * 7919 % MODULUS);
}

static void add_batch(struct desk *desk, uint32_t first)
{
    struct append_item items[BATCH] = { 0 };
    struct origin origin = desk_origin(desk);
    struct uid uid;

    for (uint32_t i = 0; i < BATCH; i++) {
        uint32_t rank = rank_of(first + i);
        char text[200];
        int len = snprintf(text, sizeof(text),
                           "Date: 1 Jan 2020 %02u:%02u:%02u +0000\r\nFrom: a%u@x\r\n"
                           "Subject: Re: the one whose number is %05u\r\n\r\nx\r\n",
                           rank / 3600, rank / 60 % 60, rank % 60, rank % 2, rank);

        assert_int_equal(desk_body(desk, bytes_make(text, (size_t)len), &items[i].body), ERR_OK);
    }
    assert_int_equal(
        desk_finish(desk, act_append(desk_mailbox(desk, "INBOX"), &origin, items, BATCH, &uid)),
        ERR_OK);
}

static void open_bench(struct bench *bench, uint32_t messages)
{
    bench->vfs = mem_vfs_new(1);
    desk_init(&bench->desk, bench->vfs);
    assert_int_equal(desk_open(&bench->desk), ERR_OK);
    for (uint32_t done = 0; done < messages; done += BATCH) {
        add_batch(&bench->desk, done + 1);
        desk_sync(&bench->desk);
        (void)desk_tick(&bench->desk);
    }
    bench->texts = search_texts_new(1 << 24);
    imap_seat_open_with(&bench->seat, &bench->desk, bench->texts);
    (void)imap_seat_run(&bench->seat, "a SELECT INBOX");
}

static void close_bench(struct bench *bench)
{
    imap_seat_close(&bench->seat);
    search_texts_free(bench->texts);
    desk_close(&bench->desk);
    assert_int_equal(mem_vfs_open_files(bench->vfs), 0);
    mem_vfs_free(bench->vfs);
}

/* "* SORT", all of them in order (`by_sender`: by that first), and nothing else. */
static void check_order(struct bytes out, bool by_sender, bool reverse)
{
    struct cursor cur = cursor_make(out);
    uint64_t before = 0;

    assert_true(cursor_skip_word(&cur, BYTES("* SORT")));
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t number = 0;
        uint64_t key;

        assert_true(cursor_skip(&cur, ' '));
        for (; cursor_peek(&cur) >= '0' && cursor_peek(&cur) <= '9'; cur.offset++)
            number = number * 10 + (uint64_t)(cursor_peek(&cur) - '0');
        assert_in_range(number, 1, MANY);
        key = rank_of((uint32_t)number);
        key = reverse ? MODULUS - key : key;
        key = (key + (by_sender ? MODULUS * (uint64_t)(rank_of((uint32_t)number) % 2) : 0)) *
                  (MANY + 1) +
              number;
        assert_true(i == 0 || key > before);
        before = key;
    }
    assert_true(cursor_skip_word(&cur, BYTES("\r\na OK SORT done\r\n")));
    assert_true(cursor_at_end(&cur));
}

static void test_steps(void **state)
{
    static const struct {
        const char *line;
        bool by_sender;
        bool reverse;
    } rows[] = {
        { "a SORT (DATE) UTF-8 ALL", false, false },
        { "a SORT (REVERSE SUBJECT) UTF-8 ALL", false, true },
        { "a SORT (FROM SUBJECT SIZE) UTF-8 ALL", true, false },
        { "a UID SORT (FROM REVERSE DATE CC) US-ASCII UNDELETED", true, true },
    };
    struct bench bench;

    (void)state;
    open_bench(&bench, MANY);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (int round = 0; round < 2; round++) {
            struct bytes out = imap_seat_run(&bench.seat, rows[i].line);

            check_order(out, rows[i].by_sender, rows[i].reverse);
            assert_true(bench.seat.step_bytes_max < IMAP_OUTPUT_STEP + 100);
            assert_true(bench.seat.steps >= 6); /* to collect, to put in order, to tell */
        }
    }
    close_bench(&bench);
}

/* What was compared once is in memory: with a cold disk nothing is waited for. */
static void test_reads_once(void **state)
{
    struct bench bench;
    unsigned wakes;

    (void)state;
    open_bench(&bench, BATCH);
    mem_vfs_chill(bench.vfs);
    wakes = bench.seat.wakes;
    (void)imap_seat_run(&bench.seat, "a SORT (SUBJECT DATE) UTF-8 ALL");
    assert_true(bench.seat.wakes > wakes);
    for (int i = 0; i < 2; i++) {
        mem_vfs_chill(bench.vfs);
        wakes = bench.seat.wakes;
        (void)imap_seat_run(&bench.seat, i == 0 ? "a SORT (REVERSE DATE) UTF-8 ALL"
                                                : "a UID SORT (SUBJECT SIZE ARRIVAL) UTF-8 ALL");
        assert_int_equal(bench.seat.wakes, wakes);
    }
    close_bench(&bench);
}

/* Nothing is left of a session that ends in the middle. */
static void test_ended_anywhere(void **state)
{
    (void)state;
    for (unsigned steps = 1; steps < 40; steps += 3) {
        struct bench bench;

        open_bench(&bench, 2 * BATCH);
        mem_vfs_chill(bench.vfs);
        imap_seat_say(&bench.seat, BYTES("a SORT (SUBJECT DATE FROM) UTF-8 ALL\r\n"));
        for (unsigned step = 0; step < steps; step++) {
            (void)imap_seat_step(&bench.seat);
            if (step % 2 == 0)
                desk_settle(&bench.desk);
        }
        close_bench(&bench);
    }
}

/* A message that cannot be read is sorted as one without a header; the answer says so. */
static void test_damage(void **state)
{
    static const char *const derived[] = { "summary", "summary.index" };
    struct bench bench;
    struct bytes out;
    struct bytes file;
    const char *path;

    (void)state;
    open_bench(&bench, 0);
    (void)imap_seat_run(&bench.seat, "a APPEND INBOX {21+}\r\nSubject: b\r\n\r\nfirst\r\n");
    (void)imap_seat_run(&bench.seat, "a APPEND INBOX {22+}\r\nSubject: a\r\n\r\nsecond\r\n");
    imap_seat_close(&bench.seat);
    desk_close(&bench.desk);
    for (size_t i = 0; i < ARRAY_COUNT(derived); i++)
        (void)bench.vfs->unlink(bench.vfs, derived[i]);
    for (unsigned i = 0; (path = mem_vfs_path(bench.vfs, i)) != NULL; i++) {
        file = mem_vfs_file(bench.vfs, path);
        if (bytes_find(file, 0, BYTES("first")) < file.len)
            mem_vfs_damage(bench.vfs, path, bytes_find(file, 0, BYTES("first")), 1);
    }
    assert_int_equal(desk_open(&bench.desk), ERR_OK);
    imap_seat_open_with(&bench.seat, &bench.desk, bench.texts);
    (void)imap_seat_run(&bench.seat, "a SELECT INBOX");
    for (int i = 0; i < 2; i++) {
        out = imap_seat_run(&bench.seat, "a SORT (SUBJECT) UTF-8 ALL");
        assert_true(bytes_starts_with(
            out, BYTES("* SORT 1 2\r\na OK SORT done, but some messages are damaged\r\n")));
    }
    out = imap_seat_run(&bench.seat, "a SORT (REVERSE SIZE) UTF-8 ALL");
    assert_true(bytes_starts_with(out, BYTES("* SORT 2 1\r\na OK SORT done\r\n")));
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_reads_once),
        cmocka_unit_test(test_ended_anywhere),
        cmocka_unit_test(test_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
