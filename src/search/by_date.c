/* Digit by digit, the last one first: as many passes as the dates lie apart. */
#include "search/by_date.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { DIGIT_BITS = 11 };

static_assert(SEARCH_BY_DATE_DIGIT == 1 << DIGIT_BITS, "starts has a place for each digit");

static struct search_dated *new_dated(uint32_t count)
{
    struct search_dated *dated = calloc(count == 0 ? 1 : count, sizeof(*dated));

    if (dated == NULL)
        abort();
    return dated;
}

void search_by_date_init(struct search_by_date *order, uint32_t max)
{
    *order = (struct search_by_date){ .from = new_dated(max), .max = max };
}

void search_by_date_done(struct search_by_date *order)
{
    free(order->from);
    free(order->to);
    *order = (struct search_by_date){ 0 };
}

void search_by_date_add(struct search_by_date *order, int64_t seconds)
{
    assert(order->count < order->max);
    if (order->count == 0 || seconds < order->first)
        order->first = seconds;
    if (order->count == 0 || seconds > order->last)
        order->last = seconds;
    order->from[order->count] = (struct search_dated){ seconds, order->count };
    order->count++;
}

static uint64_t since_first(const struct search_by_date *order, int64_t seconds)
{
    return (uint64_t)seconds - (uint64_t)order->first;
}

static uint32_t *start_of(struct search_by_date *order, int64_t seconds)
{
    uint64_t digit = since_first(order, seconds) >> order->shift;

    return &order->starts[digit & (SEARCH_BY_DATE_DIGIT - 1)];
}

/* How many there are of each digit; and from that, where they begin. */
static bool count_digits(struct search_by_date *order, unsigned *work)
{
    uint32_t start = 0;

    for (; order->at < order->count; order->at++, (*work)--) {
        if (*work == 0)
            return false;
        (*start_of(order, order->from[order->at].seconds))++;
    }
    for (size_t i = 0; i < SEARCH_BY_DATE_DIGIT; i++) {
        uint32_t here = order->starts[i];

        order->starts[i] = start;
        start += here;
    }
    order->is_counted = true;
    order->at = 0;
    return true;
}

static bool distribute(struct search_by_date *order, unsigned *work)
{
    struct search_dated *from = order->from;

    if (order->to == NULL)
        order->to = new_dated(order->count);
    for (; order->at < order->count; order->at++, (*work)--) {
        if (*work == 0)
            return false;
        order->to[(*start_of(order, from[order->at].seconds))++] = from[order->at];
    }
    order->from = order->to;
    order->to = from;
    order->at = 0;
    order->is_counted = false;
    order->shift += DIGIT_BITS;
    memset(order->starts, 0, sizeof(order->starts));
    return true;
}

bool search_by_date_step(struct search_by_date *order, unsigned *work)
{
    uint64_t range = since_first(order, order->last);

    while (order->shift < 64 && range >> order->shift != 0) {
        if (!order->is_counted && !count_digits(order, work))
            return false;
        if (!distribute(order, work))
            return false;
    }
    return true;
}
