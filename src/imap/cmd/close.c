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

struct close_state {
    struct uid_range all;
    uint32_t count;
};

/* RFC 7162 s3.2.8 */
static enum err expunge(struct imap_session *session, struct imap_run *run)
{
    struct imap_selected *selected = session->selected;
    struct close_state *state = imap_state_new(run, sizeof(*state));
    struct origin origin = imap_origin(session);

    if (state == NULL)
        return ERR_LIMIT;
    state->all = (struct uid_range){ 1, view_uid_last(selected->view) };
    if (selected->read_only || state->all.last == 0 || mailbox_is_deleted(selected->handle.mailbox))
        return ERR_OK;
    return act_expunge(selected->handle.mailbox, &origin, (struct uid_set){ &state->all, 1 }, true,
                       &state->count);
}

/* RFC 7162 s3.2.8 */
enum imap_progress imap_close_run(struct imap_session *session, struct imap_run *run)
{
    enum err err = run->act == NULL ? expunge(session, run) : imap_act_end(run);

    if (err == ERR_BUSY)
        return run->act == NULL ? imap_act_begun(session, run) : IMAP_BLOCKED;
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    return leave(session, run);
}
