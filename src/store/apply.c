/* Records, and the ops about mailboxes and the account. */
#include "store/apply.h"

#include <assert.h>
#include <stdlib.h>

#include "store/alloc.h"

/* A CHANGE longer than that may put hundreds of messages. */
enum { MANY_BYTES = 8192 };

void apply_touch(struct mailbox *mailbox, struct modseq number)
{
    state_touch(mailbox);
    if (mailbox->highest.value < number.value)
        mailbox->highest = number;
}

static bool name_fits(struct bytes name)
{
    return name.len > 0 && name.len <= MAILBOX_NAME_BYTES_MAX;
}

static uint32_t add_within_u32(uint32_t value, uint32_t gap)
{
    return value > UINT32_MAX - gap ? UINT32_MAX : value + gap;
}

/* RFC 9051 s6.3.5; RFC 8474 s4. */
static void create_mailbox(struct state *state, const struct op_mailbox *op, struct modseq number)
{
    char space[APPLY_NAME_BYTES];
    struct mailbox *mailbox;
    struct bytes name = op->name;

    if (op->id.value >= state->mailbox_next)
        state->mailbox_next = add_within_u32(op->id.value, 1);
    if (op->uidvalidity > state->uidvalidity_last)
        state->uidvalidity_last = op->uidvalidity;
    if (!name_fits(name) || state_find_id(state, op->id) != NULL)
        return;
    if (state_find(state, name) != NULL)
        name = apply_free_name(state, op->id, space);
    mailbox = state_mailbox_new(state, op->id, name);
    mailbox->uidvalidity = op->uidvalidity;
    mailbox->uses = op->uses;
    mailbox->highest = number;
    state_add(state, mailbox);
}

/* RFC 8474 s4 */
static void rename_mailbox(struct state *state, const struct op_mailbox *op)
{
    struct mailbox *mailbox = state_find_id(state, op->id);

    if (mailbox != NULL && name_fits(op->name) && state_find(state, op->name) == NULL)
        state_set_name(state, mailbox, op->name);
}

/* RFC 7162 s5.3 */
static void delete_mailbox(struct state *state, struct mailbox_id id, struct modseq number)
{
    struct mailbox *mailbox = state_find_id(state, id);

    if (mailbox == NULL)
        return;
    for (size_t i = 0; i < mailbox->rows.block_count; i++) {
        const struct block *block = mailbox->rows.blocks[i];
        uint64_t bodies[BLOCK_ROWS];

        block_load(block, COLUMN_BODY, 0, block->count, bodies);
        body_table_unreference(&state->bodies, bodies, block->count, number.value);
    }
    state->used_bytes -= mailbox->size;
    state->used_messages -= mailbox->rows.count;
    state_touch(mailbox);
    state_remove(state, mailbox);
}

static void set_uses(struct state *state, const struct op_mailbox *op)
{
    struct mailbox *mailbox = state_find_id(state, op->id);

    if (mailbox == NULL)
        return;
    mailbox->uses = op->uses;
    state->list_touched = true;
}

static void recent(struct state *state, const struct op_recent *op)
{
    struct mailbox *mailbox = state_find_id(state, op->mailbox);

    if (mailbox != NULL && op->floor > mailbox->recent_floor)
        mailbox->recent_floor = op->floor;
}

static void thread(struct state *state, const struct op_thread *op)
{
    for (uint32_t i = 0; i < op->count; i++)
        thread_table_add(&state->threads, op->hashes[i], op->thread);
}

/* A client of a copied account may have seen UIDs that this copy never gave out, and one of a
 * damaged account mail whose record is lost: the history of expunges tells of neither. Without a
 * history the answer is every UID that is not there. */
static void epoch_mailbox(struct mailbox *mailbox, const struct op_epoch *op, struct modseq number)
{
    uint32_t uidnext = add_within_u32(mailbox->uidnext, op->uid_gap);

    rows_raise_modseqs(&mailbox->rows, number.value);
    if ((op->reasons & (EPOCH_COPIED | EPOCH_DAMAGED)) != 0)
        vanished_forget(&mailbox->vanished, number.value);
    mailbox->uidnext = uidnext;
    apply_touch(mailbox, number);
}

static void epoch(struct state *state, const struct op_epoch *op, struct modseq number)
{
    state->floor = number;
    state->damaged = state->damaged || (op->reasons & EPOCH_DAMAGED) != 0;
    state->mailbox_next = add_within_u32(state->mailbox_next, op->mailbox_gap);
    if (op->body_gap <= INT64_MAX - state->body_next)
        state->body_next += op->body_gap;
    if (op->uidvalidity > state->uidvalidity_last)
        state->uidvalidity_last = op->uidvalidity;
    for (size_t i = 0; i < state->mailbox_count; i++)
        epoch_mailbox(state->by_id[i], op, number);
}

static void body_place(struct state *state, const struct op_body_place *op)
{
    struct body_entry entry;

    if (body_table_find(&state->bodies, op->body, &entry))
        body_table_move(&state->bodies, op->body, entry.place, op->place);
}

void apply_op(struct state *state, const struct op *op, struct modseq number)
{
    if (apply_base(state, op))
        return;
    body_table_settle(&state->bodies);
    switch ((unsigned)op->code) {
    case OP_ACCOUNT: state->id = op->as.account; break;
    case OP_MAILBOX_CREATE: create_mailbox(state, &op->as.mailbox, number); break;
    case OP_MAILBOX_RENAME: rename_mailbox(state, &op->as.mailbox); break;
    case OP_MAILBOX_DELETE: delete_mailbox(state, op->as.mailbox.id, number); break;
    case OP_MAILBOX_USES: set_uses(state, &op->as.mailbox); break;
    case OP_PUT: apply_put(state, &op->as.put, number); break;
    case OP_FLAGS: apply_flags(state, &op->as.flags, number); break;
    case OP_COPY: apply_copy(state, &op->as.copy, false, number); break;
    case OP_MOVE: apply_copy(state, &op->as.copy, true, number); break;
    case OP_EXPUNGE:
        apply_expunge(state, op->as.expunge.mailbox, &op->as.expunge.uids, number);
        break;
    case OP_RECENT: recent(state, &op->as.recent); break;
    case OP_THREAD: thread(state, &op->as.thread); break;
    case OP_SUBSCRIBE: (void)state_subscribe(state, op->as.setting.name, op->as.setting.on); break;
    case OP_EPOCH: epoch(state, &op->as.epoch, number); break;
    case OP_BODY_PLACE: body_place(state, &op->as.body_place); break;
    default: break;
    }
}

static int by_id(const void *a, const void *b)
{
    const struct body_entry *left = a;
    const struct body_entry *right = b;

    return (left->id.value > right->id.value) - (left->id.value < right->id.value);
}

/* Many bodies that are not known (mail that was brought back, long after it went) go into the table
 * at once: one by one each of them would cost the rewrite of a page. */
static void add_bodies(struct state *state, struct op_walk walk)
{
    struct body_entry *entries = NULL;
    struct body_entry known;
    size_t capacity = 0;
    size_t count = 0;
    size_t kept = 0;
    struct op op;

    body_table_settle(&state->bodies);
    while (op_next(&walk, &op)) {
        if (op.code != OP_PUT || op.as.put.body.value >= state->body_next ||
            body_table_find(&state->bodies, op.as.put.body, &known))
            continue;
        entries = store_grow(entries, count, &capacity, sizeof(*entries));
        entries[count++] = (struct body_entry){ .id = op.as.put.body,
                                                .place = op.as.put.place,
                                                .size = op.as.put.size };
    }
    if (count > 1)
        qsort(entries, count, sizeof(*entries), by_id);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || entries[kept - 1].id.value != entries[i].id.value)
            entries[kept++] = entries[i];
    body_table_add_many(&state->bodies, entries, kept);
    free(entries);
}

bool apply_record(struct state *state, const struct log_record *record)
{
    struct op_walk walk = { .ops = record->payload, .change = record->place };
    struct origin origin;
    struct op op;

    if (record->type == RECORD_CHANGE && record->number.value <= state->change.value)
        return true;
    if (record->type == RECORD_CHANGE && !op_origin_decode(record->payload, &origin, &walk.ops))
        return false;
    if (!op_check(walk.ops, record->place))
        return false;
    if (record->type == RECORD_CHANGE && record->payload.len > MANY_BYTES)
        add_bodies(state, walk);
    while (op_next(&walk, &op))
        apply_op(state, &op, record->number);
    if (record->type == RECORD_CHANGE) {
        state->change = record->number;
        state->changed_at = record->when;
        state->garbage += record_bytes(record->payload.len);
    }
    return true;
}
