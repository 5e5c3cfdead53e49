/* The history of expunges: a list that grows at its end and is cut at its front. */
#include "store/vanished.h"

#include <string.h>

#include "store/alloc.h"
#include "store/uid_set.h"

void vanished_done(struct vanished *vanished)
{
    free(vanished->ranges);
    *vanished = (struct vanished){ 0 };
}

/* Drops the older half, and what shares its last change: a change is known whole or not at all. */
static void forget(struct vanished *vanished)
{
    size_t dropped = vanished->count / 2;

    vanished->complete_since = vanished->ranges[dropped - 1].modseq;
    while (dropped < vanished->count &&
           vanished->ranges[dropped].modseq == vanished->complete_since)
        dropped++;
    vanished->count -= dropped;
    memmove(vanished->ranges, vanished->ranges + dropped,
            vanished->count * sizeof(*vanished->ranges));
}

void vanished_add(struct vanished *vanished, struct uid_range uids, uint64_t modseq)
{
    struct vanished_range *last =
        vanished->count == 0 ? NULL : &vanished->ranges[vanished->count - 1];

    if (modseq <= vanished->complete_since)
        return;
    if (last != NULL && last->modseq > modseq)
        modseq = last->modseq;
    if (last != NULL && last->modseq == modseq && last->uids.last + UINT64_C(1) == uids.first) {
        last->uids.last = uids.last;
        return;
    }
    if (vanished->count == VANISHED_RANGES_MAX) {
        forget(vanished);
        vanished_add(vanished, uids, modseq);
        return;
    }
    vanished->ranges = store_grow(vanished->ranges, vanished->count, &vanished->capacity,
                                  sizeof(*vanished->ranges));
    vanished->ranges[vanished->count++] = (struct vanished_range){ uids, modseq };
}

void vanished_forget(struct vanished *vanished, uint64_t modseq)
{
    vanished_done(vanished);
    vanished->complete_since = modseq;
}

bool vanished_reaches(const struct vanished *vanished, uint64_t since)
{
    return since >= vanished->complete_since;
}

static size_t first_after(const struct vanished *vanished, uint64_t since)
{
    size_t low = 0;
    size_t high = vanished->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (vanished->ranges[middle].modseq <= since)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Both normalised; what is in both goes to the builder. */
static void intersect(struct uid_set a, struct uid_set b, struct uid_set_builder *builder)
{
    for (uint32_t i = 0, j = 0; i < a.count && j < b.count;) {
        uint32_t first =
            a.ranges[i].first > b.ranges[j].first ? a.ranges[i].first : b.ranges[j].first;
        uint32_t last = a.ranges[i].last < b.ranges[j].last ? a.ranges[i].last : b.ranges[j].last;

        if (first <= last)
            uid_set_add(builder, first, last);
        if (a.ranges[i].last == last)
            i++;
        else
            j++;
    }
}

bool vanished_since(const struct vanished *vanished, uint64_t since, struct uid_set within,
                    struct arena *arena, struct uid_set *out_set)
{
    size_t first = first_after(vanished, since);
    size_t count = vanished->count - first;
    struct uid_range *ranges = ARENA_NEW_ARRAY(arena, struct uid_range, count);
    struct uid_set_builder builder = uid_set_builder_make(arena);
    struct uid_set all;

    if (ranges == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        ranges[i] = vanished->ranges[first + i].uids;
    all.ranges = ranges;
    all.count = uid_ranges_normalise(ranges, (uint32_t)count);
    intersect(all, within, &builder);
    return uid_set_finish(&builder, out_set);
}
