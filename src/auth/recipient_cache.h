/* Recipients that were found a short while ago, so that mail for one that has just had some asks no
 * database. What strangers name and does not exist is never kept. Good as long as nothing in the
 * accounts has changed. One thread. */
#ifndef ROOST_AUTH_RECIPIENT_CACHE_H
#define ROOST_AUTH_RECIPIENT_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/accounts.h"
#include "base/bytes.h"

enum {
    RECIPIENT_CACHE_ENTRIES = 1024, /* a power of two; what comes to the same place replaces */
    RECIPIENT_CACHE_ADDRESS_MAX = 128, /* longer ones are looked up each time */
};

struct recipient_cache;

/* `secret` keeps strangers from choosing places; any value. */
struct recipient_cache *recipient_cache_new(uint64_t secret);

/* NULL is allowed. */
void recipient_cache_free(struct recipient_cache *cache);

/* What was put for just this address (its case counts) at this generation of the accounts. */
bool recipient_cache_find(const struct recipient_cache *cache, struct bytes address,
                          uint64_t generation, struct accounts_record *out_record);

/* `generation` was true before the account was looked up. */
void recipient_cache_put(struct recipient_cache *cache, struct bytes address, uint64_t generation,
                         const struct accounts_record *record);

#endif
