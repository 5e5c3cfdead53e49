/* STORE and UID STORE (RFC 9051 section 6.4.6; RFC 7162 section 3.1.3): one change, then the new
 * flags message by message. */
#include "imap/wire/store.h"
#include "imap/cmd/runners.h"
#include "imap/flags.h"
#include "imap/modseq.h"
#include "imap/news.h"
#include "imap/selected.h"
#include "store/account.h"
#include "store/act.h"
#include "store/mailbox.h"
#include "store/uid_set.h"
#include "store/view.h"

enum store_phase {
    STORE_HEAR, /* what others did is told first, so that hiding our own hides nothing else */
    STORE_TELL,
};

struct store_state {
    enum store_phase phase;
    struct uid_set uids;
    struct flag_result result; /* `modified`: left alone, as changed after UNCHANGEDSINCE */
    uint32_t range; /* of `uids`, the one being told */
    uint32_t modified_range; /* of `modified`, the one being named */
    uint32_t next_uid; /* in either; 0: not begun */
    struct imap_seqset_printer printer; /* of MODIFIED */
    int left; /* messages that may be looked at in this step */
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
        .unchanged_since = args->has_unchanged_since ? args->unchanged_since : UINT64_MAX,
    };

    return act_flags(selected->handle.mailbox, &origin, &act, &run->arena, &state->result);
}

static enum imap_progress begin(struct imap_session *session, struct imap_run *run)
{
    const struct imap_store_args *args = run->args;
    struct store_state *state = imap_state_new(run, sizeof(*state));
    enum err err;

    if (state == NULL)
        return imap_answer_err(run, ERR_LIMIT);
    if (args->has_unchanged_since)
        imap_modseq_enable(session);
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

    if (run->act == NULL && imap_news_gather(session, run->silent, true))
        return IMAP_AGAIN;
    err = run->act == NULL ? change_flags(session, run, state) : imap_act_end(run);
    if (err == ERR_BUSY)
        return run->act == NULL ? imap_act_begun(session, run) : IMAP_BLOCKED;
    if (err == ERR_LIMIT)
        return imap_answer_limit(run, account_keywords_max(session->account),
                                 "keywords in one mailbox");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    run->silent = state->result.modseq;
    state->phase = STORE_TELL;
    (void)imap_news_gather(session, run->silent, true); /* new keywords */
    return IMAP_AGAIN;
}

/* With .SILENT: the new MODSEQ to who knows of these, and what it was that the condition met
 * (RFC 7162 section 3.1.3, examples 3 and 10). */
static bool is_told(const struct imap_session *session, const struct imap_run *run,
                    const struct store_state *state, const struct row *row)
{
    const struct imap_store_args *args = run->args;
    bool changed = run->silent.value != 0 && row->modseq.value == run->silent.value;

    if (view_row_is_gone(session->selected->view, row->uid))
        return false;
    return !args->silent ||
           (session->condstore && (changed || uid_set_has(state->result.modified, row->uid.value)));
}

/* RFC 7162 s3.2.4 */
static void tell(struct imap_session *session, const struct imap_run *run,
                 const struct store_state *state, struct seqno seqno, const struct row *row)
{
    const struct imap_store_args *args = run->args;
    bool has_flags = !args->silent || uid_set_has(state->result.modified, row->uid.value);

    if (!is_told(session, run, state, row))
        return;
    buf_add(session->out, BYTES("* "));
    buf_add_number(session->out, seqno.value);
    buf_add(session->out, BYTES(" FETCH ("));
    if (run->command.uid || session->condstore) {
        buf_add(session->out, BYTES("UID "));
        buf_add_number(session->out, row->uid.value);
        buf_add_byte(session->out, ' ');
    }
    if (session->condstore)
        imap_modseq_print(session, row);
    if (session->condstore && has_flags)
        buf_add_byte(session->out, ' ');
    if (has_flags)
        imap_selected_print_flags(session, row);
    buf_add(session->out, BYTES(")\r\n"));
}

/* Tells one range from state->next_uid on; true when it is through, false when the step is. */
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
        if (imap_output_is_full(session) || state->left == 0)
            return false;
        state->left--;
        tell(session, run, state, (struct seqno){ seqno }, &row);
    }
    state->next_uid = 0;
    return true;
}

/* Names one range of MODIFIED as the command named messages; true when it is through. Those that
 * are gone by now have no number. */
static bool name_range(const struct imap_session *session, const struct imap_run *run,
                       struct store_state *state)
{
    const struct uid_range *range = &state->result.modified.ranges[state->modified_range];
    uint32_t uid = state->next_uid > range->first ? state->next_uid : range->first;

    for (; uid <= range->last; uid++) {
        struct seqno seqno;

        state->next_uid = uid;
        if (state->left == 0)
            return false;
        state->left--;
        seqno = view_seqno(session->selected->view, (struct uid){ uid });
        imap_seqset_printer_add(&state->printer, run->command.uid ? uid : seqno.value);
    }
    state->next_uid = 0;
    return true;
}

/* The code of MODIFIED. Some of it; true when it is whole. */
static bool print_modified(const struct imap_session *session, struct imap_run *run,
                           struct store_state *state)
{
    if (state->printer.out == NULL) {
        state->printer = imap_seqset_printer_make(&run->code);
        buf_add(&run->code, BYTES("MODIFIED "));
    }
    for (; state->modified_range < state->result.modified.count; state->modified_range++)
        if (!name_range(session, run, state))
            return false;
    imap_seqset_printer_end(&state->printer);
    return true;
}

static enum imap_progress end_store(const struct imap_session *session, struct imap_run *run,
                                    struct store_state *state)
{
    bool modified = state->result.modified.count > 0;

    if (modified && !print_modified(session, run, state))
        return IMAP_AGAIN;
    if (state->gone)
        return imap_answer(run, IMAP_NO, modified ? NULL : "EXPUNGEISSUED",
                           "Some messages are gone");
    return imap_answer(run, IMAP_OK, NULL,
                       modified ? "Some messages were changed by others" : "STORE done");
}

enum imap_progress imap_store_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_store_args *args = run->args;
    struct store_state *state = run->state;

    if (session->selected->read_only)
        return imap_answer(run, IMAP_NO, "READ-ONLY", "Mailbox is open read-only");
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

        if (progress != IMAP_AGAIN || imap_news_are_waiting(session))
            return progress;
    }
    state->left = IMAP_MESSAGES_STEP;
    for (; (!args->silent || session->condstore) && state->range < state->uids.count;
         state->range++)
        if (!tell_range(session, run, state))
            return IMAP_AGAIN;
    return end_store(session, run, state);
}
