/* The session's loop: frame, parse, run, answer, one command after the other.
 *
 * Commands never overlap, so that a pipeline is never ambiguous (RFC 9051 section 5.5). */
#include "imap/session.h"

#include <assert.h>
#include <stdlib.h>

#include "imap/answer.h"
#include "imap/selected.h"
#include "imap/state.h"

enum { BAD_COMMANDS_MAX = 20 };

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
    .command_arena_bytes_max = 8 * 1024 * 1024,
    .idle_ms_max = 30 * 60 * 1000,
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
    session->number = options->number;
    session->tls = options->tls;
    session->user = copy_of(options->user);
    session->grammar = (struct imap_grammar){ .limits = &options->limits->grammar };
    session->login_tag = copy_of(tag);
    imap_framer_init(&session->framer, &options->limits->frame);
    session->run.code = buf_make(64 * 1024);
    session->run.arena = arena_make(options->limits->command_arena_bytes_max);
    return session;
}

static void end_run(struct imap_session *session)
{
    struct imap_run *run = &session->run;

    if (run->release != NULL)
        run->release(run);
    run->verb = NULL;
    run->args = NULL;
    run->state = NULL;
    run->release = NULL;
    run->silent = (struct modseq){ 0 };
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
    imap_framer_done(&session->framer);
    buf_done(&session->user);
    buf_done(&session->login_tag);
    free(session);
}

struct mono imap_session_deadline(const struct imap_session *session)
{
    return (struct mono){ session->last_input.ms + session->limits->idle_ms_max };
}

void imap_session_bye(struct imap_session *session, const char *text)
{
    session->bye = text;
}

bool imap_output_is_full(const struct imap_session *session)
{
    return session->out->len >= IMAP_OUTPUT_STEP;
}

static void say_bye(struct imap_session *session)
{
    end_run(session);
    imap_respond(session->out, IMAP_UNTAGGED, IMAP_BYE, NULL, session->bye);
    session->ended = true;
}

/* News of the selected mailbox, then the tagged line. */
static void finish_run(struct imap_session *session)
{
    struct imap_run *run = &session->run;
    unsigned traits = run->verb->traits;

    if (session->selected != NULL && (traits & IMAP_TELLS_ITSELF) == 0)
        imap_selected_report(session, run, (traits & IMAP_KEEPS_SEQNOS) != 0 && !run->command.uid);
    imap_answer_send(session, run);
    session->bad_commands = run->condition == IMAP_BAD ? session->bad_commands + 1 : 0;
    end_run(session);
}

/* A command that never began: the answer is BAD, and too many in a row end the session. */
static void refuse_command(struct imap_session *session)
{
    if (++session->bad_commands >= BAD_COMMANDS_MAX)
        session->bye = "Too many commands that I do not understand";
    end_run(session);
}

static const char *state_complaint(const struct imap_session *session, const struct imap_verb *verb)
{
    unsigned state = session->selected != NULL ? IMAP_IN_SELECTED : IMAP_IN_AUTHENTICATED;

    if ((verb->states & IMAP_IN_ANY) == 0)
        return "Already logged in";
    return (verb->states & state) != 0 ? NULL : "No mailbox is selected: SELECT one first";
}

/* The command begins. Its tag is kept apart: IDLE and APPEND read further lines. */
static bool adopt(struct imap_session *session, const struct imap_verb *verb)
{
    struct imap_run *run = &session->run;

    run->command.tag = arena_copy(&run->arena, run->command.tag);
    assert(run->command.tag.at != NULL);
    run->verb = verb;
    return true;
}

/* Tag, name, state. Answers BAD itself. The framer's bytes stay valid until the run ends. */
static bool begin_run(struct imap_session *session, struct cursor *cur)
{
    struct imap_run *run = &session->run;
    const struct imap_verb *verb;
    const char *complaint = "Unknown command";

    run->command = (struct imap_command){ 0 };
    if (!imap_command_parse(cur, &run->command)) {
        imap_respond_bad(session->out, run->command.tag, cur);
        return false;
    }
    verb = imap_verb_find(run->command.name, run->command.uid);
    if (verb != NULL)
        complaint = state_complaint(session, verb);
    if (complaint != NULL) {
        imap_respond(session->out, run->command.tag, IMAP_BAD, NULL, complaint);
        return false;
    }
    return adopt(session, verb);
}

static void start_command(struct imap_session *session)
{
    struct imap_run *run = &session->run;
    struct cursor cur = cursor_make(imap_framer_bytes(&session->framer));

    if (!begin_run(session, &cur)) {
        refuse_command(session);
        return;
    }
    if (!run->verb->parse(&cur, &session->grammar, &run->arena, &run->args)) {
        imap_respond_bad(session->out, run->command.tag, &cur);
        refuse_command(session);
    }
}

/* The tag of what the framer holds; empty when it has none that can be read. */
static struct bytes tag_of_frame(const struct imap_session *session)
{
    struct cursor cur = cursor_make(imap_framer_bytes(&session->framer));
    struct bytes tag = { 0 };

    return imap_tag_parse(&cur, &tag) ? tag : bytes_make(NULL, 0);
}

/* A literal that is neither streamed nor small. */
static void refuse_literal(struct imap_session *session)
{
    imap_respond(session->out, tag_of_frame(session), IMAP_BAD, "TOOBIG",
                 "Literal is larger than this command may hold");
    imap_framer_refuse(&session->framer);
}

/* `APPEND {5}`: the first argument is a literal itself, the mailbox's name; the message comes
 * later. */
static bool is_first_argument(const struct cursor *behind_name)
{
    struct bytes rest = cursor_rest(behind_name);

    return bytes_starts_with(rest, BYTES(" {")) &&
           bytes_find(rest, 0, BYTES("\r\n")) + 2 == rest.len;
}

static void meet_literal(struct imap_session *session)
{
    struct imap_literal literal = imap_framer_literal(&session->framer);
    struct cursor cur = cursor_make(imap_framer_bytes(&session->framer));
    struct imap_command command = { 0 };
    const struct imap_verb *verb = NULL;

    if (imap_command_parse(&cur, &command))
        verb = imap_verb_find(command.name, command.uid);
    if (verb != NULL && (verb->traits & IMAP_STREAMS) != 0 &&
        state_complaint(session, verb) == NULL && !is_first_argument(&cur)) {
        session->run.command = command;
        (void)adopt(session, verb);
    } else if (literal.fits) {
        imap_framer_accept(&session->framer);
        if (literal.synchronising)
            imap_respond_continue(session->out, "OK");
    } else {
        refuse_literal(session);
    }
}

static void meet_bad_frame(struct imap_session *session)
{
    if (imap_framer_trouble(&session->framer) == IMAP_FRAME_LITERAL_TOO_LONG) {
        session->bye = "Literal is larger than anything can be";
        return;
    }
    imap_respond(session->out, tag_of_frame(session), IMAP_BAD, "LIMIT",
                 "Command line is too long");
    refuse_command(session);
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

static enum imap_want rest(struct imap_session *session)
{
    if (session->run.verb == NULL && imap_framer_is_idle(&session->framer))
        imap_framer_trim(&session->framer);
    return IMAP_WANT_INPUT;
}

/* One turn of the loop; true: go round again, false: *out_want says what for. */
static bool turn(struct imap_session *session, enum imap_want *out_want)
{
    enum imap_progress progress;

    if (session->run.verb == NULL) {
        *out_want = rest(session);
        return read_command(session);
    }
    progress = session->run.verb->run(session, &session->run);
    switch (progress) {
    case IMAP_ENDED: finish_run(session); return true;
    case IMAP_AGAIN: *out_want = IMAP_WANT_TURN; return false;
    case IMAP_BLOCKED: *out_want = IMAP_WANT_WAKE; return false;
    case IMAP_NEEDS_INPUT: *out_want = IMAP_WANT_INPUT; return false;
    }
    return false;
}

static enum imap_want step(struct imap_session *session)
{
    enum imap_want want = IMAP_WANT_TURN;

    if (session->login_tag.len > 0)
        imap_answer_login(session);
    for (;;) {
        if (session->bye != NULL && !session->ended)
            say_bye(session);
        if (session->hand_back)
            return IMAP_WANT_HAND_BACK;
        if (session->ended)
            return IMAP_WANT_CLOSE;
        if (session->out->len >= IMAP_OUTPUT_HIGH)
            return IMAP_WANT_DRAIN;
        if (imap_output_is_full(session))
            return IMAP_WANT_TURN;
        if (!turn(session, &want) && session->bye == NULL)
            return want;
    }
}

enum imap_want imap_session_step(struct imap_session *session, struct bytes in, struct imap_now now,
                                 size_t *out_used, struct buf *out)
{
    enum imap_want want;

    if (in.len > 0 || session->last_input.ms == 0)
        session->last_input = now.mono;
    else if (now.mono.ms >= imap_session_deadline(session).ms)
        session->bye = "Idle for too long";
    session->in = in;
    session->out = out;
    session->now = now;
    want = step(session);
    *out_used = in.len - session->in.len;
    session->in = bytes_make(NULL, 0);
    session->out = NULL;
    return want;
}
