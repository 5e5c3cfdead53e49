/* What the acts that bring something back have in common: undelete and restore. */
#ifndef ROOST_MAINTAIN_PAST_H
#define ROOST_MAINTAIN_PAST_H

#include "maintain/verb.h"
#include "store/act_undelete.h"
#include "store/lost.h"

/* Zeroed, then `lost` filled. */
struct past {
    struct lost lost;
    struct undelete undelete;
    struct act *act; /* goes on */
    struct modseq before; /* it was begun */
    bool is_planned;
    bool is_done;
    size_t told; /* mailboxes */
    uint64_t changes;
};

/* Where the n-th lost mailbox's messages go, by its present name; `is_made`: it is not there. */
struct past_target {
    struct bytes name; /* until the next act */
    bool is_made;
};
struct past_target past_target(const struct maintain *act, const struct past *past, size_t index);

/* Tells of a mailbox of past->lost, or has nothing to tell. */
typedef void past_tell_fn(struct maintain *act, size_t index, struct buf *out);

/* The step from the moment that `lost` is filled: plans, tells of the mailboxes in the order of
 * their names and, unless it is `dry`, writes one change a step. MAINTAIN_AGAIN: there is more to
 * do; MAINTAIN_DONE: it failed, and that is said; MAINTAIN_WAIT: all is done, the caller sums up.
 */
MUST_USE enum maintain_want past_step(struct maintain *act, struct past *past, bool dry,
                                      past_tell_fn *tell, struct buf *out);

void past_done(struct past *past);

#endif
