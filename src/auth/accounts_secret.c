/* What is kept of a new password. */
#include <openssl/crypto.h>

#include "auth/accounts.h"

enum err accounts_secret_make(struct bytes password, const struct accounts_policy *policy,
                              struct wall now, struct accounts_secret *out_secret, struct note *why)
{
    struct accounts_secret secret = { .set = wall_seconds(now) };
    enum err err = password_hash(password, policy->scheme, &secret.hash, why);

    if (err == ERR_OK && policy->scram_iterations != 0)
        err = scram_keys_make(password, policy->scram_iterations, &secret.scram, why);
    if (err == ERR_OK)
        *out_secret = secret;
    OPENSSL_cleanse(&secret, sizeof(secret));
    return err;
}
