/* base64 (RFC 9051 s9; RFC 4648 s4), as SASL exchanges use it: no line breaks, padding required. */
#ifndef ROOST_IMAP_WIRE_BASE64_H
#define ROOST_IMAP_WIRE_BASE64_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/cursor.h"

/* All base64 characters ahead, decoded into the arena; no characters are no bytes (`at` not NULL).
 * False on a wrong length, misplaced padding, or bits beyond the last byte. */
MUST_USE bool imap_base64_parse(struct cursor *cur, struct arena *arena, struct bytes *out_bytes);

void imap_base64_print(struct buf *out, struct bytes bytes);

#endif
