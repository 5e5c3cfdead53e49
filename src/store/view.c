/* Views: snapshots with a session behind them. */
#include "store/view.h"

#include <assert.h>

#include "base/job.h"
#include "store/alloc.h"
#include "store/state.h"
#include "store/view_state.h"

enum { REFRESH_COST = 131072 }; /* of a step, as store/snapshot.h counts: a millisecond or so */

struct view *view_open(struct mailbox *mailbox)
{
    struct view *view = store_alloc(1, sizeof(*view));

    mailbox_hold(mailbox);
    view->mailbox = mailbox;
    view->shown = snapshot_hold(state_snapshot(mailbox));
    view->base = snapshot_hold(view->shown);
    view->complete = mailbox->state->change;
    list_push_back(&mailbox->views, &view->of_mailbox);
    list_push_back(&mailbox->state->views, &view->of_state);
    return view;
}

struct mailbox *view_mailbox(const struct view *view)
{
    return view->mailbox;
}

uint32_t view_count(const struct view *view)
{
    return view->shown->count;
}

uint32_t view_uid_last(const struct view *view)
{
    const struct snapshot_block *last;

    if (view->shown->count == 0)
        return 0;
    last = &view->shown->blocks[view->shown->block_count - 1];
    return block_uid(last->block, last->count - 1);
}

struct modseq view_modseq(const struct view *view)
{
    return view->shown->modseq;
}

struct modseq view_modseq_known(const struct view *view)
{
    return view_keeps_expunged(view) ? view->complete : view->shown->modseq;
}

bool view_keeps_expunged(const struct view *view)
{
    return view->shown != view->base;
}

/* RFC 9051 s2.3.1.2 */
void view_row(const struct view *view, struct seqno seqno, struct row *out_row)
{
    const struct snapshot_block *part;

    assert(seqno.value >= 1 && seqno.value <= view->shown->count);
    part = snapshot_at(view->shown, seqno.value - 1);
    block_row(part->block, seqno.value - 1 - part->before, out_row);
}

struct view_run view_run(const struct view *view, struct seqno seqno)
{
    const struct snapshot_block *part;

    assert(seqno.value >= 1 && seqno.value <= view->shown->count);
    part = snapshot_at(view->shown, seqno.value - 1);
    return (struct view_run){ part->block, seqno.value - 1 - part->before, part->count };
}

struct uid view_uid(const struct view *view, struct seqno seqno)
{
    struct view_run run = view_run(view, seqno);

    return (struct uid){ block_uid(run.block, run.at) };
}

struct seqno view_seqno_from(const struct view *view, struct uid uid)
{
    return (struct seqno){ snapshot_find(view->shown, uid.value) + 1 };
}

struct seqno view_seqno(const struct view *view, struct uid uid)
{
    uint32_t index = snapshot_find(view->shown, uid.value);
    const struct snapshot_block *part;

    if (index == view->shown->count)
        return (struct seqno){ 0 };
    part = snapshot_at(view->shown, index);
    if (block_uid(part->block, index - part->before) != uid.value)
        return (struct seqno){ 0 };
    return (struct seqno){ index + 1 };
}

bool view_row_is_gone(const struct view *view, struct uid uid)
{
    struct row row;

    return !view_row_now(view, uid, &row);
}

/* True when the mailbox has every row of the block, known without looking at them. */
static bool is_kept(const struct rows *now, const struct snapshot_block *part)
{
    struct rows_place place = rows_find(now, block_uid(part->block, 0));

    return place.block < now->block_count && place.at == 0 &&
           block_shares(part->block, now->blocks[place.block], COLUMN_UID) &&
           now->blocks[place.block]->count >= part->count;
}

bool view_any_is_gone(const struct view *view, struct uid_range range)
{
    uint32_t index = snapshot_find(view->shown, range.first);

    while (index < view->shown->count) {
        const struct snapshot_block *part = snapshot_at(view->shown, index);
        uint32_t end = part->before + part->count;

        if (is_kept(&view->mailbox->rows, part))
            index = end;
        for (; index < end; index++) {
            struct uid uid = { block_uid(part->block, index - part->before) };

            if (uid.value > range.last)
                return false;
            if (view_row_is_gone(view, uid))
                return true;
        }
        if (block_uid(part->block, part->count - 1) > range.last)
            return false;
    }
    return false;
}

bool view_row_now(const struct view *view, struct uid uid, struct row *out_row)
{
    return rows_get(&view->mailbox->rows, uid.value, out_row);
}

struct seqno view_first_unseen(const struct view *view)
{
    for (uint32_t i = 0; i < view->shown->block_count; i++) {
        const struct snapshot_block *part = &view->shown->blocks[i];
        uint32_t at =
            column_find_without(&part->block->columns[COLUMN_FLAGS], part->count, FLAG_SEEN);

        if (at < part->count)
            return (struct seqno){ part->before + at + 1 };
    }
    return (struct seqno){ 0 };
}

static void move_to(struct view *view, struct snapshot *shown, struct snapshot *base)
{
    snapshot_release(view->shown);
    snapshot_release(view->base);
    view->shown = shown;
    view->base = base;
}

static struct view_refreshing *refreshing_begin(struct view *view, struct snapshot *now,
                                                struct snapshot_telling telling)
{
    struct view_refreshing *refreshing = store_alloc(1, sizeof(*refreshing));

    refreshing->now = snapshot_hold(now);
    refreshing->complete = view->mailbox->state->change;
    refreshing->comparing = snapshot_compare_begin(view->shown, now, telling);
    refreshing->ghosts = (struct snapshot_ghosts){ .before = view->shown, .after = now };
    return refreshing;
}

static void refreshing_free(struct view *view)
{
    struct view_refreshing *refreshing = view->refreshing;

    if (refreshing == NULL)
        return;
    view->refreshing = NULL;
    snapshot_ghosts_done(&refreshing->ghosts);
    snapshot_release(refreshing->now);
    free(refreshing);
}

/* Others that began later may be through already. */
static void move_among_views(struct view *view)
{
    struct list *views = &view->mailbox->state->views;
    struct list *place = views;

    list_remove(&view->of_state);
    while (place->previous != views &&
           CONTAINER_OF(place->previous, struct view, of_state)->complete.value >
               view->complete.value)
        place = place->previous;
    list_insert_before(place, &view->of_state);
}

/* A step of it. */
static enum err refresh_some(struct view *view, struct arena *arena, uint32_t *left)
{
    struct view_refreshing *refreshing = view->refreshing;
    bool keep = refreshing->comparing.telling.keep;
    struct snapshot *shown = NULL;
    enum err err = ERR_OK;

    if (!refreshing->is_compared)
        err = snapshot_compare(&refreshing->comparing, arena, left, &refreshing->difference);
    if (err != ERR_OK)
        return err;
    refreshing->is_compared = true;
    if (keep && refreshing->difference.gone > 0) {
        shown = snapshot_with_ghosts(&refreshing->ghosts, left);
        if (shown == NULL)
            return ERR_BUSY;
        move_to(view, shown, snapshot_hold(refreshing->now));
        return ERR_OK;
    }
    move_to(view, snapshot_hold(refreshing->now), snapshot_hold(refreshing->now));
    view->complete = refreshing->complete;
    move_among_views(view);
    return ERR_OK;
}

enum err view_refresh(struct view *view, unsigned flags, struct modseq silent, struct arena *arena,
                      struct view_changes *out_changes)
{
    struct snapshot_telling telling = { (flags & VIEW_KEEP_EXPUNGED) != 0, silent };
    uint32_t cost = view->mailbox->state->refresh_cost;
    uint32_t left = cost == 0 ? REFRESH_COST : cost;
    enum err err;

    if (view->refreshing == NULL) {
        struct snapshot *now = state_snapshot(view->mailbox);

        if (now == view->base && (telling.keep || view->shown == view->base)) {
            *out_changes = (struct view_changes){ .exists_before = view->shown->count,
                                                  .exists_now = view->shown->count };
            return ERR_OK;
        }
        view->refreshing = refreshing_begin(view, now, telling);
    }
    assert(view->refreshing->comparing.telling.keep == telling.keep &&
           view->refreshing->comparing.telling.silent.value == silent.value);
    err = refresh_some(view, arena, &left);
    if (err == ERR_OK)
        *out_changes = view->refreshing->difference.changes;
    if (err != ERR_BUSY)
        refreshing_free(view);
    return err;
}

void view_close(struct view *view)
{
    if (view == NULL)
        return;
    refreshing_free(view);
    list_remove(&view->of_mailbox);
    list_remove(&view->of_state);
    snapshot_release(view->shown);
    snapshot_release(view->base);
    mailbox_release(view->mailbox);
    free(view);
}

bool view_is_stale(const struct view *view)
{
    return view->mailbox->snapshot != view->base || view->shown != view->base;
}

bool view_is_overdue(const struct view *view)
{
    return view->overdue;
}

void view_watch(struct view *view, struct waker *waker)
{
    view->waker = waker;
}

bool view_state_lags(const struct view *view)
{
    return view->mailbox->deleted || view_is_stale(view);
}

void view_state_wake(struct mailbox *mailbox)
{
    LIST_EACH (node, after, &mailbox->views) {
        const struct view *view = CONTAINER_OF(node, struct view, of_mailbox);

        if (view->waker != NULL)
            view->waker->wake(view->waker);
    }
}
