/* Parts with linear probing, doubled at five eighths. */
#include "search/keymap.h"

#include <assert.h>

#include "search/work.h"
#include "store/alloc.h"
#include "store/step_charge.h"

enum {
    SLOTS_MIN = 8,
    PART_SHIFT = 56,
    /* work: a step for each slot of a part that grows, and when it is freed */
    FREE_WORK = 50,
    SLOTS_FREED = 8, /* by one step more */
};

void search_keymap_init(struct search_keymap *map)
{
    *map = (struct search_keymap){ 0 };
}

static void free_part(struct search_keymap_part *part)
{
    free(part->slots);
    *part = (struct search_keymap_part){ 0 };
}

/* The part whose memory lies highest; NULL: there is none. */
static struct search_keymap_part *find_highest(struct search_keymap *map)
{
    struct search_keymap_part *highest = NULL;

    for (uint32_t i = 0; i < SEARCH_KEYMAP_PARTS; i++) {
        struct search_keymap_part *part = &map->parts[i];

        if (part->slots != NULL &&
            (highest == NULL || (uintptr_t)part->slots > (uintptr_t)highest->slots))
            highest = part;
    }
    return highest;
}

/* From the highest down: what lies free below the last block of a heap is given back to the system
 * with that block, all at once, and takes milliseconds. */
bool search_keymap_free_step(struct search_keymap *map, unsigned *work)
{
    struct search_keymap_part *part;

    while ((part = find_highest(map)) != NULL) {
        if (!search_work_spend(work, FREE_WORK + part->capacity / SLOTS_FREED))
            return false;
        free_part(part);
    }
    return true;
}

void search_keymap_done(struct search_keymap *map)
{
    for (uint32_t i = 0; i < SEARCH_KEYMAP_PARTS; i++)
        free_part(&map->parts[i]);
}

static bool is_free(const struct search_keymap_slot *slot)
{
    return (slot->key[0] | slot->key[1]) == 0;
}

/* That of the key, or the free one where it would go. */
static struct search_keymap_slot *find_slot(const struct search_keymap_part *part, uint32_t low,
                                            uint32_t high)
{
    uint32_t at = low & (part->capacity - 1);

    for (;; at = (at + 1) & (part->capacity - 1)) {
        struct search_keymap_slot *slot = &part->slots[at];

        if ((slot->key[0] == low && slot->key[1] == high) || is_free(slot))
            return slot;
    }
}

static void grow(struct search_keymap_part *part, unsigned *work)
{
    struct search_keymap_part larger = { .capacity = part->capacity * 2, .count = part->count };

    if (larger.capacity == 0)
        larger.capacity = SLOTS_MIN;
    step_charge(work, larger.capacity);
    larger.slots = store_alloc(larger.capacity, sizeof(*larger.slots));
    for (uint32_t i = 0; i < part->capacity; i++) {
        const struct search_keymap_slot *slot = &part->slots[i];

        if (!is_free(slot))
            *find_slot(&larger, slot->key[0], slot->key[1]) = *slot;
    }
    free(part->slots);
    *part = larger;
}

uint32_t *search_keymap_at(struct search_keymap *map, uint64_t key, unsigned *work)
{
    struct search_keymap_part *part = &map->parts[key >> PART_SHIFT];
    struct search_keymap_slot *slot;

    assert(key != 0);
    if ((part->count + 1) * 8 > part->capacity * 5)
        grow(part, work);
    slot = find_slot(part, (uint32_t)key, (uint32_t)(key >> 32));
    if (is_free(slot)) {
        *slot = (struct search_keymap_slot){ .key = { (uint32_t)key, (uint32_t)(key >> 32) } };
        part->count++;
    }
    return &slot->number;
}
