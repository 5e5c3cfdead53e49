/* CLOSE (RFC 9051 section 6.4.1) expunges and leaves; UNSELECT (section 6.4.2) only leaves. */
#include "imap/cmd/runners.h"
#include "imap/selected.h"
#include "store/act.h"
#include "store/mailbox.h"
#include "store/view.h"

/* RFC 7162 s3.2.8 */
static enum imap_progress leave(struct imap_session *session, struct imap_run *run)
{
    imap_selected_close(session->selected);
    session->selected = NULL;
    return imap_answer(run, IMAP_OK, NULL, "No mailbox is selected now");
}

enum imap_progress imap_unselect_run(struct imap_session *session, struct imap_run *run)
{
    return leave(session, run);
}

/* RFC 7162 s3.2.8 */
enum imap_progress imap_close_run(struct imap_session *session, struct imap_run *run)
{
    struct imap_selected *selected = session->selected;
    struct uid_range all = { 1, view_uid_last(selected->view) };
    struct origin origin = imap_origin(session);
    uint32_t count;
    enum err err;

    if (selected->read_only || all.last == 0 || mailbox_is_deleted(selected->handle.mailbox))
        return leave(session, run);
    err = act_expunge(selected->handle.mailbox, &origin, (struct uid_set){ &all, 1 }, true, &count);
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    return leave(session, run);
}
