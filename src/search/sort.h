/* Messages put in order by one or more criteria, in steps (RFC 5256 section 3).
 *
 * A criterion is a number for each message: a date, a size, or the place of its text among all
 * texts (search/collation.h). The columns of numbers are gone through from the last criterion to
 * the first, by a sort that keeps what is equal in the order in which it was: so the first one
 * decides, then the second, and in the end the order in which the messages were added. */
#ifndef ROOST_SEARCH_SORT_H
#define ROOST_SEARCH_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"
#include "store/types.h"

enum {
    SEARCH_CRITERIA_MAX = 9,
    SEARCH_SORT_BYTES_MAX = 256 * 1024 * 1024, /* of one sort */
};

struct search_criterion {
    bool is_text;
    bool reverse; /* the greatest first; what is equal stays as it was */
};

/* Of a message, by one criterion. */
struct search_sort_value {
    int64_t number;
    struct bytes text; /* is_text: in its place */
};

struct search_sort;

/* For `messages` of them, `count` criteria (at least 1), messages of that account. ERR_LIMIT: it
 * takes more than SEARCH_SORT_BYTES_MAX. */
MUST_USE enum err search_sort_new(const struct search_criterion *criteria, uint32_t count,
                                  uint32_t messages, const struct account_id *account,
                                  struct search_sort **out_sort);
void search_sort_free(struct search_sort *sort); /* NULL is allowed */

/* The next message with a value for each criterion; texts are copied. All that were announced are
 * added before the first step. ERR_LIMIT: its texts are too much. */
MUST_USE enum err search_sort_add(struct search_sort *sort, struct seqno message,
                                  const struct search_sort_value *values);

/* Puts them in order, at most about a millisecond of it; true once they are. */
MUST_USE bool search_sort_step(struct search_sort *sort);

/* Once in order: the sequence numbers of all of them. Until search_sort_free. */
const uint32_t *search_sort_order(const struct search_sort *sort);

/* Bytes in use. */
size_t search_sort_bytes(const struct search_sort *sort);

#endif
