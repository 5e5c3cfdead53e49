/* RENAME (RFC 9051 section 6.3.6). */
#include "imap/cmd/runners.h"
#include "imap/handle.h"
#include "imap/wire/create.h"
#include "store/act.h"

enum imap_progress imap_rename_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_rename_args *args = run->args;
    struct origin origin = imap_origin(session);
    struct imap_handle handle;
    enum err err;

    if (args->to.refusal != IMAP_NAME_OK)
        return imap_answer(run, IMAP_NO, "CANNOT", imap_name_refusal_text(args->to.refusal));
    err = imap_handle_open(session, &args->from, &handle);
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_NO, "NONEXISTENT", imap_name_refusal_text(args->from.refusal));
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    err = act_mailbox_rename(handle.account, &origin, handle.mailbox, args->to.name);
    imap_handle_close(&handle);
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_NO, "CANNOT", "A mailbox cannot be moved into itself");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    return imap_answer(run, IMAP_OK, NULL, "RENAME done");
}
