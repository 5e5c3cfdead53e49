/* The hash map: linear probing, removal by shifting back. */
#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAP_FIRST_CAPACITY = 16 };

struct map_entry {
    uint8_t *key; /* owned; NULL: free slot */
    size_t key_len;
    uint64_t hash;
    void *value;
};

/* Multiply and fold over 8 bytes at a time; both halves of each product are kept, and the secret
 * goes into every step, so that a stranger cannot aim for one slot. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_key(const struct map *map, struct bytes key)
{
    uint64_t hash = map->secret ^ UINT64_C(0x9e3779b97f4a7c15);

    for (size_t at = 0; at < key.len; at += 8) {
        uint64_t word = 0;
        size_t len = key.len - at < 8 ? key.len - at : 8;

        memcpy(&word, key.at + at, len);
        hash = fold(hash ^ word, map->secret | UINT64_C(0xd6e8feb86659fd93));
    }
    return fold(hash ^ key.len, UINT64_C(0xa0761d6478bd642f));
}

static size_t find_slot(const struct map *map, struct bytes key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    size_t slot = (size_t)hash & mask;

    for (;; slot = (slot + 1) & mask) {
        const struct map_entry *entry = &map->entries[slot];

        if (entry->key == NULL)
            return slot;
        if (entry->hash == hash && bytes_equal(bytes_make(entry->key, entry->key_len), key))
            return slot;
    }
}

static void grow(struct map *map)
{
    struct map larger = *map;

    larger.capacity = map->capacity == 0 ? MAP_FIRST_CAPACITY : map->capacity * 2;
    larger.entries = calloc(larger.capacity, sizeof(*larger.entries));
    if (larger.entries == NULL)
        abort();
    for (size_t i = 0; i < map->capacity; i++) {
        const struct map_entry *entry = &map->entries[i];

        if (entry->key != NULL)
            larger
                .entries[find_slot(&larger, bytes_make(entry->key, entry->key_len), entry->hash)] =
                *entry;
    }
    free(map->entries);
    *map = larger;
}

void map_done(struct map *map)
{
    for (size_t i = 0; i < map->capacity; i++)
        free(map->entries[i].key);
    free(map->entries);
    *map = map_make(map->secret);
}

void *map_get(const struct map *map, struct bytes key)
{
    const struct map_entry *entry;

    if (map->count == 0)
        return NULL;
    entry = &map->entries[find_slot(map, key, hash_key(map, key))];
    return entry->key == NULL ? NULL : entry->value;
}

void *map_set(struct map *map, struct bytes key, void *value)
{
    uint64_t hash = hash_key(map, key);
    struct map_entry *entry;
    void *before;

    assert(value != NULL);
    if ((map->count + 1) * 4 > map->capacity * 3)
        grow(map);
    entry = &map->entries[find_slot(map, key, hash)];
    before = entry->value;
    if (entry->key == NULL) {
        entry->key = malloc(key.len + 1);
        if (entry->key == NULL)
            abort();
        if (key.len > 0)
            memcpy(entry->key, key.at, key.len);
        entry->key_len = key.len;
        entry->hash = hash;
        map->count++;
    }
    entry->value = value;
    return before;
}

/* Closes the hole at `slot` by moving back those that probed over it. */
static void close_hole(struct map *map, size_t slot)
{
    size_t mask = map->capacity - 1;

    for (size_t next = (slot + 1) & mask; map->entries[next].key != NULL;
         next = (next + 1) & mask) {
        size_t home = (size_t)map->entries[next].hash & mask;

        if (((next - home) & mask) >= ((next - slot) & mask)) {
            map->entries[slot] = map->entries[next];
            slot = next;
        }
    }
    map->entries[slot] = (struct map_entry){ 0 };
}

void *map_remove(struct map *map, struct bytes key)
{
    size_t slot;
    void *value;

    if (map->count == 0)
        return NULL;
    slot = find_slot(map, key, hash_key(map, key));
    if (map->entries[slot].key == NULL)
        return NULL;
    value = map->entries[slot].value;
    free(map->entries[slot].key);
    close_hole(map, slot);
    map->count--;
    return value;
}

bool map_next(const struct map *map, size_t *position, struct bytes *out_key, void **out_value)
{
    for (; *position < map->capacity; (*position)++) {
        const struct map_entry *entry = &map->entries[*position];

        if (entry->key == NULL)
            continue;
        if (out_key != NULL)
            *out_key = bytes_make(entry->key, entry->key_len);
        *out_value = entry->value;
        (*position)++;
        return true;
    }
    return false;
}
