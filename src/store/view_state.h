/* What a view is made of; for store/view.c and those who must know what views still show. */
#ifndef ROOST_STORE_VIEW_STATE_H
#define ROOST_STORE_VIEW_STATE_H

#include <stdbool.h>

#include "base/list.h"
#include "store/snapshot.h"
#include "store/types.h"
#include "store/view.h"

struct mailbox;
struct waker;

/* A refresh that takes steps. */
struct view_refreshing {
    struct snapshot *now; /* held; where it moves the view */
    struct modseq complete; /* the account's change number when it began */
    struct snapshot_comparing comparing;
    struct snapshot_difference difference; /* once they are compared */
    struct snapshot_ghosts ghosts;
    bool is_compared;
};

struct view {
    struct mailbox *mailbox; /* held */
    struct view_refreshing *refreshing; /* owned; NULL: none goes on */
    struct snapshot *shown; /* held; what the session numbers */
    struct snapshot
        *base; /* held; the mailbox's own that `shown` was made from, the same without ghosts */
    struct modseq complete; /* the account's change number when the last full refresh was made */
    struct waker *waker; /* borrowed; NULL: nobody waits */
    bool overdue; /* the session is to end: see pins_bound */
    struct list of_mailbox;
    struct list of_state;
};

/* True when the view may show rows that the mailbox no longer has. */
bool view_state_lags(const struct view *view);

/* Wakes whoever watches the mailbox. Wakers only take note: they close no view and make no act. */
void view_state_wake(struct mailbox *mailbox);

#endif
