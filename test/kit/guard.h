/* Input that ends at an unreadable page: a parser that looks one byte too far dies at once. */
#ifndef ROOST_TEST_KIT_GUARD_H
#define ROOST_TEST_KIT_GUARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct guard {
    uint8_t *map; /* owned: whole pages, the last one unreadable */
    size_t map_bytes;
};

/* A copy of `bytes` whose last byte is the last readable one. Valid until guard_done. Also for no
 * bytes at all. */
struct bytes guard_copy(struct guard *guard, struct bytes bytes);

void guard_done(struct guard *guard);

#endif
