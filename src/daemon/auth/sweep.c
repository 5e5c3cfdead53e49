/* Removed accounts, one after the other: read the next -> ask its shard -> forget it. */
#include "daemon/auth/sweep.h"

#include "base/log.h"
#include "daemon/auth/state.h"

enum { SWEEP_DROP_TIMEOUT_MS = 60 * 1000, SWEEP_AGAIN_MS = 60 * 1000 };

static void run(struct job *job)
{
    struct sweep *sweep = CONTAINER_OF(job, struct sweep, job);
    struct accounts *accounts = sweep->state->accounts;

    if (sweep->forgetting)
        sweep->err = accounts_forget(accounts, sweep->id);
    else
        sweep->err = accounts_removed(accounts, sweep->started ? &sweep->id : NULL, &sweep->id);
}

static void submit(struct sweep *sweep, bool forgetting)
{
    struct executor *executor = pool_executor(sweep->state->lookers);

    sweep->forgetting = forgetting;
    executor->submit(executor, &sweep->job);
}

static void on_dropped(struct role_ask *ask, const struct ipc_message *answer, int *fd)
{
    struct sweep *sweep = CONTAINER_OF(ask, struct sweep, ask);

    (void)fd;
    if (answer != NULL &&
        (answer->answer.result == IPC_OK || answer->answer.result == IPC_NOT_FOUND)) {
        submit(sweep, true);
        return;
    }
    loop_timer_set_in(&sweep->timer, SWEEP_AGAIN_MS);
    submit(sweep, false);
}

static void drop(struct sweep *sweep)
{
    struct role_peer *shard = auth_shard_peer(sweep->state, &sweep->id);
    struct ipc_message message = { IPC_ACCOUNT_DROP,
                                   { .account_drop = { .account_id = auth_ipc_id(&sweep->id) } } };

    if (shard != NULL &&
        role_ask(shard, &sweep->ask, &message, NULL, SWEEP_DROP_TIMEOUT_MS) == ERR_OK)
        return;
    loop_timer_set_in(&sweep->timer, SWEEP_AGAIN_MS);
    submit(sweep, false);
}

static void on_done(struct job *job)
{
    struct sweep *sweep = CONTAINER_OF(job, struct sweep, job);

    if (!sweep->forgetting && sweep->err == ERR_OK) {
        sweep->started = true;
        drop(sweep);
        return;
    }
    if (sweep->forgetting && (sweep->err == ERR_OK || sweep->err == ERR_NOT_FOUND)) {
        submit(sweep, false);
        return;
    }
    sweep->busy = false;
    if (sweep->err == ERR_NOT_FOUND)
        return;
    log_event(LOG_LEVEL_ERROR, "removal-stuck", "why", err_text(sweep->err));
    loop_timer_set_in(&sweep->timer, SWEEP_AGAIN_MS);
}

static void on_timer(struct loop_timer *timer)
{
    sweep_start(CONTAINER_OF(timer, struct sweep, timer)->state);
}

void sweep_init(struct auth_state *state)
{
    struct sweep *sweep = &state->sweep;

    sweep->state = state;
    sweep->job = (struct job){ .run = run, .done = on_done };
    sweep->ask.answered = on_dropped;
    loop_timer_init(&sweep->timer, state->role->loop, on_timer);
}

void sweep_start(struct auth_state *state)
{
    struct sweep *sweep = &state->sweep;

    if (sweep->busy) { /* it may be past what has become possible: look again soon */
        loop_timer_set_in(&sweep->timer, 1000);
        return;
    }
    loop_timer_unset(&sweep->timer);
    sweep->busy = true;
    sweep->started = false;
    submit(sweep, false);
}

void sweep_done(struct auth_state *state)
{
    role_ask_drop(&state->sweep.ask);
    loop_timer_done(&state->sweep.timer);
}
