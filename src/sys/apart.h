/* A child of a command that does one thing as somebody else: this process, forked, with a stream
 * socket to its parent. It may give up rights that the parent still needs. For commands, which
 * have one thread. */
#ifndef ROOST_SYS_APART_H
#define ROOST_SYS_APART_H

#include <sys/types.h>

#include "base/attributes.h"
#include "base/err.h"

struct apart {
    int fd; /* the parent's end; the owner may take it (fd_take) */
    pid_t pid;
};

/* In the child `work` is called with the other end, and the child ends when it returns, or
 * with its parent, at once: nothing of the parent's is flushed or called. Errors: the system has no
 * process left. */
MUST_USE enum err apart_start(struct apart *apart, void (*work)(void *context, int fd),
                              void *context, struct note *why);

/* Closes the end, if it was not taken, and waits for the child to end. */
void apart_done(struct apart *apart);

#endif
