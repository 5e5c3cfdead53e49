/* Accepting connections in batches from a listening socket that somebody else has bound. */
#ifndef ROOST_SYS_LISTENER_H
#define ROOST_SYS_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/address.h"
#include "sys/loop.h"

enum {
    LISTENER_BATCH = 64, /* most connections accepted in one turn */
    LISTENER_RETRY_MS = 100, /* after EMFILE, ENFILE, ENOBUFS, ENOMEM */
};

struct listener {
    struct loop_fd watch;
    struct loop_timer retry;
    bool paused;
    uint64_t accepted_total; /* for metrics */
    unsigned starved; /* times that the system had no descriptor left; for metrics and the log */
    /* `fd` is the callee's now: O_CLOEXEC, non-blocking. */
    void (*accepted)(struct listener *listener, int fd, const struct address *peer);
};

/* Takes `fd` and starts. The listener must not be freed from inside `accepted`. */
void listener_init(struct listener *listener, struct loop *loop, int fd,
                   void (*accepted)(struct listener *, int fd, const struct address *peer));

/* At a limit of the owner's: new connections wait in the kernel's backlog. */
void listener_pause(struct listener *listener);
void listener_resume(struct listener *listener);

/* Stops and closes. Harmless on a zeroed struct. */
void listener_done(struct listener *listener);

#endif
