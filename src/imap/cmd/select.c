/* SELECT and EXAMINE (RFC 9051 sections 6.3.2 and 6.3.3; RFC 3501 section 6.3.1). */
#include "imap/wire/select.h"
#include "imap/cmd/runners.h"
#include "imap/listing.h"
#include "imap/selected.h"
#include "imap/status.h"
#include "imap/wire/list.h"
#include "store/mailbox.h"
#include "store/view.h"

/* The first message without \Seen; 0 when all have it. */
static uint32_t first_unseen(const struct imap_selected *selected)
{
    uint32_t count = view_count(selected->view);
    struct mailbox_counts counts;
    struct view_rows rows;

    mailbox_counts(selected->handle.mailbox, &counts);
    if (counts.unseen == 0)
        return 0;
    for (uint32_t seqno = 1; seqno <= count; seqno += rows.count) {
        view_rows(selected->view, (struct seqno){ seqno }, &rows);
        for (uint32_t i = 0; i < rows.count; i++)
            if ((rows.flags[i] & FLAG_SEEN) == 0)
                return seqno + i;
    }
    return 0;
}

static void print_number_code(struct buf *out, const char *code, uint64_t number, const char *text)
{
    imap_respond_code_begin(out, IMAP_UNTAGGED, IMAP_OK);
    buf_add_string(out, code);
    buf_add_byte(out, ' ');
    buf_add_number(out, number);
    imap_respond_code_end(out, text);
}

/* What only one of the two revisions has. */
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
}

static enum imap_progress open_mailbox(struct imap_session *session, struct imap_run *run,
                                       bool read_only)
{
    const struct imap_select_args *args = run->args;
    struct imap_handle handle;
    enum err err;

    if (args->condstore || args->qresync)
        return imap_answer(run, IMAP_BAD, NULL, "CONDSTORE and QRESYNC are not announced here");
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
    session->selected = imap_selected_open(session, handle, read_only);
    imap_selected_claim_recent(session);
    print_selected(session, &args->mailbox);
    return read_only ? imap_answer(run, IMAP_OK, "READ-ONLY", "EXAMINE done")
                     : imap_answer(run, IMAP_OK, "READ-WRITE", "SELECT done");
}

enum imap_progress imap_select_run(struct imap_session *session, struct imap_run *run)
{
    return open_mailbox(session, run, false);
}

enum imap_progress imap_examine_run(struct imap_session *session, struct imap_run *run)
{
    return open_mailbox(session, run, true);
}
