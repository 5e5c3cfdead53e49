/* The right name for one that was mistyped: least edit distance, and near enough to be meant. */
#ifndef ROOST_CONFIG_NEAREST_H
#define ROOST_CONFIG_NEAREST_H

#include <stddef.h>

#include "base/bytes.h"

enum { NEAREST_BYTES_MAX = 64 }; /* longer words are near nothing */

/* Offer every candidate, then look at `name`: NULL when none is near. */
struct nearest {
    struct bytes word;
    size_t distance; /* of `name` */
    const char *name; /* borrowed from the caller of nearest_offer */
};

static inline struct nearest nearest_make(struct bytes word)
{
    return (struct nearest){ .word = word };
}

void nearest_offer(struct nearest *nearest, const char *candidate);

/* Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`, without regard
 * to ASCII case. Both at most NEAREST_BYTES_MAX bytes. */
size_t nearest_distance(struct bytes a, struct bytes b);

#endif
