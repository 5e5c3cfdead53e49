/* SUBSCRIBE (RFC 9051 section 6.3.7) and UNSUBSCRIBE (section 6.3.8): of names, existing or not. */
#include "imap/cmd/runners.h"
#include "imap/wire/mailbox.h"
#include "store/account.h"
#include "store/act.h"

static enum imap_progress subscribe(struct imap_session *session, struct imap_run *run,
                                    bool subscribed)
{
    const struct imap_mailbox_args *args = run->args;
    struct origin origin = imap_origin(session);
    enum err err;

    if (args->mailbox.refusal != IMAP_NAME_OK)
        return imap_answer_name(session, run, &args->mailbox);
    err = act_subscribe(session->account, &origin, args->mailbox.name, subscribed);
    if (err == ERR_LIMIT)
        return imap_answer_limit(run, 2 * (uint64_t)account_mailboxes_max(session->account),
                                 "subscriptions in one account");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    return imap_answer(run, IMAP_OK, NULL, subscribed ? "SUBSCRIBE done" : "UNSUBSCRIBE done");
}

enum imap_progress imap_subscribe_run(struct imap_session *session, struct imap_run *run)
{
    return subscribe(session, run, true);
}

enum imap_progress imap_unsubscribe_run(struct imap_session *session, struct imap_run *run)
{
    return subscribe(session, run, false);
}
