/* Changed messages by their MODSEQ, vanished ones by the mailbox's history. */
#include "imap/resync.h"

#include "imap/selected.h"
#include "imap/state.h"
#include "store/block.h"
#include "store/mailbox.h"
#include "store/uid_set.h"
#include "store/view.h"

/* Passes over rows of the run that did not change; true: one that did is at hand. */
static bool find_in_run(struct imap_changed_walk *walk)
{
    struct view_run *run = &walk->run;
    const struct column *modseqs;
    uint32_t at = run->at;

    if (at == run->end)
        return false;
    modseqs = &run->block->columns[COLUMN_MODSEQ];
    if (column_is_constant(modseqs) && modseqs->base <= walk->since)
        at = run->end;
    while (at < run->end && column_get(modseqs, at) <= walk->since)
        at++;
    if (at > run->at) {
        uint32_t passed = at - run->at;

        walk->from_uid = block_uid(run->block, at - 1) + 1;
        walk->seqno.value += passed;
        walk->budget -= passed < walk->budget ? passed : walk->budget;
        run->at = at;
    }
    return at < run->end;
}

/* The next rows of the set that stand together. ERR_NOT_FOUND: there are none. */
static enum err next_run(struct imap_changed_walk *walk)
{
    for (; walk->range < walk->uids.count; walk->range++, walk->from_uid = 0) {
        const struct uid_range *range = &walk->uids.ranges[walk->range];
        struct uid from = { walk->from_uid > range->first ? walk->from_uid : range->first };
        struct seqno seqno = view_seqno_from(walk->view, from);
        struct view_run run;

        if (seqno.value > view_count(walk->view))
            continue;
        run = view_run(walk->view, seqno);
        if (range->last < UINT32_MAX)
            run.end = block_find(run.block, run.end, range->last + 1);
        if (run.at >= run.end)
            continue;
        walk->run = run;
        walk->seqno = seqno;
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

enum err imap_changed_next(struct imap_changed_walk *walk, struct seqno *out_seqno,
                           struct row *out_row)
{
    while (!find_in_run(walk)) {
        enum err err = walk->budget == 0 ? ERR_LIMIT : next_run(walk);

        if (err != ERR_OK)
            return err;
    }
    block_row(walk->run.block, walk->run.at, out_row);
    *out_seqno = walk->seqno;
    walk->from_uid = out_row->uid.value + 1;
    walk->run.at++;
    walk->seqno.value++;
    return ERR_OK;
}

/* What the view still shows is told by VANISHED without EARLIER, in its own time (section 3.2.10).
 */
static enum err leave_out_shown(const struct view *view, struct uid_set all, struct arena *arena,
                                struct uid_set *out_set)
{
    struct uid_set_builder builder = uid_set_builder_make(arena);

    for (uint32_t i = 0; i < all.count; i++) {
        uint32_t first = all.ranges[i].first;
        uint32_t last = all.ranges[i].last;
        uint32_t seqno = view_seqno_from(view, (struct uid){ first }).value;
        struct row row;

        for (; seqno <= view_count(view); seqno++) {
            view_row(view, (struct seqno){ seqno }, &row);
            if (row.uid.value > last)
                break;
            if (row.uid.value > first)
                uid_set_add(&builder, first, row.uid.value - 1);
            first = row.uid.value + 1;
        }
        if (first <= last)
            uid_set_add(&builder, first, last);
    }
    return uid_set_finish(&builder, out_set) ? ERR_OK : ERR_LIMIT;
}

/* RFC 7162 s3.2.10 */
enum err imap_vanished_begin(struct imap_session *session, struct imap_run *run,
                             struct uid_set within, uint64_t since,
                             struct imap_vanished *out_vanished)
{
    struct imap_selected *selected = session->selected;
    struct imap_vanished vanished = { .next = 0 };
    struct uid_set gone;
    enum err err = mailbox_vanished(selected->handle.mailbox, (struct modseq){ since }, within,
                                    &run->arena, &gone);

    if (err == ERR_OK && view_is_stale(selected->view))
        err = leave_out_shown(selected->view, gone, &run->arena, &gone);
    if (err != ERR_OK)
        return err;
    vanished.uids = gone;
    *out_vanished = vanished;
    return ERR_OK;
}

bool imap_vanished_print(struct imap_session *session, struct imap_vanished *vanished)
{
    const struct uid_set *uids = &vanished->uids;

    if (vanished->next == uids->count)
        return true;
    if (vanished->next == 0)
        buf_add(session->out, BYTES("* VANISHED (EARLIER) "));
    session->line_open = true;
    for (; vanished->next < uids->count; vanished->next++) {
        const struct uid_range *range = &uids->ranges[vanished->next];

        if (vanished->next > 0 && imap_output_is_full(session)) /* the line has begun by then */
            return false;
        if (vanished->next > 0)
            buf_add_byte(session->out, ',');
        buf_add_number(session->out, range->first);
        if (range->last == range->first)
            continue;
        buf_add_byte(session->out, ':');
        buf_add_number(session->out, range->last);
    }
    buf_add(session->out, BYTES("\r\n"));
    session->line_open = false;
    return true;
}

/* The n-th number of a resolved set, from 0. */
static uint32_t nth(const struct imap_seqset *set, uint64_t n)
{
    uint32_t i = 0;

    for (; n > set->ranges[i].last - set->ranges[i].first; i++)
        n -= (uint64_t)set->ranges[i].last - set->ranges[i].first + 1;
    return set->ranges[i].first + (uint32_t)n;
}

/* When a pair holds, so do all before it: had one of those been expunged, this one's number would
 * have changed. So the last that holds is found by halves. */
uint32_t imap_resync_matched(const struct view *view, const struct imap_seqset *seqnos,
                             const struct imap_seqset *uids)
{
    uint64_t low = 0;
    uint64_t high = imap_seqset_size(seqnos);

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct seqno seqno = view_seqno(view, (struct uid){ nth(uids, middle) });

        if (seqno.value != 0 && seqno.value == nth(seqnos, middle))
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? 0 : nth(uids, low - 1);
}
