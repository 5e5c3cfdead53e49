/* Random acts on an account; some of them fail. */
#include <stdio.h>
#include <string.h>

#include "crash/life.h"
#include "store/account_compact.h"
#include "store/act.h"
#include "store/act_steps.h"
#include "store/act_undelete.h"
#include "store/acting.h"
#include "store/body.h"
#include "store/lost.h"
#include "store/lost_find.h"

static const char *const keywords[] = { "$Forwarded", "$Junk", "red", "blue" };
static const char *const names[] = {
    "a", "a/b", "a/b/c", "Work", "Work/2026", "\xc3\xa9t\xc3\xa9"
};

static unsigned below(struct life *life, unsigned limit)
{
    return (unsigned)test_random_below(&life->random, limit);
}

static struct mailbox *any_mailbox(struct life *life)
{
    struct account *account = life->desk.account;
    unsigned skip = below(life, 3) == 0 ? 0 : below(life, mailbox_count(account));
    struct mailbox *mailbox = mailbox_next(account, BYTES(""));

    if (below(life, 3) == 0)
        return mailbox_find(account, BYTES("INBOX"));
    while (skip-- > 0)
        mailbox = mailbox_next(account, mailbox_name(mailbox));
    return mailbox;
}

static struct uid_range any_range(struct life *life, const struct mailbox *mailbox)
{
    uint32_t first = 1 + below(life, mailbox_uidnext(mailbox));

    return (struct uid_range){ first, first + below(life, 4) };
}

static void make_text(struct life *life, bool large, struct buf *out)
{
    uint32_t number = life->texts++;

    buf_clear(out);
    buf_add_format(out,
                   "Subject: number %u\r\nMessage-ID: <%u@example.org>\r\n"
                   "In-Reply-To: <%u@example.org>\r\n\r\n",
                   number, number, number / 2);
    for (uint32_t lines = large ? 700 : below(life, 12); lines > 0; lines--)
        buf_add_format(out,
                       "line %u of a body that has the number %u, and more of it, "
                       "so that it becomes long enough for what it is to show\r\n",
                       lines, number);
}

static enum err make_items(struct life *life, struct append_item *items, uint32_t count, bool large)
{
    struct buf text = buf_make(1 << 20);
    enum err err = ERR_OK;

    for (uint32_t i = 0; i < count && err == ERR_OK; i++) {
        make_text(life, large && i == 0, &text);
        items[i].flags.flags = (uint16_t)below(life, FLAGS_ALL + 1);
        items[i].internal_date = (struct zoned_time){ wall_seconds(life->desk.now), 60 };
        err = desk_body(&life->desk, buf_bytes(&text), &items[i].body);
    }
    buf_done(&text);
    return err;
}

/* An act that has answered `err` so far, to its end. Syncs may come and go between its steps. When
 * it is written none of them fails: nobody could say what the account is that a disk then holds. */
static enum err finish(struct life *life, enum err err)
{
    struct desk *desk = &life->desk;
    struct act *act = err == ERR_BUSY ? act_take(desk->account) : NULL;

    while (act != NULL && err == ERR_BUSY) {
        crash_vfs_calm(life->crash, act->phase == ACT_APPLYING);
        if (below(life, 4) == 0)
            account_sync(desk->account);
        if (below(life, 3) == 0)
            (void)(below(life, 2) == 0 ? jobs_run(&desk->jobs) : jobs_deliver(&desk->jobs));
        crash_vfs_calm(life->crash, false);
        (void)account_step(desk->account);
        err = act_end(act);
    }
    return err;
}

static enum err append_some(struct life *life, bool large)
{
    struct append_item items[3] = { 0 };
    uint32_t count = 1 + below(life, 3);
    enum err err = make_items(life, items, count, large);
    struct origin origin = desk_origin(&life->desk);
    struct uid first;

    if (err == ERR_OK)
        err = act_append(any_mailbox(life), &origin, items, count, &first);
    for (uint32_t i = 0; i < count && err != ERR_OK && err != ERR_BUSY; i++)
        body_writer_free(items[i].body);
    return finish(life, err);
}

static enum err append(struct life *life)
{
    return append_some(life, false);
}

static enum err append_large(struct life *life)
{
    return append_some(life, life->plan.with_large);
}

static enum err flags(struct life *life)
{
    struct mailbox *mailbox = any_mailbox(life);
    struct desk_store store = { .uids = any_range(life, mailbox),
                                .mode = (enum flag_mode)below(life, 3),
                                .flags = (uint16_t)below(life, FLAGS_ALL + 1) };

    if (below(life, 3) == 0)
        store.keyword = bytes_from_string(keywords[below(life, ARRAY_COUNT(keywords))]);
    return desk_flags(&life->desk, mailbox, store, NULL);
}

static enum err expunge(struct life *life)
{
    struct mailbox *mailbox = any_mailbox(life);
    struct uid_range range = any_range(life, mailbox);
    struct origin origin = desk_origin(&life->desk);
    uint32_t count;

    return finish(life, act_expunge(mailbox, &origin, (struct uid_set){ &range, 1 },
                                    below(life, 2) == 0, &count));
}

static enum err copy(struct life *life)
{
    struct mailbox *from = any_mailbox(life);
    struct uid_range range = any_range(life, from);
    struct copy_act act = { any_mailbox(life), { &range, 1 }, below(life, 2) == 0 };
    struct arena arena = arena_make(1 << 20);
    struct origin origin = desk_origin(&life->desk);
    struct copy_result result;
    enum err err = finish(life, act_copy(from, &origin, &act, &arena, &result));

    arena_done(&arena);
    return err;
}

static struct bytes any_name(struct life *life)
{
    return bytes_from_string(names[below(life, ARRAY_COUNT(names))]);
}

/* Refusals are no failures. */
static enum err unless_refused(enum err err)
{
    return err == ERR_EXISTS || err == ERR_DENIED || err == ERR_INVALID ? ERR_OK : err;
}

static enum err create(struct life *life)
{
    struct origin origin = desk_origin(&life->desk);
    struct mailbox *made;

    return unless_refused(
        act_mailbox_create(life->desk.account, &origin, any_name(life), 0, &made));
}

static enum err delete_one(struct life *life)
{
    struct origin origin = desk_origin(&life->desk);

    return unless_refused(
        finish(life, act_mailbox_delete(life->desk.account, &origin, any_mailbox(life))));
}

static enum err rename_one(struct life *life)
{
    struct origin origin = desk_origin(&life->desk);

    return unless_refused(finish(
        life, act_mailbox_rename(life->desk.account, &origin, any_mailbox(life), any_name(life))));
}

static enum err claim_recent(struct life *life)
{
    struct origin origin = desk_origin(&life->desk);
    uint32_t floor;

    return act_recent_claim(life->desk.account, &origin, any_mailbox(life), &floor);
}

static enum err subscribe(struct life *life)
{
    struct origin origin = desk_origin(&life->desk);

    return act_subscribe(life->desk.account, &origin, any_name(life), below(life, 2) == 0);
}

static enum err find_lost(struct desk *desk, struct lost *lost)
{
    struct lost_find_options options = { .vfs = desk->vfs,
                                         .position = account_durable(desk->account) };
    struct lost_find *find = lost_find_new(&options);
    struct note why;
    bool done = false;
    enum err err = ERR_OK;

    while (err == ERR_OK && !done)
        err = lost_find_read(find, 500, &done, &why);
    if (err == ERR_OK)
        lost_find_take(find, lost);
    lost_find_free(find);
    return err;
}

/* What was expunged or deleted comes back: one change. */
static enum err undelete(struct life *life)
{
    struct desk *desk = &life->desk;
    struct origin origin = desk_origin(desk);
    struct undelete undelete;
    struct account_pause pause = { .waker = &desk->waker };
    struct lost lost = { 0 };
    bool done = false;
    enum err err;

    desk_sync(desk);
    if (account_has_failed(desk->account) || !account_compact_pause(desk->account, &pause)) {
        account_compact_resume(desk->account, &pause, false);
        return ERR_OK;
    }
    err = find_lost(desk, &lost);
    if (err == ERR_OK) {
        undelete_begin(&undelete, desk->account, &lost);
        while (!undelete_plan(&undelete))
            continue;
        err = finish(life, act_undelete(&undelete, &origin, &done));
        if (err == ERR_OK && !done)
            crash_failed("more was undeleted than fits into one change");
        undelete_done(&undelete);
    }
    lost_done(&lost);
    account_compact_resume(desk->account, &pause, true);
    return err;
}

enum err workload_act(struct life *life)
{
    static enum err (*const acts[])(struct life * life) = {
        append, append,     append,     append_large, flags,     flags,    flags,   expunge, copy,
        create, delete_one, rename_one, claim_recent, subscribe, undelete, expunge, expunge,
    };

    return acts[below(life, ARRAY_COUNT(acts))](life);
}
