/* hold: as long as whoever asked listens, nothing is removed from the account's log, so that it can
 * be copied in any time.
 *
 * No arguments. One line, {"held":true}; then nothing more: it never ends by itself. */
#include <stdint.h>
#include <stdlib.h>

#include "maintain/verb.h"
#include "store/account_compact.h"

struct hold {
    struct account *account;
    uint64_t number;
    bool told;
};

static enum err begin(struct maintain *act, const json_t *arguments, struct note *why)
{
    struct hold *hold = maintain_alloc(sizeof(*hold));

    (void)arguments;
    (void)why;
    hold->account = act->account;
    hold->number = account_hold(act->account, (struct wall){ INT64_MAX });
    act->state = hold;
    return ERR_OK;
}

static enum maintain_want step(struct maintain *act, struct buf *out)
{
    struct hold *hold = act->state;

    if (!hold->told)
        maintain_put(out, json_pack("{s:b}", "held", 1));
    hold->told = true;
    return MAINTAIN_WAIT;
}

static void end(struct maintain *act)
{
    struct hold *hold = act->state;

    account_release(hold->account, hold->number);
    free(hold);
}

const struct maintain_verb maintain_verb_hold = {
    .name = "hold",
    .begin = begin,
    .step = step,
    .end = end,
};
