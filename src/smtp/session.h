/* A connection that hands mail in: LMTP (RFC 2033), bytes in, bytes out. SMTP intake is to be the
 * same session with other verbs and one answer for all recipients.
 *
 * The host (daemon/gate, or a test) feeds what the client sent, lets out what the session answered
 * and does what it wants. The session sees no descriptor, no clock, no account and no file: it
 * knows the protocol. PIPELINING, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES, CHUNKING (RFC
 * 3030, by BDAT; no BINARYMIME), and STARTTLS where the host can. On local sockets also `XMAILBOX=`
 * of RCPT: the mailbox to put the mail in, in xtext. Commands end with CRLF; a line that ends with
 * LF alone is refused.
 *
 * Memory: one command line, and for each recipient at most 2 KB. */
#ifndef ROOST_SMTP_SESSION_H
#define ROOST_SMTP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/time.h"
#include "smtp/reply.h"

enum {
    SMTP_ERRORS_MAX = 20, /* commands answered 5yz for what they are; refused recipients excepted */
    SMTP_OUTPUT_BYTES = 16 * 1024, /* with that much to go out the session takes no more commands */
    SMTP_ASKED_MAX = 16, /* recipients that are looked up at the same time */
};

enum smtp_want {
    SMTP_INPUT, /* more bytes from the client, or the deadline */
    SMTP_OUTPUT, /* let the output out, then step */
    SMTP_RECIPIENT, /* begin to look up smtp_session_asked, and step: there may be others */
    SMTP_SPOOL, /* store smtp_session_chunk, smtp_session_spooled, step */
    SMTP_DELIVER, /* deliver to each recipient; smtp_session_delivered for each, and step */
    SMTP_PENDING, /* still waits for the host's answer to one of the three, then step */
    SMTP_STARTTLS, /* let the output out, shake hands, smtp_session_tls_started, then step */
    SMTP_CLOSE, /* let the output out, then close */
};

struct smtp_options {
    struct bytes host; /* our name; copied, as the others are */
    struct bytes address; /* the client's, "192.0.2.1:4711" or "unix" */
    struct bytes tls_facts; /* implicit TLS: what was negotiated; else empty */
    uint64_t session; /* number of the connection, for message ids */
    bool local; /* a unix socket: XMAILBOX is offered */
    bool starttls; /* can be had; ignored with TLS */
    uint64_t size_max; /* bytes of a message */
    size_t recipients_max; /* of a message */
    int64_t timeout_ms; /* between two commands, or two pieces of a message */
};

struct smtp_session;

/* Never NULL. */
struct smtp_session *smtp_session_new(const struct smtp_options *options, struct mono now);

/* NULL is allowed. */
void smtp_session_free(struct smtp_session *session);

/* Takes bytes from `in` (*out_used of them; the rest is to be offered again) and appends answers to
 * `out`, which has room for SMTP_OUTPUT_BYTES + 8 KB; the first step prints the greeting. May be
 * called with no input, also after the deadline: that makes the timeout happen. After CLOSE only
 * free is left. */
MUST_USE enum smtp_want smtp_session_step(struct smtp_session *session, struct bytes in,
                                          struct mono now, size_t *out_used, struct buf *out);

/* When the session must be stepped even if nothing comes. INT64_MAX while it waits for the host. */
struct mono smtp_session_deadline(const struct smtp_session *session);

/* After SMTP_RECIPIENT. Valid until the answer. */
struct smtp_asked {
    unsigned slot; /* below SMTP_ASKED_MAX: its name until it is answered */
    struct bytes address; /* of RCPT, without <> */
    uint64_t size; /* announced; 0: it was not */
};

struct smtp_asked smtp_session_asked(const struct smtp_session *session);

/* The answers, in any order; the client hears them in that of its commands. `token`, the host's
 * own, comes back in smtp_delivery when it was accepted. The host will be asked to deliver minutes
 * later, perhaps: what an account's shard was told now may be void by then. */
void smtp_session_recipient_is(struct smtp_session *session, unsigned slot,
                               enum smtp_verdict verdict, uint32_t token);

/* After SMTP_SPOOL: bytes of the message and where they belong. At offset 0 a new message begins:
 * what was stored before is void. Borrows from the `in` of that step. */
struct bytes smtp_session_chunk(const struct smtp_session *session, uint64_t *out_offset);

/* Answer to SMTP_SPOOL: SMTP_ACCEPTED, or why not; then the rest is not offered any more. */
void smtp_session_spooled(struct smtp_session *session, enum smtp_verdict verdict);

/* True while stored bytes are of use; else they may be dropped. */
bool smtp_session_holds_message(const struct smtp_session *session);

/* After SMTP_DELIVER: what is to be delivered, all of it stored. */
struct smtp_delivery {
    struct bytes recipient; /* as given */
    struct bytes folder; /* mailbox name in UTF-8; empty: INBOX */
    uint32_t token; /* what the host gave when it was accepted */
};

size_t smtp_session_recipient_count(const struct smtp_session *session);
struct smtp_delivery smtp_session_delivery(const struct smtp_session *session, size_t index);
uint64_t smtp_session_size(const struct smtp_session *session); /* stored; 0: none were offered */
struct bytes smtp_session_sender(const struct smtp_session *session);

/* "12-1": this message in the Received field, in answers and in the log. */
struct bytes smtp_session_id(const struct smtp_session *session);

/* Return-Path, Delivered-To and Received for that recipient. */
void smtp_session_trace(const struct smtp_session *session, size_t index, struct wall now,
                        struct buf *out);

/* Once for each recipient, in any order. ACCEPTED: durable. Answers leave in the order of the
 * recipients. */
void smtp_session_delivered(struct smtp_session *session, size_t index, enum smtp_verdict verdict);

/* After SMTP_STARTTLS: the connection is private, and all that was said before is forgotten (RFC
 * 3207 s4.2). */
void smtp_session_tls_started(struct smtp_session *session, struct bytes tls_facts);

/* The server ends: 421 and CLOSE at the next step, after the answers to a message that is being
 * delivered. */
void smtp_session_bye(struct smtp_session *session);

#endif
