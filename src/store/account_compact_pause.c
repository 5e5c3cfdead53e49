/* Who keeps an account from compacting, or from removing what is superseded, and for how long. */
#include <assert.h>

#include "store/account_compact_state.h"
#include "store/alloc.h"

enum {
    PAUSED_MS = 500, /* between two looks whether those who read the past are done */
    PATIENCE_MS = 10 * 1000, /* with them: then nobody else may begin */
    STEPS_OWED = 16, /* made after they are done, before others may begin */
};

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

bool compaction_has_holds(struct account *account)
{
    struct compaction *own = account->compaction;
    size_t kept = 0;

    for (size_t i = 0; i < own->hold_count; i++)
        if (own->holds[i].until.us > account->wall.us)
            own->holds[kept++] = own->holds[i];
    own->hold_count = kept;
    return kept > 0;
}

/* Pauses. */

/* Whatever waits for those that are held is not kept waiting by others for ever. */
static bool may_pause(const struct account *account)
{
    const struct compaction *own = account->compaction;
    int64_t waited_us = account->wall.us - own->waits_since.us;

    if (own->waits_since.us != 0 && waited_us > INT64_C(1000) * PATIENCE_MS)
        return false;
    switch (own->state) {
    case COMPACTION_REST: return true;
    case COMPACTION_RUNNING:
        /* Not beside a base that is whole and will be removed, or counts soon. */
        return !own->working && !own->finished && own->err == ERR_OK && own->owed == 0;
    case COMPACTION_SWITCHING:
    case COMPACTION_RELEASING:
    case COMPACTION_DROPPING: break;
    }
    return false;
}

void compaction_wake_askers(struct account *account)
{
    struct compaction *own = account->compaction;

    while (!list_is_empty(&own->askers) && may_pause(account)) {
        struct account_pause *pause =
            CONTAINER_OF(list_first(&own->askers), struct account_pause, link);

        list_remove(&pause->link);
        pause->waker->wake(pause->waker);
    }
}

struct mono compaction_wait(struct account *account, struct mono now)
{
    if (account->compaction->waits_since.us == 0)
        account->compaction->waits_since = account->wall;
    return (struct mono){ now.ms + PAUSED_MS };
}

void compaction_went_on(struct compaction *own)
{
    own->waits_since.us = 0;
    if (own->owed > 0)
        own->owed--;
}

bool account_compact_pause(struct account *account, struct account_pause *pause)
{
    struct compaction *own = account->compaction;

    assert(!pause->is_held);
    if (!may_pause(account)) {
        if (!list_is_linked(&pause->link))
            list_push_back(&own->askers, &pause->link);
        return false;
    }
    list_remove(&pause->link);
    pause->is_held = true;
    own->pauses++;
    return true;
}

void account_compact_resume(struct account *account, struct account_pause *pause, bool named)
{
    struct compaction *own = account->compaction;

    list_remove(&pause->link);
    if (!pause->is_held)
        return;
    pause->is_held = false;
    own->given_up = own->given_up || (named && own->state == COMPACTION_RUNNING);
    if (--own->pauses > 0)
        return;
    if (own->state == COMPACTION_RUNNING)
        own->owed = STEPS_OWED;
}
