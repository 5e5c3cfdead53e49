/* An IMAP connection before the login (RFC 9051 s3.1, s6.1, s6.2; RFC 3501): bytes in, bytes out.
 *
 * The host (daemon/gate, or a test) feeds what the client sent, lets out what the session answered
 * and does what the session wants. The session sees no descriptor, no clock and no password store:
 * what a SASL exchange means is the host's to find out. A step never blocks and takes all input
 * that it can use. Memory: one command line with small literals, at most IMAP_LOGIN_COMMAND_BYTES.
 */
#ifndef ROOST_IMAP_LOGIN_LOGIN_H
#define ROOST_IMAP_LOGIN_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/time.h"

enum {
    IMAP_LOGIN_LINE_BYTES = 8192, /* of a command line */
    IMAP_LOGIN_SASL_LINE_BYTES = 16384, /* of an answer to a challenge, base64 */
    IMAP_LOGIN_LITERAL_BYTES = 4096, /* of a literal: users and passwords */
    IMAP_LOGIN_COMMAND_BYTES = 16384, /* of lines and literals together */
    IMAP_LOGIN_COMMANDS_MAX = 100, /* complete commands on one connection */
    IMAP_LOGIN_LITERALS_MAX = 200, /* literals on one connection */
    IMAP_LOGIN_BAD_MAX = 10, /* commands that were answered BAD */
    IMAP_LOGIN_FAILURES_MAX = 5, /* logins that failed */
    IMAP_LOGIN_OUTPUT_BYTES = 48 * 1024,
};

enum imap_login_want {
    IMAP_LOGIN_INPUT, /* more bytes from the client, or the deadline */
    IMAP_LOGIN_AUTH, /* see imap_login_request; then imap_login_answer, then step */
    IMAP_LOGIN_STARTTLS, /* let the output out, shake hands, imap_login_tls_started, then step;
                          * a step with input before that ends the session */
    IMAP_LOGIN_HANDOFF, /* logged in: to the shard, with imap_login_tag and the unused input */
    IMAP_LOGIN_CLOSE, /* let the output out, then close */
};

struct imap_login_options {
    bool tls; /* implicit TLS: the connection is private already */
    bool starttls; /* STARTTLS can be had; ignored with `tls` */
    bool plaintext; /* passwords may travel without TLS: the peer is on loopback */
    bool plain; /* AUTH=PLAIN is offered, where passwords may travel */
    bool login; /* the LOGIN command likewise */
    bool scram; /* AUTH=SCRAM-SHA-256 is offered */
    bool scram_plus; /* AUTH=SCRAM-SHA-256-PLUS is, where there is a channel binding */
    bool channel_binding; /* the TLS connection has one */
    bool resumed; /* back from UNAUTHENTICATE (RFC 8437): no greeting */
    int64_t timeout_ms; /* from the beginning to the login, waits for the host not counted */
};

/* What the host shall do about an exchange. Bytes are valid until the next call. */
enum imap_login_request_kind {
    IMAP_LOGIN_START, /* a new exchange: mechanism, and initial data if has_data */
    IMAP_LOGIN_CONTINUE, /* the client's answer to the challenge, in data */
    IMAP_LOGIN_CANCEL, /* the client gave up or broke the rules: forget the exchange. No answer is
                        * due, step on */
};

struct imap_login_request {
    enum imap_login_request_kind kind;
    struct bytes mechanism; /* upper case, one of those announced. LOGIN comes as PLAIN */
    bool has_data; /* START: the client's first message is in data, maybe empty. Always so: all
                    * mechanisms here let the client begin, and it was asked when it did not */
    struct bytes data; /* decoded; holds secrets */
};

enum imap_login_verdict {
    IMAP_LOGIN_CHALLENGE, /* data goes to the client, the exchange goes on */
    IMAP_LOGIN_SUCCESS, /* data, if any, goes out as a last challenge that the client answers with
                         * an empty line (RFC 9051 s6.2.2 has no data in its OK) */
    IMAP_LOGIN_FAILED, /* [AUTHENTICATIONFAILED]: name or password, never which */
    IMAP_LOGIN_NOT_AUTHORIZED, /* [AUTHORIZATIONFAILED]: may not act as that user */
    IMAP_LOGIN_EXPIRED, /* [EXPIRED] */
    IMAP_LOGIN_DISABLED, /* [CONTACTADMIN]: the account is closed */
    IMAP_LOGIN_UNAVAILABLE, /* [UNAVAILABLE]: auth or shard is down, try later */
    IMAP_LOGIN_TOO_MANY, /* [LIMIT] too many connections or attempts: ends in BYE */
};

struct imap_login;

/* Never NULL. */
struct imap_login *imap_login_new(const struct imap_login_options *options, struct mono now);

/* Wipes what it holds. NULL is allowed. */
void imap_login_free(struct imap_login *login);

/* Takes bytes from `in` (*out_used of them; the rest is to be offered again) and appends answers to
 * `out`; the first step prints the greeting. May be called with no input, also after the deadline:
 * that makes the timeout happen. All that one connection can make it say is below
 * IMAP_LOGIN_OUTPUT_BYTES (challenges not counted), so `out` with that much room never overflows.
 */
MUST_USE enum imap_login_want imap_login_step(struct imap_login *login, struct bytes in,
                                              struct mono now, size_t *out_used, struct buf *out);

/* When the session must be stepped even if nothing comes. INT64_MAX while it waits for the host. */
struct mono imap_login_deadline(const struct imap_login *login);

/* After IMAP_LOGIN_AUTH. */
struct imap_login_request imap_login_request(const struct imap_login *login);

/* The host's answer to START or CONTINUE; `data` is copied (CHALLENGE and SUCCESS only). */
void imap_login_answer(struct imap_login *login, enum imap_login_verdict verdict,
                       struct bytes data);

/* After IMAP_LOGIN_STARTTLS: the connection is private now. */
void imap_login_tls_started(struct imap_login *login, bool channel_binding);

/* After IMAP_LOGIN_HANDOFF: the tag of the command that logged in; the shard answers it with OK and
 * the capabilities that hold from then on. Valid until free. */
struct bytes imap_login_tag(const struct imap_login *login);

/* After IMAP_LOGIN_HANDOFF when the shard would not have the connection: [UNAVAILABLE] and on. */
void imap_login_handoff_failed(struct imap_login *login);

/* The server ends: BYE with `text`, and CLOSE at the next step. */
void imap_login_bye(struct imap_login *login, const char *text);

#endif
