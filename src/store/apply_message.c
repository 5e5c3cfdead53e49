/* The ops about messages. */
#include "store/alloc.h"
#include "store/apply.h"
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
        body_table_reference(&state->bodies, put->body);
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

/* Ranges as an array, which the caller frees. */
static struct uid_set take_ranges(const struct op_uids *uids, struct uid_range **out_ranges)
{
    struct op_uid_walk walk = { .uids = uids };
    uint32_t count = uids->set.count != 0 ? uids->set.count : uids->ranges;
    struct uid_range *ranges = store_realloc(NULL, count, sizeof(*ranges));

    count = 0;
    while (op_uids_next(&walk, &ranges[count]))
        count++;
    *out_ranges = ranges;
    return (struct uid_set){ ranges, count };
}

struct flagging {
    struct mailbox *mailbox;
    struct block_mask flags;
    struct block_mask keywords[2];
    struct modseq number;
};

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

/* RFC 9051 s2.3.1.1, s6.4.5; RFC 7162 s3.1, s3.1.3. */
static void flag_rows(void *context, struct block **slot, const uint16_t *places, uint32_t count)
{
    const struct flagging *flagging = context;
    struct mailbox *mailbox = flagging->mailbox;
    struct block_mask modseq = { .set = flagging->number.value };
    struct flag_counts before = count_flags(*slot, flagging->flags, places, count);
    struct flag_counts after;

    block_mask(slot, COLUMN_FLAGS, flagging->flags, places, count);
    after = count_flags(*slot, flagging->flags, places, count);
    mailbox->unseen += after.unseen - before.unseen;
    mailbox->flagged_deleted += after.deleted - before.deleted;
    block_mask(slot, COLUMN_KEYWORDS_LOW, flagging->keywords[0], places, count);
    block_mask(slot, COLUMN_KEYWORDS_HIGH, flagging->keywords[1], places, count);
    block_mask(slot, COLUMN_MODSEQ, modseq, places, count);
}

void apply_flags(struct state *state, const struct op_flags *op, struct modseq number)
{
    struct flagging flagging = { .mailbox = state_find_id(state, op->mailbox), .number = number };
    enum flag_mode mode = (enum flag_mode)op->mode;
    struct uid_range *ranges;
    struct uid_set set;
    struct keyword_set keywords;

    if (flagging.mailbox == NULL || op->owner != 0)
        return;
    apply_touch(flagging.mailbox, number);
    keywords = intern_keywords(flagging.mailbox, &op->flags.keywords);
    flagging.flags = apply_flag_mask(mode, op->flags.flags);
    for (size_t i = 0; i < ARRAY_COUNT(flagging.keywords); i++)
        flagging.keywords[i] = apply_flag_mask(mode, keywords.word[i]);
    set = take_ranges(&op->uids, &ranges);
    rows_visit(&flagging.mailbox->rows, set, flag_rows, &flagging);
    free(ranges);
}

/* Keywords of one mailbox as another one numbers them. */
struct keyword_bridge {
    const struct mailbox *from;
    struct mailbox *to;
    int16_t index[KEYWORDS_PER_MAILBOX_MAX]; /* + 1; 0: not asked yet */
};

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

/* One range of a COPY; its first UID becomes `uid`. RFC 9051 s2.3.3, s6.4.7, s6.4.8; RFC 3501
 * s6.4.7; RFC 6851 s3.3, s4.4. */
static void copy_range(struct keyword_bridge *bridge, const struct op_copy *op,
                       struct uid_range range, uint32_t uid, struct modseq number)
{
    struct state *state = bridge->to->state;
    struct rows_walk walk = rows_walk_make(&bridge->from->rows, (struct uid_set){ &range, 1 });
    struct row row;

    while (rows_walk_next(&walk, &row)) {
        struct row copy = row;

        if (bridge->from == bridge->to && row.uid.value >= op->first.value)
            return;
        copy.uid.value = uid + (row.uid.value - range.first);
        copy.keywords = carry_keywords(bridge, &row.keywords);
        copy.modseq = number;
        copy.save_date = op->save_date;
        add_row(bridge->to, &copy);
        body_table_reference(&state->bodies, row.body);
    }
}

/* RFC 6851 s4.4 */
void apply_copy(struct state *state, const struct op_copy *op, bool move, struct modseq number)
{
    struct keyword_bridge bridge = { .from = state_find_id(state, op->from),
                                     .to = state_find_id(state, op->to) };
    struct op_uid_walk walk = { .uids = &op->uids };
    uint32_t uid = op->first.value;
    struct uid_range range;

    if (bridge.from != NULL && bridge.to == NULL)
        bridge.to = apply_lost_mailbox(state, op->to, op->save_date, number);
    if (bridge.from == NULL || uid < bridge.to->uidnext)
        return;
    apply_touch(bridge.to, number);
    for (; op_uids_next(&walk, &range); uid += range.last - range.first + 1)
        copy_range(&bridge, op, range, uid, number);
    if (uid > bridge.to->uidnext)
        bridge.to->uidnext = uid;
    if (move)
        apply_expunge(state, op->from, &op->uids, number);
}

struct expunging {
    struct mailbox *mailbox;
    struct modseq number;
};

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
    const struct expunging *expunging = context;
    struct mailbox *mailbox = expunging->mailbox;
    uint64_t values[BLOCK_ROWS];
    uint64_t size = 0;

    for (uint32_t i = 0; i < count; i++)
        size += block_get(block, COLUMN_SIZE, places[i]);
    mailbox->size -= size;
    mailbox->state->used_bytes -= size;
    mailbox->state->used_messages -= count;
    mailbox->unseen -= block_count_without(block, COLUMN_FLAGS, FLAG_SEEN, places, count);
    mailbox->flagged_deleted -=
        count - block_count_without(block, COLUMN_FLAGS, FLAG_DELETED, places, count);
    for (uint32_t i = 0; i < count; i++)
        values[i] = block_get(block, COLUMN_BODY, places[i]);
    body_table_unreference(&mailbox->state->bodies, values, count, expunging->number.value);
    for (uint32_t i = 0; i < count; i++)
        values[i] = block_uid(block, places[i]);
    note_vanished(mailbox, expunging->number, values, count);
}

void apply_expunge(struct state *state, struct mailbox_id id, const struct op_uids *uids,
                   struct modseq number)
{
    struct expunging expunging = { state_find_id(state, id), number };
    struct uid_range *ranges;
    struct uid_set set;

    if (expunging.mailbox == NULL)
        return;
    set = take_ranges(uids, &ranges);
    apply_touch(expunging.mailbox, number);
    rows_remove(&expunging.mailbox->rows, set, on_expunged, &expunging);
    free(ranges);
}
