/* ENVELOPE (RFC 9051 s7.5.2, RFC 3501 s7.4.2) of a header block. */
#ifndef ROOST_MESSAGE_ENVELOPE_H
#define ROOST_MESSAGE_ENVELOPE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/bytes.h"

enum {
    ENVELOPE_ADDRESSES_MAX = 16384, /* in all envelopes of one message; the rest is left out */
};

/* Appends "(date subject from sender reply-to to cc bcc in-reply-to message-id)". The first field
 * of each name counts, but all To, Cc and Bcc. Takes the addresses shown off `*addresses_left`. */
void envelope_print(struct buf *out, struct bytes header, size_t *addresses_left);

#endif
