/* Passwords: hashing a new one, verifying a given one.
 *
 * New hashes are yescrypt by crypt(3) (or argon2id); verified are these, bcrypt and SHA-512 in the
 * notation of crypt(5) and of argon2. One hash takes about 20 ms and 16 MB: call from a worker. Any
 * thread. A password is normalised by SASLprep (RFC 4013) as SCRAM wants it, so that the same
 * keys typed on another system give the same password; what SASLprep prohibits is taken as it is.
 */
#ifndef ROOST_AUTH_PASSWORD_H
#define ROOST_AUTH_PASSWORD_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"

/* RFC 4616 s2 */
enum {
    PASSWORD_BYTES_MAX = 255,
    PASSWORD_HASH_BYTES_MAX = 384, /* with its NUL, as crypt(3) has it */
    ARGON2_KIB = 19456,
    ARGON2_PASSES = 2,
};

enum password_scheme {
    PASSWORD_YESCRYPT,
    PASSWORD_ARGON2ID,
};

/* A hash as text, NUL-terminated; plain value. */
struct password_hash {
    char text[PASSWORD_HASH_BYTES_MAX];
};

/* A password in the form that is hashed, NUL-terminated. Wipe after use. */
struct password_prepared {
    char text[PASSWORD_BYTES_MAX + 1];
    size_t len;
};

/* ERR_INVALID and why: empty, longer than 255 bytes, with NUL, CR or LF. */
MUST_USE enum err password_prepare(struct bytes password, struct password_prepared *out_prepared,
                                   struct note *why);

/* Overwrites it so that no compiler leaves it out. */
void password_wipe(struct password_prepared *prepared);

/* With a new random salt. ERR_INVALID as password_prepare; ERR_IO when the system has no entropy
 * or memory. */
MUST_USE enum err password_hash(struct bytes password, enum password_scheme scheme,
                                struct password_hash *out_hash, struct note *why);

/* True when it is the password. False also for a hash of another kind and for a password that
 * could never be set. The comparison takes the same time wherever it differs. */
MUST_USE bool password_verify(struct bytes password, const struct password_hash *hash);

/* Takes the time of password_verify against a hash of `scheme`, for names that do not exist. */
void password_verify_nobody(struct bytes password, enum password_scheme scheme);

#endif
