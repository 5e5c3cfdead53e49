/* Memory that lives and dies together: one arena for each command, session or store transaction.
 *
 * There is no freeing of single pieces. An arena has a budget, because what fills it comes from a
 * peer: past the budget arena_alloc answers NULL, and the caller answers ERR_LIMIT (or false with a
 * complaint). The system being out of memory aborts. A zeroed arena with `budget` set is valid. */
#ifndef ROOST_BASE_ARENA_H
#define ROOST_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used; /* bytes taken from the newest block */
    size_t spent; /* bytes handed out in all */
    size_t budget; /* most bytes to hand out */
};

static inline struct arena arena_make(size_t bytes_budget)
{
    return (struct arena){ .budget = bytes_budget };
}

/* Frees everything handed out. The arena is empty and usable again. */
void arena_done(struct arena *arena);

/* `len` zeroed bytes aligned for any type; NULL over budget. `len` may be 0 (then not NULL). */
MUST_USE void *arena_alloc(struct arena *arena, size_t len);

/* `count` zeroed elements of `size` bytes; NULL over budget, overflow included. */
MUST_USE void *arena_alloc_array(struct arena *arena, size_t count, size_t size);

/* A copy; `at` is NULL over budget. A NUL follows the copy, not counted in its length. */
MUST_USE struct bytes arena_copy(struct arena *arena, struct bytes bytes);

/* NUL-terminated text, for libc calls; NULL over budget. */
MUST_USE char *arena_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_NEW_ARRAY(arena, type, count) \
    ((type *)arena_alloc_array((arena), (count), sizeof(type)))

#endif
