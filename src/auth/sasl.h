/* SASL (RFC 4422), the server's side, over the accounts database: PLAIN (RFC 4616), LOGIN,
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677; tls-exporter, RFC 9266), by libgsasl.
 *
 * A step may take a password hash's time (20 ms) and a database read: run it on a worker, one step
 * of an exchange at a time. An unknown name, a wrong password, a disabled account give the same
 * answer after the same time. No authorisation as another user. A mechanism's last words of the
 * server (SCRAM's "v=") are a challenge of their own, to be answered with nothing: none of IMAP,
 * POP3 and SMTP can send data along with success (RFC 4422 section 3.6). */
#ifndef ROOST_AUTH_SASL_H
#define ROOST_AUTH_SASL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/accounts.h"
#include "auth/login_cache.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "base/time.h"

enum { SASL_MESSAGE_BYTES_MAX = 8192, SASL_STEPS_MAX = 8, SASL_BINDING_BYTES_MAX = 64 };

/* What all exchanges share; accounts and cache are borrowed and outlive it. */
struct sasl_options {
    struct accounts *accounts;
    struct login_cache *cache;
    enum password_scheme scheme; /* of new hashes: what an unknown name is checked against */
    uint32_t scram_iterations; /* that names without keys pretend to; 0: no SCRAM */
};

struct sasl;

/* Loads what libgsasl needs: before the sandbox. Aborts without memory. */
struct sasl *sasl_new(const struct sasl_options *options);

/* After the last exchange. NULL is allowed. */
void sasl_free(struct sasl *sasl);

/* Facts of the connection. A password may cross it when `tls` or `loopback`. */
struct sasl_client {
    bool tls;
    bool loopback;
    struct bytes channel_binding; /* tls-exporter; empty: none to be had */
};

enum sasl_outcome {
    SASL_CHALLENGE, /* sasl_output goes to the client, whose answer comes into the next step */
    SASL_SUCCESS, /* sasl_record is who it is */
    SASL_DENIED,
    SASL_INVALID, /* what came breaks the mechanism's rules */
    SASL_UNAVAILABLE, /* the database failed: the client may try again later */
};

struct sasl_exchange;

/* NULL when there is no such mechanism, or not on such a connection. `mechanism` in upper case. Any
 * thread. */
struct sasl_exchange *sasl_exchange_new(struct sasl *sasl, struct bytes mechanism,
                                        const struct sasl_client *client);

/* NULL is allowed. */
void sasl_exchange_free(struct sasl_exchange *exchange);

/* One message of the client, decoded. Without an initial response the first one is empty. Not to be
 * called again after anything but SASL_CHALLENGE. */
MUST_USE enum sasl_outcome sasl_exchange_step(struct sasl_exchange *exchange, struct bytes in,
                                              struct mono now);

/* Until the next step. */
struct bytes sasl_exchange_output(const struct sasl_exchange *exchange);

/* After SASL_SUCCESS. */
const struct accounts_record *sasl_exchange_record(const struct sasl_exchange *exchange);

/* The folded name that was given; empty when none was, or none that can be one. */
struct bytes sasl_exchange_name(const struct sasl_exchange *exchange);

/* See throttle_failed; 0 where the password was not seen. */
uint64_t sasl_exchange_fingerprint(const struct sasl_exchange *exchange);

#endif
