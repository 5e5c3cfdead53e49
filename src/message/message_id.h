/* Message identifiers in Message-ID, References and In-Reply-To (RFC 5322 s3.6.4). */
#ifndef ROOST_MESSAGE_MESSAGE_ID_H
#define ROOST_MESSAGE_MESSAGE_ID_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/cursor.h"

enum { MESSAGE_ID_BYTES_MAX = 998 }; /* a line of mail (RFC 5322 s2.1.1); a longer one is none */

/* Appends the next identifier at or after the cursor, normalized: without < >, white space, quotes
 * and quoted pairs, so that equal identifiers are equal bytes (RFC 5256 s3 REFERENCES). It has
 * something on both sides of an "@" (RFC 5322 s3.6.4) and no "<" within; phrases and junk between
 * identifiers are passed over, and what only begins like one. False, nothing appended, when there
 * is none. */
MUST_USE bool message_id_next(struct cursor *cur, struct buf *out);

#endif
