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

/* Adds a row above all others and counts it; its body is in the table. */
static void add_row(struct mailbox *mailbox, const struct row *row, struct body_entry *body)
{
    rows_append(&mailbox->rows, row);
    mailbox->uidnext = row->uid.value + 1;
    state_count_row(mailbox, row, 1);
    body_table_reference(&mailbox->state->bodies, body);
}

void apply_put(struct state *state, const struct op_put *put, struct modseq number)
{
    struct mailbox *mailbox = state_find_id(state, put->mailbox);
    struct body_entry *body;
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
    if (mailbox == NULL || put->uid.value < mailbox->uidnext || put->uid.value == UINT32_MAX)
        return;
    body = body_table_find(&state->bodies, put->body);
    if (body == NULL)
        body = body_table_add(&state->bodies, put->body, put->place, put->size);
    apply_touch(mailbox, number);
    row.keywords = intern_keywords(mailbox, &put->flags.keywords);
    add_row(mailbox, &row, body);
}

void apply_flag_mode(struct row *row, enum flag_mode mode, uint16_t flags,
                     const struct keyword_set *keywords)
{
    switch (mode) {
    case FLAGS_REPLACE:
        row->flags = flags;
        row->keywords = *keywords;
        break;
    case FLAGS_ADD:
        row->flags |= flags;
        for (size_t i = 0; i < ARRAY_COUNT(row->keywords.word); i++)
            row->keywords.word[i] |= keywords->word[i];
        break;
    case FLAGS_REMOVE:
        row->flags = (uint16_t)(row->flags & ~flags);
        for (size_t i = 0; i < ARRAY_COUNT(row->keywords.word); i++)
            row->keywords.word[i] &= ~keywords->word[i];
        break;
    }
}

void apply_flags(struct state *state, const struct op_flags *op, struct modseq number)
{
    struct mailbox *mailbox = state_find_id(state, op->mailbox);
    struct op_uid_walk walk = { .uids = &op->uids };
    struct keyword_set keywords;
    struct uid_range range;

    if (mailbox == NULL || op->owner != 0)
        return;
    apply_touch(mailbox, number);
    keywords = intern_keywords(mailbox, &op->flags.keywords);
    while (op_uids_next(&walk, &range)) {
        struct rows_walk rows = rows_walk_make(&mailbox->rows, (struct uid_set){ &range, 1 });
        struct row row;

        while (rows_walk_next(&rows, &row)) {
            state_count_row(mailbox, &row, -1);
            apply_flag_mode(&row, (enum flag_mode)op->mode, op->flags.flags, &keywords);
            row.modseq = number;
            rows_set_flags(&mailbox->rows, rows.place, &row);
            state_count_row(mailbox, &row, 1);
        }
    }
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

/* One range of a COPY; its first UID becomes `uid`. */
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
        add_row(bridge->to, &copy, body_table_find(&state->bodies, row.body));
    }
}

void apply_copy(struct state *state, const struct op_copy *op, bool move, struct modseq number)
{
    struct keyword_bridge bridge = { .from = state_find_id(state, op->from),
                                     .to = state_find_id(state, op->to) };
    struct op_uid_walk walk = { .uids = &op->uids };
    uint32_t uid = op->first.value;
    struct uid_range range;

    if (bridge.from == NULL || bridge.to == NULL || uid < bridge.to->uidnext)
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

static void on_expunged(void *context, const struct row *row)
{
    struct expunging *expunging = context;
    struct mailbox *mailbox = expunging->mailbox;
    struct body_table *bodies = &mailbox->state->bodies;

    state_count_row(mailbox, row, -1);
    body_table_unreference(bodies, body_table_find(bodies, row->body), expunging->number.value);
    vanished_add(&mailbox->vanished, (struct uid_range){ row->uid.value, row->uid.value },
                 expunging->number.value);
}

void apply_expunge(struct state *state, struct mailbox_id id, const struct op_uids *uids,
                   struct modseq number)
{
    struct expunging expunging = { state_find_id(state, id), number };
    struct op_uid_walk walk = { .uids = uids };
    struct uid_range *ranges = NULL;
    size_t capacity = 0;
    uint32_t count = 0;
    struct uid_range range;

    if (expunging.mailbox == NULL)
        return;
    while (op_uids_next(&walk, &range)) {
        ranges = store_grow(ranges, count, &capacity, sizeof(*ranges));
        ranges[count++] = range;
    }
    apply_touch(expunging.mailbox, number);
    rows_remove(&expunging.mailbox->rows, (struct uid_set){ ranges, count }, on_expunged,
                &expunging);
    free(ranges);
}
