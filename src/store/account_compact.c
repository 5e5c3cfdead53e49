/* Compaction of one account: when it begins, how it ends, what goes after it. */
#include "store/account_compact.h"

#include <assert.h>
#include <string.h>

#include "store/account_compact_state.h"
#include "store/alloc.h"
#include "store/log_base.h"
#include "store/segment.h"
#include "sys/vfs.h"

enum {
    LINGER_USUAL_MS = 60 * 60 * 1000,
    GARBAGE_USUAL_BYTES = 1024 * 1024,
    CHECK_USUAL_MS = 10 * 60 * 1000,
    SEAL_BYTES = 1024 * 1024, /* a segment of which is sealed before all of it is old */
    REST_MS = 10, /* between two steps: the disk and the processors are for clients first */
    PURGE_REST_MS = 5, /* somebody waits for it */
    SWITCH_BODIES = 1000, /* moved in one tick */
    REACH_MAX = 16,
};

struct compaction *account_compact_new(const struct compact_policy *policy)
{
    struct compaction *own = store_alloc(1, sizeof(*own));

    own->policy = *policy;
    list_init(&own->askers);
    if (own->policy.linger_ms == 0)
        own->policy.linger_ms = LINGER_USUAL_MS;
    if (own->policy.garbage_bytes_min == 0)
        own->policy.garbage_bytes_min = GARBAGE_USUAL_BYTES;
    if (own->policy.check_ms == 0)
        own->policy.check_ms = CHECK_USUAL_MS;
    return own;
}

bool account_compact_is_running(const struct account *account)
{
    return account->compaction->state == COMPACTION_RUNNING ||
           account->compaction->state == COMPACTION_SWITCHING;
}

bool account_compact_is_switching(const struct account *account)
{
    return account->compaction != NULL && account->compaction->state == COMPACTION_SWITCHING;
}

bool account_compacted(struct account *account, struct account_compacted *out_compacted)
{
    struct compaction *own = account->compaction;

    if (!own->has_ended)
        return false;
    own->has_ended = false;
    *out_compacted = own->ended;
    return true;
}

/* Purges. */

enum err account_purge(struct account *account, struct wall before, struct waker *waker)
{
    struct compaction *own = account->compaction;

    if (account->failed)
        return ERR_CLOSED;
    if (own->purge.wanted || own->purge.ended)
        return ERR_BUSY;
    own->purge = (struct purge){ .wanted = true, .before = before, .waker = waker };
    return ERR_OK;
}

enum err account_purge_result(struct account *account, struct account_purged *out_purged,
                              struct note *why)
{
    struct purge *purge = &account->compaction->purge;

    if (account->failed)
        return ERR_CLOSED;
    if (!purge->ended)
        return ERR_BUSY;
    purge->ended = false;
    if (purge->err == ERR_OK)
        *out_purged = purge->purged;
    else if (why != NULL)
        *why = purge->why;
    return purge->err;
}

void account_purge_forget(struct account *account)
{
    account->compaction->purge.waker = NULL;
    account->compaction->purge.ended = false;
}

void compaction_end_purge(struct compaction *own, enum err err)
{
    struct purge *purge = &own->purge;

    if (!purge->wanted)
        return;
    purge->wanted = false;
    purge->err = err;
    purge->why = own->why;
    purge->ended = purge->waker != NULL;
    if (purge->waker != NULL)
        purge->waker->wake(purge->waker);
}

/* One compaction. */

static void run_step(struct job *job)
{
    struct compaction *own = CONTAINER_OF(job, struct compaction, job);

    own->err = compact_step(own->compact, &own->finished, &own->why);
}

static void end_release(struct compaction *own)
{
    own->state = COMPACTION_REST;
    own->given_up = false;
    own->owed = 0;
    own->waits_since.us = 0;
    if (own->policy.running != NULL)
        (void)atomic_fetch_sub(own->policy.running, 1);
}

static void job_done(struct job *job)
{
    struct compaction *own = CONTAINER_OF(job, struct compaction, job);

    own->working = false;
    own->has_stepped = true;
    own->account->jobs--;
    if (own->state == COMPACTION_RELEASING)
        end_release(own);
}

void compaction_submit(struct account *account, void (*run)(struct job *job))
{
    struct compaction *own = account->compaction;

    own->account = account;
    own->vfs = account->vfs;
    own->job = (struct job){ .run = run, .done = job_done };
    own->working = true;
    account->jobs++;
    account->background->submit(account->background, &own->job);
}

/* The page cache has better to do than to keep what was read for the last time. */
static void forget_segment(struct vfs *vfs, uint64_t segment)
{
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;

    if (segment_kind(segment) == SEGMENT_BODY)
        return;
    segment_path(segment, path);
    if (vfs->open(vfs, path, VFS_OPEN_READ, &file) != ERR_OK)
        return;
    vfs_hint(file, 0, 0, VFS_HINT_FORGET);
    vfs_close(file);
}

static void run_release(struct job *job)
{
    struct compaction *own = CONTAINER_OF(job, struct compaction, job);

    compact_free(own->compact);
    own->compact = NULL;
    for (size_t i = 0; i < own->drop_end; i++)
        forget_segment(own->vfs, own->drop_segments[i]);
}

/* Much memory, a file that may have to be removed: a job does it. */
static void end_compaction(struct account *account, bool is_adopted)
{
    struct compaction *own = account->compaction;
    const struct drops *drops = &account->state.drops;

    own->state = COMPACTION_RELEASING;
    own->drop_end = is_adopted ? drops->count : 0;
    own->drop_segments = drops->segments;
    compaction_submit(account, run_release);
}

static uint64_t worth_bytes(const struct account *account)
{
    uint64_t quarter = account->state.bodies.living_bytes / 4;
    uint64_t least = account->compaction->policy.garbage_bytes_min;

    return quarter > least ? quarter : least;
}

/* Garbage beyond the cap. */
static uint64_t excess_bytes(const struct account *account)
{
    uint64_t max = account->compaction->policy.expunged_bytes_max;
    uint64_t garbage = state_garbage(&account->state);

    return max != 0 && garbage > max ? garbage - max : 0;
}

static struct wall before(const struct account *account)
{
    const struct compaction *own = account->compaction;

    if (own->purge.wanted)
        return own->purge.before;
    return (struct wall){ account->wall.us - own->policy.keep_us };
}

static void begin(struct account *account)
{
    struct compaction *own = account->compaction;
    struct compact_options options = {
        .vfs = account->vfs,
        .account = account->state.id,
        .number = log_number_base(account->log),
        .base = log_base(account->log),
        .position = log_durable(account->log),
        .now = account->wall,
        .before = before(account),
        .excess_bytes = excess_bytes(account) << own->reach,
        .thorough = own->purge.wanted,
        .gain_bytes_min = worth_bytes(account) / 2,
        .tried = own->tried,
    };

    own->number = options.number;
    own->compact = compact_new(&options);
    own->state = COMPACTION_RUNNING;
    own->finished = false;
    own->has_stepped = false;
    own->err = ERR_OK;
    own->purges = own->purge.wanted;
    own->why.text[0] = '\0';
    if (own->policy.running != NULL)
        (void)atomic_fetch_add(own->policy.running, 1);
}

/* Makes the next step, unless it is to rest. */
static struct mono step(struct account *account, struct mono now)
{
    struct compaction *own = account->compaction;

    if (own->pauses > 0)
        return compaction_wait(account, now);
    if (own->has_stepped)
        own->rest.ms = now.ms + (own->purges ? PURGE_REST_MS : REST_MS);
    own->has_stepped = false;
    if (now.ms < own->rest.ms && list_is_empty(&own->askers))
        return own->rest;
    compaction_went_on(own);
    compaction_submit(account, run_step);
    return (struct mono){ now.ms + COMPACTION_SOON_MS };
}

/* There is only something to supersede where segments end. */
static bool should_seal(const struct account *account)
{
    const struct compaction *own = account->compaction;
    struct wall quarter = { account->wall.us - own->policy.keep_us / 4 };
    uint64_t bytes = log_segment_bytes(account->log);

    if (bytes <= SEGMENT_RECORDS_AT)
        return false;
    /* A later purge can forget up to here, whatever comes after. */
    if (own->purge.wanted || account->state.changed_at.us < before(account).us)
        return true;
    if (bytes < SEAL_BYTES)
        return false;
    return log_segment_when(account->log).us < quarter.us || excess_bytes(account) > 0;
}

/* False: not now; *out_next is when to ask again. */
static bool wants_compaction(struct account *account, struct mono now, struct mono *out_next)
{
    struct compaction *own = account->compaction;
    const struct compact_policy *policy = &own->policy;

    *out_next = (struct mono){ INT64_MAX };
    if (own->purge.wanted) {
        *out_next = (struct mono){ now.ms + COMPACTION_SOON_MS };
        return true;
    }
    if (!policy->enabled || account->state.drops.count > 0 ||
        state_garbage(&account->state) < worth_bytes(account))
        return false;
    *out_next = own->look;
    if (now.ms < own->look.ms)
        return false;
    own->look.ms = now.ms + (int64_t)policy->check_ms;
    *out_next = own->look;
    return policy->running == NULL || atomic_load(policy->running) < policy->running_max;
}

/* Begins one as soon as all of the log is on the disk, and sealed as far as it should be. */
static struct mono try_begin(struct account *account, struct mono now)
{
    struct compaction *own = account->compaction;
    struct mono soon = { now.ms + COMPACTION_SOON_MS };
    struct mono next;

    if (!wants_compaction(account, now, &next))
        return next;
    if (log_tip(account->log) != log_durable(account->log) || log_is_rolling(account->log)) {
        log_sync(account->log);
        own->look = now;
        return soon;
    }
    if (should_seal(account)) {
        if (log_roll(account->log, account->state.changed_at))
            own->look = now;
        return soon;
    }
    begin(account);
    return step(account, now);
}

/* They say much of the mail that they are of. */
static void forget_summaries(struct account *account)
{
    summary_file_close(account->summaries);
    summary_file_set_aside(account->vfs);
    account->summaries =
        summary_file_open(account->vfs, &account->state.id, &account->state.bodies);
}

/* The base counts from now on. A checkpoint holds places: it is made anew as a whole. */
static void adopt(struct account *account)
{
    struct compaction *own = account->compaction;
    const struct compact_result *result = &own->result;
    struct state *state = &account->state;
    uint64_t garbage = state_garbage(state);

    own->reach = 0;
    log_set_base(account->log, own->number);
    state_forget_drops(state);
    for (size_t i = 0; i < result->drops->count; i++)
        state_add_drop(state, result->drops->segments[i], result->drops->when);
    garbage = garbage > result->garbage_before ? garbage - result->garbage_before : 0;
    state->garbage = garbage + result->garbage_after;
    state->bodies.died_bytes = 0;
    checkpoint_forget(account->checkpoint);
    account->checkpoint_due = true;
    own->has_ended = true;
    own->ended = (struct account_compacted){ .written_bytes = result->written_bytes,
                                             .dropped_bytes = result->dropped_bytes };
    if (own->purges) {
        forget_summaries(account);
        own->purge.compacted = true;
        own->purge.purged.since = result->since;
        if (result->dropped_bytes > result->written_bytes)
            own->purge.purged.freed_bytes = result->dropped_bytes - result->written_bytes;
    }
}

/* Moves some bodies; true when all have moved. */
static bool move_bodies(struct account *account, size_t count)
{
    struct compaction *own = account->compaction;
    const struct compact_result *result = &own->result;

    for (; count > 0 && own->switched < result->move_count; count--) {
        const struct compact_move *move = &result->moves[own->switched++];

        body_table_move(&account->state.bodies, move->body, move->from, move->to);
    }
    return own->switched == result->move_count;
}

static void tick_switching(struct account *account)
{
    if (checkpoint_is_running(account->checkpoint)) /* it holds on to blocks, not to places */
        return;
    if (!move_bodies(account, SWITCH_BODIES))
        return;
    adopt(account);
    end_compaction(account, true);
}

/* It has failed, or is given up. */
static void break_off(struct account *account, struct mono now)
{
    struct compaction *own = account->compaction;

    own->look.ms =
        now.ms + (own->err == ERR_OK ? COMPACTION_SOON_MS : (int64_t)own->policy.check_ms);
    end_compaction(account, false);
    if (own->err == ERR_OK)
        return;
    own->has_ended = true;
    own->ended = (struct account_compacted){ .err = own->err, .why = own->why };
    if (own->purges)
        compaction_end_purge(own, own->err);
}

/* The step before has ended. */
static struct mono tick_running(struct account *account, struct mono now)
{
    struct compaction *own = account->compaction;
    struct mono soon = { now.ms + COMPACTION_SOON_MS };

    own->given_up = own->given_up || own->purge.wanted != own->purges;
    if (own->err != ERR_OK || (own->given_up && !own->finished)) {
        break_off(account, now);
        return soon;
    }
    if (!own->finished)
        return step(account, now);
    compact_result(own->compact, &own->result);
    if (own->result.outcome == COMPACT_DONE) {
        own->state = COMPACTION_SWITCHING;
        own->switched = 0;
        return soon;
    }
    if (own->result.outcome == COMPACT_NO_GAIN) {
        own->tried = own->result.horizon;
        if (excess_bytes(account) > 0 && own->reach < REACH_MAX)
            own->reach++;
    }
    end_compaction(account, false);
    own->purge.compacted = own->purges; /* what an earlier one left may still be to remove */
    return soon;
}

static struct mono tick_rest(struct account *account, struct mono now)
{
    struct compaction *own = account->compaction;
    struct purge *purge = &own->purge;
    bool drops = account->state.drops.count > 0 && (own->policy.enabled || purge->wanted);
    int64_t wait_ms = drops ? compaction_drop_wait_ms(account) : INT64_MAX;

    if (wait_ms == 0 && !purge->wanted && now.ms < own->drop_again.ms)
        wait_ms = own->drop_again.ms - now.ms;
    if (wait_ms == 0) {
        compaction_drop_begin(account);
        return (struct mono){ now.ms + COMPACTION_SOON_MS };
    }
    if (purge->wanted && purge->compacted && (!drops || compaction_is_held(account))) {
        purge->purged.held = drops;
        compaction_end_purge(own, ERR_OK);
    }
    if (!purge->wanted && drops)
        return (struct mono){ now.ms + wait_ms };
    if (purge->wanted && purge->compacted)
        return (struct mono){ now.ms + COMPACTION_SOON_MS };
    return try_begin(account, now);
}

static struct mono tick(struct account *account, struct mono now)
{
    const struct compaction *own = account->compaction;

    if (own->working)
        return (struct mono){ now.ms + COMPACTION_SOON_MS };
    switch (own->state) {
    case COMPACTION_REST: return tick_rest(account, now);
    case COMPACTION_RUNNING: return tick_running(account, now);
    case COMPACTION_SWITCHING: tick_switching(account); break;
    case COMPACTION_DROPPING: compaction_drop_tick(account, now); break;
    case COMPACTION_RELEASING: break;
    }
    return (struct mono){ now.ms + COMPACTION_SOON_MS };
}

struct mono account_compact_tick(struct account *account, struct mono now)
{
    struct mono again = tick(account, now);

    compaction_wake_askers(account);
    return again;
}

void account_compact_close(struct account *account)
{
    struct compaction *own = account->compaction;

    assert(!own->working);
    if (!account->failed && own->state == COMPACTION_RUNNING && own->err == ERR_OK &&
        own->finished) {
        compact_result(own->compact, &own->result);
        own->switched = 0;
        if (own->result.outcome == COMPACT_DONE)
            own->state = COMPACTION_SWITCHING;
    }
    if (!account->failed && own->state == COMPACTION_SWITCHING) {
        account_checkpoint_finish(account);
        (void)move_bodies(account, SIZE_MAX);
        adopt(account);
    }
    if (own->compact != NULL) {
        compact_free(own->compact);
        end_release(own);
    }
    free(own->holds);
    free(own);
    account->compaction = NULL; /* the last checkpoint is still to come */
}
