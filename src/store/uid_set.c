/* Ranges of UIDs. */
#include "store/uid_set.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

uint32_t uid_set_find(struct uid_set set, uint32_t uid)
{
    uint32_t low = 0;
    uint32_t high = set.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (set.ranges[middle].last < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool uid_set_has(struct uid_set set, uint32_t uid)
{
    uint32_t at = uid_set_find(set, uid);

    return at < set.count && set.ranges[at].first <= uid;
}

uint64_t uid_set_span(struct uid_set set)
{
    uint64_t span = 0;

    for (uint32_t i = 0; i < set.count; i++)
        span += (uint64_t)set.ranges[i].last - set.ranges[i].first + 1;
    return span;
}

bool uid_set_is_valid(struct uid_set set)
{
    for (uint32_t i = 0; i < set.count; i++) {
        if (set.ranges[i].first == 0 || set.ranges[i].first > set.ranges[i].last)
            return false;
        if (i > 0 && (uint64_t)set.ranges[i - 1].last + 1 >= set.ranges[i].first)
            return false;
    }
    return true;
}

static bool reserve(struct uid_set_builder *builder)
{
    uint32_t capacity = builder->capacity == 0 ? 16 : builder->capacity * 2;
    struct uid_range *ranges;

    if (builder->count < builder->capacity)
        return true;
    ranges = ARENA_NEW_ARRAY(builder->arena, struct uid_range, capacity);
    if (ranges == NULL) {
        builder->failed = true;
        return false;
    }
    if (builder->count > 0)
        memcpy(ranges, builder->ranges, builder->count * sizeof(*ranges));
    builder->ranges = ranges;
    builder->capacity = capacity;
    return true;
}

void uid_set_add(struct uid_set_builder *builder, uint32_t first, uint32_t last)
{
    struct uid_range *before = builder->count == 0 ? NULL : &builder->ranges[builder->count - 1];

    assert(first <= last && (before == NULL || before->last < first));
    if (before != NULL && before->last + 1 == first) {
        before->last = last;
        return;
    }
    if (!builder->failed && reserve(builder))
        builder->ranges[builder->count++] = (struct uid_range){ first, last };
}

bool uid_set_finish(const struct uid_set_builder *builder, struct uid_set *out_set)
{
    if (builder->failed)
        return false;
    *out_set = (struct uid_set){ builder->ranges, builder->count };
    return true;
}

static int compare_ranges(const void *a, const void *b)
{
    const struct uid_range *left = a;
    const struct uid_range *right = b;

    return (left->first > right->first) - (left->first < right->first);
}

uint32_t uid_ranges_normalise(struct uid_range *ranges, uint32_t count)
{
    uint32_t kept = 0;

    if (count > 1)
        qsort(ranges, count, sizeof(*ranges), compare_ranges);
    for (uint32_t i = 0; i < count; i++) {
        if (kept > 0 && ranges[i].first <= (uint64_t)ranges[kept - 1].last + 1) {
            if (ranges[i].last > ranges[kept - 1].last)
                ranges[kept - 1].last = ranges[i].last;
            continue;
        }
        ranges[kept++] = ranges[i];
    }
    return kept;
}
