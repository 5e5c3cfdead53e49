/* Sets of UIDs as ascending ranges: asking and building. */
#ifndef ROOST_STORE_UID_SET_H
#define ROOST_STORE_UID_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "store/types.h"

/* The index of the first range that ends at or behind `uid`; `count` when none does. */
uint32_t uid_set_find(struct uid_set set, uint32_t uid);

bool uid_set_has(struct uid_set set, uint32_t uid);

/* How many UIDs the ranges span, whether messages have them or not. */
uint64_t uid_set_span(struct uid_set set);

/* True when it keeps the rules of struct uid_set and holds no 0. */
bool uid_set_is_valid(struct uid_set set);

/* Collects UIDs that come in ascending order; what touches becomes one range. */
struct uid_set_builder {
    struct arena *arena;
    struct uid_range *ranges;
    uint32_t count;
    uint32_t capacity;
    bool failed; /* over budget */
};

static inline struct uid_set_builder uid_set_builder_make(struct arena *arena)
{
    return (struct uid_set_builder){ .arena = arena };
}

/* Adds first..last, all higher than what was added before. */
void uid_set_add(struct uid_set_builder *builder, uint32_t first, uint32_t last);

/* False when the arena was over budget. The ranges live in the arena. */
MUST_USE bool uid_set_finish(const struct uid_set_builder *builder, struct uid_set *out_set);

/* Sorts ranges in place and joins those that overlap or touch; answers how many are left. */
uint32_t uid_ranges_normalise(struct uid_range *ranges, uint32_t count);

#endif
