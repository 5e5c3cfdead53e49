/* EXPUNGE (RFC 9051 section 6.4.3) and UID EXPUNGE (section 6.4.9, RFC 4315). The EXPUNGE responses
 * are the news that the session tells before the tagged answer. */
#include "imap/cmd/runners.h"
#include "imap/selected.h"
#include "imap/wire/copy.h"
#include "store/act.h"
#include "store/view.h"

struct expunge_state {
    struct uid_range all; /* of EXPUNGE */
    struct uid_set uids;
    uint32_t count;
};

static enum imap_progress answer(struct imap_run *run, enum err err)
{
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    return imap_answer(run, IMAP_OK, NULL, "EXPUNGE done");
}

/* The set of run->state. */
static enum imap_progress expunge(struct imap_session *session, struct imap_run *run)
{
    struct imap_selected *selected = session->selected;
    struct origin origin = imap_origin(session);
    struct expunge_state *state = run->state;
    enum err err;

    if (selected->read_only)
        return imap_answer(run, IMAP_NO, "READ-ONLY", "Mailbox is open read-only");
    if (imap_selected_is_lost(session, run))
        return IMAP_ENDED;
    if (state->uids.count == 0)
        return imap_answer(run, IMAP_OK, NULL, "Nothing to expunge");
    err = act_expunge(selected->handle.mailbox, &origin, state->uids, true, &state->count);
    return err == ERR_BUSY ? imap_act_begun(session, run) : answer(run, err);
}

/* The act goes on, or has ended. */
static enum imap_progress end(struct imap_run *run)
{
    enum err err = imap_act_end(run);

    return err == ERR_BUSY ? IMAP_BLOCKED : answer(run, err);
}

enum imap_progress imap_expunge_run(struct imap_session *session, struct imap_run *run)
{
    struct expunge_state *state;

    if (run->act != NULL)
        return end(run);
    state = imap_state_new(run, sizeof(*state));
    if (state == NULL)
        return imap_answer_err(run, ERR_LIMIT);
    state->all = (struct uid_range){ 1, view_uid_last(session->selected->view) };
    state->uids = (struct uid_set){ &state->all, state->all.last > 0 ? 1 : 0 };
    return expunge(session, run);
}

/* RFC 7162 s3.2.9 */
enum imap_progress imap_uid_expunge_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_expunge_args *args = run->args;
    struct expunge_state *state;
    enum err err;

    if (run->act != NULL)
        return end(run);
    state = imap_state_new(run, sizeof(*state));
    if (state == NULL)
        return imap_answer_err(run, ERR_LIMIT);
    err = imap_selected_resolve(session, run, &args->set, true, &state->uids);
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    return expunge(session, run);
}
