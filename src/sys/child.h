/* Starting the server's own roles, and hearing of their end.
 *
 * A role is this very binary, executed from a descriptor that was opened at start, so that an
 * upgrade on disk never mixes versions. The child has exactly the descriptors it was given, no
 * signal blocked or ignored (but SIGPIPE, ignored), its own session, no new privileges, no core
 * dumps, and as many descriptors as the hard limit allows. */
#ifndef ROOST_SYS_CHILD_H
#define ROOST_SYS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/err.h"
#include "sys/loop.h"

enum { CHILD_FDS_MAX = 64 };

/* The running binary, O_RDONLY | O_CLOEXEC. Call it first thing in main. */
MUST_USE enum err child_open_self(int *out_exe_fd, struct note *why);

/* Looks up `name`; ERR_NOT_FOUND with a note that says how to make it. */
struct child_user {
    uid_t uid;
    gid_t gid;
};
MUST_USE enum err child_find_user(const char *name, struct child_user *out_user, struct note *why);

/* `fd` of the parent becomes number `at` in the child. */
struct child_fd {
    int fd;
    int at;
};

struct child_spec {
    int exe_fd;
    const char *const *argv; /* NULL-terminated */
    const char *const *env; /* NULL-terminated; nothing is inherited */
    const struct child_fd *fds; /* standard error (2) is inherited; 0 and 1 are /dev/null */
    size_t fd_count;
    const struct child_user *user; /* NULL: stays who we are */
};

struct child {
    struct loop_fd watch; /* of its pidfd */
    pid_t pid; /* 0: none */
    /* `status` as of wait(2). The child is reaped; its struct may be used again or freed. */
    void (*ended)(struct child *child, int status);
};

/* Starts it; waits until exec has succeeded or failed. On failure the note says which step. */
MUST_USE enum err child_start(struct child *child, struct loop *loop, const struct child_spec *spec,
                              void (*ended)(struct child *, int), struct note *why);

/* Sends a signal to it, or to nobody when it has ended. */
void child_signal(struct child *child, int number);

/* Forgets it: no `ended` any more. Harmless on a zeroed struct. */
void child_done(struct child *child);

/* The exit code, or -1 when it ended otherwise. */
int child_exit_code(int status);

/* True when it died of a signal that its own work raises: SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT
 * or SIGSYS; false for one that was told to end, or was killed. */
bool child_crashed(int status);

/* One phrase for a log: "exit 1", "signal 9 (Killed)", "sandbox (Bad system call)". */
void child_status_print(int status, char out_text[64]);

#endif
