/* rewind: makes an account what it was at one time, without taking away what came since.
 *
 * Arguments: "at", seconds since 1970 (what happened in this second is part of what was); "apply",
 * do it, not only say what would be done. Lines, one for each mailbox that has to change:
 * {"mailbox":{"name" (at that time), "messages" (that come back), "bytes", "flags" (messages that
 * get other ones), "made" (it has to be made), "now" (its present name, when that is another
 * one), "stays" (with "now": it keeps that, the other is taken)}}. Progress counts bytes of the
 * log, which is read twice. Result: {"messages", "bytes", "flags", "mailboxes" (made), "renamed",
 * "not_renamed" (the name is taken), "changes" (of the log), "since" (seconds: the earliest time
 * that can be asked for), "applied"}. */
#include <stdlib.h>
#include <time.h>

#include "maintain/past.h"
#include "store/account.h"
#include "store/lost_then.h"

enum { PIECE_BYTES = 4 * 1024 * 1024 }; /* one job */

struct state {
    struct lost_then_options options;
    struct lost_then *then; /* NULL until the log is held */
    struct past past;
    bool applies;
    bool is_compared;
    enum err err;
    struct note why;
};

static enum err begin(struct maintain *act, const json_t *arguments, struct note *why)
{
    struct state *state = maintain_alloc(sizeof(*state));

    (void)why;
    state->options.at.us = maintain_time(arguments, "at").us + 999999;
    state->applies = json_is_true(json_object_get(arguments, "apply"));
    act->state = state;
    return ERR_OK;
}

static void begin_to_compare(struct maintain *act)
{
    struct state *state = act->state;

    state->options.vfs = act->vfs;
    state->options.position = account_durable(act->account);
    state->then = lost_then_new(&state->options);
}

static void read_piece(void *context)
{
    struct state *state = context;

    state->err = lost_then_read(state->then, PIECE_BYTES, &state->is_compared, &state->why);
    if (state->err == ERR_OK && state->is_compared)
        lost_then_take(state->then, &state->past.lost);
}

/* With the first time that would do. */
static enum maintain_want refuse_time(struct maintain *act)
{
    const struct state *state = act->state;
    time_t since = (time_t)wall_seconds(lost_then_since(state->then));
    char text[32] = "";
    struct tm tm;

    if (localtime_r(&since, &tm) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S%z", &tm);
    return maintain_fail(act, ERR_INVALID, "the account's log reaches back to %s only", text);
}

static json_int_t count_flags(const struct past *past, size_t index)
{
    return (json_int_t)(lost_first_flags(&past->lost, index + 1) -
                        lost_first_flags(&past->lost, index));
}

/* A mailbox that is as it was has no line. */
static void tell(struct maintain *act, size_t index, struct buf *out)
{
    const struct state *state = act->state;
    const struct lost *lost = &state->past.lost;
    const struct lost_mailbox *mailbox = &lost->mailboxes[index];
    struct past_target target = past_target(act, &state->past, index);
    size_t end = lost_first_message(lost, index + 1);
    uint64_t messages = 0;
    uint64_t bytes = 0;
    json_t *line;

    for (size_t i = lost_first_message(lost, index); i < end; i++) {
        if (lost->messages[i].is_left_out)
            continue;
        messages++;
        bytes += lost->messages[i].row.size;
    }
    if (messages == 0 && count_flags(&state->past, index) == 0 && !target.is_made &&
        !mailbox->is_renamed)
        return;
    line = json_pack("{s:o, s:I, s:I, s:I, s:b}", "name", maintain_text(mailbox->name), "messages",
                     (json_int_t)messages, "bytes", (json_int_t)bytes, "flags",
                     count_flags(&state->past, index), "made", (int)target.is_made);
    if (mailbox->is_renamed) {
        (void)json_object_set_new(line, "now", maintain_text(target.name));
        (void)json_object_set_new(line, "stays", json_boolean(mailbox->is_refused));
    }
    maintain_put(out, json_pack("{s:o}", "mailbox", line));
}

static enum maintain_want sum_up(struct maintain *act, struct buf *out)
{
    const struct state *state = act->state;
    const struct undelete_counts *counts = &state->past.undelete.planned;

    return maintain_succeed(
        act, out,
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "messages",
                  (json_int_t)counts->messages, "bytes", (json_int_t)counts->bytes, "flags",
                  (json_int_t)counts->flags, "mailboxes", (json_int_t)counts->made, "renamed",
                  (json_int_t)counts->renamed, "not_renamed", (json_int_t)counts->not_renamed,
                  "changes", (json_int_t)state->past.changes, "since",
                  (json_int_t)wall_seconds(lost_then_since(state->then)), "applied",
                  (int)state->applies));
}

static enum maintain_want step(struct maintain *act, struct buf *out)
{
    struct state *state = act->state;
    enum maintain_want want;

    if (state->err == ERR_CONFLICT && lost_then_since(state->then).us != 0)
        return refuse_time(act);
    if (state->err != ERR_OK)
        return maintain_fail(act, state->err, "%s", state->why.text);
    if (!maintain_hold_log(act))
        return MAINTAIN_WAIT;
    if (state->then == NULL)
        begin_to_compare(act);
    if (!state->is_compared) {
        maintain_progress(out, lost_then_position(state->then), 2 * state->options.position);
        maintain_run(act, read_piece);
        return MAINTAIN_WAIT;
    }
    want = past_step(act, &state->past, !state->applies, tell, out);
    return want == MAINTAIN_WAIT ? sum_up(act, out) : want;
}

static void end(struct maintain *act)
{
    struct state *state = act->state;

    past_done(&state->past);
    lost_then_free(state->then);
    free(state);
}

static const struct maintain_argument arguments[] = {
    { "at", MAINTAIN_NUMBER, true },
    { "apply", MAINTAIN_FLAG, false },
};

const struct maintain_verb maintain_verb_rewind = {
    .name = "rewind",
    .changes = true,
    .arguments = arguments,
    .argument_count = ARRAY_COUNT(arguments),
    .begin = begin,
    .step = step,
    .end = end,
};
