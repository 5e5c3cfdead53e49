/* Base segments: which one counts (docs/format.md, "Base segments"). */
#include "store/op.h"
#include "store/replay.h"
#include "store/segment_find.h"

/* What one pass over a base found. */
struct base_pass {
    uint64_t records;
    uint64_t told; /* by BASE_END, when that is the last op */
    uint64_t broken;
};

static enum err on_record(void *context, const struct log_record *record)
{
    struct base_pass *pass = context;
    struct op_walk walk = { .ops = record->payload, .change = record->place };
    struct op op;

    pass->records++;
    pass->told = 0;
    while (op_next(&walk, &op))
        pass->told = op.code == OP_BASE_END ? op.as.base_end : 0;
    return ERR_OK;
}

static enum err on_damage(void *context, struct place place, uint64_t len, const char *what)
{
    struct base_pass *pass = context;

    pass->broken++;
    return ERR_OK;
}

/* Every BASE record is whole, BASE_END is the last op, its count is right. */
static enum err check_complete(const struct segments *segments, const struct found_segment *base,
                               bool *out_complete)
{
    static const struct replay_calls calls = { on_record, on_damage };
    struct base_pass pass = { 0 };
    struct replay_options options = {
        .segments = segments,
        .base = base,
        .first = segments->count,
        .calls = &calls,
        .context = &pass,
    };
    struct replay replay;
    enum err err = ERR_OK;

    replay_begin(&replay, &options);
    while (err == ERR_OK && !replay.done)
        err = replay_step(&replay);
    replay_done(&replay);
    *out_complete = pass.broken == 0 && pass.records > 0 && pass.told == pass.records;
    return err;
}

/* Are the log segments behind `from` (0: from the first on) up to `until` all there? */
static bool log_is_whole(const struct segments *segments, uint64_t from, uint64_t until)
{
    uint64_t previous = from;

    if (until <= from)
        return true;
    for (size_t i = 0; i < segments->count; i++) {
        const struct found_segment *found = &segments->at[i];

        if (segment_kind(found->number) != SEGMENT_LOG || found->number <= from ||
            found->number > until)
            continue;
        if (found->broken || found->segment.previous != previous)
            return false;
        previous = found->number;
    }
    return previous == until;
}

static size_t first_above(const struct segments *segments, uint64_t number)
{
    size_t first = segments->count;

    for (size_t i = segments->count; i > 0; i--) {
        if (segment_kind(segments->at[i - 1].number) == SEGMENT_LOG &&
            segments->at[i - 1].number > number)
            first = i - 1;
    }
    return first;
}

/* The base below index *at that is next in age. */
static const struct found_segment *base_before(const struct segments *segments, size_t *at)
{
    while (*at > 0) {
        const struct found_segment *found = &segments->at[--*at];

        if (segment_kind(found->number) == SEGMENT_BASE && !found->broken)
            return found;
    }
    return NULL;
}

uint64_t segments_newest_base(const struct segments *segments)
{
    size_t at = segments->count;
    const struct found_segment *found = base_before(segments, &at);

    return found == NULL ? 0 : found->number;
}

static enum err newest_complete(const struct segments *segments,
                                const struct found_segment **out_base)
{
    size_t at = segments->count;
    bool complete = false;
    enum err err = ERR_OK;

    do {
        *out_base = base_before(segments, &at);
        if (*out_base != NULL)
            err = check_complete(segments, *out_base, &complete);
    } while (err == ERR_OK && *out_base != NULL && !complete);
    return err;
}

/* Of those that are newer than the complete one the newest whose past is gone has to do. The others
 * are what was left when their making was cut short. */
static const struct found_segment *broken_base(const struct segments *segments,
                                               const struct found_segment *complete)
{
    uint64_t from = complete == NULL ? 0 : complete->segment.base;
    const struct found_segment *found;
    size_t at = segments->count;

    while ((found = base_before(segments, &at)) != complete)
        if (!log_is_whole(segments, from, found->segment.base) &&
            !log_is_whole(segments, 0, found->segment.base))
            return found;
    return NULL;
}

enum err segments_choose_base(const struct segments *segments,
                              const struct found_segment **out_base, size_t *out_first)
{
    const struct found_segment *base;
    const struct found_segment *broken;
    enum err err = newest_complete(segments, &base);

    if (err != ERR_OK)
        return err;
    broken = broken_base(segments, base);
    *out_base = broken != NULL ? broken : base;
    *out_first = *out_base == NULL ? 0 : first_above(segments, (*out_base)->segment.base);
    return ERR_OK;
}
