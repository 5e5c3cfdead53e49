/* A hash table over the texts; then a merge sort that can stop after any move. Their first octets,
 * as a number, decide most comparisons. */
#include "search/collation.h"

#include <assert.h>
#include <string.h>

#include "store/alloc.h"
#include "store/thread_table.h"

enum {
    PREFIX_BYTES = 8,
    CHUNK_BYTES = 256 * 1024, /* of texts, one behind the other */
    RUN = 16, /* put in order at once */
    STEP_COST = 32 * 1024, /* of moves and of ... */
    TIE_COST = 3, /* ... comparing what the first octets leave open, beside a move */
};

struct text {
    const uint8_t *at;
    uint32_t len;
    uint32_t hash;
};

/* What is moved. */
struct place {
    uint64_t prefix; /* the first octets, the first one highest */
    uint32_t number;
};

struct chunk {
    struct chunk *next;
    size_t len;
    uint8_t at[CHUNK_BYTES];
};

/* Two runs of `from` that become one in `to`. */
struct merge {
    uint32_t width; /* of a run */
    uint32_t left;
    uint32_t left_end;
    uint32_t right;
    uint32_t right_end;
    uint32_t to;
};

struct search_collation {
    struct account_id account;
    struct text *texts; /* room for all; memory comes as it is touched */
    uint32_t count;
    uint32_t *slots; /* hash table of numbers + 1; 0: free */
    uint32_t slot_mask;
    struct chunk *chunks; /* the one that is being filled first */
    size_t chunk_bytes;
    struct place *places; /* NULL: not begun */
    struct place *spare;
    struct merge merge; /* width 0: runs are being made */
    uint32_t *ranks; /* by number, once in order */
    bool in_order;
};

struct search_collation *search_collation_new(uint32_t texts_max, const struct account_id *account)
{
    struct search_collation *collation = store_alloc(1, sizeof(*collation));
    uint32_t slots = 16;

    while (slots / 2 < texts_max && slots < UINT32_C(1) << 31)
        slots *= 2;
    collation->account = *account;
    collation->texts = store_realloc(NULL, texts_max, sizeof(*collation->texts));
    collation->slots = store_alloc(slots, sizeof(*collation->slots));
    collation->slot_mask = slots - 1;
    return collation;
}

void search_collation_free(struct search_collation *collation)
{
    if (collation == NULL)
        return;
    while (collation->chunks != NULL) {
        struct chunk *next = collation->chunks->next;

        free(collation->chunks);
        collation->chunks = next;
    }
    free(collation->texts);
    free(collation->slots);
    free(collation->places);
    free(collation->spare);
    free(collation->ranks);
    free(collation);
}

size_t search_collation_bytes(const struct search_collation *collation)
{
    return collation->chunk_bytes + ((size_t)collation->slot_mask + 1) * sizeof(uint32_t) +
           collation->count * (sizeof(struct text) + 2 * sizeof(struct place) + sizeof(uint32_t));
}

uint32_t search_collation_count(const struct search_collation *collation)
{
    return collation->count;
}

static struct bytes text_of(const struct text *text)
{
    return bytes_make(text->at, text->len);
}

static const uint8_t *keep(struct search_collation *collation, struct bytes text)
{
    struct chunk *chunk = collation->chunks;
    uint8_t *at;

    assert(text.len <= CHUNK_BYTES);
    if (chunk == NULL || CHUNK_BYTES - chunk->len < text.len) {
        chunk = store_realloc(NULL, 1, sizeof(*chunk));
        chunk->next = collation->chunks;
        chunk->len = 0;
        collation->chunks = chunk;
        collation->chunk_bytes += sizeof(*chunk);
    }
    at = chunk->at + chunk->len;
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    chunk->len += text.len;
    return at;
}

uint32_t search_collation_add(struct search_collation *collation, struct bytes text)
{
    uint64_t hash = thread_hash(&collation->account, text);
    uint32_t check = (uint32_t)(hash >> 32);
    uint32_t slot = (uint32_t)hash & collation->slot_mask;

    assert(collation->places == NULL);
    for (; collation->slots[slot] != 0; slot = (slot + 1) & collation->slot_mask) {
        const struct text *other = &collation->texts[collation->slots[slot] - 1];

        if (other->hash == check && bytes_equal(text_of(other), text))
            return collation->slots[slot] - 1;
    }
    collation->texts[collation->count] =
        (struct text){ keep(collation, text), (uint32_t)text.len, check };
    collation->slots[slot] = ++collation->count;
    return collation->count - 1;
}

static uint64_t prefix_of(const struct text *text)
{
    uint64_t prefix = 0;

    for (uint32_t i = 0; i < PREFIX_BYTES; i++)
        prefix = prefix << 8 | (i < text->len ? text->at[i] : 0);
    return prefix;
}

/* A text that ends within its prefix is before all that go on with NULs: their lengths tell. */
static bool is_before(const struct search_collation *collation, const struct place *a,
                      const struct place *b, uint32_t *cost)
{
    struct bytes left;
    struct bytes right;

    if (a->prefix != b->prefix)
        return a->prefix < b->prefix;
    *cost += TIE_COST;
    left = text_of(&collation->texts[a->number]);
    right = text_of(&collation->texts[b->number]);
    if (left.len < PREFIX_BYTES || right.len < PREFIX_BYTES)
        return left.len < right.len;
    return bytes_compare(bytes_from(left, PREFIX_BYTES), bytes_from(right, PREFIX_BYTES)) < 0;
}

static void begin(struct search_collation *collation)
{
    free(collation->slots); /* no more are added */
    collation->slots = NULL;
    collation->places = store_realloc(NULL, collation->count, sizeof(*collation->places));
    collation->spare = store_realloc(NULL, collation->count, sizeof(*collation->spare));
}

/* The next RUN places, in order. */
static void make_run(struct search_collation *collation, uint32_t from, uint32_t *cost)
{
    uint32_t end = collation->count - from < RUN ? collation->count : from + RUN;

    for (uint32_t i = from; i < end; i++) {
        struct place place = { prefix_of(&collation->texts[i]), i };
        uint32_t at = i;

        for (; at > from && is_before(collation, &place, &collation->places[at - 1], cost); at--)
            collation->places[at] = collation->places[at - 1];
        collation->places[at] = place;
        *cost += 1 + i - at;
    }
    collation->merge.to = end;
}

static uint32_t least(uint64_t a, uint32_t b)
{
    return a < b ? (uint32_t)a : b;
}

/* The two runs at `from`. */
static void begin_pair(struct search_collation *collation, uint32_t from)
{
    struct merge *merge = &collation->merge;

    merge->left = from;
    merge->left_end = least((uint64_t)from + merge->width, collation->count);
    merge->right = merge->left_end;
    merge->right_end = least((uint64_t)from + 2 * (uint64_t)merge->width, collation->count);
    merge->to = from;
}

/* All runs have been made, or merged: those of the next round are twice as wide. */
static void end_round(struct search_collation *collation)
{
    struct merge *merge = &collation->merge;
    struct place *merged = collation->spare;

    if (merge->width > 0) {
        collation->spare = collation->places;
        collation->places = merged;
    }
    merge->width = merge->width == 0 ? RUN : 2 * merge->width;
    if (merge->width < collation->count) {
        begin_pair(collation, 0);
        return;
    }
    collation->ranks = store_realloc(NULL, collation->count, sizeof(*collation->ranks));
    merge->to = 0;
}

/* Moves one place. */
static void move(struct search_collation *collation, uint32_t *cost)
{
    struct merge *merge = &collation->merge;
    const struct place *from = collation->places;
    bool right = merge->left == merge->left_end ||
                 (merge->right < merge->right_end &&
                  is_before(collation, &from[merge->right], &from[merge->left], cost));

    collation->spare[merge->to++] = from[right ? merge->right++ : merge->left++];
    (*cost)++;
}

/* Some of the ranks. */
static void note_ranks(struct search_collation *collation, uint32_t *cost)
{
    uint32_t *at = &collation->merge.to;

    for (; *at < collation->count && *cost < STEP_COST; (*cost)++, (*at)++)
        collation->ranks[collation->places[*at].number] = *at;
    collation->in_order = *at == collation->count;
}

bool search_collation_step(struct search_collation *collation)
{
    struct merge *merge = &collation->merge;

    if (collation->places == NULL)
        begin(collation);
    for (uint32_t cost = 0; !collation->in_order && cost < STEP_COST;) {
        if (collation->ranks != NULL)
            note_ranks(collation, &cost);
        else if (merge->to == collation->count)
            end_round(collation);
        else if (merge->width == 0)
            make_run(collation, merge->to, &cost);
        else if (merge->to == merge->right_end)
            begin_pair(collation, merge->to);
        else
            move(collation, &cost);
    }
    return collation->in_order;
}

uint32_t search_collation_rank(const struct search_collation *collation, uint32_t number)
{
    assert(collation->in_order);
    return collation->ranks[number];
}
