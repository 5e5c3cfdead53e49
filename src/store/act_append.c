/* APPEND, MULTIAPPEND and delivery: bodies and their rows in one change. */
#include <assert.h>

#include "message/summary.h"
#include "store/account_state.h"
#include "store/act.h"
#include "store/act_parts.h"
#include "store/body_writer_state.h"
#include "store/change.h"
#include "store/mailbox.h"

struct appending {
    struct change change;
    struct mailbox *mailbox;
    struct arena arena;
    uint32_t first_in_batch; /* items before it are in the log already */
    struct thread_table threads; /* that this change adds: later items may answer earlier ones */
};

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

/* RFC 8474 section 5.2 leaves it to the server: a message belongs to the thread of its own id if
 * that was seen, else of the newest of its references that was, else it begins one. Its own id, its
 * parent's and the first one's lead there from now on, whichever of them comes in later. */
static struct thread_id decide_thread(struct appending *appending, const struct body_writer *writer,
                                      struct body_id body)
{
    struct op op = { .code = OP_THREAD, .as.thread.thread = { body.value } };
    const struct account_id *account = &appending->mailbox->state->id;
    uint64_t hashes[SUMMARY_REFERENCES_MAX + 1];
    struct summary summary;
    uint32_t count = 0;
    size_t position = 0;
    struct bytes id;

    if (!summary_decode(buf_bytes(&writer->summary), &summary))
        return op.as.thread.thread;
    while (count < SUMMARY_REFERENCES_MAX && summary_reference_next(&summary, &position, &id))
        hashes[count++] = thread_hash(account, id);
    if (summary.message_id.len > 0)
        hashes[count++] = thread_hash(account, summary.message_id);
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
        change_add(&appending->change, &op);
    return op.as.thread.thread;
}

/* Bodies are inert: those that fill a batch are written before the rest, and named by their place.
 */
static enum err begin_next_batch(struct appending *appending, uint32_t item)
{
    struct log *log = appending->change.account->log;
    enum err err = log_append(log, false);

    appending->first_in_batch = item;
    return err == ERR_OK ? log_batch(log) : err;
}

static enum err add_body(struct appending *appending, uint32_t item, struct body_writer *writer,
                         struct place *out_place)
{
    struct account *account = appending->change.account;
    struct wall now = appending->change.origin->now;
    struct record_stored stored = { writer->encoding, buf_bytes(&writer->filling) };
    enum err err;

    if (writer->id.value == 0)
        writer->id.value = account->state.body_next++;
    err = log_add_stored(account->log, writer->id, now, &stored, out_place);
    if (err != ERR_LIMIT || item == appending->first_in_batch)
        return err;
    err = begin_next_batch(appending, item);
    return err == ERR_OK ? log_add_stored(account->log, writer->id, now, &stored, out_place) : err;
}

/* Adds the bodies; all of them stand before the CHANGE. */
static enum err add_bodies(struct appending *appending, const struct append_item *items,
                           uint32_t count, struct place *places)
{
    enum err err = ERR_OK;

    for (uint32_t i = 0; i < count && err == ERR_OK; i++) {
        struct body_writer *writer = items[i].body;

        assert(writer->finished && writer->account == appending->change.account);
        if (writer->large == NULL)
            err = add_body(appending, i, writer, &places[i]);
        else
            places[i] = log_body_place(writer->large);
    }
    return err;
}

static enum err add_item(struct appending *appending, const struct append_item *item,
                         struct op_put *put, struct keyword_table *fresh)
{
    const struct body_writer *writer = item->body;
    struct op op = { .code = OP_PUT };
    enum err err =
        act_keywords(appending->mailbox, &item->flags, fresh, &appending->arena, &put->flags);

    put->mailbox = appending->mailbox->id;
    put->body = writer->id;
    put->size = writer->size;
    put->internal_date = item->internal_date;
    put->save_date = wall_seconds(appending->change.origin->now);
    put->thread = decide_thread(appending, writer, writer->id);
    op.as.put = *put;
    if (err == ERR_OK)
        change_add(&appending->change, &op);
    return err;
}

static enum err write_items(struct appending *appending, const struct append_item *items,
                            uint32_t count)
{
    struct place *places = ARENA_NEW_ARRAY(&appending->arena, struct place, count);
    const struct log *log = appending->change.account->log;
    struct keyword_table fresh = { 0 };
    enum err err = places == NULL ? ERR_LIMIT : add_bodies(appending, items, count, places);

    for (uint32_t i = 0; i < count && err == ERR_OK; i++) {
        struct op_put put = { .uid = { appending->mailbox->uidnext + i }, .place = places[i] };

        if (items[i].body->large == NULL && i >= appending->first_in_batch)
            put.body_back = log_body_back(log, places[i]);
        err = add_item(appending, &items[i], &put, &fresh);
    }
    keyword_table_done(&fresh);
    return err != ERR_OK ? err : change_commit(&appending->change, true);
}

static void keep_summaries(struct account *account, const struct append_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        summary_file_put(account->summaries, items[i].body->id, buf_bytes(&items[i].body->summary),
                         log_tip(account->log));
        body_writer_consume(items[i].body);
    }
}

/* RFC 9051 s2.3.1.1 */
enum err act_append(struct mailbox *mailbox, const struct origin *origin,
                    const struct append_item *items, uint32_t count, struct uid *out_first)
{
    struct account *account = mailbox_account(mailbox);
    struct appending appending = { .mailbox = mailbox, .arena = arena_make(ACT_ARENA_BYTES) };
    uint32_t first = mailbox->uidnext;
    uint64_t bytes = 0;
    enum err err;

    if (mailbox->deleted)
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < count; i++)
        bytes += items[i].body->size;
    if (account_is_over_quota(account, bytes))
        return ERR_OVER_QUOTA;
    if (count == 0 || count > UINT32_MAX - first)
        return count == 0 ? ERR_INVALID : ERR_LIMIT;
    err = change_begin(account, origin, &appending.change);
    if (err == ERR_OK)
        err = write_items(&appending, items, count);
    account->failed = account->failed || log_has_failed(account->log);
    arena_done(&appending.arena);
    thread_table_done(&appending.threads);
    if (err != ERR_OK)
        return err;
    keep_summaries(account, items, count);
    *out_first = (struct uid){ first };
    return ERR_OK;
}
