/* A hash table over the texts; then they are put in order by their first octets, those that are the
 * same so far by the next ones, and so on: each text is looked into once at each depth, and what is
 * moved is small. Merge sorts, which can stop after any move. */
#include "search/collation.h"

#include <assert.h>
#include <string.h>

#include "base/attributes.h"
#include "store/alloc.h"
#include "store/thread_table.h"

enum {
    KEY_OCTETS = 7, /* that are compared at once */
    CHUNK_BYTES = 64 * 1024, /* of texts, one behind the other */
    RUN = 16, /* put in order at once */
    STEP_COST = 64 * 1024, /* of moves and of ... */
    KEY_COST = 32, /* ... looking into a text, beside a move */
    CHUNKS_STEP = 16, /* given back at once */
};

struct text {
    const uint8_t *at;
    uint32_t len;
    uint32_t hash;
};

/* What is moved. */
struct place {
    uint64_t key;
    uint32_t number;
};

struct chunk {
    struct chunk *next;
    size_t len;
    uint8_t at[CHUNK_BYTES];
};

/* Two runs that become one, on the other side. */
struct merge {
    uint32_t width; /* of a run */
    bool from_spare;
    uint32_t left;
    uint32_t left_end;
    uint32_t right;
    uint32_t right_end;
};

enum phase {
    PHASE_ADD,
    PHASE_FIND, /* a group of texts that are the same so far */
    PHASE_RUNS, /* of it */
    PHASE_MERGE,
    PHASE_MARK, /* those that differ now */
    PHASE_RANK,
    PHASE_DONE,
};

struct search_collation {
    struct account_id account;
    struct text *texts; /* room for all; memory comes as it is touched */
    uint32_t count;
    uint32_t *slots; /* hash table of numbers + 1; 0: free */
    uint32_t slot_mask;
    struct chunk *chunks; /* the one that is being filled first */
    size_t chunk_bytes;

    enum phase phase;
    struct place *places; /* in order as far as `depth` */
    struct place *spare;
    uint64_t *begins; /* bit n: the text at place n differs from the one before */
    uint32_t depth; /* octets that were looked at before */
    bool has_groups; /* at that depth */
    uint32_t first; /* of the group */
    uint32_t end; /* behind it */
    uint32_t at;
    struct merge merge;
    uint32_t *ranks; /* by number, once in order */
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

bool search_collation_free_some(struct search_collation *collation)
{
    void **all[] = { (void **)&collation->texts,  (void **)&collation->slots,
                     (void **)&collation->places, (void **)&collation->spare,
                     (void **)&collation->begins, (void **)&collation->ranks };

    for (unsigned i = 0; collation->chunks != NULL; i++) {
        struct chunk *next = collation->chunks->next;

        if (i == CHUNKS_STEP)
            return false;
        free(collation->chunks);
        collation->chunks = next;
    }
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        if (store_free_one(all[i]))
            return false;
    free(collation);
    return true;
}

void search_collation_free(struct search_collation *collation)
{
    while (collation != NULL && !search_collation_free_some(collation))
        continue;
}

size_t search_collation_bytes(const struct search_collation *collation)
{
    return collation->chunk_bytes + ((size_t)collation->slot_mask + 1) * sizeof(uint32_t) +
           collation->count / 8 +
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

    assert(collation->phase == PHASE_ADD);
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

/* The next octets of a text as a number, the first one highest, and how many they are in its last
 * octet; one more than KEY_OCTETS says that there are more. Two texts of which one ends here differ
 * here. */
static uint64_t key_of(const struct text *text, uint32_t depth)
{
    uint32_t left = text->len - depth;
    uint64_t key = 0;

    for (uint32_t i = 0; i < KEY_OCTETS; i++)
        key = key << 8 | (i < left ? text->at[depth + i] : 0);
    return key << 8 | (left > KEY_OCTETS ? KEY_OCTETS + 1 : left);
}

/* The first place from `from` on whose bit in `begins` is that; the one behind the last place is
 * set. */
static uint32_t find_bit(const struct search_collation *collation, uint32_t from, bool bit)
{
    while (from <= collation->count) {
        uint64_t word = collation->begins[from / 64];

        word = (bit ? word : ~word) >> from % 64;
        if (word != 0)
            return from + (uint32_t)__builtin_ctzll(word);
        from = (from / 64 + 1) * 64;
    }
    return collation->count + 1;
}

static void set_bit(struct search_collation *collation, uint32_t at)
{
    collation->begins[at / 64] |= UINT64_C(1) << at % 64;
}

static void begin(struct search_collation *collation)
{
    free(collation->slots); /* no more are added */
    collation->slots = NULL;
    collation->places = store_realloc(NULL, collation->count, sizeof(*collation->places));
    collation->spare = store_realloc(NULL, collation->count, sizeof(*collation->spare));
    collation->begins = store_alloc(collation->count / 64 + 1, sizeof(*collation->begins));
    set_bit(collation, 0);
    set_bit(collation, collation->count);
    collation->phase = PHASE_FIND;
}

/* The next group of those that are the same so far; when there is none, it goes deeper. */
static void find_group(struct search_collation *collation)
{
    uint32_t second = find_bit(collation, collation->end + 1, false);

    if (second < collation->count) {
        collation->has_groups = true;
        collation->first = second - 1;
        collation->end = find_bit(collation, second, true);
        collation->at = collation->first;
        collation->phase = PHASE_RUNS;
        return;
    }
    collation->end = 0;
    if (collation->has_groups) {
        collation->has_groups = false;
        collation->depth += KEY_OCTETS;
        return;
    }
    collation->ranks = store_realloc(NULL, collation->count, sizeof(*collation->ranks));
    collation->at = 0;
    collation->phase = PHASE_RANK;
}

static uint32_t least(uint64_t a, uint32_t b)
{
    return a < b ? (uint32_t)a : b;
}

static void begin_marks(struct search_collation *collation)
{
    collation->at = collation->first + 1;
    collation->phase = PHASE_MARK;
}

/* The two runs at `from`. */
static void begin_pair(struct search_collation *collation, uint32_t from)
{
    struct merge *merge = &collation->merge;

    collation->at = from;
    merge->left = from;
    merge->left_end = least((uint64_t)from + merge->width, collation->end);
    merge->right = merge->left_end;
    merge->right_end = least((uint64_t)merge->right + merge->width, collation->end);
}

/* The next RUN places of the group get their keys, and are put in order. */
static void make_run(struct search_collation *collation, uint32_t *cost)
{
    uint32_t from = collation->at;
    uint32_t end = least((uint64_t)from + RUN, collation->end);

    for (uint32_t i = from; i < end; i++) {
        uint32_t number = collation->depth == 0 ? i : collation->places[i].number;
        struct place place = { key_of(&collation->texts[number], collation->depth), number };
        uint32_t at = i;

        for (; at > from && place.key < collation->places[at - 1].key; at--)
            collation->places[at] = collation->places[at - 1];
        collation->places[at] = place;
        *cost += KEY_COST;
    }
    collation->at = end;
    if (end < collation->end)
        return;
    if (collation->end - collation->first <= RUN) {
        begin_marks(collation);
        return;
    }
    collation->merge = (struct merge){ .width = RUN };
    collation->phase = PHASE_MERGE;
    begin_pair(collation, collation->first);
}

/* All runs of the group are merged: they are twice as wide now. One more round, of one run, brings
 * back what was merged into the spare places. */
static void end_round(struct search_collation *collation)
{
    struct merge *merge = &collation->merge;

    merge->from_spare = !merge->from_spare;
    if (merge->width < collation->end - collation->first)
        merge->width *= 2;
    if (merge->width < collation->end - collation->first || merge->from_spare)
        begin_pair(collation, collation->first);
    else
        begin_marks(collation);
}

/* Moves what is left of the step, at most to the end of the pair. */
static void merge_some(struct search_collation *collation, uint32_t *cost)
{
    struct merge merge = collation->merge;
    const struct place *from = merge.from_spare ? collation->spare : collation->places;
    struct place *to = merge.from_spare ? collation->places : collation->spare;
    uint32_t at = collation->at;
    uint32_t end = least((uint64_t)at + (STEP_COST - *cost), merge.right_end);

    *cost += end - at + 1;
    for (; at < end; at++) {
        bool right = merge.left == merge.left_end || (merge.right < merge.right_end &&
                                                      from[merge.right].key < from[merge.left].key);

        to[at] = from[right ? merge.right++ : merge.left++];
    }
    collation->merge = merge;
    collation->at = at;
    if (at == collation->end)
        end_round(collation);
    else if (at == merge.right_end)
        begin_pair(collation, at);
}

/* Where keys differ, texts do. */
static void mark_some(struct search_collation *collation, uint32_t *cost)
{
    uint32_t at = collation->at;
    uint32_t end = least((uint64_t)at + (STEP_COST - *cost), collation->end);

    *cost += end - at + 1;
    for (; at < end; at++)
        if (collation->places[at].key != collation->places[at - 1].key)
            set_bit(collation, at);
    collation->at = at;
    if (at == collation->end)
        collation->phase = PHASE_FIND;
}

static void rank_some(struct search_collation *collation, uint32_t *cost)
{
    uint32_t at = collation->at;
    uint32_t end = least((uint64_t)at + (STEP_COST - *cost), collation->count);

    *cost += end - at + 1;
    for (; at < end; at++)
        collation->ranks[collation->depth == 0 ? at : collation->places[at].number] = at;
    collation->at = at;
    if (at == collation->count)
        collation->phase = PHASE_DONE;
}

bool search_collation_step(struct search_collation *collation)
{
    for (uint32_t cost = 0; collation->phase != PHASE_DONE && cost < STEP_COST;) {
        switch (collation->phase) {
        case PHASE_ADD: begin(collation); break;
        case PHASE_FIND: find_group(collation); break;
        case PHASE_RUNS: make_run(collation, &cost); break;
        case PHASE_MERGE: merge_some(collation, &cost); break;
        case PHASE_MARK: mark_some(collation, &cost); break;
        case PHASE_RANK: rank_some(collation, &cost); break;
        case PHASE_DONE: break;
        }
    }
    return collation->phase == PHASE_DONE;
}

uint32_t search_collation_rank(const struct search_collation *collation, uint32_t number)
{
    assert(collation->phase == PHASE_DONE);
    return collation->ranks[number];
}
