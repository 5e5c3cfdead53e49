/* A role in the hands of a test: its start, its peers coming, breaking the law and being replaced.
 */
#include "daemon/role/role.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/role/ask.h"
#include "kit/fake_peer.h"
#include "sys/sandbox.h"

/* A small gate: takes certificates' listeners, asks auth, counts what it hears. */
struct fixture {
    struct loop *loop;
    struct role role;
    int supervisor;
    int listeners;
    int listener_fd;
    int reloads;
    int stops;
    int changes;
    struct role_peer *changed;
    struct fake_mail mail;
};

static enum err prepare(struct role *role, struct sandbox_profile *profile, struct note *why)
{
    assert_string_equal(profile->role, "gate");
    if (bytes_equal(buf_bytes(&role->config), BYTES("bad")))
        return note_fail(why, ERR_INVALID, "a bad configuration");
    return ERR_OK;
}

static void on_listener(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct fixture *f = from->role->context;

    f->listeners++;
    if (bytes_equal(message->listener.name, BYTES("keep")))
        f->listener_fd = fd_take(fd);
}

static void on_config(struct role_peer *from, const struct ipc_message *message, int *fd)
{
    struct fixture *f = from->role->context;

    (void)message;
    (void)fd;
    f->reloads++;
}

static void on_stop(struct role *role)
{
    struct fixture *f = role->context;

    f->stops++;
}

static void on_peer_changed(struct role_peer *peer)
{
    struct fixture *f = peer->role->context;

    f->changes++;
    f->changed = peer;
}

static const struct role_handler handlers[] = {
    { IPC_LISTENER, on_listener },
    { IPC_CONFIG, on_config },
};

static const struct role_spec spec = {
    .role = IPC_ROLE_GATE,
    .handlers = handlers,
    .handler_count = ARRAY_COUNT(handlers),
    .prepare = prepare,
    .peer_changed = on_peer_changed,
    .stop = on_stop,
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int pair[2];

    assert_non_null(f);
    f->loop = loop_new();
    f->listener_fd = -1;
    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    f->supervisor = pair[1];
    role_init(&f->role, &spec, f, f->loop, pair[0]);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    role_done(&f->role);
    fd_close(&f->supervisor);
    fd_close(&f->listener_fd);
    loop_free(f->loop);
    free(f);
    return 0;
}

static struct fixture *started(void **state)
{
    struct fixture *f = *state;

    fake_start(f->loop, f->supervisor, IPC_ROLE_GATE, BYTES("a = b\n"));
    assert_true(f->role.started);
    return f;
}

static void test_start_hands_everything_over(void **state)
{
    struct fixture *f = *state;
    struct ipc_message listener = { IPC_LISTENER, { .listener = { .name = BYTES("keep") } } };
    struct ipc_message directory = { .type = IPC_DIRECTORY };
    int auth = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, 5);

    fake_say(f->supervisor, &listener, dup(2));
    fake_say(f->supervisor, &directory, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    fake_settle(f->loop);
    assert_null(role_peer_find(&f->role, IPC_ROLE_AUTH, 0)); /* not before the start */
    (void)started(state);
    ASSERT_BYTES(buf_bytes(&f->role.config), BYTES("a = b\n"));
    assert_true(f->role.directory_fd >= 0);
    assert_int_equal(f->listeners, 1);
    assert_true(f->listener_fd >= 0);
    assert_int_equal(f->changes, 1);
    assert_int_equal(role_peer_find(&f->role, IPC_ROLE_AUTH, 0)->incarnation, 5);
    assert_null(role_peer_find(&f->role, IPC_ROLE_AUTH, 1));
    fd_close(&auth);
}

static void test_bad_configuration_refuses_the_start(void **state)
{
    struct fixture *f = *state;
    struct ipc_message text = { .type = IPC_CONFIG };
    struct ipc_message start = { IPC_START, { .start = { IPC_ROLE_GATE, 0, 1, 1, false } } };

    fake_say(f->supervisor, &text, fake_memfd(BYTES("bad")));
    fake_say(f->supervisor, &start, -1);
    fake_hear_nothing(f->loop, f->supervisor);
    assert_false(f->role.started);
    assert_int_equal(f->role.exit_code, ROLE_EXIT_REFUSED);
}

static void test_new_configuration_is_read_and_told(void **state)
{
    struct fixture *f = started(state);
    struct ipc_message text = { .type = IPC_CONFIG };

    assert_int_equal(f->reloads, 0);
    fake_say(f->supervisor, &text, fake_memfd(BYTES("a = c\n")));
    fake_settle(f->loop);
    assert_int_equal(f->reloads, 1);
    ASSERT_BYTES(buf_bytes(&f->role.config), BYTES("a = c\n"));
}

/* Bytes that an event of that level leaves on standard error. */
static off_t heard_of(enum log_level level)
{
    int kept = dup(2);
    int memory = memfd_create("log", MFD_CLOEXEC);
    off_t heard;

    assert_true(kept >= 0 && memory >= 0 && dup2(memory, 2) == 2);
    log_event(level, "test", NULL, NULL);
    assert_int_equal(dup2(kept, 2), 2);
    heard = lseek(memory, 0, SEEK_END);
    (void)close(kept);
    (void)close(memory);
    return heard;
}

static void test_the_log_follows_the_configuration(void **state)
{
    struct fixture *f = *state;
    struct ipc_message text = { .type = IPC_CONFIG };

    fake_start(f->loop, f->supervisor, IPC_ROLE_GATE, BYTES("log.level = error\n"));
    assert_int_equal(heard_of(LOG_LEVEL_INFO), 0);
    assert_true(heard_of(LOG_LEVEL_ERROR) > 0);
    fake_say(f->supervisor, &text, fake_memfd(BYTES("log.level = info\n")));
    fake_settle(f->loop);
    assert_true(heard_of(LOG_LEVEL_INFO) > 0);
}

static void test_stop_and_the_supervisors_end(void **state)
{
    struct fixture *f = started(state);
    struct ipc_message stop = { .type = IPC_STOP };

    fake_say(f->supervisor, &stop, -1);
    fake_say(f->supervisor, &stop, -1);
    fake_settle(f->loop);
    assert_int_equal(f->stops, 1);
    fd_close(&f->supervisor);
    loop_run(f->loop); /* comes back because the role ended it */
    assert_false(f->role.supervisor.connected);
}

struct question {
    struct role_ask ask;
    int answers;
    enum ipc_type type; /* of the last answer; 0: it was NULL */
};

static void on_answer(struct role_ask *ask, const struct ipc_message *answer, int *fd)
{
    struct question *question = CONTAINER_OF(ask, struct question, ask);

    (void)fd;
    question->answers++;
    question->type = answer == NULL ? (enum ipc_type)0 : answer->type;
}

static void ask_auth(struct fixture *f, struct question *question, int64_t timeout_ms)
{
    struct ipc_message start = { IPC_AUTH_START,
                                 { .auth_start = { .mechanism = BYTES("PLAIN") } } };
    struct role_peer *auth = role_peer_find(&f->role, IPC_ROLE_AUTH, 0);

    *question = (struct question){ .ask.answered = on_answer };
    assert_non_null(auth);
    assert_int_equal(role_ask(auth, &question->ask, &start, NULL, timeout_ms), ERR_OK);
}

static void test_an_exchange_goes_on_until_its_last_answer(void **state)
{
    struct fixture *f = started(state);
    int auth = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, 5);
    struct ipc_message challenge = { IPC_AUTH_CHALLENGE, { .auth_data = { 0, BYTES("r=x") } } };
    struct ipc_message more = { IPC_AUTH_CONTINUE, { .auth_data = { 0, BYTES("p=x") } } };
    struct ipc_message result = { .type = IPC_AUTH_RESULT };
    struct question question;

    fake_settle(f->loop);
    ask_auth(f, &question, 10000);
    fake_hear(f->loop, auth, &f->mail);
    assert_int_equal(f->mail.got.type, IPC_AUTH_START);
    challenge.auth_data.request = f->mail.got.auth_start.request;
    fake_say(auth, &challenge, -1);
    fake_settle(f->loop);
    assert_int_equal(question.type, IPC_AUTH_CHALLENGE);
    assert_true(role_ask_is_out(&question.ask));

    assert_int_equal(role_ask_follow(&question.ask, &more), ERR_OK);
    fake_hear(f->loop, auth, &f->mail);
    assert_int_equal(f->mail.got.type, IPC_AUTH_CONTINUE);
    assert_int_equal(f->mail.got.auth_data.request, challenge.auth_data.request);
    result.auth_result.request = challenge.auth_data.request;
    fake_say(auth, &result, -1);
    fake_say(auth, &result, -1); /* nobody waits for this one */
    fake_settle(f->loop);
    assert_int_equal(question.answers, 2);
    assert_int_equal(question.type, IPC_AUTH_RESULT);
    assert_false(role_ask_is_out(&question.ask));
    assert_non_null(role_peer_find(&f->role, IPC_ROLE_AUTH, 0));
    fd_close(&auth);
}

static void test_a_replaced_peer_answers_nothing(void **state)
{
    struct fixture *f = started(state);
    int old = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, 5);
    struct question question;
    struct question dropped;
    struct role_peer *peer;
    int new;

    fake_settle(f->loop);
    peer = role_peer_find(&f->role, IPC_ROLE_AUTH, 0);
    ask_auth(f, &question, 10000);
    ask_auth(f, &dropped, 10000);
    role_ask_drop(&dropped.ask);
    role_ask_drop(&dropped.ask);
    new = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, 6);
    fake_settle(f->loop);
    assert_int_equal(question.answers, 1);
    assert_int_equal(question.type, 0);
    assert_int_equal(dropped.answers, 0);
    assert_ptr_equal(role_peer_find(&f->role, IPC_ROLE_AUTH, 0), peer);
    assert_int_equal(peer->incarnation, 6);
    fd_close(&old);
    fd_close(&new);
    fake_settle(f->loop);
    assert_null(role_peer_find(&f->role, IPC_ROLE_AUTH, 0));
    assert_ptr_equal(f->changed, peer);
    assert_int_equal(f->changes, 4); /* came, went, came, went */
}

static void test_a_slow_peer_is_answered_for(void **state)
{
    struct fixture *f = started(state);
    int auth = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, 5);
    struct question question;

    fake_settle(f->loop);
    ask_auth(f, &question, 1);
    while (question.answers == 0)
        loop_turn(f->loop, true);
    assert_int_equal(question.type, 0);
    assert_non_null(role_peer_find(&f->role, IPC_ROLE_AUTH, 0));
    fd_close(&auth);
}

static void assert_supervisor_hears_of(struct fixture *f, uint64_t incarnation)
{
    static struct fake_mail mail;

    fake_hear(f->loop, f->supervisor, &mail);
    assert_int_equal(mail.got.type, IPC_REFUSED);
    assert_int_equal(mail.got.peer.role, IPC_ROLE_AUTH);
    assert_int_equal(mail.got.peer.index, 0);
    assert_int_equal(mail.got.peer.incarnation, incarnation);
}

/* Each of these ends the channel to the peer, and nothing else. */
static void test_breaking_the_law_ends_the_channel(void **state)
{
    static const struct {
        struct ipc_message message;
        bool with_fd;
    } crimes[] = {
        { { IPC_TICKET, { .ticket_announce = { .gate = 1 } } }, false }, /* not to a gate */
        { { IPC_LISTENER, { .listener = { .name = BYTES("keep") } } }, true }, /* not from auth */
        { { IPC_AUTH_RESULT, { .auth_result = { .request = 1 } } }, true }, /* with a descriptor */
        { { IPC_AUTH_RESULT, { .auth_result = { .request = 99 } } }, false }, /* never asked */
        { { IPC_RECIPIENT_RESULT, { .recipient_result = { .request = 1 } } },
          false }, /* not that */
    };
    struct fixture *f = started(state);

    for (size_t i = 0; i < ARRAY_COUNT(crimes); i++) {
        int auth = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, i);
        struct ipc_message crime = crimes[i].message;
        struct question question;

        fake_settle(f->loop);
        ask_auth(f, &question, 10000);
        if (crime.request.request == 1)
            crime.request.request = question.ask.request;
        fake_say(auth, &crime, crimes[i].with_fd ? dup(2) : -1);
        fake_settle(f->loop);
        assert_null(role_peer_find(&f->role, IPC_ROLE_AUTH, 0));
        assert_supervisor_hears_of(f, i);
        assert_int_equal(question.answers, 1);
        assert_int_equal(question.type, 0);
        fd_close(&auth);
    }
    assert_int_equal(f->listeners, 0);
    assert_true(f->role.supervisor.connected);
}

static void test_garbage_ends_the_channel(void **state)
{
    struct fixture *f = started(state);
    int auth = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, 5);

    fake_settle(f->loop);
    assert_int_equal(channel_send_wait(auth, BYTES("?"), NULL, 0, FAKE_WAIT_MS), ERR_OK);
    fake_settle(f->loop);
    assert_null(role_peer_find(&f->role, IPC_ROLE_AUTH, 0));
    assert_supervisor_hears_of(f, 5);
    fd_close(&auth);
}

static void test_answers_go_to_the_one_who_asked(void **state)
{
    struct fixture *f = started(state);
    struct ipc_message answer = { .type = IPC_TLS_START };
    struct role_asker asker = { .request = 41 };
    int tls = fake_join(f->supervisor, IPC_ROLE_TLS, 0, 5);
    int fd = dup(2);

    fake_settle(f->loop);
    asker.peer = role_peer_find(&f->role, IPC_ROLE_TLS, 0);
    asker.serial = asker.peer->serial;
    role_answer(&asker, &answer, &fd);
    assert_int_equal(fd, -1);
    fake_hear(f->loop, tls, &f->mail);
    assert_int_equal(f->mail.got.tls_start.request, 41);
    assert_true(f->mail.fd >= 0);
    fd_close(&f->mail.fd);

    fd_close(&tls);
    tls = fake_join(f->supervisor, IPC_ROLE_TLS, 0, 6);
    fake_settle(f->loop);
    assert_false(role_asker_waits(&asker));
    fd = dup(2);
    role_answer(&asker, &answer, &fd);
    assert_int_equal(fd, -1);
    fake_hear_nothing(f->loop, tls);
    fd_close(&tls);
}

int main(void)
{
#define ROLE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROLE_TEST(test_start_hands_everything_over),
        ROLE_TEST(test_bad_configuration_refuses_the_start),
        ROLE_TEST(test_new_configuration_is_read_and_told),
        ROLE_TEST(test_the_log_follows_the_configuration),
        ROLE_TEST(test_stop_and_the_supervisors_end),
        ROLE_TEST(test_an_exchange_goes_on_until_its_last_answer),
        ROLE_TEST(test_a_replaced_peer_answers_nothing),
        ROLE_TEST(test_a_slow_peer_is_answered_for),
        ROLE_TEST(test_breaking_the_law_ends_the_channel),
        ROLE_TEST(test_garbage_ends_the_channel),
        ROLE_TEST(test_answers_go_to_the_one_who_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
