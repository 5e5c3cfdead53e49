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

/* Are the log segments up to and with `until` all there? */
static bool log_is_whole(const struct segments *segments, uint64_t until)
{
    uint64_t previous = 0;

    for (size_t i = 0; i < segments->count; i++) {
        const struct found_segment *found = &segments->at[i];

        if (segment_kind(found->number) != SEGMENT_LOG || found->number > until)
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

/* The newest first: one that is complete, or one whose past is gone. */
enum err segments_choose_base(const struct segments *segments,
                              const struct found_segment **out_base, size_t *out_first)
{
    for (size_t i = segments->count; i > 0; i--) {
        const struct found_segment *found = &segments->at[i - 1];
        bool complete;
        enum err err;

        if (segment_kind(found->number) != SEGMENT_BASE || found->broken)
            continue;
        err = check_complete(segments, found, &complete);
        if (err != ERR_OK)
            return err;
        if (complete || !log_is_whole(segments, found->segment.base)) {
            *out_base = found;
            *out_first = first_above(segments, found->segment.base);
            return ERR_OK;
        }
    }
    *out_base = NULL;
    *out_first = 0;
    return ERR_OK;
}
