/* The ops that state what is: base segments of the log, and checkpoints. */
#include "store/apply.h"
#include "store/segment.h"

static void base_state(struct state *state, const struct op_base_state *op)
{
    state_done(state);
    state->id = op->account;
    state->change = op->change;
    state->floor = op->floor;
    state->uidvalidity_last = op->uidvalidity_last;
    state->mailbox_next = op->mailbox_next == 0 ? 1 : op->mailbox_next;
    state->body_next = op->body_next == 0 ? 1 : op->body_next;
    state->changed_at = op->changed_at;
    state->garbage = op->garbage;
    state->damaged = op->damaged;
}

/* BASE_STATE says what the counters are. Where damage took it they are above all that the rest of
 * the base names, so that nothing is given out twice. */
static void raise_change(struct state *state, struct modseq change)
{
    if (change.value > state->change.value)
        state->change = change;
}

static void raise_body_next(struct state *state, struct body_id body)
{
    if (body.value >= state->body_next && body.value < INT64_MAX)
        state->body_next = body.value + 1;
}

static void base_mailbox(struct state *state, const struct op_base_mailbox *op)
{
    struct op_name_walk walk = { .names = &op->keywords };
    struct mailbox *mailbox;
    struct bytes name;

    if (op->name.len == 0 || op->name.len > MAILBOX_NAME_BYTES_MAX ||
        state_find(state, op->name) != NULL || state_find_id(state, op->id) != NULL)
        return;
    if (op->id.value >= state->mailbox_next && op->id.value < UINT32_MAX)
        state->mailbox_next = op->id.value + 1;
    if (op->uidvalidity > state->uidvalidity_last)
        state->uidvalidity_last = op->uidvalidity;
    raise_change(state, op->highest);
    mailbox = state_mailbox_new(state, op->id, op->name);
    mailbox->uidvalidity = op->uidvalidity;
    mailbox->uidnext = op->uidnext == 0 ? 1 : op->uidnext;
    mailbox->uses = op->uses;
    mailbox->recent_floor = op->recent_floor;
    mailbox->highest = op->highest;
    mailbox->vanished.complete_since = op->vanished_since.value;
    while (op_names_next(&walk, &name))
        (void)keyword_table_add(&mailbox->keywords, name);
    state_add(state, mailbox);
}

/* Bits without a keyword in the table mean nothing. */
static void mask_keywords(struct keyword_set *set, uint32_t count)
{
    for (uint32_t i = count; i < KEYWORDS_PER_MAILBOX_MAX; i++)
        set->word[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

/* That of rows whose BASE_MAILBOX is lost. */
static struct mailbox *lost_mailbox(struct state *state, const struct op_rows *op)
{
    struct op_row_walk walk = { .rows = op };
    struct place place;
    struct row row = { 0 };

    (void)!op_rows_next(&walk, &row, &place);
    return apply_lost_mailbox(state, op->mailbox, row.save_date, row.modseq);
}

/* Each op becomes a block of its own, or several: a checkpoint's sections are known by their
 * blocks. */
static void base_rows(struct state *state, const struct op_rows *op)
{
    struct mailbox *mailbox = state_find_id(state, op->mailbox);
    struct op_row_walk walk = { .rows = op };
    struct block *block = NULL;
    struct place place;
    uint32_t last;
    struct row row;

    if (mailbox == NULL)
        mailbox = lost_mailbox(state, op);
    state_touch(mailbox);
    last = rows_last_uid(&mailbox->rows);
    while (op_rows_next(&walk, &row, &place)) {
        if (row.uid.value <= last || row.uid.value == UINT32_MAX)
            continue;
        if (row.uid.value >= mailbox->uidnext) /* of a mailbox that damage took */
            mailbox->uidnext = row.uid.value + 1;
        raise_change(state, row.modseq);
        raise_body_next(state, row.body);
        if (row.modseq.value > mailbox->highest.value)
            mailbox->highest = row.modseq;
        if (block != NULL && block->count == BLOCK_ROWS) {
            rows_append_block(&mailbox->rows, block);
            block = NULL;
        }
        if (block == NULL)
            block = block_new();
        mask_keywords(&row.keywords, mailbox->keywords.count);
        block_append(block, &row);
        if (segment_kind(place.segment) == SEGMENT_BODY)
            state_add_body_segment(state, place.segment);
        body_table_collect(&state->bodies, row.body, place, row.size, 1);
        state_count_row(mailbox, &row, 1);
        last = row.uid.value;
    }
    if (block != NULL)
        rows_append_block(&mailbox->rows, block);
}

static void base_vanished(struct state *state, const struct op_vanished *op)
{
    struct mailbox *mailbox = state_find_id(state, op->mailbox);
    struct op_uid_walk walk = { .uids = &op->uids };
    struct uid_range range;

    if (mailbox == NULL)
        return;
    while (op_uids_next(&walk, &range))
        vanished_add(&mailbox->vanished, range, op->modseq.value);
}

/* Changes behind the base name it as it stood once; a body that is known keeps its place. */
static void base_body(struct state *state, const struct op_base_body *op)
{
    if (segment_kind(op->place.segment) == SEGMENT_BODY)
        state_add_body_segment(state, op->place.segment);
    raise_body_next(state, op->body);
    body_table_collect(&state->bodies, op->body, op->place, op->size, 0);
}

/* A body segment that is still to be dropped is none that an interrupted upload left. */
static void base_drop(struct state *state, const struct op_base_drop *op)
{
    struct op_number_walk walk = { .numbers = &op->segments };
    uint64_t segment;

    while (op_numbers_next(&walk, &segment)) {
        if (segment_kind(segment) == SEGMENT_BODY)
            state_add_body_segment(state, segment);
        state_add_drop(state, segment, op->when);
    }
}

bool apply_base(struct state *state, const struct op *op)
{
    switch ((unsigned)op->code) {
    case OP_BASE_STATE: base_state(state, &op->as.base_state); return true;
    case OP_BASE_MAILBOX: base_mailbox(state, &op->as.base_mailbox); return true;
    case OP_BASE_ROWS: base_rows(state, &op->as.base_rows); return true;
    case OP_BASE_VANISHED: base_vanished(state, &op->as.base_vanished); return true;
    case OP_BASE_BODY: base_body(state, &op->as.base_body); return true;
    case OP_BASE_DROP: base_drop(state, &op->as.base_drop); return true;
    default: return false;
    }
}
