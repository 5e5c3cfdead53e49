/* Columns are counted once, however many blocks and snapshots share them: first those of the
 * mailboxes, which cost nothing extra, then those of the views from the newest to the oldest. */
#include "store/pins.h"

#include "base/job.h"
#include "store/state.h"
#include "store/view_state.h"

/* The rows of a deleted mailbox are there for its views alone. */
static void count_present(const struct mailbox *mailbox, uint32_t round)
{
    for (size_t i = 0; !mailbox->deleted && i < mailbox->rows.block_count; i++)
        (void)block_count_bytes(mailbox->rows.blocks[i], round);
}

static uint64_t count_snapshot(struct snapshot *snapshot, uint32_t round)
{
    uint64_t bytes = 0;

    if (snapshot->counted == round)
        return 0;
    snapshot->counted = round;
    for (uint32_t i = 0; i < snapshot->block_count; i++)
        bytes += block_count_bytes(snapshot->blocks[i].block, round);
    return bytes;
}

static void become_overdue(struct view *view)
{
    if (view->overdue)
        return;
    view->overdue = true;
    if (view->waker != NULL)
        view->waker->wake(view->waker);
}

uint64_t pins_bound(struct state *state, uint64_t bytes_max)
{
    uint32_t round = ++state->pins_round;
    uint64_t kept = 0;

    LIST_EACH (node, after, &state->views) {
        const struct view *view = CONTAINER_OF(node, struct view, of_state);

        if (view_state_lags(view))
            count_present(view->mailbox, round);
    }
    for (struct list *node = state->views.previous; node != &state->views; node = node->previous) {
        struct view *view = CONTAINER_OF(node, struct view, of_state);
        uint64_t bytes = 0;

        if (view_state_lags(view))
            bytes = count_snapshot(view->shown, round) + count_snapshot(view->base, round);
        if (bytes > bytes_max - kept)
            become_overdue(view);
        else
            kept += bytes;
    }
    return kept;
}
