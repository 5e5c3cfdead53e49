/* The thread pool. */
#include "sys/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_run_once_and_come_home),
        cmocka_unit_test(test_free_waits_for_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
