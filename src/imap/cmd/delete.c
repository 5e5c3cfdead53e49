/* DELETE (RFC 9051 section 6.3.5). */
#include "imap/cmd/runners.h"
#include "imap/handle.h"
#include "imap/listing.h"
#include "imap/wire/list.h"
#include "imap/wire/mailbox.h"
#include "store/act.h"

/* Of a name that is no mailbox: what LIST shows as \Noselect. */
static bool has_children(const struct imap_session *session, struct bytes name)
{
    return (imap_listing_attributes(session->account, name) & IMAP_ATTRIBUTE_HAS_CHILDREN) != 0;
}

static enum imap_progress answer(struct imap_session *session, struct imap_run *run, enum err err)
{
    const struct imap_mailbox_args *args = run->args;

    if (err == ERR_BUSY)
        return run->act == NULL ? imap_act_begun(session, run) : IMAP_BLOCKED;
    if (err == ERR_DENIED)
        return imap_answer(run, IMAP_NO, "CANNOT", "INBOX cannot be deleted");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    imap_listing_tell_name(session, &args->mailbox);
    return imap_answer(run, IMAP_OK, NULL, "DELETE done");
}

/* The subscription is another matter, and stays (RFC 9051 s6.3.7). */
enum imap_progress imap_delete_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_mailbox_args *args = run->args;
    struct origin origin = imap_origin(session);
    struct imap_handle handle;
    enum err err;

    if (run->act != NULL)
        return answer(session, run, imap_act_end(run));
    err = imap_handle_open(session, &args->mailbox, &handle);
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_NO, "NONEXISTENT",
                           imap_name_refusal_text(args->mailbox.refusal));
    if (err == ERR_NOT_FOUND && has_children(session, args->mailbox.name))
        return imap_answer(run, IMAP_NO, "NONEXISTENT",
                           "Only mailboxes below it exist: delete them");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    err = act_mailbox_delete(handle.account, &origin, handle.mailbox);
    imap_handle_close(&handle);
    return answer(session, run, err);
}
