/* Password hashes by crypt(3) and libargon2. */
#include "auth/password.h"

#include <argon2.h>
#include <crypt.h>
#include <gsasl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { ARGON2_SALT_BYTES = 16, ARGON2_HASH_BYTES = 32 };

/* Valid hashes of a random password that nobody knows: what an unknown name is checked against. */
static const struct password_hash nobody_yescrypt = {
    "$y$j9T$3mhRlmD.JvW1mJBTzGBW4.$wtbBmrkWqzjPhWyQJi40TUBqhBBzqhSFBLA34IvamoA"
};
static const struct password_hash nobody_argon2id = {
    "$argon2id$v=19$m=19456,t=2,p=1$b3VyIHNhbHQgYW5kIG5vYg$tkE2FB"
    "4/5+Hk39n3JbDwO4cNuZgwOmyTqrGyXYiuTHc"
};

/* RFC 4616 s2; RFC 5802 s2.2. */
enum err password_prepare(struct bytes password, struct password_prepared *out_prepared,
                          struct note *why)
{
    char raw[PASSWORD_BYTES_MAX + 1];
    char *mapped = NULL;
    const char *best = raw;

    if (password.len == 0)
        return note_fail(why, ERR_INVALID, "the password is empty");
    if (password.len > PASSWORD_BYTES_MAX)
        return note_fail(why, ERR_INVALID, "the password is longer than %d bytes",
                         PASSWORD_BYTES_MAX);
    for (size_t i = 0; i < password.len; i++) {
        if (password.at[i] == 0 || password.at[i] == '\r' || password.at[i] == '\n')
            return note_fail(why, ERR_INVALID, "the password holds a NUL or a line end");
    }
    memcpy(raw, password.at, password.len);
    raw[password.len] = '\0';
    if (gsasl_saslprep(raw, GSASL_ALLOW_UNASSIGNED, &mapped, NULL) == GSASL_OK &&
        mapped[0] != '\0' && strlen(mapped) <= PASSWORD_BYTES_MAX)
        best = mapped;
    out_prepared->len = strlen(best);
    memcpy(out_prepared->text, best, out_prepared->len + 1);
    if (mapped != NULL)
        OPENSSL_cleanse(mapped, strlen(mapped));
    free(mapped);
    OPENSSL_cleanse(raw, sizeof(raw));
    return ERR_OK;
}

void password_wipe(struct password_prepared *prepared)
{
    OPENSSL_cleanse(prepared, sizeof(*prepared));
}

/* crypt(3) with that setting; false when it knows no such setting. */
static bool crypt_into(const char *prepared, const char *setting, struct password_hash *out)
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    const char *hash;
    bool ok;

    if (data == NULL)
        return false;
    hash = crypt_r(prepared, setting, data);
    ok = hash != NULL && hash[0] != '*' && strlen(hash) < sizeof(out->text);
    if (ok)
        memcpy(out->text, hash, strlen(hash) + 1);
    OPENSSL_cleanse(data, sizeof(*data));
    free(data);
    return ok;
}

static bool hash_yescrypt(const char *prepared, struct password_hash *out)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    return crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)) != NULL &&
           crypt_into(prepared, setting, out);
}

static bool hash_argon2id(const struct password_prepared *prepared, struct password_hash *out)
{
    unsigned char salt[ARGON2_SALT_BYTES];

    return RAND_bytes(salt, sizeof(salt)) == 1 &&
           argon2id_hash_encoded(ARGON2_PASSES, ARGON2_KIB, 1, prepared->text, prepared->len, salt,
                                 sizeof(salt), ARGON2_HASH_BYTES, out->text,
                                 sizeof(out->text)) == ARGON2_OK;
}

enum err password_hash(struct bytes password, enum password_scheme scheme,
                       struct password_hash *out_hash, struct note *why)
{
    struct password_prepared prepared;
    struct password_hash hash;
    enum err err = password_prepare(password, &prepared, why);
    bool ok;

    if (err != ERR_OK)
        return err;
    ok = scheme == PASSWORD_ARGON2ID ? hash_argon2id(&prepared, &hash)
                                     : hash_yescrypt(prepared.text, &hash);
    password_wipe(&prepared);
    if (!ok)
        return note_fail(why, ERR_IO, "the system could not hash a password (memory, entropy)");
    *out_hash = hash;
    return ERR_OK;
}

static bool has_prefix(const struct password_hash *hash, const char *prefix)
{
    return strncmp(hash->text, prefix, strlen(prefix)) == 0;
}

static bool verify_crypt(const char *prepared, const struct password_hash *hash)
{
    struct password_hash got;

    return crypt_into(prepared, hash->text, &got) &&
           bytes_equal_constant_time(bytes_from_string(got.text), bytes_from_string(hash->text));
}

static bool verify_prepared(const struct password_prepared *prepared,
                            const struct password_hash *hash)
{
    static const char *const crypt_prefixes[] = { "$y$", "$2b$", "$2y$", "$2a$", "$6$" };

    if (has_prefix(hash, "$argon2id$"))
        return argon2id_verify(hash->text, prepared->text, prepared->len) == ARGON2_OK;
    for (size_t i = 0; i < ARRAY_COUNT(crypt_prefixes); i++) {
        if (has_prefix(hash, crypt_prefixes[i]))
            return verify_crypt(prepared->text, hash);
    }
    return false;
}

/* Something to hash in place of a password that no account can have: it costs the same time. */
static void prepare_anything(struct password_prepared *out)
{
    *out = (struct password_prepared){ .text = "x", .len = 1 };
}

bool password_verify(struct bytes password, const struct password_hash *hash)
{
    struct password_prepared prepared;
    bool possible = password_prepare(password, &prepared, NULL) == ERR_OK;
    bool same;

    if (!possible)
        prepare_anything(&prepared);
    same = verify_prepared(&prepared, hash);
    password_wipe(&prepared);
    return same && possible;
}

void password_verify_nobody(struct bytes password, enum password_scheme scheme)
{
    bool same = password_verify(password,
                                scheme == PASSWORD_ARGON2ID ? &nobody_argon2id : &nobody_yescrypt);

    (void)same;
}
