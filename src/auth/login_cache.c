/* Verified logins as keyed hashes, least recently verified out first. */
#include "auth/login_cache.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/num.h"

enum { MAC_BYTES = 32, MAC_INPUT_BYTES_MAX = 64 * 1024 };

struct entry {
    struct list link; /* in cache->order */
    struct accounts_id id;
    uint8_t mac[MAC_BYTES];
    struct mono since;
};

struct login_cache {
    pthread_mutex_t lock;
    uint8_t key[MAC_BYTES];
    size_t entries_max;
    int64_t keep_ms;
    struct map entries; /* account id -> entry */
    struct list order; /* the longest held first */
};

struct login_cache *login_cache_new(size_t entries_max, int64_t keep_ms)
{
    struct login_cache *cache = calloc(1, sizeof(*cache));

    if (cache == NULL || pthread_mutex_init(&cache->lock, NULL) != 0 ||
        RAND_bytes(cache->key, sizeof(cache->key)) != 1)
        abort();
    cache->entries_max = entries_max;
    cache->keep_ms = keep_ms;
    cache->entries = map_make(num_load_u64(cache->key));
    list_init(&cache->order);
    return cache;
}

static void remove_entry(struct login_cache *cache, struct entry *entry)
{
    map_remove(&cache->entries, bytes_make(entry->id.raw, ACCOUNTS_ID_BYTES));
    list_remove(&entry->link);
    OPENSSL_cleanse(entry, sizeof(*entry));
    free(entry);
}

void login_cache_free(struct login_cache *cache)
{
    if (cache == NULL)
        return;
    LIST_EACH (node, after, &cache->order)
        remove_entry(cache, CONTAINER_OF(node, struct entry, link));
    map_done(&cache->entries);
    pthread_mutex_destroy(&cache->lock);
    OPENSSL_cleanse(cache->key, sizeof(cache->key));
    free(cache);
}

/* HMAC over the parts, each with its length in front. */
static void compute_mac(const struct login_cache *cache, const struct bytes *parts, size_t count,
                        uint8_t out[MAC_BYTES])
{
    struct buf input = buf_make(MAC_INPUT_BYTES_MAX);

    for (size_t i = 0; i < count; i++)
        buf_put_bytes(&input, parts[i]);
    if (input.overflowed || HMAC(EVP_sha256(), cache->key, sizeof(cache->key), buf_bytes(&input).at,
                                 buf_bytes(&input).len, out, NULL) == NULL)
        abort();
    OPENSSL_cleanse(input.at, input.capacity);
    buf_done(&input);
}

static void login_mac(const struct login_cache *cache, const struct accounts_id *id,
                      const struct password_hash *hash, struct bytes password,
                      uint8_t out[MAC_BYTES])
{
    struct bytes parts[] = { BYTES("login"), bytes_make(id->raw, ACCOUNTS_ID_BYTES),
                             bytes_from_string(hash->text), password };

    compute_mac(cache, parts, ARRAY_COUNT(parts), out);
}

static struct entry *find_entry(const struct login_cache *cache, const struct accounts_id *id)
{
    return map_get(&cache->entries, bytes_make(id->raw, ACCOUNTS_ID_BYTES));
}

bool login_cache_holds(struct login_cache *cache, const struct accounts_id *id,
                       const struct password_hash *hash, struct bytes password, struct mono now)
{
    uint8_t mac[MAC_BYTES];
    const struct entry *entry;
    bool holds;

    if (password.len > PASSWORD_BYTES_MAX)
        return false;
    login_mac(cache, id, hash, password, mac);
    pthread_mutex_lock(&cache->lock);
    entry = find_entry(cache, id);
    holds = entry != NULL && now.ms - entry->since.ms < cache->keep_ms &&
            CRYPTO_memcmp(entry->mac, mac, MAC_BYTES) == 0;
    pthread_mutex_unlock(&cache->lock);
    return holds;
}

/* The lock is held. */
static struct entry *make_entry(struct login_cache *cache, const struct accounts_id *id)
{
    struct entry *entry;

    while (cache->entries.count >= cache->entries_max)
        remove_entry(cache, CONTAINER_OF(list_first(&cache->order), struct entry, link));
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        abort();
    entry->id = *id;
    map_set(&cache->entries, bytes_make(id->raw, ACCOUNTS_ID_BYTES), entry);
    return entry;
}

void login_cache_put(struct login_cache *cache, const struct accounts_id *id,
                     const struct password_hash *hash, struct bytes password, struct mono now)
{
    uint8_t mac[MAC_BYTES];
    struct entry *entry;

    if (password.len > PASSWORD_BYTES_MAX || cache->keep_ms == 0)
        return;
    login_mac(cache, id, hash, password, mac);
    pthread_mutex_lock(&cache->lock);
    entry = find_entry(cache, id);
    if (entry == NULL)
        entry = make_entry(cache, id);
    else
        list_remove(&entry->link);
    list_push_back(&cache->order, &entry->link);
    memcpy(entry->mac, mac, MAC_BYTES);
    entry->since = now;
    pthread_mutex_unlock(&cache->lock);
}

void login_cache_drop(struct login_cache *cache, const struct accounts_id *id)
{
    struct entry *entry;

    pthread_mutex_lock(&cache->lock);
    entry = find_entry(cache, id);
    if (entry != NULL)
        remove_entry(cache, entry);
    pthread_mutex_unlock(&cache->lock);
}

uint64_t login_cache_fingerprint(const struct login_cache *cache, struct bytes name,
                                 struct bytes password)
{
    struct bytes parts[] = { BYTES("fingerprint"), name, password };
    uint8_t mac[MAC_BYTES];

    compute_mac(cache, parts, ARRAY_COUNT(parts), mac);
    return num_load_u64(mac);
}
