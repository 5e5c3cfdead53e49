/* undelete: brings back messages that were expunged and mailboxes that were deleted.
 *
 * Arguments: "mailbox", a name that it has, or had when something of it went (all mailboxes without
 * it); "since", seconds since 1970 (what went before is left alone); "dry_run", change nothing.
 * Lines, one for each mailbox of which something comes back: {"mailbox":{"name" (where it goes),
 * "messages", "bytes", "made" (it has to be made again), "first", "last" (seconds: when the first
 * and the last of them went)}}. Progress counts bytes of the log. Result: {"messages", "bytes",
 * "mailboxes" (made), "levels" (made above those), "changes" (of the log), "since" (seconds: what
 * went before is not known), "dry_run"}. ERR_NOT_FOUND: there is no mailbox of that name, and
 * nothing went from one. */
#include <stdlib.h>

#include "maintain/past.h"
#include "store/account.h"
#include "store/lost_find.h"
#include "store/mailbox.h"

enum { PIECE_BYTES = 4 * 1024 * 1024 }; /* one job */

struct state {
    struct lost_find_options options;
    struct lost_find *find; /* NULL until the log is held */
    struct past past;
    bool is_dry;
    bool is_found;
    enum err err;
    struct note why;
};

static enum err begin(struct maintain *act, const json_t *arguments, struct note *why)
{
    struct bytes name = maintain_mailbox_name(arguments);
    struct state *state = maintain_alloc(sizeof(*state));

    (void)why;
    state->options.name = name;
    state->options.since = maintain_time(arguments, "since");
    state->is_dry = json_is_true(json_object_get(arguments, "dry_run"));
    act->state = state;
    return ERR_OK;
}

static void begin_to_find(struct maintain *act)
{
    struct state *state = act->state;
    struct lost_find_options *options = &state->options;

    options->vfs = act->vfs;
    options->position = account_durable(act->account);
    options->id = maintain_mailbox_id(act, options->name);
    state->find = lost_find_new(options);
}

static void read_piece(void *context)
{
    struct state *state = context;

    state->err = lost_find_read(state->find, PIECE_BYTES, &state->is_found, &state->why);
    if (state->err == ERR_OK && state->is_found)
        lost_find_take(state->find, &state->past.lost);
}

/* What comes back into one mailbox, and when it went. */
struct tally {
    uint64_t messages;
    uint64_t bytes;
    int64_t first; /* seconds */
    int64_t last;
};

static void count_event(struct tally *tally, const struct lost *lost, uint32_t event)
{
    int64_t when = wall_seconds(lost->events[event].when);

    if (tally->first == 0 || when < tally->first)
        tally->first = when;
    if (when > tally->last)
        tally->last = when;
}

static struct tally count(const struct lost *lost, size_t mailbox, bool is_made)
{
    size_t end = lost_first_message(lost, mailbox + 1);
    struct tally tally = { 0 };

    for (size_t i = lost_first_message(lost, mailbox); i < end; i++) {
        if (lost->messages[i].is_left_out)
            continue;
        tally.messages++;
        tally.bytes += lost->messages[i].row.size;
        count_event(&tally, lost, lost->messages[i].event);
    }
    if (is_made && lost->mailboxes[mailbox].is_wanted)
        count_event(&tally, lost, lost->mailboxes[mailbox].event);
    return tally;
}

/* A mailbox of which nothing comes back has no line. */
static void tell(struct maintain *act, size_t index, struct buf *out)
{
    const struct state *state = act->state;
    const struct lost *lost = &state->past.lost;
    struct past_target target = past_target(act, &state->past, index);
    struct tally tally = count(lost, index, target.is_made);

    if (tally.messages == 0 && !(target.is_made && lost->mailboxes[index].is_wanted))
        return;
    maintain_put(out, json_pack("{s:{s:o, s:I, s:I, s:b, s:I, s:I}}", "mailbox", "name",
                                maintain_text(target.name), "messages", (json_int_t)tally.messages,
                                "bytes", (json_int_t)tally.bytes, "made", (int)target.is_made,
                                "first", (json_int_t)tally.first, "last", (json_int_t)tally.last));
}

static enum maintain_want sum_up(struct maintain *act, struct buf *out)
{
    const struct state *state = act->state;
    const struct undelete_counts *counts = &state->past.undelete.planned;

    return maintain_succeed(
        act, out,
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "messages", (json_int_t)counts->messages,
                  "bytes", (json_int_t)counts->bytes, "mailboxes", (json_int_t)counts->made,
                  "levels", (json_int_t)counts->levels, "changes", (json_int_t)state->past.changes,
                  "since", (json_int_t)wall_seconds(lost_find_since(state->find)), "dry_run",
                  (int)state->is_dry));
}

/* A mailbox that nobody has and nothing went from: the name is more likely wrong. */
static bool is_unknown(const struct maintain *act)
{
    const struct state *state = act->state;
    struct bytes name = state->options.name;

    return name.len > 0 && state->past.lost.mailbox_count == 0 &&
           mailbox_find(act->account, name) == NULL;
}

static enum maintain_want step(struct maintain *act, struct buf *out)
{
    struct state *state = act->state;
    enum maintain_want want;

    if (state->err != ERR_OK)
        return maintain_fail(act, state->err, "%s", state->why.text);
    if (!maintain_hold_log(act))
        return MAINTAIN_WAIT;
    if (state->find == NULL)
        begin_to_find(act);
    if (!state->is_found) {
        maintain_progress(out, lost_find_position(state->find), state->options.position);
        maintain_run(act, read_piece);
        return MAINTAIN_WAIT;
    }
    if (is_unknown(act))
        return maintain_fail(act, ERR_NOT_FOUND,
                             "there is no mailbox \"%.*s\", and nothing went from one of that name",
                             BYTES_ARG(state->options.name));
    want = past_step(act, &state->past, state->is_dry, tell, out);
    return want == MAINTAIN_WAIT ? sum_up(act, out) : want;
}

static void end(struct maintain *act)
{
    struct state *state = act->state;

    past_done(&state->past);
    lost_find_free(state->find);
    free(state);
}

static const struct maintain_argument arguments[] = {
    { "mailbox", MAINTAIN_TEXT, false },
    { "since", MAINTAIN_NUMBER, false },
    { "dry_run", MAINTAIN_FLAG, false },
};

const struct maintain_verb maintain_verb_undelete = {
    .name = "undelete",
    .changes = true,
    .arguments = arguments,
    .argument_count = ARRAY_COUNT(arguments),
    .begin = begin,
    .step = step,
    .end = end,
};
