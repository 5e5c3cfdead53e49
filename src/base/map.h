/* Hash map from bytes to a pointer. Keys are copied, values are the caller's.
 *
 * Keys may come from strangers: the hash is keyed with a secret given at init. Open addressing,
 * grows by doubling, shrinks never. Out of memory aborts. */
#ifndef ROOST_BASE_MAP_H
#define ROOST_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"

struct map_entry;

struct map {
    struct map_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t secret; /* any value; random where strangers choose the keys */
};

static inline struct map map_make(uint64_t secret)
{
    return (struct map){ .secret = secret };
}

/* Frees keys and table, not the values. */
void map_done(struct map *map);

/* The value, or NULL. */
void *map_get(const struct map *map, struct bytes key);

/* Sets or replaces; `value` is not NULL. Answers the value that was there before, or NULL. */
void *map_set(struct map *map, struct bytes key, void *value);

/* Removes; answers the value that was there, or NULL. */
void *map_remove(struct map *map, struct bytes key);

/* Walks in no order: start with *position = 0; false at the end. The map must not change meanwhile.
 * `out_key` may be NULL and borrows from the map. */
bool map_next(const struct map *map, size_t *position, struct bytes *out_key, void **out_value);

#endif
