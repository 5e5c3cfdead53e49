/* Replay for looking, not for owning. */
#include "store/history.h"

#include <stdlib.h>

#include "store/alloc.h"
#include "store/apply.h"
#include "store/replay.h"
#include "store/state.h"

struct history {
    struct history_options options;
    struct segments segments;
    struct replay replay;
    struct state state;
    struct wall since;
    uint64_t damaged;
    bool began; /* since is known */
    bool ended; /* by a CHANGE that is too late */
};

/* The base is all there: what follows are changes. */
static void begin_changes(struct history *history, const struct log_record *record)
{
    const struct found_segment *base = history->replay.options.base;

    body_table_settle(&history->state.bodies);
    if (history->began)
        return;
    history->began = true;
    history->since = history->state.changed_at;
    if (history->since.us == 0 && base != NULL)
        history->since = base->segment.when;
    if (history->since.us == 0 && record != NULL)
        history->since = record->when;
}

static enum err on_change(struct history *history, const struct log_record *record)
{
    const struct history_options *options = &history->options;
    enum err err = ERR_OK;

    begin_changes(history, record);
    if (record->when.us > options->until.us) {
        history->ended = true;
        return ERR_OK;
    }
    if (record->number.value <= history->state.change.value)
        return ERR_OK;
    if (options->before != NULL)
        err = options->before(options->context, &history->state, record);
    if (err != ERR_OK)
        return err;
    if (!apply_record(&history->state, record))
        history->damaged++;
    body_table_settle(&history->state.bodies);
    if (options->after != NULL)
        err = options->after(options->context, &history->state, record);
    return err;
}

static enum err on_record(void *context, const struct log_record *record)
{
    struct history *history = context;

    if (record->type == RECORD_CHANGE)
        return on_change(history, record);
    if (!apply_record(&history->state, record))
        history->damaged++;
    return ERR_OK;
}

static enum err on_damage(void *context, struct place place, uint64_t len, const char *what)
{
    struct history *history = context;

    history->damaged++;
    return ERR_OK;
}

/* A position that is known to be durable is all that recovery would ask for. */
static enum err find_mark(const struct history *history, const struct replay_options *options,
                          uint64_t *out_mark)
{
    const struct found_segment *last = segments_last(&history->segments, options->first);

    *out_mark = options->base == NULL ? 0 : options->base->segment.position;
    if (history->options.position != UINT64_MAX) {
        *out_mark = history->options.position;
        return ERR_OK;
    }
    if (last == NULL || last->broken)
        return ERR_OK;
    return segments_find_mark(&history->segments, last, SEGMENT_RECORDS_AT, out_mark);
}

/* Segments that begin behind the end, or are being made, are none of ours. */
static void drop_later(struct history *history)
{
    struct segments *segments = &history->segments;
    struct found_segment *last;

    while ((last = segments_unfinished(segments)) != NULL)
        segments_drop(segments, last);
    segments_limit(segments, 0, 0);
    while ((last = segments_last(segments, 0)) != NULL && !last->broken &&
           last->segment.position >= history->options.position)
        segments_drop(segments, last);
}

static enum err begin(struct history *history)
{
    static const struct replay_calls calls = { on_record, on_damage };
    struct replay_options options = { .segments = &history->segments,
                                      .calls = &calls,
                                      .context = history };
    enum err err = segments_find(history->options.vfs, &history->segments);

    if (err != ERR_OK)
        return err;
    drop_later(history);
    if (history->segments.count == 0)
        return ERR_NOT_FOUND;
    err = segments_choose_base(&history->segments, &options.base, &options.first);
    if (err == ERR_OK && options.base != NULL &&
        options.base->segment.position > history->options.position)
        err = ERR_CONFLICT;
    if (err == ERR_OK)
        err = find_mark(history, &options, &options.mark);
    replay_begin(&history->replay, &options);
    return err;
}

static enum err failed(struct note *why, enum err err)
{
    if (err == ERR_NOT_FOUND)
        return note_fail(why, err, "there is no log, or a part of it has gone");
    if (err == ERR_UNSUPPORTED)
        return note_fail(why, err, "a newer version wrote this log");
    if (err == ERR_CONFLICT)
        return note_fail(why, err, "the log does not reach back that far any more");
    return note_fail(why, err, "cannot read the log: %s", err_text(err));
}

enum err history_open(const struct history_options *options, struct history **out_history,
                      struct note *why)
{
    struct history *history = store_alloc(1, sizeof(*history));
    enum err err;

    history->options = *options;
    state_init(&history->state);
    err = begin(history);
    if (err != ERR_OK) {
        history_close(history);
        return failed(why, err);
    }
    *out_history = history;
    return ERR_OK;
}

static bool is_past_position(const struct history *history)
{
    const struct replay *replay = &history->replay;

    return replay->found != NULL && segment_kind(replay->found->number) == SEGMENT_LOG &&
           replay->found->segment.position + replay->offset >= history->options.position;
}

enum err history_step(struct history *history, uint64_t bytes, bool *out_done, struct note *why)
{
    struct replay *replay = &history->replay;
    enum err err = ERR_OK;
    uint64_t passed = 0;
    bool done;

    do {
        uint64_t before = replay->offset;

        done = history->ended || replay->done || is_past_position(history);
        if (done)
            break;
        err = replay_step(replay);
        if (replay->found != NULL && replay->offset > before)
            passed += replay->offset - before;
    } while (err == ERR_OK && passed < bytes);
    if (err != ERR_OK)
        return failed(why, err);
    if (done)
        begin_changes(history, NULL);
    *out_done = done;
    return ERR_OK;
}

const struct state *history_state(const struct history *history)
{
    return &history->state;
}

struct state *history_own(struct history *history)
{
    history->ended = true;
    return &history->state;
}

struct wall history_since(const struct history *history)
{
    return history->since;
}

uint64_t history_position(const struct history *history)
{
    const struct replay *replay = &history->replay;
    const struct found_segment *base = replay->options.base;

    if (replay->done)
        return replay->last == NULL ? 0 : replay->last->segment.position + replay->end;
    if (replay->found == NULL || replay->found == base)
        return base == NULL ? 0 : base->segment.position;
    return replay->found->segment.position + replay->offset;
}

uint64_t history_damaged(const struct history *history)
{
    return history->damaged;
}

void history_close(struct history *history)
{
    if (history == NULL)
        return;
    replay_done(&history->replay);
    segments_done(&history->segments);
    state_done(&history->state);
    free(history);
}
