/* A table with one place for each hash. */
#include "auth/recipient_cache.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint64_t generation;
    size_t address_len;
    uint8_t address[RECIPIENT_CACHE_ADDRESS_MAX];
    struct accounts_record record;
};

struct recipient_cache {
    uint64_t secret;
    struct entry *entries[RECIPIENT_CACHE_ENTRIES]; /* made when they are needed */
};

struct recipient_cache *recipient_cache_new(uint64_t secret)
{
    struct recipient_cache *cache = calloc(1, sizeof(*cache));

    if (cache == NULL)
        abort();
    cache->secret = secret;
    return cache;
}

void recipient_cache_free(struct recipient_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < RECIPIENT_CACHE_ENTRIES; i++)
        free(cache->entries[i]);
    free(cache);
}

/* FNV-1a, begun with the secret; what it picks is only a place. */
static size_t place_of(const struct recipient_cache *cache, struct bytes address)
{
    uint64_t hash = cache->secret ^ UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < address.len; i++)
        hash = (hash ^ address.at[i]) * UINT64_C(0x100000001b3);
    return (size_t)(hash >> 32) % RECIPIENT_CACHE_ENTRIES;
}

bool recipient_cache_find(const struct recipient_cache *cache, struct bytes address,
                          uint64_t generation, struct accounts_record *out_record)
{
    const struct entry *entry = cache->entries[place_of(cache, address)];

    if (entry == NULL || entry->generation != generation ||
        !bytes_equal(bytes_make(entry->address, entry->address_len), address))
        return false;
    *out_record = entry->record;
    return true;
}

void recipient_cache_put(struct recipient_cache *cache, struct bytes address, uint64_t generation,
                         const struct accounts_record *record)
{
    struct entry **entry = &cache->entries[place_of(cache, address)];

    if (address.len == 0 || address.len > RECIPIENT_CACHE_ADDRESS_MAX)
        return;
    if (*entry == NULL)
        *entry = calloc(1, sizeof(**entry));
    if (*entry == NULL)
        abort();
    (*entry)->generation = generation;
    (*entry)->address_len = address.len;
    memcpy((*entry)->address, address.at, address.len);
    (*entry)->record = *record;
}
