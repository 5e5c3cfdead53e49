/* The accounts database: who may log in, with what password, and which account an address means.
 *
 * One SQLite file, `accounts.db`, in the directory of role auth. Whoever opens it owns it alone
 * until it is closed (a kernel lock held for the whole time): a running server and an
 * administrator's command at work without it cannot meet. A change is on the disk when its call has
 * answered. An account's id is 128 random bits and never used again; its name is an alias that may
 * be given to another account after a removal.
 *
 * Any thread may call; one lock inside. Errors: ERR_CORRUPT, ERR_NO_SPACE, ERR_IO besides those
 * named. */
#ifndef ROOST_AUTH_ACCOUNTS_H
#define ROOST_AUTH_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/name.h"
#include "auth/password.h"
#include "auth/scram_keys.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/time.h"

enum { ACCOUNTS_ID_BYTES = 16, ACCOUNTS_PAGE_MAX = 256 };

struct accounts;

struct accounts_id {
    uint8_t raw[ACCOUNTS_ID_BYTES];
};

struct accounts_record {
    struct accounts_id id;
    struct account_name name; /* as it was given, in NFC */
    uint64_t quota_bytes; /* 0: none */
    bool disabled; /* no logins; mail is still taken in */
    bool has_scram;
    int64_t created; /* seconds since 1970 */
    int64_t password_changed;
};

/* What is kept of a password. */
struct accounts_secret {
    struct password_hash hash;
    struct scram_keys scram; /* iterations 0: none */
    int64_t set; /* when; seconds since 1970 */
};

/* How passwords are to be kept. */
struct accounts_policy {
    enum password_scheme scheme;
    uint32_t scram_iterations; /* 0: no SCRAM keys */
};

/* For a new password; takes as long as the hashes do. Errors as password_hash, scram_keys_make. */
MUST_USE enum err accounts_secret_make(struct bytes password, const struct accounts_policy *policy,
                                       struct wall now, struct accounts_secret *out_secret,
                                       struct note *why);

/* Opens `<directory>/accounts.db`, made when it is not there. `directory` is used as it is, never
 * resolved: "/proc/self/fd/7" works where the way to that directory is barred. ERR_BUSY when
 * another process owns the database, ERR_UNSUPPORTED when a newer Roost wrote it. `why` names the
 * file without its directory, which the caller knows by a better name. */
MUST_USE enum err accounts_open(const char *directory, struct accounts **out_accounts,
                                struct note *why);

/* NULL is allowed. */
void accounts_close(struct accounts *accounts);

/* Created when its secret was set. ERR_INVALID for a name that breaks the rules, ERR_EXISTS when
 * one is the same when folded. */
MUST_USE enum err accounts_add(struct accounts *accounts, struct bytes name,
                               const struct accounts_secret *secret,
                               struct accounts_record *out_record, struct note *why);

/* Up to `max` (at most ACCOUNTS_PAGE_MAX) accounts in the order of their folded names, those after
 * `after` (empty: from the first). Fewer than `max`: that was the end. */
MUST_USE enum err accounts_list(struct accounts *accounts, struct bytes after,
                                struct accounts_record *into, size_t max, size_t *out_count);

/* By name, whatever its case. `out_secret` may be NULL. ERR_NOT_FOUND. */
MUST_USE enum err accounts_find(struct accounts *accounts, struct bytes name,
                                struct accounts_record *out_record,
                                struct accounts_secret *out_secret);

/* By an address of a message's envelope: see recipient_names. ERR_NOT_FOUND. */
MUST_USE enum err accounts_find_recipient(struct accounts *accounts, struct bytes address,
                                          const struct bytes *domains, size_t domain_count,
                                          struct accounts_record *out_record);

/* ERR_NOT_FOUND. */
MUST_USE enum err accounts_set_password(struct accounts *accounts, struct bytes name,
                                        const struct accounts_secret *secret,
                                        struct accounts_record *out_record, struct note *why);

/* ERR_NOT_FOUND; ERR_INVALID for a quota above 2^63-1. */
MUST_USE enum err accounts_set_limits(struct accounts *accounts, struct bytes name,
                                      uint64_t quota_bytes, bool disabled, struct note *why);

/* From now on the name is free and nobody finds the account; its mail waits to be dropped: the id
 * is kept until accounts_forget. ERR_NOT_FOUND. */
MUST_USE enum err accounts_remove(struct accounts *accounts, struct bytes name, struct wall now,
                                  struct accounts_record *out_record, struct note *why);

/* A removed account whose mail has not been dropped: the first with an id above `after` (NULL: the
 * first of all). ERR_NOT_FOUND. */
MUST_USE enum err accounts_removed(struct accounts *accounts, const struct accounts_id *after,
                                   struct accounts_id *out_id);

/* The one of that name, whatever its case, that was removed last (`skip` 0), before that one (1)
 * and so on: its mail is in the trash, or waits to be dropped. `id` and `name` of the record are as
 * they were. ERR_NOT_FOUND. */
MUST_USE enum err accounts_find_removed(struct accounts *accounts, struct bytes name, size_t skip,
                                        struct accounts_record *out_record,
                                        struct wall *out_removed);

/* The mail of a removed account is in the trash. ERR_NOT_FOUND. */
MUST_USE enum err accounts_forget(struct accounts *accounts, struct accounts_id id);

/* Another number after each change of an account, and from before the change is answered. Never
 * waits. */
uint64_t accounts_generation(const struct accounts *accounts);

/* Random, made with the database, the same for its life: for scram_keys_fake. */
const uint8_t *accounts_fake_secret(const struct accounts *accounts);

#endif
