/* A ticket opens one door, once, in time; every other claim is refused. */
#include "daemon/mail/ticket.h"

#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"

static const struct ticket_claim right = { .gate = 3,
                                           .gate_incarnation = 30,
                                           .service = IPC_SERVICE_IMAP };

static const struct ticket_claim kept = {
    .gate = 3, .gate_incarnation = 30, .service = IPC_SERVICE_LMTP, .keeps = true
};

static struct ipc_ticket_announce announcement(uint8_t seed)
{
    struct ipc_ticket_announce announce = {
        .gate = 3,
        .gate_incarnation = 30,
        .mail_incarnation = 7,
        .service = IPC_SERVICE_IMAP,
        .account = BYTES("alice"),
        .quota_bytes = 1000,
    };

    memset(announce.ticket.raw, seed, sizeof(announce.ticket.raw));
    memset(announce.account_id.raw, 0xaa, sizeof(announce.account_id.raw));
    return announce;
}

/* A delivery's, to be shown again. */
static void show_kept(struct tickets *tickets, const struct ipc_ticket_announce *announce)
{
    struct ticket *ticket = NULL;

    assert_int_equal(tickets_claim(tickets, &announce->ticket, &kept, (struct mono){ 1 }, &ticket),
                     IPC_OK);
    free(ticket);
}

static int set_up(void **state)
{
    struct tickets *tickets = malloc(sizeof(*tickets));

    assert_non_null(tickets);
    tickets_init(tickets, 7, 42);
    *state = tickets;
    return 0;
}

static int tear_down(void **state)
{
    tickets_done(*state);
    free(*state);
    return 0;
}

static void test_a_ticket_opens_once(void **state)
{
    struct ipc_ticket_announce announce = announcement(1);
    struct ticket *ticket = NULL;

    assert_int_equal(tickets_announce(*state, &announce, (struct mono){ 100 }), IPC_OK);
    assert_int_equal(
        tickets_claim(*state, &announce.ticket, &right, (struct mono){ 10099 }, &ticket), IPC_OK);
    ASSERT_BYTES(ticket_account(ticket), BYTES("alice"));
    assert_int_equal(ticket->quota_bytes, 1000);
    assert_int_equal(ticket->account_id[15], 0xaa);
    free(ticket);
    assert_int_equal(tickets_claim(*state, &announce.ticket, &right, (struct mono){ 101 }, &ticket),
                     IPC_DENIED);
}

/* For as long as it is valid, by the gate that it names; one for a login never. */
static void test_a_delivery_may_keep_its_ticket(void **state)
{
    struct ticket_claim login = right;
    struct ticket_claim stranger = kept;
    struct ipc_ticket_announce announce = announcement(1);
    struct ticket *ticket = NULL;

    announce.service = IPC_SERVICE_LMTP;
    stranger.gate = 2;
    assert_int_equal(tickets_announce(*state, &announce, (struct mono){ 100 }), IPC_OK);
    for (int64_t ms = 100; ms < 10100; ms += 1111) {
        assert_int_equal(
            tickets_claim(*state, &announce.ticket, &kept, (struct mono){ ms }, &ticket), IPC_OK);
        ASSERT_BYTES(ticket_account(ticket), announce.account);
        free(ticket);
        assert_int_equal(
            tickets_claim(*state, &announce.ticket, &stranger, (struct mono){ ms }, &ticket),
            IPC_DENIED);
    }
    assert_int_equal(
        tickets_claim(*state, &announce.ticket, &kept, (struct mono){ 10100 }, &ticket),
        IPC_EXPIRED);

    announce = announcement(2);
    login.keeps = true;
    assert_int_equal(tickets_announce(*state, &announce, (struct mono){ 0 }), IPC_OK);
    assert_int_equal(tickets_claim(*state, &announce.ticket, &login, (struct mono){ 1 }, &ticket),
                     IPC_OK);
    free(ticket);
    assert_int_equal(tickets_claim(*state, &announce.ticket, &login, (struct mono){ 1 }, &ticket),
                     IPC_DENIED);
}

static void test_a_late_ticket_is_void(void **state)
{
    struct ipc_ticket_announce announce = announcement(1);
    struct ticket *ticket = NULL;

    assert_int_equal(tickets_announce(*state, &announce, (struct mono){ 100 }), IPC_OK);
    assert_int_equal(
        tickets_claim(*state, &announce.ticket, &right, (struct mono){ 10100 }, &ticket),
        IPC_EXPIRED);
    assert_null(ticket);
    assert_int_equal(tickets_claim(*state, &announce.ticket, &right, (struct mono){ 100 }, &ticket),
                     IPC_DENIED);
}

static void test_wrong_claims_are_denied_and_spoil_nothing(void **state)
{
    static const struct ticket_claim wrong[] = {
        { .gate = 2, .gate_incarnation = 30, .service = IPC_SERVICE_IMAP },
        { .gate = 3, .gate_incarnation = 31, .service = IPC_SERVICE_IMAP },
        { .gate = 3, .gate_incarnation = 30, .service = IPC_SERVICE_LMTP },
    };
    struct ipc_ticket_announce announce = announcement(1);
    struct ipc_ticket_announce other = announcement(2);
    struct ticket *ticket = NULL;

    assert_int_equal(tickets_announce(*state, &announce, (struct mono){ 0 }), IPC_OK);
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_int_equal(
            tickets_claim(*state, &announce.ticket, &wrong[i], (struct mono){ 1 }, &ticket),
            IPC_DENIED);
    assert_int_equal(tickets_claim(*state, &other.ticket, &right, (struct mono){ 1 }, &ticket),
                     IPC_DENIED);
    assert_null(ticket);
    assert_int_equal(tickets_claim(*state, &announce.ticket, &right, (struct mono){ 1 }, &ticket),
                     IPC_OK);
    free(ticket);
}

static void test_announcements_that_are_refused(void **state)
{
    struct ipc_ticket_announce announce = announcement(1);
    static const uint8_t long_name[TICKET_ACCOUNT_BYTES_MAX + 1];

    announce.mail_incarnation = 6; /* for an earlier start of this shard */
    assert_int_equal(tickets_announce(*state, &announce, (struct mono){ 0 }), IPC_DENIED);
    announce = announcement(1);
    assert_int_equal(tickets_announce(*state, &announce, (struct mono){ 0 }), IPC_OK);
    assert_int_equal(tickets_announce(*state, &announce, (struct mono){ 0 }), IPC_DENIED);
    announce = announcement(2);
    announce.account = bytes_make(long_name, sizeof(long_name));
    assert_int_equal(tickets_announce(*state, &announce, (struct mono){ 0 }), IPC_INVALID);
}

static void test_the_table_is_bounded_and_swept(void **state)
{
    struct tickets *tickets = *state;
    struct ipc_ticket_announce announce = announcement(1);

    for (uint32_t i = 0; i < TICKETS_MAX; i++) {
        memcpy(announce.ticket.raw, &i, sizeof(i));
        assert_int_equal(tickets_announce(tickets, &announce, (struct mono){ 0 }), IPC_OK);
    }
    announce = announcement(9);
    assert_int_equal(tickets_announce(tickets, &announce, (struct mono){ 2 * TICKET_MS }),
                     IPC_LIMIT);
    assert_int_equal(tickets_announce(tickets, &announce, (struct mono){ 2 * TICKET_MS + 1 }),
                     IPC_OK);
    assert_int_equal(tickets->by_raw.count, 1);
}

/* Those that were shown leave before anybody is refused, and at once when they expire. */
static void test_kept_tickets_make_room(void **state)
{
    enum { KEPT = 3 };
    struct tickets *tickets = *state;
    struct ipc_ticket_announce announce = announcement(1);

    announce.service = IPC_SERVICE_LMTP;
    for (uint32_t i = 0; i < TICKETS_MAX; i++) {
        memcpy(announce.ticket.raw, &i, sizeof(i));
        assert_int_equal(tickets_announce(tickets, &announce, (struct mono){ 0 }), IPC_OK);
        if (i < KEPT)
            show_kept(tickets, &announce);
    }
    announce = announcement(9);
    for (uint32_t i = 0; i < KEPT; i++) {
        announce.ticket.raw[1] = (uint8_t)i;
        assert_int_equal(tickets_announce(tickets, &announce, (struct mono){ 2 }), IPC_OK);
    }
    announce.ticket.raw[1] = KEPT;
    assert_int_equal(tickets_announce(tickets, &announce, (struct mono){ 2 }), IPC_LIMIT);
}

static void test_kept_tickets_leave_when_they_expire(void **state)
{
    struct tickets *tickets = *state;
    struct ipc_ticket_announce announce = announcement(1);

    announce.service = IPC_SERVICE_LMTP;
    assert_int_equal(tickets_announce(tickets, &announce, (struct mono){ 0 }), IPC_OK);
    show_kept(tickets, &announce);
    announce = announcement(2);
    assert_int_equal(tickets_announce(tickets, &announce, (struct mono){ TICKET_MS + 1 }), IPC_OK);
    assert_int_equal(tickets->by_raw.count, 1);
}

static void test_what_an_account_loses(void **state)
{
    struct ipc_ticket_announce login = announcement(1);
    struct ipc_ticket_announce mail = announcement(2);
    struct ipc_ticket_announce other = announcement(3);
    struct ipc_ticket_announce again = announcement(4);
    struct ticket_claim for_mail = right;
    struct ticket *ticket = NULL;

    mail.service = again.service = for_mail.service = IPC_SERVICE_LMTP;
    other.account_id.raw[0] = 1;
    assert_int_equal(tickets_announce(*state, &again, (struct mono){ 0 }), IPC_OK);
    show_kept(*state, &again);
    for (int logins_only = 1; logins_only >= 0; logins_only--) {
        assert_int_equal(tickets_announce(*state, &login, (struct mono){ 0 }), IPC_OK);
        assert_int_equal(tickets_announce(*state, &mail, (struct mono){ 0 }), IPC_OK);
        assert_int_equal(tickets_announce(*state, &other, (struct mono){ 0 }), IPC_OK);
        tickets_void(*state, login.account_id.raw, logins_only == 1);
        assert_int_equal(tickets_claim(*state, &login.ticket, &right, (struct mono){ 1 }, &ticket),
                         IPC_DENIED);
        assert_int_equal(
            tickets_claim(*state, &mail.ticket, &for_mail, (struct mono){ 1 }, &ticket),
            logins_only == 1 ? IPC_OK : IPC_DENIED);
        if (logins_only == 1)
            free(ticket);
        assert_int_equal(tickets_claim(*state, &again.ticket, &kept, (struct mono){ 1 }, &ticket),
                         logins_only == 1 ? IPC_OK : IPC_DENIED);
        if (logins_only == 1)
            free(ticket);
        assert_int_equal(tickets_claim(*state, &other.ticket, &right, (struct mono){ 1 }, &ticket),
                         IPC_OK);
        free(ticket);
    }
}

int main(void)
{
#define TICKET_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TICKET_TEST(test_a_ticket_opens_once),
        TICKET_TEST(test_a_delivery_may_keep_its_ticket),
        TICKET_TEST(test_a_late_ticket_is_void),
        TICKET_TEST(test_wrong_claims_are_denied_and_spoil_nothing),
        TICKET_TEST(test_announcements_that_are_refused),
        TICKET_TEST(test_kept_tickets_make_room),
        TICKET_TEST(test_kept_tickets_leave_when_they_expire),
        TICKET_TEST(test_what_an_account_loses),
        TICKET_TEST(test_the_table_is_bounded_and_swept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
