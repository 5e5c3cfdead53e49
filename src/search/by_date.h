/* Places in the order of dates, in bounded steps; those of one date stay as they were. */
#ifndef ROOST_SEARCH_BY_DATE_H
#define ROOST_SEARCH_BY_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

enum { SEARCH_BY_DATE_DIGIT = 2048 };

struct search_dated {
    int64_t seconds;
    uint32_t place;
};

struct search_by_date {
    struct search_dated *from; /* owned; at the end, in order */
    struct search_dated *to; /* owned */
    uint32_t count;
    uint32_t max;
    int64_t first; /* of the dates */
    int64_t last;
    unsigned shift; /* of the digit that they are put in order by */
    bool is_counted;
    uint32_t at;
    uint32_t starts[SEARCH_BY_DATE_DIGIT];
};

/* Room for `max` dates. Out of memory aborts. */
void search_by_date_init(struct search_by_date *order, uint32_t max);
void search_by_date_done(struct search_by_date *order);

/* One more; its place is the count of those before. */
void search_by_date_add(struct search_by_date *order, int64_t seconds);

/* After the last one: puts them in order. What was done is taken off `work`; false: that is used
 * up, call again. */
MUST_USE bool search_by_date_step(struct search_by_date *order, unsigned *work);

#endif
