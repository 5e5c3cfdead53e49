/* Work that may block (a sync, a hash, a large parse), done elsewhere and answered by message.
 *
 * Embed a `struct job` in a struct that holds everything the work needs as values. `run` is called
 * once on any thread and touches nothing but that struct; then `done` is called once on the thread
 * that submitted it. The owner of the struct frees it in `done`, never before. A job cannot be
 * cancelled: whoever loses interest marks the struct and lets `done` clean up. */
#ifndef ROOST_BASE_JOB_H
#define ROOST_BASE_JOB_H

#include "base/list.h"

struct job {
    struct list link; /* the executor's, between submit and done */
    void (*run)(struct job *job);
    void (*done)(struct job *job);
};

/* Something that runs jobs: a thread pool (sys/pool.h), or a test's own hands. Submit never blocks
 * and never calls `done` before it returns. */
struct executor {
    void (*submit)(struct executor *executor, struct job *job);
};

/* Called (on the owner's thread) when something that was waited for has happened; spurious calls
 * are allowed. The embedder must outlive its registration. */
struct waker {
    void (*wake)(struct waker *waker);
};

#endif
