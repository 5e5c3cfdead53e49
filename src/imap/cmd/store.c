/* STORE and UID STORE (RFC 9051 section 6.4.6): one change, then the new flags message by message.
 */
#include "imap/wire/store.h"
#include "imap/cmd/runners.h"
#include "imap/flags.h"
#include "imap/news.h"
#include "imap/selected.h"
#include "store/act.h"
#include "store/mailbox.h"
#include "store/view.h"

enum store_phase {
    STORE_HEAR, /* what others did is told first, so that hiding our own hides nothing else */
    STORE_TELL,
};

struct store_state {
    enum store_phase phase;
    struct uid_set uids;
    uint32_t range; /* the one being told */
    uint32_t next_uid; /* in it; 0: not begun */
    bool gone; /* some were expunged elsewhere (RFC 5530, EXPUNGEISSUED) */
};

static enum err change_flags(struct imap_session *session, struct imap_run *run,
                             struct store_state *state)
{
    static const enum flag_mode modes[] = {
        [IMAP_STORE_REPLACE] = FLAGS_REPLACE,
        [IMAP_STORE_ADD] = FLAGS_ADD,
        [IMAP_STORE_REMOVE] = FLAGS_REMOVE,
    };
    const struct imap_store_args *args = run->args;
    struct imap_selected *selected = session->selected;
    struct origin origin = imap_origin(session);
    struct flag_act act = {
        .uids = state->uids,
        .mode = modes[args->act],
        .flags = imap_flag_names(&args->flags),
        .unchanged_since = UINT64_MAX,
    };
    struct flag_result result;
    enum err err = act_flags(selected->handle.mailbox, &origin, &act, &run->arena, &result);

    if (err == ERR_OK)
        run->silent = result.modseq;
    return err;
}

static enum imap_progress begin(struct imap_session *session, struct imap_run *run)
{
    const struct imap_store_args *args = run->args;
    struct store_state *state = imap_state_new(run, sizeof(*state));
    enum err err;

    if (state == NULL)
        return imap_answer_err(run, ERR_LIMIT);
    err = imap_selected_resolve(session, run, &args->set, run->command.uid, &state->uids);
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_BAD, NULL, "No message has that sequence number");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    state->gone = !run->command.uid && imap_selected_any_is_gone(session->selected, state->uids);
    return IMAP_AGAIN;
}

static enum imap_progress change(struct imap_session *session, struct imap_run *run,
                                 struct store_state *state)
{
    enum err err;

    if (imap_news_gather(session, run->silent, true))
        return IMAP_AGAIN;
    err = change_flags(session, run, state);
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    state->phase = STORE_TELL;
    (void)imap_news_gather(session, run->silent, true); /* new keywords */
    return IMAP_AGAIN;
}

static void tell(struct imap_session *session, const struct imap_run *run, struct seqno seqno,
                 const struct row *row)
{
    if (view_row_is_gone(session->selected->view, row->uid))
        return;
    buf_add(session->out, BYTES("* "));
    buf_add_number(session->out, seqno.value);
    buf_add(session->out, BYTES(" FETCH ("));
    if (run->command.uid) {
        buf_add(session->out, BYTES("UID "));
        buf_add_number(session->out, row->uid.value);
        buf_add_byte(session->out, ' ');
    }
    imap_selected_print_flags(session, row);
    buf_add(session->out, BYTES(")\r\n"));
}

/* Tells one range from state->next_uid on; true when it is through. */
static bool tell_range(struct imap_session *session, const struct imap_run *run,
                       struct store_state *state)
{
    const struct view *view = session->selected->view;
    const struct uid_range *range = &state->uids.ranges[state->range];
    struct uid from = { state->next_uid > range->first ? state->next_uid : range->first };
    uint32_t seqno = view_seqno_from(view, from).value;
    struct row row;

    for (; seqno <= view_count(view); seqno++) {
        view_row(view, (struct seqno){ seqno }, &row);
        if (row.uid.value > range->last)
            break;
        state->next_uid = row.uid.value;
        if (imap_output_is_full(session))
            return false;
        tell(session, run, (struct seqno){ seqno }, &row);
    }
    state->next_uid = 0;
    return true;
}

enum imap_progress imap_store_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_store_args *args = run->args;
    struct store_state *state = run->state;

    if (session->selected->read_only)
        return imap_answer(run, IMAP_NO, "READ-ONLY", "Mailbox is open read-only");
    if (args->has_unchanged_since)
        return imap_answer(run, IMAP_BAD, NULL, "CONDSTORE is not announced here");
    if (state == NULL && imap_selected_is_lost(session, run))
        return IMAP_ENDED;
    if (state == NULL) {
        enum imap_progress progress = begin(session, run);

        if (progress == IMAP_ENDED)
            return progress;
        state = run->state;
    }
    if (state->phase == STORE_HEAR) {
        enum imap_progress progress = change(session, run, state);

        if (progress == IMAP_ENDED || imap_news_are_waiting(session))
            return progress;
    }
    for (; !args->silent && state->range < state->uids.count; state->range++)
        if (!tell_range(session, run, state))
            return IMAP_AGAIN;
    if (state->gone)
        return imap_answer(run, IMAP_NO, "EXPUNGEISSUED", "Some messages are gone");
    return imap_answer(run, IMAP_OK, NULL, "STORE done");
}
