/* TLS by OpenSSL over a BIO of our own: it reads from borrowed bytes and appends to a buf, so that
 * an idle connection holds no buffer but OpenSSL's own state. */
#include "sys/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "sys/tls_tickets.h"

struct tls_context {
    SSL_CTX *ssl; /* counts its holders: the caller and each connection */
    BIO_METHOD *method;
    struct tls_tickets *tickets; /* NULL: none */
    unsigned holders;
};

struct tls_conn {
    SSL *ssl;
    struct tls_context *context;
    struct bytes in;
    struct buf *out;
    const char *alpn;
    const char *complaint;
    bool output_closed;
};

/* RFC 9051 s11.1 */
static const char tls12_ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

static int bio_read(BIO *bio, char *into, size_t len, size_t *out_len)
{
    struct tls_conn *conn = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (conn->in.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (len > conn->in.len)
        len = conn->in.len;
    memcpy(into, conn->in.at, len);
    conn->in = bytes_from(conn->in, len);
    *out_len = len;
    return 1;
}

static int bio_write(BIO *bio, const char *from, size_t len, size_t *out_len)
{
    struct tls_conn *conn = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    buf_add(conn->out, bytes_make(from, len));
    if (conn->out->overflowed)
        return -1;
    *out_len = len;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "bytes");

    if (method == NULL || !BIO_meth_set_read_ex(method, bio_read) ||
        !BIO_meth_set_write_ex(method, bio_write) || !BIO_meth_set_ctrl(method, bio_control))
        abort();
    return method;
}

/* Why OpenSSL refused, in its own words. Empties its queue. */
static const char *last_complaint(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return text == NULL ? "protocol error" : text;
}

/* A key that is encrypted is refused rather than asked for at a terminal. */
static int no_password(char *into, int size, int writing, void *context)
{
    return -1;
}

static BIO *pem_bio(struct bytes pem)
{
    BIO *bio = pem.len > INT32_MAX ? NULL : BIO_new_mem_buf(pem.at, (int)pem.len);

    if (bio == NULL)
        abort();
    return bio;
}

static enum err use_certificate(SSL_CTX *ssl, struct bytes pem, struct note *why)
{
    BIO *bio = pem_bio(pem);
    X509 *own = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL);
    const char *hint = own == NULL ? "; is it a PEM file?" : "";
    bool ok = own != NULL && SSL_CTX_use_certificate(ssl, own) == 1;
    X509 *next;

    X509_free(own);
    while (ok && (next = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
        ok = SSL_CTX_add0_chain_cert(ssl, next) == 1;
        if (!ok)
            X509_free(next);
    }
    BIO_free(bio);
    /* Reading past the last one is how the end is found. */
    if (ok)
        ERR_clear_error();
    return ok ? ERR_OK
              : note_fail(why, ERR_INVALID, "the certificate is not usable: %s%s", last_complaint(),
                          hint);
}

static enum err use_key(SSL_CTX *ssl, struct bytes pem, struct note *why)
{
    BIO *bio = pem_bio(pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    bool readable = key != NULL;
    bool fits =
        readable && SSL_CTX_use_PrivateKey(ssl, key) == 1 && SSL_CTX_check_private_key(ssl) == 1;

    EVP_PKEY_free(key);
    BIO_free(bio);
    if (!readable)
        return note_fail(why, ERR_INVALID, "the private key is not readable (encrypted?): %s",
                         last_complaint());
    if (!fits)
        return note_fail(why, ERR_INVALID, "the private key does not belong to the certificate: %s",
                         last_complaint());
    return ERR_OK;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *offered, unsigned offered_len, void *context)
{
    const struct tls_conn *conn = SSL_get_app_data(ssl);
    struct bytes wanted = bytes_from_string(conn->alpn);

    if (conn->alpn == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    for (unsigned at = 0; at < offered_len; at += 1U + offered[at]) {
        if (!bytes_equal(bytes_make(offered + at + 1, offered[at]), wanted))
            continue;
        *out = offered + at + 1;
        *out_len = offered[at];
        return SSL_TLSEXT_ERR_OK;
    }
    /* RFC 7301 s3.2: a client made to talk another protocol to us must not go on. */
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Without a callback OpenSSL does not keep the name for SSL_get_servername. */
static int note_server_name(SSL *ssl, int *alert, void *context)
{
    return SSL_TLSEXT_ERR_OK;
}

/* RFC 9051 s11.1 */
static void set_manners(SSL_CTX *ssl)
{
    static const unsigned char session_context[] = "roost";

    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(ssl, tls12_ciphers);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(ssl, session_context, sizeof(session_context) - 1);
    SSL_CTX_set_tlsext_servername_callback(ssl, note_server_name);
    SSL_CTX_set_alpn_select_cb(ssl, choose_alpn, NULL);
}

static enum err use_tickets(struct tls_context *context, struct bytes keys, struct note *why)
{
    if (keys.len == 0) {
        SSL_CTX_set_options(context->ssl, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context->ssl, 0);
        return ERR_OK;
    }
    context->tickets = tls_tickets_new(keys);
    if (context->tickets == NULL)
        return note_fail(why, ERR_INVALID, "ticket keys have %d bytes each, one or two of them",
                         TLS_TICKET_KEY_BYTES);
    tls_tickets_use(context->tickets, context->ssl);
    return ERR_OK;
}

enum err tls_context_new(const struct tls_settings *settings, struct tls_context **out_context,
                         struct note *why)
{
    struct tls_context *context = calloc(1, sizeof(*context));
    enum err err;

    if (context == NULL)
        abort();
    context->holders = 1;
    context->method = method_new();
    context->ssl = SSL_CTX_new(TLS_server_method());
    if (context->ssl == NULL)
        abort();
    set_manners(context->ssl);
    if (settings->tls13_only)
        SSL_CTX_set_min_proto_version(context->ssl, TLS1_3_VERSION);
    err = use_certificate(context->ssl, settings->certificate_pem, why);
    if (err == ERR_OK)
        err = use_key(context->ssl, settings->key_pem, why);
    if (err == ERR_OK)
        err = use_tickets(context, settings->ticket_keys, why);
    if (err != ERR_OK) {
        tls_context_free(context);
        return err;
    }
    *out_context = context;
    return ERR_OK;
}

void tls_context_free(struct tls_context *context)
{
    if (context == NULL || --context->holders > 0)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->method);
    tls_tickets_free(context->tickets);
    free(context);
}

struct tls_conn *tls_conn_new(struct tls_context *context, struct buf *out, const char *alpn)
{
    struct tls_conn *conn = calloc(1, sizeof(*conn));
    BIO *bio = BIO_new(context->method);

    if (conn == NULL || bio == NULL)
        abort();
    conn->ssl = SSL_new(context->ssl);
    if (conn->ssl == NULL)
        abort();
    conn->context = context;
    context->holders++;
    conn->out = out;
    conn->alpn = alpn;
    BIO_set_data(bio, conn);
    BIO_set_init(bio, 1);
    SSL_set_bio(conn->ssl, bio, bio);
    SSL_set_app_data(conn->ssl, conn);
    SSL_set_accept_state(conn->ssl);
    return conn;
}

void tls_conn_free(struct tls_conn *conn)
{
    if (conn == NULL)
        return;
    SSL_free(conn->ssl);
    tls_context_free(conn->context);
    free(conn);
}

void tls_conn_feed(struct tls_conn *conn, struct bytes in)
{
    conn->in = in;
}

struct bytes tls_conn_take_unused(struct tls_conn *conn)
{
    struct bytes unused = conn->in;

    conn->in = bytes_make(NULL, 0);
    return unused;
}

bool tls_conn_has_plain(const struct tls_conn *conn)
{
    return SSL_pending(conn->ssl) > 0;
}

static enum tls_result result_of(struct tls_conn *conn, int done)
{
    if (done == 1)
        return TLS_DONE;
    switch (SSL_get_error(conn->ssl, done)) {
    case SSL_ERROR_WANT_READ: return TLS_WANT_INPUT;
    case SSL_ERROR_ZERO_RETURN: return TLS_END;
    default: break;
    }
    conn->complaint = conn->out->overflowed ? "the peer does not read" : last_complaint();
    return TLS_FAILED;
}

enum tls_result tls_conn_handshake(struct tls_conn *conn)
{
    ERR_clear_error();
    return result_of(conn, SSL_do_handshake(conn->ssl));
}

enum tls_result tls_conn_read(struct tls_conn *conn, void *into, size_t len, size_t *out_len)
{
    ERR_clear_error();
    return result_of(conn, SSL_read_ex(conn->ssl, into, len, out_len));
}

enum tls_result tls_conn_write(struct tls_conn *conn, struct bytes plain)
{
    size_t sent;

    if (plain.len == 0)
        return TLS_DONE;
    ERR_clear_error();
    return result_of(conn, SSL_write_ex(conn->ssl, plain.at, plain.len, &sent));
}

void tls_conn_close_output(struct tls_conn *conn)
{
    if (conn->output_closed)
        return;
    conn->output_closed = true;
    ERR_clear_error();
    (void)SSL_shutdown(conn->ssl); /* a broken connection has nobody to tell */
    ERR_clear_error();
}

/* RFC 9266 s2. The context is present and of length zero, which TLS 1.2 tells from absent. */
static bool export_binding(SSL *ssl, uint8_t out_binding[TLS_BINDING_BYTES])
{
    static const char label[] = "EXPORTER-Channel-Binding";

    if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
        return false;
    return SSL_export_keying_material(ssl, out_binding, TLS_BINDING_BYTES, label, sizeof(label) - 1,
                                      (const unsigned char *)"", 0, 1) == 1;
}

void tls_conn_facts(const struct tls_conn *conn, struct tls_facts *out_facts)
{
    const char *name = SSL_get_servername(conn->ssl, TLSEXT_NAMETYPE_host_name);

    *out_facts = (struct tls_facts){
        .version = SSL_get_version(conn->ssl),
        .cipher = SSL_get_cipher_name(conn->ssl),
        .server_name = name == NULL ? "" : name,
        .resumed = SSL_session_reused(conn->ssl) == 1,
    };
    out_facts->has_binding = export_binding(conn->ssl, out_facts->binding);
}

const char *tls_conn_complaint(const struct tls_conn *conn)
{
    return conn->complaint == NULL ? "" : conn->complaint;
}
