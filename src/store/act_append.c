/* APPEND, MULTIAPPEND and delivery: bodies and their rows in one change. */
#include <assert.h>
#include <stdlib.h>

#include "message/summary.h"
#include "store/account_state.h"
#include "store/act.h"
#include "store/act_parts.h"
#include "store/act_steps.h"
#include "store/alloc.h"
#include "store/body_writer_state.h"
#include "store/change.h"
#include "store/mailbox.h"

struct appending {
    struct act act;
    struct mailbox *mailbox;
    const struct append_item *items; /* of who asks: until all is planned */
    struct body_writer **bodies; /* those of the items */
    struct place *places; /* of the bodies, once they are added */
    uint32_t count;
    bool has_bodies; /* the writers are the act's own: it has taken a step */
    bool are_added; /* all bodies; what is left is to put the messages */
    uint32_t next; /* item */
    uint32_t in_batch; /* bodies that are in the batch, not in the log yet */
    uint32_t first_in_batch; /* items before it are in the log already */
    struct arena arena;
    struct keyword_table fresh; /* keywords that the mailbox lacks */
    struct thread_table threads; /* that this change adds: later items may answer earlier ones */
    struct uid first;
    struct uid *out_first;
};

enum { ITEM_COST = 64 }; /* to add a body, or to put a message, however small */

static bool find_thread(const struct appending *appending, uint64_t hash,
                        struct thread_id *out_thread)
{
    return thread_table_find(&appending->mailbox->state->threads, hash, out_thread) ||
           thread_table_find(&appending->threads, hash, out_thread);
}

/* Adds those hashes to the op that the tables lack. */
static void note_hash(struct appending *appending, struct op_thread *op, uint64_t hash)
{
    struct thread_id known;

    if (find_thread(appending, hash, &known))
        return;
    op->hashes[op->count++] = hash;
    thread_table_add(&appending->threads, hash, op->thread);
}

/* Those of the references, then that of its own id. Answers how many. */
static uint32_t hash_ids(const struct account_id *account, const struct body_writer *writer,
                         uint64_t hashes[SUMMARY_REFERENCES_MAX + 1])
{
    struct buf space = buf_make(SUMMARY_BYTES_MAX);
    struct summary summary = { 0 };
    uint32_t count = 0;
    size_t position = 0;
    struct bytes id;

    if (writer->is_late)
        summary_find_ids(buf_bytes(&writer->filling), &space, &summary);
    else if (!summary_decode(buf_bytes(&writer->summary), &summary))
        return 0;
    while (count < SUMMARY_REFERENCES_MAX && summary_reference_next(&summary, &position, &id))
        hashes[count++] = thread_hash(account, id);
    if (summary.message_id.len > 0)
        hashes[count++] = thread_hash(account, summary.message_id);
    buf_done(&space);
    return count;
}

/* RFC 8474 section 5.2 leaves it to the server: a message belongs to the thread of its own id if
 * that was seen, else of the newest of its references that was, else it begins one. Its own id, its
 * parent's and the first one's lead there from now on, whichever of them comes in later. */
static struct thread_id decide_thread(struct appending *appending, const struct body_writer *writer,
                                      struct body_id body)
{
    struct op op = { .code = OP_THREAD, .as.thread.thread = { body.value } };
    uint64_t hashes[SUMMARY_REFERENCES_MAX + 1];
    uint32_t count = hash_ids(&appending->mailbox->state->id, writer, hashes);

    for (uint32_t i = count; i > 0; i--)
        if (find_thread(appending, hashes[i - 1], &op.as.thread.thread))
            break;
    if (count > 0)
        note_hash(appending, &op.as.thread, hashes[count - 1]);
    if (count > 1)
        note_hash(appending, &op.as.thread, hashes[count - 2]);
    if (count > 2)
        note_hash(appending, &op.as.thread, hashes[0]);
    if (op.as.thread.count > 0)
        change_add(&appending->act.change, &op);
    return op.as.thread.thread;
}

/* Bodies are inert: those that fill a batch, or a step, are written before the rest, and named by
 * their place. */
static enum err begin_next_batch(struct appending *appending)
{
    struct log *log = appending->act.account->log;
    enum err err = log_append(log, false);

    appending->first_in_batch = appending->next;
    appending->in_batch = 0;
    return err == ERR_OK ? log_batch(log) : err;
}

static enum err add_small(struct appending *appending, struct body_writer *writer)
{
    struct account *account = appending->act.account;
    struct wall now = appending->act.origin.now;
    struct record_stored stored = { writer->encoding, buf_bytes(&writer->filling) };
    struct place *place = &appending->places[appending->next];
    enum err err;

    if (writer->id.value == 0)
        writer->id.value = account->state.body_next++;
    err = log_add_stored(account->log, writer->id, now, &stored, place);
    if (err == ERR_LIMIT && appending->in_batch > 0) {
        err = begin_next_batch(appending);
        if (err == ERR_OK)
            err = log_add_stored(account->log, writer->id, now, &stored, place);
    }
    appending->in_batch++;
    act_charge(&appending->act, stored.payload.len / ACT_BYTES_PER_COST);
    return err;
}

/* Some of the bodies; all of them stand before the CHANGE. */
static enum err add_bodies(struct appending *appending)
{
    enum err err = ERR_OK;

    for (; appending->next < appending->count && appending->act.left > 0; appending->next++) {
        struct body_writer *writer = appending->bodies[appending->next];

        assert(writer->finished && writer->account == appending->act.account);
        if (writer->large == NULL)
            err = add_small(appending, writer);
        else
            appending->places[appending->next] = log_body_place(writer->large);
        if (err != ERR_OK)
            return err;
        act_charge(&appending->act, ITEM_COST);
    }
    appending->are_added = appending->next == appending->count;
    if (appending->are_added)
        appending->next = 0;
    else if (appending->in_batch > 0)
        err = begin_next_batch(appending);
    return err == ERR_OK ? ERR_BUSY : err;
}

static enum err put_item(struct appending *appending, uint32_t item)
{
    const struct append_item *asked = &appending->items[item];
    const struct body_writer *writer = appending->bodies[item];
    struct op op = { .code = OP_PUT };
    struct op_put *put = &op.as.put;
    struct thread_id thread = decide_thread(appending, writer, writer->id);
    enum err err = act_keywords(appending->mailbox, &asked->flags, &appending->fresh,
                                &appending->arena, &put->flags);

    if (err != ERR_OK)
        return err;
    put->mailbox = appending->mailbox->id;
    put->uid.value = appending->first.value + item;
    put->body = writer->id;
    put->place = appending->places[item];
    if (writer->large == NULL && item >= appending->first_in_batch)
        put->body_back = log_body_back(appending->act.account->log, put->place);
    put->size = writer->size;
    put->internal_date = asked->internal_date;
    put->save_date = wall_seconds(appending->act.origin.now);
    put->thread = thread;
    change_add(&appending->act.change, &op);
    return ERR_OK;
}

static struct appending *appending_of(struct act *act)
{
    return CONTAINER_OF(act, struct appending, act);
}

static enum err put_items(struct appending *appending)
{
    for (; appending->next < appending->count; appending->next++) {
        enum err err;

        if (appending->act.left == 0)
            return ERR_BUSY;
        err = put_item(appending, appending->next);
        if (err != ERR_OK)
            return err;
        act_charge(&appending->act, ITEM_COST);
    }
    appending->act.gated = true;
    appending->act.writes = true;
    return ERR_OK;
}

static enum err append_plan(struct act *act)
{
    struct appending *appending = appending_of(act);
    enum err err = appending->are_added ? put_items(appending) : add_bodies(appending);

    act->account->failed = act->account->failed || log_has_failed(act->account->log);
    return err;
}

static void append_finish(struct act *act)
{
    *appending_of(act)->out_first = appending_of(act)->first;
}

static void keep_summaries(struct appending *appending)
{
    struct account *account = appending->act.account;

    for (uint32_t i = 0; i < appending->count; i++) {
        struct body_writer *writer = appending->bodies[i];

        if (writer->is_late)
            summary_file_put_message(account->summaries, writer->id, &writer->filling,
                                     log_tip(account->log));
        else
            summary_file_put(account->summaries, writer->id, buf_bytes(&writer->summary),
                             log_tip(account->log));
        body_writer_consume(writer);
    }
}

/* As long as the change may be in the log its bodies stay where they are. */
static void drop_bodies(struct appending *appending)
{
    const struct act *act = &appending->act;
    bool may_be_written =
        act->account->failed || act->phase == ACT_WRITING || act->phase == ACT_APPLYING;

    for (uint32_t i = 0; i < appending->count; i++)
        if (may_be_written)
            body_writer_consume(appending->bodies[i]);
        else
            body_writer_free(appending->bodies[i]);
}

static void append_done(struct act *act)
{
    struct appending *appending = appending_of(act);

    if (act->phase == ACT_OVER && act->err == ERR_OK)
        keep_summaries(appending);
    else if (appending->has_bodies)
        drop_bodies(appending);
    free(appending->bodies);
    free(appending->places);
    keyword_table_done(&appending->fresh);
    thread_table_done(&appending->threads);
    arena_done(&appending->arena);
}

static const struct act_kind append_kind = { append_plan, append_finish, append_done };

/* RFC 9051 s2.3.1.1 */
static struct appending *appending_new(struct mailbox *mailbox, const struct origin *origin,
                                       const struct append_item *items, uint32_t count)
{
    struct appending *appending =
        act_new(sizeof(*appending), mailbox_account(mailbox), &append_kind, origin);

    appending->mailbox = mailbox;
    appending->items = items;
    appending->bodies = store_alloc(count, sizeof(struct body_writer *));
    appending->places = store_alloc(count, sizeof(*appending->places));
    appending->count = count;
    appending->first.value = mailbox->uidnext;
    appending->arena = arena_make(ACT_ARENA_BYTES);
    appending->act.is_small = count == 1;
    for (uint32_t i = 0; i < count; i++)
        appending->bodies[i] = items[i].body;
    return appending;
}

/* RFC 3502 s6.3.11 */
enum err act_append(struct mailbox *mailbox, const struct origin *origin,
                    const struct append_item *items, uint32_t count, struct uid *out_first)
{
    struct appending *appending;
    uint64_t bytes = 0;
    enum err err;

    if (mailbox->deleted)
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < count; i++)
        bytes += items[i].body->size;
    if (account_is_over_quota(mailbox_account(mailbox), bytes))
        return ERR_OVER_QUOTA;
    if (count == 0 || count > UINT32_MAX - mailbox->uidnext)
        return count == 0 ? ERR_INVALID : ERR_LIMIT;
    appending = appending_new(mailbox, origin, items, count);
    appending->out_first = out_first;
    err = act_begin(&appending->act);
    if (err == ERR_BUSY)
        appending->has_bodies = true;
    return err;
}
