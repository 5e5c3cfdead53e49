/* THREAD in steps: whole answers, ended at any point, read once, of mail that is damaged or deep
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

enum { MANY = 40000, BATCH = 500, EACH = 4 /* messages of one thread */ };

struct bench {
    struct vfs *vfs;
    struct desk desk;
    struct imap_seat seat;
    struct search_texts *texts;
};

/* Message n, from 1 on, answers the one before it, but for the first of each EACH; or all of them
 * do. */
static void add_batch(struct desk *desk, uint32_t first, bool is_chain)
{
    struct append_item items[BATCH] = { 0 };
    struct origin origin = desk_origin(desk);
    struct uid uid;

    for (uint32_t i = 0; i < BATCH; i++) {
        uint32_t number = first + i;
        bool is_first = number == 1 || (!is_chain && number % EACH == 1);
        char answered[40] = "";
        char text[200];
        int len;

        if (!is_first)
            (void)snprintf(answered, sizeof(answered), "References: <%u@x>\r\n", number - 1);
        len = snprintf(text, sizeof(text),
                       "Date: 1 Jan 2020 %02u:%02u:%02u +0000\r\nMessage-ID: <%u@x>\r\n"
                       "%sSubject: %s%05u\r\n\r\nx\r\n",
                       number / 3600, number / 60 % 60, number % 60, number, answered,
                       is_first ? "" : "Re: ", number / 2);
        assert_int_equal(desk_body(desk, bytes_make(text, (size_t)len), &items[i].body), ERR_OK);
    }
    assert_int_equal(
        desk_finish(desk, act_append(desk_mailbox(desk, "INBOX"), &origin, items, BATCH, &uid)),
        ERR_OK);
}

static void open_bench(struct bench *bench, uint32_t messages, bool is_chain)
{
    bench->vfs = mem_vfs_new(1);
    desk_init(&bench->desk, bench->vfs);
    assert_int_equal(desk_open(&bench->desk), ERR_OK);
    for (uint32_t done = 0; done < messages; done += BATCH) {
        add_batch(&bench->desk, done + 1, is_chain);
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

/* "* THREAD (1 2 3 4)(5 6 7 8)...", so many in each. */
static void check_threads(struct bytes out, uint32_t each)
{
    struct buf want = buf_make(16 * 1024 * 1024);

    buf_add_string(&want, "* THREAD ");
    for (uint32_t number = 1; number <= MANY; number++) {
        buf_add_byte(&want, number % each == 1 ? '(' : ' ');
        buf_add_number(&want, number);
        if (number % each == 0)
            buf_add_byte(&want, ')');
    }
    buf_add_string(&want, "\r\na OK THREAD done\r\n");
    assert_true(bytes_equal(out, buf_bytes(&want)));
    buf_done(&want);
}

static void check_steps(const struct imap_seat *seat)
{
    assert_true(seat->step_bytes_max < IMAP_OUTPUT_STEP + 20000);
    assert_true(seat->steps >= 6); /* to collect, to build, to tell */
}

static void test_steps(void **state)
{
    struct bench bench;

    (void)state;
    open_bench(&bench, MANY, false);
    for (int round = 0; round < 2; round++) {
        check_threads(imap_seat_run(&bench.seat, "a THREAD REFERENCES UTF-8 ALL"), EACH);
        check_steps(&bench.seat);
    }
    check_threads(imap_seat_run(&bench.seat, "a UID THREAD REFERENCES UTF-8 UNDELETED"), EACH);
    close_bench(&bench);
    open_bench(&bench, MANY, true);
    check_threads(imap_seat_run(&bench.seat, "a THREAD REFERENCES UTF-8 ALL"), MANY);
    check_steps(&bench.seat);
    close_bench(&bench);
}

/* What was compared once is in memory: with a cold disk nothing is waited for. */
static void test_reads_once(void **state)
{
    static const char *const lines[] = { "a THREAD REFERENCES UTF-8 ALL",
                                         "a UID THREAD ORDEREDSUBJECT UTF-8 ALL" };
    struct bench bench;
    unsigned wakes;

    (void)state;
    open_bench(&bench, BATCH, false);
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
    close_bench(&bench);
}

/* Nothing is left of a session that ends in the middle. */
static void test_ended_anywhere(void **state)
{
    (void)state;
    for (unsigned steps = 1; steps < 40; steps += 3) {
        struct bench bench;

        open_bench(&bench, 2 * BATCH, steps % 2 == 0);
        mem_vfs_chill(bench.vfs);
        imap_seat_say(&bench.seat, BYTES("a THREAD REFERENCES UTF-8 ALL\r\n"));
        for (unsigned step = 0; step < steps; step++) {
            (void)imap_seat_step(&bench.seat);
            if (step % 2 == 0)
                desk_settle(&bench.desk);
        }
        close_bench(&bench);
    }
}

/* A message that cannot be read is one without a header; the answer says so. */
static void test_damage(void **state)
{
    static const char *const derived[] = { "summary", "summary.index" };
    struct bench bench;
    struct bytes out;
    struct bytes file;
    const char *path;

    (void)state;
    open_bench(&bench, 0, false);
    (void)imap_seat_run(&bench.seat, "a APPEND INBOX {21+}\r\nSubject: b\r\n\r\nfirst\r\n");
    (void)imap_seat_run(&bench.seat, "a APPEND INBOX {22+}\r\nSubject: b\r\n\r\nsecond\r\n");
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
        out = imap_seat_run(&bench.seat, "a THREAD ORDEREDSUBJECT UTF-8 ALL");
        assert_true(bytes_starts_with(
            out, BYTES("* THREAD (1)(2)\r\na OK THREAD done, but some messages are damaged\r\n")));
    }
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
