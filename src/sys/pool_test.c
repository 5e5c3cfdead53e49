/* The thread pool. */
#include "sys/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kit/assert_bytes.h"

enum { JOBS = 500 };

static atomic_int running_total;

struct work {
    struct job job;
    struct executor *executor;
    pthread_t owner;
    int runs, dones, again;
    bool elsewhere, back_home, signals_blocked;
};

static void run(struct job *job)
{
    struct work *work = CONTAINER_OF(job, struct work, job);
    sigset_t set;

    work->runs++;
    work->elsewhere = !pthread_equal(pthread_self(), work->owner);
    work->signals_blocked =
        pthread_sigmask(SIG_SETMASK, NULL, &set) == 0 && sigismember(&set, SIGTERM) == 1;
    atomic_fetch_add(&running_total, 1);
}

static void done(struct job *job)
{
    struct work *work = CONTAINER_OF(job, struct work, job);

    work->dones++;
    work->back_home = pthread_equal(pthread_self(), work->owner);
    if (work->again-- > 0)
        work->executor->submit(work->executor, job);
}

static void submit_all(struct pool *pool, struct work *works, int again)
{
    struct executor *executor = pool_executor(pool);

    for (int i = 0; i < JOBS; i++) {
        works[i] = (struct work){ .job = { .run = run, .done = done },
                                  .executor = executor,
                                  .owner = pthread_self(),
                                  .again = again };
        executor->submit(executor, &works[i].job);
        assert_int_equal(works[i].dones, 0);
    }
}

static void assert_all(const struct work *works, int times)
{
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(works[i].runs, times);
        assert_int_equal(works[i].dones, times);
        assert_true(works[i].elsewhere && works[i].back_home && works[i].signals_blocked);
    }
}

static void test_all_run_once_and_come_home(void **state)
{
    static struct work works[JOBS];
    struct loop *loop = loop_new();
    struct pool *pool = pool_new(loop, 4);

    (void)state;
    atomic_store(&running_total, 0);
    submit_all(pool, works, 0);
    assert_int_equal(pool_pending(pool), JOBS);
    while (pool_pending(pool) > 0)
        loop_turn(loop, true);
    assert_all(works, 1);
    assert_int_equal(atomic_load(&running_total), JOBS);
    pool_free(pool);
    loop_free(loop);
}

static void test_free_waits_for_all(void **state)
{
    static struct work works[JOBS];
    struct loop *loop = loop_new();
    struct pool *pool = pool_new(loop, 2);

    (void)state;
    submit_all(pool, works, 1); /* each submits itself once more */
    pool_free(pool);
    assert_all(works, 2);
    pool_free(NULL);
    loop_free(loop);
}

static void look_at_priority(struct job *job)
{
    struct work *work = CONTAINER_OF(job, struct work, job);

    work->runs = getpriority(PRIO_PROCESS, 0);
    work->dones = (int)syscall(SYS_ioprio_get, 1 /* a process */, 0);
}

static void done_nothing(struct job *job)
{
    (void)job;
}

static void priorities_of(struct pool *pool, struct loop *loop, struct work *work)
{
    *work = (struct work){ .job = { .run = look_at_priority, .done = done_nothing } };
    pool_executor(pool)->submit(pool_executor(pool), &work->job);
    while (pool_pending(pool) > 0)
        loop_turn(loop, true);
}

/* Its jobs come after everything else on the machine; those of another pool, and the loop, do not.
 */
static void test_idle_pool(void **state)
{
    struct loop *loop = loop_new();
    struct pool *idle = pool_new_idle(loop, 2);
    struct pool *pool = pool_new(loop, 1);
    int before = getpriority(PRIO_PROCESS, 0);
    struct work work;

    (void)state;
    priorities_of(idle, loop, &work);
    assert_int_equal(work.runs, 19);
    assert_int_equal(work.dones >> 13, 3 /* the idle class */);
    priorities_of(pool, loop, &work);
    assert_int_equal(work.runs, before);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
    pool_free(idle);
    pool_free(pool);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_run_once_and_come_home),
        cmocka_unit_test(test_free_waits_for_all),
        cmocka_unit_test(test_idle_pool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
