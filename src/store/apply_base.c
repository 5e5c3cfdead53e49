/* The ops that state what is: base segments of the log, and checkpoints. */
#include "store/apply.h"

static void base_state(struct state *state, const struct op_base_state *op)
{
    state_done(state);
    state->id = op->account;
    state->change = op->change;
    state->floor = op->floor;
    state->uidvalidity_last = op->uidvalidity_last;
    state->mailbox_next = op->mailbox_next == 0 ? 1 : op->mailbox_next;
    state->body_next = op->body_next == 0 ? 1 : op->body_next;
}

static void base_mailbox(struct state *state, const struct op_base_mailbox *op)
{
    struct op_name_walk walk = { .names = &op->keywords };
    struct mailbox *mailbox;
    struct bytes name;

    if (op->name.len == 0 || op->name.len > MAILBOX_NAME_BYTES_MAX ||
        state_find(state, op->name) != NULL || state_find_id(state, op->id) != NULL)
        return;
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

static void base_rows(struct state *state, const struct op_rows *op)
{
    struct mailbox *mailbox = state_find_id(state, op->mailbox);
    struct op_row_walk walk = { .rows = op };
    struct place place;
    struct row row;

    if (mailbox == NULL)
        return;
    state_touch(mailbox);
    while (op_rows_next(&walk, &row, &place)) {
        struct body_entry *body = body_table_find(&state->bodies, row.body);

        if (row.uid.value >= mailbox->uidnext || rows_count_from(&mailbox->rows, row.uid.value) > 0)
            continue;
        if (body == NULL)
            body = body_table_add(&state->bodies, row.body, place, row.size);
        body_table_reference(&state->bodies, body);
        rows_append(&mailbox->rows, &row);
        state_count_row(mailbox, &row, 1);
    }
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

bool apply_base(struct state *state, const struct op *op)
{
    switch ((unsigned)op->code) {
    case OP_BASE_STATE: base_state(state, &op->as.base_state); return true;
    case OP_BASE_MAILBOX: base_mailbox(state, &op->as.base_mailbox); return true;
    case OP_BASE_ROWS: base_rows(state, &op->as.base_rows); return true;
    case OP_BASE_VANISHED: base_vanished(state, &op->as.base_vanished); return true;
    default: return false;
    }
}
