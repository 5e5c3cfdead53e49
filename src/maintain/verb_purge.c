/* purge: forgets for good what was expunged and deleted.
 *
 * Arguments: "before", seconds since 1970: only what went before that time (all without it; of what
 * is younger nothing is forgotten, of what is older a part may stay, because the log forgets by
 * segments). Result: {"since" (seconds: what went before is not known any more; not there: nothing
 * was forgotten), "freed_bytes" (of the log), "held" (somebody holds the log: it is removed when
 * they are done)}. */
#include "maintain/verb.h"

#include "store/account.h"
#include "store/account_compact.h"

struct state {
    struct account *account; /* whose purge it is; NULL: it has not begun, or has ended */
    struct wall before;
};

static enum err begin(struct maintain *act, const json_t *arguments, struct note *why)
{
    struct state *state = maintain_alloc(sizeof(*state));

    (void)why;
    state->before = (struct wall){ INT64_MAX };
    if (json_object_get(arguments, "before") != NULL)
        state->before = maintain_time(arguments, "before");
    act->state = state;
    return ERR_OK;
}

static enum maintain_want sum_up(struct maintain *act, const struct account_purged *purged,
                                 struct buf *out)
{
    json_t *result = json_pack("{s:I, s:b}", "freed_bytes", (json_int_t)purged->freed_bytes, "held",
                               (int)purged->held);

    if (purged->since.us != 0)
        (void)json_object_set_new(result, "since", json_integer(wall_seconds(purged->since)));
    return maintain_succeed(act, out, result);
}

static enum maintain_want step(struct maintain *act, struct buf *out)
{
    struct state *state = act->state;
    struct account_purged purged;
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
    if (account_purge_step(act->account, act->origin.now))
        return MAINTAIN_WAIT;
    err = account_purge_result(act->account, &purged, &why);
    if (err == ERR_BUSY)
        return MAINTAIN_AGAIN;
    state->account = NULL;
    if (err != ERR_OK)
        return maintain_fail(act, err, "%s", why.text);
    return sum_up(act, &purged, out);
}

/* Given up halfway it goes on, and nobody hears of it. */
static void end(struct maintain *act)
{
    struct state *state = act->state;

    if (state->account != NULL)
        account_purge_forget(state->account);
    free(state);
}

static const struct maintain_argument arguments[] = {
    { "before", MAINTAIN_NUMBER, false },
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
