/* Sessions beside an act that goes on: they wait, and hear the truth when it is over. */
#include "store/acting.h"

#include <stdio.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/imap_seat.h"
#include "kit/mem_vfs.h"

enum { MESSAGES = 30, STEPS_MAX = 10000 };

struct bench {
    struct desk desk;
    struct imap_seat seat; /* acts */
    struct imap_seat other;
};

static void open_bench(struct bench *bench)
{
    desk_init(&bench->desk, mem_vfs_new(1));
    bench->desk.options.step_cost = 1;
    bench->desk.options.refresh_cost = 1;
    assert_int_equal(desk_open(&bench->desk), ERR_OK);
    for (uint32_t i = 0; i < MESSAGES; i++)
        assert_int_equal(desk_append(&bench->desk, desk_mailbox(&bench->desk, "INBOX"),
                                     BYTES("Subject: x\r\n\r\nx\r\n"), FLAG_DELETED, NULL),
                         ERR_OK);
    imap_seat_open(&bench->seat, &bench->desk);
    imap_seat_open(&bench->other, &bench->desk);
    (void)imap_seat_run(&bench->seat, "s SELECT INBOX");
    (void)imap_seat_run(&bench->other, "s SELECT INBOX");
    buf_clear(&bench->seat.out);
    buf_clear(&bench->other.out);
}

static void close_bench(struct bench *bench)
{
    imap_seat_close(&bench->seat);
    imap_seat_close(&bench->other);
    desk_close(&bench->desk);
    assert_int_equal(mem_vfs_open_files(bench->desk.vfs), 0);
    mem_vfs_free(bench->desk.vfs);
}

static bool says(const struct imap_seat *seat, const char *text)
{
    struct bytes out = buf_bytes(&seat->out);

    return bytes_find(out, 0, bytes_from_string(text)) < out.len;
}

/* The act has begun and goes on; some steps of it are made. */
static void begin(struct bench *bench, const char *command, unsigned steps)
{
    imap_seat_say(&bench->seat, bytes_from_string(command));
    assert_int_equal(imap_seat_step(&bench->seat), IMAP_WANT_WAKE);
    assert_true(account_is_acting(bench->desk.account));
    while (steps-- > 0)
        assert_true(account_step(bench->desk.account));
}

static void finish(struct bench *bench)
{
    for (unsigned i = 0; account_step(bench->desk.account); i++)
        assert_true(i < STEPS_MAX);
}

static const struct {
    const char *command;
    unsigned steps;
} begun[] = {
    { "a EXPUNGE\r\n", 0 }, /* still being planned */
    { "a EXPUNGE\r\n", MESSAGES + 10 }, /* written, and half of it applied */
    { "a CLOSE\r\n", 10 },
    { "a UID MOVE 1:* Archive\r\n", 2 * MESSAGES },
    { "a STORE 1:* +FLAGS (\\Seen)\r\n", MESSAGES + 10 },
    { "a FETCH 1:* BODY[TEXT]\r\n", MESSAGES + 10 },
    { "a RENAME INBOX Old\r\n", MESSAGES + 10 },
};

/* The other says and takes nothing until the act is over; then its STATUS tells all of it. */
static void test_the_others_wait(void **context)
{
    (void)context;
    for (size_t i = 0; i < ARRAY_COUNT(begun); i++) {
        struct bench bench;
        unsigned wakes;

        open_bench(&bench);
        begin(&bench, begun[i].command, begun[i].steps);
        imap_seat_say(&bench.other, BYTES("b NOOP\r\nc STATUS INBOX (MESSAGES UNSEEN)\r\n"));
        wakes = bench.other.wakes;
        do {
            assert_int_equal(imap_seat_step(&bench.other), IMAP_WANT_WAKE);
            assert_int_equal(bench.other.out.len, 0);
            assert_int_equal(imap_seat_step(&bench.seat), IMAP_WANT_WAKE);
            assert_int_equal(bench.seat.out.len, 0);
        } while (account_step(bench.desk.account));
        assert_true(bench.other.wakes > wakes);
        (void)imap_seat_finish(&bench.other);
        assert_true(says(&bench.other,
                         i < 4 || i == 6 ? "(MESSAGES 0 UNSEEN 0)" : "(MESSAGES 30 UNSEEN 0)"));
        assert_int_equal(says(&bench.other, "* 1 EXPUNGE\r\n"), i < 4 || i == 6);
        assert_int_equal(says(&bench.other, "* 30 FETCH"), i == 4 || i == 5);
        (void)imap_seat_finish(&bench.seat);
        assert_true(says(&bench.seat, "a OK"));
        close_bench(&bench);
    }
}

/* Its client goes: what is written happens, what is not does not, and the other hears of it. */
static void test_cut_off_in_the_middle(void **context)
{
    (void)context;
    for (size_t i = 0; i < ARRAY_COUNT(begun); i++) {
        bool is_written = begun[i].steps > MESSAGES;
        struct bench bench;

        open_bench(&bench);
        begin(&bench, begun[i].command, begun[i].steps);
        imap_seat_say(&bench.other, BYTES("b STATUS INBOX (MESSAGES UNSEEN)\r\n"));
        assert_int_equal(imap_seat_step(&bench.other), IMAP_WANT_WAKE);
        imap_seat_close(&bench.seat);
        assert_int_equal(account_is_acting(bench.desk.account), is_written);
        finish(&bench);
        (void)imap_seat_finish(&bench.other);
        if (!is_written)
            assert_true(says(&bench.other, "(MESSAGES 30 UNSEEN 30)"));
        else
            assert_true(says(&bench.other,
                             i < 4 || i == 6 ? "(MESSAGES 0 UNSEEN 0)" : "(MESSAGES 30 UNSEEN 0)"));
        close_bench(&bench);
    }
}

/* MULTIAPPEND: the client goes after so many steps, or stays; the other sees none of it or all. */
static void test_two_messages_come_or_none(void **context)
{
    static const char append[] =
        "a APPEND Archive {12+}\r\nSubject: x\r\n {12+}\r\nSubject: y\r\n\r\n";
    unsigned steps = 0;
    unsigned kept = 0;
    bool is_over = false;

    (void)context;
    for (; !is_over; steps++) {
        struct bench bench;
        bool is_kept;

        open_bench(&bench);
        begin(&bench, append, 0);
        for (unsigned i = 0; i < steps; i++)
            (void)account_step(bench.desk.account);
        is_over = !account_is_acting(bench.desk.account);
        if (is_over) {
            (void)imap_seat_finish(&bench.seat);
            assert_true(says(&bench.seat, "a OK [APPENDUID "));
            assert_true(says(&bench.seat, " 1:2] APPEND done"));
        } else {
            imap_seat_close(&bench.seat);
        }
        finish(&bench);
        imap_seat_say(&bench.other, BYTES("b STATUS Archive (MESSAGES)\r\n"));
        (void)imap_seat_finish(&bench.other);
        is_kept = says(&bench.other, "(MESSAGES 2)");
        assert_true(is_kept || (kept == 0 && says(&bench.other, "(MESSAGES 0)")));
        kept += is_kept;
        close_bench(&bench);
    }
    assert_true(kept > 2 && kept < steps);
}

/* Steps until it wants something else than its turn; nothing is said before the last of them. */
static unsigned quiet_steps(struct bench *bench, const char *line)
{
    unsigned steps = 0;

    buf_clear(&bench->other.out);
    imap_seat_say(&bench->other, bytes_from_string(line));
    while (imap_seat_step(&bench->other) == IMAP_WANT_TURN && bench->other.out.len == 0) {
        steps++;
        if (steps == 5) /* the others go on, and what they do is told later */
            (void)imap_seat_run(&bench->seat, "x UID STORE 30 +FLAGS (\\Flagged)");
    }
    (void)imap_seat_finish(&bench->other);
    return steps;
}

/* What became of a mailbox is found in steps, a row each, and told when all of it is known. */
static void test_news_are_found_in_steps(void **context)
{
    struct bench bench;

    (void)context;
    open_bench(&bench);
    (void)imap_seat_run(&bench.seat, "a UID EXPUNGE 2:10");
    assert_true(quiet_steps(&bench, "b NOOP\r\n") > MESSAGES);
    assert_true(says(&bench.other, "* 2 EXPUNGE\r\nb OK"));
    assert_false(says(&bench.other, "FETCH"));
    (void)quiet_steps(&bench, "c NOOP\r\n");
    assert_true(says(&bench.other, "* 21 FETCH (UID 30 FLAGS (\\Flagged"));
    (void)imap_seat_run(&bench.seat, "d UID EXPUNGE 11:12");
    (void)quiet_steps(&bench, "e FETCH 2:3 (UID)\r\n"); /* told first, then the news are found */
    assert_true(bench.other.steps >= MESSAGES - 10);
    assert_true(says(&bench.other, "* 2 FETCH (UID 11)\r\n* 3 FETCH (UID 12)\r\ne OK"));
    (void)quiet_steps(&bench, "f NOOP\r\n");
    assert_true(says(&bench.other, "* 2 EXPUNGE\r\n* 2 EXPUNGE\r\nf OK"));
    close_bench(&bench);
}

/* The server goes: each says BYE at once, and nobody waits for the act. */
static void test_bye_in_the_middle(void **context)
{
    struct bench bench;

    (void)context;
    open_bench(&bench);
    begin(&bench, "a EXPUNGE\r\n", MESSAGES + 10);
    imap_session_bye(bench.seat.session, "going down");
    imap_session_bye(bench.other.session, "going down");
    assert_int_equal(imap_seat_step(&bench.other), IMAP_WANT_CLOSE);
    assert_int_equal(imap_seat_step(&bench.seat), IMAP_WANT_CLOSE);
    assert_true(says(&bench.seat, "* BYE going down"));
    assert_false(says(&bench.seat, "a OK"));
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_others_wait),
        cmocka_unit_test(test_cut_off_in_the_middle),
        cmocka_unit_test(test_two_messages_come_or_none),
        cmocka_unit_test(test_news_are_found_in_steps),
        cmocka_unit_test(test_bye_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
