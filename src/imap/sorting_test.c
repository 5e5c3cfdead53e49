/* SORT in steps: whole answers, ended at any point, read once, of mail that is damaged or too much
 * (RFC 5256 s3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/cursor.h"
#include "imap/session.h"
#include "kit/imap_bench.h"
#include "kit/mem_vfs.h"

enum { MANY = 40000, FEW = 500, MODULUS = 39989 /* a prime */ };

/* Message n, from 1 on, is number n * 7919 modulo MODULUS by its Date and by its Subject. */
static uint32_t rank_of(uint32_t number)
{
    return (uint32_t)((uint64_t)number * 7919 % MODULUS);
}

static void write_message(uint32_t number, struct buf *out)
{
    uint32_t rank = rank_of(number);

    buf_add_format(out,
                   "Date: 1 Jan 2020 %02u:%02u:%02u +0000\r\nFrom: a%u@x\r\n"
                   "Subject: Re: the one whose number is %05u\r\n\r\nx\r\n",
                   rank / 3600, rank / 60 % 60, rank % 60, rank % 2, rank);
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
    struct imap_bench bench;

    (void)state;
    imap_bench_open(&bench, MANY, write_message);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (int round = 0; round < 2; round++) {
            struct bytes out = imap_seat_run(&bench.seat, rows[i].line);

            check_order(out, rows[i].by_sender, rows[i].reverse);
            assert_true(bench.seat.step_bytes_max < IMAP_OUTPUT_STEP + 100);
            assert_true(bench.seat.steps >= 6); /* to collect, to put in order, to tell */
        }
    }
    imap_bench_close(&bench);
}

/* What was compared once is in memory: with a cold disk nothing is waited for. */
static void test_reads_once(void **state)
{
    struct imap_bench bench;
    unsigned wakes;

    (void)state;
    imap_bench_open(&bench, FEW, write_message);
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
    imap_bench_close(&bench);
}

/* Nothing is left of a session that ends between any two steps. */
static void test_ended_anywhere(void **state)
{
    struct imap_bench bench;
    struct buf said = buf_make(1024 * 1024);
    unsigned steps = 0;

    (void)state;
    imap_bench_open(&bench, 8 * FEW, write_message);
    do {
        mem_vfs_chill(bench.vfs);
        imap_bench_forget(&bench);
        imap_bench_end_after(&bench, "a SORT (SUBJECT DATE FROM) UTF-8 ALL", ++steps, &said);
    } while (bytes_find(buf_bytes(&said), 0, BYTES("a OK")) == said.len);
    assert_true(steps > 10);
    buf_done(&said);
    imap_bench_close(&bench);
}

/* A message that cannot be read is sorted as one without a header; the answer says so. */
static void test_damage(void **state)
{
    struct imap_bench bench;
    struct bytes out;

    (void)state;
    imap_bench_open(&bench, 0, write_message);
    (void)imap_seat_run(&bench.seat, "a APPEND INBOX {21+}\r\nSubject: b\r\n\r\nfirst\r\n");
    (void)imap_seat_run(&bench.seat, "a APPEND INBOX {22+}\r\nSubject: a\r\n\r\nsecond\r\n");
    imap_bench_damage(&bench, "first");
    for (int i = 0; i < 2; i++) {
        out = imap_seat_run(&bench.seat, "a SORT (SUBJECT) UTF-8 ALL");
        assert_true(bytes_starts_with(
            out, BYTES("* SORT 1 2\r\na OK SORT done, but some messages are damaged\r\n")));
    }
    out = imap_seat_run(&bench.seat, "a SORT (REVERSE SIZE) UTF-8 ALL");
    assert_true(bytes_starts_with(out, BYTES("* SORT 2 1\r\na OK SORT done\r\n")));
    imap_bench_close(&bench);
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
