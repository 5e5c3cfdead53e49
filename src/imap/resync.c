/* Changed messages by their MODSEQ, vanished ones by the mailbox's history. */
#include "imap/resync.h"

#include "imap/selected.h"
#include "imap/state.h"
#include "store/mailbox.h"
#include "store/uid_set.h"
#include "store/view.h"

static uint32_t uid_at(const struct view *view, struct seqno seqno)
{
    struct row row;

    view_row(view, seqno, &row);
    return row.uid.value;
}

/* Looks through the rows of one block from *seqno on, up to `last_uid`. True: found, at *seqno. */
static bool scan_block(struct imap_changed_walk *walk, uint32_t last_uid, struct seqno *seqno)
{
    struct seqno at = view_find_changed(walk->view, *seqno, (struct modseq){ walk->since },
                                        (struct uid){ last_uid });
    uint32_t passed = at.value - seqno->value;
    bool found = false;

    if (passed > 0)
        walk->from_uid = uid_at(walk->view, (struct seqno){ at.value - 1 }) + 1;
    else
        walk->from_uid = last_uid;
    if (at.value <= view_count(walk->view)) {
        struct row row;

        view_row(walk->view, at, &row);
        found = row.uid.value <= last_uid && row.modseq.value > walk->since;
        if (found)
            walk->from_uid = row.uid.value + 1;
    }
    if (!found)
        walk->budget -= passed < walk->budget ? passed : walk->budget;
    *seqno = at;
    return found;
}

/* Looks through the range at hand. ERR_NOT_FOUND: nothing (more) in it. */
static enum err scan_range(struct imap_changed_walk *walk, const struct uid_range *range,
                           struct seqno *out_seqno)
{
    struct uid from = { walk->from_uid > range->first ? walk->from_uid : range->first };
    struct seqno seqno = view_seqno_from(walk->view, from);

    while (seqno.value <= view_count(walk->view)) {
        struct seqno before = seqno;

        if (walk->budget == 0)
            return ERR_LIMIT;
        if (scan_block(walk, range->last, &seqno)) {
            *out_seqno = seqno;
            return ERR_OK;
        }
        if (seqno.value == before.value)
            break;
    }
    return ERR_NOT_FOUND;
}

enum err imap_changed_next(struct imap_changed_walk *walk, struct seqno *out_seqno,
                           struct row *out_row)
{
    for (; walk->range < walk->uids.count; walk->range++, walk->from_uid = 0) {
        enum err err = scan_range(walk, &walk->uids.ranges[walk->range], out_seqno);

        if (err == ERR_OK)
            view_row(walk->view, *out_seqno, out_row);
        if (err != ERR_NOT_FOUND)
            return err;
    }
    return ERR_NOT_FOUND;
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
