/* Logins that were verified a short while ago, so that a client which opens ten connections costs
 * one password hash.
 *
 * Kept is no password but HMAC-SHA256(process key; account id, stored hash, password), one an
 * account, for a while from its verification; the least recently verified go first. The stored
 * hash is in it, so that a changed password misses even when a verification under the old one ends
 * late. Only successes are kept: a wrong password always costs its full hash. Any thread; one lock
 * inside. */
#ifndef ROOST_AUTH_LOGIN_CACHE_H
#define ROOST_AUTH_LOGIN_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/accounts.h"
#include "base/bytes.h"
#include "base/time.h"

enum { LOGIN_CACHE_ENTRIES = 20000 };

struct login_cache;

/* With a random key of its own, for at most `entries_max` (not 0) accounts, each for `keep_ms` (0:
 * nothing is kept). Aborts when the system has no random numbers. */
struct login_cache *login_cache_new(size_t entries_max, int64_t keep_ms);

/* NULL is allowed. */
void login_cache_free(struct login_cache *cache);

/* True when exactly this password was put for this account and this stored hash less than
 * `keep_ms` ago. */
bool login_cache_holds(struct login_cache *cache, const struct accounts_id *id,
                       const struct password_hash *hash, struct bytes password, struct mono now);

void login_cache_put(struct login_cache *cache, const struct accounts_id *id,
                     const struct password_hash *hash, struct bytes password, struct mono now);

/* The account's password was changed, or the account removed. */
void login_cache_drop(struct login_cache *cache, const struct accounts_id *id);

/* 64 bits that stand for this name and password within this process, to tell the same wrong one
 * tried again from a new guess. */
uint64_t login_cache_fingerprint(const struct login_cache *cache, struct bytes name,
                                 struct bytes password);

#endif
