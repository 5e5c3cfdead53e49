/* The server's side of TLS 1.2 and 1.3, without a socket: ciphertext in, ciphertext out.
 *
 * A context is made from PEM bytes and shared by connections; it lives until the last of them ends,
 * so that a reload changes nothing for running sessions. Session tickets are sealed with keys given
 * from outside, the same in every tls process. OpenSSL does the work; it is seen nowhere else. */
#ifndef ROOST_SYS_TLS_H
#define ROOST_SYS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum {
    TLS_TICKET_KEY_BYTES = 80, /* name 16, AES-256 key 32, HMAC key 32 */
    TLS_BINDING_BYTES = 32, /* tls-exporter, RFC 9266 */
    TLS_SERVER_NAME_MAX = 256, /* with NUL */
    TLS_RECORD_PLAIN_MAX = 16384,
};

struct tls_context;

struct tls_settings {
    struct bytes certificate_pem; /* chain, the server's own first */
    struct bytes key_pem; /* unencrypted; must belong to the certificate */
    /* One or two keys of TLS_TICKET_KEY_BYTES: the first seals, all open. Empty: no tickets. */
    struct bytes ticket_keys;
    bool tls13_only;
};

/* ERR_INVALID with a note when the pair does not parse or does not match. */
MUST_USE enum err tls_context_new(const struct tls_settings *settings,
                                  struct tls_context **out_context, struct note *why);

/* Drops the caller's hold. NULL is allowed. */
void tls_context_free(struct tls_context *context);

struct tls_conn;

/* A server connection before its handshake. What is to be sent is appended to `out`, borrowed for
 * the connection's life; its overflow breaks the connection. `alpn` ("imap", static) is the only
 * protocol that a client may ask for; NULL: offers are ignored. */
struct tls_conn *tls_conn_new(struct tls_context *context, struct buf *out, const char *alpn);
void tls_conn_free(struct tls_conn *conn); /* NULL is allowed */

/* Ciphertext that came in, borrowed and used up by the calls that follow. tls_conn_take_unused
 * gives what they have not used; keep a copy, and feed it first the next time. */
void tls_conn_feed(struct tls_conn *conn, struct bytes in);
MUST_USE struct bytes tls_conn_take_unused(struct tls_conn *conn);

/* True when plain bytes wait inside that tls_conn_read would give without more input. */
bool tls_conn_has_plain(const struct tls_conn *conn);

enum tls_result {
    TLS_DONE, /* handshake complete; or bytes read; or all written */
    TLS_WANT_INPUT, /* everything fed is used */
    TLS_END, /* the peer said close_notify: no more input */
    TLS_FAILED, /* broken or hostile peer; an alert may be in `out`; see tls_conn_complaint */
};

MUST_USE enum tls_result tls_conn_handshake(struct tls_conn *conn);

/* Up to `len` plain bytes; at least one with TLS_DONE. */
MUST_USE enum tls_result tls_conn_read(struct tls_conn *conn, void *into, size_t len,
                                       size_t *out_len);

/* All of `plain`, as records in `out`. */
MUST_USE enum tls_result tls_conn_write(struct tls_conn *conn, struct bytes plain);

/* close_notify into `out`, once. Reading stays possible. */
void tls_conn_close_output(struct tls_conn *conn);

/* After the handshake. Text is static or lives as long as the connection. */
struct tls_facts {
    const char *version; /* "TLSv1.3" */
    const char *cipher; /* "TLS_AES_256_GCM_SHA384" */
    const char *server_name; /* SNI; "" when none */
    bool resumed;
    bool has_binding; /* false on TLS 1.2 without extended master secret (RFC 9266 s2) */
    uint8_t binding[TLS_BINDING_BYTES];
};
void tls_conn_facts(const struct tls_conn *conn, struct tls_facts *out_facts);

/* Why it failed, a line for the log. Static or as long as the connection. */
const char *tls_conn_complaint(const struct tls_conn *conn);

#endif
