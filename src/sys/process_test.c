/* What a process does to itself, tried in processes of its own. */
#include "sys/process.h"

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
#include "sys/clock.h"

enum { GRACE_MS = 20 };

static void test_name(void **state)
{
    char name[16] = "";

    (void)state;
    process_set_name("roost-a-long-name-indeed");
    assert_int_equal(prctl(PR_GET_NAME, name, 0, 0, 0), 0);
    assert_string_equal(name, "roost-a-long-na");
}

static void test_fd_limit(void **state)
{
    struct rlimit limit;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(process_raise_fd_limit(), limit.rlim_max);
}

static void test_cpus_and_name(void **state)
{
    char name[PROCESS_HOST_NAME_MAX];

    (void)state;
    assert_in_range(process_cpus(), 1, 1024);
    process_host_name(name);
    assert_true(strlen(name) < PROCESS_HOST_NAME_MAX);
}

static void test_end_soon_ends_even_what_hangs(void **state)
{
    struct mono start = clock_mono();
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        process_end_soon(GRACE_MS);
        for (;;)
            continue;
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
    assert_true(clock_mono().ms >= start.ms + GRACE_MS - 1);
}

/* The parent's end kills the grandchild, which hangs; its end of the pipe tells. */
static void test_end_with_parent(void **state)
{
    int alive[2];
    char byte;
    pid_t parent;

    (void)state;
    assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
    parent = fork();
    if (parent == 0) {
        int ready[2];

        if (pipe2(ready, O_CLOEXEC) < 0 || fork() == 0) {
            process_end_with_parent(GRACE_MS);
            (void)close(ready[0]);
            (void)close(ready[1]);
            for (;;)
                continue;
        }
        (void)close(ready[1]);
        (void)!read(ready[0], &byte, 1); /* until the grandchild is prepared */
        _exit(0);
    }
    (void)close(alive[1]);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_int_equal(read(alive[0], &byte, 1), 0); /* all holders are gone */
    (void)close(alive[0]);
}

static void test_memory_settings_do_no_harm(void **state)
{
    void *block;

    (void)state;
    process_tune_memory();
    block = malloc(1000000);
    assert_non_null(block);
    memset(block, 1, 1000000);
    free(block);
    process_trim_memory();
}

static void test_becoming_another(void **state)
{
    struct note why = { "" };
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(process_become(geteuid(), getegid(), &why), ERR_OK);
    if (!process_is_root())
        skip();
    pid = fork();
    if (pid == 0)
        _exit(process_become(65534, 65534, &why) == ERR_OK && geteuid() == 65534 &&
                      process_become(0, 0, &why) == ERR_DENIED
                  ? 0
                  : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* The bits that are left, by the kernel's own word: CapEff of /proc/self/status. */
static uint64_t effective_capabilities(void)
{
    char line[256];
    uint64_t bits = UINT64_MAX;
    FILE *status = fopen("/proc/self/status", "re");

    while (status != NULL && fgets(line, sizeof(line), status) != NULL)
        if (strncmp(line, "CapEff:", 7) == 0)
            bits = strtoull(line + 7, NULL, 16);
    if (status != NULL)
        (void)fclose(status);
    return bits;
}

static void test_dropping_privileges(void **state)
{
    const uint64_t root_keeps = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7;
    struct note why = { "" };
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        process_drop_privileges();
        if ((effective_capabilities() & ~(process_is_root() ? root_keeps : 0)) != 0)
            _exit(1);
        if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
            _exit(2);
        if (process_is_root() && process_become(65534, 65534, &why) != ERR_OK)
            _exit(3);
        _exit(effective_capabilities() == 0 ? 0 : 4);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_fd_limit),
        cmocka_unit_test(test_cpus_and_name),
        cmocka_unit_test(test_end_soon_ends_even_what_hangs),
        cmocka_unit_test(test_end_with_parent),
        cmocka_unit_test(test_memory_settings_do_no_harm),
        cmocka_unit_test(test_becoming_another),
        cmocka_unit_test(test_dropping_privileges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
