/* A session that is ended in the middle of a response says nothing more: BYE would be taken for
 * what the response lacks, in a literal for mail. RFC 9051 s7.1.5. */
#include "imap/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"

enum { DOUBLINGS = 15, TEXT_BYTES = 300000, STEPS_MAX = 10000 };

struct bench {
    struct desk desk;
    struct imap_seat seat;
    struct imap_seat other;
};

static void run(struct imap_seat *seat, const char *line)
{
    struct bytes out = imap_seat_run(seat, line);

    assert_true(bytes_find(out, 0, BYTES("a OK")) < out.len);
}

static void append(struct bench *bench, struct bytes text, uint16_t flags)
{
    assert_int_equal(
        desk_append(&bench->desk, desk_mailbox(&bench->desk, "INBOX"), text, flags, NULL), ERR_OK);
}

/* A large message in front of many small ones, every other of which is flagged. */
static void open_bench(struct bench *bench)
{
    static uint8_t text[TEXT_BYTES];

    memset(text, 'x', sizeof(text));
    memcpy(text, "Subject: s\r\n\r\n", 14);
    desk_init(&bench->desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&bench->desk), ERR_OK);
    append(bench, bytes_make(text, sizeof(text)), 0);
    append(bench, BYTES("Subject: x\r\n\r\nx\r\n"), FLAG_FLAGGED);
    append(bench, BYTES("Subject: x\r\n\r\nx\r\n"), 0);
    imap_seat_open(&bench->seat, &bench->desk);
    imap_seat_open(&bench->other, &bench->desk);
    run(&bench->other, "a SELECT INBOX");
    for (int i = 0; i < DOUBLINGS; i++)
        run(&bench->other, "a COPY 2:* INBOX");
    run(&bench->seat, "a ENABLE QRESYNC");
    run(&bench->seat, "a SELECT INBOX");
}

static void close_bench(struct bench *bench)
{
    imap_seat_close(&bench->seat);
    imap_seat_close(&bench->other);
    desk_close(&bench->desk);
    assert_int_equal(mem_vfs_open_files(bench->desk.vfs), 0);
    mem_vfs_free(bench->desk.vfs);
}

static void expunge_flagged(struct imap_seat *seat)
{
    run(seat, "a UID SEARCH RETURN (SAVE) FLAGGED");
    run(seat, "a STORE $ +FLAGS.SILENT (\\Deleted)");
    run(seat, "a EXPUNGE");
}

static bool ends_a_line(const struct imap_seat *seat)
{
    return seat->out.len >= 2 && memcmp(seat->out.at + seat->out.len - 2, "\r\n", 2) == 0;
}

/* Steps until the output ends within a line that begins so. */
static void stop_within(struct imap_seat *seat, const char *command, const char *begin)
{
    imap_seat_say(seat, bytes_from_string(command));
    for (int i = 0; i < STEPS_MAX; i++) {
        struct bytes out = buf_bytes(&seat->out);
        size_t at = bytes_find(out, 0, bytes_from_string(begin));

        if (at < out.len && !ends_a_line(seat) &&
            bytes_find(bytes_from(out, at), 0, BYTES("\r\na ")) == out.len - at)
            return;
        if (i % 2 == 1 && at == out.len)
            buf_clear(&seat->out); /* read, as long as it is not that line */
        (void)imap_seat_step(seat);
    }
    fail_msg("%s: no step ends in its answer", command);
}

static void test_within_a_response(void **state)
{
    static const struct {
        const char *command;
        const char *begin;
        bool is_expunged; /* the flagged ones, by the other session; and ... */
        bool is_known; /* ... this one has heard of it */
    } rows[] = {
        { "a FETCH 1:2 BODY.PEEK[]\r\n", "* 1 FETCH (BODY[] {300000}\r\n", false, false },
        { "a UID SEARCH ALL\r\n", "* SEARCH 1 2 ", false, false },
        { "a UID SORT (REVERSE ARRIVAL) UTF-8 ALL\r\n", "* SORT ", false, false },
        { "a THREAD ORDEREDSUBJECT UTF-8 ALL\r\n", "* THREAD (", false, false },
        { "a UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)\r\n", "* VANISHED (EARLIER) ", true,
          true },
        { "a NOOP\r\n", "* VANISHED ", true, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bench bench;
        size_t before;

        open_bench(&bench);
        if (rows[i].is_expunged)
            expunge_flagged(&bench.other);
        if (rows[i].is_known)
            run(&bench.seat, "a SELECT INBOX");
        stop_within(&bench.seat, rows[i].command, rows[i].begin);
        before = bench.seat.out.len;
        imap_session_bye(bench.seat.session, "Going down");
        assert_int_equal(imap_seat_step(&bench.seat), IMAP_WANT_CLOSE);
        assert_int_equal(bench.seat.out.len, before);
        close_bench(&bench);
    }
}

/* Between two responses there is a place for it. */
static void test_between_responses(void **state)
{
    struct bench bench;
    struct bytes out;

    (void)state;
    open_bench(&bench);
    imap_seat_say(&bench.seat, BYTES("a FETCH 2:* FLAGS\r\n"));
    (void)imap_seat_step(&bench.seat);
    assert_true(ends_a_line(&bench.seat));
    imap_session_bye(bench.seat.session, "Going down");
    assert_int_equal(imap_seat_step(&bench.seat), IMAP_WANT_CLOSE);
    out = buf_bytes(&bench.seat.out);
    assert_int_equal(bytes_find(out, 0, BYTES("\r\n* BYE Going down\r\n")),
                     out.len - (sizeof("\r\n* BYE Going down\r\n") - 1));
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_within_a_response),
        cmocka_unit_test(test_between_responses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
