/* The client's side of LMTP (RFC 2033), for one message to one recipient. */
#ifndef ROOST_CLI_LMTP_H
#define ROOST_CLI_LMTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "sys/dialog.h"

enum { LMTP_TIMEOUT_MS = 300000 }; /* RFC 5321 s4.5.3.2: minutes */

struct lmtp_order {
    struct bytes sender; /* empty: the null reverse-path */
    struct bytes recipient;
    struct bytes mailbox; /* empty: the inbox; else RCPT's XMAILBOX, in xtext (RFC 3461 s4) */
    /* Up to `len` bytes of the message into `into`; 0 at the end. Lines end in LF or CRLF. */
    size_t (*read)(struct lmtp_order *order, void *into, size_t len);
    bool read_failed; /* set by read with its 0: that was not the end */
};

struct lmtp_outcome {
    unsigned code; /* of the reply that decided: 250, 550 ...; 0: there was none */
    struct note text; /* what the server said */
};

/* ERR_OK when there was a reply that decided, be it yes or no; else ERR_CLOSED, ERR_BUSY,
 * ERR_CORRUPT and a note: nothing is known to be delivered then. */
MUST_USE enum err lmtp_deliver(struct dialog *dialog, struct lmtp_order *order,
                               struct lmtp_outcome *out_outcome, struct note *why);

/* Turns a message into DATA: lines end in CRLF, dots in front are doubled. Zeroed at first. */
struct lmtp_body {
    bool in_line; /* something of the current line was written */
    bool after_cr;
};

void lmtp_body_add(struct lmtp_body *body, struct bytes part, struct buf *out);

/* The end of the last line, and the final dot. */
void lmtp_body_end(struct lmtp_body *body, struct buf *out);

#endif
