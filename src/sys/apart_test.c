/* A child that answers over its socket, and is gone afterwards. */
#include "sys/apart.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/dialog.h"
#include "sys/fd.h"

enum { PATIENCE_MS = 10000 };

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_answers_and_ends),
        cmocka_unit_test(test_the_end_of_the_parent_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
