/* Round robin over origins. */
#include "auth/fair_queue.h"

#include <stdlib.h>
#include <string.h>

struct fair_origin {
    struct list turn; /* in queue->turns */
    struct list items;
    size_t count;
    size_t key_len;
    uint8_t key[];
};

void fair_queue_init(struct fair_queue *queue, uint64_t secret, size_t count_max,
                     size_t per_origin_max)
{
    *queue = (struct fair_queue){ .origins = map_make(secret),
                                  .count_max = count_max,
                                  .per_origin_max = per_origin_max };
    list_init(&queue->turns);
}

static void drop_origin(struct fair_queue *queue, struct fair_origin *origin)
{
    map_remove(&queue->origins, bytes_make(origin->key, origin->key_len));
    list_remove(&origin->turn);
    free(origin);
}

void fair_queue_done(struct fair_queue *queue)
{
    while (fair_queue_pop(queue) != NULL)
        continue;
    map_done(&queue->origins);
}

static struct fair_origin *add_origin(struct fair_queue *queue, struct bytes key)
{
    struct fair_origin *origin = calloc(1, sizeof(*origin) + key.len);

    if (origin == NULL)
        abort();
    list_init(&origin->items);
    origin->key_len = key.len;
    if (key.len > 0)
        memcpy(origin->key, key.at, key.len);
    map_set(&queue->origins, key, origin);
    list_push_back(&queue->turns, &origin->turn);
    return origin;
}

bool fair_queue_push(struct fair_queue *queue, struct bytes origin_key, struct fair_item *item)
{
    struct fair_origin *origin = map_get(&queue->origins, origin_key);

    if (queue->count >= queue->count_max ||
        (origin != NULL && origin->count >= queue->per_origin_max))
        return false;
    if (origin == NULL)
        origin = add_origin(queue, origin_key);
    list_push_back(&origin->items, &item->link);
    item->origin = origin;
    origin->count++;
    queue->count++;
    return true;
}

void fair_queue_remove(struct fair_queue *queue, struct fair_item *item)
{
    struct fair_origin *origin = item->origin;

    if (origin == NULL)
        return;
    list_remove(&item->link);
    item->origin = NULL;
    origin->count--;
    queue->count--;
    if (origin->count == 0)
        drop_origin(queue, origin);
}

struct fair_item *fair_queue_pop(struct fair_queue *queue)
{
    struct list *turn = list_first(&queue->turns);
    struct fair_origin *origin;
    struct fair_item *item;

    if (turn == NULL)
        return NULL;
    origin = CONTAINER_OF(turn, struct fair_origin, turn);
    list_remove(turn);
    list_push_back(&queue->turns, turn);
    item = CONTAINER_OF(list_first(&origin->items), struct fair_item, link);
    fair_queue_remove(queue, item);
    return item;
}
