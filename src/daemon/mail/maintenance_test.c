/* Maintenance in a shard: what control is told, when, and what ends it. */
#include "daemon/mail/maintenance.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kit/shard_seat.h"
#include "maintain/maintain.h"
#include "store/record.h"
#include "store/segment.h"

enum { ACCOUNT = 1, MESSAGES = 400, BATCH = 40, LOG_BYTES_MAX = 1 << 20 };

/* For a test whose act changes the account. */
static bool does_change;

bool __wrap_maintain_changes(const struct maintain *act);
bool __wrap_maintain_changes(const struct maintain *act)
{
    (void)act;
    return does_change;
}

/* For a test that will not wait long for signs of life: after how many ms they come; 0: as usual.
 */
static int64_t beat_ms;

void __real_loop_timer_set_in(struct loop_timer *timer, int64_t after_ms);
void __wrap_loop_timer_set_in(struct loop_timer *timer, int64_t after_ms);
void __wrap_loop_timer_set_in(struct loop_timer *timer, int64_t after_ms)
{
    __real_loop_timer_set_in(timer,
                             beat_ms > 0 && after_ms == MAINTENANCE_BEAT_MS ? beat_ms : after_ms);
}

static int control_of(struct fixture *f)
{
    int control = fake_join(f->supervisor, IPC_ROLE_CONTROL, 0, 7);

    fake_settle(f->loop);
    return control;
}

static void say(int control, struct ipc_message *message, uint64_t request)
{
    message->request.request = request;
    fake_say(control, message, -1);
}

static void want(int control, uint64_t request, struct bytes act)
{
    struct ipc_message message = {
        IPC_MAINTAIN, { .maintain = { .act = act, .arguments = BYTES("{}"), .actor = BYTES("me") } }
    };

    memset(message.maintain.account_id.raw, ACCOUNT, IPC_ACCOUNT_ID_BYTES);
    say(control, &message, request);
}

static void go_on(int control, uint64_t request)
{
    struct ipc_message message = { .type = IPC_MAINTAIN_CONTINUE };

    say(control, &message, request);
}

static const struct ipc_account_answer *hear(struct fixture *f, int control, uint64_t request)
{
    seat_settle(f);
    fake_hear(f->loop, control, &f->mail);
    assert_int_equal(f->mail.got.type, IPC_MAINTAIN_ANSWER);
    assert_int_equal(f->mail.got.account_answer.request, request);
    return &f->mail.got.account_answer;
}

static bool holds(struct bytes text, const char *part)
{
    return bytes_find(text, 0, bytes_from_string(part)) < text.len;
}

static void deliver_some(struct fixture *f, int count)
{
    for (int done = 0; done < count;) {
        int batch = count - done < BATCH ? count - done : BATCH;

        for (int i = 0; i < batch; i++)
            seat_deliver(f, seat_announce(f, ACCOUNT, IPC_SERVICE_LMTP), BYTES(""), MESSAGE);
        seat_settle(f);
        for (int i = 0; i < batch; i++)
            assert_int_equal(seat_hear_delivered(f), IPC_OK);
        done += batch;
    }
}

/* A byte in the payload of every record of the first segment; answers how many there are. */
static size_t damage_all(struct fixture *f)
{
    static uint8_t log[LOG_BYTES_MAX];
    uint8_t id[IPC_ACCOUNT_ID_BYTES];
    char place[PLACE_PATH_BYTES];
    char path[256];
    struct segment segment;
    struct record_header header;
    uint64_t offset = SEGMENT_RECORDS_AT;
    size_t count = 0;
    size_t len;
    FILE *file;

    memset(id, ACCOUNT, sizeof(id));
    place_path(id, place);
    (void)snprintf(path, sizeof(path), "%s/%s/log/0000000000000004.log", f->path, place);
    file = fopen(path, "r+b");
    assert_non_null(file);
    len = fread(log, 1, sizeof(log), file);
    assert_int_equal(segment_header_decode(bytes_make(log, SEGMENT_HEADER_BYTES), &segment),
                     ERR_OK);
    while (offset + RECORD_HEADER_BYTES <= len &&
           record_header_decode(bytes_make(log + offset, RECORD_HEADER_BYTES),
                                record_key_make(segment.id), offset, &header)) {
        log[offset + RECORD_HEADER_BYTES] ^= 1;
        offset += record_bytes(header.length);
        count++;
    }
    rewind(file);
    assert_int_equal(fwrite(log, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return count;
}

static void test_an_act_runs_to_its_result(void **state)
{
    struct fixture *f = *state;
    int control = control_of(f);
    const struct ipc_account_answer *answer;

    deliver_some(f, 3);
    want(control, 5, BYTES("verify"));
    answer = hear(f, control, 5);
    assert_int_equal(answer->result, IPC_OK);
    assert_false(answer->more);
    assert_true(holds(answer->text, ",{\"result\":{"));
    assert_true(holds(answer->text, "\"messages\":3,\"damaged\":0,\"messages_damaged\":0}}]"));
    assert_int_equal(shard_counts(f->shard).maintenances, 0);
    fake_hear_nothing(f->loop, control);
    fd_close(&control);
}

/* The account has been used, and is closed. */
static void use_once(struct fixture *f)
{
    deliver_some(f, 1);
    seat_stop_shard(f);
    seat_start_shard(f);
}

static void test_an_account_is_opened_for_it(void **state)
{
    struct fixture *f = *state;
    int control;

    use_once(f);
    control = control_of(f);
    want(control, 5, BYTES("verify"));
    fake_settle(f->loop);
    assert_int_equal(shard_counts(f->shard).maintenances, 1); /* waits for the account */
    assert_int_equal(hear(f, control, 5)->result, IPC_OK);
    assert_int_equal(shard_counts(f->shard).accounts_open, 1);
    fd_close(&control);
}

/* Nothing is made for who only asks; for mail that comes meanwhile it is. */
static void test_an_account_that_was_never_used(void **state)
{
    struct fixture *f = *state;
    int control = control_of(f);
    const struct ipc_account_answer *answer;
    uint8_t id[IPC_ACCOUNT_ID_BYTES];
    char place[PLACE_PATH_BYTES];
    char path[256];

    memset(id, ACCOUNT, sizeof(id));
    place_path(id, place);
    (void)snprintf(path, sizeof(path), "%s/%s", f->path, place);
    want(control, 8, BYTES("verify"));
    answer = hear(f, control, 8);
    assert_int_equal(answer->result, IPC_NOT_FOUND);
    ASSERT_BYTES(answer->text, BYTES("nobody has used it yet: there is no mail of it"));
    assert_int_equal(access(path, F_OK), -1);
    want(control, 9, BYTES("verify"));
    fake_settle(f->loop); /* it is being opened, by a job that has not run */
    seat_deliver(f, seat_announce(f, ACCOUNT, IPC_SERVICE_LMTP), BYTES(""), MESSAGE);
    seat_settle(f);
    assert_int_equal(seat_hear_delivered(f), IPC_OK);
    assert_int_equal(hear(f, control, 9)->result, IPC_OK);
    assert_int_equal(access(path, F_OK), 0);
    fd_close(&control);
}

static void test_what_cannot_be_done_is_refused(void **state)
{
    struct fixture *f = *state;
    int control = control_of(f);
    const struct ipc_account_answer *answer;

    deliver_some(f, 1);
    want(control, 6, BYTES("dance"));
    answer = hear(f, control, 6);
    assert_int_equal(answer->result, IPC_UNSUPPORTED);
    ASSERT_BYTES(answer->text, BYTES("there is no maintenance called \"dance\""));
    assert_int_equal(shard_counts(f->shard).maintenances, 0);
    fd_close(&control);
}

/* A part is sent only when the last one was taken; meanwhile the act stands still. */
static void test_a_slow_reader_stops_the_act(void **state)
{
    struct fixture *f = *state;
    int control = control_of(f);
    const struct ipc_account_answer *answer;
    size_t parts = 1;
    size_t damaged;
    char last[64];

    deliver_some(f, MESSAGES);
    damaged = damage_all(f);
    want(control, 7, BYTES("verify"));
    answer = hear(f, control, 7);
    while (answer->more) {
        assert_int_equal(answer->result, IPC_OK);
        seat_settle(f);
        fake_hear_nothing(f->loop, control);
        go_on(control, 7);
        answer = hear(f, control, 7);
        parts++;
    }
    (void)snprintf(last, sizeof(last), "\"damaged\":%zu,\"mess", damaged);
    assert_true(damaged > 2 * MESSAGES);
    assert_true(holds(answer->text, last));
    assert_true(parts > 2);
    fd_close(&control);
}

static void test_it_ends_when_nobody_listens(void **state)
{
    struct fixture *f = *state;
    struct ipc_message cancel = { .type = IPC_MAINTAIN_CANCEL };
    int control = control_of(f);

    deliver_some(f, MESSAGES);
    (void)damage_all(f);
    want(control, 8, BYTES("verify"));
    assert_true(hear(f, control, 8)->more);
    say(control, &cancel, 9); /* another one */
    fake_settle(f->loop);
    assert_int_equal(shard_counts(f->shard).maintenances, 1);
    say(control, &cancel, 8);
    fake_settle(f->loop);
    assert_int_equal(shard_counts(f->shard).maintenances, 0);
    go_on(control, 8);
    seat_settle(f);
    fake_hear_nothing(f->loop, control);

    want(control, 10, BYTES("verify")); /* control itself goes */
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, false);
    assert_int_equal(shard_counts(f->shard).maintenances, 1);
    fd_close(&control);
    seat_settle(f);
    assert_int_equal(shard_counts(f->shard).maintenances, 0);
}

static void drop(struct fixture *f)
{
    struct ipc_message message = { IPC_ACCOUNT_DROP, { .account_drop = { .request = 90 } } };

    memset(message.account_drop.account_id.raw, ACCOUNT, IPC_ACCOUNT_ID_BYTES);
    fake_say(f->auth, &message, -1);
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, false);
}

/* The directory stays where it is until the job that reads there has ended. */
static void test_an_account_that_goes_takes_it_along(void **state)
{
    struct fixture *f = *state;
    int control = control_of(f);

    deliver_some(f, 3);
    want(control, 11, BYTES("verify"));
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, false); /* its job waits */
    drop(f);
    fake_hear(f->loop, control, &f->mail);
    assert_int_equal(f->mail.got.account_answer.result, IPC_NOT_FOUND);
    assert_int_equal(shard_counts(f->shard).maintenances, 0);
    assert_int_equal(shard_counts(f->shard).accounts_open, 1);
    want(control, 12, BYTES("verify"));
    fake_hear(f->loop, control, &f->mail);
    assert_int_equal(f->mail.got.account_answer.result, IPC_UNAVAILABLE);
    fake_hear_nothing(f->loop, f->auth);
    for (int i = 0; i < 100; i++) { /* the home looks again every millisecond */
        seat_settle(f);
        (void)usleep(1000);
    }
    fake_hear(f->loop, f->auth, &f->mail);
    assert_int_equal(f->mail.got.type, IPC_ACCOUNT_DROP_ANSWER);
    assert_int_equal(f->mail.got.answer.result, IPC_OK);
    fd_close(&control);
}

static void turn(struct fixture *f)
{
    for (int i = 0; i < 5; i++)
        loop_turn(f->loop, false);
}

/* What has changed the account is told when it is on the disk. */
static void test_a_change_is_durable_before_it_is_told(void **state)
{
    struct fixture *f = *state;
    int control = control_of(f);
    int client = seat_log_in(f, ACCOUNT);

    does_change = true;
    beat_ms = 100; /* none before what comes first here is over */
    want(control, 13, BYTES("verify"));
    turn(f);
    for (int i = 0; i < 1 + 1; i++) { /* the log, the derived files: all but the last of it */
        if (i == 1)
            seat_say(client, "a CREATE work\r\n"); /* its sync waits behind the last job */
        turn(f);
        assert_true(jobs_run(&f->jobs));
        assert_true(jobs_deliver(&f->jobs));
    }
    fake_hear_nothing(f->loop, control);
    assert_int_equal(shard_counts(f->shard).maintenances, 1);
    assert_string_equal(seat_hear(f, client), ""); /* it waits as well */
    for (int i = 0; i < 3; i++) { /* however long that takes */
        fake_hear(f->loop, control, &f->mail);
        assert_true(f->mail.got.account_answer.more);
        ASSERT_BYTES(f->mail.got.account_answer.text, BYTES("[]"));
        go_on(control, 13);
    }
    seat_settle(f);
    while (hear(f, control, 13)->more)
        go_on(control, 13);
    assert_int_equal(f->mail.got.account_answer.result, IPC_OK);
    assert_true(holds(f->mail.got.account_answer.text, "\"result\""));
    does_change = false;
    beat_ms = 0;
    fd_close(&client);
    fd_close(&control);
}

/* An act that has nothing to say, here because the account is not open yet, shows that it lives. */
static void test_signs_of_life(void **state)
{
    struct fixture *f = *state;
    int control = control_of(f);

    beat_ms = 1;
    want(control, 14, BYTES("verify"));
    for (int i = 0; i < 2; i++) {
        fake_hear(f->loop, control, &f->mail);
        assert_true(f->mail.got.account_answer.more);
        ASSERT_BYTES(f->mail.got.account_answer.text, BYTES("[]"));
        for (int k = 0; k < 10; k++) { /* not another one before it is asked for */
            (void)usleep(2000);
            fake_hear_nothing(f->loop, control);
        }
        go_on(control, 14);
    }
    fd_close(&control); /* and it sees that nobody is there any more */
    for (int k = 0; k < 10; k++) {
        (void)usleep(2000);
        turn(f);
    }
    assert_int_equal(shard_counts(f->shard).maintenances, 0);
    beat_ms = 0;
}

static void test_there_is_a_limit(void **state)
{
    struct fixture *f = *state;
    int control;

    use_once(f);
    control = control_of(f);
    for (uint64_t i = 0; i < MAINTENANCES_MAX; i++)
        want(control, 20 + i, BYTES("verify"));
    fake_settle(f->loop);
    fake_hear_nothing(f->loop, control);
    want(control, 19, BYTES("verify"));
    fake_hear(f->loop, control, &f->mail);
    assert_int_equal(f->mail.got.account_answer.request, 19);
    assert_int_equal(f->mail.got.account_answer.result, IPC_LIMIT);
    for (uint64_t i = 0; i < MAINTENANCES_MAX; i++) {
        seat_settle(f);
        fake_hear(f->loop, control, &f->mail);
        assert_int_equal(f->mail.got.account_answer.result, IPC_OK);
    }
    fd_close(&control);
}

int main(void)
{
#define SEAT_TEST(name) cmocka_unit_test_setup_teardown(name, seat_set_up, seat_tear_down)
    const struct CMUnitTest tests[] = {
        SEAT_TEST(test_an_act_runs_to_its_result),
        SEAT_TEST(test_an_account_is_opened_for_it),
        SEAT_TEST(test_an_account_that_was_never_used),
        SEAT_TEST(test_what_cannot_be_done_is_refused),
        SEAT_TEST(test_a_slow_reader_stops_the_act),
        SEAT_TEST(test_it_ends_when_nobody_listens),
        SEAT_TEST(test_an_account_that_goes_takes_it_along),
        SEAT_TEST(test_a_change_is_durable_before_it_is_told),
        SEAT_TEST(test_signs_of_life),
        SEAT_TEST(test_there_is_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
