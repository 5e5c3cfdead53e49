/* Parts with linear probing, doubled at five eighths. */
#include "search/keymap.h"

#include <assert.h>

#include "store/alloc.h"

enum { SLOTS_MIN = 8, PART_SHIFT = 56 };

void search_keymap_init(struct search_keymap *map, size_t expected)
{
    *map = (struct search_keymap){ .slots_first = SLOTS_MIN };
    while (map->slots_first * SEARCH_KEYMAP_PARTS < expected * 2)
        map->slots_first *= 2;
}

void search_keymap_free_part(struct search_keymap *map, uint32_t part)
{
    free(map->parts[part].slots);
    map->parts[part] = (struct search_keymap_part){ 0 };
}

void search_keymap_done(struct search_keymap *map)
{
    for (uint32_t i = 0; i < SEARCH_KEYMAP_PARTS; i++)
        search_keymap_free_part(map, i);
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

static void grow(struct search_keymap_part *part, size_t slots_first)
{
    struct search_keymap_part larger = { .capacity = part->capacity * 2, .count = part->count };

    if (larger.capacity == 0)
        larger.capacity = (uint32_t)slots_first;
    larger.slots = store_alloc(larger.capacity, sizeof(*larger.slots));
    for (uint32_t i = 0; i < part->capacity; i++) {
        const struct search_keymap_slot *slot = &part->slots[i];

        if (!is_free(slot))
            *find_slot(&larger, slot->key[0], slot->key[1]) = *slot;
    }
    free(part->slots);
    *part = larger;
}

uint32_t *search_keymap_at(struct search_keymap *map, uint64_t key)
{
    struct search_keymap_part *part = &map->parts[key >> PART_SHIFT];
    struct search_keymap_slot *slot;

    assert(key != 0);
    if ((part->count + 1) * 8 > part->capacity * 5)
        grow(part, map->slots_first);
    slot = find_slot(part, (uint32_t)key, (uint32_t)(key >> 32));
    if (is_free(slot)) {
        *slot = (struct search_keymap_slot){ .key = { (uint32_t)key, (uint32_t)(key >> 32) } };
        part->count++;
    }
    return &slot->number;
}
