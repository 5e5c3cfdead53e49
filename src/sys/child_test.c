/* Starting this very test as a child, and looking at it from inside. */
#include "sys/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/fd.h"

struct watched {
    struct child child;
    struct loop *loop;
    bool is_over;
    int status;
};

static void on_ended(struct child *child, int status)
{
    struct watched *watched = CONTAINER_OF(child, struct watched, child);

    watched->is_over = true;
    watched->status = status;
    loop_stop(watched->loop);
}

/* Inside the child: writes what it sees to descriptor 5. */
static int report(void)
{
    struct rlimit core = { 1, 1 };
    struct rlimit files;
    sigset_t blocked;
    struct sigaction pipe_action;
    char open_fds[64] = "";
    size_t len = 0;

    for (int fd = 0; fd < 1024 && len < sizeof(open_fds) - 8; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            len += (size_t)snprintf(open_fds + len, sizeof(open_fds) - len, "%d,", fd);
    }
    (void)getrlimit(RLIMIT_CORE, &core);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    (void)sigprocmask(SIG_SETMASK, NULL, &blocked);
    (void)sigaction(SIGPIPE, NULL, &pipe_action);
    (void)dprintf(5, "fds=%s core=%d files=%d nnp=%d term=%d pipe=%d leader=%d env=%s uid=%d",
                  open_fds, (int)core.rlim_cur, files.rlim_cur == files.rlim_max,
                  prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), sigismember(&blocked, SIGTERM),
                  pipe_action.sa_handler == SIG_IGN, getsid(0) == getpid(),
                  getenv("HOME") == NULL ? "none" : "some", (int)getuid());
    return 7;
}

struct scene {
    struct watched watched;
    int exe_fd;
    int reader, writer;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct note why = { "" };
    int ends[2];

    assert_int_equal(child_open_self(&scene->exe_fd, &why), ERR_OK);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    scene->reader = ends[0];
    scene->writer = ends[1];
    scene->watched.loop = loop_new();
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    child_done(&scene->watched.child);
    fd_close(&scene->reader);
    fd_close(&scene->writer);
    fd_close(&scene->exe_fd);
    loop_free(scene->watched.loop);
    free(scene);
    return 0;
}

static void start(struct scene *scene, const char *mode, const struct child_user *user)
{
    const char *const argv[] = { "child-test", mode, NULL };
    const char *const env[] = { "PATH=/bin", NULL };
    const struct child_fd fds[] = { { scene->writer, 5 }, { scene->reader, 3 } };
    const struct child_spec spec = { .exe_fd = scene->exe_fd,
                                     .argv = argv,
                                     .env = env,
                                     .fds = fds,
                                     .fd_count = ARRAY_COUNT(fds),
                                     .user = user };
    struct note why = { "" };

    assert_int_equal(child_start(&scene->watched.child, scene->watched.loop, &spec, on_ended, &why),
                     ERR_OK);
    assert_true(scene->watched.child.pid > 0);
}

static void test_what_a_child_sees(void **state)
{
    struct scene *scene = *state;
    char text[512] = "";
    sigset_t term;
    sigset_t before;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &term, &before), 0);
    start(scene, "--report", NULL);
    loop_run(scene->watched.loop);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    assert_true(read(scene->reader, text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "fds=0,1,2,3,5, core=0 files=1 nnp=1 term=0 pipe=1 leader=1 "
                                 "env=none"));
    assert_true(WIFEXITED(scene->watched.status));
    assert_int_equal(WEXITSTATUS(scene->watched.status), 7);
    assert_int_equal(scene->watched.child.pid, 0);
}

static void test_another_user(void **state)
{
    struct scene *scene = *state;
    struct child_user user;
    struct note why = { "" };
    char text[512] = "";
    char want[32];

    if (geteuid() != 0)
        skip();
    assert_int_equal(child_find_user("nobody", &user, &why), ERR_OK);
    if (access("/proc/self/exe", X_OK) != 0)
        skip();
    start(scene, "--report", &user);
    loop_run(scene->watched.loop);
    assert_true(read(scene->reader, text, sizeof(text) - 1) > 0);
    (void)snprintf(want, sizeof(want), "uid=%d", (int)user.uid);
    assert_non_null(strstr(text, want));
}

static void test_signals_reach_it(void **state)
{
    struct scene *scene = *state;
    char text[64];

    start(scene, "--wait", NULL);
    child_signal(&scene->watched.child, SIGKILL);
    loop_run(scene->watched.loop);
    child_status_print(scene->watched.status, text);
    assert_string_equal(text, "signal 9 (KILL)");
    child_signal(&scene->watched.child, SIGKILL); /* to nobody */
}

static void test_an_exec_that_fails(void **state)
{
    struct scene *scene = *state;
    const char *const argv[] = { "x", NULL };
    FD_LOCAL int not_executable = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    const struct child_spec spec = { .exe_fd = not_executable, .argv = argv, .env = argv };
    struct note why = { "" };

    assert_int_equal(child_start(&scene->watched.child, scene->watched.loop, &spec, on_ended, &why),
                     ERR_DENIED);
    assert_non_null(strstr(why.text, "executing the role"));
    assert_int_equal(scene->watched.child.pid, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left to reap */
}

static void test_a_missing_user(void **state)
{
    struct child_user user = { 1, 1 };
    struct note why = { "" };

    (void)state;
    assert_int_equal(child_find_user("roost-no-such-user", &user, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "useradd"));
    assert_int_equal(user.uid, 1);
}

static void test_status_texts(void **state)
{
    static const struct {
        int status;
        const char *text;
        bool crashed;
    } rows[] = {
        { 0, "exit 0", false },
        { 3 << 8, "exit 3", false },
        { SIGSYS, "sandbox (Bad system call)", true },
        { SIGSEGV, "signal 11 (SEGV)", true },
        { SIGABRT, "signal 6 (ABRT)", true },
        { SIGKILL, "signal 9 (KILL)", false },
        { SIGTERM, "signal 15 (TERM)", false },
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        child_status_print(rows[i].status, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(child_crashed(rows[i].status), rows[i].crashed);
    }
    assert_int_equal(child_exit_code(3 << 8), 3);
    assert_int_equal(child_exit_code(SIGSYS), -1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_a_child_sees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_user, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signals_reach_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_exec_that_fails, set_up, tear_down),
        cmocka_unit_test(test_a_missing_user),
        cmocka_unit_test(test_status_texts),
    };

    if (argc == 2 && strcmp(argv[1], "--report") == 0)
        return report();
    if (argc == 2 && strcmp(argv[1], "--wait") == 0)
        return pause();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
