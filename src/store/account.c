/* An account from open to close: recovery, commit gating, housekeeping. */
#include "store/account.h"

#include <assert.h>
#include <string.h>

#include "store/account_compact.h"
#include "store/account_open.h"
#include "store/account_state.h"
#include "store/act_steps.h"
#include "store/acting.h"
#include "store/alloc.h"
#include "store/body_load.h"
#include "store/log_ahead.h"
#include "store/mailbox.h"
#include "store/pins.h"
#include "store/view_state.h"

/* Of log: what opening after a crash reads, at most, and a little more. */
enum { CHECKPOINT_EVERY_BYTES = 16 * 1024 * 1024 };

/* About a millisecond, two on a slow machine: many sessions may wait for their turns. */
enum { STEP_COST = 131072 };

/* Ungated changes must be on the disk within a second (promise 1); half of it is for the sync. */
enum { SYNC_DELAY_MS = 500 };

/* Summaries are derived: they may wait for others that are written with them. */
enum { SUMMARIES_DELAY_MS = 1000 };

/* A log that nothing is written to for so long gives back what it has taken ahead. */
enum { LOG_REST_MS = 3000 };

bool account_is_over_quota(const struct account *account, uint64_t bytes)
{
    return account->quota_bytes != 0 && (account->state.used_bytes > account->quota_bytes ||
                                         bytes > account->quota_bytes - account->state.used_bytes);
}

void account_tell(struct account *account)
{
    struct mailbox *mailbox;

    while ((mailbox = state_take_touched(&account->state)) != NULL) {
        if (account->listener != NULL)
            account->listener->changed(account->listener, mailbox);
        view_state_wake(mailbox);
    }
    if (account->state.list_touched && account->listener != NULL)
        account->listener->changed(account->listener, NULL);
    account->state.list_touched = false;
}

static void on_durable(struct log_listener *listener)
{
    struct account *account = CONTAINER_OF(listener, struct account, log_listener);

    if (log_durable(account->log) == log_tip(account->log))
        account->sync_due_ms = INT64_MAX;
    if (account->listener != NULL)
        account->listener->durable(account->listener);
}

static void on_failed(struct log_listener *listener, const struct note *why)
{
    struct account *account = CONTAINER_OF(listener, struct account, log_listener);

    account->failed = true;
    if (account->listener != NULL)
        account->listener->failed(account->listener, why);
}

enum err account_open(const struct account_options *options, struct account **out_account,
                      struct account_report *out_report, struct note *why)
{
    struct account *account = store_alloc(1, sizeof(*account));
    struct account_report report = { 0 };
    enum err err;

    state_init(&account->state);
    list_init(&account->loads);
    account->vfs = options->vfs;
    account->executor = options->executor;
    account->background = options->background != NULL ? options->background : options->executor;
    account->log_listener = (struct log_listener){ on_durable, on_failed };
    account->summary = buf_make(SUMMARY_BYTES_MAX);
    account->ops = buf_make(RECORD_CHANGE_BYTES_MAX);
    account->quota_bytes = options->quota_bytes;
    account->mailboxes_max =
        options->mailboxes_max == 0 ? ACCOUNT_MAILBOXES_MAX : options->mailboxes_max;
    account->keywords_max =
        options->keywords_max == 0 || options->keywords_max > KEYWORDS_PER_MAILBOX_MAX
            ? KEYWORDS_PER_MAILBOX_MAX
            : options->keywords_max;
    account->pinned_bytes_max =
        options->pinned_bytes_max == 0 ? ACCOUNT_PINNED_BYTES_MAX : options->pinned_bytes_max;
    account->step_cost = options->step_cost == 0 ? STEP_COST : options->step_cost;
    account->strict = options->strict;
    account->compaction = account_compact_new(&options->compact);
    account->checkpoint_bytes =
        options->checkpoint_bytes == 0 ? CHECKPOINT_EVERY_BYTES : options->checkpoint_bytes;
    account->wall = options->now;
    account->sync_due_ms = INT64_MAX;
    account->summaries_due_ms = INT64_MAX;
    account->rest_due_ms = INT64_MAX;
    err = account_recover(account, options, &report, why);
    if (err != ERR_OK) {
        account_close(account, options->now);
        return err;
    }
    account->state.refresh_cost = options->refresh_cost;
    log_set_listener(account->log, &account->log_listener);
    summary_file_remove(account->vfs); /* what an interrupted purge set aside */
    account->summaries =
        summary_file_open(account->vfs, &account->state.id, &account->state.bodies);
    account_tell(account);
    *out_account = account;
    if (out_report != NULL)
        *out_report = report;
    return ERR_OK;
}

void account_close(struct account *account, struct wall now)
{
    if (account == NULL)
        return;
    assert(account->jobs == 0);
    assert(list_is_empty(&account->state.views));
    if (account->log != NULL) {
        log_detach(account->log);
        account->failed = account->failed || log_has_failed(account->log);
    }
    act_close(account);
    account_compact_close(account);
    if (account->summaries != NULL && !account->failed && log_sync_now(account->log) == ERR_OK) {
        while (summary_file_flush(account->summaries, log_durable(account->log)))
            continue;
        account_checkpoint_close(account);
    }
    body_load_free_all(account);
    summary_file_close(account->summaries);
    checkpoint_free(account->checkpoint);
    log_close(account->log, now);
    state_done(&account->state);
    buf_done(&account->ops);
    buf_done(&account->summary);
    free(account->waiting);
    free(account);
}

void account_set_listener(struct account *account, struct account_listener *listener)
{
    account->listener = listener;
}

uint64_t account_gate(const struct account *account)
{
    return log_gate(account->log);
}

uint64_t account_durable(const struct account *account)
{
    return log_durable(account->log);
}

void account_sync(struct account *account)
{
    if (!account->failed)
        log_sync(account->log);
}

static void tick_sync(struct account *account, struct mono now)
{
    if (log_tip(account->log) == log_durable(account->log)) {
        account->sync_due_ms = INT64_MAX;
        return;
    }
    if (account->sync_due_ms == INT64_MAX)
        account->sync_due_ms = now.ms + SYNC_DELAY_MS;
    if (now.ms < account->sync_due_ms)
        return;
    log_sync(account->log);
    account->sync_due_ms = now.ms + SYNC_DELAY_MS;
}

static void tick_rest(struct account *account, struct mono now)
{
    uint64_t tip = log_tip(account->log);

    if (!log_is_restless(account->log)) {
        account->rest_due_ms = INT64_MAX;
        return;
    }
    if (account->rest_due_ms == INT64_MAX || tip != account->rest_tip)
        account->rest_due_ms = now.ms + LOG_REST_MS;
    account->rest_tip = tip;
    if (now.ms < account->rest_due_ms)
        return;
    account->rest_due_ms = log_rest(account->log) ? INT64_MAX : now.ms + LOG_REST_MS;
}

/* True when there is more to do at once. */
static bool tick_summaries(struct account *account, struct mono now)
{
    size_t waiting = summary_file_waiting(account->summaries);
    bool more = false;

    if (waiting > 0 && account->summaries_due_ms == INT64_MAX)
        account->summaries_due_ms = now.ms + SUMMARIES_DELAY_MS;
    if (waiting >= SUMMARY_FLUSH_BYTES || now.ms >= account->summaries_due_ms) {
        more = summary_file_flush(account->summaries, log_durable(account->log));
        account->summaries_due_ms = now.ms + SUMMARIES_DELAY_MS;
    }
    if (summary_file_waiting(account->summaries) == 0)
        account->summaries_due_ms = INT64_MAX;
    return more;
}

/* True when there is more to do at once. */
static bool tick_purge(struct account *account)
{
    struct body_table *bodies = &account->state.bodies;
    size_t count = bodies->count;
    bool more = body_table_purge(bodies, state_views_floor(&account->state));

    if (bodies->count != count)
        summary_file_purge_begin(account->summaries);
    return more || summary_file_purge(account->summaries, bodies);
}

static void no_later(struct mono *again, int64_t due_ms)
{
    if (due_ms < again->ms)
        again->ms = due_ms;
}

struct mono account_tick(struct account *account, struct mono now, struct wall wall)
{
    struct mono again = { INT64_MAX };

    if (account->failed)
        return (struct mono){ INT64_MAX };
    account->wall = wall;
    tick_sync(account, now);
    if (account_step(account) || account_is_acting(account))
        return now;
    tick_rest(account, now);
    pins_bound(&account->state, account->pinned_bytes_max);
    if (summary_file_make(account->summaries) || tick_summaries(account, now))
        again = now;
    if (account_checkpoint_tick(account))
        again = now;
    if (tick_purge(account))
        again = now;
    no_later(&again, account_compact_tick(account, now).ms);
    no_later(&again, account->rest_due_ms);
    no_later(&again, account->summaries_due_ms);
    no_later(&again, account->sync_due_ms);
    buf_clear(&account->summary);
    buf_trim(&account->summary);
    return again;
}

bool account_is_acting(const struct account *account)
{
    return account->act != NULL;
}

bool account_step(struct account *account)
{
    return act_step(account);
}

void account_wait(struct account *account, struct waker *waker)
{
    account_wait_forget(account, waker);
    account->waiting = store_grow(account->waiting, account->waiting_count,
                                  &account->waiting_capacity, sizeof(*account->waiting));
    account->waiting[account->waiting_count++] = waker;
}

void account_wait_forget(struct account *account, const struct waker *waker)
{
    size_t kept = 0;

    for (size_t i = 0; i < account->waiting_count; i++)
        if (account->waiting[i] != waker)
            account->waiting[kept++] = account->waiting[i];
    account->waiting_count = kept;
}

void account_trim(struct account *account)
{
    if (account->act != NULL) /* what is in the buffers is in use */
        return;
    log_trim(account->log);
    summary_file_trim(account->summaries);
    buf_clear(&account->summary);
    buf_trim(&account->summary);
    buf_clear(&account->ops);
    buf_trim(&account->ops);
}

bool account_is_busy(const struct account *account)
{
    return account->jobs > 0 || log_is_busy(account->log);
}

bool account_has_failed(const struct account *account)
{
    return account->failed;
}

enum err account_failure(const struct account *account)
{
    return log_failure(account->log);
}

struct account_id account_id(const struct account *account)
{
    return account->state.id;
}

uint64_t account_used_bytes(const struct account *account)
{
    return account->state.used_bytes;
}

uint64_t account_used_messages(const struct account *account)
{
    return account->state.used_messages;
}

uint64_t account_quota_bytes(const struct account *account)
{
    return account->quota_bytes;
}

uint32_t account_mailboxes_max(const struct account *account)
{
    return account->mailboxes_max;
}

uint32_t account_keywords_max(const struct account *account)
{
    return account->keywords_max;
}

void account_set_quota(struct account *account, uint64_t quota_bytes)
{
    account->quota_bytes = quota_bytes;
}

struct modseq account_change_number(const struct account *account)
{
    return account->state.change;
}
