/* THREAD in steps: whole answers, ended at any point, read once, of mail that is damaged, deep, or
 * too much (RFC 5256 s3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "imap/session.h"
#include "kit/imap_bench.h"
#include "kit/mem_vfs.h"
#include "search/thread.h"

enum {
    MANY = 40000,
    FEW = 500,
    DEEP = 100, /* their hashes are few enough to be kept in memory */
    EACH = 4, /* messages of one thread */
    SOME_WIDE = 9000, /* whose nodes are too many to be given back in one step */
    TOO_WIDE = 21000, /* more than there is room for */
};

/* How a mailbox begins, and its threads. */
struct shape {
    imap_bench_write *write;
    uint32_t each;
    bool is_nested; /* the one that they answer is missing */
};

static void write_message(uint32_t number, struct bytes references, struct buf *out)
{
    buf_add_format(out, "Date: 1 Jan 2020 %02u:%02u:%02u +0000\r\nMessage-ID: <%u@x>\r\n",
                   number / 3600, number / 60 % 60, number % 60, number);
    if (references.len > 0) {
        buf_add_string(out, "References:");
        buf_add(out, references);
        buf_add_string(out, "\r\n");
    }
    buf_add_format(out, "Subject: %s%u\r\n\r\nx\r\n", references.len > 0 ? "Re: " : "", number / 2);
}

/* Each answers the one before it. */
static void write_chain(uint32_t number, struct buf *out)
{
    struct buf references = buf_make(100);

    if (number > 1)
        buf_add_format(&references, " <%u@x>", number - 1);
    write_message(number, buf_bytes(&references), out);
    buf_done(&references);
}

/* The same, but for the first of each EACH. */
static void write_groups(uint32_t number, struct buf *out)
{
    if (number % EACH == 1)
        write_message(number, BYTES(""), out);
    else
        write_chain(number, out);
}

/* EACH answer one that is missing, as is the one that it has answered. */
static void write_missing(uint32_t number, struct buf *out)
{
    struct buf references = buf_make(100);
    uint32_t group = (number - 1) / EACH;

    buf_add_format(&references, " <above-%u@x> <missing-%u@x>", group, group);
    write_message(number + MANY, buf_bytes(&references), out);
    buf_done(&references);
}

/* Each answers all before it, or the last of them. */
static void write_deep(uint32_t number, struct buf *out)
{
    struct buf references = buf_make(10000);

    for (uint32_t i = number <= DEEP ? 1 : number - DEEP; i < number; i++)
        buf_add_format(&references, " <%u@x>", i);
    write_message(number, buf_bytes(&references), out);
    buf_done(&references);
}

/* All that it answers are missing, and nobody else answers them. */
static void write_wide_of(uint32_t number, uint32_t count, struct buf *out)
{
    struct buf references = buf_make(10000);

    for (uint32_t i = 0; i < count; i++)
        buf_add_format(&references, " <%u.%u@x>", number, i);
    write_message(number, buf_bytes(&references), out);
    buf_done(&references);
}

static void write_wide(uint32_t number, struct buf *out)
{
    write_wide_of(number, 20, out);
}

static void write_widest(uint32_t number, struct buf *out)
{
    write_wide_of(number, 200, out);
}

/* "* THREAD (1 2 3 4)(5 6 7 8)..."; is_nested: "((1)(2)(3)(4))..." */
static void check_threads(struct bytes out, const struct shape *shape)
{
    struct buf want = buf_make(16 * 1024 * 1024);

    buf_add_string(&want, "* THREAD ");
    for (uint32_t number = 1; number <= MANY; number++) {
        bool is_first = number % shape->each == 1;
        bool is_last = number % shape->each == 0;

        if (is_first)
            buf_add_byte(&want, '(');
        if (shape->is_nested || !is_first)
            buf_add_byte(&want, shape->is_nested ? '(' : ' ');
        buf_add_number(&want, number);
        if (shape->is_nested)
            buf_add_byte(&want, ')');
        if (is_last)
            buf_add_byte(&want, ')');
    }
    buf_add_string(&want, "\r\na OK THREAD done\r\n");
    assert_true(bytes_equal(out, buf_bytes(&want)));
    buf_done(&want);
}

/* A message costs more than 12 to be collected, 15 to be related to others, and 5 to be told. */
static void check_steps(const struct imap_seat *seat)
{
    assert_true(seat->step_bytes_max < IMAP_OUTPUT_STEP + 20000);
    assert_true(seat->steps >= MANY * (12 + 15 + 5) / SEARCH_THREAD_WORK_STEP);
}

static void test_steps(void **state)
{
    static const struct shape shapes[] = {
        { write_groups, EACH, false },
        { write_chain, MANY, false },
        { write_missing, EACH, true },
    };
    static const char *const lines[] = { "a THREAD REFERENCES UTF-8 ALL",
                                         "a UID THREAD REFERENCES UTF-8 UNDELETED" };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(shapes); i++) {
        struct imap_bench bench;

        imap_bench_open(&bench, MANY, shapes[i].write);
        for (size_t line = 0; line < ARRAY_COUNT(lines); line++) {
            check_threads(imap_seat_run(&bench.seat, lines[line]), &shapes[i]);
            check_steps(&bench.seat);
        }
        imap_bench_close(&bench);
    }
}

/* What was compared once is in memory: with a cold disk nothing is waited for. */
static void test_reads_once(void **state)
{
    static const char *const lines[] = { "a THREAD REFERENCES UTF-8 ALL",
                                         "a UID THREAD ORDEREDSUBJECT UTF-8 ALL" };
    struct imap_bench bench;
    unsigned wakes;

    (void)state;
    imap_bench_open(&bench, FEW, write_groups);
    mem_vfs_chill(bench.vfs);
    wakes = bench.seat.wakes;
    (void)imap_seat_run(&bench.seat, lines[0]);
    assert_true(bench.seat.wakes > wakes);
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        mem_vfs_chill(bench.vfs);
        wakes = bench.seat.wakes;
        (void)imap_seat_run(&bench.seat, lines[i]);
        assert_int_equal(bench.seat.wakes, wakes);
    }
    imap_bench_close(&bench);
}

/* What is kept of messages may go between any two steps, also in the middle of one of them, which
 * is where most steps end here. */
static void test_values_go(void **state)
{
    static const char line[] = "a THREAD REFERENCES UTF-8 ALL";
    struct imap_bench bench;
    unsigned steps;
    struct buf want = buf_make(1024 * 1024);

    (void)state;
    imap_bench_open(&bench, 2 * FEW, write_deep);
    for (steps = 1;; steps++) {
        buf_clear(&want);
        buf_add(&want, imap_seat_run(&bench.seat, line));
        buf_clear(&bench.seat.out);
        imap_seat_say(&bench.seat, bytes_from_string(line));
        imap_seat_say(&bench.seat, BYTES("\r\n"));
        for (unsigned step = 0; step < steps; step++)
            (void)imap_seat_step(&bench.seat);
        if (bench.seat.out.len > 0)
            break;
        imap_bench_forget(&bench);
        assert_true(bytes_equal(imap_seat_finish(&bench.seat), buf_bytes(&want)));
        buf_clear(&bench.seat.out);
    }
    assert_true(steps > 4);
    buf_done(&want);
    imap_bench_close(&bench);
}

/* What a session had said when it was ended after so many steps. */
struct said {
    bool has_begun;
    bool has_line; /* but no end of the command */
    bool has_ended;
};

static struct said end_after(struct imap_bench *bench, unsigned steps)
{
    struct buf out = buf_make(1024 * 1024);
    struct said said;

    imap_bench_end_after(bench, "a THREAD REFERENCES UTF-8 ALL", steps, &out);
    said.has_begun = out.len > 0;
    said.has_line = bytes_find(buf_bytes(&out), 0, BYTES("\r\n")) < out.len;
    said.has_ended = bytes_find(buf_bytes(&out), 0, BYTES("\r\na OK")) < out.len;
    buf_done(&out);
    return said;
}

/* Nothing is left of a session that ends in the middle: while it waits for the disk ... */
static void test_ended_cold(void **state)
{
    struct imap_bench bench;
    struct said said = { 0 };
    unsigned steps;

    (void)state;
    imap_bench_open(&bench, 8 * FEW, write_groups);
    for (steps = 1; !said.has_ended; steps++) {
        mem_vfs_chill(bench.vfs);
        imap_bench_forget(&bench);
        said = end_after(&bench, steps);
    }
    assert_true(steps > 10);
    imap_bench_close(&bench);
}

/* ... and between any two steps: before something is said, in the middle of the line, behind it. */
static void test_ended_anywhere(void **state)
{
    struct imap_bench bench;
    struct said said = { 0 };
    unsigned before = 0;
    unsigned inside = 0;
    unsigned behind = 0;

    (void)state;
    imap_bench_open(&bench, SOME_WIDE, write_wide);
    for (unsigned steps = 1; !said.has_ended; steps++) {
        said = end_after(&bench, steps);
        before += !said.has_begun;
        inside += said.has_begun && !said.has_line;
        behind += said.has_line && !said.has_ended;
    }
    assert_true(before > 20 && inside > 1 && behind > 0);
    imap_bench_close(&bench);
}

/* With those that they answer these messages are more than threads are made of. */
static void test_too_many(void **state)
{
    struct imap_bench bench;
    struct bytes out;

    (void)state;
    imap_bench_open(&bench, TOO_WIDE, write_widest);
    out = imap_seat_run(&bench.seat, "a THREAD REFERENCES UTF-8 ALL");
    assert_true(bytes_starts_with(out, BYTES("a NO [LIMIT] At most 4194304 messages in threads")));
    out = imap_seat_run(&bench.seat, "a THREAD REFERENCES UTF-8 1:20000");
    assert_true(bytes_starts_with(out, BYTES("* THREAD (1)((2)(3))")));
    imap_bench_close(&bench);
}

/* A message that cannot be read is one without a header; the answer says so. */
static void test_damage(void **state)
{
    struct imap_bench bench;
    struct bytes out;

    (void)state;
    imap_bench_open(&bench, 0, write_groups);
    (void)imap_seat_run(&bench.seat, "a APPEND INBOX {21+}\r\nSubject: b\r\n\r\nfirst\r\n");
    (void)imap_seat_run(&bench.seat, "a APPEND INBOX {22+}\r\nSubject: b\r\n\r\nsecond\r\n");
    imap_bench_damage(&bench, "first");
    for (int i = 0; i < 2; i++) {
        out = imap_seat_run(&bench.seat, "a THREAD ORDEREDSUBJECT UTF-8 ALL");
        assert_true(bytes_starts_with(
            out, BYTES("* THREAD (1)(2)\r\na OK THREAD done, but some messages are damaged\r\n")));
    }
    imap_bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),          cmocka_unit_test(test_reads_once),
        cmocka_unit_test(test_values_go),      cmocka_unit_test(test_ended_cold),
        cmocka_unit_test(test_ended_anywhere), cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
