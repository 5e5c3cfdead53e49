/* Compaction of one account: when it begins, how it ends, what goes after it. */
#include "store/account_compact.h"

#include <assert.h>
#include <string.h>

#include "store/account_state.h"
#include "store/alloc.h"
#include "store/compact.h"
#include "store/log_base.h"
#include "store/log_body.h"
#include "store/segment.h"
#include "sys/vfs.h"

enum {
    LINGER_USUAL_MS = 60 * 60 * 1000,
    GARBAGE_USUAL_BYTES = 1024 * 1024,
    CHECK_USUAL_MS = 10 * 60 * 1000,
    SEAL_BYTES = 1024 * 1024, /* a segment of which is sealed before all of it is old */
    SOON_MS = 5, /* while something is under way */
    SWITCH_BODIES = 4000, /* moved in one tick */
    DROP_SEGMENTS = 64, /* removed in one job */
    REACH_MAX = 16,
};

enum compaction_state {
    COMPACTION_REST,
    COMPACTION_RUNNING, /* steps, in jobs */
    COMPACTION_SWITCHING, /* the base is there: bodies move in the table */
    COMPACTION_DROPPING, /* segments are removed, in jobs */
};

struct hold {
    uint64_t number;
    struct wall until;
};

struct purge {
    bool wanted; /* it has not ended */
    bool compacted; /* what is left is to remove what the base lists */
    bool ended; /* and nobody has asked yet */
    struct wall before;
    struct waker *waker;
    struct account_purged purged;
    enum err err;
    struct note why;
};

struct compaction {
    struct compact_policy policy;
    enum compaction_state state;
    struct job job;
    struct account *account; /* of a job, for `done` only */
    struct vfs *vfs;
    bool working; /* the job is out */
    struct compact *compact;
    uint64_t number; /* of its base; of the one whose list is gone through */
    bool finished; /* by the last step */
    enum err err;
    struct note why;
    struct compact_result result;
    size_t switched; /* of the result's moves */
    size_t dropped; /* of the account's drops */
    size_t drop_end; /* of those that the job removes */
    const uint64_t *drop_segments; /* borrowed from the account's drops */
    bool given_up;
    bool purges; /* it is the purge's */
    unsigned pauses;
    uint64_t tried; /* a horizon that was not worth it */
    unsigned reach; /* how often the excess was doubled because what is oldest is still alive */
    struct mono look; /* when to look again */
    struct mono drop_again; /* when to try again, after removing has failed */
    struct hold *holds;
    size_t hold_count;
    size_t hold_capacity;
    uint64_t hold_last;
    struct purge purge;
    bool has_ended; /* since account_compacted was asked */
    struct account_compacted ended;
};

struct compaction *account_compact_new(const struct compact_policy *policy)
{
    struct compaction *own = store_alloc(1, sizeof(*own));

    own->policy = *policy;
    if (own->policy.linger_ms == 0)
        own->policy.linger_ms = LINGER_USUAL_MS;
    if (own->policy.garbage_bytes_min == 0)
        own->policy.garbage_bytes_min = GARBAGE_USUAL_BYTES;
    if (own->policy.check_ms == 0)
        own->policy.check_ms = CHECK_USUAL_MS;
    return own;
}

/* Holds. */

uint64_t account_hold(struct account *account, struct wall until)
{
    struct compaction *own = account->compaction;

    own->holds = store_grow(own->holds, own->hold_count, &own->hold_capacity, sizeof(*own->holds));
    own->holds[own->hold_count++] = (struct hold){ ++own->hold_last, until };
    return own->hold_last;
}

void account_release(struct account *account, uint64_t hold)
{
    struct compaction *own = account->compaction;

    for (size_t i = 0; i < own->hold_count; i++)
        if (own->holds[i].number == hold)
            own->holds[i] = own->holds[--own->hold_count];
}

static bool is_held(struct account *account)
{
    struct compaction *own = account->compaction;
    size_t kept = 0;

    for (size_t i = 0; i < own->hold_count; i++)
        if (own->holds[i].until.us > account->wall.us)
            own->holds[kept++] = own->holds[i];
    own->hold_count = kept;
    return kept > 0 || own->pauses > 0;
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

bool account_compact_pause(struct account *account)
{
    struct compaction *own = account->compaction;

    if (own->state != COMPACTION_REST) {
        own->given_up = own->state == COMPACTION_RUNNING;
        return false;
    }
    own->pauses++;
    return true;
}

void account_compact_resume(struct account *account)
{
    assert(account->compaction->pauses > 0);
    if (--account->compaction->pauses == 0)
        account_compact_wake(account);
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

void account_compact_wake(struct account *account)
{
    struct purge *purge = &account->compaction->purge;

    if (purge->wanted && purge->waker != NULL)
        purge->waker->wake(purge->waker);
}

bool account_purge_step(struct account *account, struct wall now)
{
    const struct compaction *own = account->compaction;

    if (account->failed)
        return false;
    account->wall = now;
    (void)account_checkpoint_tick(account);
    (void)account_compact_tick(account, (struct mono){ 0 });
    return own->purge.wanted && (own->working || account->checkpoint_writing || own->pauses > 0);
}

static void end_purge(struct compaction *own, enum err err)
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

static void job_done(struct job *job)
{
    struct compaction *own = CONTAINER_OF(job, struct compaction, job);

    own->working = false;
    own->account->jobs--;
    account_compact_wake(own->account);
}

static void submit(struct account *account, void (*run)(struct job *job))
{
    struct compaction *own = account->compaction;

    own->account = account;
    own->vfs = account->vfs;
    own->job = (struct job){ .run = run, .done = job_done };
    own->working = true;
    account->jobs++;
    account->executor->submit(account->executor, &own->job);
}

static void end_compaction(struct compaction *own)
{
    compact_free(own->compact);
    own->compact = NULL;
    own->state = COMPACTION_REST;
    own->given_up = false;
    if (own->policy.running != NULL)
        (void)atomic_fetch_sub(own->policy.running, 1);
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
    own->purges = own->purge.wanted;
    own->why.text[0] = '\0';
    if (own->policy.running != NULL)
        (void)atomic_fetch_add(own->policy.running, 1);
    submit(account, run_step);
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
        *out_next = (struct mono){ now.ms + SOON_MS };
        return own->pauses == 0;
    }
    if (!policy->enabled || account->state.drops.count > 0 ||
        state_garbage(&account->state) < worth_bytes(account))
        return false;
    *out_next = own->look;
    if (now.ms < own->look.ms)
        return false;
    own->look.ms = now.ms + (int64_t)policy->check_ms;
    *out_next = own->look;
    return own->pauses == 0 &&
           (policy->running == NULL || atomic_load(policy->running) < policy->running_max);
}

/* Begins one as soon as all of the log is on the disk, and sealed as far as it should be. */
static struct mono try_begin(struct account *account, struct mono now)
{
    struct compaction *own = account->compaction;
    struct mono soon = { now.ms + SOON_MS };
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
    return soon;
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
    end_compaction(own);
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
    if (move_bodies(account, SWITCH_BODIES))
        adopt(account);
}

/* The step before has ended. */
static void tick_running(struct account *account, struct mono now)
{
    struct compaction *own = account->compaction;

    own->given_up = own->given_up || own->purge.wanted != own->purges;
    if (own->err != ERR_OK || (own->given_up && !own->finished)) {
        own->look.ms = now.ms + (own->err == ERR_OK ? SOON_MS : (int64_t)own->policy.check_ms);
        end_compaction(own);
        if (own->err == ERR_OK)
            return;
        own->has_ended = true;
        own->ended = (struct account_compacted){ .err = own->err, .why = own->why };
        if (own->purges)
            end_purge(own, own->err);
        return;
    }
    if (!own->finished) {
        submit(account, run_step);
        return;
    }
    compact_result(own->compact, &own->result);
    if (own->result.outcome == COMPACT_DONE) {
        own->state = COMPACTION_SWITCHING;
        own->switched = 0;
        return;
    }
    if (own->result.outcome == COMPACT_NO_GAIN) {
        own->tried = own->result.horizon;
        if (excess_bytes(account) > 0 && own->reach < REACH_MAX)
            own->reach++;
    }
    end_compaction(own);
    own->purge.compacted = own->purges; /* what an earlier one left may still be to remove */
}

/* Removal. */

static enum err read_base(const struct compaction *own, struct segment *out_base)
{
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    enum err err;

    segment_path(own->number, path);
    err = own->vfs->open(own->vfs, path, VFS_OPEN_READ, &file);
    if (err != ERR_OK)
        return err;
    err = segment_header_read(file, own->number, 0, out_base);
    vfs_close(file);
    return err;
}

/* A list comes from the disk: whatever it says, nothing goes that the base does not supersede. */
static bool is_superseded(uint64_t segment, const struct segment *base)
{
    switch (segment_kind(segment)) {
    case SEGMENT_LOG: return segment <= base->base;
    case SEGMENT_BASE: return segment < base->number;
    case SEGMENT_BODY: return true;
    }
    return false;
}

static void run_drop(struct job *job)
{
    struct compaction *own = CONTAINER_OF(job, struct compaction, job);
    struct segment base;

    own->err = read_base(own, &base);
    for (size_t i = own->dropped; own->err == ERR_OK && i < own->drop_end; i++) {
        char path[SEGMENT_PATH_BYTES];
        enum err err;

        if (!is_superseded(own->drop_segments[i], &base))
            continue;
        segment_path(own->drop_segments[i], path);
        err = own->vfs->unlink(own->vfs, path);
        if (err != ERR_OK && err != ERR_NOT_FOUND)
            own->err = err;
    }
    if (!own->finished || own->err != ERR_OK)
        return;
    summary_file_remove(own->vfs); /* what a purge set aside */
    own->err = own->vfs->sync_dir(own->vfs, "log");
}

/* When it is due, in ms; 0: now. */
static int64_t drop_wait_ms(struct account *account)
{
    const struct compaction *own = account->compaction;
    const struct drops *drops = &account->state.drops;
    int64_t check_ms = (int64_t)own->policy.check_ms;
    int64_t left_ms;

    if (account->checkpoint_due || checkpoint_is_running(account->checkpoint))
        return SOON_MS;
    if (is_held(account))
        return check_ms;
    if (own->purge.wanted)
        return 0;
    left_ms = (drops->when.us - account->wall.us) / 1000 + (int64_t)own->policy.linger_ms;
    return left_ms <= 0 ? 0 : left_ms < check_ms ? left_ms : check_ms;
}

static void submit_drop(struct account *account)
{
    struct compaction *own = account->compaction;
    const struct drops *drops = &account->state.drops;
    size_t left = drops->count - own->dropped;

    own->drop_end = own->dropped + (left < DROP_SEGMENTS ? left : DROP_SEGMENTS);
    own->finished = own->drop_end == drops->count;
    own->drop_segments = drops->segments;
    own->number = log_base(account->log);
    for (size_t i = own->dropped; i < own->drop_end; i++)
        log_forget(account->log, drops->segments[i]);
    submit(account, run_drop);
}

/* The base still lists what could not go, or may come back after a power cut. */
static void fail_dropping(struct compaction *own, struct mono now)
{
    own->state = COMPACTION_REST;
    own->drop_again.ms = now.ms + (int64_t)own->policy.check_ms;
    note_set(&own->why, "cannot remove segments: %s", err_text(own->err));
    end_purge(own, own->err);
}

static void tick_dropping(struct account *account, struct mono now)
{
    struct compaction *own = account->compaction;

    if (own->err != ERR_OK) {
        fail_dropping(own, now);
        return;
    }
    own->dropped = own->drop_end;
    if (own->dropped < account->state.drops.count) {
        submit_drop(account);
        return;
    }
    state_forget_drops(&account->state);
    own->state = COMPACTION_REST;
}

static struct mono tick_rest(struct account *account, struct mono now)
{
    struct compaction *own = account->compaction;
    struct purge *purge = &own->purge;
    bool drops = account->state.drops.count > 0 && (own->policy.enabled || purge->wanted);
    int64_t wait_ms = drops ? drop_wait_ms(account) : INT64_MAX;

    if (wait_ms == 0 && !purge->wanted && now.ms < own->drop_again.ms)
        wait_ms = own->drop_again.ms - now.ms;
    if (wait_ms == 0) {
        own->dropped = 0;
        own->state = COMPACTION_DROPPING;
        submit_drop(account);
        return (struct mono){ now.ms + SOON_MS };
    }
    if (purge->wanted && purge->compacted && (!drops || is_held(account))) {
        purge->purged.held = drops;
        end_purge(own, ERR_OK);
    }
    if (!purge->wanted && drops)
        return (struct mono){ now.ms + wait_ms };
    if (purge->wanted && purge->compacted)
        return (struct mono){ now.ms + SOON_MS };
    return try_begin(account, now);
}

struct mono account_compact_tick(struct account *account, struct mono now)
{
    struct compaction *own = account->compaction;

    if (!own->working) {
        switch (own->state) {
        case COMPACTION_REST: return tick_rest(account, now);
        case COMPACTION_RUNNING: tick_running(account, now); break;
        case COMPACTION_SWITCHING: tick_switching(account); break;
        case COMPACTION_DROPPING: tick_dropping(account, now); break;
        }
    }
    return (struct mono){ now.ms + SOON_MS };
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
    if (own->compact != NULL)
        end_compaction(own);
    free(own->holds);
    free(own);
    account->compaction = NULL; /* the last checkpoint is still to come */
}
