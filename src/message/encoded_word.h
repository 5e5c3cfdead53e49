/* Encoded-words in header text (RFC 2047, language tag of RFC 2231 s5), to UTF-8.
 *
 * Tolerant as mail needs: encoded-words inside words and quotes, with blanks inside, or longer than
 * 75 characters are decoded; a character cut between two encoded-words of the same charset is put
 * together. What is none stays as it is. */
#ifndef ROOST_MESSAGE_ENCODED_WORD_H
#define ROOST_MESSAGE_ENCODED_WORD_H

#include "base/buf.h"
#include "base/bytes.h"

enum { ENCODED_WORD_BYTES_MAX = 2048 }; /* a longer one is plain text; RFC 2047 s2 allows 75 */

/* Appends the value as UTF-8: unfolded by header_flatten; raw 8-bit text is read as UTF-8
 * where valid, else windows-1252. White space between two encoded-words is left out. Valid UTF-8
 * always; at most 4 times the input and 16 bytes. */
void encoded_word_decode(struct bytes value, struct buf *out);

#endif
