/* What the compaction of an account is made of; private to its files: account_compact.c begins and
 * ends compactions and purges, account_compact_pause.c keeps those who read the past apart from
 * them, account_compact_drop.c removes what is superseded. */
#ifndef ROOST_STORE_ACCOUNT_COMPACT_STATE_H
#define ROOST_STORE_ACCOUNT_COMPACT_STATE_H

#include "store/account_compact.h"
#include "store/account_state.h"
#include "store/compact.h"

enum { COMPACTION_SOON_MS = 5 }; /* while something is under way */

enum compaction_state {
    COMPACTION_REST,
    COMPACTION_RUNNING, /* steps, in jobs */
    COMPACTION_SWITCHING, /* the base is there: bodies move in the table */
    COMPACTION_RELEASING, /* what it had is given back, in a job */
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
    unsigned pauses; /* that are held */
    struct list askers; /* struct account_pause, waiting */
    struct wall waits_since; /* for the pauses that are held; 0: it does not */
    unsigned owed; /* steps, before the next pause */
    bool has_stepped; /* a step has ended, and no rest was taken */
    struct mono rest; /* until then */
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

/* Runs `run` in a job that is the compaction's; one at a time. */
void compaction_submit(struct account *account, void (*run)(struct job *job));

/* The purge, if there is one, has ended; a note is in own->why. */
void compaction_end_purge(struct compaction *own, enum err err);

/* Somebody has asked for time without removal, or holds a pause. */
bool compaction_has_holds(struct account *account);
static inline bool compaction_is_held(struct account *account)
{
    return compaction_has_holds(account) || account->compaction->pauses > 0;
}

/* Work cannot go on because of the pauses that are held; and what is due then: when to look again.
 */
struct mono compaction_wait(struct account *account, struct mono now);
/* It goes on. */
void compaction_went_on(struct compaction *own);
/* Those who wait for a pause are woken if they may have one. */
void compaction_wake_askers(struct account *account);

/* When removal is due, in ms from now; 0: at once. There are drops. */
int64_t compaction_drop_wait_ms(struct account *account);
void compaction_drop_begin(struct account *account);
void compaction_drop_tick(struct account *account, struct mono now);

#endif
