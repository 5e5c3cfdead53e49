/* Texts put in the order of their octets, in steps; equal ones are kept once. What SORT needs of
 * strings: senders and subjects come again and again. */
#ifndef ROOST_SEARCH_COLLATION_H
#define ROOST_SEARCH_COLLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "store/types.h"

struct search_collation;

/* For at most that many texts. They are told apart by hashes under the account's id: no sender can
 * aim at them. Never NULL. */
struct search_collation *search_collation_new(uint32_t texts_max, const struct account_id *account);
void search_collation_free(struct search_collation *collation); /* NULL is allowed */

/* Gives back some of its memory, at most about half a millisecond of it; true once that was all,
 * the object included. */
MUST_USE bool search_collation_free_some(struct search_collation *collation);

/* Bytes in use, and those that putting them in order will take. */
size_t search_collation_bytes(const struct search_collation *collation);

/* The number of a text, copied when it is new: 0, 1, 2 in the order in which they came. Before the
 * first step. */
uint32_t search_collation_add(struct search_collation *collation, struct bytes text);

/* How many there are that differ. */
uint32_t search_collation_count(const struct search_collation *collation);

/* Puts them in order, at most about a millisecond of it; true once they are. */
MUST_USE bool search_collation_step(struct search_collation *collation);

/* Once in order: how many texts are before that one. */
uint32_t search_collation_rank(const struct search_collation *collation, uint32_t number);

#endif
