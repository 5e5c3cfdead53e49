/* The turn of a shard: who is stepped when, and when the log is synced.
 *
 * News first: whatever has new input or was woken is stepped at once, so that IDLE hears of a
 * change in the turn that made it. Then one step for one connection of each account that wants more
 * turns: an account with a hundred long commands gets no more than one with a single one. Then
 * deliveries, then maintenance. One sync for each account serves all that the turn has done (group
 * commit). */
#include "daemon/mail/connection.h"
#include "daemon/mail/delivery.h"
#include "daemon/mail/home.h"
#include "daemon/mail/maintenance.h"
#include "daemon/mail/mark.h"
#include "daemon/mail/shard.h"

#include "store/account.h"
#include "sys/clock.h"

enum { STEPS_PER_TURN_MAX = 20000 }; /* against a ring of wakes that never ends */

void shard_turn_soon(struct shard *shard)
{
    loop_defer(shard->role->loop, &shard->turn);
}

/* The step may end the connection, not its home. */
static void step(struct connection *connection)
{
    struct home *home = connection->home;

    mark_enter(home->shard, home->id);
    connection_step(connection);
    mark_leave(home->shard);
}

static void step_fresh(struct shard *shard)
{
    for (int i = 0; i < STEPS_PER_TURN_MAX && !list_is_empty(&shard->fresh); i++) {
        struct connection *connection =
            CONTAINER_OF(list_first(&shard->fresh), struct connection, run_link);

        list_remove(&connection->run_link);
        step(connection);
    }
}

static void step_busy(struct shard *shard)
{
    struct list round;

    /* Those that ask for more during the round wait for the next. */
    list_init(&round);
    while (!list_is_empty(&shard->busy)) {
        struct list *node = list_first(&shard->busy);

        list_remove(node);
        list_push_back(&round, node);
    }
    while (!list_is_empty(&round)) {
        struct home *home = CONTAINER_OF(list_first(&round), struct home, busy_link);
        struct list *first = list_first(&home->again);

        list_remove(&home->busy_link);
        if (first == NULL)
            continue;
        list_remove(first);
        if (!list_is_empty(&home->again))
            list_push_back(&shard->busy, &home->busy_link);
        step(CONTAINER_OF(first, struct connection, run_link));
        step_fresh(shard);
    }
}

static void step_first(struct list *deliveries)
{
    struct delivery *delivery = CONTAINER_OF(list_first(deliveries), struct delivery, run_link);
    struct home *home = delivery->home;

    list_remove(&delivery->run_link);
    mark_enter(home->shard, home->id);
    delivery_step(delivery);
    mark_leave(home->shard);
}

/* Those that are begun, then others. Who cannot go on (its account is at an act) is behind the rest
 * of its list again. */
static void step_deliveries(struct shard *shard)
{
    struct list round;
    int steps = 0;

    list_init(&round);
    while (!list_is_empty(&shard->ready)) {
        struct list *node = list_first(&shard->ready);

        list_remove(node);
        list_push_back(&round, node);
    }
    for (; !list_is_empty(&round); steps++)
        step_first(&round);
    for (; steps < SHARD_COPYING_MAX && shard->copying < SHARD_COPYING_MAX &&
           !list_is_empty(&shard->queued);
         steps++)
        step_first(&shard->queued);
}

/* One step for each that wants one now. */
static void step_maintenances(struct shard *shard)
{
    struct list round;

    list_init(&round);
    while (!list_is_empty(&shard->maintaining)) {
        struct list *node = list_first(&shard->maintaining);

        list_remove(node);
        list_push_back(&round, node);
    }
    while (!list_is_empty(&round)) {
        struct maintenance *maintenance =
            CONTAINER_OF(list_first(&round), struct maintenance, run_link);
        struct home *home = maintenance->home;

        list_remove(&maintenance->run_link);
        mark_enter(shard, home->id);
        maintenance_step(maintenance);
        mark_leave(shard);
    }
}

static void release(struct home *home)
{
    LIST_EACH (node, after, &home->maintenances)
        maintenance_release(CONTAINER_OF(node, struct maintenance, link));
    LIST_EACH (node, after, &home->deliveries)
        delivery_release(CONTAINER_OF(node, struct delivery, link));
    LIST_EACH (node, after, &home->connections)
        connection_release(CONTAINER_OF(node, struct connection, link));
}

static void tick(struct home *home)
{
    struct mono next = account_tick(home->account, clock_mono(), clock_wall());

    home_log_compaction(home);
    if (next.ms == INT64_MAX)
        loop_timer_unset(&home->timer);
    else
        loop_timer_set(&home->timer, next);
}

static void look_after(struct home *home)
{
    if (home->state != HOME_OPEN)
        return;
    if (!home->failed)
        account_sync(home->account);
    if (!home->failed)
        release(home);
    if (home->state == HOME_OPEN && !home->failed) /* its last user may have gone */
        tick(home);
    if (home->state == HOME_OPEN && home->failed)
        home_fail(home);
    else if (home->state == HOME_OPEN)
        home_awake(home);
}

static void look_after_touched(struct shard *shard)
{
    struct list round;

    list_init(&round);
    while (!list_is_empty(&shard->touched)) {
        struct list *node = list_first(&shard->touched);

        list_remove(node);
        list_push_back(&round, node);
    }
    while (!list_is_empty(&round)) {
        struct home *home = CONTAINER_OF(list_first(&round), struct home, touched_link);

        list_remove(&home->touched_link);
        mark_enter(shard, home->id);
        look_after(home);
        mark_leave(shard);
    }
}

static bool has_more(const struct shard *shard)
{
    return !list_is_empty(&shard->fresh) || !list_is_empty(&shard->busy) ||
           !list_is_empty(&shard->ready) || !list_is_empty(&shard->maintaining) ||
           !list_is_empty(&shard->touched) ||
           (!list_is_empty(&shard->queued) && shard->copying < SHARD_COPYING_MAX);
}

void shard_turn(struct loop_task *task)
{
    struct shard *shard = CONTAINER_OF(task, struct shard, turn);

    step_fresh(shard);
    step_busy(shard);
    step_deliveries(shard);
    step_maintenances(shard);
    step_fresh(shard); /* news of what was delivered */
    look_after_touched(shard);
    if (has_more(shard))
        shard_turn_soon(shard);
    else
        loop_undefer(&shard->turn); /* it has dealt with what was noted on the way */
}
