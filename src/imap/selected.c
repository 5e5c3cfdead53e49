/* The selected mailbox: recent messages, sets of the client, news. */
#include "imap/selected.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "imap/flags.h"
#include "imap/modseq.h"
#include "imap/state.h"
#include "store/account.h"
#include "store/act.h"
#include "store/mailbox.h"
#include "store/view.h"

struct imap_selected *imap_selected_open(struct imap_session *session, struct imap_handle handle,
                                         bool read_only)
{
    struct imap_selected *selected = calloc(1, sizeof(*selected));

    if (selected == NULL)
        abort();
    selected->handle = handle;
    selected->view = view_open(handle.mailbox);
    selected->read_only = read_only;
    selected->name = buf_make(MAILBOX_NAME_BYTES_MAX);
    imap_selected_note_name(selected);
    view_watch(selected->view, session->waker);
    return selected;
}

void imap_selected_close(struct imap_selected *selected)
{
    if (selected == NULL)
        return;
    view_close(selected->view);
    imap_handle_close(&selected->handle);
    arena_done(&selected->news.arena);
    buf_done(&selected->name);
    free(selected->saved);
    free(selected);
}

void imap_selected_note_name(struct imap_selected *selected)
{
    buf_clear(&selected->name);
    buf_add(&selected->name, mailbox_name(selected->handle.mailbox));
}

bool imap_selected_is_lost(const struct imap_session *session, struct imap_run *run)
{
    if (!mailbox_is_deleted(session->selected->handle.mailbox))
        return false;
    (void)imap_answer(run, IMAP_NO, "NONEXISTENT", "The selected mailbox was deleted");
    return true;
}

static void add_recent(struct imap_selected *selected, struct uid_range range)
{
    uint32_t count = selected->recent_count;

    /* When there is no room what lies between is \Recent here too: RFC 3501 section 2.3.2 wants a
     * message of which that cannot be known to be so. */
    if (count > 0 &&
        (range.first <= selected->recent[count - 1].last + 1 || count == IMAP_RECENT_RANGES_MAX)) {
        selected->recent[count - 1].last = range.last;
        return;
    }
    selected->recent[selected->recent_count++] = range;
}

/* RFC 3501 s2.3.2, s6.3.2 */
void imap_selected_claim_recent(struct imap_session *session)
{
    struct imap_selected *selected = session->selected;
    struct mailbox *mailbox = selected->handle.mailbox;
    struct origin origin = imap_origin(session);
    uint32_t next = mailbox_uidnext(mailbox);
    uint32_t floor = mailbox_recent_floor(mailbox);

    if (session->grammar.rev2 || floor >= next)
        return;
    /* A claim that cannot be written costs nobody a message: it stays recent for the next. */
    if (!selected->read_only &&
        act_recent_claim(selected->handle.account, &origin, mailbox, &floor) != ERR_OK)
        return;
    if (floor < next)
        add_recent(selected, (struct uid_range){ .first = floor, .last = next - 1 });
}

bool imap_selected_is_recent(const struct imap_selected *selected, struct uid uid)
{
    for (uint32_t i = 0; i < selected->recent_count; i++)
        if (uid.value >= selected->recent[i].first && uid.value <= selected->recent[i].last)
            return true;
    return false;
}

uint32_t imap_selected_recent_count(const struct imap_selected *selected)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < selected->recent_count; i++) {
        struct seqno first =
            view_seqno_from(selected->view, (struct uid){ selected->recent[i].first });
        struct seqno past =
            view_seqno_from(selected->view, (struct uid){ selected->recent[i].last + 1 });

        count += past.value - first.value;
    }
    return count;
}

void imap_selected_print_flags(struct imap_session *session, const struct row *row)
{
    uint32_t system = imap_flags_from_store(row->flags);

    if (!session->grammar.rev2 && imap_selected_is_recent(session->selected, row->uid))
        system |= IMAP_FLAG_RECENT;
    buf_add(session->out, BYTES("FLAGS "));
    imap_flags_print(session->out, system, session->selected->handle.mailbox, &row->keywords);
}

/* RFC 9051 s6.3.13; RFC 7162 s3.1, s3.2.5.1. */
void imap_selected_tell_flags(struct imap_session *session, struct seqno seqno,
                              const struct row *row)
{
    buf_add(session->out, BYTES("* "));
    buf_add_number(session->out, seqno.value);
    buf_add(session->out, BYTES(" FETCH (UID "));
    buf_add_number(session->out, row->uid.value);
    buf_add_byte(session->out, ' ');
    if (session->condstore) {
        imap_modseq_print(session, row);
        buf_add_byte(session->out, ' ');
    }
    imap_selected_print_flags(session, row);
    buf_add(session->out, BYTES(")\r\n"));
}

/* All keywords of the mailbox that may be told of. */
static struct keyword_set all_keywords(uint32_t count)
{
    struct keyword_set set = { 0 };

    for (uint32_t i = 0; i < count; i++)
        set.word[i / 64] |= UINT64_C(1) << i % 64;
    return set;
}

static void print_permanent_flags(struct imap_session *session, uint32_t system,
                                  const struct keyword_set *keywords)
{
    const struct mailbox *mailbox = session->selected->handle.mailbox;

    imap_respond_code_begin(session->out, IMAP_UNTAGGED, IMAP_OK);
    buf_add(session->out, BYTES("PERMANENTFLAGS "));
    if (session->selected->read_only) {
        buf_add(session->out, BYTES("()"));
    } else {
        imap_flags_print(session->out, system, mailbox, keywords);
        /* \* (RFC 9051 s7.1): new keywords may be made. The list above is never empty. */
        if (mailbox_keyword_count(mailbox) < account_keywords_max(session->account)) {
            buf_truncate(session->out, session->out->len - 1);
            buf_add(session->out, BYTES(" \\*)"));
        }
    }
    imap_respond_code_end(session->out, "Flags permitted");
}

void imap_selected_print_mailbox_flags(struct imap_session *session)
{
    static const uint32_t system = IMAP_FLAG_ANSWERED | IMAP_FLAG_FLAGGED | IMAP_FLAG_DELETED |
                                   IMAP_FLAG_SEEN | IMAP_FLAG_DRAFT;
    struct imap_selected *selected = session->selected;
    struct mailbox *mailbox = selected->handle.mailbox;
    struct keyword_set all = all_keywords(mailbox_keyword_count(mailbox));

    selected->keywords_told = mailbox_keyword_count(mailbox);
    buf_add(session->out, BYTES("* FLAGS "));
    imap_flags_print(session->out, system, mailbox, &all);
    buf_add(session->out, BYTES("\r\n"));
    print_permanent_flags(session, system, &all);
}

/* Ascending and disjoint stay so: the view's UIDs ascend. */
static enum err uids_of_seqnos(struct imap_session *session, struct imap_run *run,
                               const struct imap_seqset *resolved, struct uid_set *out_uids)
{
    const struct view *view = session->selected->view;
    struct uid_range *ranges = ARENA_NEW_ARRAY(&run->arena, struct uid_range, resolved->count);

    if (ranges == NULL)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < resolved->count; i++) {
        if (resolved->ranges[i].last > view_count(view))
            return ERR_INVALID;
        ranges[i] = (struct uid_range){
            view_uid(view, (struct seqno){ resolved->ranges[i].first }).value,
            view_uid(view, (struct seqno){ resolved->ranges[i].last }).value,
        };
    }
    *out_uids = (struct uid_set){ ranges, resolved->count };
    return ERR_OK;
}

static enum err uids_of_uids(struct imap_run *run, const struct imap_seqset *resolved,
                             struct uid_set *out_uids)
{
    struct uid_range *ranges = ARENA_NEW_ARRAY(&run->arena, struct uid_range, resolved->count);

    if (ranges == NULL)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < resolved->count; i++)
        ranges[i] = (struct uid_range){ resolved->ranges[i].first, resolved->ranges[i].last };
    *out_uids = (struct uid_set){ ranges, resolved->count };
    return ERR_OK;
}

/* What `*` stands for (RFC 9051 section 9, seq-number): in a view without messages UIDs go on to
 * the current UIDNEXT, so that "1:*" names all that came meanwhile and not only the first. */
static uint32_t star_of(const struct imap_selected *selected, bool uid)
{
    uint32_t count = view_count(selected->view);

    if (!uid)
        return count;
    return count > 0 ? view_uid_last(selected->view) : mailbox_uidnext(selected->handle.mailbox);
}

/* RFC 9051 s6.4.4.1 */
enum err imap_selected_resolve(struct imap_session *session, struct imap_run *run,
                               const struct imap_seqset *set, bool uid, struct uid_set *out_uids)
{
    struct imap_selected *selected = session->selected;
    uint32_t star = star_of(selected, uid);
    struct imap_seqset resolved;

    if (set->saved) {
        *out_uids = (struct uid_set){ selected->saved, selected->saved_count };
        return ERR_OK;
    }
    if (!uid && star == 0)
        return ERR_INVALID;
    if (!imap_seqset_resolve(set, star, &run->arena, &resolved))
        return ERR_LIMIT;
    return uid ? uids_of_uids(run, &resolved, out_uids)
               : uids_of_seqnos(session, run, &resolved, out_uids);
}

bool imap_selected_any_is_gone(const struct imap_selected *selected, struct uid_set uids)
{
    if (!view_is_stale(selected->view) || mailbox_is_deleted(selected->handle.mailbox))
        return false;
    for (uint32_t i = 0; i < uids.count; i++)
        if (view_any_is_gone(selected->view, uids.ranges[i]))
            return true;
    return false;
}

bool imap_selected_save(struct imap_selected *selected, struct uid_set uids)
{
    free(selected->saved);
    selected->saved = NULL;
    selected->saved_count = 0;
    if (uids.count > IMAP_SAVED_RANGES_MAX)
        return false;
    if (uids.count == 0)
        return true;
    selected->saved = malloc(uids.count * sizeof(*uids.ranges));
    if (selected->saved == NULL)
        abort();
    memcpy(selected->saved, uids.ranges, uids.count * sizeof(*uids.ranges));
    selected->saved_count = uids.count;
    return true;
}
