/* A self-made certificate by OpenSSL. */
#include "sys/selfsigned.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "sys/address.h"

enum { SERIAL_BITS = 127, NAMES_BYTES_MAX = 512, HOST_NAME_BYTES_MAX = 253 };

/* Letters, digits, '-', '.', ':' and '_' only: the name goes into a configuration text. */
static bool is_host_name(struct bytes name)
{
    static const struct bytes allowed =
        BYTES("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:");

    for (size_t i = 0; i < name.len; i++) {
        if (bytes_find_byte(allowed, 0, name.at[i]) == allowed.len)
            return false;
    }
    return name.len > 0 && name.len <= HOST_NAME_BYTES_MAX;
}

static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool ok = number != NULL &&
              BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;

    BN_free(number);
    return ok;
}

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    bool ok = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    return ok;
}

static bool set_names(X509 *certificate, const char *host_name)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    struct address address;
    bool is_ip = address_parse_ip(bytes_from_string(host_name), &address);
    char names[NAMES_BYTES_MAX];

    (void)snprintf(names, sizeof(names), "%s:%s,DNS:localhost,IP:127.0.0.1,IP:::1",
                   is_ip ? "IP" : "DNS", host_name);
    /* X.520 allows 64 bytes for a common name; the alternative names are what counts. */
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)host_name,
                                      strlen(host_name) > 64 ? 64 : -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 &&
           add_extension(certificate, NID_subject_alt_name, names) &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth");
}

static bool fill(X509 *certificate, EVP_PKEY *key, const char *host_name, struct wall now, int days)
{
    time_t at = (time_t)wall_seconds(now);

    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_time_adj_ex(X509_getm_notBefore(certificate), -1, 0, &at) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, &at) != NULL &&
           X509_set_pubkey(certificate, key) == 1 && set_names(certificate, host_name) &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static void add_bio(BIO *bio, struct buf *out)
{
    char *at = NULL;
    long len = BIO_get_mem_data(bio, &at);

    if (len > 0)
        buf_add(out, bytes_make(at, (size_t)len));
}

static bool print(X509 *certificate, EVP_PKEY *key, struct selfsigned *out_pair)
{
    BIO *certificate_bio = BIO_new(BIO_s_mem());
    BIO *key_bio = BIO_new(BIO_s_secmem());
    bool ok = certificate_bio != NULL && key_bio != NULL &&
              PEM_write_bio_X509(certificate_bio, certificate) == 1 &&
              PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1;

    if (ok) {
        add_bio(certificate_bio, &out_pair->certificate_pem);
        add_bio(key_bio, &out_pair->key_pem);
        ok = !out_pair->certificate_pem.overflowed && !out_pair->key_pem.overflowed;
    }
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    return ok;
}

enum err selfsigned_make(const char *host_name, struct wall now, int days,
                         struct selfsigned *out_pair, struct note *why)
{
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    bool ok;

    if (!is_host_name(bytes_from_string(host_name)))
        return note_fail(why, ERR_INVALID, "not a host name for a certificate: \"%.64s\"",
                         host_name);
    key = EVP_EC_gen("P-256");
    certificate = X509_new();
    ok = key != NULL && certificate != NULL && fill(certificate, key, host_name, now, days) &&
         print(certificate, key, out_pair);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return ok ? ERR_OK : note_fail(why, ERR_IO, "cannot make a certificate for %s", host_name);
}
