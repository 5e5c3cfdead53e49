/* When an account writes its checkpoint. */
#include "store/account_compact.h"
#include "store/account_state.h"

static void run_checkpoint(struct job *job)
{
    checkpoint_write(CONTAINER_OF(job, struct account, checkpoint_job)->checkpoint);
}

static void checkpoint_done(struct job *job)
{
    struct account *account = CONTAINER_OF(job, struct account, checkpoint_job);

    account->jobs--;
    account->checkpoint_writing = false;
    checkpoint_end(account->checkpoint);
}

/* A checkpoint is of a state that is durable as a whole: one begins when nothing is unsynced. */
static void begin_checkpoint(struct account *account)
{
    struct log_mark mark;

    if (log_tip(account->log) != log_durable(account->log) ||
        checkpoint_change(account->checkpoint).value == account->state.change.value ||
        account_compact_is_switching(account))
        return;
    log_durable_mark(account->log, &mark);
    checkpoint_begin(account->checkpoint, &account->state, &mark);
    account->checkpoint_position = mark.position;
    account->checkpoint_due = false;
}

static void submit_checkpoint(struct account *account)
{
    account->checkpoint_job = (struct job){ .run = run_checkpoint, .done = checkpoint_done };
    account->jobs++;
    account->background->submit(account->background, &account->checkpoint_job);
}

bool account_checkpoint_tick(struct account *account)
{
    if (!checkpoint_is_running(account->checkpoint)) {
        if (account->checkpoint_due ||
            log_tip(account->log) - account->checkpoint_position >= account->checkpoint_bytes)
            begin_checkpoint(account);
        return checkpoint_is_running(account->checkpoint);
    }
    if (account->checkpoint_writing)
        return false;
    if (!checkpoint_step(account->checkpoint))
        return true;
    account->checkpoint_writing = true;
    submit_checkpoint(account);
    return false;
}

static void finish_checkpoint(struct account *account)
{
    while (!checkpoint_step(account->checkpoint))
        continue;
    checkpoint_write(account->checkpoint);
    checkpoint_end(account->checkpoint);
}

void account_checkpoint_finish(struct account *account)
{
    if (checkpoint_is_running(account->checkpoint))
        finish_checkpoint(account);
}

/* One that was under way is older than what there is now, but the next one builds on it. */
void account_checkpoint_close(struct account *account)
{
    account_checkpoint_finish(account);
    begin_checkpoint(account);
    if (checkpoint_is_running(account->checkpoint))
        finish_checkpoint(account);
}
