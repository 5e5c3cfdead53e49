/* What a shard counts while it works. */
#include "daemon/mail/stats.h"

#include <stdio.h>

#include "kit/shard_seat.h"

static struct shard_counts counts(const struct fixture *f)
{
    return shard_counts(f->shard);
}

static void test_the_answer(void **state)
{
    static const struct bytes parts[] = {
        BYTES("{\"shard\":0,\"sessions\":1,\"accounts_open\":1,"),
        BYTES("\"sessions_by_tls\":{\"no\":1,\"yes\":0}"),
        BYTES("\"accounts_opened_total\":1,"),
        BYTES("\"failures_total\":{\"open\":0,\"log\":0}"),
        BYTES("\"held_output_bytes\":0,"),
        BYTES("\"deliveries_total\":{\"ok\":0}}"),
    };
    struct fixture *f = *state;
    struct ipc_message stats = { IPC_STATS, { .request = { 9 } } };
    int control = fake_join(f->supervisor, IPC_ROLE_CONTROL, 0, 1);
    int client = seat_log_in(f, 1);

    fake_say(control, &stats, -1);
    fake_hear(f->loop, control, &f->mail);
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        assert_true(bytes_find(f->mail.got.text_answer.text, 0, parts[i]) <
                    f->mail.got.text_answer.text.len);
    fd_close(&client);
    fd_close(&control);
}

static void test_held_output_and_syncs(void **state)
{
    struct fixture *f = *state;
    int client = seat_log_in(f, 1);
    struct shard_counts before, after;

    before = counts(f);
    seat_say(client, "a CREATE work\r\n");
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, false); /* the sync is asked for, and does not happen */
    assert_true(counts(f).held_bytes >= strlen("a OK"));
    assert_int_equal(counts(f).log_syncs, before.log_syncs);
    seat_settle(f);
    assert_non_null(strstr(seat_hear(f, client), "a OK"));
    after = counts(f);
    assert_int_equal(after.held_bytes, 0);
    assert_int_equal(after.log_syncs, before.log_syncs + 1);
    assert_in_range(after.log_bytes - before.log_bytes, 1, 1000);

    seat_say(client, "b CREATE play\r\n");
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, false);
    assert_true(counts(f).held_bytes > 0);
    fd_close(&client); /* whoever leaves holds nothing */
    seat_settle(f);
    assert_int_equal(counts(f).held_bytes, 0);
    assert_int_equal(counts(f).sessions, 0);
}

static void test_deliveries(void **state)
{
    static uint8_t large[100001];
    struct fixture *f = *state;

    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES(""), MESSAGE);
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_OK);
    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES("nowhere"), MESSAGE);
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_NOT_FOUND);
    seat_deliver(f, seat_announce(f, 1, IPC_SERVICE_LMTP), BYTES(""),
                 bytes_make(large, sizeof(large)));
    assert_int_equal(seat_hear_delivered(f), IPC_TOO_LARGE);
    assert_int_equal(counts(f).answered[IPC_OK], 1);
    assert_int_equal(counts(f).answered[IPC_NOT_FOUND], 1);
    assert_int_equal(counts(f).answered[IPC_TOO_LARGE], 1);
    assert_int_equal(counts(f).delivered, 1);
}

static void test_an_account_that_cannot_be_opened(void **state)
{
    struct fixture *f = *state;
    char path[128];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/07", f->path);
    fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600); /* a file where its directory would be */
    fd_close(&fd);
    seat_deliver(f, seat_announce(f, 7, IPC_SERVICE_LMTP), BYTES(""), MESSAGE);
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_UNAVAILABLE);
    assert_int_equal(counts(f).open_failures, 1);
    assert_int_equal(counts(f).accounts_opened, 0);
    assert_int_equal(counts(f).answered[IPC_UNAVAILABLE], 1);
}

int main(void)
{
#define STATS_TEST(name) cmocka_unit_test_setup_teardown(name, seat_set_up, seat_tear_down)
    const struct CMUnitTest tests[] = {
        STATS_TEST(test_the_answer),
        STATS_TEST(test_held_output_and_syncs),
        STATS_TEST(test_deliveries),
        STATS_TEST(test_an_account_that_cannot_be_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
