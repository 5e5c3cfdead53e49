/* RFC 5077 s4 as recommended: AES-256-CBC under HMAC-SHA-256, the key named in the ticket. */
#include "sys/tls_tickets.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "sys/tls.h"

enum { NAME_BYTES = 16, SECRET_BYTES = 32, IV_BYTES = 16, KEYS_MAX = 2 };

/* What the callback answers (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)). */
enum { TICKET_ERROR = -1, TICKET_UNKNOWN = 0, TICKET_OK = 1, TICKET_RENEW = 2 };

struct key {
    uint8_t name[NAME_BYTES];
    uint8_t cipher[SECRET_BYTES];
    uint8_t mac[SECRET_BYTES];
};
static_assert(sizeof(struct key) == TLS_TICKET_KEY_BYTES, "the shape that tls.h names");

struct tls_tickets {
    size_t count;
    struct key keys[KEYS_MAX];
};

struct tls_tickets *tls_tickets_new(struct bytes keys)
{
    struct tls_tickets *tickets;

    if (keys.len != sizeof(struct key) && keys.len != sizeof(struct key) * KEYS_MAX)
        return NULL;
    tickets = calloc(1, sizeof(*tickets));
    if (tickets == NULL)
        abort();
    memcpy(tickets->keys, keys.at, keys.len);
    tickets->count = keys.len / sizeof(struct key);
    return tickets;
}

void tls_tickets_free(struct tls_tickets *tickets)
{
    if (tickets == NULL)
        return;
    OPENSSL_cleanse(tickets, sizeof(*tickets));
    free(tickets);
}

static bool set_mac(EVP_MAC_CTX *mac, const struct key *key)
{
    char digest[] = "SHA256";
    uint8_t secret[SECRET_BYTES];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, sizeof(secret)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    bool ok;

    memcpy(secret, key->mac, sizeof(secret));
    ok = EVP_MAC_CTX_set_params(mac, params) == 1;
    OPENSSL_cleanse(secret, sizeof(secret));
    return ok;
}

static int seal(const struct key *key, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher,
                EVP_MAC_CTX *mac)
{
    memcpy(name, key->name, NAME_BYTES);
    if (RAND_bytes(iv, IV_BYTES) != 1 ||
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) != 1 ||
        !set_mac(mac, key))
        return TICKET_ERROR;
    return TICKET_OK;
}

static int unseal(const struct tls_tickets *tickets, const uint8_t *name, const uint8_t *iv,
                  EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    for (size_t i = 0; i < tickets->count; i++) {
        const struct key *key = &tickets->keys[i];

        if (memcmp(name, key->name, NAME_BYTES) != 0)
            continue;
        if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) != 1 ||
            !set_mac(mac, key))
            return TICKET_ERROR;
        return i == 0 ? TICKET_OK : TICKET_RENEW;
    }
    return TICKET_UNKNOWN;
}

/* The six parameters are OpenSSL's. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int sealing)
{
    const struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    return sealing ? seal(&tickets->keys[0], name, iv, cipher, mac)
                   : unseal(tickets, name, iv, cipher, mac);
}

void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *ssl)
{
    SSL_CTX_set_app_data(ssl, tickets);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket);
}
