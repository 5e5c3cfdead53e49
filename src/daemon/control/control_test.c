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
        CONTROL_TEST(test_what_cannot_be_answered_is_refused),
        CONTROL_TEST(test_lines_have_a_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
