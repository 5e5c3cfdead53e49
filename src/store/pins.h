/* What views keep of the past, bounded (DESIGN: "Pins are bounded, then BYE"). */
#ifndef ROOST_STORE_PINS_H
#define ROOST_STORE_PINS_H

#include <stdint.h>

struct state;

/* Counts the memory of rows and flags that only views still hold. When it is more than `bytes_max`
 * those views that are behind the longest become overdue, until what the others hold is less, and
 * their wakers are called. O(blocks of the mailboxes that views are behind of). Answers the bytes
 * that views hold which are not overdue. */
uint64_t pins_bound(struct state *state, uint64_t bytes_max);

#endif
