/* Lines to standard error, which here is a pipe. */
#include "sys/log_sink.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kit/assert_bytes.h"

struct redirect {
    int saved;
    int reader;
};

static struct redirect redirect_stderr(void)
{
    struct redirect redirect;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    redirect.saved = dup(STDERR_FILENO);
    redirect.reader = ends[0];
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    (void)close(ends[1]);
    return redirect;
}

static size_t restore_stderr(struct redirect *redirect, char *into, size_t size)
{
    size_t len = 0;
    ssize_t got;

    (void)dup2(redirect->saved, STDERR_FILENO);
    (void)close(redirect->saved);
    while (len < size - 1 && (got = read(redirect->reader, into + len, size - 1 - len)) > 0)
        len += (size_t)got;
    into[len] = '\0';
    (void)close(redirect->reader);
    return len;
}

static void test_lines_carry_level_and_role(void **state)
{
    struct redirect redirect = redirect_stderr();
    char want[128];
    char got[1024];
    struct tm parts = { 0 };
    time_t before = time(NULL);

    (void)state;
    log_sink_start("gate-1", LOG_LEVEL_INFO);
    log_event(LOG_LEVEL_WARNING, "slow", "what", "disk");
    log_event(LOG_LEVEL_DEBUG, "hidden", NULL, NULL);
    log_sink_start(NULL, LOG_LEVEL_DEBUG);
    log_event(LOG_LEVEL_DEBUG, "seen", NULL, NULL);
    (void)restore_stderr(&redirect, got, sizeof(got));
    (void)snprintf(want, sizeof(want),
                   "warning: gate-1[%d]: event=slow what=disk\ndebug: event=seen\n", (int)getpid());
    assert_string_equal(got + strlen("2026-11-02T10:00:00.000Z "), want);
    assert_non_null(strptime(got, "%Y-%m-%dT%H:%M:%S.", &parts));
    assert_in_range(timegm(&parts), before, time(NULL));
}

static void test_a_full_pipe_drops_and_counts(void **state)
{
    struct redirect redirect = redirect_stderr();
    static char got[1024 * 1024];
    static char text[3000];
    size_t room = sizeof(got);
    ssize_t taken;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    log_sink_start("role", LOG_LEVEL_INFO);
    for (int i = 0; i < 100; i++) /* 300 KB into 64 KB: would block for ever */
        log_event(LOG_LEVEL_INFO, "big", "text", text);
    taken = read(redirect.reader, got, room);
    assert_true(taken > 0);
    log_event(LOG_LEVEL_INFO, "after", NULL, NULL);
    (void)restore_stderr(&redirect, got, room);
    assert_non_null(strstr(got, "event=log-dropped count="));
    assert_non_null(strstr(got, "event=after\n"));
    assert_true(strstr(got, "event=log-dropped") < strstr(got, "event=after"));
}

static void test_the_journal_gets_priorities(void **state)
{
    struct redirect redirect = redirect_stderr();
    char named[64];
    char got[256];
    struct stat st;

    (void)state;
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    (void)snprintf(named, sizeof(named), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", named, 1), 0);
    log_sink_start(NULL, LOG_LEVEL_INFO);
    log_event(LOG_LEVEL_ERROR, "bad", NULL, NULL);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    (void)restore_stderr(&redirect, got, sizeof(got));
    assert_string_equal(got, "<3>event=bad\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_carry_level_and_role),
        cmocka_unit_test(test_a_full_pipe_drops_and_counts),
        cmocka_unit_test(test_the_journal_gets_priorities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
