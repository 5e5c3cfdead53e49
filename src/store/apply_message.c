/* The ops about messages. */
#include "store/alloc.h"
#include "store/apply.h"
#include "store/applying.h"
#include "store/segment.h"
#include "store/uid_set.h"

/* The bits of those keywords in the mailbox's table; names beyond the table's limit are dropped. */
static struct keyword_set intern_keywords(struct mailbox *mailbox, const struct op_names *names)
{
    struct op_name_walk walk = { .names = names };
    struct keyword_set set = { 0 };
    struct bytes name;

    while (op_names_next(&walk, &name)) {
        int index = keyword_table_add(&mailbox->keywords, name);

        if (index >= 0)
            keyword_set_add(&set, (uint32_t)index);
    }
    return set;
}

/* Adds a row above all others and counts it. RFC 9051 s2.3.1.1. */
static void add_row(struct mailbox *mailbox, const struct row *row)
{
    rows_append(&mailbox->rows, row);
    mailbox->uidnext = row->uid.value + 1;
    state_count_row(mailbox, row, 1);
}

/* RFC 9051 s2.3.1.1, s6.4.5; RFC 7162 s3.1; RFC 8474 s5.2; RFC 8514 s3. */
void apply_put(struct state *state, const struct op_put *put, struct modseq number)
{
    struct mailbox *mailbox = state_find_id(state, put->mailbox);
    struct row row = {
        .uid = put->uid,
        .flags = put->flags.flags,
        .modseq = number,
        .internal_date = put->internal_date,
        .save_date = put->save_date,
        .size = put->size,
        .body = put->body,
        .thread = put->thread,
    };

    if (segment_kind(put->place.segment) == SEGMENT_BODY)
        state_add_body_segment(state, put->place.segment);
    if (put->body.value >= state->body_next && put->body.value < INT64_MAX)
        state->body_next = put->body.value + 1;
    if (mailbox == NULL)
        mailbox = apply_lost_mailbox(state, put->mailbox, put->save_date, number);
    if (put->uid.value < mailbox->uidnext || put->uid.value == UINT32_MAX)
        return;
    if (!body_table_add(&state->bodies, put->body, put->place, put->size))
        body_table_reference(&state->bodies, &put->body.value, 1);
    apply_touch(mailbox, number);
    row.keywords = intern_keywords(mailbox, &put->flags.keywords);
    add_row(mailbox, &row);
}

struct block_mask apply_flag_mask(enum flag_mode mode, uint64_t bits)
{
    switch (mode) {
    case FLAGS_ADD: return (struct block_mask){ .keep = UINT64_MAX, .set = bits };
    case FLAGS_REMOVE: return (struct block_mask){ .keep = ~bits };
    case FLAGS_REPLACE: break;
    }
    return (struct block_mask){ .set = bits };
}

/* What the counts of the mailbox owe to those rows, as far as the mask can change it. */
struct flag_counts {
    uint32_t unseen;
    uint32_t deleted;
};

static bool touches(struct block_mask mask, uint64_t bit)
{
    return (mask.keep & bit) == 0 || (mask.set & bit) != 0;
}

static struct flag_counts count_flags(const struct block *block, struct block_mask mask,
                                      const uint16_t *places, uint32_t count)
{
    struct flag_counts counts = { 0 };

    if (touches(mask, FLAG_SEEN))
        counts.unseen = block_count_without(block, COLUMN_FLAGS, FLAG_SEEN, places, count);
    if (touches(mask, FLAG_DELETED))
        counts.deleted =
            count - block_count_without(block, COLUMN_FLAGS, FLAG_DELETED, places, count);
    return counts;
}

/* A piece of an op on a set: what the rows come to. */
struct piece {
    struct applying *applying;
    struct uid_set set;
    uint32_t rows;
    uint32_t blocks; /* that they are in */
    uint32_t range; /* COPY: of `set`, the one that the next row is in, or a later one */
};

static struct piece next_piece(struct applying *applying, const struct rows *rows, uint32_t cost)
{
    return (struct piece){ .applying = applying, .set = applying_piece(applying, rows, cost) };
}

static void charge(const struct piece *piece, uint32_t row_cost, uint32_t block_cost)
{
    applying_charge(piece->applying,
                    (uint64_t)piece->rows * row_cost + (uint64_t)piece->blocks * block_cost);
}

/* RFC 9051 s2.3.1.1, s6.4.5; RFC 7162 s3.1, s3.1.3. */
static void flag_rows(void *context, struct block **slot, const uint16_t *places, uint32_t count)
{
    struct piece *piece = context;
    const struct block_mask *masks = piece->applying->masks;
    struct mailbox *mailbox = piece->applying->mailbox;
    struct block_mask modseq = { .set = piece->applying->number.value };
    struct flag_counts before = count_flags(*slot, masks[0], places, count);
    struct flag_counts after;

    piece->rows += count;
    piece->blocks++;
    block_mask(slot, COLUMN_FLAGS, masks[0], places, count);
    after = count_flags(*slot, masks[0], places, count);
    mailbox->unseen += after.unseen - before.unseen;
    mailbox->flagged_deleted += after.deleted - before.deleted;
    block_mask(slot, COLUMN_KEYWORDS_LOW, masks[1], places, count);
    block_mask(slot, COLUMN_KEYWORDS_HIGH, masks[2], places, count);
    block_mask(slot, COLUMN_MODSEQ, modseq, places, count);
}

bool apply_flags_begin(struct applying *applying)
{
    const struct op_flags *op = &applying->op.as.flags;
    enum flag_mode mode = (enum flag_mode)op->mode;
    struct keyword_set keywords;

    applying->mailbox = state_find_id(applying->state, op->mailbox);
    if (applying->mailbox == NULL || op->owner != 0)
        return false;
    apply_touch(applying->mailbox, applying->number);
    keywords = intern_keywords(applying->mailbox, &op->flags.keywords);
    applying->masks[0] = apply_flag_mask(mode, op->flags.flags);
    for (size_t i = 0; i < ARRAY_COUNT(keywords.word); i++)
        applying->masks[1 + i] = apply_flag_mask(mode, keywords.word[i]);
    applying->uids = (struct op_uid_walk){ .uids = &op->uids };
    return true;
}

bool apply_flags_step(struct applying *applying)
{
    struct rows *rows = &applying->mailbox->rows;
    struct piece piece = next_piece(applying, rows, APPLYING_FLAG_COST);

    rows_visit(rows, piece.set, flag_rows, &piece);
    charge(&piece, APPLYING_FLAG_COST, APPLYING_FLAG_BLOCK_COST);
    return piece.set.count == 0;
}

static void note_vanished(struct mailbox *mailbox, struct modseq number, const uint64_t *uids,
                          uint32_t count)
{
    for (uint32_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && uids[end] == uids[end - 1] + 1; end++)
            continue;
        vanished_add(&mailbox->vanished,
                     (struct uid_range){ (uint32_t)uids[first], (uint32_t)uids[end - 1] },
                     number.value);
    }
}

/* RFC 7162 sections 3.2, 3.2.7 */
static void on_expunged(void *context, const struct block *block, const uint16_t *places,
                        uint32_t count)
{
    struct piece *piece = context;
    struct mailbox *mailbox = piece->applying->mailbox;
    struct modseq number = piece->applying->number;
    uint64_t values[BLOCK_ROWS];
    uint64_t size = 0;

    piece->rows += count;
    piece->blocks++;
    block_pick(block, COLUMN_SIZE, places, count, values);
    for (uint32_t i = 0; i < count; i++)
        size += values[i];
    mailbox->size -= size;
    mailbox->state->used_bytes -= size;
    mailbox->state->used_messages -= count;
    mailbox->unseen -= block_count_without(block, COLUMN_FLAGS, FLAG_SEEN, places, count);
    mailbox->flagged_deleted -=
        count - block_count_without(block, COLUMN_FLAGS, FLAG_DELETED, places, count);
    block_pick(block, COLUMN_BODY, places, count, values);
    body_table_unreference(&mailbox->state->bodies, values, count, number.value);
    block_pick(block, COLUMN_UID, places, count, values);
    note_vanished(mailbox, number, values, count);
}

static bool begin_expunge(struct applying *applying, struct mailbox_id id,
                          const struct op_uids *uids)
{
    applying->mailbox = state_find_id(applying->state, id);
    applying->uids = (struct op_uid_walk){ .uids = uids };
    if (applying->mailbox == NULL)
        return false;
    apply_touch(applying->mailbox, applying->number);
    return true;
}

bool apply_expunge_begin(struct applying *applying)
{
    const struct op_expunge *op = &applying->op.as.expunge;

    return begin_expunge(applying, op->mailbox, &op->uids);
}

bool apply_expunge_step(struct applying *applying)
{
    struct rows *rows = &applying->mailbox->rows;
    struct piece piece = next_piece(applying, rows, APPLYING_EXPUNGE_COST);

    rows_remove(rows, piece.set, on_expunged, &piece);
    charge(&piece, APPLYING_EXPUNGE_COST, APPLYING_EXPUNGE_BLOCK_COST);
    return piece.set.count == 0;
}

static struct keyword_set carry_keywords(struct keyword_bridge *bridge,
                                         const struct keyword_set *set)
{
    struct keyword_set carried = { 0 };

    for (uint32_t i = 0; i < bridge->from->keywords.count; i++) {
        if (!keyword_set_has(set, i))
            continue;
        if (bridge->index[i] == 0)
            bridge->index[i] = (int16_t)(keyword_table_add(&bridge->to->keywords,
                                                           bridge->from->keywords.names[i]) +
                                         1);
        if (bridge->index[i] > 0)
            keyword_set_add(&carried, (uint32_t)bridge->index[i] - 1);
    }
    return carried;
}

/* The UID that the copy gets: the n-th of the op's set is the n-th of the copies. Asked for
 * ascending ones. */
static uint32_t uid_of_copy(struct piece *piece, uint32_t uid)
{
    const struct uid_range *range = &piece->set.ranges[piece->range];

    for (; uid > range->last; range = &piece->set.ranges[++piece->range])
        piece->applying->uid += range->last - range->first + 1;
    return piece->applying->uid + (uid - range->first);
}

/* RFC 9051 s2.3.3, s6.4.7, s6.4.8; RFC 3501 s6.4.7; RFC 6851 s3.3, s4.4. */
static void copy_row(struct piece *piece, const struct block *block, uint32_t at)
{
    struct applying *applying = piece->applying;
    struct row row;

    block_row(block, at, &row);
    row.uid.value = uid_of_copy(piece, row.uid.value);
    row.keywords = carry_keywords(&applying->bridge, &row.keywords);
    row.modseq = applying->number;
    row.save_date = applying->op.as.copy.save_date;
    add_row(applying->bridge.to, &row);
    body_table_reference(&applying->state->bodies, &row.body.value, 1);
}

/* The keywords of the rows as the other mailbox numbers them. Neighbours often have the same. */
static void carry_block(struct keyword_bridge *bridge, struct block **slot)
{
    uint64_t low[BLOCK_ROWS];
    uint64_t high[BLOCK_ROWS];
    struct keyword_set from = { 0 };
    struct keyword_set to = { 0 };

    block_load(*slot, COLUMN_KEYWORDS_LOW, 0, (*slot)->count, low);
    block_load(*slot, COLUMN_KEYWORDS_HIGH, 0, (*slot)->count, high);
    for (uint32_t i = 0; i < (*slot)->count; i++) {
        struct keyword_set now = { { low[i], high[i] } };

        if (!keyword_set_equal(&now, &from)) {
            from = now;
            to = carry_keywords(bridge, &from);
        }
        low[i] = to.word[0];
        high[i] = to.word[1];
    }
    block_store(slot, COLUMN_KEYWORDS_LOW, low);
    block_store(slot, COLUMN_KEYWORDS_HIGH, high);
}

/* Many rows go over column by column. */
static void copy_block(struct piece *piece, const struct block *block, const uint16_t *places,
                       uint32_t count)
{
    struct applying *applying = piece->applying;
    struct mailbox *to = applying->bridge.to;
    struct block *made = block_select(block, places, count);
    uint64_t values[BLOCK_ROWS];

    block_load(made, COLUMN_UID, 0, count, values);
    for (uint32_t i = 0; i < count; i++)
        values[i] = uid_of_copy(piece, (uint32_t)values[i]);
    to->uidnext = (uint32_t)values[count - 1] + 1;
    block_store(&made, COLUMN_UID, values);
    carry_block(&applying->bridge, &made);
    column_fill(&made->columns[COLUMN_MODSEQ], applying->number.value);
    column_fill(&made->columns[COLUMN_SAVE_DATE], (uint64_t)applying->op.as.copy.save_date);
    rows_append_rows(&to->rows, made, 0, count);
    state_count_block(to, made);
    block_load(made, COLUMN_BODY, 0, count, values);
    body_table_reference(&applying->state->bodies, values, count);
    block_release(made);
}

static void copy_rows(void *context, struct block **slot, const uint16_t *places, uint32_t count)
{
    enum { FEW = 256 };
    struct piece *piece = context;
    const struct block *block = *slot;

    piece->rows += count;
    piece->blocks++;
    if (count >= FEW)
        copy_block(piece, block, places, count);
    else
        for (uint32_t i = 0; i < count; i++)
            copy_row(piece, block, places[i]);
}

bool apply_copy_begin(struct applying *applying)
{
    const struct op_copy *op = &applying->op.as.copy;
    struct keyword_bridge bridge = { .from = state_find_id(applying->state, op->from),
                                     .to = state_find_id(applying->state, op->to) };

    if (bridge.from != NULL && bridge.to == NULL)
        bridge.to = apply_lost_mailbox(applying->state, op->to, op->save_date, applying->number);
    if (bridge.from == NULL || op->first.value < bridge.to->uidnext)
        return false;
    apply_touch(bridge.to, applying->number);
    applying->bridge = bridge;
    applying->mailbox = state_find_id(applying->state, op->from);
    applying->uid = op->first.value;
    applying->is_copied = false;
    applying->uids = (struct op_uid_walk){ .uids = &op->uids };
    return true;
}

/* What the copies themselves are is not copied again. */
static void leave_out_copies(struct uid_set *set, uint32_t first)
{
    struct uid_range *last;

    while (set->count > 0 && set->ranges[set->count - 1].first >= first)
        set->count--;
    if (set->count == 0)
        return;
    last = (struct uid_range *)(uintptr_t)&set->ranges[set->count - 1];
    if (last->last >= first)
        last->last = first - 1;
}

static uint32_t span_behind(const struct piece *piece)
{
    uint32_t span = 0;

    for (uint32_t i = piece->range; i < piece->set.count; i++)
        span += piece->set.ranges[i].last - piece->set.ranges[i].first + 1;
    return span;
}

/* The mailbox may have fewer of them than the set says; UIDs are used up all the same. */
static void end_copies(struct applying *applying)
{
    struct mailbox *to = applying->bridge.to;

    if (applying->uid > to->uidnext)
        to->uidnext = applying->uid;
    applying->is_copied = true;
}

/* RFC 6851 s4.4 */
bool apply_copy_step(struct applying *applying)
{
    const struct op_copy *op = &applying->op.as.copy;
    struct rows *rows = &applying->mailbox->rows;
    struct piece piece;
    uint32_t next;

    if (applying->is_copied)
        return apply_expunge_step(applying);
    piece = next_piece(applying, rows, APPLYING_COPY_COST);
    if (piece.set.count == 0) {
        end_copies(applying);
        return applying->op.code == OP_COPY || !begin_expunge(applying, op->from, &op->uids);
    }
    next = applying->uid + span_behind(&piece);
    if (applying->bridge.from == applying->bridge.to)
        leave_out_copies(&piece.set, op->first.value);
    rows_visit(rows, piece.set, copy_rows, &piece);
    applying->uid = next;
    charge(&piece, APPLYING_COPY_COST, APPLYING_COPY_BLOCK_COST);
    return false;
}
