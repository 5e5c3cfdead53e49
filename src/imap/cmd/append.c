/* APPEND (RFC 9051 section 6.3.12) and MULTIAPPEND (RFC 3502), message by message as they come in.
 *
 * The messages go straight from the input to body writers and become true together, in one change.
 * A refusal in the middle reads the rest of the command without keeping it, then answers. */
#include "imap/wire/append.h"

#include "imap/cmd/runners.h"
#include "imap/flags.h"
#include "imap/handle.h"
#include "imap/listing.h"
#include "imap/selected.h"
#include "store/account.h"
#include "store/act.h"
#include "store/body.h"
#include "store/mailbox.h"

enum append_phase {
    APPEND_BYTES, /* of a literal */
    APPEND_WHOLE, /* a literal has ended: what is large goes to the disk */
    APPEND_BETWEEN, /* the line behind a literal */
    APPEND_DRAIN, /* refused: the rest of a literal is thrown away */
    APPEND_REST, /* refused: and the rest of the command */
    APPEND_COMMITTING, /* all has come: the act goes on in steps */
};

/* One message; a list, newest first, counted. */
struct append_entry {
    struct append_entry *older;
    struct append_item item;
};

struct append_state {
    enum append_phase phase;
    struct imap_handle handle;
    struct imap_append_message message; /* what stood before the literal at hand */
    uint64_t literal_left;
    struct append_entry *newest;
    uint32_t count;
    uint64_t held_bytes;
    struct append_item *items; /* of the act, oldest first */
    struct uid first; /* that it has given */
    enum imap_condition condition; /* of the refusal */
    const char *code;
    const char *text;
};

static void release_append(struct imap_run *run)
{
    struct append_state *state = run->state;

    for (struct append_entry *entry = state->newest; entry != NULL; entry = entry->older)
        body_writer_free(entry->item.body);
    imap_handle_close(&state->handle);
}

/* The answer is fixed; what the client still sends of the command is read and forgotten. */
static void refuse(struct append_state *state, enum imap_condition condition, const char *code,
                   const char *text)
{
    state->condition = condition;
    state->code = code;
    state->text = text;
    state->phase = state->literal_left > 0 ? APPEND_DRAIN : APPEND_REST;
}

/* The same with the answer that `run` holds. */
static void refuse_as_answered(struct imap_run *run, struct append_state *state)
{
    refuse(state, run->condition, "", run->text);
}

static void refuse_err(struct imap_run *run, struct append_state *state, enum err err)
{
    (void)imap_answer_err(run, err);
    refuse_as_answered(run, state);
}

static void refuse_limit(struct imap_run *run, struct append_state *state, uint64_t max,
                         const char *what)
{
    (void)imap_answer_limit(run, max, what);
    refuse_as_answered(run, state);
}

static enum imap_progress answer_refused(struct imap_run *run, const struct append_state *state)
{
    /* An empty code: run->code holds it already. */
    const char *code = state->code != NULL && state->code[0] == '\0' ? NULL : state->code;

    if (state->code == NULL)
        buf_clear(&run->code);
    return imap_answer(run, state->condition, code, state->text);
}

/* RFC 9051 s2.3.3 */
static struct zoned_time internal_date_of(const struct imap_session *session,
                                          const struct imap_append_message *message)
{
    if (!message->has_date)
        return (struct zoned_time){ .seconds = wall_seconds(session->now.wall) };
    return (struct zoned_time){
        .seconds = wall_seconds(imap_date_time_to_wall(&message->date)),
        .zone = message->date.zone_minutes,
    };
}

/* The framer forgets what stood before the literal, so what is kept of it is copied. */
static bool keep_flags(struct arena *arena, struct imap_flags *flags)
{
    struct bytes *keywords = ARENA_NEW_ARRAY(arena, struct bytes, flags->keyword_count);

    if (keywords == NULL)
        return false;
    for (uint32_t i = 0; i < flags->keyword_count; i++) {
        keywords[i] = arena_copy(arena, flags->keywords[i]);
        if (keywords[i].at == NULL)
            return false;
    }
    flags->keywords = keywords;
    return true;
}

/* RFC 3502 s6.3.11 */
static enum err open_body(struct imap_session *session, struct imap_run *run,
                          struct append_state *state)
{
    struct imap_append_message *message = &state->message;
    struct append_entry *entry;
    enum err err;

    entry = ARENA_NEW(&run->arena, struct append_entry);
    if (entry == NULL || !keep_flags(&run->arena, &message->flags))
        return ERR_LIMIT;
    err =
        body_writer_open(state->handle.account, message->bytes, session->waker, &entry->item.body);
    if (err != ERR_OK)
        return err;
    entry->item.flags = imap_flag_names(&message->flags);
    entry->item.internal_date = internal_date_of(session, message);
    entry->older = state->newest;
    state->newest = entry;
    state->count++;
    return ERR_OK;
}

/* Small messages wait in memory for the last one of the command. RFC 3502 s6.3.11; RFC 7889 s4. */
static void check_message(const struct imap_session *session, struct imap_run *run,
                          struct append_state *state)
{
    const struct imap_session_limits *limits = session->limits;
    uint64_t bytes = state->message.bytes;

    if (bytes <= BODY_INLINE_BYTES_MAX)
        state->held_bytes += bytes;
    if (bytes == 0)
        refuse(state, IMAP_NO, NULL, "Message of no bytes: APPEND given up");
    else if (bytes > limits->message_bytes_max)
        refuse(state, IMAP_NO, "TOOBIG", "Message is larger than APPENDLIMIT");
    else if (state->count == limits->append_messages_max)
        refuse_limit(run, state, limits->append_messages_max, "messages in one APPEND");
    else if (state->held_bytes > limits->append_small_bytes_max)
        refuse_limit(run, state, limits->append_small_bytes_max,
                     "bytes of messages up to 64 KB in one APPEND");
}

/* A literal is announced and the framer waits: take it or refuse the command. */
static void meet_message(struct imap_session *session, struct imap_run *run,
                         struct append_state *state)
{
    enum err err = ERR_OK;

    check_message(session, run, state);
    if (state->phase != APPEND_REST)
        err = open_body(session, run, state);
    if (err != ERR_OK)
        refuse_err(run, state, err);
    if (state->phase == APPEND_REST) {
        imap_framer_refuse(&session->framer);
        return;
    }
    state->literal_left = state->message.bytes;
    state->phase = APPEND_BYTES;
    imap_framer_divert(&session->framer);
    if (state->message.synchronising)
        imap_respond_continue(session->out, "Ready for the message");
}

/* Refused where a literal was announced: the framer skips what the client still sends of it. */
static bool is_over(const struct append_state *state)
{
    return state->phase == APPEND_REST;
}

/* What stands before a literal cannot be understood, or is too much. */
static void refuse_complaint(struct imap_run *run, struct append_state *state,
                             const struct cursor *cur)
{
    struct buf text = buf_make(256);
    const char *copy;

    if (state->count > 0)
        buf_add_format(&text, "Behind message %u: ", (unsigned)state->count);
    imap_complaint_print(&text, cur);
    copy = arena_format(&run->arena, "%.*s", BYTES_ARG(buf_bytes(&text)));
    buf_done(&text);
    refuse(state, cur->is_exceeded ? IMAP_NO : IMAP_BAD, cur->is_exceeded ? "LIMIT" : NULL,
           copy != NULL ? copy : "Syntax error in APPEND");
}

static bool parse_first(struct imap_session *session, struct imap_run *run,
                        struct append_state *state, struct imap_append_args *out_args)
{
    struct cursor cur = cursor_make(imap_framer_bytes(&session->framer));
    struct imap_command command;

    if (imap_command_parse(&cur, &command) &&
        imap_append_parse(&cur, &session->grammar, &run->arena, out_args))
        return true;
    refuse_complaint(run, state, &cur);
    return false;
}

/* RFC 3502 s6.3.11 */
static void open_mailbox(struct imap_session *session, struct imap_run *run,
                         struct append_state *state, const struct imap_mailbox *name)
{
    enum err err = imap_handle_open(session, name, &state->handle);

    if (err == ERR_OK)
        imap_listing_tell_name(session, name);
    else if (err == ERR_NOT_FOUND)
        refuse(state, IMAP_NO, "TRYCREATE", "No such mailbox");
    else if (err != ERR_OK) {
        (void)imap_answer_name(session, run, name);
        refuse_as_answered(run, state);
    }
}

static enum imap_progress begin(struct imap_session *session, struct imap_run *run)
{
    struct append_state *state = imap_state_new(run, sizeof(*state));
    struct imap_append_args args;

    if (state == NULL) {
        imap_framer_refuse(&session->framer);
        return imap_answer_err(run, ERR_LIMIT);
    }
    run->release = release_append;
    if (parse_first(session, run, state, &args)) {
        state->message = args.message;
        open_mailbox(session, run, state, &args.mailbox);
    }
    if (state->phase == APPEND_REST)
        imap_framer_refuse(&session->framer);
    else
        meet_message(session, run, state);
    return is_over(state) ? answer_refused(run, state) : IMAP_AGAIN;
}

/* RFC 3516 s4.4 */
static enum imap_progress take_bytes(struct imap_session *session, struct imap_run *run,
                                     struct append_state *state)
{
    struct bytes part = bytes_slice(session->in, 0, state->literal_left);
    size_t taken = 0;
    enum err err;

    if (part.len == 0)
        return IMAP_NEEDS_INPUT;
    err = body_writer_add(state->newest->item.body, part, &taken);
    if (err == ERR_OK || err == ERR_BUSY) {
        session->in = bytes_from(session->in, taken);
        state->literal_left -= taken;
    } else {
        refuse_err(run, state, err);
        return IMAP_AGAIN;
    }
    if (state->literal_left == 0)
        state->phase = APPEND_WHOLE;
    else if (err == ERR_BUSY)
        return IMAP_BLOCKED;
    return IMAP_AGAIN;
}

/* A message that is on the disk holds no buffer and no file while those behind it come in. */
static enum imap_progress finish_message(struct imap_run *run, struct append_state *state)
{
    enum err err = body_writer_finish(state->newest->item.body);

    if (err == ERR_BUSY)
        return IMAP_BLOCKED;
    if (err != ERR_OK) {
        refuse_err(run, state, err);
        return IMAP_AGAIN;
    }
    if (state->newest->older != NULL)
        body_writer_summarise(state->newest->item.body);
    state->phase = APPEND_BETWEEN;
    return IMAP_AGAIN;
}

static enum imap_progress drain_bytes(struct imap_session *session, struct append_state *state)
{
    size_t len = bytes_slice(session->in, 0, state->literal_left).len;

    session->in = bytes_from(session->in, len);
    state->literal_left -= len;
    if (state->literal_left > 0)
        return IMAP_NEEDS_INPUT;
    state->phase = APPEND_REST;
    return IMAP_AGAIN;
}

static void print_appenduid(struct imap_run *run, struct mailbox *mailbox, struct uid first,
                            uint32_t count)
{
    struct imap_range range = { first.value, first.value + count - 1 };
    struct imap_seqset uids = { .ranges = &range, .count = 1 };

    imap_appenduid_print(&run->code, mailbox_uidvalidity(mailbox), &uids);
}

/* The act has them. */
static void give_up_bodies(struct append_state *state)
{
    for (struct append_entry *entry = state->newest; entry != NULL; entry = entry->older)
        entry->item.body = NULL;
}

/* RFC 4315 s3 */
static enum imap_progress answer_act(struct imap_session *session, struct imap_run *run,
                                     struct append_state *state, enum err err)
{
    if (err == ERR_NOT_FOUND)
        return imap_answer(run, IMAP_NO, "TRYCREATE", "Mailbox was deleted meanwhile");
    if (err == ERR_LIMIT)
        return imap_answer_limit(run, account_keywords_max(session->account),
                                 "keywords in one mailbox");
    if (err != ERR_OK)
        return imap_answer_err(run, err);
    give_up_bodies(state);
    print_appenduid(run, state->handle.mailbox, state->first, state->count);
    return imap_answer(run, IMAP_OK, NULL, "APPEND done");
}

/* RFC 3502 s6.3.11 */
static enum imap_progress commit(struct imap_session *session, struct imap_run *run,
                                 struct append_state *state)
{
    struct origin origin = imap_origin(session);
    struct append_entry *entry = state->newest;
    enum err err;

    state->items = ARENA_NEW_ARRAY(&run->arena, struct append_item, state->count);
    if (state->items == NULL)
        return imap_answer_err(run, ERR_LIMIT);
    for (uint32_t i = state->count; i > 0; i--, entry = entry->older)
        state->items[i - 1] = entry->item;
    err = act_append(state->handle.mailbox, &origin, state->items, state->count, &state->first);
    if (err != ERR_BUSY)
        return answer_act(session, run, state, err);
    give_up_bodies(state);
    state->phase = APPEND_COMMITTING;
    return imap_act_begun(session, run);
}

static enum imap_progress end_act(struct imap_session *session, struct imap_run *run,
                                  struct append_state *state)
{
    enum err err = imap_act_end(run);

    return err == ERR_BUSY ? IMAP_BLOCKED : answer_act(session, run, state, err);
}

/* What follows a literal: the end of the command, or the next message. RFC 3502 s6.3.11. */
static enum imap_progress read_between(struct imap_session *session, struct imap_run *run,
                                       struct append_state *state)
{
    enum imap_frame frame = imap_framer_next(&session->framer, &session->in);
    struct cursor cur = cursor_make(imap_framer_bytes(&session->framer));
    bool ended;

    if (frame == IMAP_FRAME_MORE)
        return IMAP_NEEDS_INPUT;
    if (frame == IMAP_FRAME_BAD)
        return imap_answer(run, IMAP_BAD, "LIMIT", "Line behind a message is too long");
    if (!imap_append_next_parse(&cur, &session->grammar, &run->arena, &state->message, &ended)) {
        refuse_complaint(run, state, &cur);
        if (frame == IMAP_FRAME_LITERAL)
            imap_framer_refuse(&session->framer);
        return frame == IMAP_FRAME_DONE || is_over(state) ? answer_refused(run, state) : IMAP_AGAIN;
    }
    if (ended)
        return commit(session, run, state);
    meet_message(session, run, state);
    return is_over(state) ? answer_refused(run, state) : IMAP_AGAIN;
}

static enum imap_progress read_rest(struct imap_session *session, struct imap_run *run,
                                    const struct append_state *state)
{
    enum imap_frame frame = imap_framer_next(&session->framer, &session->in);

    if (frame == IMAP_FRAME_MORE)
        return IMAP_NEEDS_INPUT;
    if (frame == IMAP_FRAME_LITERAL)
        imap_framer_refuse(&session->framer);
    return answer_refused(run, state);
}

static enum imap_progress step(struct imap_session *session, struct imap_run *run)
{
    struct append_state *state = run->state;

    switch (state->phase) {
    case APPEND_BYTES: return take_bytes(session, run, state);
    case APPEND_WHOLE: return finish_message(run, state);
    case APPEND_BETWEEN: return read_between(session, run, state);
    case APPEND_DRAIN: return drain_bytes(session, state);
    case APPEND_REST: return read_rest(session, run, state);
    case APPEND_COMMITTING: return end_act(session, run, state);
    }
    return IMAP_ENDED;
}

/* To take in a message, however small, costs more than to look at one. */
enum { APPEND_MESSAGES_STEP = IMAP_MESSAGES_STEP / 4 };

enum imap_progress imap_append_run(struct imap_session *session, struct imap_run *run)
{
    const struct append_state *state;
    enum imap_progress progress;
    uint32_t count;

    if (run->state == NULL) {
        progress = begin(session, run);
        if (progress != IMAP_AGAIN)
            return progress;
    }
    state = run->state;
    count = state->count;
    do
        progress = step(session, run);
    while (progress == IMAP_AGAIN && !imap_output_is_full(session) &&
           state->count - count < APPEND_MESSAGES_STEP);
    return progress;
}
