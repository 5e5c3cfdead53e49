/* A thread pool that answers through an eventfd. */
#include "sys/pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sys/process.h"

struct pool {
    struct executor executor;
    struct loop_fd watch; /* the eventfd */
    pthread_mutex_t mutex; /* guards the two lists */
    sem_t submitted; /* one for each job in `todo`, and for each thread at the end */
    pthread_cond_t finished;
    struct list todo;
    struct list ready; /* ran, `done` not yet called */
    bool is_idle; /* process_become_idle */
    size_t pending; /* the loop thread's own */
    size_t thread_count;
    pthread_t threads[];
};

static struct job *take_first(struct list *jobs)
{
    struct job *job = CONTAINER_OF(list_first(jobs), struct job, link);

    list_remove(&job->link);
    return job;
}

/* Waits for a job; NULL: there will be none any more. A thread that waits for the semaphore takes
 * the mutex only when there is something to take, as nearly always nobody else does just then. */
static struct job *take_submitted(struct pool *pool)
{
    struct job *job;

    while (sem_wait(&pool->submitted) < 0)
        continue; /* a signal, of which these threads get none */
    pthread_mutex_lock(&pool->mutex);
    job = list_is_empty(&pool->todo) ? NULL : take_first(&pool->todo);
    pthread_mutex_unlock(&pool->mutex);
    return job;
}

static void *work(void *context)
{
    struct pool *pool = context;

    process_set_name(pool->is_idle ? "roost-idle" : "roost-job"); /* ps -L tells them apart */
    if (pool->is_idle)
        process_become_idle();
    for (;;) {
        struct job *job = take_submitted(pool);
        bool was_empty;

        if (job == NULL)
            return NULL;
        job->run(job);
        pthread_mutex_lock(&pool->mutex);
        was_empty = list_is_empty(&pool->ready);
        list_push_back(&pool->ready, &job->link);
        pthread_cond_signal(&pool->finished);
        pthread_mutex_unlock(&pool->mutex); /* who wakes does not find it taken */
        if (was_empty)
            (void)eventfd_write(pool->watch.fd, 1); /* fails only when it is set already */
    }
}

/* Calls `done` of all that is ready. */
static void finish_ready(struct pool *pool)
{
    struct list mine;

    list_init(&mine);
    pthread_mutex_lock(&pool->mutex);
    while (!list_is_empty(&pool->ready))
        list_push_back(&mine, &take_first(&pool->ready)->link);
    pthread_mutex_unlock(&pool->mutex);
    while (!list_is_empty(&mine)) {
        struct job *job = take_first(&mine);

        pool->pending--;
        job->done(job);
    }
}

static void on_ready(struct loop_fd *watch, unsigned what)
{
    eventfd_t count;

    (void)eventfd_read(watch->fd, &count);
    finish_ready(CONTAINER_OF(watch, struct pool, watch));
}

static void submit(struct executor *executor, struct job *job)
{
    struct pool *pool = CONTAINER_OF(executor, struct pool, executor);

    pool->pending++;
    pthread_mutex_lock(&pool->mutex);
    list_push_back(&pool->todo, &job->link);
    pthread_mutex_unlock(&pool->mutex);
    if (sem_post(&pool->submitted) < 0)
        abort(); /* two milliards of jobs */
}

static void start_threads(struct pool *pool, size_t threads)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstacksize(&attributes, POOL_STACK_BYTES) != 0 ||
        pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        abort();
    for (; pool->thread_count < threads; pool->thread_count++) {
        if (pthread_create(&pool->threads[pool->thread_count], &attributes, work, pool) != 0)
            abort();
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

static struct pool *start(struct loop *loop, size_t threads, bool is_idle)
{
    struct pool *pool;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    assert(threads >= 1 && threads <= POOL_THREADS_MAX);
    pool = calloc(1, sizeof(*pool) + threads * sizeof(pthread_t));
    if (pool == NULL || fd < 0)
        abort();
    pool->executor.submit = submit;
    pool->is_idle = is_idle;
    pthread_mutex_init(&pool->mutex, NULL);
    if (sem_init(&pool->submitted, 0, 0) < 0)
        abort();
    pthread_cond_init(&pool->finished, NULL);
    list_init(&pool->todo);
    list_init(&pool->ready);
    loop_fd_init(&pool->watch, loop, fd, on_ready);
    loop_fd_want(&pool->watch, LOOP_READ);
    start_threads(pool, threads);
    return pool;
}

struct pool *pool_new(struct loop *loop, size_t threads)
{
    return start(loop, threads, false);
}

struct pool *pool_new_idle(struct loop *loop, size_t threads)
{
    return start(loop, threads, true);
}

/* A `done` may submit again: until nothing is pending at all. */
static void drain(struct pool *pool)
{
    while (pool->pending > 0) {
        pthread_mutex_lock(&pool->mutex);
        while (list_is_empty(&pool->ready))
            pthread_cond_wait(&pool->finished, &pool->mutex);
        pthread_mutex_unlock(&pool->mutex);
        finish_ready(pool);
    }
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    drain(pool);
    for (size_t i = 0; i < pool->thread_count; i++)
        (void)sem_post(&pool->submitted); /* without a job */
    for (size_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    loop_fd_done(&pool->watch);
    (void)close(pool->watch.fd);
    pthread_cond_destroy(&pool->finished);
    sem_destroy(&pool->submitted);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

struct executor *pool_executor(struct pool *pool)
{
    return &pool->executor;
}

size_t pool_pending(const struct pool *pool)
{
    return pool->pending;
}
