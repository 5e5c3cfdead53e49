/* Changes, one after the other, on arrays. */
#include "damage/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kit/assert_bytes.h"
#include "store/segment.h"

struct model *model_new(void)
{
    struct model *model = calloc(1, sizeof(*model));

    assert_non_null(model);
    model->mailbox_next = 1;
    model->body_next = 1;
    return model;
}

static void remove_mailbox(struct model *model, struct model_mailbox *mailbox)
{
    size_t at = (size_t)(mailbox - model->mailboxes);

    free(mailbox->rows);
    memmove(mailbox, mailbox + 1, (--model->mailbox_count - at) * sizeof(*mailbox));
}

void model_free(struct model *model)
{
    while (model->mailbox_count > 0)
        remove_mailbox(model, &model->mailboxes[model->mailbox_count - 1]);
    free(model);
}

struct model_mailbox *model_find(struct model *model, uint32_t id)
{
    for (uint32_t i = 0; i < model->mailbox_count; i++)
        if (model->mailboxes[i].id == id)
            return &model->mailboxes[i];
    return NULL;
}

struct model_mailbox *model_find_name(struct model *model, const char *name)
{
    for (uint32_t i = 0; i < model->mailbox_count; i++)
        if (strcmp(model->mailboxes[i].name, name) == 0)
            return &model->mailboxes[i];
    return NULL;
}

uint32_t model_keyword(struct model *model, struct bytes name)
{
    for (uint32_t i = 0; i < model->keyword_count; i++)
        if (model->keywords[i].len == name.len &&
            strncasecmp((const char *)model->keywords[i].at, (const char *)name.at, name.len) == 0)
            return i;
    assert_true(model->keyword_count < MODEL_KEYWORDS_MAX);
    model->keywords[model->keyword_count] = name;
    return model->keyword_count++;
}

static struct keyword_set keyword_bits(struct model *model, const struct op_names *names)
{
    struct op_name_walk walk = { .names = names };
    struct keyword_set set = { 0 };
    struct bytes name;

    while (op_names_next(&walk, &name))
        set.word[0] |= UINT64_C(1) << model_keyword(model, name);
    return set;
}

static void name_mailbox(struct model_mailbox *mailbox, struct bytes name)
{
    (void)snprintf(mailbox->name, sizeof(mailbox->name), "%.*s", BYTES_ARG(name));
    assert_int_equal(strlen(mailbox->name), name.len);
}

static void subscribe(struct model *model, const char *name, bool on)
{
    char(*at)[MODEL_NAME_MAX] = NULL;
    char(*space)[MODEL_NAME_MAX] = NULL;

    for (uint32_t i = 0; i < MODEL_SUBSCRIPTIONS_MAX; i++) {
        if (strcmp(model->subscriptions[i], name) == 0)
            at = &model->subscriptions[i];
        if (model->subscriptions[i][0] == '\0')
            space = &model->subscriptions[i];
    }
    if (on && at == NULL) {
        assert_non_null(space);
        (void)snprintf(*space, MODEL_NAME_MAX, "%s", name);
    }
    if (!on && at != NULL)
        (*at)[0] = '\0';
}

static struct model_mailbox *add_mailbox(struct model *model, uint32_t id)
{
    struct model_mailbox *mailbox = &model->mailboxes[model->mailbox_count++];

    assert_true(model->mailbox_count <= MODEL_MAILBOXES_MAX);
    *mailbox = (struct model_mailbox){
        .id = id,
        .uidnext = 1,
        .recent_floor = 1,
        .rows = malloc(MODEL_ROWS_MAX * sizeof(struct model_row)),
    };
    if (id >= model->mailbox_next)
        model->mailbox_next = id + 1;
    return mailbox;
}

/* Whose CREATE is lost, or whose name is taken. */
static void name_anew(struct model *model, struct model_mailbox *mailbox)
{
    char name[MODEL_NAME_MAX];

    (void)snprintf(name, sizeof(name), "Recovered-%u", mailbox->id);
    if (mailbox->id == 1 && model_find_name(model, "INBOX") == NULL)
        (void)snprintf(name, sizeof(name), "INBOX");
    assert_null(model_find_name(model, name));
    memcpy(mailbox->name, name, sizeof(name));
}

static struct model_mailbox *find_or_make(struct model *model, uint32_t id, int64_t when,
                                          uint64_t number)
{
    struct model_mailbox *mailbox = model_find(model, id);

    if (mailbox != NULL)
        return mailbox;
    mailbox = add_mailbox(model, id);
    name_anew(model, mailbox);
    model->uidvalidity_last++;
    if (when > model->uidvalidity_last)
        model->uidvalidity_last = (uint32_t)when;
    mailbox->uidvalidity = model->uidvalidity_last;
    mailbox->highest = number;
    subscribe(model, mailbox->name, true);
    return mailbox;
}

static void create(struct model *model, const struct op_mailbox *op, uint64_t number)
{
    struct model_mailbox made = { 0 };
    struct model_mailbox *mailbox;

    name_mailbox(&made, op->name);
    if (op->id.value >= model->mailbox_next)
        model->mailbox_next = op->id.value + 1;
    if (op->uidvalidity > model->uidvalidity_last)
        model->uidvalidity_last = op->uidvalidity;
    if (model_find(model, op->id.value) != NULL)
        return;
    mailbox = add_mailbox(model, op->id.value);
    if (model_find_name(model, made.name) == NULL)
        memcpy(mailbox->name, made.name, sizeof(made.name));
    else
        name_anew(model, mailbox);
    mailbox->uidvalidity = op->uidvalidity;
    mailbox->uses = op->uses;
    mailbox->highest = number;
}

static void rename_one(struct model *model, const struct op_mailbox *op)
{
    struct model_mailbox *mailbox = model_find(model, op->id.value);
    struct model_mailbox renamed = { 0 };

    name_mailbox(&renamed, op->name);
    if (mailbox != NULL && model_find_name(model, renamed.name) == NULL)
        memcpy(mailbox->name, renamed.name, sizeof(renamed.name));
}

static void add_row(struct model_mailbox *mailbox, const struct model_row *row)
{
    assert_true(mailbox->count < MODEL_ROWS_MAX);
    mailbox->rows[mailbox->count++] = *row;
    mailbox->uidnext = row->row.uid.value + 1;
}

static void put(struct model *model, const struct op_put *op, uint64_t number)
{
    struct model_mailbox *mailbox = find_or_make(model, op->mailbox.value, op->save_date, number);
    struct model_row row = { .row = { .uid = op->uid,
                                      .flags = op->flags.flags,
                                      .modseq = { number },
                                      .internal_date = op->internal_date,
                                      .save_date = op->save_date,
                                      .size = op->size,
                                      .body = op->body,
                                      .thread = op->thread },
                             .place = op->place };

    if (segment_kind(op->place.segment) == SEGMENT_BODY)
        model->body_segments[model->body_segment_count++] = op->place.segment;
    assert_true(model->body_segment_count < MODEL_ROWS_MAX);
    if (op->body.value >= model->body_next)
        model->body_next = op->body.value + 1;
    if (op->uid.value < mailbox->uidnext)
        return;
    row.row.keywords = keyword_bits(model, &op->flags.keywords);
    mailbox->highest = number;
    add_row(mailbox, &row);
}

static bool holds(const struct op_uids *uids, uint32_t uid, uint32_t *out_index)
{
    struct op_uid_walk walk = { .uids = uids };
    struct uid_range range;
    uint32_t before = 0;

    while (op_uids_next(&walk, &range)) {
        if (uid >= range.first && uid <= range.last) {
            *out_index = before + uid - range.first;
            return true;
        }
        before += range.last - range.first + 1;
    }
    *out_index = before;
    return false;
}

static void change_flags(struct model *model, const struct op_flags *op, uint64_t number)
{
    struct model_mailbox *mailbox = model_find(model, op->mailbox.value);
    struct keyword_set keywords;
    uint32_t index;

    if (mailbox == NULL)
        return;
    keywords = keyword_bits(model, &op->flags.keywords);
    mailbox->highest = number;
    for (uint32_t i = 0; i < mailbox->count; i++) {
        struct row *row = &mailbox->rows[i].row;

        if (!holds(&op->uids, row->uid.value, &index))
            continue;
        row->modseq.value = number;
        if (op->mode == 0) {
            row->flags = op->flags.flags;
            row->keywords = keywords;
        } else if (op->mode == 1) {
            row->flags = (uint16_t)(row->flags | op->flags.flags);
            row->keywords.word[0] |= keywords.word[0];
        } else {
            row->flags = (uint16_t)(row->flags & ~op->flags.flags);
            row->keywords.word[0] &= ~keywords.word[0];
        }
    }
}

static void expunge(struct model *model, uint32_t id, const struct op_uids *uids, uint64_t number)
{
    struct model_mailbox *mailbox = model_find(model, id);
    uint32_t kept = 0;
    uint32_t index;

    if (mailbox == NULL)
        return;
    mailbox->highest = number;
    for (uint32_t i = 0; i < mailbox->count; i++)
        if (!holds(uids, mailbox->rows[i].row.uid.value, &index))
            mailbox->rows[kept++] = mailbox->rows[i];
    mailbox->count = kept;
}

static void copy(struct model *model, const struct op_copy *op, bool move, uint64_t number)
{
    struct model_mailbox *from = model_find(model, op->from.value);
    struct model_mailbox *to;
    uint32_t total, index;
    uint32_t count;

    if (from == NULL)
        return;
    to = find_or_make(model, op->to.value, op->save_date, number);
    if (op->first.value < to->uidnext)
        return;
    count = from->count;
    to->highest = number;
    for (uint32_t i = 0; i < count; i++) {
        struct model_row row = from->rows[i];

        if (!holds(&op->uids, row.row.uid.value, &index))
            continue;
        row.row.uid.value = op->first.value + index;
        row.row.modseq.value = number;
        row.row.save_date = op->save_date;
        add_row(to, &row);
    }
    (void)holds(&op->uids, 0, &total); /* no UID: counts them all */
    if (op->first.value + total > to->uidnext)
        to->uidnext = op->first.value + total;
    if (move)
        expunge(model, op->from.value, &op->uids, number);
}

void model_epoch(struct model *model, const struct op_epoch *epoch, uint64_t number)
{
    model->mailbox_next += epoch->mailbox_gap;
    model->body_next += epoch->body_gap;
    if (epoch->uidvalidity > model->uidvalidity_last)
        model->uidvalidity_last = epoch->uidvalidity;
    model->change = number;
    for (uint32_t i = 0; i < model->mailbox_count; i++) {
        struct model_mailbox *mailbox = &model->mailboxes[i];

        mailbox->uidnext += epoch->uid_gap;
        mailbox->highest = number;
        for (uint32_t j = 0; j < mailbox->count; j++)
            mailbox->rows[j].row.modseq.value = number;
    }
}

static void set_uses(struct model *model, const struct op_mailbox *op)
{
    struct model_mailbox *mailbox = model_find(model, op->id.value);

    if (mailbox != NULL)
        mailbox->uses = op->uses;
}

static void delete_mailbox(struct model *model, uint32_t id)
{
    struct model_mailbox *mailbox = model_find(model, id);

    if (mailbox != NULL)
        remove_mailbox(model, mailbox);
}

static void raise_recent(struct model *model, const struct op_recent *op)
{
    struct model_mailbox *mailbox = model_find(model, op->mailbox.value);

    if (mailbox != NULL && op->floor > mailbox->recent_floor)
        mailbox->recent_floor = op->floor;
}

static void set_subscription(struct model *model, const struct op_setting *op)
{
    char name[MODEL_NAME_MAX];

    (void)snprintf(name, sizeof(name), "%.*s", BYTES_ARG(op->name));
    subscribe(model, name, op->on);
}

static void apply(struct model *model, const struct op *op, uint64_t number)
{
    switch ((unsigned)op->code) {
    case OP_ACCOUNT: model->has_account = true; break;
    case OP_MAILBOX_CREATE: create(model, &op->as.mailbox, number); break;
    case OP_MAILBOX_RENAME: rename_one(model, &op->as.mailbox); break;
    case OP_MAILBOX_DELETE: delete_mailbox(model, op->as.mailbox.id.value); break;
    case OP_MAILBOX_USES: set_uses(model, &op->as.mailbox); break;
    case OP_PUT: put(model, &op->as.put, number); break;
    case OP_FLAGS: change_flags(model, &op->as.flags, number); break;
    case OP_COPY: copy(model, &op->as.copy, false, number); break;
    case OP_MOVE: copy(model, &op->as.copy, true, number); break;
    case OP_EXPUNGE:
        expunge(model, op->as.expunge.mailbox.value, &op->as.expunge.uids, number);
        break;
    case OP_RECENT: raise_recent(model, &op->as.recent); break;
    case OP_SUBSCRIBE: set_subscription(model, &op->as.setting); break;
    case OP_EPOCH: model_epoch(model, &op->as.epoch, number); break;
    case OP_THREAD: break; /* each PUT names its thread */
    default: fail_msg("the model does not know op %u", (unsigned)op->code);
    }
}

void model_change(struct model *model, struct bytes payload, const struct record_header *header,
                  struct place place)
{
    struct op_walk walk = { .change = place };
    struct origin origin;
    struct op op;

    assert_true(op_origin_decode(payload, &origin, &walk.ops));
    while (op_next(&walk, &op))
        apply(model, &op, header->number);
    model->change = header->number;
}

static void base_state(struct model *model, const struct op_base_state *op)
{
    model->has_account = true;
    model->change = op->change.value;
    model->mailbox_next = op->mailbox_next;
    model->uidvalidity_last = op->uidvalidity_last;
    model->body_next = op->body_next;
}

static void base_mailbox(struct model *model, const struct op_base_mailbox *op)
{
    struct model_mailbox *mailbox = add_mailbox(model, op->id.value);
    struct op_name_walk walk = { .names = &op->keywords };
    struct bytes name;

    name_mailbox(mailbox, op->name);
    mailbox->uidvalidity = op->uidvalidity;
    mailbox->uidnext = op->uidnext;
    mailbox->uses = op->uses;
    mailbox->recent_floor = op->recent_floor;
    mailbox->highest = op->highest.value;
    while (mailbox->keyword_count < MODEL_KEYWORDS_MAX && op_names_next(&walk, &name))
        mailbox->keywords[mailbox->keyword_count++] = (uint8_t)model_keyword(model, name);
    if (op->uidvalidity > model->uidvalidity_last)
        model->uidvalidity_last = op->uidvalidity;
    if (op->highest.value > model->change)
        model->change = op->highest.value;
}

/* Rows number keywords as the table of their mailbox does; a table that is lost leaves none. */
static struct keyword_set from_table(const struct model_mailbox *mailbox, struct keyword_set set)
{
    struct keyword_set mine = { 0 };

    for (uint32_t i = 0; i < mailbox->keyword_count; i++)
        if ((set.word[0] >> i & 1) != 0)
            mine.word[0] |= UINT64_C(1) << mailbox->keywords[i];
    return mine;
}

static void base_rows(struct model *model, const struct op_rows *op)
{
    struct model_mailbox *mailbox = model_find(model, op->mailbox.value);
    struct op_row_walk walk = { .rows = op };
    struct model_row row;

    while (op_rows_next(&walk, &row.row, &row.place)) {
        if (mailbox == NULL)
            mailbox = find_or_make(model, op->mailbox.value, row.row.save_date, 0);
        row.row.keywords = from_table(mailbox, row.row.keywords);
        if (segment_kind(row.place.segment) == SEGMENT_BODY)
            model->body_segments[model->body_segment_count++] = row.place.segment;
        mailbox->rows[mailbox->count++] = row;
        assert_true(mailbox->count < MODEL_ROWS_MAX);
        if (row.row.uid.value >= mailbox->uidnext)
            mailbox->uidnext = row.row.uid.value + 1;
        if (row.row.modseq.value > mailbox->highest)
            mailbox->highest = row.row.modseq.value;
        if (row.row.modseq.value > model->change)
            model->change = row.row.modseq.value;
        if (row.row.body.value >= model->body_next)
            model->body_next = row.row.body.value + 1;
    }
}

void model_base(struct model *model, struct bytes payload, struct place place)
{
    struct op_walk walk = { .ops = payload, .change = place };
    struct op op;

    while (op_next(&walk, &op)) {
        switch ((unsigned)op.code) {
        case OP_BASE_STATE: base_state(model, &op.as.base_state); break;
        case OP_BASE_MAILBOX: base_mailbox(model, &op.as.base_mailbox); break;
        case OP_BASE_ROWS: base_rows(model, &op.as.base_rows); break;
        case OP_BASE_VANISHED:
        case OP_BASE_DROP:
        case OP_BASE_END: break;
        default: apply(model, &op, 0); break; /* subscriptions */
        }
    }
}
