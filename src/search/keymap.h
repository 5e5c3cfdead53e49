/* A number under each 64-bit key, for keys that are hashes: their bits are used as they are.
 *
 * The map is cut into parts by the first bits of the key, each of which grows by itself, so that no
 * addition takes long: 0.3 ms where there are four million keys. But all of them grow at about the
 * same time: that is work (search/work.h), which is taken off when it is done. Keys that share
 * those bits would make one part of it all, so who chooses what is hashed must not know the hash's
 * secret. Out of memory aborts. */
#ifndef ROOST_SEARCH_KEYMAP_H
#define ROOST_SEARCH_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

enum { SEARCH_KEYMAP_PARTS = 256 };

struct search_keymap_slot {
    uint32_t key[2]; /* both 0: free */
    uint32_t number;
};

struct search_keymap {
    struct search_keymap_part {
        struct search_keymap_slot *slots;
        uint32_t capacity; /* a power of two, or 0 */
        uint32_t count;
    } parts[SEARCH_KEYMAP_PARTS];
};

void search_keymap_init(struct search_keymap *map);

/* Frees all in steps; the map is empty and usable again. False: out of work, call again, and do
 * nothing else with it before but search_keymap_done. */
MUST_USE bool search_keymap_free_step(struct search_keymap *map, unsigned *work);

/* Frees all at once; the map is empty and usable again. */
void search_keymap_done(struct search_keymap *map);

/* The number under that key, which is not 0; a new one is 0. Valid until the next call. It answers
 * however little work is left. */
uint32_t *search_keymap_at(struct search_keymap *map, uint64_t key, unsigned *work);

#endif
