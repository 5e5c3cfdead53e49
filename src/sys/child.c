/* Starting roles from the saved binary. */
#include "sys/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fd.h"

enum { FD_FIRST_PARKED = 512 }; /* above every number that a spec may ask for */

enum err child_open_self(int *out_exe_fd, struct note *why)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return note_fail(why, fd_err(errno),
                         "cannot open /proc/self/exe: %s; /proc must be mounted",
                         fd_errno_text(errno));
    *out_exe_fd = fd;
    return ERR_OK;
}

enum err child_find_user(const char *name, struct child_user *out_user, struct note *why)
{
    const struct passwd *user = getpwnam(name);

    if (user == NULL)
        return note_fail(why, ERR_NOT_FOUND,
                         "there is no user %s; make it with: useradd --system --no-create-home "
                         "--shell /usr/sbin/nologin %s",
                         name, name);
    *out_user = (struct child_user){ .uid = user->pw_uid, .gid = user->pw_gid };
    return ERR_OK;
}

/* What the child tells its parent when a step before or at exec fails. */
struct failure {
    int error;
    char step[28];
};

static NORETURN void fail(int report_fd, const char *step)
{
    struct failure failure = { .error = errno };
    ssize_t ignored;

    (void)snprintf(failure.step, sizeof(failure.step), "%s", step);
    ignored = write(report_fd, &failure, sizeof(failure));
    (void)ignored; /* the parent sees the exit status as well */
    _exit(127);
}

/* Two rounds: first all out of the way, then each to its place, so that no source is overwritten.
 */
static bool place_fds(const struct child_spec *spec, int *exe_fd, int *report_fd)
{
    int parked[CHILD_FDS_MAX];
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (size_t i = 0; i < spec->fd_count; i++) {
        parked[i] = fcntl(spec->fds[i].fd, F_DUPFD_CLOEXEC, FD_FIRST_PARKED);
        if (parked[i] < 0)
            return false;
    }
    *exe_fd = fcntl(*exe_fd, F_DUPFD_CLOEXEC, FD_FIRST_PARKED);
    *report_fd = fcntl(*report_fd, F_DUPFD_CLOEXEC, FD_FIRST_PARKED);
    if (*exe_fd < 0 || *report_fd < 0 || null_fd < 0)
        return false;
    if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
        return false;
    /* All that is left behind is close-on-exec, including what a library has opened. */
    if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) < 0)
        return false;
    for (size_t i = 0; i < spec->fd_count; i++) {
        if (dup2(parked[i], spec->fds[i].at) < 0)
            return false;
    }
    return true;
}

static bool reset_signals(void)
{
    struct sigaction standard = { .sa_handler = SIG_DFL };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &standard, NULL); /* KILL, STOP and libc's own refuse */
    sigemptyset(&none);
    return sigaction(SIGPIPE, &ignore, NULL) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static bool set_limits(void)
{
    struct rlimit limit = { 0, 0 };

    if (setrlimit(RLIMIT_CORE, &limit) < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool become(const struct child_user *user)
{
    if (user == NULL)
        return true;
    return setgroups(0, NULL) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
           setresuid(user->uid, user->uid, user->uid) == 0;
}

static NORETURN void run_child(const struct child_spec *spec, int report_fd)
{
    int exe_fd = spec->exe_fd;

    if (!place_fds(spec, &exe_fd, &report_fd))
        fail(report_fd, "placing descriptors");
    if (setsid() < 0)
        fail(report_fd, "setsid");
    if (!reset_signals())
        fail(report_fd, "resetting signals");
    if (!set_limits())
        fail(report_fd, "setting limits");
    if (!become(spec->user))
        fail(report_fd, "changing user");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail(report_fd, "setting no-new-privileges");
    (void)syscall(SYS_execveat, exe_fd, "", spec->argv, spec->env, AT_EMPTY_PATH);
    fail(report_fd, "executing the role");
}

/* Waits for exec to close the pipe, or for the complaint. */
static enum err await_exec(int report_fd, pid_t pid, struct note *why)
{
    struct failure failure;
    ssize_t got;

    do {
        got = read(report_fd, &failure, sizeof(failure));
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        return ERR_OK;
    (void)waitpid(pid, NULL, 0);
    if (got != (ssize_t)sizeof(failure))
        return note_fail(why, ERR_IO, "a role could not be started");
    failure.step[sizeof(failure.step) - 1] = '\0';
    return note_fail(why, fd_err(failure.error), "a role could not be started: %s: %s",
                     failure.step, fd_errno_text(failure.error));
}

static void on_ended(struct loop_fd *watch, unsigned what)
{
    struct child *child = CONTAINER_OF(watch, struct child, watch);
    int status;

    if (waitpid(child->pid, &status, WNOHANG) != child->pid)
        return;
    child_done(child);
    child->ended(child, status);
}

enum err child_start(struct child *child, struct loop *loop, const struct child_spec *spec,
                     void (*ended)(struct child *, int), struct note *why)
{
    int report[2];
    int pid_fd;
    pid_t pid;
    enum err err;

    assert(spec->fd_count <= CHILD_FDS_MAX);
    if (pipe2(report, O_CLOEXEC) < 0)
        return note_fail(why, fd_err(errno), "cannot make a pipe: %s", fd_errno_text(errno));
    pid = fork();
    if (pid == 0)
        run_child(spec, report[1]);
    fd_close(&report[1]);
    err = pid < 0 ? note_fail(why, fd_err(errno), "cannot fork: %s", fd_errno_text(errno))
                  : await_exec(report[0], pid, why);
    fd_close(&report[0]);
    if (err != ERR_OK)
        return err;
    pid_fd = (int)syscall(SYS_pidfd_open, pid, 0U);
    if (pid_fd < 0)
        abort(); /* without it the role's end would never be heard of */
    child->pid = pid;
    child->ended = ended;
    loop_fd_init(&child->watch, loop, pid_fd, on_ended);
    loop_fd_want(&child->watch, LOOP_READ);
    return ERR_OK;
}

void child_signal(struct child *child, int number)
{
    if (child->pid > 0)
        (void)kill(child->pid, number); /* not reaped yet, so the number is still its own */
}

void child_done(struct child *child)
{
    if (child->pid == 0)
        return;
    loop_fd_done(&child->watch);
    fd_close(&child->watch.fd);
    child->pid = 0;
}

int child_exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool child_crashed(int status)
{
    switch (WIFSIGNALED(status) ? WTERMSIG(status) : 0) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGABRT:
    case SIGSYS: return true;
    default: return false;
    }
}

void child_status_print(int status, char out_text[64])
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    if (WIFEXITED(status))
        (void)snprintf(out_text, 64, "exit %d", WEXITSTATUS(status));
    else if (number == SIGSYS)
        (void)snprintf(out_text, 64, "sandbox (Bad system call)");
    else
        (void)snprintf(out_text, 64, "signal %d (%s)", number, sigabbrev_np(number));
}
