/* Threads that run jobs (base/job.h) for one loop.
 *
 * Jobs start in the order of submission and run on any thread; their `done` is called on the loop's
 * thread, in the loop. Threads are born with every signal blocked. */
#ifndef ROOST_SYS_POOL_H
#define ROOST_SYS_POOL_H

#include <stddef.h>

#include "base/job.h"
#include "sys/loop.h"

enum { POOL_THREADS_MAX = 64, POOL_STACK_BYTES = 256 * 1024 };

struct pool;

/* Starts `threads` threads (1 to POOL_THREADS_MAX) at once: call it inside the sandbox. Aborts when
 * the system has no thread left. */
struct pool *pool_new(struct loop *loop, size_t threads);

/* The same, for work that has time: its threads have the least share of the processors
 * (process_become_idle). A job may take any time to end, and what it holds meanwhile, a lock say,
 * it holds as long. */
struct pool *pool_new_idle(struct loop *loop, size_t threads);

/* Waits for the jobs that are submitted, calls their `done`, ends the threads. NULL is allowed. */
void pool_free(struct pool *pool);

/* Submit to this. It lives as long as the pool. There is no bound here: who submits for strangers
 * bounds what it submits. */
struct executor *pool_executor(struct pool *pool);

/* Jobs submitted whose `done` has not been called. */
size_t pool_pending(const struct pool *pool);

#endif
