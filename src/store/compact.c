/* The steps of a compaction. */
#include "store/compact.h"

#include <assert.h>
#include <stdlib.h>

#include "store/alloc.h"
#include "store/compact_state.h"
#include "store/op.h"
#include "sys/vfs.h"

enum {
    STEP_BYTES = 2 * 1024 * 1024, /* read in one step */
    COPY_BYTES = BASE_WRITER_PIECE_BYTES, /* copied in one step */
    STEP_HEADERS = 2000, /* read in one step */
};

struct compact *compact_new(const struct compact_options *options)
{
    struct compact *compact = store_alloc(1, sizeof(*compact));

    assert(segment_kind(options->number) == SEGMENT_BASE);
    compact->options = *options;
    return compact;
}

static void end_replay(struct compact *compact)
{
    if (compact->replaying)
        replay_done(&compact->replay);
    compact->replaying = false;
}

void compact_free(struct compact *compact)
{
    if (compact == NULL)
        return;
    base_writer_free(compact->writer,
                     compact->phase == COMPACT_END && compact->result.outcome == COMPACT_DONE);
    end_replay(compact);
    vfs_close(compact->file);
    history_close(compact->history);
    segments_done(&compact->segments);
    free(compact->past);
    free(compact->bodies);
    free(compact->needed.at);
    free(compact->named);
    free(compact->moves);
    free(compact);
}

/* The history up to the horizon. */

static enum err step_choose(struct compact *compact, struct note *why)
{
    struct history_options options = { .vfs = compact->options.vfs, .until = { INT64_MAX } };
    enum err err = segments_find(compact->options.vfs, &compact->segments);

    if (err != ERR_OK)
        return err;
    if (segments_foreign(&compact->segments, compact->options.account) != NULL)
        return note_fail(why, ERR_CORRUPT, "a segment of another account is in the log");
    segments_limit(&compact->segments, 0, 0);
    if (!compact_choose(compact)) {
        compact->phase = COMPACT_END;
        return ERR_OK;
    }
    options.position = compact->position;
    compact->phase = COMPACT_REPLAY;
    return history_open(&options, &compact->history, why);
}

static enum err step_replay(struct compact *compact, struct note *why)
{
    uint64_t least;
    bool done = false;
    enum err err = history_step(compact->history, STEP_BYTES, &done, why);

    if (err != ERR_OK || !done)
        return err;
    compact->state = history_own(compact->history);
    compact->result.garbage_before = state_garbage(compact->state);
    compact->phase = COMPACT_BEHIND;
    least = compact->options.thorough ? 1 : compact->options.gain_bytes_min;
    if (compact->result.garbage_before < least) {
        compact->result.outcome = COMPACT_NO_GAIN;
        compact->phase = COMPACT_END;
    }
    return ERR_OK;
}

/* What changes behind it name. */

/* A body that the state knows, dead or alive, stands where that says: the change may name a place
 * that an older base made void. */
static void on_put(struct compact *compact, const struct op_put *put)
{
    struct place place = put->place;
    struct body_entry known;

    if (body_table_find(&compact->state->bodies, put->body, &known))
        place = known.place;
    if (segment_kind(place.segment) == SEGMENT_BODY) {
        numbers_add(&compact->needed, place.segment);
        return;
    }
    if (compact_past(compact, place.segment) == NULL)
        return;
    compact->bodies = store_grow(compact->bodies, compact->body_count, &compact->body_capacity,
                                 sizeof(*compact->bodies));
    compact->bodies[compact->body_count++] =
        (struct past_body){ .body = put->body, .from = place, .size = put->size, .behind = true };
}

static enum err on_record(void *context, const struct log_record *record)
{
    struct op_walk walk = { .change = record->place };
    struct origin origin;
    struct op op;

    if (record->type != RECORD_CHANGE || !op_origin_decode(record->payload, &origin, &walk.ops))
        return ERR_OK;
    while (op_next(&walk, &op))
        if (op.code == OP_PUT)
            on_put(context, &op.as.put);
    return ERR_OK;
}

static enum err on_damage(void *context, struct place place, uint64_t len, const char *what)
{
    return ERR_OK; /* opening has told */
}

static void begin_behind(struct compact *compact)
{
    static const struct replay_calls calls = { on_record, on_damage };
    struct replay_options options = {
        .segments = &compact->segments,
        .first = compact->first,
        .start = SEGMENT_RECORDS_AT,
        .mark = compact->options.position,
        .calls = &calls,
        .context = compact,
    };

    replay_begin(&compact->replay, &options);
    compact->replaying = true;
}

static bool is_past_end(const struct compact *compact)
{
    const struct replay *replay = &compact->replay;

    return replay->found != NULL &&
           replay->found->segment.position + replay->offset >= compact->options.position;
}

static enum err step_behind(struct compact *compact)
{
    struct replay *replay = &compact->replay;
    enum err err = ERR_OK;
    uint64_t passed = 0;

    if (!compact->replaying)
        begin_behind(compact);
    while (err == ERR_OK && passed < STEP_BYTES && !replay->done && !is_past_end(compact)) {
        uint64_t before = replay->offset;

        err = replay_step(replay);
        if (replay->found != NULL && replay->offset > before)
            passed += replay->offset - before;
    }
    if (err != ERR_OK || (!replay->done && !is_past_end(compact)))
        return err;
    end_replay(compact);
    compact->phase = COMPACT_COLLECT;
    return ERR_OK;
}

/* How much of each segment is needed. */

/* ERR_CORRUPT: nothing in that segment can be read. */
static enum err open_measured(struct compact *compact, uint64_t number)
{
    struct vfs *vfs = compact->options.vfs;
    char path[SEGMENT_PATH_BYTES];
    struct segment segment;

    if (compact->file_number == number)
        return compact->file == NULL ? ERR_CORRUPT : ERR_OK;
    vfs_close(compact->file);
    compact->file = NULL;
    compact->file_number = number;
    segment_path(number, path);
    if (vfs->open(vfs, path, VFS_OPEN_READ, &compact->file) != ERR_OK) {
        compact->file = NULL;
        return ERR_CORRUPT;
    }
    if (segment_header_read(compact->file, number, 0, &segment) == ERR_OK &&
        segment_is_of(&segment, compact->options.account)) {
        compact->key = record_key_make(segment.id);
        return ERR_OK;
    }
    vfs_close(compact->file);
    compact->file = NULL;
    return ERR_CORRUPT;
}

/* A body that cannot be copied stays, for a person to look at, and so does its segment. */
static void measure(struct compact *compact, struct past_body *body)
{
    struct past_segment *segment = compact_past(compact, body->from.segment);
    struct record_header header;
    uint8_t raw[RECORD_HEADER_BYTES];
    enum err err = open_measured(compact, body->from.segment);

    if (segment == NULL)
        return;
    if (err == ERR_OK)
        err = vfs_read(compact->file, body->from.offset, raw, sizeof(raw), 0);
    if (err == ERR_OK && record_header_decode(bytes_make(raw, sizeof(raw)), compact->key,
                                              body->from.offset, &header)) {
        segment->living += record_bytes(header.length);
        return;
    }
    body->broken = true;
    segment->keep = true;
}

static void step_measure(struct compact *compact)
{
    for (size_t i = 0; i < STEP_HEADERS && compact->next < compact->body_count; i++)
        measure(compact, &compact->bodies[compact->next++]);
    if (compact->next < compact->body_count)
        return;
    vfs_close(compact->file);
    compact->file = NULL;
    compact->next = 0;
    compact->phase = COMPACT_DECIDE;
}

/* Writing. */

static enum err begin_base(struct compact *compact)
{
    struct segment segment = {
        .number = compact->options.number,
        .position = compact->position,
        .base = compact->result.horizon,
        .features = compact->features,
        .when = compact->options.now,
        .account = compact->options.account,
    };

    compact->writer = base_writer_new(compact->options.vfs, &segment);
    return base_writer_begin(compact->writer);
}

static enum err step_decide(struct compact *compact)
{
    bool worth = false;
    enum err err = compact_decide(compact, &worth);

    if (err != ERR_OK)
        return err;
    if (!worth) {
        compact->result.outcome = COMPACT_NO_GAIN;
        compact->phase = COMPACT_END;
        return ERR_OK;
    }
    compact->phase = COMPACT_COPY;
    return begin_base(compact);
}

static enum err copy(struct compact *compact, struct past_body *body)
{
    struct past_segment *segment = compact_past(compact, body->from.segment);
    enum err err;

    if (segment == NULL || segment->keep || body->broken)
        return ERR_OK;
    err = base_writer_copy(compact->writer, body->body, body->from, &body->to);
    if (err != ERR_CORRUPT)
        return err;
    segment->keep = true;
    return ERR_OK;
}

static enum err step_copy(struct compact *compact)
{
    uint64_t end = base_writer_bytes(compact->writer) + COPY_BYTES;
    enum err err = ERR_OK;

    while (err == ERR_OK && compact->next < compact->body_count &&
           base_writer_bytes(compact->writer) < end)
        err = copy(compact, &compact->bodies[compact->next++]);
    if (err == ERR_OK && compact->next < compact->body_count)
        return base_writer_flush(compact->writer);
    if (err == ERR_OK)
        err = base_writer_settle(compact->writer);
    if (err != ERR_OK)
        return err;
    compact_settle(compact);
    compact->phase = COMPACT_STATE;
    return ERR_OK;
}

static enum err finish(struct compact *compact)
{
    enum err err = base_writer_finish(compact->writer);

    if (err != ERR_OK)
        return err;
    compact->result.written_bytes = base_writer_bytes(compact->writer);
    compact->result.outcome = COMPACT_DONE;
    compact->phase = COMPACT_END;
    return ERR_OK;
}

/* With its last record a base is whole, and who reads the past would read this one and name places
 * in it: so it counts as finished by the end of the same step. */
static enum err step_state(struct compact *compact)
{
    struct base_content content = {
        .state = compact->state,
        .bodies = compact->named,
        .body_count = compact->named_count,
        .drops = &compact->drops,
    };
    bool done = false;
    enum err err = base_writer_state(compact->writer, &content, &done);

    return err == ERR_OK && done ? finish(compact) : err;
}

enum err compact_step(struct compact *compact, bool *out_done, struct note *why)
{
    enum err err = ERR_OK;

    switch (compact->phase) {
    case COMPACT_CHOOSE: err = step_choose(compact, why); break;
    case COMPACT_REPLAY: err = step_replay(compact, why); break;
    case COMPACT_BEHIND: err = step_behind(compact); break;
    case COMPACT_COLLECT:
        compact_collect(compact);
        compact->phase = COMPACT_MEASURE;
        break;
    case COMPACT_MEASURE: step_measure(compact); break;
    case COMPACT_DECIDE: err = step_decide(compact); break;
    case COMPACT_COPY: err = step_copy(compact); break;
    case COMPACT_STATE: err = step_state(compact); break;
    case COMPACT_END: break;
    }
    if (err == ERR_OK)
        *out_done = compact->phase == COMPACT_END;
    else if (why != NULL && why->text[0] == '\0')
        note_set(why, "cannot write a base of the log: %s", err_text(err));
    return err;
}

void compact_result(const struct compact *compact, struct compact_result *out_result)
{
    assert(compact->phase == COMPACT_END);
    *out_result = compact->result;
}
