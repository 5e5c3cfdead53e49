/* The page as a visitor meets it; supervisor, auth, gate and a shard are played. */
#include "daemon/control/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/control/control.h"
#include "daemon/control/http.h"
#include "daemon/control/scrape.h"
#include "kit/fake_peer.h"
#include "sys/clock.h"

enum { TEXT_BYTES_MAX = 1 << 17 };

struct fixture {
    struct loop *loop;
    struct role role;
    struct control *control;
    int supervisor;
    int gate;
    int mail;
    struct sockaddr_un address;
    struct fake_mail heard;
    char text[TEXT_BYTES_MAX];
};

static int listen_at(struct sockaddr_un *address, const char *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address->sun_family = AF_UNIX;
    (void)snprintf(address->sun_path, sizeof(address->sun_path), "/tmp/roost-page-%s-%d", name,
                   (int)getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
    assert_int_equal(listen(fd, 100), 0);
    return fd;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ipc_message control = { .type = IPC_LISTENER };
    struct ipc_message metrics = { IPC_LISTENER,
                                   { .listener = { .service = IPC_SERVICE_METRICS } } };
    struct sockaddr_un unused;
    int pair[2];

    assert_non_null(f);
    f->loop = loop_new();
    f->control = control_new();
    assert_int_equal(fd_pair_channel(pair), ERR_OK);
    f->supervisor = pair[1];
    role_init(&f->role, &control_role, f->control, f->loop, pair[0]);
    fake_say(f->supervisor, &control, listen_at(&unused, "control"));
    (void)unlink(unused.sun_path);
    fake_say(f->supervisor, &metrics, listen_at(&f->address, "metrics"));
    fake_start(f->loop, f->supervisor, IPC_ROLE_CONTROL, BYTES("log.level = error\n"));
    f->gate = fake_join(f->supervisor, IPC_ROLE_GATE, 0, 5);
    f->mail = fake_join(f->supervisor, IPC_ROLE_MAIL, 0, 6);
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
    fd_close(&f->gate);
    fd_close(&f->mail);
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

static int visit(struct fixture *f, const char *request)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    fake_settle(f->loop);
    return fd;
}

static void answer(struct fixture *f, int channel, enum ipc_type asked, const char *json)
{
    struct ipc_message message = { asked == IPC_STATUS ? IPC_STATUS_ANSWER : IPC_STATS_ANSWER,
                                   { .text_answer = { .text = bytes_from_string(json) } } };

    fake_hear(f->loop, channel, &f->heard);
    assert_int_equal(f->heard.got.type, asked);
    message.text_answer.request = f->heard.got.request.request;
    fake_say(channel, &message, -1);
    fake_settle(f->loop);
}

static void answer_all(struct fixture *f)
{
    answer(f, f->supervisor, IPC_STATUS, "{\"started\":7,\"processes\":[]}");
    answer(f, f->gate, IPC_STATS, "{\"connections\":{\"imap\":{\"no\":3}}}");
    answer(f, f->mail, IPC_STATS, "{\"accounts_open\":4}");
}

static void test_everybody_is_asked(void **state)
{
    struct fixture *f = *state;
    int first = visit(f, "GET /metr");
    int second, third;

    fake_hear_nothing(f->loop, f->gate);
    assert_int_equal(send(first, "ics HTTP/1.1\r\n\r\n", 16, MSG_NOSIGNAL), 16);
    second = visit(f, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"); /* shares the page */
    third = visit(f, "HEAD /metrics HTTP/1.1\r\n\r\n");
    assert_string_equal(hear(f, first), "");
    answer_all(f);
    fake_hear_nothing(f->loop, f->gate);
    (void)hear(f, first);
    assert_int_equal(strncmp(f->text,
                             "HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; "
                             "version=1.0.0; charset=utf-8\r\n",
                             90),
                     0);
    assert_non_null(strstr(f->text, "roost_up{role=\"supervisor\",process=\"0\"} 1\n"));
    assert_non_null(
        strstr(f->text, "roost_gate_connections{process=\"0\",service=\"imap\",tls=\"no\"} 3\n"));
    assert_non_null(strstr(f->text, "roost_accounts_open{process=\"0\"} 4\n# TYPE"));
    assert_string_equal(f->text + strlen(f->text) - 6, "# EOF\n");
    assert_int_equal(recv(first, f->text, 1, MSG_DONTWAIT), 0); /* and no more */
    assert_non_null(strstr(hear(f, second), "\n# EOF\n"));
    assert_non_null(strstr(hear(f, third), "HTTP/1.1 200 OK\r\n"));
    assert_null(strstr(f->text, "EOF"));
    fd_close(&first);
    fd_close(&second);
    fd_close(&third);
    first = visit(f, "GET /metrics HTTP/1.1\r\n\r\n"); /* the next round */
    answer_all(f);
    assert_non_null(strstr(hear(f, first), "\n# EOF\n"));
    fd_close(&first);
}

static void test_who_does_not_answer_is_left_out(void **state)
{
    struct fixture *f = *state;
    int64_t begun_ms = clock_mono().ms;
    int visitor = visit(f, "GET /metrics HTTP/1.1\r\n\r\n");

    answer(f, f->gate, IPC_STATS, "{}");
    fd_close(&f->mail); /* dies; the supervisor says nothing at all */
    while (hear(f, visitor)[0] == '\0' && clock_mono().ms < begun_ms + 5 * SCRAPE_MS)
        loop_turn(f->loop, true);
    assert_true(clock_mono().ms >= begun_ms + SCRAPE_MS);
    assert_true(clock_mono().ms < begun_ms + 2 * SCRAPE_MS);
    assert_non_null(strstr(f->text, "roost_up{role=\"supervisor\",process=\"0\"} 0\n"));
    assert_non_null(strstr(f->text, "roost_up{role=\"gate\",process=\"0\"} 1\n"));
    assert_non_null(strstr(f->text, "roost_up{role=\"mail\",process=\"0\"} 0\n"));
    assert_null(strstr(f->text, "roost_accounts_open{"));
    assert_non_null(strstr(f->text, "\n# EOF\n"));
    fd_close(&visitor);
}

static void test_all_else_is_refused(void **state)
{
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        { "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 " },
        { "GET /metrics/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 " },
        { "POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 404 " },
        { "get /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 404 " },
        { "{\"verb\":\"account.list\"}\n", "HTTP/1.1 400 " },
        { "GET /metrics HTTP/3\r\n\r\n", "HTTP/1.1 400 " },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int visitor = visit(f, cases[i].request);

        assert_int_equal(strncmp(hear(f, visitor), cases[i].status, strlen(cases[i].status)), 0);
        assert_int_equal(recv(visitor, f->text, 1, MSG_DONTWAIT), 0);
        fd_close(&visitor);
    }
    fake_hear_nothing(f->loop, f->gate);
}

static void test_requests_have_a_maximum(void **state)
{
    static char request[HTTP_HEAD_BYTES_MAX + 100];
    struct fixture *f = *state;
    int visitor;

    memset(request, 'a', sizeof(request) - 1);
    memcpy(request, "GET /metrics HTTP/1.1\r\n", 23);
    visitor = visit(f, request);
    assert_non_null(strstr(hear(f, visitor), "HTTP/1.1 400 "));
    fd_close(&visitor);
    fake_hear_nothing(f->loop, f->gate);
}

static void test_visitors_have_a_maximum(void **state)
{
    struct fixture *f = *state;
    int idle[PAGE_VISITORS_MAX];
    int late;

    for (int i = 0; i < PAGE_VISITORS_MAX; i++)
        idle[i] = visit(f, "GET /");
    late = visit(f, "GET / HTTP/1.1\r\n\r\n");
    assert_string_equal(hear(f, late), ""); /* waits in the kernel */
    fd_close(&idle[3]);
    fake_settle(f->loop);
    assert_non_null(strstr(hear(f, late), "404"));
    fd_close(&late);
    for (int i = 0; i < PAGE_VISITORS_MAX; i++)
        fd_close(&idle[i]);
    fake_settle(f->loop);
}

static void test_who_leaves_early(void **state)
{
    struct fixture *f = *state;
    int visitor = visit(f, "GET /metrics HTTP/1.1\r\n\r\n");

    fd_close(&visitor);
    answer_all(f);
    visitor = visit(f, "GET /metrics HTTP/1.1\r\n\r\n"); /* and a round that nobody ends */
    fd_close(&visitor);
}

int main(void)
{
#define PAGE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PAGE_TEST(test_everybody_is_asked),      PAGE_TEST(test_who_does_not_answer_is_left_out),
        PAGE_TEST(test_all_else_is_refused),     PAGE_TEST(test_requests_have_a_maximum),
        PAGE_TEST(test_visitors_have_a_maximum), PAGE_TEST(test_who_leaves_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
