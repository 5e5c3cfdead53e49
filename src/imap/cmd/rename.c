/* RENAME (RFC 9051 section 6.3.6). */
#include "imap/cmd/runners.h"
#include "imap/handle.h"
#include "imap/listing.h"
#include "imap/wire/create.h"
#include "imap/wire/list.h"
#include "store/account.h"
#include "store/act.h"

/* When a name was spelled otherwise than the server does: by what name the mailbox went, and by
 * which it goes now (RFC 9051 section 6.3.6). */
static void tell_names(struct imap_session *session, const struct imap_rename_args *args)
{
    struct imap_list_response list = { .name = args->to.name, .old_name = args->from.given };

    if (!session->grammar.rev2 || (bytes_equal(args->from.given, args->from.name) &&
                                   bytes_equal(args->to.given, args->to.name)))
        return;
    list.attributes = imap_listing_attributes(session->account, args->to.name);
    imap_list_response_print(session->out, &session->grammar, &list);
}

static bool is_below(struct bytes name, struct bytes parent)
{
    return bytes_starts_with(name, parent) && name.len > parent.len &&
           name.at[parent.len] == IMAP_DELIMITER;
}

static enum imap_progress answer(struct imap_session *session, struct imap_run *run, enum err err)
{
    const struct imap_rename_args *args = run->args;

    if (err == ERR_BUSY)
        return run->act == NULL ? imap_act_begun(session, run) : IMAP_BLOCKED;
    if (err == ERR_INVALID && is_below(args->to.name, args->from.name))
        return imap_answer(run, IMAP_NO, "CANNOT", "A mailbox cannot be moved into itself");
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_NO, "LIMIT",
                           "The name of a mailbox below it would be too long or too deep");
    if (err == ERR_LIMIT)
        return imap_answer_limit(run, account_mailboxes_max(session->account),
                                 "mailboxes in one account");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    tell_names(session, args);
    return imap_answer(run, IMAP_OK, NULL, "RENAME done");
}

enum imap_progress imap_rename_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_rename_args *args = run->args;
    struct origin origin = imap_origin(session);
    struct imap_handle handle;
    enum err err;

    if (run->act != NULL)
        return answer(session, run, imap_act_end(run));
    if (args->to.refusal != IMAP_NAME_OK)
        return imap_answer_name(session, run, &args->to);
    err = imap_handle_open(session, &args->from, &handle);
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_NO, "NONEXISTENT", imap_name_refusal_text(args->from.refusal));
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    err = act_mailbox_rename(handle.account, &origin, handle.mailbox, args->to.name);
    imap_handle_close(&handle);
    return answer(session, run, err);
}
