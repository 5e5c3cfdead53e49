/* log: what happened to the account, oldest first.
 *
 * Arguments: "mailbox", a name that it has, or had then (all mailboxes and what is of none without
 * it); "since", seconds since 1970; "limit", only so many, the last ones (1 to 100000).
 * Lines: {"event":{"time" (seconds), "change", "what", "protocol", "session", "actor", "mailbox",
 * "to", "messages", "uids", "detail"}}; what makes no sense for an event is not in it. "what" is
 * one of began, created, renamed, deleted, added, undeleted, flagged, copied, moved, expunged,
 * subscribed, unsubscribed, epoch. Progress counts bytes of the log. Result: {"events", "since"
 * (seconds: what came before is not known), "cut" (something came before)}. ERR_NOT_FOUND: there is
 * no mailbox of that name, and nothing is told of one. */
#include "maintain/verb.h"

#include <stdlib.h>

#include "store/account.h"
#include "store/journal.h"
#include "store/mailbox.h"

enum {
    PIECE_BYTES = 1024 * 1024, /* one job */
    LINES_BYTES_MAX = MAINTAIN_STEP_BYTES_MAX - 8 * 1024, /* of one step; then one more may come */
    LIMIT_MAX = 100000,
};

struct state {
    struct journal_options options;
    struct journal *journal; /* NULL until the log is held */
    bool is_read;
    size_t told; /* entries of those that are there */
    uint64_t events;
    enum err err;
    struct note why;
};

static enum err begin(struct maintain *act, const json_t *arguments, struct note *why)
{
    const json_t *limit = json_object_get(arguments, "limit");
    struct state *state;

    if (limit != NULL && (json_integer_value(limit) < 1 || json_integer_value(limit) > LIMIT_MAX))
        return note_fail(why, ERR_INVALID, "\"limit\" of log is 1 to %d", LIMIT_MAX);
    state = maintain_alloc(sizeof(*state));
    state->options.name = maintain_mailbox_name(arguments);
    state->options.since = maintain_time(arguments, "since");
    state->options.last_max = (size_t)json_integer_value(limit);
    act->state = state;
    return ERR_OK;
}

static void begin_to_read(struct maintain *act)
{
    struct state *state = act->state;
    struct journal_options *options = &state->options;

    options->vfs = act->vfs;
    options->position = account_durable(act->account);
    options->id = maintain_mailbox_id(act, options->name);
    state->journal = journal_new(options);
}

static void read_piece(void *context)
{
    struct state *state = context;

    state->err = journal_read(state->journal, PIECE_BYTES, &state->is_read, &state->why);
}

static void add_text(json_t *event, const char *key, struct bytes text)
{
    if (text.len > 0)
        (void)json_object_set_new(event, key, maintain_text(text));
}

static void add_number(json_t *event, const char *key, uint64_t number)
{
    if (number > 0)
        (void)json_object_set_new(event, key, json_integer((json_int_t)number));
}

static void tell(const struct journal_entry *entry, struct buf *out)
{
    json_t *event =
        json_pack("{s:I, s:I, s:s}", "time", (json_int_t)wall_seconds(entry->when), "change",
                  (json_int_t)entry->change.value, "what", journal_kind_text(entry->kind));

    add_text(event, "protocol", bytes_from_string(journal_protocol_text(entry->protocol)));
    add_number(event, "session", entry->session);
    add_text(event, "actor", entry->actor);
    add_text(event, "mailbox", entry->mailbox);
    add_text(event, "to", entry->to);
    add_number(event, "messages", entry->messages);
    add_text(event, "uids", entry->uids);
    add_text(event, "detail", entry->detail);
    maintain_put(out, json_pack("{s:o}", "event", event));
}

/* True when all that is there has been told. */
static bool tell_some(struct state *state, struct buf *out)
{
    size_t before = out->len;
    size_t count;
    const struct journal_entry *entries = journal_entries(state->journal, &count);

    for (; state->told < count && out->len - before < LINES_BYTES_MAX; state->events++)
        tell(&entries[state->told++], out);
    if (state->told < count)
        return false;
    journal_clear(state->journal);
    state->told = 0;
    return true;
}

static bool is_unknown(const struct maintain *act)
{
    const struct state *state = act->state;
    struct bytes name = state->options.name;

    return name.len > 0 && state->events == 0 && mailbox_find(act->account, name) == NULL;
}

static enum maintain_want step(struct maintain *act, struct buf *out)
{
    struct state *state = act->state;

    if (state->err != ERR_OK)
        return maintain_fail(act, state->err, "%s", state->why.text);
    if (!maintain_hold_log(act))
        return MAINTAIN_WAIT;
    if (state->journal == NULL)
        begin_to_read(act);
    /* The last ones are known when all is read. */
    if ((state->is_read || state->options.last_max == 0) && !tell_some(state, out))
        return MAINTAIN_AGAIN;
    if (state->is_read && is_unknown(act))
        return maintain_fail(act, ERR_NOT_FOUND,
                             "there is no mailbox \"%.*s\", and the log tells nothing of one",
                             BYTES_ARG(state->options.name));
    if (state->is_read)
        return maintain_succeed(act, out,
                                json_pack("{s:I, s:I, s:b}", "events", (json_int_t)state->events,
                                          "since",
                                          (json_int_t)wall_seconds(journal_since(state->journal)),
                                          "cut", (int)journal_is_cut(state->journal)));
    maintain_progress(out, journal_position(state->journal), state->options.position);
    maintain_run(act, read_piece);
    return MAINTAIN_WAIT;
}

static void end(struct maintain *act)
{
    struct state *state = act->state;

    journal_free(state->journal);
    free(state);
}

static const struct maintain_argument arguments[] = {
    { "mailbox", MAINTAIN_TEXT, false },
    { "since", MAINTAIN_NUMBER, false },
    { "limit", MAINTAIN_NUMBER, false },
};

const struct maintain_verb maintain_verb_log = {
    .name = "log",
    .arguments = arguments,
    .argument_count = ARRAY_COUNT(arguments),
    .begin = begin,
    .step = step,
    .end = end,
};
