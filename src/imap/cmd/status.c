/* STATUS (RFC 9051 section 6.3.11; RFC 7162 section 3.1.7). */
#include "imap/status.h"

#include "imap/cmd/runners.h"
#include "imap/handle.h"
#include "imap/modseq.h"
#include "imap/wire/status.h"

/* RFC 3501 s6.3.10 */
enum imap_progress imap_status_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_status_args *args = run->args;
    struct imap_handle handle;
    enum err err;

    if ((args->atts & IMAP_STATUS_HIGHESTMODSEQ) != 0)
        imap_modseq_enable(session);
    err = imap_handle_open(session, &args->mailbox, &handle);
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_NO, "NONEXISTENT",
                           imap_name_refusal_text(args->mailbox.refusal));
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    imap_status_print(session, handle.mailbox, args->atts);
    imap_handle_close(&handle);
    return imap_answer(run, IMAP_OK, NULL, "STATUS done");
}
