/* Heap memory for what the store keeps. Out of memory aborts here, in one place: the log makes a
 * crash cost a reconnect, not data. */
#ifndef ROOST_STORE_ALLOC_H
#define ROOST_STORE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* Zeroed; freed with free(). */
static inline void *store_alloc(size_t count, size_t size)
{
    void *at = calloc(count == 0 ? 1 : count, size);

    if (at == NULL)
        abort();
    return at;
}

/* realloc to `count` elements; what is new is not zeroed. */
static inline void *store_realloc(void *at, size_t count, size_t size)
{
    size_t len;
    void *grown;

    if (__builtin_mul_overflow(count, size, &len))
        abort();
    grown = realloc(at, len == 0 ? 1 : len);
    if (grown == NULL)
        abort();
    return grown;
}

/* Frees what is there and forgets it; false: nothing was. For who gives much back in steps. */
static inline bool store_free_one(void **at)
{
    bool is_there = *at != NULL;

    free(*at);
    *at = NULL;
    return is_there;
}

/* Makes room for one more element in a growing array: doubles `*capacity` when it is full. */
static inline void *store_grow(void *at, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return at;
    *capacity = *capacity == 0 ? 8 : *capacity * 2;
    return store_realloc(at, *capacity, size);
}

#endif
