/* EXPUNGE (RFC 9051 section 6.4.3) and UID EXPUNGE (section 6.4.9, RFC 4315). The EXPUNGE responses
 * are the news that the session tells before the tagged answer. */
#include "imap/cmd/runners.h"
#include "imap/selected.h"
#include "imap/wire/copy.h"
#include "store/act.h"
#include "store/view.h"

static enum imap_progress expunge(struct imap_session *session, struct imap_run *run,
                                  struct uid_set uids)
{
    struct imap_selected *selected = session->selected;
    struct origin origin = imap_origin(session);
    uint32_t count;
    enum err err;

    if (selected->read_only)
        return imap_answer(run, IMAP_NO, "READ-ONLY", "Mailbox is open read-only");
    if (imap_selected_is_lost(session, run))
        return IMAP_ENDED;
    if (uids.count == 0)
        return imap_answer(run, IMAP_OK, NULL, "Nothing to expunge");
    err = act_expunge(selected->handle.mailbox, &origin, uids, true, &count);
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    return imap_answer(run, IMAP_OK, NULL, "EXPUNGE done");
}

enum imap_progress imap_expunge_run(struct imap_session *session, struct imap_run *run)
{
    struct uid_range all = { 1, view_uid_last(session->selected->view) };

    return expunge(session, run, (struct uid_set){ &all, all.last > 0 ? 1 : 0 });
}

/* RFC 7162 s3.2.9 */
enum imap_progress imap_uid_expunge_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_expunge_args *args = run->args;
    struct uid_set uids;
    enum err err = imap_selected_resolve(session, run, &args->set, true, &uids);

    if (err != ERR_OK)
        return imap_answer_err(run, err);
    return expunge(session, run, uids);
}
