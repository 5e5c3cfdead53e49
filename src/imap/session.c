/* The session's loop: frame, parse, run, answer, one command after the other.
 *
 * Commands never overlap, so that a pipeline is never ambiguous (RFC 9051 section 5.5). */
#include "imap/session.h"

#include <assert.h>
#include <stdlib.h>

#include "imap/answer.h"
#include "imap/modseq.h"
#include "imap/news.h"
#include "imap/selected.h"
#include "imap/state.h"
#include "imap/wire/append.h"
#include "store/account.h"
#include "store/act.h"
#include "store/acting.h"
#include "store/body.h"
#include "store/view.h"

enum {
    CODE_BYTES_MAX = 32 * 1024 * 1024, /* no set that a command's arena can hold prints longer */
};

/* RFC 9051 s5.4 */
const struct imap_session_limits imap_session_limits_default = {
    .frame = { .line_bytes_max = 64 * 1024,
               .literal_bytes_max = 64 * 1024,
               .command_bytes_max = 256 * 1024 },
    .grammar = { .ranges_max = 20000,
                 .search_depth_max = 64,
                 .search_keys_max = 1000,
                 .keywords_max = 64,
                 .keyword_bytes_max = 128,
                 .fetch_atts_max = 100,
                 .section_parts_max = 100,
                 .header_fields_max = 200,
                 .patterns_max = 100,
                 .mailbox_bytes_max = 1000,
                 .mailbox_component_bytes_max = 255,
                 .mailbox_depth_max = 64,
                 .enable_max = 50,
                 .id_pairs_max = 30,
                 .id_value_bytes_max = 1024 },
    .message_bytes_max = 50 * 1024 * 1024,
    .append_messages_max = 10000,
    .append_small_bytes_max = 16 * 1024 * 1024,
    .bad_commands_max = 20,
    .command_arena_bytes_max = 8 * 1024 * 1024,
    .idle_ms_max = 30 * 60 * 1000,
    .unauthenticate = true,
};

static struct buf copy_of(struct bytes bytes)
{
    struct buf copy = buf_make(bytes.len);

    buf_add(&copy, bytes);
    return copy;
}

struct imap_session *imap_session_new(const struct imap_session_options *options, struct bytes tag)
{
    struct imap_session *session = calloc(1, sizeof(*session));

    if (session == NULL)
        abort();
    session->account = options->account;
    session->limits = options->limits;
    session->waker = options->waker;
    session->texts = options->texts;
    session->number = options->number;
    session->tls = options->tls;
    session->user = copy_of(options->user);
    session->grammar = (struct imap_grammar){ .limits = &options->limits->grammar };
    session->login_tag = copy_of(tag);
    imap_framer_init(&session->framer, &options->limits->frame);
    session->run.code = buf_make(CODE_BYTES_MAX);
    session->run.arena = arena_make(options->limits->command_arena_bytes_max);
    return session;
}

static void end_run(struct imap_session *session)
{
    struct imap_run *run = &session->run;

    act_abandon(run->act);
    if (run->release != NULL)
        run->release(run);
    run->act = NULL;
    run->verb = NULL;
    run->ended = false;
    run->has_looked = false;
    run->args = NULL;
    run->state = NULL;
    run->release = NULL;
    run->err = ERR_OK;
    run->silent = (struct modseq){ 0 };
    run->keeps_seqnos = false;
    buf_clear(&run->code);
    buf_trim(&run->code);
    arena_done(&run->arena);
}

void imap_session_free(struct imap_session *session)
{
    if (session == NULL)
        return;
    end_run(session);
    buf_done(&session->run.code);
    imap_selected_close(session->selected);
    if (session->waker != NULL) {
        body_waker_forget(session->account, session->waker);
        account_wait_forget(session->account, session->waker);
    }
    imap_framer_done(&session->framer);
    buf_done(&session->user);
    buf_done(&session->login_tag);
    free(session);
}

struct mono imap_session_deadline(const struct imap_session *session)
{
    return (struct mono){ session->active.ms + session->limits->idle_ms_max };
}

static bool view_is_too_old(const struct imap_session *session)
{
    return session->selected != NULL && view_is_overdue(session->selected->view);
}

bool imap_session_is_overdue(const struct imap_session *session, struct mono now)
{
    return now.ms >= imap_session_deadline(session).ms || view_is_too_old(session);
}

void imap_session_bye(struct imap_session *session, const char *text)
{
    session->bye = text;
}

const char *imap_session_farewell(const struct imap_session *session)
{
    return session->bye;
}

bool imap_output_is_full(const struct imap_session *session)
{
    return session->out->len - session->out_before >= IMAP_OUTPUT_STEP;
}

bool imap_read_is_spent(struct imap_session *session, uint64_t bytes)
{
    session->read_left -= bytes < session->read_left ? (size_t)bytes : session->read_left;
    return session->read_left == 0;
}

/* RFC 9051 s3.4 */
static void say_bye(struct imap_session *session)
{
    end_run(session);
    if (!session->line_open) /* within a literal it would be taken for what the literal lacks */
        imap_respond(session->out, IMAP_UNTAGGED, IMAP_BYE, NULL, session->bye);
    session->ended = true;
}

/* What a command counts as in a step: those that work on messages may have changed all of them. */
static unsigned cost_of(const struct imap_session *session)
{
    const struct imap_verb *verb = session->run.verb;

    if (verb == NULL || session->selected == NULL ||
        (verb->traits & (IMAP_KEEPS_SEQNOS | IMAP_FORM_UID | IMAP_CHANGES_MANY)) == 0)
        return 1;
    return 1 + view_count(session->selected->view) / IMAP_MESSAGES_STEP;
}

/* Too many in a row that are BAD end the session: that is no client. */
static void count_command(struct imap_session *session, bool bad)
{
    unsigned cost = cost_of(session);

    session->commands_left -= cost < session->commands_left ? cost : session->commands_left;
    session->bad_commands = bad ? session->bad_commands + 1 : 0;
    if (session->bad_commands >= session->limits->bad_commands_max)
        session->bye = "Too many commands in a row that were not understood";
    end_run(session);
}

/* News of the selected mailbox, then the tagged line. RFC 9051 s5.2, s6.3.12, s7.5.1; RFC 7162
 * s3.2, s3.2.10.2. */
static void finish_run(struct imap_session *session)
{
    struct imap_run *run = &session->run;
    unsigned traits = run->verb->traits;
    bool keeps_seqnos = (traits & IMAP_KEEPS_SEQNOS) != 0 || run->keeps_seqnos;

    if (!run->has_looked && (traits & IMAP_TELLS_ITSELF) == 0) {
        run->has_looked = true;
        if (imap_news_gather(session, run->silent, keeps_seqnos))
            return; /* called again when they are told */
    }
    if (keeps_seqnos)
        imap_modseq_tell_delay(session);
    imap_answer_send(session, run);
    count_command(session, run->condition == IMAP_BAD);
}

/* A command that never began: it was answered so. */
static void refuse_command(struct imap_session *session, enum imap_condition condition)
{
    count_command(session, condition == IMAP_BAD);
}

/* RFC 9051 s3.2 */
static const char *state_complaint(const struct imap_session *session, const struct imap_verb *verb)
{
    unsigned state = session->selected != NULL ? IMAP_IN_SELECTED : IMAP_IN_AUTHENTICATED;

    if ((verb->states & IMAP_IN_ANY) == 0)
        return "Already logged in";
    return (verb->states & state) != 0 ? NULL : "No mailbox is selected: SELECT one first";
}

/* The command begins. Its tag is kept apart: IDLE and APPEND read further lines.
 * RFC 9051 s2.2.1. */
static void adopt(struct imap_session *session, const struct imap_verb *verb)
{
    struct imap_run *run = &session->run;

    run->command.tag = arena_copy(&run->arena, run->command.tag);
    assert(run->command.tag.at != NULL);
    run->verb = verb;
}

/* Tag, name, state into run->command. NULL: the command was refused. The framer's bytes stay valid
 * until the run ends. */
static const struct imap_verb *find_verb(struct imap_session *session, struct cursor *cur)
{
    struct imap_run *run = &session->run;
    const struct imap_verb *verb;
    const char *complaint = "Unknown command: CAPABILITY tells what there is";

    run->command = (struct imap_command){ 0 };
    if (!imap_command_parse(cur, &run->command)) {
        refuse_command(session, imap_respond_complaint(session->out, run->command.tag, cur));
        return NULL;
    }
    verb = imap_verb_find(run->command.name, run->command.uid);
    if (verb != NULL)
        complaint = state_complaint(session, verb);
    if (complaint != NULL) {
        imap_respond(session->out, run->command.tag, IMAP_BAD, NULL, complaint);
        refuse_command(session, IMAP_BAD);
        return NULL;
    }
    return verb;
}

static void start_command(struct imap_session *session)
{
    struct imap_run *run = &session->run;
    struct cursor cur = cursor_make(imap_framer_bytes(&session->framer));
    const struct imap_verb *verb = find_verb(session, &cur);

    if (verb == NULL)
        return;
    if (verb->parse(&cur, &session->grammar, &run->arena, &run->args))
        adopt(session, verb);
    else
        refuse_command(session, imap_respond_complaint(session->out, run->command.tag, &cur));
}

/* The tag of what the framer holds; empty when it has none that can be read. */
static struct bytes tag_of_frame(const struct imap_session *session)
{
    struct cursor cur = cursor_make(imap_framer_bytes(&session->framer));
    struct bytes tag = { 0 };

    return imap_tag_parse(&cur, &tag) ? tag : bytes_make(NULL, 0);
}

/* Takes a literal into the frame, when it fits there. */
static void take_literal(struct imap_session *session)
{
    struct imap_literal literal = imap_framer_literal(&session->framer);

    if (literal.fits) {
        imap_framer_accept(&session->framer);
        if (literal.synchronising)
            imap_respond_continue(session->out, "OK");
        return;
    }
    imap_respond_code_begin(session->out, tag_of_frame(session), IMAP_BAD);
    buf_add_format(session->out, "TOOBIG] At most %zu bytes in one literal, %zu in one command\r\n",
                   session->limits->frame.literal_bytes_max,
                   session->limits->frame.command_bytes_max);
    imap_framer_refuse(&session->framer);
    refuse_command(session, IMAP_BAD);
}

/* A command pauses at a literal. One that cannot be run is refused here, so that nothing more of it
 * is sent (RFC 9051 section 4.3). */
static void meet_literal(struct imap_session *session)
{
    struct cursor cur = cursor_make(imap_framer_bytes(&session->framer));
    const struct imap_verb *verb = find_verb(session, &cur);

    if (verb == NULL) {
        imap_framer_refuse(&session->framer);
    } else if ((verb->traits & IMAP_STREAMS) != 0 && !imap_append_names_mailbox(&cur)) {
        adopt(session, verb);
    } else {
        take_literal(session);
    }
}

/* What of it is still to come is passed over, as far as anybody can tell where it ends. */
static void meet_bad_frame(struct imap_session *session)
{
    const struct imap_frame_limits *limits = &session->limits->frame;

    if (imap_framer_trouble(&session->framer) == IMAP_FRAME_LITERAL_TOO_LONG) {
        session->bye = "Literal is larger than anything can be";
        return;
    }
    imap_respond_code_begin(session->out, tag_of_frame(session), IMAP_BAD);
    buf_add_format(session->out, "LIMIT] At most %zu bytes in one line, %zu in one command\r\n",
                   limits->line_bytes_max, limits->command_bytes_max);
    refuse_command(session, IMAP_BAD);
}

/* Answers false when the input is used up. */
static bool read_command(struct imap_session *session)
{
    switch (imap_framer_next(&session->framer, &session->in)) {
    case IMAP_FRAME_MORE: return false;
    case IMAP_FRAME_DONE: start_command(session); return true;
    case IMAP_FRAME_LITERAL: meet_literal(session); return true;
    case IMAP_FRAME_BAD: meet_bad_frame(session); return true;
    }
    return false;
}

/* Nothing runs: the next command, or nothing that a sleeping session needs. */
static bool read_or_rest(struct imap_session *session)
{
    if (read_command(session))
        return true;
    if (session->run.verb == NULL && imap_framer_is_idle(&session->framer))
        imap_framer_trim(&session->framer);
    return false;
}

/* What is found of news in a step is enough for one. */
static bool goes_on(const struct imap_session *session, enum imap_want *out_want)
{
    *out_want = IMAP_WANT_TURN;
    return !imap_news_are_gathering(session);
}

/* One turn of the loop; true: go round again, false: *out_want says what for. News that wait are
 * told before anything else: numbers in them count only until then. RFC 9051 s6.4.4.2. */
static bool turn(struct imap_session *session, enum imap_want *out_want)
{
    struct imap_run *run = &session->run;

    *out_want = IMAP_WANT_INPUT;
    if (imap_news_are_waiting(session)) {
        imap_news_tell(session);
        return goes_on(session, out_want);
    }
    if (run->verb == NULL)
        return read_or_rest(session);
    if (run->ended) {
        finish_run(session);
        return goes_on(session, out_want);
    }
    switch (run->verb->run(session, run)) {
    case IMAP_ENDED: run->ended = true; return true;
    case IMAP_AGAIN: return goes_on(session, out_want) && imap_news_are_waiting(session);
    case IMAP_BLOCKED: *out_want = IMAP_WANT_WAKE; return false;
    case IMAP_NEEDS_INPUT: return false;
    }
    return false;
}

/* RFC 9051 s5.3 */
static enum imap_want step(struct imap_session *session)
{
    enum imap_want want = IMAP_WANT_TURN;

    if (session->login_tag.len > 0)
        imap_answer_login(session);
    for (;;) {
        if (session->bye != NULL && !session->ended)
            say_bye(session);
        if (session->run.verb == NULL && session->hand_back)
            return IMAP_WANT_HAND_BACK;
        if (session->run.verb == NULL && session->ended)
            return IMAP_WANT_CLOSE;
        if (session->out->len >= IMAP_OUTPUT_HIGH)
            return IMAP_WANT_DRAIN;
        if (imap_output_is_full(session) || session->commands_left == 0)
            return IMAP_WANT_TURN;
        if (!turn(session, &want) && session->bye == NULL)
            return want;
    }
}

/* The client owes input when nothing runs, or when what runs waits for it; it owes reading when the
 * output stays full. A command at work is no idleness, however long it takes. RFC 3501 s5.4. */
static void watch_time(struct imap_session *session, bool has_input, struct mono now)
{
    bool works = session->want != IMAP_WANT_INPUT && session->out->len < IMAP_OUTPUT_HIGH;

    if (has_input || works || session->active.ms == 0)
        session->active = now;
    else if (now.ms >= imap_session_deadline(session).ms)
        session->bye = "Idle for too long";
}

/* An act goes on, this session's or another's: all but the end of the session has to wait. */
static bool must_wait(struct imap_session *session)
{
    if (!account_is_acting(session->account) || session->bye != NULL)
        return false;
    if (session->waker != NULL)
        account_wait(session->account, session->waker);
    return true;
}

enum imap_want imap_session_step(struct imap_session *session, struct bytes in, struct imap_now now,
                                 size_t *out_used, struct buf *out)
{
    session->in = in;
    session->out = out;
    session->out_before = out->len;
    session->read_left = IMAP_READ_STEP;
    session->commands_left = IMAP_COMMANDS_STEP;
    session->now = now;
    watch_time(session, in.len > 0, now.mono);
    if (session->bye == NULL && view_is_too_old(session))
        session->bye = "Too much has changed since you last asked: please select it again";
    session->want = must_wait(session) ? IMAP_WANT_WAKE : step(session);
    *out_used = in.len - session->in.len;
    session->in = bytes_make(NULL, 0);
    session->out = NULL;
    return session->want;
}
