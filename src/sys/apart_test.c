/* A child that answers over its socket, and is gone afterwards. */
#include "sys/apart.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/dialog.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { PATIENCE_MS = 10000, NOBODY = 65534 };

static void answer(void *context, int fd)
{
    int *number = context;
    struct dialog dialog;
    char line[64];

    *number += 1; /* its own copy */
    dialog_init(&dialog, fd, PATIENCE_MS);
    (void)snprintf(line, sizeof(line), "%d %d\n", *number, (int)getpid());
    (void)!dialog_send(&dialog, bytes_from_string(line));
}

static void test_a_child_answers_and_ends(void **state)
{
    struct apart apart = { .fd = -1 };
    struct dialog dialog;
    struct bytes line;
    int number = 41;
    char text[64];
    int got = 0;
    int pid = 0;

    (void)state;
    assert_int_equal(apart_start(&apart, answer, &number, NULL), ERR_OK);
    dialog_init(&dialog, fd_take(&apart.fd), PATIENCE_MS);
    assert_int_equal(dialog_receive_line(&dialog, &line), ERR_OK);
    (void)snprintf(text, sizeof(text), "%.*s", BYTES_ARG(line));
    assert_int_equal(sscanf(text, "%d %d", &got, &pid), 2);
    assert_int_equal(got, 42);
    assert_int_equal(number, 41);
    assert_int_not_equal(pid, getpid());
    assert_int_equal(dialog_receive_line(&dialog, &line), ERR_CLOSED); /* it has ended */
    dialog_done(&dialog);
    apart_done(&apart);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); /* and was waited for */
    assert_int_equal(errno, ECHILD);
    apart_done(&apart);
}

static void wait_for_the_end(void *context, int fd)
{
    struct dialog dialog;
    struct bytes line;

    (void)context;
    dialog_init(&dialog, fd, PATIENCE_MS * 100);
    (void)!dialog_receive_line(&dialog, &line);
}

static void test_the_end_of_the_parent_is_seen(void **state)
{
    struct apart apart = { .fd = -1 };

    (void)state;
    assert_int_equal(apart_start(&apart, wait_for_the_end, NULL, NULL), ERR_OK);
    apart_done(&apart); /* would hang if the child did not hear of it */
    assert_int_equal(apart.fd, -1);
}

/* Says who it is, hears nothing, and would stay. */
static void stay(void *context, int fd)
{
    int *told = context;
    pid_t own = getpid();

    (void)fd;
    if (process_is_root() && process_become(NOBODY, NOBODY, NULL) != ERR_OK)
        return;
    if (write(told[1], &own, sizeof(own)) != sizeof(own))
        return;
    for (;;)
        (void)pause();
}

static void test_a_parent_that_is_killed(void **state)
{
    struct pollfd end;
    int told[2];
    pid_t child;
    pid_t parent;
    char byte;
    int heard;

    (void)state;
    assert_int_equal(pipe(told), 0);
    parent = fork();
    if (parent == 0) {
        struct apart apart = { .fd = -1 };

        if (apart_start(&apart, stay, told, NULL) != ERR_OK)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(told[1]);
    assert_int_equal(read(told[0], &child, sizeof(child)), sizeof(child));
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    end = (struct pollfd){ .fd = told[0], .events = POLLIN };
    heard = poll(&end, 1, PATIENCE_MS);
    if (heard != 1)
        (void)kill(child, SIGKILL);
    assert_int_equal(heard, 1);
    assert_int_equal(read(told[0], &byte, 1), 0);
    (void)close(told[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_answers_and_ends),
        cmocka_unit_test(test_the_end_of_the_parent_is_seen),
        cmocka_unit_test(test_a_parent_that_is_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
