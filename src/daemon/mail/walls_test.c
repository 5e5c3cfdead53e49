/* What a gate that was broken into can make a shard believe: nothing (promise 5). The shard is the
 * real one; auth and two gates are the test's, and so is the clock. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/mail/mail.h"
#include "daemon/mail/ticket.h"
#include "kit/fake_peer.h"
#include "kit/jobs.h"
#include "sys/clock.h"

enum { GATE = 30, SHARD = 1, GUESSES = 256 };

struct mono __real_clock_mono(void);
struct mono __wrap_clock_mono(void);

static int64_t clock_ahead_ms;

/* The linker puts it in the place of clock_mono. */
struct mono __wrap_clock_mono(void)
{
    struct mono now = __real_clock_mono();

    now.ms += clock_ahead_ms;
    return now;
}

struct fixture {
    struct loop *loop;
    struct role role;
    struct shard *shard;
    struct jobs jobs;
    int supervisor;
    int auth;
    int gates[2];
    char path[64];
    struct fake_mail mail;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    struct ipc_message directory = { .type = IPC_DIRECTORY };
    struct fixture *f = calloc(1, sizeof(*f));
    int pair[2];

    assert_non_null(f);
    clock_ahead_ms = 0;
    f->loop = loop_new();
    jobs_init(&f->jobs);
    (void)snprintf(f->path, sizeof(f->path), "/tmp/roost-door-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    f->shard = shard_new(&f->jobs.executor);
    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    f->supervisor = pair[1];
    role_init(&f->role, &mail_role, f->shard, f->loop, pair[0]);
    fake_say(f->supervisor, &directory, open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    fake_start(f->loop, f->supervisor, IPC_ROLE_MAIL, BYTES("log.level = error\n"));
    f->auth = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, 5);
    for (uint16_t i = 0; i < 2; i++)
        f->gates[i] = fake_join(f->supervisor, IPC_ROLE_GATE, i, GATE + i);
    fake_settle(f->loop);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 20; i++) {
        loop_turn(f->loop, false);
        jobs_settle(&f->jobs);
    }
    shard_free(f->shard);
    role_done(&f->role);
    fd_close(&f->supervisor);
    fd_close(&f->auth);
    fd_close(&f->gates[0]);
    fd_close(&f->gates[1]);
    (void)nftw(f->path, remove_one, 10, FTW_DEPTH | FTW_PHYS);
    loop_free(f->loop);
    free(f);
    return 0;
}

/* An announcement for the first gate, as auth makes it. */
static struct ipc_message announcement(uint8_t seed, uint8_t service)
{
    struct ipc_message message = { IPC_TICKET,
                                   { .ticket_announce = { .request = 1,
                                                          .gate_incarnation = GATE,
                                                          .mail_incarnation = SHARD,
                                                          .service = service,
                                                          .account = BYTES("alice") } } };

    memset(message.ticket_announce.ticket.raw, seed, IPC_TICKET_BYTES);
    memset(message.ticket_announce.account_id.raw, 1, IPC_ACCOUNT_ID_BYTES);
    return message;
}

static struct ipc_ticket announce(struct fixture *f, const struct ipc_message *message)
{
    fake_say(f->auth, message, -1);
    fake_hear(f->loop, f->auth, &f->mail);
    assert_int_equal(f->mail.got.type, IPC_TICKET_ANSWER);
    return message->ticket_announce.ticket;
}

static struct ipc_ticket granted(struct fixture *f, uint8_t seed, uint8_t service)
{
    const struct ipc_message message = announcement(seed, service);
    struct ipc_ticket ticket = announce(f, &message);

    assert_int_equal(f->mail.got.answer.result, IPC_OK);
    return ticket;
}

/* What the shard says to a connection that comes with this ticket. */
static enum ipc_result hand_over(struct fixture *f, int gate, struct ipc_ticket ticket)
{
    struct ipc_message message = {
        IPC_HANDOFF,
        { .handoff = { .request = 2,
                       .ticket = ticket,
                       .service = IPC_SERVICE_IMAP,
                       .client = { .session = 9, .address = BYTES("192.0.2.1:1") },
                       .tag = BYTES("l") } }
    };
    int pair[2];

    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    fake_say(gate, &message, pair[0]);
    fake_hear(f->loop, gate, &f->mail);
    (void)close(pair[1]);
    assert_int_equal(f->mail.got.type, IPC_HANDOFF_ANSWER);
    return (enum ipc_result)f->mail.got.answer.result;
}

/* What it says to a message, once all that there is to do has been done. */
static enum ipc_result deliver(struct fixture *f, int gate, struct ipc_ticket ticket,
                               uint8_t service)
{
    struct bytes text = BYTES("Subject: x\r\n\r\nx\r\n");
    struct ipc_message message = { IPC_DELIVER,
                                   { .deliver = { .request = 3,
                                                  .ticket = ticket,
                                                  .service = service,
                                                  .recipient = BYTES("alice"),
                                                  .size = text.len } } };

    fake_say(gate, &message, fake_memfd(text));
    for (int i = 0; i < 20; i++) {
        loop_turn(f->loop, false);
        jobs_settle(&f->jobs);
    }
    fake_hear(f->loop, gate, &f->mail);
    assert_int_equal(f->mail.got.type, IPC_DELIVER_ANSWER);
    return (enum ipc_result)f->mail.got.deliver_answer.result;
}

static void test_a_ticket_that_auth_never_gave(void **state)
{
    struct fixture *f = *state;
    struct ipc_ticket near = granted(f, 1, IPC_SERVICE_IMAP);

    for (int i = 0; i < GUESSES; i++) {
        struct ipc_ticket guess;

        memset(guess.raw, i == 1 ? 0xff : i, sizeof(guess.raw));
        assert_int_equal(hand_over(f, f->gates[0], guess), IPC_DENIED);
        assert_int_equal(deliver(f, f->gates[0], guess, IPC_SERVICE_LMTP), IPC_DENIED);
    }
    near.raw[IPC_TICKET_BYTES - 1] ^= 1; /* all bits but one */
    assert_int_equal(hand_over(f, f->gates[0], near), IPC_DENIED);
    assert_int_equal(shard_counts(f->shard).accounts_open, 0);
}

static void test_a_ticket_that_was_used(void **state)
{
    struct fixture *f = *state;
    struct ipc_ticket login = granted(f, 1, IPC_SERVICE_IMAP);
    struct ipc_ticket mail = granted(f, 2, IPC_SERVICE_LMTP);

    assert_int_equal(hand_over(f, f->gates[0], login), IPC_OK);
    assert_int_equal(hand_over(f, f->gates[0], login), IPC_DENIED);
    assert_int_equal(deliver(f, f->gates[0], mail, IPC_SERVICE_LMTP), IPC_OK);
    assert_int_equal(deliver(f, f->gates[0], mail, IPC_SERVICE_LMTP), IPC_DENIED);
    assert_int_equal(shard_counts(f->shard).delivered, 1);
    assert_int_equal(shard_counts(f->shard).logins, 1);
}

static void test_a_ticket_that_is_late(void **state)
{
    struct fixture *f = *state;
    struct ipc_ticket late = granted(f, 1, IPC_SERVICE_IMAP);
    struct ipc_ticket late_mail = granted(f, 2, IPC_SERVICE_LMTP);
    struct ipc_ticket later;

    clock_ahead_ms = TICKET_MS - 1000;
    later = granted(f, 3, IPC_SERVICE_IMAP);
    clock_ahead_ms = TICKET_MS + 1;
    assert_int_equal(hand_over(f, f->gates[0], late), IPC_EXPIRED);
    assert_int_equal(hand_over(f, f->gates[0], late), IPC_DENIED);
    assert_int_equal(deliver(f, f->gates[0], late_mail, IPC_SERVICE_LMTP), IPC_EXPIRED);
    assert_int_equal(hand_over(f, f->gates[0], later), IPC_OK);
}

static void test_a_ticket_of_another_gate_or_service(void **state)
{
    struct fixture *f = *state;
    struct ipc_ticket login = granted(f, 1, IPC_SERVICE_IMAP);
    struct ipc_ticket mail = granted(f, 2, IPC_SERVICE_LMTP);

    assert_int_equal(hand_over(f, f->gates[1], login), IPC_DENIED);
    assert_int_equal(deliver(f, f->gates[1], mail, IPC_SERVICE_LMTP), IPC_DENIED);
    assert_int_equal(hand_over(f, f->gates[0], mail), IPC_DENIED);
    assert_int_equal(deliver(f, f->gates[0], login, IPC_SERVICE_LMTP), IPC_DENIED);
    /* A delivery that calls itself a login to be let in by a login's ticket. */
    assert_int_not_equal(deliver(f, f->gates[0], login, IPC_SERVICE_IMAP), IPC_OK);
    assert_int_equal(shard_counts(f->shard).delivered, 0);
    assert_int_equal(deliver(f, f->gates[0], mail, IPC_SERVICE_LMTP), IPC_OK);
}

static void test_a_ticket_of_another_start(void **state)
{
    struct fixture *f = *state;
    struct ipc_message message = announcement(1, IPC_SERVICE_IMAP);
    struct ipc_ticket ticket;

    message.ticket_announce.mail_incarnation = SHARD + 1;
    ticket = announce(f, &message);
    assert_int_equal(f->mail.got.answer.result, IPC_DENIED);
    assert_int_equal(hand_over(f, f->gates[0], ticket), IPC_DENIED);

    message = announcement(2, IPC_SERVICE_IMAP);
    message.ticket_announce.gate_incarnation = GATE - 1; /* the gate that was there before */
    ticket = announce(f, &message);
    assert_int_equal(hand_over(f, f->gates[0], ticket), IPC_DENIED);
}

/* A ticket for a delivery is not acknowledged: it may be shown before it is read, but not before it
 * is there. */
static void test_a_ticket_that_is_not_read_yet(void **state)
{
    struct fixture *f = *state;
    struct ipc_message ticket = announcement(1, IPC_SERVICE_LMTP);
    struct bytes text = BYTES("Subject: x\r\n\r\nx\r\n");
    struct ipc_message message = { IPC_DELIVER,
                                   { .deliver = { .request = 3,
                                                  .ticket = ticket.ticket_announce.ticket,
                                                  .service = IPC_SERVICE_LMTP,
                                                  .recipient = BYTES("alice"),
                                                  .size = text.len,
                                                  .content = text } } };

    ticket.type = IPC_DELIVERY_TICKET;
    fake_say(f->gates[0], &message, -1); /* its channel is looked at first */
    fake_say(f->auth, &ticket, -1);
    fake_hear_nothing(f->loop, f->auth);
    for (int i = 0; i < 20; i++) {
        loop_turn(f->loop, false);
        jobs_settle(&f->jobs);
    }
    fake_hear(f->loop, f->gates[0], &f->mail);
    assert_int_equal(f->mail.got.deliver_answer.result, IPC_OK);
    fake_say(f->gates[0], &message, -1);
    fake_settle(f->loop);
    fake_say(f->auth, &ticket, -1); /* too late */
    fake_hear(f->loop, f->gates[0], &f->mail);
    assert_int_equal(f->mail.got.deliver_answer.result, IPC_DENIED);
}

/* Without an answer nobody is let in to read. */
static void test_a_login_is_never_announced_so(void **state)
{
    struct fixture *f = *state;
    struct ipc_message ticket = announcement(1, IPC_SERVICE_IMAP);

    ticket.type = IPC_DELIVERY_TICKET;
    fake_say(f->auth, &ticket, -1);
    fake_settle(f->loop);
    assert_int_equal(hand_over(f, f->gates[0], ticket.ticket_announce.ticket), IPC_DENIED);
}

/* What only auth may say, said by a gate: it is not heard, and the gate never again. */
static void test_a_gate_that_speaks_as_auth(void **state)
{
    struct ipc_message lies[] = {
        announcement(1, IPC_SERVICE_IMAP),
        { IPC_DELIVERY_TICKET, { .ticket_announce = { .request = 1 } } },
        { IPC_ACCOUNT_DROP, { .account_drop = { .request = 1 } } },
        { IPC_ACCOUNT_LOGOUT, { .account_drop = { .request = 1 } } },
        { .type = IPC_STOP },
        { .type = IPC_STATS },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_COUNT(lies); i++) {
        struct channel_fds fds;
        size_t len;

        fake_say(f->gates[1], &lies[i], -1);
        fake_settle(f->loop);
        assert_int_equal(channel_receive_wait(f->gates[1], f->mail.packet, &len, &fds, 0),
                         ERR_CLOSED);
        fd_close(&f->gates[1]);
        f->gates[1] = fake_join(f->supervisor, IPC_ROLE_GATE, 1, GATE + 2 + i);
        fake_settle(f->loop);
        assert_int_equal(
            hand_over(f, f->gates[1], announcement(1, IPC_SERVICE_IMAP).ticket_announce.ticket),
            IPC_DENIED);
    }
    /* The other gate's work was not disturbed. */
    assert_int_equal(hand_over(f, f->gates[0], granted(f, 2, IPC_SERVICE_IMAP)), IPC_OK);
}

int main(void)
{
#define WALLS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WALLS_TEST(test_a_ticket_that_auth_never_gave),
        WALLS_TEST(test_a_ticket_that_was_used),
        WALLS_TEST(test_a_ticket_that_is_late),
        WALLS_TEST(test_a_ticket_of_another_gate_or_service),
        WALLS_TEST(test_a_ticket_of_another_start),
        WALLS_TEST(test_a_ticket_that_is_not_read_yet),
        WALLS_TEST(test_a_login_is_never_announced_so),
        WALLS_TEST(test_a_gate_that_speaks_as_auth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
