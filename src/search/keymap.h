/* A number under each 64-bit key, for keys that are hashes: their bits are used as they are.
 *
 * The map is cut into parts by the first bits of the key, each of which grows by itself: however
 * many keys there are, no addition takes long. Keys that share those bits would make one part of
 * it all, so who chooses what is hashed must not know the hash's secret. Out of memory aborts. */
#ifndef ROOST_SEARCH_KEYMAP_H
#define ROOST_SEARCH_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEARCH_KEYMAP_PARTS = 256 };

struct search_keymap_slot {
    uint32_t key[2]; /* both 0: free */
    uint32_t number;
};

struct search_keymap {
    size_t slots_first; /* of a part */
    struct search_keymap_part {
        struct search_keymap_slot *slots;
        uint32_t capacity; /* a power of two, or 0 */
        uint32_t count;
    } parts[SEARCH_KEYMAP_PARTS];
};

/* Empty, with room for about so many keys as soon as there is one. */
void search_keymap_init(struct search_keymap *map, size_t expected);

/* Frees one part, for maps that are to go in steps. Nothing comes after but the other parts and
 * search_keymap_done. */
void search_keymap_free_part(struct search_keymap *map, uint32_t part);

/* Frees all; the map is empty and usable again. */
void search_keymap_done(struct search_keymap *map);

/* The number under that key, which is not 0; a new one is 0. Valid until the next call. */
uint32_t *search_keymap_at(struct search_keymap *map, uint64_t key);

#endif
