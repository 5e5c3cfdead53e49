/* A bounded queue that is fair between origins: one item of each in turn, so that a flood from one
 * address makes that address wait and nobody else. Within an origin the order is kept. Pure. */
#ifndef ROOST_AUTH_FAIR_QUEUE_H
#define ROOST_AUTH_FAIR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/map.h"

struct fair_origin;

/* Embed it in what waits. Zeroed: not queued. */
struct fair_item {
    struct list link;
    struct fair_origin *origin;
};

struct fair_queue {
    struct map origins;
    struct list turns; /* of struct fair_origin */
    size_t count; /* items that wait */
    size_t count_max;
    size_t per_origin_max;
};

void fair_queue_init(struct fair_queue *queue, uint64_t secret, size_t count_max,
                     size_t per_origin_max);

/* Forgets all items; they are the caller's. */
void fair_queue_done(struct fair_queue *queue);

/* False when the queue or this origin's share of it is full. `origin` is copied. */
MUST_USE bool fair_queue_push(struct fair_queue *queue, struct bytes origin,
                              struct fair_item *item);

/* The item whose turn it is, or NULL. */
struct fair_item *fair_queue_pop(struct fair_queue *queue);

/* Takes an item back; nothing when it does not wait. */
void fair_queue_remove(struct fair_queue *queue, struct fair_item *item);

#endif
