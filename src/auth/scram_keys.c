/* SCRAM-SHA-256 keys, true and false ones. */
#include "auth/scram_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#include "auth/password.h"

static bool hmac(const uint8_t key[SCRAM_KEY_BYTES], struct bytes data,
                 uint8_t out[SCRAM_KEY_BYTES])
{
    return HMAC(EVP_sha256(), key, SCRAM_KEY_BYTES, data.at, data.len, out, NULL) != NULL;
}

/* RFC 5802 section 3: SaltedPassword, ClientKey, StoredKey, ServerKey. */
static bool derive(const struct password_prepared *prepared, struct scram_keys *keys)
{
    uint8_t salted[SCRAM_KEY_BYTES];
    uint8_t client_key[SCRAM_KEY_BYTES];
    bool ok = PKCS5_PBKDF2_HMAC(prepared->text, (int)prepared->len, keys->salt, SCRAM_SALT_BYTES,
                                (int)keys->iterations, EVP_sha256(), sizeof(salted), salted) == 1 &&
              hmac(salted, BYTES("Client Key"), client_key) &&
              SHA256(client_key, sizeof(client_key), keys->stored_key) != NULL &&
              hmac(salted, BYTES("Server Key"), keys->server_key);

    OPENSSL_cleanse(salted, sizeof(salted));
    OPENSSL_cleanse(client_key, sizeof(client_key));
    return ok;
}

enum err scram_keys_make(struct bytes password, uint32_t iterations, struct scram_keys *out_keys,
                         struct note *why)
{
    struct scram_keys keys = { .iterations = iterations };
    struct password_prepared prepared;
    enum err err;
    bool ok;

    if (iterations < SCRAM_ITERATIONS_MIN || iterations > SCRAM_ITERATIONS_MAX)
        return note_fail(why, ERR_INVALID, "SCRAM iterations must be %d to %d",
                         SCRAM_ITERATIONS_MIN, SCRAM_ITERATIONS_MAX);
    err = password_prepare(password, &prepared, why);
    if (err != ERR_OK)
        return err;
    ok = RAND_bytes(keys.salt, sizeof(keys.salt)) == 1 && derive(&prepared, &keys);
    password_wipe(&prepared);
    if (!ok)
        return note_fail(why, ERR_IO, "the system could not derive SCRAM keys");
    *out_keys = keys;
    return ERR_OK;
}

/* HMAC of `label` and the name; a MAC cannot fail for any reason but memory. */
static void fake_part(const char *label, struct bytes name,
                      const uint8_t secret[SCRAM_SECRET_BYTES], uint8_t out[SCRAM_KEY_BYTES])
{
    struct bytes start = bytes_from_string(label);
    uint8_t text[512];
    size_t name_len = name.len < sizeof(text) - start.len ? name.len : sizeof(text) - start.len;

    memcpy(text, start.at, start.len);
    if (name_len > 0)
        memcpy(text + start.len, name.at, name_len);
    if (!hmac(secret, bytes_make(text, start.len + name_len), out))
        memset(out, 0, SCRAM_KEY_BYTES);
}

void scram_keys_fake(struct bytes folded_name, const uint8_t secret[SCRAM_SECRET_BYTES],
                     uint32_t iterations, struct scram_keys *out_keys)
{
    uint8_t salt[SCRAM_KEY_BYTES];

    out_keys->iterations = iterations;
    fake_part("salt:", folded_name, secret, salt);
    memcpy(out_keys->salt, salt, SCRAM_SALT_BYTES);
    fake_part("stored:", folded_name, secret, out_keys->stored_key);
    fake_part("server:", folded_name, secret, out_keys->server_key);
}
