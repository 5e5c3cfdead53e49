/* The keywords seen in one mailbox (RFC 9051 section 2.3.2): a table that only grows, so that an
 * index keeps its meaning. */
#ifndef ROOST_STORE_KEYWORD_H
#define ROOST_STORE_KEYWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "store/types.h"

struct keyword_table {
    struct bytes *names; /* each owned; as spelled when first seen */
    uint32_t count; /* at most KEYWORDS_PER_MAILBOX_MAX */
};

void keyword_table_done(struct keyword_table *table);

/* Compared without ASCII case; -1 when it is not there. */
int keyword_table_find(const struct keyword_table *table, struct bytes name);

/* The index, old or new; -1 when the table is full or the name is empty or too long. */
int keyword_table_add(struct keyword_table *table, struct bytes name);

static inline void keyword_set_add(struct keyword_set *set, uint32_t index)
{
    set->word[index / 64] |= UINT64_C(1) << (index % 64);
}

static inline bool keyword_set_has(const struct keyword_set *set, uint32_t index)
{
    return (set->word[index / 64] >> (index % 64) & 1) != 0;
}

bool keyword_set_equal(const struct keyword_set *a, const struct keyword_set *b);

#endif
