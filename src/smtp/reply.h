/* Replies of SMTP and LMTP, with enhanced codes (RFC 2034, RFC 3463): every text that a client gets
 * for what became of a recipient stands here. Pure. */
#ifndef ROOST_SMTP_REPLY_H
#define ROOST_SMTP_REPLY_H

#include "base/buf.h"
#include "base/bytes.h"

/* What the host says about a recipient, a part to be stored, or a delivery. */
enum smtp_verdict {
    SMTP_ACCEPTED,
    SMTP_NO_ACCOUNT,
    SMTP_NO_FOLDER, /* the account has no mailbox of that name */
    SMTP_UNAVAILABLE, /* auth or a shard is down: nothing is known against the recipient */
    SMTP_OVER_QUOTA,
    SMTP_TOO_LARGE,
    SMTP_NO_SPACE, /* our disk is full */
    SMTP_FAILED, /* our fault, and not known to pass */
    SMTP_VERDICT_COUNT,
};

/* One line: "250 2.1.5 <anna@example.org> recipient ok". `recipient` is left out when it is empty,
 * long or not ASCII (RFC 6531 s3.7.4.2 would allow it to some clients only). */
void smtp_reply_recipient(struct buf *out, enum smtp_verdict verdict, struct bytes recipient);

/* After the message: "250 2.0.0 <anna@example.org> stored as 12-1", or why not. */
void smtp_reply_delivery(struct buf *out, enum smtp_verdict verdict, struct bytes recipient,
                         struct bytes id);

/* A fixed line; `text` without CRLF. */
void smtp_reply(struct buf *out, const char *text);

#endif
