/* The event loop on libevent.
 *
 * libevent's changelist stays off: it delays epoll_ctl past the close of a descriptor, and one that
 * lives on in another process would then report for ever. */
#include "sys/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sys/clock.h"

static_assert(sizeof(struct event) <= LOOP_EVENT_BYTES, "LOOP_EVENT_BYTES is too small");
static_assert(alignof(struct event) <= 8, "struct event needs more alignment");

struct loop {
    struct event_base *base;
    struct list tasks;
    const struct loop_fd *serving; /* compared, never followed */
    bool stopped;
    alignas(64) uint8_t buffer[LOOP_BUFFER_BYTES];
};

struct loop *loop_new(void)
{
    struct loop *loop = aligned_alloc(64, sizeof(*loop));
    struct event_config *config = event_config_new();

    if (loop == NULL || config == NULL)
        abort();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    if (loop->base == NULL)
        abort();
    list_init(&loop->tasks);
    loop->serving = NULL;
    loop->stopped = false;
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    event_base_free(loop->base);
    free(loop);
}

static void run_tasks(struct loop *loop)
{
    struct list now;

    if (list_is_empty(&loop->tasks))
        return;
    /* What is deferred from here on belongs to the next turn. */
    now = loop->tasks;
    now.next->previous = &now;
    now.previous->next = &now;
    list_init(&loop->tasks);
    while (!list_is_empty(&now)) {
        struct loop_task *task = CONTAINER_OF(list_first(&now), struct loop_task, link);

        list_remove(&task->link);
        task->run(task);
    }
}

void loop_turn(struct loop *loop, bool may_wait)
{
    bool idle = list_is_empty(&loop->tasks);
    int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;

    if (!idle || !may_wait)
        flags |= EVLOOP_NONBLOCK;
    if (event_base_loop(loop->base, flags) < 0)
        abort(); /* epoll itself failed: nothing can go on */
    run_tasks(loop);
}

void loop_run(struct loop *loop)
{
    loop->stopped = false;
    while (!loop->stopped)
        loop_turn(loop, true);
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

uint8_t *loop_buffer(struct loop *loop)
{
    return loop->buffer;
}

static struct event *fd_event(struct loop_fd *fd)
{
    return (struct event *)(void *)fd->event;
}

static void on_fd(evutil_socket_t descriptor, short what, void *context)
{
    struct loop_fd *fd = context;
    struct loop *loop = fd->loop;
    unsigned ready = 0;

    if ((what & EV_READ) != 0)
        ready |= LOOP_READ;
    if ((what & EV_WRITE) != 0)
        ready |= LOOP_WRITE;
    loop->serving = fd;
    fd->ready(fd, ready);
    loop->serving = NULL;
}

void loop_fd_init(struct loop_fd *fd, struct loop *loop, int descriptor,
                  void (*ready)(struct loop_fd *fd, unsigned what))
{
    fd->loop = loop;
    fd->fd = descriptor;
    fd->wanted = 0;
    fd->ready = ready;
    if (event_assign(fd_event(fd), loop->base, descriptor, EV_PERSIST, on_fd, fd) < 0)
        abort();
}

void loop_fd_want(struct loop_fd *fd, unsigned what)
{
    short events = EV_PERSIST;

    if (what == fd->wanted)
        return;
    event_del(fd_event(fd));
    fd->wanted = what;
    if ((what & LOOP_READ) != 0)
        events |= EV_READ;
    if ((what & LOOP_WRITE) != 0)
        events |= EV_WRITE;
    if (event_assign(fd_event(fd), fd->loop->base, fd->fd, events, on_fd, fd) < 0)
        abort();
    if (what != 0 && event_add(fd_event(fd), NULL) < 0)
        abort();
}

void loop_fd_done(struct loop_fd *fd)
{
    if (fd->loop == NULL)
        return;
    event_del(fd_event(fd));
    if (fd->loop->serving == fd)
        fd->loop->serving = NULL;
    fd->loop = NULL;
}

bool loop_is_serving(const struct loop *loop, const struct loop_fd *fd)
{
    return loop->serving == fd;
}

static struct event *timer_event(struct loop_timer *timer)
{
    return (struct event *)(void *)timer->event;
}

static void arm(struct loop_timer *timer, int64_t after_ms)
{
    struct timeval after = { 0, 0 };

    if (after_ms > 0) {
        after.tv_sec = after_ms / 1000;
        after.tv_usec = (suseconds_t)(after_ms % 1000) * 1000;
    }
    if (event_add(timer_event(timer), &after) < 0)
        abort();
}

static void on_timer(evutil_socket_t descriptor, short what, void *context)
{
    struct loop_timer *timer = context;
    int64_t left_ms = timer->deadline.ms - clock_mono().ms;

    /* libevent counts from its own idea of now and may be early by a few milliseconds. */
    if (left_ms > 0)
        arm(timer, left_ms);
    else
        timer->fire(timer);
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop,
                     void (*fire)(struct loop_timer *timer))
{
    timer->loop = loop;
    timer->deadline = (struct mono){ 0 };
    timer->fire = fire;
    if (event_assign(timer_event(timer), loop->base, -1, 0, on_timer, timer) < 0)
        abort();
}

void loop_timer_set(struct loop_timer *timer, struct mono deadline)
{
    timer->deadline = deadline;
    arm(timer, deadline.ms - clock_mono().ms);
}

void loop_timer_set_in(struct loop_timer *timer, int64_t after_ms)
{
    loop_timer_set(timer, (struct mono){ clock_mono().ms + after_ms });
}

void loop_timer_unset(struct loop_timer *timer)
{
    event_del(timer_event(timer));
}

bool loop_timer_is_set(const struct loop_timer *timer)
{
    const struct event *event = (const struct event *)(const void *)timer->event;

    return event_pending(event, EV_TIMEOUT, NULL) != 0;
}

void loop_timer_done(struct loop_timer *timer)
{
    if (timer->loop == NULL)
        return;
    event_del(timer_event(timer));
    timer->loop = NULL;
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
    if (!list_is_linked(&task->link))
        list_push_back(&loop->tasks, &task->link);
}

void loop_undefer(struct loop_task *task)
{
    list_remove(&task->link);
}

static void on_signal(struct loop_fd *watch, unsigned what)
{
    struct loop_signals *signals = CONTAINER_OF(watch, struct loop_signals, watch);
    struct signalfd_siginfo info;

    if (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        signals->caught(signals, (int)info.ssi_signo);
}

void loop_signals_init(struct loop_signals *signals, struct loop *loop, const int *numbers,
                       void (*caught)(struct loop_signals *signals, int number))
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    for (; *numbers != 0; numbers++)
        sigaddset(&set, *numbers);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        abort();
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        abort();
    signals->caught = caught;
    loop_fd_init(&signals->watch, loop, fd, on_signal);
    loop_fd_want(&signals->watch, LOOP_READ);
}

void loop_signals_done(struct loop_signals *signals)
{
    if (signals->watch.loop == NULL)
        return;
    loop_fd_done(&signals->watch);
    (void)close(signals->watch.fd);
}
