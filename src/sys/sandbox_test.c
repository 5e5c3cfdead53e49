/* The walls: what is allowed works, what is not is refused or ends the process. */
#include "sys/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/pool.h"
#include "sys/process.h"
#include "sys/spool.h"

static char directory[] = "/tmp/roost-sandbox-XXXXXX";
static int directory_fd = -1;

static const struct sandbox_set *const base_only[] = { &sandbox_base, NULL };
static const struct sandbox_set *const with_files[] = { &sandbox_base, &sandbox_files, NULL };
static const struct sandbox_set *const with_spool[] = { &sandbox_base, &sandbox_spool, NULL };
static const struct sandbox_set *const with_sockets[] = { &sandbox_base, &sandbox_sockets, NULL };
static const struct sandbox_set *const with_pairs[] = { &sandbox_base, &sandbox_pairs, NULL };
static const struct sandbox_set *const with_idle[] = { &sandbox_base, &sandbox_idle, NULL };
static const struct sandbox_set *const with_all[] = { &sandbox_base,   &sandbox_sockets,
                                                      &sandbox_spool,  &sandbox_files,
                                                      &sandbox_sqlite, NULL };

/* Each act answers 0, or the errno. */
static int answer(long result)
{
    return result < 0 ? errno : 0;
}

static int act_nothing(void *context)
{
    return 0;
}

static int act_open_outside(void *context)
{
    return answer(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int act_open_inside(void *context)
{
    return answer(openat(directory_fd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int act_read_inside(void *context)
{
    return answer(openat(directory_fd, "there", O_RDONLY | O_CLOEXEC));
}

static int act_climb_out(void *context)
{
    return answer(openat(directory_fd, "../../etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int act_rename(void *context)
{
    int fd = openat(directory_fd, "from", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || mkdirat(directory_fd, "sub", 0700) < 0)
        return errno;
    return answer(renameat(directory_fd, "from", directory_fd, "sub/to"));
}

static int act_socket(void *context)
{
    return answer(socket(AF_INET, SOCK_STREAM, 0));
}

static int act_socketpair(void *context)
{
    int pair[2];

    return fd_pair_stream(pair) == ERR_OK ? 0 : EIO;
}

/* On no socket at all: what counts is whether the call may be made. */
static int act_options(void *context)
{
    int on = 1;
    socklen_t len = sizeof(on);

    return setsockopt(-1, IPPROTO_TCP, TCP_NODELAY, &on, len) < 0 && errno == EBADF &&
                   setsockopt(-1, SOL_SOCKET, SO_SNDBUF, &on, len) < 0 && errno == EBADF &&
                   getsockopt(-1, SOL_SOCKET, SO_TYPE, &on, &len) < 0 && errno == EBADF
               ? 0
               : EIO;
}

static int act_linger(void *context)
{
    struct linger linger = { 1, 3600 };

    return answer(setsockopt(-1, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
}

static int act_other_level(void *context)
{
    int on = 1;

    return answer(setsockopt(-1, IPPROTO_IP, TCP_NODELAY, &on, sizeof(on)));
}

static int act_out_of_band(void *context)
{
    return answer((int)send(-1, "x", 1, MSG_OOB));
}

static int act_connect(void *context)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9) };

    return answer(connect(0, (struct sockaddr *)&address, sizeof(address)));
}

static int act_exec(void *context)
{
    char name[] = "true";
    char *const argv[] = { name, NULL };

    return answer(execve("/bin/true", argv, argv));
}

static int act_fork(void *context)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return answer(pid);
}

static int act_kill_parent(void *context)
{
    return answer(kill(getppid(), 0));
}

static int act_executable_memory(void *context)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? errno : 0;
}

static int act_ptrace(void *context)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)getppid());
    return answer(open(path, O_RDWR | O_CLOEXEC));
}

static void run_nothing(struct job *job)
{
    char *text = malloc(100000);

    (void)snprintf(text, 100000, "%f", 1.5);
    free(text);
}

static void done_nothing(struct job *job)
{
}

/* Loop, timer, threads, memory: what every role does inside. */
static int act_live(void *context)
{
    struct loop *loop = loop_new();
    struct pool *pool = pool_new(loop, 3);
    struct job jobs[20] = { 0 };

    for (size_t i = 0; i < ARRAY_COUNT(jobs); i++) {
        jobs[i] = (struct job){ .run = run_nothing, .done = done_nothing };
        pool_executor(pool)->submit(pool_executor(pool), &jobs[i]);
    }
    while (pool_pending(pool) > 0)
        loop_turn(loop, true);
    pool_free(pool);
    loop_free(loop);
    return 0;
}

static int act_become_idle(void *context)
{
    process_become_idle(); /* pool_test.c looks whether that works */
    return 0;
}

static int act_become_urgent(void *context)
{
    const struct sched_param first = { .sched_priority = 1 };

    return answer(sched_setscheduler(0, SCHED_FIFO, &first));
}

static int act_slow_another(void *context)
{
    const struct sched_param none = { 0 };

    return answer(sched_setscheduler(getppid(), SCHED_BATCH, &none));
}

static int act_slow_all(void *context)
{
    return answer(setpriority(PRIO_USER, 0, 19));
}

static int act_spool(void *context)
{
    struct spool spool;
    int fd = -1;

    spool_init(&spool, directory_fd, (struct spool_limits){ 2, 4, 100 });
    if (spool_append(&spool, BYTES("12345678")) != ERR_OK || !spool.in_file)
        return EIO;
    return spool_finish(&spool, &fd) == ERR_OK && fd_check_spooled(fd) ? 0 : EIO;
}

static int act_abort(void *context)
{
    abort();
}

struct row {
    const char *name;
    const struct sandbox_set *const *sets;
    unsigned access; /* of the test's directory; 0: no path at all */
    int (*act)(void *context);
    enum sandbox_outcome want;
    int want_errno;
};

static const struct row rows[] = {
    { "nothing", base_only, 0, act_nothing, SANDBOX_ALLOWED, 0 },
    { "life of a role", base_only, 0, act_live, SANDBOX_ALLOWED, 0 },
    { "open, call not allowed", base_only, 0, act_open_outside, SANDBOX_KILLED, 0 },
    { "open, no path", with_files, 0, act_open_outside, SANDBOX_REFUSED, EACCES },
    { "open inside, no path", with_files, 0, act_open_inside, SANDBOX_REFUSED, EACCES },
    { "open inside", with_files, SANDBOX_WRITE, act_open_inside, SANDBOX_ALLOWED, 0 },
    { "write with read access", with_files, SANDBOX_READ, act_open_inside, SANDBOX_REFUSED,
      EACCES },
    { "read with read access", with_files, SANDBOX_READ, act_read_inside, SANDBOX_ALLOWED, 0 },
    { "open outside", with_files, SANDBOX_WRITE, act_open_outside, SANDBOX_REFUSED, EACCES },
    { "climb out", with_files, SANDBOX_WRITE, act_climb_out, SANDBOX_REFUSED, EACCES },
    { "rename", with_files, SANDBOX_WRITE, act_rename, SANDBOX_ALLOWED, 0 },
    { "memory of the parent", with_files, SANDBOX_WRITE, act_ptrace, SANDBOX_REFUSED, EACCES },
    { "rename in a spool", with_files, SANDBOX_SPOOL, act_rename, SANDBOX_REFUSED, EACCES },
    { "spool", with_spool, SANDBOX_SPOOL, act_spool, SANDBOX_ALLOWED, 0 },
    { "open with spool", with_spool, SANDBOX_WRITE, act_read_inside, SANDBOX_KILLED, 0 },
    { "every set", with_all, SANDBOX_WRITE, act_live, SANDBOX_ALLOWED, 0 },
    { "socketpair", with_sockets, 0, act_socketpair, SANDBOX_KILLED, 0 },
    { "idle", with_idle, 0, act_become_idle, SANDBOX_ALLOWED, 0 },
    { "urgent", with_idle, 0, act_become_urgent, SANDBOX_KILLED, 0 },
    { "slowing another", with_idle, 0, act_slow_another, SANDBOX_KILLED, 0 },
    { "slowing all", with_idle, 0, act_slow_all, SANDBOX_KILLED, 0 },
    { "idle without idle", base_only, 0, act_become_idle, SANDBOX_KILLED, 0 },
    { "socketpair with pairs", with_pairs, 0, act_socketpair, SANDBOX_ALLOWED, 0 },
    { "the options of a stream", with_sockets, 0, act_options, SANDBOX_ALLOWED, 0 },
    { "linger", with_sockets, 0, act_linger, SANDBOX_KILLED, 0 },
    { "the level of an option counts", with_sockets, 0, act_other_level, SANDBOX_KILLED, 0 },
    { "out of band", with_sockets, 0, act_out_of_band, SANDBOX_KILLED, 0 },
    { "socket", with_sockets, 0, act_socket, SANDBOX_KILLED, 0 },
    { "connect", with_sockets, 0, act_connect, SANDBOX_KILLED, 0 },
    { "exec", with_files, SANDBOX_WRITE, act_exec, SANDBOX_KILLED, 0 },
    { "fork", base_only, 0, act_fork, SANDBOX_KILLED, 0 },
    { "signal to another", base_only, 0, act_kill_parent, SANDBOX_KILLED, 0 },
    { "executable memory", base_only, 0, act_executable_memory, SANDBOX_KILLED, 0 },
};

static struct sandbox_profile profile_of(const struct row *row, struct sandbox_path *path)
{
    *path = (struct sandbox_path){ directory_fd, row->access };
    return (struct sandbox_profile){
        .role = "test", .sets = row->sets, .paths = path, .path_count = row->access == 0 ? 0 : 1
    };
}

static void test_walls(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct sandbox_path path;
        struct sandbox_profile profile = profile_of(&rows[i], &path);
        struct note why = { "" };
        int number = 0;
        enum sandbox_outcome got;

        if (sandbox_is_loose && rows[i].want == SANDBOX_KILLED)
            continue;
        got = sandbox_probe(&profile, rows[i].act, NULL, &number, &why);
        if (got != rows[i].want || number != rows[i].want_errno)
            fail_msg("%s: outcome %d (%s) %s", rows[i].name, got, fd_errno_text(number), why.text);
    }
}

static void test_a_broken_profile(void **state)
{
    static const char *const names[] = { "read", "no_such_call", NULL };
    static const struct sandbox_set wrong = { names, NULL, 0 };
    static const struct sandbox_set *const sets[] = { &sandbox_base, &wrong, NULL };
    const struct sandbox_path path = { -1, SANDBOX_READ };
    const struct sandbox_profile bad_name = { .role = "test", .sets = sets };
    const struct sandbox_profile bad_path = {
        .role = "test", .sets = base_only, .paths = &path, .path_count = 1
    };
    struct note why = { "" };
    int number = 0;

    (void)state;
    assert_int_equal(sandbox_probe(&bad_name, act_nothing, NULL, &number, &why), SANDBOX_BROKEN);
    assert_non_null(strstr(why.text, "no_such_call"));
    assert_int_equal(sandbox_probe(&bad_path, act_nothing, NULL, &number, &why), SANDBOX_BROKEN);
}

static void test_abort_is_told_from_a_wall(void **state)
{
    const struct sandbox_profile profile = { .role = "test", .sets = base_only };
    struct note why = { "" };
    int number = 0;

    (void)state;
    assert_int_equal(sandbox_probe(&profile, act_abort, NULL, &number, &why), SANDBOX_BROKEN);
    assert_string_equal(why.text, "the probe ended by signal 6");
}

static void test_rules_of_a_profile(void **state)
{
    static const struct sandbox_rule allow_socket[] = { { "socket", 0, UINT64_MAX, AF_INET } };
    const struct sandbox_profile profile = {
        .role = "test", .sets = base_only, .rules = allow_socket, .rule_count = 1
    };
    size_t count = 0;
    bool has_read = false;
    bool has_socket = false;
    int number = 0;
    const char *name;

    (void)state;
    assert_int_equal(sandbox_probe(&profile, act_socket, NULL, &number, NULL), SANDBOX_ALLOWED);
    for (; (name = sandbox_allowed(&profile, count)) != NULL; count++) {
        has_read |= strcmp(name, "read") == 0;
        has_socket |= strcmp(name, "socket") == 0;
    }
    assert_true(has_read && has_socket && count > 40);
}

static int set_up_group(void **state)
{
    struct sandbox_report has = sandbox_available();

    if (has.landlock_abi < 2 || !has.seccomp) {
        (void)fprintf(stderr, "this kernel has no Landlock or no seccomp\n");
        exit(77);
    }
    if (mkdtemp(directory) == NULL)
        return 1;
    directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return openat(directory_fd, "there", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0;
}

static int tear_down_group(void **state)
{
    (void)unlinkat(directory_fd, "there", 0);
    (void)unlinkat(directory_fd, "file", 0);
    (void)unlinkat(directory_fd, "sub/to", 0);
    (void)unlinkat(directory_fd, "sub", AT_REMOVEDIR);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walls),
        cmocka_unit_test(test_a_broken_profile),
        cmocka_unit_test(test_abort_is_told_from_a_wall),
        cmocka_unit_test(test_rules_of_a_profile),
    };

    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
