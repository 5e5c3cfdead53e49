/* LIST patterns (RFC 9051 s6.3.9): '*' matches anything, '%' anything but the delimiter. */
#ifndef ROOST_IMAP_WIRE_PATTERN_H
#define ROOST_IMAP_WIRE_PATTERN_H

#include <stdbool.h>

#include "base/bytes.h"

enum { IMAP_PATTERN_BYTES_MAX = 2048 };

/* Whether the canonical name matches. "INBOX" as the first component matches in any case. Time is
 * bounded by pattern length times name length, no memory is taken. A pattern above
 * IMAP_PATTERN_BYTES_MAX matches nothing (LIST refuses it). */
bool imap_pattern_matches(struct bytes pattern, struct bytes name);

/* Whether a name below `parent` (parent, delimiter, something) could match: tells LIST where it
 * need not descend. True may be a false alarm, false never. */
bool imap_pattern_may_match_below(struct bytes pattern, struct bytes parent);

#endif
