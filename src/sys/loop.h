/* The event loop: one thread's readiness, timers and deferred work, on libevent's event_base.
 *
 * Everything here belongs to the thread that runs the loop. Registrations are embedded in the
 * caller's structs and cost no memory of their own; they must be taken back (_done) before their
 * memory goes. Any callback may take back any registration, its own included.
 *
 * One turn: wait for readiness or the next timer; call what is ready; call what is due; then run
 * the tasks that were deferred so far. A task deferred by a task runs in the next turn, after the
 * readiness of that turn: work in steps re-defers itself and starves nobody. */
#ifndef ROOST_SYS_LOOP_H
#define ROOST_SYS_LOOP_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/list.h"
#include "base/time.h"

enum {
    LOOP_EVENT_BYTES = 128, /* a libevent struct event; its size is checked in loop.c */
    LOOP_BUFFER_BYTES = 131072, /* the loop's one shared read buffer */
};

struct loop;

/* Aborts when the system is out of memory or descriptors. Before a sandbox that forbids epoll. */
struct loop *loop_new(void);

/* All registrations must be gone. NULL is allowed. */
void loop_free(struct loop *loop);

/* Turns until loop_stop was called; answers at the end of that turn. May be called again. */
void loop_run(struct loop *loop);

/* One turn; waits for something to happen only when `may_wait`. For tests and short tools. */
void loop_turn(struct loop *loop, bool may_wait);

void loop_stop(struct loop *loop);

/* 64 KB that any callback may use until it returns. Not across callbacks, not across threads. */
uint8_t *loop_buffer(struct loop *loop);

/* Readiness of one descriptor, level-triggered. Errors and hang-ups count as both. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_fd {
    struct loop *loop;
    int fd; /* borrowed */
    unsigned wanted; /* LOOP_READ | LOOP_WRITE */
    void (*ready)(struct loop_fd *fd, unsigned what);
    alignas(8) unsigned char event[LOOP_EVENT_BYTES];
};

/* Wants nothing yet. */
void loop_fd_init(struct loop_fd *fd, struct loop *loop, int descriptor,
                  void (*ready)(struct loop_fd *fd, unsigned what));

/* From now on `ready` is called for these; 0 switches off. */
void loop_fd_want(struct loop_fd *fd, unsigned what);

/* Takes the registration back; the descriptor stays open. Harmless on a zeroed struct. Always
 * before close(2): a duplicate in another process would keep the registration alive. */
void loop_fd_done(struct loop_fd *fd);

/* True from the call of `fd`'s `ready` until it returns or loop_fd_done(fd) is called. After a
 * callback to an owner, this tells whether the struct that embeds `fd` still exists. */
bool loop_is_serving(const struct loop *loop, const struct loop_fd *fd);

/* A timer: fires once, not before its deadline, then is unset. */
struct loop_timer {
    struct loop *loop;
    struct mono deadline;
    void (*fire)(struct loop_timer *timer);
    alignas(8) unsigned char event[LOOP_EVENT_BYTES];
};

void loop_timer_init(struct loop_timer *timer, struct loop *loop,
                     void (*fire)(struct loop_timer *timer));
void loop_timer_set(struct loop_timer *timer, struct mono deadline); /* again: moves it */
void loop_timer_set_in(struct loop_timer *timer, int64_t after_ms);
void loop_timer_unset(struct loop_timer *timer);
bool loop_timer_is_set(const struct loop_timer *timer);
void loop_timer_done(struct loop_timer *timer); /* harmless on a zeroed struct */

/* Work for the end of this turn. */
struct loop_task {
    struct list link;
    void (*run)(struct loop_task *task);
};

/* Nothing when it is deferred already. */
void loop_defer(struct loop *loop, struct loop_task *task);
void loop_undefer(struct loop_task *task);

/* Signals as events: blocked for the whole process from init on, then delivered to `caught`. */
struct loop_signals {
    struct loop_fd watch;
    void (*caught)(struct loop_signals *signals, int number);
};

/* `numbers` ends with 0. Start it before any thread. Aborts on failure. */
void loop_signals_init(struct loop_signals *signals, struct loop *loop, const int *numbers,
                       void (*caught)(struct loop_signals *signals, int number));
void loop_signals_done(struct loop_signals *signals);

#endif
