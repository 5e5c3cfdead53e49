/* Looking for what went: every expunge and deletion, less what came back. */
#include "store/lost_find.h"

#include <stdlib.h>
#include <string.h>

#include "store/alloc.h"
#include "store/history.h"
#include "store/log.h"
#include "store/op.h"
#include "store/rows.h"
#include "store/state.h"

/* A message that came back: the last one lost before it, of the same body and mailbox, is not lost.
 */
struct came_back {
    struct body_id body;
    uint32_t mailbox; /* index in lost */
    size_t after; /* messages that were lost before */
};

struct lost_find {
    struct lost_find_options options;
    uint8_t name[OP_NAME_BYTES_MAX];
    struct history *history;
    struct lost lost;
    uint64_t body_max; /* of the bodies in `lost` */
    struct came_back *back;
    size_t back_count;
    size_t back_capacity;
    struct lost_event event; /* the change that is being looked at */
    bool has_event; /* it is in the list, as the last one */
    struct wall since;
};

struct lost_find *lost_find_new(const struct lost_find_options *options)
{
    struct lost_find *find = store_alloc(1, sizeof(*find));
    struct bytes name = bytes_slice(options->name, 0, sizeof(find->name));

    find->options = *options;
    if (name.len > 0)
        memcpy(find->name, name.at, name.len);
    find->options.name = bytes_make(find->name, name.len);
    return find;
}

static bool is_asked_for(const struct lost_find *find, const struct mailbox *mailbox)
{
    const struct lost_find_options *options = &find->options;

    return (options->name.len == 0 && options->id.value == 0) ||
           mailbox->id.value == options->id.value ||
           bytes_equal(mailbox_name_bytes(mailbox), options->name);
}

static uint32_t event_index(struct lost_find *find)
{
    if (!find->has_event)
        (void)lost_add_event(&find->lost, &find->event);
    find->has_event = true;
    return (uint32_t)(find->lost.event_count - 1);
}

static enum err add_row(struct lost_find *find, uint32_t mailbox, const struct state *state,
                        const struct row *row)
{
    struct lost_message message = { .row = *row, .mailbox = mailbox };
    struct body_entry body;

    if (!body_table_find(&state->bodies, row->body, &body))
        return ERR_OK;
    message.place = body.place;
    message.event = event_index(find);
    if (row->body.value > find->body_max)
        find->body_max = row->body.value;
    return lost_add_message(&find->lost, &message);
}

static enum err add_range(struct lost_find *find, const struct mailbox *mailbox, uint32_t index,
                          struct uid_range range)
{
    struct rows_walk walk = rows_walk_make(&mailbox->rows, (struct uid_set){ &range, 1 });
    enum err err = ERR_OK;
    struct row row;

    while (err == ERR_OK && rows_walk_next(&walk, &row))
        err = add_row(find, index, mailbox->state, &row);
    return err;
}

static enum err on_expunge(struct lost_find *find, const struct state *state,
                           const struct op_expunge *op)
{
    const struct mailbox *mailbox = state_find_id(state, op->mailbox);
    struct op_uid_walk walk = { .uids = &op->uids };
    enum err err = ERR_OK;
    struct uid_range range;
    uint32_t index;

    if (mailbox == NULL || !is_asked_for(find, mailbox))
        return ERR_OK;
    index = lost_add_mailbox(&find->lost, mailbox);
    while (err == ERR_OK && op_uids_next(&walk, &range))
        err = add_range(find, mailbox, index, range);
    return err;
}

static enum err on_delete(struct lost_find *find, const struct state *state, struct mailbox_id id)
{
    const struct mailbox *mailbox = state_find_id(state, id);
    uint32_t index;

    if (mailbox == NULL || !is_asked_for(find, mailbox))
        return ERR_OK;
    index = lost_add_mailbox(&find->lost, mailbox);
    find->lost.mailboxes[index].is_wanted = true;
    find->lost.mailboxes[index].event = event_index(find);
    return add_range(find, mailbox, index, (struct uid_range){ 1, UINT32_MAX });
}

static bool begin_change(struct lost_find *find, const struct log_record *record,
                         struct op_walk *out_walk)
{
    struct origin origin;

    *out_walk = (struct op_walk){ .change = record->place };
    if (record->when.us < find->options.since.us ||
        !op_origin_decode(record->payload, &origin, &out_walk->ops) ||
        origin.protocol == PROTOCOL_STORE)
        return false;
    find->has_event = false;
    find->event = (struct lost_event){
        .change = record->number,
        .when = record->when,
        .protocol = origin.protocol,
        .session = origin.session,
        .actor = origin.actor,
    };
    return true;
}

static enum err before_change(void *context, const struct state *state,
                              const struct log_record *record)
{
    struct lost_find *find = context;
    enum err err = ERR_OK;
    struct op_walk walk;
    struct op op;

    if (!begin_change(find, record, &walk))
        return ERR_OK;
    while (err == ERR_OK && op_next(&walk, &op)) {
        if (op.code == OP_EXPUNGE)
            err = on_expunge(find, state, &op.as.expunge);
        else if (op.code == OP_MAILBOX_DELETE)
            err = on_delete(find, state, op.as.mailbox.id);
    }
    return err;
}

/* Deliveries have bodies that nobody ever lost. */
static void on_put(struct lost_find *find, const struct state *state, const struct op_put *put)
{
    const struct mailbox *mailbox = state_find_id(state, put->mailbox);

    if (put->body.value > find->body_max || mailbox == NULL)
        return;
    find->back =
        store_grow(find->back, find->back_count, &find->back_capacity, sizeof(*find->back));
    find->back[find->back_count++] = (struct came_back){
        .body = put->body,
        .mailbox = lost_add_mailbox(&find->lost, mailbox),
        .after = find->lost.message_count,
    };
}

/* Who made a mailbox of that name since has brought it back. */
static void on_create(struct lost_find *find, const struct op_mailbox *op)
{
    for (size_t i = 0; i < find->lost.mailbox_count; i++)
        if (bytes_equal(find->lost.mailboxes[i].name, op->name))
            find->lost.mailboxes[i].is_wanted = false;
}

static enum err after_change(void *context, const struct state *state,
                             const struct log_record *record)
{
    struct lost_find *find = context;
    struct op_walk walk;
    struct op op;

    if (!begin_change(find, record, &walk))
        return ERR_OK;
    while (op_next(&walk, &op)) {
        if (op.code == OP_PUT)
            on_put(find, state, &op.as.put);
        else if (op.code == OP_MAILBOX_CREATE)
            on_create(find, &op.as.mailbox);
    }
    return ERR_OK;
}

/* Messages by body, or mailboxes by id; those with the same one in the order in which they went. */
struct by_number {
    uint64_t number;
    uint64_t order;
    size_t at; /* index of it */
};

static int compare_numbers(const void *a, const void *b)
{
    const struct by_number *left = a;
    const struct by_number *right = b;

    if (left->number != right->number)
        return left->number < right->number ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

static void sort(struct by_number *order, size_t count)
{
    if (count > 1)
        qsort(order, count, sizeof(*order), compare_numbers);
}

struct sorting {
    const struct lost *lost;
    struct by_number *order;
    bool *keep;
};

static size_t first_of(const struct sorting *sorting, uint64_t body)
{
    size_t low = 0;
    size_t high = sorting->lost->message_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (sorting->order[middle].number < body)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_same_mailbox(const struct lost *lost, uint32_t a, uint32_t b)
{
    const struct lost_mailbox *left = &lost->mailboxes[a];
    const struct lost_mailbox *right = &lost->mailboxes[b];

    return left->id.value == right->id.value || bytes_equal(left->name, right->name);
}

/* Takes the last one that fits out of the lost ones. */
static void cancel(const struct sorting *sorting, const struct came_back *back)
{
    const struct lost *lost = sorting->lost;
    size_t last = SIZE_MAX;

    for (size_t i = first_of(sorting, back->body.value); i < lost->message_count; i++) {
        size_t at = sorting->order[i].at;

        if (sorting->order[i].number != back->body.value || at >= back->after)
            break;
        if (sorting->keep[at] && is_same_mailbox(lost, lost->messages[at].mailbox, back->mailbox))
            last = at;
    }
    if (last != SIZE_MAX)
        sorting->keep[last] = false;
}

/* A mailbox that was renamed in between is one mailbox, with its last name. */
static void join_names(struct lost *lost)
{
    struct by_number *order = store_alloc(lost->mailbox_count, sizeof(*order));
    uint32_t *last = store_alloc(lost->mailbox_count, sizeof(*last));

    for (size_t i = 0; i < lost->mailbox_count; i++)
        order[i] = (struct by_number){ lost->mailboxes[i].id.value, lost->mailboxes[i].seen, i };
    sort(order, lost->mailbox_count);
    for (size_t i = lost->mailbox_count; i > 0; i--) {
        bool is_last = i == lost->mailbox_count || order[i].number != order[i - 1].number;

        last[order[i - 1].at] = (uint32_t)(is_last ? order[i - 1].at : last[order[i].at]);
    }
    for (size_t i = 0; i < lost->message_count; i++)
        lost->messages[i].mailbox = last[lost->messages[i].mailbox];
    free(order);
    free(last);
}

static void sum_up(struct lost_find *find)
{
    struct lost *lost = &find->lost;
    struct sorting sorting = {
        .lost = lost,
        .order = store_alloc(lost->message_count, sizeof(*sorting.order)),
        .keep = store_alloc(lost->message_count, sizeof(*sorting.keep)),
    };

    for (size_t i = 0; i < lost->message_count; i++) {
        sorting.order[i] = (struct by_number){ lost->messages[i].row.body.value, i, i };
        sorting.keep[i] = true;
    }
    sort(sorting.order, lost->message_count);
    for (size_t i = 0; i < find->back_count; i++)
        cancel(&sorting, &find->back[i]);
    join_names(lost);
    lost_settle(lost, sorting.keep);
    free(sorting.order);
    free(sorting.keep);
    find->since = history_since(find->history);
}

enum err lost_find_read(struct lost_find *find, uint64_t bytes, bool *out_done, struct note *why)
{
    struct history_options options = {
        .vfs = find->options.vfs,
        .position = find->options.position,
        .until = { INT64_MAX },
        .before = before_change,
        .after = after_change,
        .context = find,
    };
    bool done = false;
    enum err err = ERR_OK;

    if (find->history == NULL)
        err = history_open(&options, &find->history, why);
    else
        err = history_step(find->history, bytes, &done, why);
    if (err == ERR_LIMIT)
        return note_fail(why, err,
                         "more than %d messages were lost: ask for one mailbox, or for less time",
                         LOST_MESSAGES_MAX);
    if (err == ERR_OK && done)
        sum_up(find);
    if (err == ERR_OK)
        *out_done = done;
    return err;
}

uint64_t lost_find_position(const struct lost_find *find)
{
    return find->history == NULL ? 0 : history_position(find->history);
}

void lost_find_take(struct lost_find *find, struct lost *out_lost)
{
    *out_lost = find->lost;
    find->lost = (struct lost){ 0 };
}

struct wall lost_find_since(const struct lost_find *find)
{
    return find->since;
}

void lost_find_free(struct lost_find *find)
{
    if (find == NULL)
        return;
    history_close(find->history);
    lost_done(&find->lost);
    free(find->back);
    free(find);
}
