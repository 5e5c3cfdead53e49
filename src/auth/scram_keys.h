/* What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677): enough to
 * check a proof, not enough to make one. Any thread. */
#ifndef ROOST_AUTH_SCRAM_KEYS_H
#define ROOST_AUTH_SCRAM_KEYS_H

#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"

enum {
    SCRAM_SALT_BYTES = 16,
    SCRAM_KEY_BYTES = 32,
    SCRAM_SECRET_BYTES = 32,
    SCRAM_ITERATIONS_MIN = 100000,
    SCRAM_ITERATIONS_MAX = 10000000,
};

struct scram_keys {
    uint32_t iterations; /* 0: the account has no keys */
    uint8_t salt[SCRAM_SALT_BYTES];
    uint8_t stored_key[SCRAM_KEY_BYTES];
    uint8_t server_key[SCRAM_KEY_BYTES];
};

/* Keys of `password` (prepared as password_prepare does) under a new salt; 100,000 iterations take
 * about 35 ms. ERR_INVALID for a password that cannot be or iterations out of range, ERR_IO. */
MUST_USE enum err scram_keys_make(struct bytes password, uint32_t iterations,
                                  struct scram_keys *out_keys, struct note *why);

/* Keys for a name without any: the same for the same name and secret, so that asking twice tells
 * nothing; no proof fits them. `folded_name` as account_name_fold has it. */
void scram_keys_fake(struct bytes folded_name, const uint8_t secret[SCRAM_SECRET_BYTES],
                     uint32_t iterations, struct scram_keys *out_keys);

#endif
