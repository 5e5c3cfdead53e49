/* Acts in steps: plan, write, apply. */
#include "store/act_steps.h"

#include <assert.h>
#include <stdlib.h>

#include "base/job.h"
#include "store/account_state.h"
#include "store/acting.h"
#include "store/alloc.h"
#include "store/rows.h"
#include "store/step_charge.h"

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
    step_charge(&act->left, cost);
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
    enum err err = act->kind->plan(act);

    if (err == ERR_BUSY)
        return;
    if (err == ERR_OK && act->writes)
        err = change_write_begin(&act->change, act->gated, &act->record);
    if (err != ERR_OK || !act->writes)
        end(act, err);
    else
        act->phase = ACT_WRITING;
}

static void write_some(struct act *act)
{
    uint64_t bytes_max = (uint64_t)act->left * ACT_BYTES_PER_COST;
    enum err err = change_write(&act->change, bytes_max);
    bool sound;

    if (err == ERR_BUSY) {
        act->left = 0;
        return;
    }
    if (err != ERR_OK) {
        end(act, err);
        return;
    }
    act_charge(act, act->record.payload.len / ACT_BYTES_PER_COST);
    sound = applying_begin(&act->applying, &act->account->state, &act->record, true);
    assert(sound && act->applying.bytes > 0);
    act->phase = ACT_APPLYING;
}

static void apply_some(struct act *act)
{
    if (applying_step(&act->applying, act->left))
        end(act, ERR_OK);
    else
        act->left = 0;
}

static void step(struct act *act, uint32_t cost)
{
    act->left = cost;
    do {
        switch (act->phase) {
        case ACT_PLANNING: plan(act); break;
        case ACT_WRITING: write_some(act); break;
        case ACT_APPLYING: apply_some(act); break;
        case ACT_OVER: return;
        }
    } while (act->left > 0);
}

enum err act_begin(struct act *act)
{
    struct account *account = act->account;
    enum err err = change_begin(account, &act->origin, &act->change);

    act->err = err;
    if (err == ERR_OK) {
        step(act, act->is_small ? UINT32_MAX : account->step_cost);
        err = act->err;
    }
    if (err == ERR_OK && act->phase != ACT_OVER) {
        account->act = act;
        return ERR_BUSY;
    }
    act_free(act);
    return err;
}

struct alone {
    struct act act;
    act_alone_fn *work;
    void *context;
};

static enum err alone_plan(struct act *act)
{
    struct alone *alone = CONTAINER_OF(act, struct alone, act);

    return alone->work(alone->context, &act->left) ? ERR_OK : ERR_BUSY;
}

static void do_nothing(struct act *act)
{
}

enum err act_alone(struct account *account, act_alone_fn *work, void *context)
{
    static const struct act_kind kind = { alone_plan, do_nothing, do_nothing };
    struct origin origin = { .protocol = PROTOCOL_STORE, .now = account->wall };
    struct alone *alone = act_new(sizeof(*alone), account, &kind, &origin);

    alone->work = work;
    alone->context = context;
    return act_begin(&alone->act);
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
    step(act, account->step_cost);
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
    if (act->phase == ACT_WRITING || act->phase == ACT_APPLYING)
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
    if (!account->failed && act->phase != ACT_PLANNING) {
        account->listener = NULL;
        act->is_abandoned = true;
        while (act->phase != ACT_OVER)
            step(act, UINT32_MAX);
    }
    account->act = NULL;
    act_free(act);
}
