/* Modified UTF-7 of mailbox names (RFC 3501 s5.1.3). */
#ifndef ROOST_IMAP_WIRE_UTF7_H
#define ROOST_IMAP_WIRE_UTF7_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

/* Appends the UTF-8 of `text` to `out` (at most 3/2 times as long). False when it is not
 * well-formed: bytes outside 0x20 to 0x7e, a shift not ended, stray bits, lone surrogates, printing
 * US-ASCII in base64, or one shift right behind another. So each string that decodes is what its
 * decoding encodes to. `out` then holds a part. */
MUST_USE bool imap_utf7_decode(struct buf *out, struct bytes text);

/* Appends the modified UTF-7 of `text`, which must be valid UTF-8. */
void imap_utf7_encode(struct buf *out, struct bytes text);

#endif
