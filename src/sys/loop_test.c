/* The loop: readiness, timers, deferred work, signals. */
#include "sys/loop.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/clock.h"
#include "sys/fd.h"

struct watcher {
    struct loop_fd watch;
    unsigned seen;
    int calls;
    bool leave;
    bool alive_after;
};

static void on_ready(struct loop_fd *watch, unsigned what)
{
    struct watcher *watcher = CONTAINER_OF(watch, struct watcher, watch);
    struct loop *loop = watch->loop;

    watcher->seen |= what;
    watcher->calls++;
    if (watcher->leave)
        loop_fd_done(watch);
    watcher->alive_after = loop_is_serving(loop, watch);
}

static void test_readiness(void **state)
{
    struct loop *loop = loop_new();
    struct watcher watcher = { .seen = 0 };
    int pair[2];

    (void)state;
    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    loop_fd_init(&watcher.watch, loop, pair[0], on_ready);
    loop_turn(loop, false);
    assert_int_equal(watcher.calls, 0);
    loop_fd_want(&watcher.watch, LOOP_WRITE);
    loop_turn(loop, true);
    assert_int_equal(watcher.seen, LOOP_WRITE);
    watcher.seen = 0;
    loop_fd_want(&watcher.watch, LOOP_READ);
    loop_turn(loop, false);
    assert_int_equal(watcher.seen, 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    loop_turn(loop, true);
    loop_turn(loop, true); /* level-triggered: again */
    assert_int_equal(watcher.seen, LOOP_READ);
    assert_int_equal(watcher.calls, 3);
    assert_true(watcher.alive_after);
    assert_false(loop_is_serving(loop, &watcher.watch));
    watcher.leave = true;
    loop_turn(loop, true);
    loop_turn(loop, false);
    assert_int_equal(watcher.calls, 4);
    assert_false(watcher.alive_after);
    loop_fd_done(&watcher.watch);
    fd_close(&pair[0]);
    fd_close(&pair[1]);
    loop_free(loop);
}

struct timed {
    struct loop_timer timer;
    struct mono fired;
    int order;
    int *count;
};

static void on_timer(struct loop_timer *timer)
{
    struct timed *timed = CONTAINER_OF(timer, struct timed, timer);

    timed->fired = clock_mono();
    timed->order = ++*timed->count;
    if (timed->order == 2)
        loop_stop(timer->loop);
}

static void test_timers(void **state)
{
    struct loop *loop = loop_new();
    int count = 0;
    struct timed late = { .count = &count };
    struct timed early = { .count = &count };
    struct timed never = { .count = &count };
    struct mono start = clock_mono();

    (void)state;
    loop_timer_init(&late.timer, loop, on_timer);
    loop_timer_init(&early.timer, loop, on_timer);
    loop_timer_init(&never.timer, loop, on_timer);
    loop_timer_set(&late.timer, (struct mono){ start.ms + 1 });
    loop_timer_set(&late.timer, (struct mono){ start.ms + 30 }); /* moved */
    loop_timer_set_in(&early.timer, 5);
    loop_timer_set_in(&never.timer, 1);
    assert_true(loop_timer_is_set(&never.timer));
    loop_timer_unset(&never.timer);
    assert_false(loop_timer_is_set(&never.timer));
    loop_run(loop);
    assert_int_equal(early.order, 1);
    assert_int_equal(late.order, 2);
    assert_int_equal(never.order, 0);
    assert_true(early.fired.ms >= start.ms + 5);
    assert_true(late.fired.ms >= late.timer.deadline.ms);
    assert_false(loop_timer_is_set(&late.timer));
    loop_timer_set(&never.timer, (struct mono){ start.ms - 1000 }); /* past: at once */
    loop_turn(loop, true);
    assert_int_equal(never.order, 3);
    loop_timer_done(&late.timer);
    loop_timer_done(&early.timer);
    loop_timer_done(&never.timer);
    loop_timer_done(&never.timer);
    loop_free(loop);
}

struct stepper {
    struct loop_task task;
    struct loop *loop;
    struct loop_task *other;
    int runs;
    bool again;
};

static void on_task(struct loop_task *task)
{
    struct stepper *stepper = CONTAINER_OF(task, struct stepper, task);

    stepper->runs++;
    if (stepper->again)
        loop_defer(stepper->loop, task);
    if (stepper->other != NULL)
        loop_undefer(stepper->other);
}

static void test_tasks(void **state)
{
    struct loop *loop = loop_new();
    struct stepper again = { .task.run = on_task, .loop = loop, .again = true };
    struct stepper victim = { .task.run = on_task, .loop = loop };
    struct stepper killer = { .task.run = on_task, .loop = loop, .other = &victim.task };

    (void)state;
    loop_defer(loop, &again.task);
    loop_defer(loop, &again.task);
    loop_defer(loop, &killer.task);
    loop_defer(loop, &victim.task);
    loop_turn(loop, true); /* does not wait: there is work */
    assert_int_equal(again.runs, 1);
    assert_int_equal(killer.runs, 1);
    assert_int_equal(victim.runs, 0);
    loop_turn(loop, true);
    assert_int_equal(again.runs, 2);
    again.again = false;
    loop_turn(loop, true);
    loop_turn(loop, false);
    assert_int_equal(again.runs, 3);
    loop_free(loop);
}

struct signalled {
    struct loop_signals signals;
    int number;
};

static void on_signal(struct loop_signals *signals, int number)
{
    CONTAINER_OF(signals, struct signalled, signals)->number = number;
}

static void test_signals(void **state)
{
    static const int numbers[] = { SIGUSR1, SIGHUP, 0 };
    struct loop *loop = loop_new();
    struct signalled signalled = { .number = 0 };

    (void)state;
    loop_signals_init(&signalled.signals, loop, numbers, on_signal);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    loop_turn(loop, true);
    assert_int_equal(signalled.number, SIGHUP);
    loop_signals_done(&signalled.signals);
    loop_signals_done(&signalled.signals);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readiness),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_signals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
