/* From what is lost to what is there again. */
#include "maintain/past.h"

#include <inttypes.h>

#include "store/account.h"
#include "store/act.h"
#include "store/acting.h"
#include "store/mailbox.h"

enum { LINES_BYTES_MAX = MAINTAIN_STEP_BYTES_MAX / 2 }; /* of one step; then one more may come */

struct past_target past_target(const struct maintain *act, const struct past *past, size_t index)
{
    const struct lost_mailbox *lost = &past->lost.mailboxes[index];
    const struct mailbox *mailbox = mailbox_find_id(act->account, lost->id);

    if (mailbox == NULL)
        mailbox = mailbox_find(act->account, lost->name);
    return (struct past_target){ mailbox == NULL ? lost->name : mailbox_name(mailbox),
                                 mailbox == NULL };
}

static enum maintain_want fail(struct maintain *act, const struct past *past, enum err err)
{
    if (err == ERR_OVER_QUOTA)
        return maintain_fail(act, err,
                             "%" PRIu64 " bytes would come back, and the quota has no room for "
                             "them; nothing was changed",
                             past->undelete.planned.bytes);
    if (err == ERR_LIMIT)
        return maintain_fail(act, err, "the account would have too many mailboxes or UIDs");
    return maintain_fail(act, err, "writing the log: %s", err_text(err));
}

static enum maintain_want bring_back(struct maintain *act, struct past *past)
{
    enum err err;

    if (past->act == NULL) {
        past->before = account_change_number(act->account);
        err = act_undelete(&past->undelete, &act->origin, &past->is_done);
        past->act = err == ERR_BUSY ? act_take(act->account) : NULL;
    } else {
        err = act_end(past->act);
        past->act = err == ERR_BUSY ? past->act : NULL;
    }
    if (err == ERR_BUSY)
        return MAINTAIN_AGAIN;
    if (err != ERR_OK)
        return fail(act, past, err);
    if (account_change_number(act->account).value != past->before.value)
        past->changes++;
    return MAINTAIN_AGAIN;
}

enum maintain_want past_step(struct maintain *act, struct past *past, bool dry, past_tell_fn *tell,
                             struct buf *out)
{
    size_t before = out->len;

    if (!past->is_planned) {
        if (past->undelete.account == NULL)
            undelete_begin(&past->undelete, act->account, &past->lost);
        past->is_planned = undelete_plan(&past->undelete);
        return MAINTAIN_AGAIN;
    }
    for (; past->told < past->lost.mailbox_count; past->told++) {
        if (out->len - before > LINES_BYTES_MAX)
            return MAINTAIN_AGAIN;
        tell(act, past->undelete.order[past->told].index, out);
    }
    return dry || past->is_done ? MAINTAIN_WAIT : bring_back(act, past);
}

void past_done(struct past *past)
{
    act_abandon(past->act);
    undelete_done(&past->undelete);
    lost_done(&past->lost);
}
