/* Message identifiers in Message-ID, References and In-Reply-To (RFC 5322 s3.6.4). */
#ifndef ROOST_MESSAGE_MESSAGE_ID_H
#define ROOST_MESSAGE_MESSAGE_ID_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/cursor.h"

/* Appends the next identifier at or after the cursor, normalized: without < >, white space, quotes
 * and quoted pairs, so that equal identifiers are equal bytes (RFC 5256 s3 REFERENCES). Phrases and
 * junk between identifiers are passed over. False, nothing appended, when there is none. */
MUST_USE bool message_id_next(struct cursor *cur, struct buf *out);

#endif
