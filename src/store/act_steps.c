/* Acts in steps: plan, write, apply. */
#include "store/act_steps.h"

#include <assert.h>
#include <stdlib.h>

#include "base/job.h"
#include "store/account_state.h"
#include "store/acting.h"
#include "store/alloc.h"
#include "store/rows.h"

enum { BYTES_PER_COST = 32 }; /* copied, checked and written */

void *act_new(size_t len, struct account *account, const struct act_kind *kind,
              const struct origin *origin)
{
    struct act *act = store_alloc(1, len);

    act->account = account;
    act->kind = kind;
    act->origin = *origin;
    return act;
}

void act_charge(struct act *act, uint64_t cost)
{
    act->left -= cost < act->left ? (uint32_t)cost : act->left;
}

uint32_t act_piece(struct act *act, struct act_walk *walk, const struct rows *rows,
                   struct uid_range ranges[ACT_PIECE_RANGES])
{
    uint32_t count = 0;
    uint32_t end = 0;

    for (; walk->range < walk->set.count && count < ACT_PIECE_RANGES; walk->range++) {
        struct uid_range range = walk->set.ranges[walk->range];

        if (range.first < walk->next)
            range.first = walk->next;
        if (range.first > range.last)
            continue;
        if (count == 0)
            end = rows_reach(rows, range.first, act->left == 0 ? 1 : act->left);
        if (range.first > end)
            break;
        ranges[count] = range;
        if (range.last > end)
            ranges[count].last = end;
        walk->next = ranges[count].last + 1;
        count++;
        if (range.last > end)
            break;
    }
    act_charge(act, count);
    return count;
}

static void act_free(struct act *act)
{
    applying_done(&act->applying);
    act->kind->done(act);
    free(act);
}

static void end(struct act *act, enum err err)
{
    struct account *account = act->account;

    act->phase = ACT_OVER;
    act->err = err;
    if (account->act == act)
        account->act = NULL;
    if (act->applying.bytes > 0 && err == ERR_OK)
        change_end(&act->change);
    if (err == ERR_OK && !act->is_abandoned)
        act->kind->finish(act);
}

static void plan(struct act *act)
{
    struct log_record record;
    enum err err = act->kind->plan(act);
    bool sound;

    if (err == ERR_BUSY)
        return;
    if (err == ERR_OK && act->writes)
        err = change_write(&act->change, act->gated, &record);
    if (err != ERR_OK || !act->writes) {
        end(act, err);
        return;
    }
    act_charge(act, record.payload.len / BYTES_PER_COST);
    sound = applying_begin(&act->applying, &act->account->state, &record, true);
    assert(sound && act->applying.bytes > 0);
    act->phase = ACT_APPLYING;
}

static void step(struct act *act)
{
    act->left = act->account->step_cost;
    do {
        if (act->phase == ACT_PLANNING)
            plan(act);
        else if (applying_step(&act->applying, act->left))
            end(act, ERR_OK);
        else
            act->left = 0;
    } while (act->left > 0 && act->phase != ACT_OVER);
}

enum err act_begin(struct act *act)
{
    struct account *account = act->account;
    enum err err = change_begin(account, &act->origin, &act->change);

    act->err = err;
    if (err == ERR_OK) {
        step(act);
        err = act->err;
    }
    if (err == ERR_OK && act->phase != ACT_OVER) {
        account->act = act;
        return ERR_BUSY;
    }
    act_free(act);
    return err;
}

static void free_account(struct account *account)
{
    size_t count = account->waiting_count;

    account->waiting_count = 0;
    for (size_t i = 0; i < count; i++)
        account->waiting[i]->wake(account->waiting[i]);
}

bool act_step(struct account *account)
{
    struct act *act = account->act;

    if (act == NULL || account->failed)
        return false;
    step(act);
    if (act->phase != ACT_OVER)
        return true;
    if (act->is_abandoned)
        act_free(act);
    free_account(account);
    return false;
}

struct act *act_take(struct account *account)
{
    assert(account->act != NULL);
    return account->act;
}

enum err act_end(struct act *act)
{
    enum err err = act->err;

    if (act->account->failed && act->phase != ACT_OVER) {
        act->is_abandoned = true; /* it goes with the account */
        return ERR_CLOSED;
    }
    if (act->phase != ACT_OVER)
        return ERR_BUSY;
    act_free(act);
    return err;
}

void act_abandon(struct act *act)
{
    struct account *account;

    if (act == NULL)
        return;
    account = act->account;
    act->is_abandoned = true;
    if (act->phase == ACT_APPLYING)
        return;
    if (act->phase == ACT_PLANNING) {
        account->act = NULL;
        free_account(account);
    }
    act_free(act);
}

void act_close(struct account *account)
{
    struct act *act = account->act;

    if (act == NULL)
        return;
    if (!account->failed && act->phase == ACT_APPLYING) {
        while (!applying_step(&act->applying, UINT32_MAX))
            continue;
        account->listener = NULL;
        change_end(&act->change);
    }
    account->act = NULL;
    act_free(act);
}
