/* CREATE (RFC 9051 section 6.3.4) with USE (RFC 6154 section 3). */
#include "imap/wire/create.h"
#include "imap/cmd/runners.h"
#include "imap/listing.h"
#include "imap/special_use.h"
#include "imap/status.h"
#include "store/account.h"
#include "store/act.h"

/* RFC 8474 s4.1 */
enum imap_progress imap_create_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_create_args *args = run->args;
    struct origin origin = imap_origin(session);
    struct mailbox *mailbox;
    enum err err;

    if (args->mailbox.refusal != IMAP_NAME_OK)
        return imap_answer_name(session, run, &args->mailbox);
    if (args->unknown_use)
        return imap_answer(run, IMAP_NO, "USEATTR", "Unknown special use");
    err = act_mailbox_create(session->account, &origin, args->mailbox.name,
                             imap_special_use_to_store(args->special_use), &mailbox);
    if (err == ERR_CONFLICT)
        return imap_answer(run, IMAP_NO, "USEATTR", "Another mailbox has that special use");
    if (err == ERR_LIMIT)
        return imap_answer_limit(run, account_mailboxes_max(session->account),
                                 "mailboxes in one account");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    imap_listing_tell_name(session, &args->mailbox);
    imap_mailboxid_print(&run->code, mailbox);
    return imap_answer(run, IMAP_OK, NULL, "CREATE done");
}
