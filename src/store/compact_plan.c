/* What a compaction decides: how far it goes, which bodies are needed, which segments stay. */
#include <stdlib.h>
#include <string.h>

#include "store/alloc.h"
#include "store/compact_state.h"
#include "sys/vfs.h"

enum {
    HOLDER_PERCENT = 80, /* a segment of which more is alive stays as it is */
    ROW_BYTES = 64, /* of a message in a base, about */
};

void numbers_add(struct numbers *numbers, uint64_t number)
{
    numbers->at = store_grow(numbers->at, numbers->count, &numbers->capacity, sizeof(*numbers->at));
    numbers->at[numbers->count++] = number;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

void numbers_sort(struct numbers *numbers)
{
    if (numbers->count > 1)
        qsort(numbers->at, numbers->count, sizeof(*numbers->at), by_number);
}

bool numbers_has(const struct numbers *numbers, uint64_t number)
{
    return numbers->count > 0 &&
           bsearch(&number, numbers->at, numbers->count, sizeof(number), by_number) != NULL;
}

struct past_segment *compact_past(const struct compact *compact, uint64_t number)
{
    if (compact->past_count == 0) /* the number is the first member */
        return NULL;
    return bsearch(&number, compact->past, compact->past_count, sizeof(*compact->past), by_number);
}

/* The horizon. */

/* The log segment up to which the base that counts goes. */
static uint64_t superseded_already(struct compact *compact)
{
    const struct segments *segments = &compact->segments;

    for (size_t i = 0; i < segments->count; i++) {
        const struct found_segment *found = &segments->at[i];

        if (found->number != compact->options.base || found->broken)
            continue;
        compact->position = found->segment.position;
        return found->segment.base;
    }
    return 0;
}

/* Goes as far as segments are old enough: a segment's last change is as old as its successor says.
 */
static void find_horizon(struct compact *compact)
{
    const struct compact_options *options = &compact->options;
    const struct segments *segments = &compact->segments;
    uint64_t from = superseded_already(compact);
    const struct found_segment *sealed = NULL;
    uint64_t passed = 0;

    compact->result.next.us = INT64_MAX;
    if (options->thorough)
        compact->result.horizon = from;
    for (size_t i = 0; i < segments->count; i++) {
        const struct found_segment *found = &segments->at[i];

        if (segment_kind(found->number) != SEGMENT_LOG || found->number <= from)
            continue;
        if (sealed != NULL && !found->broken && found->segment.previous == sealed->number) {
            if (found->segment.when.us >= options->before.us && passed >= options->excess_bytes) {
                compact->result.next = found->segment.when;
                return;
            }
            compact->result.horizon = sealed->number;
            compact->position = found->segment.position;
            passed += sealed->size;
        }
        sealed = found;
    }
}

static void add_past(struct compact *compact, const struct found_segment *found)
{
    compact->past = store_grow(compact->past, compact->past_count, &compact->past_capacity,
                               sizeof(*compact->past));
    compact->past[compact->past_count++] =
        (struct past_segment){ .number = found->number, .size = found->size };
    compact->features |= found->segment.features;
}

bool compact_choose(struct compact *compact)
{
    const struct segments *segments = &compact->segments;
    uint64_t horizon;

    find_horizon(compact);
    horizon = compact->result.horizon;
    compact->result.outcome = COMPACT_NO_GAIN;
    if (horizon == 0)
        compact->result.outcome = COMPACT_NO_HORIZON;
    if (horizon == 0 || (horizon == compact->options.tried && !compact->options.thorough))
        return false;
    compact->first = segments->count;
    for (size_t i = segments->count; i > 0; i--) {
        const struct found_segment *found = &segments->at[i - 1];

        if (segment_kind(found->number) == SEGMENT_LOG && found->number > horizon)
            compact->first = i - 1;
    }
    for (size_t i = 0; i < segments->count; i++) {
        const struct found_segment *found = &segments->at[i];

        if (segment_kind(found->number) == SEGMENT_BASE || found->number <= horizon)
            add_past(compact, found);
    }
    return true;
}

/* The bodies. */

static int by_place(const void *a, const void *b)
{
    const struct place *left = &((const struct past_body *)a)->from;
    const struct place *right = &((const struct past_body *)b)->from;

    if (left->segment != right->segment)
        return left->segment < right->segment ? -1 : 1;
    return (left->offset > right->offset) - (left->offset < right->offset);
}

/* Those of rows before those that later changes name. */
static int by_body(const void *a, const void *b)
{
    const struct past_body *left = a;
    const struct past_body *right = b;

    if (left->body.value != right->body.value)
        return left->body.value < right->body.value ? -1 : 1;
    return left->behind - right->behind;
}

static void sort_bodies(struct compact *compact, int (*order)(const void *, const void *))
{
    if (compact->body_count > 1)
        qsort(compact->bodies, compact->body_count, sizeof(*compact->bodies), order);
}

static void add_living(struct compact *compact, const struct body_entry *entry)
{
    if (segment_kind(entry->place.segment) == SEGMENT_BODY) {
        numbers_add(&compact->needed, entry->place.segment);
        return;
    }
    if (compact_past(compact, entry->place.segment) == NULL)
        return;
    compact->bodies = store_grow(compact->bodies, compact->body_count, &compact->body_capacity,
                                 sizeof(*compact->bodies));
    compact->bodies[compact->body_count++] =
        (struct past_body){ .body = entry->id, .from = entry->place, .size = entry->size };
}

/* One body that later changes name stands where the state says, if it knows it: the place in the
 * change may be one that an older base made void. */
static void correct_place(const struct state *state, struct past_body *body)
{
    struct body_entry entry;

    if (body_table_find(&state->bodies, body->body, &entry))
        body->from = entry.place;
}

void compact_collect(struct compact *compact)
{
    const struct body_table *table = &compact->state->bodies;
    struct body_entry entry = { .id = { 0 } };
    size_t kept = 0;

    for (size_t i = 0; i < compact->body_count; i++)
        correct_place(compact->state, &compact->bodies[i]);
    while (body_table_next(table, entry.id, &entry))
        if (entry.messages > 0)
            add_living(compact, &entry);
    sort_bodies(compact, by_body);
    for (size_t i = 0; i < compact->body_count; i++) {
        struct past_body body = compact->bodies[i];

        if (kept == 0 || compact->bodies[kept - 1].body.value != body.body.value)
            compact->bodies[kept++] = body;
    }
    compact->body_count = kept;
    sort_bodies(compact, by_place);
    numbers_sort(&compact->needed);
}

/* The segments. */

struct body_files {
    struct compact *compact;
    struct numbers found;
};

static void on_name(void *context, struct bytes name)
{
    struct body_files *files = context;
    uint64_t number;

    if (segment_name_parse(name, &number) && segment_kind(number) == SEGMENT_BODY &&
        state_has_body_segment(files->compact->state, number) &&
        !numbers_has(&files->compact->needed, number))
        numbers_add(&files->found, number);
}

/* Body segments that a change before the horizon named, and nothing names any more. */
static enum err drop_body_segments(struct compact *compact)
{
    struct vfs *vfs = compact->options.vfs;
    struct body_files files = { .compact = compact };
    enum err err = vfs->list(vfs, "log", on_name, &files);

    numbers_sort(&files.found);
    for (size_t i = 0; err == ERR_OK && i < files.found.count; i++)
        state_add_drop(compact->state, files.found.at[i], compact->options.now);
    free(files.found.at);
    return err;
}

/* Bytes of bodies that are known to have died in those. */
static uint64_t dropped_bodies_bytes(const struct compact *compact)
{
    const struct body_table *table = &compact->state->bodies;
    struct numbers dropped = { compact->state->drops.segments, compact->state->drops.count, 0 };
    struct body_entry entry = { .id = { 0 } };
    uint64_t bytes = 0;

    while (body_table_next(table, entry.id, &entry))
        if (numbers_has(&dropped, entry.place.segment))
            bytes += entry.size;
    return bytes;
}

enum err compact_decide(struct compact *compact, bool *out_worth)
{
    uint64_t written = SEGMENT_RECORDS_AT + ROW_BYTES * compact->state->used_messages;
    uint64_t dropped;
    enum err err;

    state_forget_drops(compact->state);
    err = drop_body_segments(compact);
    dropped = dropped_bodies_bytes(compact);
    for (size_t i = 0; i < compact->past_count; i++) {
        struct past_segment *segment = &compact->past[i];

        if (!compact->options.thorough && segment->living > segment->size / 100 * HOLDER_PERCENT)
            segment->keep = true;
        if (segment->keep)
            continue;
        dropped += segment->size;
        written += segment->living;
    }
    *out_worth = compact->options.thorough ||
                 (dropped > written && dropped - written >= compact->options.gain_bytes_min);
    return err;
}

/* What the state says from now on. */

static void move_bodies(struct compact *compact)
{
    size_t count = 0;

    sort_bodies(compact, by_body);
    compact->moves = store_alloc(compact->body_count, sizeof(*compact->moves));
    for (size_t i = 0; i < compact->body_count; i++) {
        const struct past_body *body = &compact->bodies[i];

        if (body->to.segment == 0)
            continue;
        body_table_move(&compact->state->bodies, body->body, body->from, body->to);
        compact->moves[count++] = (struct compact_move){ body->body, body->from, body->to };
    }
    compact->result.moves = compact->moves;
    compact->result.move_count = count;
}

static void name_bodies(struct compact *compact)
{
    compact->named = store_alloc(compact->body_count, sizeof(*compact->named));
    for (size_t i = 0; i < compact->body_count; i++) {
        const struct past_body *body = &compact->bodies[i];

        if (!body->behind)
            continue;
        compact->named[compact->named_count++] =
            (struct op_base_body){ body->body, body->to.segment == 0 ? body->from : body->to,
                                   body->size };
    }
}

void compact_settle(struct compact *compact)
{
    struct state *state = compact->state;
    uint64_t garbage = 0;

    compact->result.dropped_bytes = dropped_bodies_bytes(compact);
    move_bodies(compact);
    name_bodies(compact);
    for (size_t i = 0; i < compact->past_count; i++) {
        const struct past_segment *segment = &compact->past[i];

        if (segment->keep) {
            garbage += segment->size > segment->living ? segment->size - segment->living : 0;
            continue;
        }
        state_add_drop(state, segment->number, compact->options.now);
        compact->result.dropped_bytes += segment->size;
    }
    compact->result.garbage_after = garbage;
    compact->result.since = state->changed_at;
    compact->drops = state->drops;
    compact->result.drops = &compact->drops;
    state->garbage = garbage;
    state->bodies.died_bytes = 0;
}
