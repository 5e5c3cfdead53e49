/* The shard: tickets, sessions, deliveries, what waits for the log, what makes room.
 * RFC 3501 s2.3.3. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "daemon/mail/home.h"
#include "kit/shard_seat.h"
#include "store/account_state.h"
#include "store/acting.h"

static void test_a_session_begins_with_the_answer_to_its_login(void **state)
{
    struct fixture *f = *state;
    int client = seat_log_in(f, 1);

    assert_int_equal(shard_counts(f->shard).sessions, 1);
    assert_int_equal(shard_counts(f->shard).accounts_open, 1);
    assert_non_null(strstr(seat_ask(f, client, "a SELECT INBOX\r\n"), "a OK"));
    assert_non_null(strstr(seat_ask(f, client, "b LOGOUT\r\n"), "BYE"));
    assert_true(seat_is_closed(client));
    fd_close(&client);
    seat_settle(f);
    assert_int_equal(shard_counts(f->shard).sessions, 0);
}

static void test_the_next_session_finds_the_account_open(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        int client = seat_log_in(f, 1);

        assert_non_null(strstr(seat_ask(f, client, "a SELECT INBOX\r\nb LOGOUT\r\n"), "b OK"));
        fd_close(&client);
        seat_settle(f);
    }
    assert_int_equal(shard_counts(f->shard).accounts_open, 1);
    assert_int_equal(shard_counts(f->shard).logins, 3);
}

static void test_what_was_read_before_is_not_lost(void **state)
{
    struct fixture *f = *state;
    enum ipc_result result;
    int client =
        seat_hand_over(f, seat_announce(f, 1, IPC_SERVICE_IMAP), BYTES("a NOOP\r\nb NO"), &result);

    assert_int_equal(result, IPC_OK);
    seat_settle(f);
    assert_non_null(strstr(seat_hear(f, client), "a OK"));
    assert_non_null(strstr(seat_ask(f, client, "OP\r\n"), "b OK"));
    fd_close(&client);
}

static void test_tickets_are_asked_for(void **state)
{
    struct fixture *f = *state;
    struct ipc_ticket ticket = seat_announce(f, 1, IPC_SERVICE_IMAP);
    struct ipc_ticket lmtp = seat_announce(f, 1, IPC_SERVICE_LMTP);
    struct ipc_ticket guess = { { 77 } };
    enum ipc_result result;
    int client = seat_hand_over(f, ticket, BYTES(""), &result);

    assert_int_equal(result, IPC_OK);
    fd_close(&client);
    client = seat_hand_over(f, ticket, BYTES(""), &result); /* twice */
    assert_int_equal(result, IPC_DENIED);
    fd_close(&client);
    client = seat_hand_over(f, guess, BYTES(""), &result);
    assert_int_equal(result, IPC_DENIED);
    fd_close(&client);
    client = seat_hand_over(f, lmtp, BYTES(""), &result); /* for another service */
    assert_int_equal(result, IPC_DENIED);
    fd_close(&client);
    seat_deliver(f, guess, BYTES(""), MESSAGE);
    assert_int_equal(seat_hear_delivered(f), IPC_DENIED);
}

static void test_a_gate_cannot_use_the_ticket_of_its_predecessor(void **state)
{
    struct fixture *f = *state;
    struct ipc_ticket ticket = seat_announce(f, 1, IPC_SERVICE_IMAP);
    enum ipc_result result;
    int client;

    fd_close(&f->gate);
    f->gate = fake_join(f->supervisor, IPC_ROLE_GATE, 0, GATE_INCARNATION + 1);
    fake_settle(f->loop);
    client = seat_hand_over(f, ticket, BYTES(""), &result);
    assert_int_equal(result, IPC_DENIED);
    fd_close(&client);
}

static void test_no_250_and_no_ok_before_the_sync(void **state)
{
    struct fixture *f = *state;
    int client = seat_log_in(f, 1);

    seat_say(client, "a CREATE work\r\n");
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, false); /* the sync is asked for, and does not happen */
    assert_string_equal(seat_hear(f, client), "");
    seat_settle(f);
    assert_non_null(strstr(seat_hear(f, client), "a OK"));

    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES(""), MESSAGE);
    fake_hear_nothing(f->loop, f->gate);
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_OK);
    assert_int_equal(shard_counts(f->shard).delivered, 1);
    assert_int_equal(shard_counts(f->shard).deliveries, 0);
    fd_close(&client);
}

static void test_one_sync_serves_all_that_the_turn_has_done(void **state)
{
    enum { MESSAGES = 30 };
    struct fixture *f = *state;
    int client = seat_log_in(f, 1); /* the account is open */
    size_t jobs = 0;

    for (int i = 0; i < MESSAGES; i++)
        seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES(""), MESSAGE);
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, false);
    while (jobs_run(&f->jobs))
        jobs++;
    assert_in_range(jobs, 1, 3); /* a sync, perhaps one for the rest, perhaps a summary */
    seat_settle(f);
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(seat_hear_delivered(f), IPC_OK);
    fd_close(&client);
}

static void test_what_was_delivered_is_what_is_fetched(void **state)
{
    struct fixture *f = *state;
    int client;

    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES(""), MESSAGE);
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_OK);
    client = seat_log_in(f, 1);
    assert_non_null(strstr(seat_ask(f, client, "a SELECT INBOX\r\n"), "* 1 EXISTS"));
    assert_non_null(strstr(seat_ask(f, client, "b FETCH 1 BODY[]\r\n"),
                           "Return-Path: <>\r\nSubject: hi\r\n\r\nthere\r\n"));
    /* Its internal date is the present. */
    assert_non_null(strstr(seat_ask(f, client, "c SEARCH YOUNGER 600\r\n"), "* SEARCH 1\r\n"));
    fd_close(&client);
}

/* One that does not fit into a packet comes as a descriptor. */
static void test_a_large_delivery_is_what_is_fetched(void **state)
{
    static char text[IPC_CONTENT_BYTES_MAX + 100];
    struct fixture *f = *state;
    int client;

    memset(text, 'x', sizeof(text));
    memcpy(text, "Subject: hi\r\n\r\n", 15);
    memcpy(text + sizeof(text) - 6, "the end", 6);
    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES(""),
                 bytes_make(text, sizeof(text)));
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_OK);
    client = seat_log_in(f, 1);
    (void)seat_ask(f, client, "a SELECT INBOX\r\n");
    assert_non_null(strstr(seat_ask(f, client, "b FETCH 1 BODY.PEEK[TEXT]\r\n"), "xxthe en)"));
    assert_non_null(strstr(f->text, "BODY[TEXT] {32853}"));
    fd_close(&client);
}

static void test_idle_hears_of_a_delivery(void **state)
{
    struct fixture *f = *state;
    int client = seat_log_in(f, 1);
    int other = seat_log_in(f, 2);

    (void)seat_ask(f, client, "a SELECT INBOX\r\n");
    (void)seat_ask(f, other, "a SELECT INBOX\r\n");
    (void)seat_ask(f, client, "b IDLE\r\n");
    (void)seat_ask(f, other, "b IDLE\r\n");
    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES("inbox"), MESSAGE);
    seat_settle(f);
    assert_non_null(strstr(seat_hear(f, client), "* 1 EXISTS"));
    assert_string_equal(seat_hear(f, other), ""); /* another account */
    fd_close(&client);
    fd_close(&other);
}

static void test_deliveries_that_are_refused(void **state)
{
    static uint8_t large[100001];
    struct fixture *f = *state;
    struct ipc_message lie = { IPC_DELIVER,
                               { .deliver = { .request = 3, .service = IPC_SERVICE_LMTP } } };
    char path[128];

    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES("nowhere"), MESSAGE);
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_NOT_FOUND);

    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES(""),
                 bytes_make(large, sizeof(large)));
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_TOO_LARGE);

    lie.deliver.ticket = seat_announce(f, 1, IPC_SERVICE_LMTP);
    lie.deliver.size = 5; /* says five, holds four */
    fake_say(f->gate, &lie, fake_memfd(BYTES("1234")));
    assert_int_equal(seat_hear_delivered(f), IPC_INVALID);

    (void)snprintf(path, sizeof(path), "%s/named", f->path);
    fake_say(f->gate, &lie, open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600)); /* still has a name */
    assert_int_equal(seat_hear_delivered(f), IPC_INVALID);
    lie.deliver.size = 0;
    fake_say(f->gate, &lie, dup(2)); /* no file at all */
    assert_int_equal(seat_hear_delivered(f), IPC_INVALID);

    lie.deliver.content = BYTES("1234"); /* twice */
    lie.deliver.size = 4;
    fake_say(f->gate, &lie, fake_memfd(BYTES("1234")));
    assert_int_equal(seat_hear_delivered(f), IPC_INVALID);
    lie.deliver.size = 5; /* says five, holds four */
    fake_say(f->gate, &lie, -1);
    assert_int_equal(seat_hear_delivered(f), IPC_INVALID);
    lie.deliver.size = 3;
    fake_say(f->gate, &lie, -1);
    assert_int_equal(seat_hear_delivered(f), IPC_INVALID);

    lie.deliver.content = BYTES("");
    lie.deliver.size = 0;
    lie.deliver.ticket = seat_announce(f, 1, IPC_SERVICE_IMAP);
    lie.deliver.service = IPC_SERVICE_IMAP; /* a login is no delivery */
    fake_say(f->gate, &lie, fake_memfd(BYTES("")));
    assert_int_equal(seat_hear_delivered(f), IPC_INVALID);
}

static void test_a_delivery_whose_gate_is_gone_is_not_made(void **state)
{
    struct fixture *f = *state;
    int client;

    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES(""), MESSAGE);
    fake_settle(f->loop); /* the account is opening */
    fd_close(&f->gate);
    seat_settle(f);
    f->gate = fake_join(f->supervisor, IPC_ROLE_GATE, 0, GATE_INCARNATION);
    fake_settle(f->loop);
    client = seat_log_in(f, 1);
    assert_non_null(strstr(seat_ask(f, client, "a SELECT INBOX\r\n"), "* 0 EXISTS"));
    fd_close(&client);
}

/* What auth granted before the change does not outlive it. */
static void test_logout_and_drop_void_tickets(void **state)
{
    struct fixture *f = *state;
    struct ipc_message logout = { .type = IPC_ACCOUNT_LOGOUT };
    struct ipc_message drop = { IPC_ACCOUNT_DROP, { .account_drop = { .request = 7 } } };
    struct ipc_ticket login = seat_announce(f, 1, IPC_SERVICE_IMAP);
    struct ipc_ticket mail = seat_announce(f, 1, IPC_SERVICE_LMTP);
    struct ipc_ticket early = seat_announce(f, 1, IPC_SERVICE_IMAP);
    enum ipc_result result;
    int client = seat_hand_over(f, early, BYTES(""), &result); /* its account is not open yet */
    int other;

    assert_int_equal(result, IPC_OK);
    memset(logout.account_drop.account_id.raw, 1, 16);
    memset(drop.account_drop.account_id.raw, 1, 16);
    fake_say(f->auth, &logout, -1);
    fake_settle(f->loop);
    other = seat_hand_over(f, login, BYTES(""), &result);
    assert_int_equal(result, IPC_DENIED);
    fd_close(&other);
    seat_settle(f);
    assert_non_null(strstr(seat_hear(f, client), "* BYE"));
    fd_close(&client);

    fake_say(f->auth, &drop, -1);
    seat_settle(f);
    fake_hear(f->loop, f->auth, &f->mail);
    assert_int_equal(f->mail.got.type, IPC_ACCOUNT_DROP_ANSWER);
    seat_deliver(f, mail, BYTES(""),
                 MESSAGE); /* would make a new directory for a removed account */
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_DENIED);
}

static void test_logout_and_drop(void **state)
{
    struct fixture *f = *state;
    struct ipc_message logout = { .type = IPC_ACCOUNT_LOGOUT };
    struct ipc_message drop = { IPC_ACCOUNT_DROP, { .account_drop = { .request = 7 } } };
    int client = seat_log_in(f, 1);
    char path[192];
    char hex[PLACE_HEX_BYTES];
    uint8_t id[16];
    DIR *trash;

    memset(id, 1, sizeof(id));
    place_hex(id, hex);
    memset(logout.account_drop.account_id.raw, 1, 16);
    memset(drop.account_drop.account_id.raw, 1, 16);
    fake_say(f->auth, &logout, -1);
    seat_settle(f);
    assert_non_null(strstr(seat_hear(f, client), "* BYE"));
    assert_true(seat_is_closed(client));
    fd_close(&client);

    client = seat_log_in(f, 1);
    (void)snprintf(path, sizeof(path), "%s/01/%s", f->path, hex);
    assert_int_equal(access(path, F_OK), 0);
    fake_say(f->auth, &drop, -1);
    seat_settle(f);
    fake_hear(f->loop, f->auth, &f->mail);
    assert_int_equal(f->mail.got.type, IPC_ACCOUNT_DROP_ANSWER);
    assert_int_equal(f->mail.got.answer.result, IPC_OK);
    assert_non_null(strstr(seat_hear(f, client), "* BYE The account was removed\r\n"));
    assert_true(seat_is_closed(client));
    fd_close(&client);
    assert_int_not_equal(access(path, F_OK), 0);
    (void)snprintf(path, sizeof(path), "%s/trash", f->path);
    trash = opendir(path);
    assert_non_null(trash);
    closedir(trash);

    fake_say(f->auth, &drop, -1); /* again: there is nothing left to do */
    seat_settle(f);
    fake_hear(f->loop, f->auth, &f->mail);
    assert_int_equal(f->mail.got.answer.result, IPC_OK);
}

static void test_stop_says_bye_and_closes_in_order(void **state)
{
    struct fixture *f = *state;
    struct ipc_message stop = { .type = IPC_STOP };
    int client = seat_log_in(f, 1);

    (void)seat_ask(f, client, "a CREATE work\r\n");
    fake_say(f->supervisor, &stop, -1);
    seat_settle(f);
    assert_non_null(strstr(seat_hear(f, client), "* BYE"));
    fd_close(&client);
    seat_settle(f);
    assert_true(f->role.ended);
    assert_int_equal(shard_counts(f->shard).accounts_open, 0);

    seat_stop_shard(f);
    seat_start_shard(f);
    client = seat_log_in(f, 1);
    assert_non_null(strstr(seat_ask(f, client, "a LIST \"\" work\r\n"), "* LIST"));
    fd_close(&client);
}

/* The disk takes no more: what is said from then on could be untrue. */
static bool sync_fails;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
    if (!sync_fails)
        return __real_fdatasync(fd);
    errno = EIO;
    return -1;
}

/* What may have been lost is not believed: no answer, the end, and the account as the disk has it.
 */
static void test_a_failed_sync_ends_the_sessions_of_its_account(void **state)
{
    struct fixture *f = *state;
    int client = seat_log_in(f, 1);
    int other = seat_log_in(f, 2);

    assert_non_null(strstr(seat_ask(f, client, "a CREATE kept\r\n"), "a OK"));
    sync_fails = true;
    assert_null(strstr(seat_ask(f, client, "b CREATE lost\r\n"), "b OK"));
    sync_fails = false;
    seat_settle(f);
    assert_true(seat_is_closed(client));
    fd_close(&client);
    seat_settle(f);

    assert_non_null(strstr(seat_ask(f, other, "c NOOP\r\n"), "c OK")); /* another account */
    client = seat_log_in(f, 1);
    assert_non_null(strstr(seat_ask(f, client, "d LIST \"\" kept\r\n"), "* LIST"));
    assert_null(strstr(seat_ask(f, client, "e LIST \"\" lost\r\n"), "* LIST"));
    assert_non_null(strstr(seat_ask(f, client, "f CREATE again\r\n"), "f OK"));
    fd_close(&client);
    fd_close(&other);
}

static void test_a_write_that_fails_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct rlimit before;
    struct rlimit none;
    int client = seat_log_in(f, 1);

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = before;
    none.rlim_cur = 1; /* a write beyond it fails with EFBIG */
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_non_null(strstr(seat_ask(f, client, "b CREATE lost\r\n"), "b NO [UNAVAILABLE]"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_null(strstr(seat_ask(f, client, "e LIST \"\" lost\r\n"), "* LIST"));
    assert_non_null(strstr(seat_ask(f, client, "f CREATE again\r\n"), "f OK"));
    fd_close(&client);
}

static void test_sessions_of_an_account_are_counted(void **state)
{
    enum { MOST = 3 };
    struct fixture *f = *state;
    struct ipc_message text = { .type = IPC_CONFIG };
    int clients[MOST + 1];
    enum ipc_result result;

    fake_say(f->supervisor, &text,
             fake_memfd(BYTES("log.level = error\nmail.sessions_per_account_max = 3\n")));
    fake_settle(f->loop);
    for (int i = 0; i < MOST; i++)
        clients[i] = seat_log_in(f, 1);
    clients[MOST] = seat_hand_over(f, seat_announce(f, 1, IPC_SERVICE_IMAP), BYTES(""), &result);
    assert_int_equal(result, IPC_LIMIT);
    fd_close(&clients[MOST]);
    clients[MOST] = seat_log_in(f, 2); /* another account has its own */
    fd_close(&clients[0]);
    seat_settle(f);
    clients[0] = seat_log_in(f, 1);
    for (int i = 0; i <= MOST; i++)
        fd_close(&clients[i]);
}

/* Descriptors of this process. */
static size_t count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count - 3; /* ".", "..", the directory */
}

/* In a process of its own, since the limit cannot be raised again. */
static void run_with_fds(rlim_t fds, void (*body)(struct fixture *f))
{
    struct rlimit few = { fds, fds };
    pid_t child = fork();
    void *fixture;
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        (void)seat_set_up(&fixture);
        body(fixture);
        (void)seat_tear_down(&fixture);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* With 250 descriptors there are 82 for accounts and who uses them: two for each, and four must be
 * free before another is opened. */
enum { FEW_FDS = 250, FEW_HOMES = (82 - 4) / 2 + 1 };

static void use_more_accounts_than_fit(struct fixture *f)
{
    for (uint8_t account = 1; account <= FEW_HOMES + 5; account++) {
        int client = seat_log_in(f, account);

        (void)seat_ask(f, client, "a LOGOUT\r\n");
        fd_close(&client);
        seat_settle(f);
        assert_in_range(shard_counts(f->shard).accounts_open, 1, FEW_HOMES);
    }
    assert_int_equal(shard_counts(f->shard).accounts_open, FEW_HOMES);
}

/* Descriptors are few: the account that has been quiet for longest makes room. */
static void test_quiet_accounts_make_room(void **state)
{
    (void)state;
    run_with_fds(FEW_FDS, use_more_accounts_than_fit);
}

/* The test holds the clients' ends. Of the accounts at rest only two are open: the directory and
 * the lock; the eight that are awake have a segment, and the files of summaries. */
static void keep_many_accounts_in_use(struct fixture *f)
{
    enum { MANY = 26, AWAKE = 8, AWAKE_FDS = 3 };
    int clients[MANY + 2];
    size_t before = count_fds();
    enum ipc_result result;

    for (uint8_t i = 0; i < MANY; i++) {
        clients[i] = seat_log_in(f, i + 1);
        seat_deliver(f, seat_announce(f, i + 1, IPC_SERVICE_LMTP), BYTES(""), MESSAGE);
        seat_settle(f);
        assert_int_equal(seat_hear_delivered(f), IPC_OK);
        assert_non_null(strstr(seat_ask(f, clients[i], "a SELECT INBOX\r\n"), "* 1 EXISTS"));
    }
    assert_int_equal(shard_counts(f->shard).accounts_open, MANY);
    assert_in_range(count_fds(), before + MANY * 4, before + MANY * 4 + AWAKE * AWAKE_FDS);
    for (uint8_t i = 0; i < MANY; i++) { /* all of them work, those at rest too */
        assert_non_null(
            strstr(seat_ask(f, clients[i], "b FETCH 1 (ENVELOPE BODY.PEEK[])\r\n"), "there"));
        assert_non_null(strstr(seat_ask(f, clients[i], "c COPY 1 INBOX\r\n"), "c OK"));
        assert_in_range(count_fds(), before, before + MANY * 4 + AWAKE * AWAKE_FDS);
    }
    clients[MANY] = seat_log_in(f, MANY + 1); /* 78 are taken, and four must be free */
    clients[MANY + 1] =
        seat_hand_over(f, seat_announce(f, MANY + 2, IPC_SERVICE_IMAP), BYTES(""), &result);
    assert_int_equal(result, IPC_UNAVAILABLE); /* nobody is quiet */
    for (size_t i = 0; i < ARRAY_COUNT(clients); i++)
        fd_close(&clients[i]);
}

static void test_accounts_at_rest_keep_two_descriptors(void **state)
{
    (void)state;
    run_with_fds(FEW_FDS, keep_many_accounts_in_use);
}

/* A client that does not read holds up its own command, and no more memory than that takes. */
static void test_a_slow_reader_waits_alone(void **state)
{
    enum { FETCHES = 200 };
    static uint8_t large[90000];
    struct fixture *f = *state;
    size_t got = 0;
    int client;
    int other;

    memset(large, 'x', sizeof(large));
    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES(""),
                 bytes_make(large, sizeof(large)));
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_OK);
    client = seat_log_in(f, 1);
    other = seat_log_in(f, 1);
    (void)seat_ask(f, client, "a SELECT INBOX\r\n");
    for (int i = 0; i < FETCHES; i++)
        seat_say(client, "b FETCH 1 BODY.PEEK[]\r\n");
    seat_settle(f);
    assert_non_null(strstr(seat_ask(f, other, "c NOOP\r\n"), "c OK"));
    while (got < FETCHES * sizeof(large)) {
        size_t len = strlen(seat_hear(f, client));

        assert_true(len > 0);
        got += len;
        seat_settle(f);
    }
    fd_close(&client);
    fd_close(&other);
}

/* And when it never reads again its session is ended, as that of a client that says nothing. */
static void test_a_reader_that_stopped_is_ended(void **state)
{
    enum { FETCHES = 200, IDLE_MS = 200 };
    static uint8_t large[90000];
    struct fixture *f = *state;
    int client;

    f->shard->limits.idle_ms_max = IDLE_MS;
    memset(large, 'x', sizeof(large));
    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES(""),
                 bytes_make(large, sizeof(large)));
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_OK);
    client = seat_log_in(f, 1);
    (void)seat_ask(f, client, "a SELECT INBOX\r\n");
    for (int i = 0; i < FETCHES; i++)
        seat_say(client, "b FETCH 1 BODY.PEEK[]\r\n");
    seat_settle(f);
    assert_int_equal(shard_counts(f->shard).sessions, 1);
    for (int i = 0; i < 3; i++) {
        (void)usleep(IDLE_MS * 1000 / 2);
        seat_settle(f);
    }
    assert_int_equal(shard_counts(f->shard).sessions, 0);
    fd_close(&client);
}

static struct account *account_of(struct fixture *f, uint8_t account)
{
    uint8_t id[IPC_ACCOUNT_ID_BYTES];

    memset(id, account, sizeof(id));
    return home_find(f->shard, id)->account;
}

/* Messages that a COPY takes many steps for. */
static void fill(struct fixture *f, int client)
{
    (void)seat_ask(f, client, "a APPEND INBOX {3+}\r\nx\r\n\r\n");
    (void)seat_ask(f, client, "b SELECT INBOX\r\n");
    for (int i = 0; i < 8; i++)
        assert_non_null(strstr(seat_ask(f, client, "c COPY 1:* INBOX\r\n"), "c OK"));
    account_of(f, 1)->step_cost = 100;
}

/* A delivery that waits for an act of its own account is not in the way of those to others. */
static void test_an_act_holds_up_its_own_account_alone(void **state)
{
    static uint8_t large[90000];
    struct fixture *f = *state;
    int busy = seat_log_in(f, 1);
    int idle = seat_log_in(f, 2);

    fill(f, busy);
    memset(large, 'x', sizeof(large));
    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES(""),
                 bytes_make(large, sizeof(large)));
    for (int i = 0; i < 5; i++) /* it is begun, and waits for a job */
        loop_turn(f->loop, false);
    seat_say(busy, "d COPY 1:* INBOX\r\n");
    while (!account_is_acting(account_of(f, 1)))
        loop_turn(f->loop, false);
    jobs_settle(&f->jobs);
    seat_deliver(f, seat_announce(f, 2, IPC_SERVICE_LMTP), BYTES(""), MESSAGE);
    for (int i = 0; i < 3; i++)
        loop_turn(f->loop, false);
    assert_true(account_is_acting(account_of(f, 1)));
    assert_int_equal(account_used_messages(account_of(f, 2)), 1);
    while (account_is_acting(account_of(f, 1)))
        seat_settle(f);
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_OK);
    assert_int_equal(seat_hear_delivered(f), IPC_OK);
    fd_close(&busy);
    fd_close(&idle);
}

static void test_work_is_marked(void **state)
{
    struct fixture *f = *state;
    int q = seat_log_in(f, 'q');
    int r = seat_log_in(f, 'r');
    struct ipc_account_id ids[MARKS_MAX];
    static char large[70000 + 1];

    memset(f->marked, 0, sizeof(f->marked));
    (void)seat_ask(f, q, "a CREATE one\r\n");
    assert_string_equal(f->marked, "q"); /* the sync */
    memset(f->marked, 0, sizeof(f->marked));
    memset(large, 'x', sizeof(large) - 1);
    seat_say(r, "a APPEND INBOX {70000+}\r\n");
    seat_say(r, large);
    (void)seat_ask(f, r, "\r\n");
    assert_true(strlen(f->marked) > 1); /* pieces of the body, from steps; then the sync */
    assert_int_equal(strspn(f->marked, "r"), strlen(f->marked));
    assert_int_equal(marks_read(f->memory, ids), 0);
    fd_close(&q);
    fd_close(&r);
    seat_settle(f);
    assert_int_equal(marks_read(f->memory, ids), 0);
}

int main(void)
{
#define SHARD_TEST(name) cmocka_unit_test_setup_teardown(name, seat_set_up, seat_tear_down)
    const struct CMUnitTest tests[] = {
        SHARD_TEST(test_a_session_begins_with_the_answer_to_its_login),
        SHARD_TEST(test_the_next_session_finds_the_account_open),
        SHARD_TEST(test_what_was_read_before_is_not_lost),
        SHARD_TEST(test_an_act_holds_up_its_own_account_alone),
        SHARD_TEST(test_work_is_marked),
        SHARD_TEST(test_tickets_are_asked_for),
        SHARD_TEST(test_a_gate_cannot_use_the_ticket_of_its_predecessor),
        SHARD_TEST(test_no_250_and_no_ok_before_the_sync),
        SHARD_TEST(test_one_sync_serves_all_that_the_turn_has_done),
        SHARD_TEST(test_what_was_delivered_is_what_is_fetched),
        SHARD_TEST(test_a_large_delivery_is_what_is_fetched),
        SHARD_TEST(test_idle_hears_of_a_delivery),
        SHARD_TEST(test_deliveries_that_are_refused),
        SHARD_TEST(test_a_delivery_whose_gate_is_gone_is_not_made),
        SHARD_TEST(test_logout_and_drop),
        SHARD_TEST(test_logout_and_drop_void_tickets),
        SHARD_TEST(test_stop_says_bye_and_closes_in_order),
        SHARD_TEST(test_a_failed_sync_ends_the_sessions_of_its_account),
        SHARD_TEST(test_a_write_that_fails_changes_nothing),
        SHARD_TEST(test_sessions_of_an_account_are_counted),
        cmocka_unit_test(test_quiet_accounts_make_room),
        cmocka_unit_test(test_accounts_at_rest_keep_two_descriptors),
        SHARD_TEST(test_a_slow_reader_waits_alone),
        SHARD_TEST(test_a_reader_that_stopped_is_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
