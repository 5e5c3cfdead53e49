/* Growing delays by address and by name. */
#include "auth/throttle.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"

enum { FINGERPRINTS = 4, KEY_BYTES_MAX = 256, FAILURES_MAX = 64 };

struct entry {
    struct list link; /* in table->order */
    struct mono counted; /* when `failures` was brought up to date */
    struct mono next; /* the next turn of this address */
    uint64_t fingerprints[FINGERPRINTS];
    unsigned failures;
    unsigned fingerprint_at;
    uint8_t key_len;
    uint8_t key[KEY_BYTES_MAX];
};

struct table {
    struct map entries;
    struct list order; /* least recently used first */
};

struct throttle {
    struct throttle_options options;
    struct table addresses;
    struct table names;
};

static void table_init(struct table *table, uint64_t secret)
{
    table->entries = map_make(secret);
    list_init(&table->order);
}

static void drop(struct table *table, struct entry *entry)
{
    map_remove(&table->entries, bytes_make(entry->key, entry->key_len));
    list_remove(&entry->link);
    free(entry);
}

static void table_done(struct table *table)
{
    LIST_EACH (node, after, &table->order)
        drop(table, CONTAINER_OF(node, struct entry, link));
    map_done(&table->entries);
}

struct throttle *throttle_new(const struct throttle_options *options)
{
    struct throttle *throttle = calloc(1, sizeof(*throttle));

    if (throttle == NULL)
        abort();
    throttle->options = *options;
    table_init(&throttle->addresses, options->secret);
    table_init(&throttle->names, options->secret);
    return throttle;
}

void throttle_free(struct throttle *throttle)
{
    if (throttle == NULL)
        return;
    table_done(&throttle->addresses);
    table_done(&throttle->names);
    free(throttle);
}

/* The host of "host:port" or "[host]:port" or a bare host, NUL-terminated. */
static bool cut_host(struct bytes address, char *out, size_t out_bytes)
{
    struct bytes host = address;

    if (address.len > 0 && address.at[0] == '[') {
        host = bytes_slice(address, 1, bytes_find_byte(address, 0, ']') - 1);
    } else {
        size_t colon = bytes_find_byte(address, 0, ':');

        if (bytes_find_byte(address, colon + 1, ':') >= address.len)
            host = bytes_slice(address, 0, colon);
    }
    if (host.len == 0 || host.len >= out_bytes)
        return false;
    memcpy(out, host.at, host.len);
    out[host.len] = '\0';
    return true;
}

/* A family byte, then the IPv4 address or the first 64 bits of the IPv6 one. */
size_t throttle_origin(struct bytes address, uint8_t out_key[THROTTLE_ORIGIN_BYTES])
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    static const uint8_t loopback6[16] = { [15] = 1 };
    char host[INET6_ADDRSTRLEN + 1];
    uint8_t raw[16];
    const uint8_t *v4 = raw;

    if (!cut_host(address, host, sizeof(host)))
        return 0;
    if (inet_pton(AF_INET, host, raw) != 1) {
        if (inet_pton(AF_INET6, host, raw) != 1 || memcmp(raw, loopback6, sizeof(raw)) == 0)
            return 0;
        if (memcmp(raw, mapped, sizeof(mapped)) != 0) {
            out_key[0] = 6;
            memcpy(out_key + 1, raw, 8);
            return 9;
        }
        v4 = raw + sizeof(mapped);
    }
    if (v4[0] == 127)
        return 0;
    out_key[0] = 4;
    memcpy(out_key + 1, v4, 4);
    return 5;
}

static struct entry *find(struct table *table, struct bytes key, struct mono now)
{
    struct entry *entry = map_get(&table->entries, key);
    int64_t forgiven;

    if (entry == NULL)
        return NULL;
    forgiven = (now.ms - entry->counted.ms) / THROTTLE_FORGIVE_MS;
    if (forgiven > 0) {
        entry->failures -= forgiven < entry->failures ? (unsigned)forgiven : entry->failures;
        entry->counted.ms += forgiven * THROTTLE_FORGIVE_MS;
    }
    if (entry->failures == 0 && entry->next.ms <= now.ms) {
        drop(table, entry);
        return NULL;
    }
    list_remove(&entry->link);
    list_push_back(&table->order, &entry->link);
    return entry;
}

static struct entry *find_or_add(struct table *table, size_t entries_max, struct bytes key,
                                 struct mono now)
{
    struct entry *entry = find(table, key, now);

    if (entry != NULL)
        return entry;
    if (table->entries.count >= entries_max)
        drop(table, CONTAINER_OF(list_first(&table->order), struct entry, link));
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        abort();
    entry->key_len = (uint8_t)key.len;
    memcpy(entry->key, key.at, key.len);
    entry->counted = now;
    entry->next = now;
    map_set(&table->entries, key, entry);
    list_push_back(&table->order, &entry->link);
    return entry;
}

/* min, 2 min, 4 min ... max for 1, 2, 3 ... failures; 0 for none. */
static int64_t delay_for(unsigned failures, int64_t min_ms, int64_t max_ms)
{
    int64_t delay = min_ms;

    if (failures == 0)
        return 0;
    for (unsigned i = 1; i < failures && delay < max_ms; i++)
        delay *= 2;
    return delay < max_ms ? delay : max_ms;
}

static int64_t address_delay(const struct throttle *throttle, const struct entry *entry)
{
    return delay_for(entry->failures, throttle->options.first_ms, throttle->options.max_ms);
}

static int64_t name_delay(const struct throttle *throttle, const struct entry *entry)
{
    int64_t most = 4 * throttle->options.first_ms;

    return delay_for(entry->failures, throttle->options.first_ms,
                     most < throttle->options.max_ms ? most : throttle->options.max_ms);
}

bool throttle_admit(struct throttle *throttle, struct bytes address, struct mono now,
                    int64_t *out_wait_ms)
{
    uint8_t key[THROTTLE_ORIGIN_BYTES];
    size_t key_len = throttle_origin(address, key);
    struct entry *entry = NULL;
    int64_t wait;

    if (key_len > 0)
        entry = find(&throttle->addresses, bytes_make(key, key_len), now);
    if (entry == NULL) {
        *out_wait_ms = 0;
        return true;
    }
    wait = entry->next.ms > now.ms ? entry->next.ms - now.ms : 0;
    if (wait > THROTTLE_QUEUE * throttle->options.max_ms)
        return false;
    entry->next.ms = now.ms + wait + address_delay(throttle, entry);
    *out_wait_ms = wait;
    return true;
}

static bool is_repetition(struct entry *entry, uint64_t fingerprint)
{
    if (fingerprint == 0)
        return false;
    for (size_t i = 0; i < FINGERPRINTS; i++) {
        if (entry->fingerprints[i] == fingerprint)
            return true;
    }
    entry->fingerprints[entry->fingerprint_at++ % FINGERPRINTS] = fingerprint;
    return false;
}

static void count_failure(struct entry *entry, uint64_t fingerprint, struct mono now)
{
    if (is_repetition(entry, fingerprint))
        return;
    if (entry->failures < FAILURES_MAX)
        entry->failures++;
    entry->counted = now;
}

int64_t throttle_failed(struct throttle *throttle, struct bytes address, struct bytes name,
                        uint64_t fingerprint, struct mono now)
{
    uint8_t key[THROTTLE_ORIGIN_BYTES];
    size_t key_len = throttle_origin(address, key);
    struct entry *entry;
    int64_t hold = 0;

    if (key_len > 0) {
        entry = find_or_add(&throttle->addresses, throttle->options.entries_max,
                            bytes_make(key, key_len), now);
        count_failure(entry, fingerprint, now);
        hold = address_delay(throttle, entry);
        if (entry->next.ms < now.ms + hold)
            entry->next.ms = now.ms + hold;
    }
    if (name.len > 0 && name.len < KEY_BYTES_MAX) {
        entry = find_or_add(&throttle->names, throttle->options.entries_max, name, now);
        count_failure(entry, fingerprint, now);
        if (name_delay(throttle, entry) > hold)
            hold = name_delay(throttle, entry);
    }
    return hold;
}

int64_t throttle_succeeded(struct throttle *throttle, struct bytes address, struct bytes name,
                           struct mono now)
{
    uint8_t key[THROTTLE_ORIGIN_BYTES];
    size_t key_len = throttle_origin(address, key);
    struct entry *entry;

    if (key_len > 0) {
        entry = find(&throttle->addresses, bytes_make(key, key_len), now);
        if (entry != NULL)
            drop(&throttle->addresses, entry);
    }
    if (name.len == 0 || name.len >= KEY_BYTES_MAX)
        return 0;
    entry = find(&throttle->names, name, now);
    return entry == NULL || entry->failures <= THROTTLE_ACCOUNT_FREE ? 0
                                                                     : name_delay(throttle, entry);
}
