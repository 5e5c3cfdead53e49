/* purge: forgets for good what was expunged and deleted.
 *
 * Arguments: "before", seconds since 1970: only what went before that time (all without it; of what
 * is younger nothing is forgotten, of what is older a part may stay, because the log forgets by
 * segments); "dry_run", change nothing. Progress counts bytes of the log, with "before" and in a
 * dry run. Result: {"since" (seconds: what went before is not known any more; not there: nothing
 * was forgotten), "freed_bytes" (of the log), "held" (somebody holds the log: it is removed when
 * they are done), "messages", "bytes" (those that went before the time and are still known: in a
 * dry run what there is to forget, else what stays because the log tells of younger changes beside
 * it; a number of LOST_MESSAGES_MAX + 1 means more than that), "dry_run"}. */
#include "maintain/verb.h"

#include <stdlib.h>

#include "store/account.h"
#include "store/account_compact.h"
#include "store/lost_find.h"

enum { PIECE_BYTES = 4 * 1024 * 1024 }; /* one job */

struct state {
    struct account *account; /* whose purge it is; NULL: it has not begun, or has ended */
    struct wall before;
    bool is_dry;
    bool is_purged;
    struct account_purged purged;
    struct lost_find_options options;
    struct lost_find *find; /* what is still known; NULL until the log is held */
    bool is_found;
    uint64_t messages;
    uint64_t bytes;
    enum err err;
    struct note why;
};

static enum err begin(struct maintain *act, const json_t *arguments, struct note *why)
{
    struct state *state = maintain_alloc(sizeof(*state));

    (void)why;
    state->before = (struct wall){ INT64_MAX };
    if (json_object_get(arguments, "before") != NULL)
        state->before = maintain_time(arguments, "before");
    state->is_dry = json_is_true(json_object_get(arguments, "dry_run"));
    act->state = state;
    return ERR_OK;
}

static enum maintain_want sum_up(struct maintain *act, struct buf *out)
{
    const struct state *state = act->state;
    json_t *result =
        json_pack("{s:I, s:b, s:I, s:I, s:b}", "freed_bytes", (json_int_t)state->purged.freed_bytes,
                  "held", (int)state->purged.held, "messages", (json_int_t)state->messages, "bytes",
                  (json_int_t)state->bytes, "dry_run", (int)state->is_dry);

    if (state->purged.since.us != 0)
        (void)json_object_set_new(result, "since", json_integer(wall_seconds(state->purged.since)));
    return maintain_succeed(act, out, result);
}

static void count(struct state *state)
{
    struct lost lost;

    lost_find_take(state->find, &lost);
    for (size_t i = 0; i < lost.message_count; i++) {
        if (lost.events[lost.messages[i].event].when.us >= state->before.us)
            continue;
        state->messages++;
        state->bytes += lost.messages[i].row.size;
    }
    lost_done(&lost);
}

static void read_piece(void *context)
{
    struct state *state = context;

    state->err = lost_find_read(state->find, PIECE_BYTES, &state->is_found, &state->why);
    if (state->err == ERR_LIMIT) {
        state->messages = LOST_MESSAGES_MAX + 1;
        state->is_found = true;
        state->err = ERR_OK;
    } else if (state->err == ERR_OK && state->is_found) {
        count(state);
    }
}

/* Looks for what is still known of what went before the time. */
static enum maintain_want look(struct maintain *act, struct buf *out)
{
    struct state *state = act->state;

    if (state->err != ERR_OK)
        return maintain_fail(act, state->err, "%s", state->why.text);
    if (!maintain_hold_log(act))
        return MAINTAIN_WAIT;
    if (state->find == NULL) {
        state->options.vfs = act->vfs;
        state->options.position = account_durable(act->account);
        state->find = lost_find_new(&state->options);
    }
    if (state->is_found)
        return sum_up(act, out);
    maintain_progress(out, lost_find_position(state->find), state->options.position);
    maintain_run(act, read_piece);
    return MAINTAIN_WAIT;
}

static enum maintain_want purge(struct maintain *act)
{
    struct state *state = act->state;
    struct note why = { "" };
    enum err err = ERR_OK;

    if (state->account == NULL) {
        err = account_purge(act->account, state->before, act->waker);
        if (err == ERR_BUSY)
            return maintain_fail(act, err, "another purge of the account is under way");
        if (err != ERR_OK)
            return maintain_fail(act, err, "the account's log failed");
        state->account = act->account;
    }
    err = account_purge_result(act->account, &state->purged, &why);
    if (err == ERR_BUSY)
        return MAINTAIN_WAIT;
    state->account = NULL;
    if (err == ERR_CLOSED)
        return maintain_fail(act, err, "the account's log failed");
    if (err != ERR_OK)
        return maintain_fail(act, err, "%s", why.text);
    state->is_purged = true;
    return MAINTAIN_AGAIN;
}

static enum maintain_want step(struct maintain *act, struct buf *out)
{
    struct state *state = act->state;

    if (!state->is_purged && !state->is_dry)
        return purge(act);
    if (state->before.us == INT64_MAX && !state->is_dry) /* all is forgotten */
        return sum_up(act, out);
    return look(act, out);
}

/* Given up halfway it goes on, and nobody hears of it. */
static void end(struct maintain *act)
{
    struct state *state = act->state;

    if (state->account != NULL)
        account_purge_forget(state->account);
    lost_find_free(state->find);
    free(state);
}

static const struct maintain_argument arguments[] = {
    { "before", MAINTAIN_NUMBER, false },
    { "dry_run", MAINTAIN_FLAG, false },
};

const struct maintain_verb maintain_verb_purge = {
    .name = "purge",
    .changes = true,
    .arguments = arguments,
    .argument_count = ARRAY_COUNT(arguments),
    .begin = begin,
    .step = step,
    .end = end,
};
