/* SELECT and EXAMINE (RFC 9051 sections 6.3.2 and 6.3.3; RFC 3501 section 6.3.1), and what a client
 * that was away has missed (RFC 7162 sections 3.1.8 and 3.2.5). */
#include "imap/wire/select.h"
#include "imap/cmd/runners.h"
#include "imap/listing.h"
#include "imap/modseq.h"
#include "imap/resync.h"
#include "imap/selected.h"
#include "imap/status.h"
#include "imap/wire/list.h"
#include "store/mailbox.h"
#include "store/uid_set.h"
#include "store/view.h"

enum select_phase {
    SELECT_VANISHED,
    SELECT_CHANGED,
};

/* Of a resynchronisation. */
struct select_state {
    enum select_phase phase;
    struct imap_vanished vanished;
    struct imap_changed_walk walk; /* over the known UIDs */
};

/* The first message without \Seen; 0 when all have it. */
static uint32_t first_unseen(const struct imap_selected *selected)
{
    struct mailbox_counts counts;

    mailbox_counts(selected->handle.mailbox, &counts);
    return counts.unseen == 0 ? 0 : view_first_unseen(selected->view).value;
}

static void print_number_code(struct buf *out, const char *code, uint64_t number, const char *text)
{
    imap_respond_code_begin(out, IMAP_UNTAGGED, IMAP_OK);
    buf_add_string(out, code);
    buf_add_byte(out, ' ');
    buf_add_number(out, number);
    imap_respond_code_end(out, text);
}

/* What only one of the two revisions has. RFC 9051 s7.2.2. */
static void print_revision(struct imap_session *session, const struct imap_mailbox *name)
{
    struct imap_selected *selected = session->selected;
    uint32_t unseen;

    if (session->grammar.rev2) {
        struct imap_list_response list = { .name = name->name };

        list.attributes = imap_listing_attributes(session->account, name->name);
        if (!bytes_equal(name->given, name->name))
            list.old_name = name->given;
        imap_list_response_print(session->out, &session->grammar, &list);
        return;
    }
    imap_respond_number(session->out, imap_selected_recent_count(selected), "RECENT");
    unseen = first_unseen(selected);
    if (unseen > 0)
        print_number_code(session->out, "UNSEEN", unseen, "First unseen message");
}

/* RFC 7162 s3.1.2; RFC 8474 s4.2. */
static void print_selected(struct imap_session *session, const struct imap_mailbox *name)
{
    struct imap_selected *selected = session->selected;
    struct mailbox *mailbox = selected->handle.mailbox;

    imap_selected_print_mailbox_flags(session);
    imap_respond_number(session->out, view_count(selected->view), "EXISTS");
    print_revision(session, name);
    print_number_code(session->out, "UIDVALIDITY", mailbox_uidvalidity(mailbox), "UIDs are valid");
    print_number_code(session->out, "UIDNEXT", mailbox_uidnext(mailbox), "Predicted next UID");
    imap_respond_code_begin(session->out, IMAP_UNTAGGED, IMAP_OK);
    imap_mailboxid_print(session->out, mailbox);
    imap_respond_code_end(session->out, "Its id for ever");
    imap_modseq_respond_highest(session);
}

/* All UIDs, as far as none were named (RFC 7162 section 3.2.5.1). */
static enum err known_uids(struct imap_session *session, struct imap_run *run,
                           struct uid_set *out_uids)
{
    const struct imap_select_args *args = run->args;
    uint32_t next = mailbox_uidnext(session->selected->handle.mailbox);
    struct uid_range *all;

    if (args->known_uids.count > 0)
        return imap_selected_resolve(session, run, &args->known_uids, true, out_uids);
    all = ARENA_NEW(&run->arena, struct uid_range);
    if (all == NULL)
        return ERR_LIMIT;
    *all = (struct uid_range){ 1, next - 1 };
    *out_uids = (struct uid_set){ all, next > 1 ? 1 : 0 };
    return ERR_OK;
}

/* The client's sample of numbers and UIDs cuts off what it knows of (RFC 7162 section 3.2.5.2). */
static enum err cut_matched(struct imap_session *session, struct imap_run *run,
                            struct uid_set *uids)
{
    const struct imap_select_args *args = run->args;
    struct uid_set_builder builder = uid_set_builder_make(&run->arena);
    struct imap_seqset seqnos;
    struct imap_seqset matches;
    uint32_t floor;

    if (args->match_uids.count == 0)
        return ERR_OK;
    if (!imap_seqset_resolve(&args->match_seqnos, 0, &run->arena, &seqnos) ||
        !imap_seqset_resolve(&args->match_uids, 0, &run->arena, &matches))
        return ERR_LIMIT;
    floor = imap_resync_matched(session->selected->view, &seqnos, &matches);
    for (uint32_t i = 0; i < uids->count; i++) {
        uint32_t first = uids->ranges[i].first > floor ? uids->ranges[i].first : floor + 1;

        if (first <= uids->ranges[i].last)
            uid_set_add(&builder, first, uids->ranges[i].last);
    }
    return uid_set_finish(&builder, uids) ? ERR_OK : ERR_LIMIT;
}

/* Nothing is told when the client's UIDs are those of another mailbox of that name (section 3.2.5).
 */
static enum err begin_resync(struct imap_session *session, struct imap_run *run)
{
    const struct imap_select_args *args = run->args;
    struct select_state *state;
    struct uid_set within;
    enum err err;

    if (!args->qresync ||
        args->uidvalidity != mailbox_uidvalidity(session->selected->handle.mailbox))
        return ERR_OK;
    state = imap_state_new(run, sizeof(*state));
    if (state == NULL)
        return ERR_LIMIT;
    state->walk.view = session->selected->view;
    state->walk.since = args->modseq;
    err = known_uids(session, run, &state->walk.uids);
    within = state->walk.uids;
    if (err == ERR_OK)
        err = cut_matched(session, run, &within);
    if (err == ERR_OK)
        err = imap_vanished_begin(session, run, within, args->modseq, &state->vanished);
    return err;
}

static enum imap_progress end_select(struct imap_session *session, struct imap_run *run)
{
    return session->selected->read_only ? imap_answer(run, IMAP_OK, "READ-ONLY", "EXAMINE done")
                                        : imap_answer(run, IMAP_OK, "READ-WRITE", "SELECT done");
}

/* A step of the resynchronisation: expunged first, so that the numbers of the others are true. */
static enum imap_progress resync(struct imap_session *session, struct imap_run *run)
{
    struct select_state *state = run->state;

    if (state->phase == SELECT_VANISHED) {
        if (!imap_vanished_print(session, &state->vanished))
            return IMAP_AGAIN;
        state->phase = SELECT_CHANGED;
    }
    imap_changed_begin_step(&state->walk, IMAP_ROWS_STEP);
    while (!imap_output_is_full(session)) {
        struct seqno seqno;
        struct row row;
        enum err err = imap_changed_next(&state->walk, &seqno, &row);

        if (err == ERR_NOT_FOUND)
            return end_select(session, run);
        if (err == ERR_LIMIT)
            break;
        imap_selected_tell_flags(session, seqno, &row);
    }
    return IMAP_AGAIN;
}

/* RFC 7162 sections 3.2.3, 3.2.11 */
static enum imap_progress open_mailbox(struct imap_session *session, struct imap_run *run,
                                       bool read_only)
{
    const struct imap_select_args *args = run->args;
    struct imap_handle handle;
    enum err err;

    if (args->qresync && !session->qresync)
        return imap_answer(run, IMAP_BAD, NULL, "Say ENABLE QRESYNC first");
    if (session->selected != NULL) {
        imap_selected_close(session->selected);
        session->selected = NULL;
        imap_respond(session->out, IMAP_UNTAGGED, IMAP_OK, "CLOSED", "Previous mailbox is closed");
    }
    err = imap_handle_open(session, &args->mailbox, &handle);
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_NO, "NONEXISTENT",
                           imap_name_refusal_text(args->mailbox.refusal));
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    session->condstore |= args->condstore;
    session->selected = imap_selected_open(session, handle, read_only);
    imap_selected_claim_recent(session);
    print_selected(session, &args->mailbox);
    err = begin_resync(session, run);
    if (err == ERR_OK && run->state == NULL)
        return end_select(session, run);
    if (err == ERR_OK)
        return IMAP_AGAIN;
    imap_selected_close(session->selected);
    session->selected = NULL;
    return imap_answer_err(run, err);
}

enum imap_progress imap_select_run(struct imap_session *session, struct imap_run *run)
{
    return run->state != NULL ? resync(session, run) : open_mailbox(session, run, false);
}

enum imap_progress imap_examine_run(struct imap_session *session, struct imap_run *run)
{
    return run->state != NULL ? resync(session, run) : open_mailbox(session, run, true);
}
