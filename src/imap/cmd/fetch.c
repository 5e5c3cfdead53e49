/* FETCH and UID FETCH (RFC 9051 section 6.4.5; RFC 7162 sections 3.1.4 and 3.2.6), in steps:
 * message by message, item by item. */
#include "imap/fetch.h"

#include "imap/cmd/runners.h"
#include "imap/modseq.h"
#include "imap/news.h"
#include "imap/resync.h"
#include "imap/selected.h"
#include "store/act.h"
#include "store/body.h"
#include "store/mailbox.h"
#include "store/uid_set.h"
#include "store/view.h"

enum fetch_phase {
    FETCH_HEAR, /* what others did is told before \Seen is set: our own change hides nothing */
    FETCH_VANISHED,
    FETCH_MESSAGES,
};

struct fetch_state {
    enum fetch_phase phase;
    struct uid_set uids;
    struct flag_result seen; /* of the change that set \Seen */
    struct imap_changed_walk walk; /* over them */
    struct imap_vanished vanished;
    struct row row; /* the message at hand; uid 0: none */
    struct seqno seqno;
    uint32_t att; /* items of it that are done */
    bool has_uid; /* UID is among the items asked for */
    bool has_flags;
    bool has_modseq;
    uint32_t summary_atts; /* items up to the last one that needs the summary */
    const struct header_names *kept; /* for each item; without names: it is none of those */
    bool has_summary; /* of the message at hand, for now */
    struct summary summary;
    struct imap_stream stream;
    const char *trouble_code; /* of the first message that could not be answered in full */
    const char *trouble;
    enum err trouble_err;
};

/* RFC 9051 s7.5.2; RFC 3516 s4.3. */
static void note_trouble(struct fetch_state *state, enum err err)
{
    if (state->trouble != NULL)
        return;
    state->trouble_err = err;
    if (err == ERR_NOT_FOUND) {
        state->trouble_code = "EXPUNGEISSUED";
        state->trouble = "Some messages are gone";
    } else if (err == ERR_UNSUPPORTED) {
        state->trouble_code = "UNKNOWN-CTE";
        state->trouble = "The encoding of that part is unknown";
    } else if (err == ERR_CORRUPT) {
        state->trouble_code = "CORRUPTION";
        state->trouble = "Some messages are damaged on the disk; it was reported";
    } else {
        state->trouble_code = "UNAVAILABLE";
        state->trouble = "Some messages cannot be read now, try later";
    }
}

static bool sets_seen(const struct imap_fetch_args *args)
{
    for (uint32_t i = 0; i < args->att_count; i++)
        if (!args->atts[i].peek)
            return true;
    return false;
}

/* One change for the whole command; the messages it changed tell their FLAGS with the rest. When it
 * cannot be written (a full disk) the mail is readable all the same. */
static enum err set_seen(struct imap_session *session, struct imap_run *run,
                         struct fetch_state *state)
{
    struct origin origin = imap_origin(session);
    struct flag_act act = {
        .uids = state->uids,
        .mode = FLAGS_ADD,
        .flags = { .flags = FLAG_SEEN },
        .unchanged_since = UINT64_MAX,
    };

    if (run->act != NULL)
        return imap_act_end(run);
    return act_flags(session->selected->handle.mailbox, &origin, &act, &run->arena, &state->seen);
}

static bool asks_for(const struct imap_fetch_args *args, enum imap_fetch_kind kind)
{
    for (uint32_t i = 0; i < args->att_count; i++)
        if (args->atts[i].kind == kind)
            return true;
    return false;
}

/* What can be known of the items before the first message. False: the arena is over budget. */
static bool plan(struct imap_run *run, struct fetch_state *state)
{
    const struct imap_fetch_args *args = run->args;
    struct header_names *kept = ARENA_NEW_ARRAY(&run->arena, struct header_names, args->att_count);

    if (kept == NULL)
        return false;
    for (uint32_t i = 0; i < args->att_count; i++) {
        if (imap_fetch_needs_summary(&args->atts[i]))
            state->summary_atts = i + 1;
        if (!imap_fetch_is_kept(&run->arena, &args->atts[i], &kept[i]))
            kept[i].names = NULL;
    }
    state->kept = kept;
    state->has_uid = asks_for(args, IMAP_FETCH_UID);
    state->has_flags = asks_for(args, IMAP_FETCH_FLAGS);
    state->has_modseq = asks_for(args, IMAP_FETCH_MODSEQ);
    return true;
}

static enum imap_progress begin(struct imap_session *session, struct imap_run *run)
{
    const struct imap_fetch_args *args = run->args;
    struct fetch_state *state = imap_state_new(run, sizeof(*state));
    enum err err;

    if (args->vanished && (!run->command.uid || !session->qresync))
        return imap_answer(run, IMAP_BAD, NULL, "VANISHED is for UID FETCH, after ENABLE QRESYNC");
    if (state == NULL || !plan(run, state))
        return imap_answer_err(run, ERR_LIMIT);
    if (state->has_modseq || args->has_changed_since)
        imap_modseq_enable(session);
    err = imap_selected_resolve(session, run, &args->set, run->command.uid, &state->uids);
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_BAD, NULL, "No message has that sequence number");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    if (args->vanished)
        err = imap_vanished_begin(session, run, state->uids, args->changed_since, &state->vanished);
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    if (!sets_seen(args) || session->selected->read_only || state->uids.count == 0)
        state->phase = FETCH_VANISHED;
    return IMAP_AGAIN;
}

/* Those of the set that the command is about: \Seen is not set on the others. */
static enum err keep_changed(const struct imap_session *session, struct imap_run *run,
                             struct uid_set *uids)
{
    const struct imap_fetch_args *args = run->args;
    struct uid_set_builder builder = uid_set_builder_make(&run->arena);
    struct imap_changed_walk walk = { .view = session->selected->view,
                                      .uids = *uids,
                                      .since = args->changed_since,
                                      .budget = UINT32_MAX };
    struct seqno seqno;
    struct row row;

    if (!args->has_changed_since)
        return ERR_OK;
    while (imap_changed_next(&walk, &seqno, &row) == ERR_OK)
        uid_set_add(&builder, row.uid.value, row.uid.value);
    return uid_set_finish(&builder, uids) ? ERR_OK : ERR_LIMIT;
}

static enum imap_progress hear(struct imap_session *session, struct imap_run *run,
                               struct fetch_state *state)
{
    enum err err = ERR_OK;

    if (run->act == NULL) {
        if (imap_news_gather(session, run->silent, true))
            return IMAP_AGAIN;
        err = keep_changed(session, run, &state->uids);
    }
    if (err == ERR_OK)
        err = set_seen(session, run, state);
    if (err == ERR_BUSY)
        return run->act == NULL ? imap_act_begun(session, run) : IMAP_BLOCKED;
    if (err == ERR_OK) {
        run->silent = state->seen.modseq;
        (void)imap_news_gather(session, run->silent, true);
    }
    state->phase = FETCH_VANISHED;
    return IMAP_AGAIN;
}

static void end_message(struct fetch_state *state)
{
    state->row.uid.value = 0;
    state->att = 0;
}

/* True for a message that this command has set \Seen on, when that says more than its FLAGS (RFC
 * 7162 section 3.2.4). */
static bool says_change(const struct imap_session *session, const struct imap_run *run,
                        const struct fetch_state *state)
{
    return session->condstore && run->silent.value != 0 &&
           state->row.modseq.value == run->silent.value;
}

/* RFC 9051 s2.3.1.1, s6.4.9. */
static void open_line(struct imap_session *session, const struct imap_run *run,
                      struct fetch_state *state)
{
    session->line_open = true;
    buf_add(session->out, BYTES("* "));
    buf_add_number(session->out, state->seqno.value);
    buf_add(session->out, BYTES(" FETCH ("));
    if (!state->has_uid && (run->command.uid || says_change(session, run, state))) {
        buf_add(session->out, BYTES("UID "));
        buf_add_number(session->out, state->row.uid.value);
        buf_add_byte(session->out, ' ');
    }
}

static void close_line(struct imap_session *session, const struct imap_run *run,
                       const struct fetch_state *state)
{
    const struct imap_fetch_args *args = run->args;

    if (!state->has_flags && run->silent.value != 0 &&
        state->row.modseq.value == run->silent.value) {
        buf_add_byte(session->out, ' ');
        imap_selected_print_flags(session, &state->row);
    }
    if (!state->has_modseq && (args->has_changed_since || says_change(session, run, state))) {
        buf_add_byte(session->out, ' ');
        imap_modseq_print(session, &state->row);
    }
    buf_add(session->out, BYTES(")\r\n"));
    session->line_open = false;
}

static enum err bring_summary(struct imap_session *session, struct fetch_state *state)
{
    enum err err = ERR_OK;

    if (!state->has_summary)
        err = body_summary(session->account, state->row.body, session->waker, &state->summary);
    state->has_summary = err == ERR_OK;
    return err;
}

/* The summary, when any item needs it; asked for before the line is begun. */
static enum err prepare(struct imap_session *session, struct fetch_state *state)
{
    return state->att < state->summary_atts ? bring_summary(session, state) : ERR_OK;
}

/* A stream that broke off cannot be mended: the client counts on the bytes announced. */
static enum imap_progress break_off(struct imap_session *session, struct imap_run *run,
                                    enum err err)
{
    imap_session_bye(session, err == ERR_CORRUPT ? "Stored data is damaged; it was reported"
                                                 : "The mail store failed, try later");
    return imap_answer_err(run, err);
}

/* True: it is out, or (ERR_BUSY) must wait. Else the section itself must be looked at. */
static bool print_kept(struct imap_session *session, struct fetch_state *state,
                       const struct imap_fetch_att *att, enum err *out_err)
{
    const struct header_names *names = &state->kept[state->att];

    if (names->names == NULL)
        return false;
    *out_err = bring_summary(session, state);
    return *out_err == ERR_BUSY ||
           (*out_err == ERR_OK && imap_fetch_kept(session, att, names, &state->summary));
}

static enum err print_att(struct imap_session *session, struct imap_run *run,
                          struct fetch_state *state, const struct imap_fetch_att *att)
{
    size_t before = session->out->len;
    enum err err = ERR_OK;

    if (state->att > 0)
        buf_add_byte(session->out, ' ');
    if (!imap_fetch_is_section(att)) {
        imap_fetch_print_item(session, att, &state->row, &state->summary);
        return ERR_OK;
    }
    if (!print_kept(session, state, att, &err)) {
        state->has_summary = false; /* reading a section may take its memory */
        err = imap_fetch_section(session, run, att, &state->row, &state->stream);
    }
    if (err == ERR_BUSY)
        buf_truncate(session->out, before);
    if (err == ERR_UNSUPPORTED) {
        buf_add(session->out, att->name);
        buf_add_string(session->out, att->kind == IMAP_FETCH_BINARY_SIZE ? " 0" : " NIL");
    }
    return err;
}

/* The items of the message at hand, as far as they go without waiting. ERR_BUSY: wait; ERR_LIMIT:
 * the step's share is used up. */
static enum err print_items(struct imap_session *session, struct imap_run *run,
                            struct fetch_state *state)
{
    const struct imap_fetch_args *args = run->args;
    enum err err;

    state->has_summary = false;
    err = prepare(session, state);
    if (err != ERR_OK)
        return err;
    if (!session->line_open)
        open_line(session, run, state);
    while (state->att < args->att_count) {
        if (imap_output_is_full(session) || imap_read_is_spent(session, 0))
            return ERR_LIMIT;
        err = print_att(session, run, state, &args->atts[state->att]);
        if (err == ERR_BUSY)
            return err;
        if (err != ERR_OK)
            note_trouble(state, err);
        if (state->stream.active)
            return ERR_LIMIT;
        state->att++;
        err = prepare(session, state);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* Goes on with the message at hand. ERR_OK: it is through; ERR_LIMIT: it is not. */
static enum err continue_message(struct imap_session *session, struct imap_run *run,
                                 struct fetch_state *state)
{
    const struct imap_fetch_args *args = run->args;
    enum err err;

    if (state->stream.active) {
        err = imap_fetch_stream(session, &args->atts[state->att], &state->row, &state->stream);
        if (err == ERR_BUSY)
            return err;
        if (err != ERR_OK && state->stream.active)
            return err == ERR_IO ? err : ERR_CORRUPT;
        if (err != ERR_OK)
            note_trouble(state, err);
        if (state->stream.active)
            return ERR_LIMIT;
        state->att++;
    }
    err = print_items(session, run, state);
    if (err == ERR_OK)
        close_line(session, run, state);
    return err;
}

/* An error that no answer can hide: damage in the middle of a line, or of the whole message. */
static bool skip_message(const struct imap_session *session, struct fetch_state *state,
                         enum err err)
{
    if (session->line_open)
        return false;
    note_trouble(state, err);
    end_message(state);
    return true;
}

static enum imap_progress end_fetch(struct imap_run *run, const struct fetch_state *state)
{
    run->err = state->trouble_err;
    if (state->trouble != NULL)
        return imap_answer(run, IMAP_NO, state->trouble_code, state->trouble);
    return imap_answer(run, IMAP_OK, NULL, "FETCH done");
}

/* A step of the messages. */
static enum imap_progress fetch_messages(struct imap_session *session, struct imap_run *run,
                                         struct fetch_state *state)
{
    const struct imap_fetch_args *args = run->args;

    state->walk.view = session->selected->view;
    state->walk.uids = state->uids;
    state->walk.since = args->changed_since;
    imap_changed_begin_step(&state->walk, IMAP_ROWS_STEP);
    for (int i = 0; i < IMAP_MESSAGES_STEP; i++) {
        enum err err = ERR_OK;

        if (imap_output_is_full(session) || imap_read_is_spent(session, 0))
            return IMAP_AGAIN;
        if (state->row.uid.value == 0)
            err = imap_changed_next(&state->walk, &state->seqno, &state->row);
        if (err == ERR_NOT_FOUND)
            return end_fetch(run, state);
        if (err == ERR_LIMIT)
            return IMAP_AGAIN;
        err = continue_message(session, run, state);
        if (err == ERR_OK)
            end_message(state);
        else if (err == ERR_BUSY)
            return IMAP_BLOCKED;
        else if (err != ERR_LIMIT && !skip_message(session, state, err))
            return break_off(session, run, err);
    }
    return IMAP_AGAIN;
}

enum imap_progress imap_fetch_run(struct imap_session *session, struct imap_run *run)
{
    struct fetch_state *state;

    if (run->state == NULL) {
        enum imap_progress progress = begin(session, run);

        if (progress == IMAP_ENDED)
            return progress;
    }
    state = run->state;
    if (state->phase == FETCH_HEAR && hear(session, run, state) == IMAP_BLOCKED)
        return IMAP_BLOCKED;
    if (imap_news_are_waiting(session))
        return IMAP_AGAIN;
    if (state->phase == FETCH_VANISHED) {
        if (!imap_vanished_print(session, &state->vanished))
            return IMAP_AGAIN;
        state->phase = FETCH_MESSAGES;
    }
    return fetch_messages(session, run, state);
}
