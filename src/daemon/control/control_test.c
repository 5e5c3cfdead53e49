/* Control in the hands of a test: a visitor asks, auth, shards and supervisor are played. */
#include "daemon/control/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "kit/fake_peer.h"

enum { TEXT_BYTES_MAX = 1 << 17 };

struct fixture {
    struct loop *loop;
    struct role role;
    struct control *control;
    int supervisor;
    int auth;
    struct sockaddr_un address;
    struct fake_mail heard;
    char text[TEXT_BYTES_MAX];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ipc_message listener = { .type = IPC_LISTENER };
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int pair[2];

    assert_non_null(f);
    f->loop = loop_new();
    f->address.sun_family = AF_UNIX;
    (void)snprintf(f->address.sun_path, sizeof(f->address.sun_path), "/tmp/roost-control-%d",
                   (int)getpid());
    assert_int_equal(bind(listening, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
    assert_int_equal(listen(listening, 10), 0);
    f->control = control_new();
    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    f->supervisor = pair[1];
    role_init(&f->role, &control_role, f->control, f->loop, pair[0]);
    fake_say(f->supervisor, &listener, listening);
    fake_start(f->loop, f->supervisor, IPC_ROLE_CONTROL, BYTES("log.level = error\n"));
    f->auth = fake_join(f->supervisor, IPC_ROLE_AUTH, 0, 5);
    fake_settle(f->loop);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    role_done(&f->role);
    control_free(f->control);
    fd_close(&f->supervisor);
    fd_close(&f->auth);
    (void)unlink(f->address.sun_path);
    loop_free(f->loop);
    free(f);
    return 0;
}

static const char *hear(struct fixture *f, int visitor)
{
    size_t len = 0;
    ssize_t got;

    fake_settle(f->loop);
    while ((got = recv(visitor, f->text + len, TEXT_BYTES_MAX - 1 - len, MSG_DONTWAIT)) > 0)
        len += (size_t)got;
    f->text[len] = '\0';
    return f->text;
}

static int visit(struct fixture *f, const char *line)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
    assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
    fake_settle(f->loop);
    return fd;
}

static void answer_account(struct fixture *f, enum ipc_result result, struct bytes text, bool more)
{
    struct ipc_message answer = { IPC_ACCOUNT_ANSWER,
                                  { .account_answer = { f->heard.got.request.request,
                                                        (uint8_t)result, more, text } } };

    fake_say(f->auth, &answer, -1);
}

static void test_accounts(void **state)
{
    struct fixture *f = *state;
    int visitor = visit(f, "{\"verb\":\"account.add\",\"name\":\"ann\",\"password\":\"secret\"}\n"
                           "{\"verb\":\"account.show\",\"name\":\"bob\"}\n");

    fake_hear(f->loop, f->auth, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_ACCOUNT_ADD);
    ASSERT_BYTES(f->heard.got.account.password, BYTES("secret"));
    fake_hear_nothing(f->loop, f->auth); /* one question at a time */
    answer_account(f, IPC_OK, BYTES("{\"name\":\"ann\"}"), false);
    assert_string_equal(hear(f, visitor), "{\"ok\":true,\"result\":{\"name\":\"ann\"}}\n");
    fake_hear(f->loop, f->auth, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_ACCOUNT_SHOW);
    answer_account(f, IPC_NOT_FOUND, BYTES("no account bob"), false);
    assert_string_equal(hear(f, visitor),
                        "{\"ok\":false,\"code\":\"not-found\",\"error\":\"no account bob\"}\n");
    fd_close(&visitor);
}

static void test_lists_come_in_parts(void **state)
{
    struct fixture *f = *state;
    int visitor = visit(f, "{\"verb\":\"account.list\"}\n");

    assert_int_equal(shutdown(visitor, SHUT_WR), 0);
    fake_hear(f->loop, f->auth, &f->heard);
    answer_account(f, IPC_OK, BYTES("[1]"), true);
    answer_account(f, IPC_OK, BYTES("[2]"), false);
    assert_string_equal(hear(f, visitor), "{\"ok\":true,\"result\":[1],\"more\":true}\n"
                                          "{\"ok\":true,\"result\":[2]}\n");
    assert_int_equal(recv(visitor, f->text, 1, MSG_DONTWAIT), 0); /* then it is over */
    fd_close(&visitor);
}

static void test_the_supervisor_is_asked_for_status(void **state)
{
    struct fixture *f = *state;
    int visitor = visit(f, "{\"verb\":\"status\"}\n");
    struct ipc_message answer = { IPC_STATUS_ANSWER, { .text_answer = { .text = BYTES("{}") } } };

    fake_hear(f->loop, f->supervisor, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_STATUS);
    answer.text_answer.request = f->heard.got.request.request;
    fake_say(f->supervisor, &answer, -1);
    assert_string_equal(hear(f, visitor), "{\"ok\":true,\"result\":{}}\n");
    fd_close(&visitor);
}

static void test_shards_are_asked_for_stats(void **state)
{
    struct fixture *f = *state;
    struct ipc_message answer = { IPC_STATS_ANSWER,
                                  { .text_answer = { .text = BYTES("{\"shard\":0}") } } };
    int visitor = visit(f, "{\"verb\":\"stats\"}\n"); /* no shard is there yet */
    int mail;

    assert_non_null(strstr(hear(f, visitor), "\"unavailable\""));
    fd_close(&visitor);
    mail = fake_join(f->supervisor, IPC_ROLE_MAIL, 0, 9);
    fake_settle(f->loop);
    visitor = visit(f, "{\"verb\":\"stats\"}\n");
    fake_hear(f->loop, mail, &f->heard);
    answer.text_answer.request = f->heard.got.request.request;
    fake_say(mail, &answer, -1);
    assert_string_equal(hear(f, visitor), "{\"ok\":true,\"result\":[{\"shard\":0}]}\n");
    fd_close(&visitor);
    fd_close(&mail);
    mail = fake_join(f->supervisor, IPC_ROLE_MAIL, 1, 10); /* with accounts that are set apart */
    fake_settle(f->loop);
    visitor = visit(f, "{\"verb\":\"stats\"}\n");
    fake_hear(f->loop, mail, &f->heard);
    answer.text_answer = (struct ipc_text_answer){ .request = f->heard.got.request.request,
                                                   .text = BYTES("{\"shard\":1}") };
    fake_say(mail, &answer, -1);
    assert_string_equal(hear(f, visitor), "{\"ok\":true,\"result\":[{\"shard\":1}]}\n");
    fd_close(&visitor);
    fd_close(&mail);
}

/* Shards that are asked for maintenance get no more time than that, in tests. */
enum { PATIENCE_MS = 30 * 1000, TEST_PATIENCE_MS = 300 };

void __real_loop_timer_set_in(struct loop_timer *timer, int64_t after_ms);
void __wrap_loop_timer_set_in(struct loop_timer *timer, int64_t after_ms);
void __wrap_loop_timer_set_in(struct loop_timer *timer, int64_t after_ms)
{
    __real_loop_timer_set_in(timer, after_ms == PATIENCE_MS ? TEST_PATIENCE_MS : after_ms);
}

#define SHOWN \
    "{\"id\":\"000102030405060708090a0b0c0d0e0f\",\"name\":\"ann\",\"quota_bytes\":0,\"shard\":1}"

/* A visitor who wants maintenance; auth has said where ann lives. The shard has heard of it. */
static int visit_for_maintenance(struct fixture *f, int mail)
{
    int visitor = visit(f, "{\"verb\":\"maintain\",\"name\":\"ann\",\"act\":\"verify\","
                           "\"arguments\":{\"deep\":true}}\n");

    fake_hear(f->loop, f->auth, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_ACCOUNT_SHOW);
    ASSERT_BYTES(f->heard.got.account.name, BYTES("ann"));
    answer_account(f, IPC_OK, BYTES(SHOWN), false);
    fake_hear(f->loop, mail, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_MAINTAIN);
    return visitor;
}

static void answer_part(struct fixture *f, int mail, struct bytes text, bool more)
{
    struct ipc_message answer = { IPC_MAINTAIN_ANSWER,
                                  { .account_answer = { f->heard.got.request.request, IPC_OK, more,
                                                        text } } };

    fake_say(mail, &answer, -1);
    fake_settle(f->loop);
}

static int join_shard(struct fixture *f)
{
    int mail = fake_join(f->supervisor, IPC_ROLE_MAIL, 1, 9);

    fake_settle(f->loop);
    return mail;
}

static void test_maintenance_goes_to_the_shard_of_the_account(void **state)
{
    struct fixture *f = *state;
    int mail = join_shard(f);
    int visitor = visit_for_maintenance(f, mail);
    uint64_t request = f->heard.got.maintain.request;
    char actor[32];

    assert_int_equal(f->heard.got.maintain.account_id.raw[15], 15);
    ASSERT_BYTES(f->heard.got.maintain.act, BYTES("verify"));
    ASSERT_BYTES(f->heard.got.maintain.arguments, BYTES("{\"deep\":true}"));
    (void)snprintf(actor, sizeof(actor), "uid %u", (unsigned)getuid());
    ASSERT_BYTES(f->heard.got.maintain.actor, bytes_from_string(actor));
    assert_int_equal(f->heard.got.maintain.quota_bytes, 0);
    answer_part(f, mail, BYTES("[{\"progress\":{}}]"), true);
    assert_string_equal(hear(f, visitor),
                        "{\"ok\":true,\"result\":[{\"progress\":{}}],\"more\":true}\n");
    fake_hear(f->loop, mail, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_MAINTAIN_CONTINUE);
    assert_int_equal(f->heard.got.request.request, request);
    answer_part(f, mail, BYTES("[{\"result\":{}}]"), false);
    assert_string_equal(hear(f, visitor), "{\"ok\":true,\"result\":[{\"result\":{}}]}\n");
    fake_hear_nothing(f->loop, mail);
    assert_int_equal(send(visitor, "{\"verb\":\"account.list\"}\n", 24, 0), 24); /* as before */
    fake_hear(f->loop, f->auth, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_ACCOUNT_LIST);
    fd_close(&visitor);
    fd_close(&mail);
}

/* The shard is not asked for more than the visitor takes. */
static void test_a_visitor_who_does_not_read_stops_maintenance(void **state)
{
    static char text[56 * 1024];
    struct fixture *f = *state;
    int mail = join_shard(f);
    int visitor = visit_for_maintenance(f, mail);
    int parts = 0;

    memset(text, 'x', sizeof(text));
    memcpy(text, "[\"", 2);
    memcpy(text + sizeof(text) - 2, "\"]", 2);
    do {
        answer_part(f, mail, bytes_make(text, sizeof(text)), true);
        parts++;
        if (parts < 2) /* fits into the socket */
            fake_hear(f->loop, mail, &f->heard);
        assert_in_range(parts, 1, 100);
    } while (channel_receive_wait(mail, f->heard.packet, &(size_t){ 0 },
                                  &(struct channel_fds){ .count = 0 }, 0) == ERR_OK ||
             parts < 2);
    (void)usleep(2 * TEST_PATIENCE_MS * 1000); /* the shard is not waited for meanwhile */
    fake_hear_nothing(f->loop, mail);
    while (hear(f, visitor)[0] != '\0') /* now it reads */
        assert_null(strstr(f->text, "\"ok\":false"));
    fake_hear(f->loop, mail, &f->heard);
    assert_int_equal(f->heard.got.type, IPC_MAINTAIN_CONTINUE);
    fd_close(&visitor);
    fd_close(&mail);
}

static void test_a_visitor_who_leaves_ends_maintenance(void **state)
{
    struct fixture *f = *state;
    int mail = join_shard(f);
    int visitor = visit_for_maintenance(f, mail);
    uint64_t request = f->heard.got.maintain.request;

    fd_close(&visitor);
    answer_part(f, mail, BYTES("[]"), true); /* a sign of life, that nobody hears */
    do
        fake_hear(f->loop, mail, &f->heard);
    while (f->heard.got.type == IPC_MAINTAIN_CONTINUE);
    assert_int_equal(f->heard.got.type, IPC_MAINTAIN_CANCEL);
    assert_int_equal(f->heard.got.request.request, request);
    fd_close(&mail);
}

static void test_maintenance_that_cannot_be(void **state)
{
    struct fixture *f = *state;
    int visitor = visit(f, "{\"verb\":\"maintain\",\"name\":\"bob\",\"act\":\"verify\"}\n");
    int mail;

    fake_hear(f->loop, f->auth, &f->heard);
    answer_account(f, IPC_NOT_FOUND, BYTES("there is no account bob"), false);
    assert_non_null(
        strstr(hear(f, visitor), "\"not-found\",\"error\":\"there is no account bob\""));
    fd_close(&visitor);
    visitor = visit(f, "{\"verb\":\"maintain\",\"name\":\"ann\",\"act\":\"verify\"}\n");
    fake_hear(f->loop, f->auth, &f->heard);
    answer_account(f, IPC_OK, BYTES(SHOWN), false); /* no such shard is there */
    assert_non_null(strstr(hear(f, visitor), "\"unavailable\""));
    fd_close(&visitor);
    visitor = visit(f, "{\"verb\":\"maintain\",\"name\":\"ann\",\"act\":\"verify\"}\n");
    fake_hear(f->loop, f->auth, &f->heard);
    answer_account(f, IPC_OK, BYTES("{\"id\":\"00\",\"shard\":1}"), false);
    assert_non_null(strstr(hear(f, visitor), "auth's answer cannot be understood"));
    fd_close(&visitor);
    mail = join_shard(f);
    visitor = visit_for_maintenance(f, mail);
    (void)usleep(2 * TEST_PATIENCE_MS * 1000); /* the shard hangs */
    assert_non_null(strstr(hear(f, visitor), "\"unavailable\""));
    fd_close(&visitor);
    visitor = visit_for_maintenance(f, mail);
    fd_close(&mail); /* the shard dies */
    assert_non_null(strstr(hear(f, visitor), "\"unavailable\""));
    fd_close(&visitor);
}

static void test_what_cannot_be_answered_is_refused(void **state)
{
    struct fixture *f = *state;
    int visitor = visit(f, "hello\n{\"verb\":\"account.list\"}\n");

    assert_string_equal(hear(f, visitor), "{\"ok\":false,\"code\":\"invalid\",\"error\":\"the line "
                                          "is no JSON object\"}\n");
    fd_close(&f->auth); /* while it is asked */
    assert_non_null(strstr(hear(f, visitor), "\"unavailable\""));
    assert_int_equal(send(visitor, "{\"verb\":\"account.list\"}\n", 24, 0), 24);
    assert_non_null(strstr(hear(f, visitor), "\"unavailable\""));
    fd_close(&visitor);
}

static void test_lines_have_a_maximum(void **state)
{
    static char line[70 * 1024];
    struct fixture *f = *state;
    int visitor;

    memset(line, ' ', sizeof(line) - 1);
    visitor = visit(f, line);
    assert_string_equal(hear(f, visitor), "");
    assert_int_not_equal(recv(visitor, f->text, 1, MSG_DONTWAIT), 1); /* hung up */
    assert_true(send(visitor, "x", 1, MSG_NOSIGNAL) < 0);
    fd_close(&visitor);
}

int main(void)
{
#define CONTROL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CONTROL_TEST(test_accounts),
        CONTROL_TEST(test_lists_come_in_parts),
        CONTROL_TEST(test_the_supervisor_is_asked_for_status),
        CONTROL_TEST(test_shards_are_asked_for_stats),
        CONTROL_TEST(test_maintenance_goes_to_the_shard_of_the_account),
        CONTROL_TEST(test_a_visitor_who_does_not_read_stops_maintenance),
        CONTROL_TEST(test_a_visitor_who_leaves_ends_maintenance),
        CONTROL_TEST(test_maintenance_that_cannot_be),
        CONTROL_TEST(test_what_cannot_be_answered_is_refused),
        CONTROL_TEST(test_lines_have_a_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
