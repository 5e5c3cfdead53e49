/* A TLS client on a non-blocking descriptor, by OpenSSL, that trusts one certificate; for tests
 * that turn a loop between its steps. */
#ifndef ROOST_TEST_KIT_TLS_CLIENT_H
#define ROOST_TEST_KIT_TLS_CLIENT_H

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "kit/assert_bytes.h"

struct tls_client {
    SSL_CTX *context;
    SSL *ssl;
};

/* `fd` stays the caller's. */
static inline void tls_client_init(struct tls_client *client, int fd, struct bytes certificate_pem,
                                   const char *host_name)
{
    BIO *bio = BIO_new_mem_buf(certificate_pem.at, (int)certificate_pem.len);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    client->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(client->context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client->context), certificate);
    client->ssl = SSL_new(client->context);
    SSL_set_fd(client->ssl, fd);
    SSL_set_tlsext_host_name(client->ssl, host_name);
    SSL_set1_host(client->ssl, host_name);
    SSL_set_connect_state(client->ssl);
    X509_free(certificate);
    BIO_free(bio);
}

static inline void tls_client_done(struct tls_client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
}

/* Bytes read or written now; 0: not now; -1: the end (close_notify); -2: broken. */
static inline int tls_client_result(struct tls_client *client, int result)
{
    switch (SSL_get_error(client->ssl, result)) {
    case SSL_ERROR_NONE: return result;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return 0;
    case SSL_ERROR_ZERO_RETURN: return -1;
    default: return -2;
    }
}

/* 1: done; 0: not yet; else as above. */
static inline int tls_client_shake(struct tls_client *client)
{
    return tls_client_result(client, SSL_do_handshake(client->ssl));
}

static inline int tls_client_read(struct tls_client *client, void *into, int len)
{
    return tls_client_result(client, SSL_read(client->ssl, into, len));
}

static inline int tls_client_write(struct tls_client *client, const void *from, int len)
{
    return tls_client_result(client, SSL_write(client->ssl, from, len));
}

#endif
