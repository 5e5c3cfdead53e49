/* Tables of an account. */
#include "store/state.h"

#include <assert.h>
#include <string.h>

#include "store/alloc.h"
#include "store/view_state.h"

void state_init(struct state *state)
{
    *state = (struct state){ .mailbox_next = 1, .body_next = 1 };
    list_init(&state->views);
    list_init(&state->touched);
}

void state_mailbox_free(struct mailbox *mailbox)
{
    assert(mailbox->holds == 0 && list_is_empty(&mailbox->views));
    list_remove(&mailbox->touched);
    snapshot_release(mailbox->snapshot);
    rows_done(&mailbox->rows);
    keyword_table_done(&mailbox->keywords);
    vanished_done(&mailbox->vanished);
    free(mailbox->name);
    free(mailbox);
}

void state_done(struct state *state)
{
    for (size_t i = 0; i < state->mailbox_count; i++)
        state_mailbox_free(state->by_id[i]);
    free(state->by_name);
    free(state->by_id);
    for (size_t i = 0; i < state->subscription_count; i++)
        free((void *)(uintptr_t)state->subscriptions[i].at);
    free(state->subscriptions);
    free(state->body_segments);
    state_forget_drops(state);
    body_table_done(&state->bodies);
    thread_table_done(&state->threads);
    state_init(state);
}

size_t state_name_place(const struct state *state, struct bytes name, bool after)
{
    size_t low = 0;
    size_t high = state->mailbox_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = bytes_compare(mailbox_name_bytes(state->by_name[middle]), name);

        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct mailbox *state_find(const struct state *state, struct bytes name)
{
    size_t at = state_name_place(state, name, false);

    if (at == state->mailbox_count || !bytes_equal(mailbox_name_bytes(state->by_name[at]), name))
        return NULL;
    return state->by_name[at];
}

bool state_has_below(const struct state *state, struct bytes name)
{
    uint8_t prefix[MAILBOX_NAME_BYTES_MAX + 1];
    struct bytes below = bytes_make(prefix, name.len + 1);
    size_t at;

    if (name.len == 0 || name.len > MAILBOX_NAME_BYTES_MAX)
        return false;
    memcpy(prefix, name.at, name.len);
    prefix[name.len] = '/';
    at = state_name_place(state, below, false);
    return at < state->mailbox_count &&
           bytes_starts_with(mailbox_name_bytes(state->by_name[at]), below);
}

static size_t id_place(const struct state *state, struct mailbox_id id)
{
    size_t low = 0;
    size_t high = state->mailbox_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (state->by_id[middle]->id.value < id.value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct mailbox *state_find_id(const struct state *state, struct mailbox_id id)
{
    size_t at = id_place(state, id);

    return at < state->mailbox_count && state->by_id[at]->id.value == id.value ? state->by_id[at]
                                                                               : NULL;
}

static void insert(struct mailbox **table, size_t count, size_t at, struct mailbox *mailbox)
{
    memmove(table + at + 1, table + at, (count - at) * sizeof(mailbox));
    table[at] = mailbox;
}

static void take_out(struct mailbox **table, size_t count, size_t at)
{
    memmove(table + at, table + at + 1, (count - at - 1) * sizeof(*table));
}

static size_t own_name_place(const struct state *state, const struct mailbox *mailbox)
{
    size_t at = state_name_place(state, mailbox_name_bytes(mailbox), false);

    assert(at < state->mailbox_count && state->by_name[at] == mailbox);
    return at;
}

void state_add(struct state *state, struct mailbox *mailbox)
{
    size_t count = state->mailbox_count;
    size_t by_name = state_name_place(state, mailbox_name_bytes(mailbox), false);
    size_t by_id = id_place(state, mailbox->id);

    state->by_name = store_grow(state->by_name, count, &state->by_name_capacity, sizeof(mailbox));
    state->by_id = store_grow(state->by_id, count, &state->by_id_capacity, sizeof(mailbox));
    insert(state->by_name, count, by_name, mailbox);
    insert(state->by_id, count, by_id, mailbox);
    state->mailbox_count++;
    state->list_touched = true;
}

void state_remove(struct state *state, struct mailbox *mailbox)
{
    take_out(state->by_name, state->mailbox_count, own_name_place(state, mailbox));
    take_out(state->by_id, state->mailbox_count, id_place(state, mailbox->id));
    state->mailbox_count--;
    state->list_touched = true;
    mailbox->deleted = true;
    if (mailbox->holds == 0)
        state_mailbox_free(mailbox);
}

static void copy_name(struct mailbox *mailbox, struct bytes name)
{
    uint8_t *copy = store_alloc(1, name.len);

    memcpy(copy, name.at, name.len);
    free(mailbox->name);
    mailbox->name = copy;
    mailbox->name_len = name.len;
}

void state_set_name(struct state *state, struct mailbox *mailbox, struct bytes name)
{
    take_out(state->by_name, state->mailbox_count, own_name_place(state, mailbox));
    state->mailbox_count--;
    copy_name(mailbox, name);
    insert(state->by_name, state->mailbox_count, state_name_place(state, name, false), mailbox);
    state->mailbox_count++;
    state->list_touched = true;
}

struct mailbox *state_mailbox_new(struct state *state, struct mailbox_id id, struct bytes name)
{
    struct mailbox *mailbox = store_alloc(1, sizeof(*mailbox));

    mailbox->state = state;
    mailbox->id = id;
    mailbox->uidnext = 1;
    mailbox->recent_floor = 1;
    copy_name(mailbox, name);
    list_init(&mailbox->views);
    return mailbox;
}

size_t state_subscription_place(const struct state *state, struct bytes name, bool after)
{
    size_t low = 0;
    size_t high = state->subscription_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = bytes_compare(state->subscriptions[middle], name);

        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool state_subscribe(struct state *state, struct bytes name, bool subscribed)
{
    size_t at = state_subscription_place(state, name, false);
    size_t count = state->subscription_count;
    bool is_there = at < count && bytes_equal(state->subscriptions[at], name);
    struct bytes *place;
    uint8_t *copy;

    if (is_there == subscribed)
        return false;
    state->list_touched = true;
    state->subscriptions = store_grow(state->subscriptions, count, &state->subscription_capacity,
                                      sizeof(*state->subscriptions));
    place = &state->subscriptions[at];
    if (!subscribed) {
        free((void *)(uintptr_t)place->at);
        memmove(place, place + 1, (count - at - 1) * sizeof(*place));
        state->subscription_count--;
        return true;
    }
    copy = store_alloc(1, name.len);
    if (name.len > 0)
        memcpy(copy, name.at, name.len);
    memmove(place + 1, place, (count - at) * sizeof(*place));
    *place = bytes_make(copy, name.len);
    state->subscription_count++;
    return true;
}

static size_t segment_place(const struct state *state, uint64_t segment)
{
    size_t low = 0;
    size_t high = state->body_segment_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (state->body_segments[middle] < segment)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool state_has_body_segment(const struct state *state, uint64_t segment)
{
    size_t at = segment_place(state, segment);

    return at < state->body_segment_count && state->body_segments[at] == segment;
}

void state_add_body_segment(struct state *state, uint64_t segment)
{
    size_t count = state->body_segment_count;
    size_t at = segment_place(state, segment);

    if (at < count && state->body_segments[at] == segment)
        return;
    state->body_segments = store_grow(state->body_segments, count, &state->body_segment_capacity,
                                      sizeof(*state->body_segments));
    memmove(state->body_segments + at + 1, state->body_segments + at,
            (count - at) * sizeof(*state->body_segments));
    state->body_segments[at] = segment;
    state->body_segment_count++;
}

void state_add_drop(struct state *state, uint64_t segment, struct wall when)
{
    struct drops *drops = &state->drops;

    drops->segments =
        store_grow(drops->segments, drops->count, &drops->capacity, sizeof(*drops->segments));
    drops->segments[drops->count++] = segment;
    drops->when = when;
}

void state_forget_drops(struct state *state)
{
    free(state->drops.segments);
    state->drops = (struct drops){ 0 };
}

uint64_t state_garbage(const struct state *state)
{
    return state->garbage + state->bodies.died_bytes;
}

void state_touch(struct mailbox *mailbox)
{
    snapshot_release(mailbox->snapshot);
    mailbox->snapshot = NULL;
    if (!list_is_linked(&mailbox->touched))
        list_push_back(&mailbox->state->touched, &mailbox->touched);
}

struct mailbox *state_take_touched(struct state *state)
{
    struct list *first = list_first(&state->touched);

    if (first == NULL)
        return NULL;
    list_remove(first);
    return CONTAINER_OF(first, struct mailbox, touched);
}

void state_count_row(struct mailbox *mailbox, const struct row *row, int sign)
{
    struct state *state = mailbox->state;
    uint32_t one = (uint32_t)sign;
    uint64_t size = sign > 0 ? row->size : 0 - row->size;

    if ((row->flags & FLAG_SEEN) == 0)
        mailbox->unseen += one;
    if ((row->flags & FLAG_DELETED) != 0)
        mailbox->flagged_deleted += one;
    mailbox->size += size;
    state->used_bytes += size;
    state->used_messages += (uint64_t)(int64_t)sign;
}

void state_count_block(struct mailbox *mailbox, const struct block *block)
{
    struct state *state = mailbox->state;
    uint64_t size = column_sum(&block->columns[COLUMN_SIZE], 0, block->count);
    const struct column *flags = &block->columns[COLUMN_FLAGS];

    mailbox->unseen += column_count_without(flags, block->count, FLAG_SEEN);
    mailbox->flagged_deleted +=
        block->count - column_count_without(flags, block->count, FLAG_DELETED);
    mailbox->size += size;
    state->used_bytes += size;
    state->used_messages += block->count;
}

struct snapshot *state_snapshot(struct mailbox *mailbox)
{
    if (mailbox->snapshot == NULL)
        mailbox->snapshot = snapshot_new(&mailbox->rows, mailbox->highest);
    return mailbox->snapshot;
}

uint64_t state_views_floor(const struct state *state)
{
    uint64_t floor = state->change.value;

    LIST_EACH (node, after, &state->views) {
        const struct view *view = CONTAINER_OF(node, struct view, of_state);

        if (view_state_lags(view) && view->complete.value < floor)
            floor = view->complete.value;
    }
    return floor;
}
