/* The collation i;unicode-casemap (RFC 5051): text folded to the form that is compared.
 *
 * Code point by code point: titlecase (the simple mapping), then full compatibility decomposition.
 * Equal, ordered and contained are then plain octet questions, so fold once and use bytes_equal,
 * bytes_compare and bytes_find. Folding a text in pieces gives the pieces of the folded text, as
 * long as no code point is cut. */
#ifndef ROOST_MESSAGE_CASEMAP_H
#define ROOST_MESSAGE_CASEMAP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"

/* Appends the folded form of `text`. A text that is not UTF-8 as a whole is kept unchanged (RFC
 * 5051 s2 step 1b). One code point becomes at most 18 (U+FDFA). */
void casemap_fold(struct bytes text, struct buf *out);

/* Appends the folded form of the ASCII that `text` begins with; answers how long that is. */
size_t casemap_fold_ascii(struct bytes text, struct buf *out);

/* Appends one folded code point; surrogates and values above U+10FFFF become U+FFFD. */
void casemap_fold_code_point(uint32_t code_point, struct buf *out);

#endif
