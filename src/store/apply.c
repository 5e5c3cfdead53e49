/* Records at once, and the ops about mailboxes and the account. */
#include "store/apply.h"

#include "store/applying.h"

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

bool apply_delete_begin(struct applying *applying)
{
    applying->mailbox = state_find_id(applying->state, applying->op.as.mailbox.id);
    applying->block = 0;
    return applying->mailbox != NULL;
}

/* RFC 7162 s5.3 */
bool apply_delete_step(struct applying *applying)
{
    struct mailbox *mailbox = applying->mailbox;
    struct state *state = applying->state;
    uint64_t bodies[BLOCK_ROWS];

    if (applying->block < mailbox->rows.block_count) {
        const struct block *block = mailbox->rows.blocks[applying->block++];

        block_load(block, COLUMN_BODY, 0, block->count, bodies);
        body_table_unreference(&state->bodies, bodies, block->count, applying->number.value);
        applying_charge(applying, (uint64_t)block->count * APPLYING_EXPUNGE_COST);
        return false;
    }
    state->used_bytes -= mailbox->size;
    state->used_messages -= mailbox->rows.count;
    state_touch(mailbox);
    state_remove(state, mailbox);
    return true;
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
    case OP_MAILBOX_USES: set_uses(state, &op->as.mailbox); break;
    case OP_PUT: apply_put(state, &op->as.put, number); break;
    case OP_RECENT: recent(state, &op->as.recent); break;
    case OP_THREAD: thread(state, &op->as.thread); break;
    case OP_SUBSCRIBE: (void)state_subscribe(state, op->as.setting.name, op->as.setting.on); break;
    case OP_EPOCH: epoch(state, &op->as.epoch, number); break;
    case OP_BODY_PLACE: body_place(state, &op->as.body_place); break;
    default: break;
    }
}

bool apply_record(struct state *state, const struct log_record *record)
{
    struct applying applying;

    if (!applying_begin(&applying, state, record, false))
        return false;
    while (!applying_step(&applying, UINT32_MAX))
        continue;
    applying_done(&applying);
    return true;
}
