/* The base subject of RFC 5256 s2.1, for SORT and THREAD. */
#ifndef ROOST_MESSAGE_SUBJECT_H
#define ROOST_MESSAGE_SUBJECT_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

/* Appends the base of a Subject field's raw value as UTF-8 (not folded; encoded-words decoded).
 * True when that took a reply or forward mark away: "re:", "fwd:", "(fwd)", "[fwd: ...]" (RFC 5256
 * s3, REFERENCES step 5). */
bool subject_base(struct bytes value, struct buf *out);

#endif
