/* One record after the other: damage is told of and passed, the tail ends it. */
#include "store/replay.h"

#include "store/op.h"
#include "sys/vfs.h"

void replay_begin(struct replay *replay, const struct replay_options *options)
{
    *replay = (struct replay){
        .options = *options,
        .last = segments_last(options->segments, options->first),
        .next = options->first,
        .previous = options->base == NULL ? 0 : options->base->segment.base,
        .is_base_due = options->base != NULL,
    };
}

static void close_segment(struct replay *replay)
{
    vfs_close(replay->file);
    replay->file = NULL;
    replay->found = NULL;
}

void replay_done(struct replay *replay)
{
    close_segment(replay);
    scan_done(&replay->scan);
}

struct place replay_place(const struct replay *replay)
{
    if (replay->found == NULL)
        return (struct place){ 0 };
    return (struct place){ replay->found->number, replay->offset };
}

static enum err tell_damage(struct replay *replay, struct place place, uint64_t len,
                            const char *what)
{
    return replay->options.calls->damage(replay->options.context, place, len, what);
}

static enum err open_file(struct replay *replay, const struct found_segment *found, uint64_t start)
{
    struct vfs *vfs = replay->options.segments->vfs;
    struct place behind = { found->number, found->size };
    char path[SEGMENT_PATH_BYTES];
    enum err err = ERR_OK;

    replay->offset = start == 0 ? SEGMENT_RECORDS_AT : start;
    replay->limit = found->limit;
    if (found->broken)
        return tell_damage(replay, (struct place){ found->number, 0 }, found->size,
                           "the header of the segment is broken");
    if (found->limit > found->size) {
        if (found->limit > SEGMENT_RECORDS_AT) /* else its making was cut short: it has none */
            err = tell_damage(replay, behind, 0, "the segment is too short");
        replay->limit = found->size;
    }
    if (err != ERR_OK)
        return err;
    segment_path(found->number, path);
    err = vfs->open(vfs, path, VFS_OPEN_READ, &replay->file);
    if (err != ERR_OK)
        return err;
    replay->found = found;
    scan_begin(&replay->scan, replay->file, record_key_make(found->segment.id), replay->limit);
    return ERR_OK;
}

/* Each segment names the one before it: what is missing in between is damage. */
static enum err check_chain(struct replay *replay, const struct found_segment *found)
{
    struct place missing = { found->segment.previous, 0 };

    if (found->broken || found->segment.previous == replay->previous)
        return ERR_OK;
    return tell_damage(replay, missing, 0, "the segment is missing");
}

static enum err open_next(struct replay *replay)
{
    const struct segments *segments = replay->options.segments;
    const struct found_segment *found;
    uint64_t start;
    enum err err = ERR_OK;

    if (replay->is_base_due) {
        replay->is_base_due = false;
        return open_file(replay, replay->options.base, 0);
    }
    while (replay->next < segments->count &&
           segment_kind(segments->at[replay->next].number) != SEGMENT_LOG)
        replay->next++;
    if (replay->next >= segments->count) {
        replay->done = true;
        return ERR_OK;
    }
    found = &segments->at[replay->next];
    start = replay->next == replay->options.first ? replay->options.start : 0;
    replay->next++;
    if (start == 0)
        err = check_chain(replay, found);
    replay->previous = found->number;
    return err == ERR_OK ? open_file(replay, found, start) : err;
}

static bool is_base(const struct replay *replay)
{
    return segment_kind(replay->found->number) == SEGMENT_BASE;
}

/* Does what follows belong to the tail, should it be broken? */
static bool behind_mark(const struct replay *replay)
{
    return replay->found == replay->last &&
           replay->found->segment.position + replay->offset >= replay->options.mark;
}

static bool makes_sense(const struct log_record *record)
{
    struct bytes ops = record->payload;
    struct origin origin;

    if (record->type == RECORD_CHANGE && !op_origin_decode(record->payload, &origin, &ops))
        return false;
    return op_check(ops, record->place);
}

/* A CHANGE that is whole but says nonsense is damage wherever it stands: it was not torn. */
static enum err give(struct replay *replay, const struct record_header *header)
{
    struct log_record record = {
        .type = (enum record_type)header->type,
        .place = replay_place(replay),
        .number = { header->number },
        .when = header->when,
    };
    enum err err = scan_payload(&replay->scan, replay->offset, header, &record.payload);

    if (err != ERR_OK)
        return err;
    if (makes_sense(&record))
        return replay->options.calls->give(replay->options.context, &record);
    return tell_damage(replay, record.place, record_bytes(header->length),
                       is_base(replay) ? "a broken record in a base"
                                       : "a change that makes no sense");
}

/* ERR_CORRUPT: the record is broken. */
static enum err read_record(struct replay *replay, const struct record_header *header)
{
    if (is_base(replay))
        return header->type == RECORD_BASE ? give(replay, header) : ERR_OK;
    if (record_bytes(header->length) > replay->limit - replay->offset)
        return ERR_CORRUPT;
    if (header->type >= RECORD_IGNORABLE)
        return ERR_OK;
    if (header->encoding != RECORD_RAW &&
        (header->type != RECORD_BODY || header->encoding != RECORD_ZSTD))
        return ERR_UNSUPPORTED;
    if (header->type == RECORD_CHANGE)
        return give(replay, header);
    if (header->type == RECORD_BODY)
        return behind_mark(replay) ? scan_check(&replay->scan, replay->offset, header) : ERR_OK;
    return ERR_CORRUPT;
}

static enum err step_record(struct replay *replay)
{
    struct place place = replay_place(replay);
    uint64_t next = replay->limit;
    struct record_header header;
    const char *what = is_base(replay) ? "a broken record in a base" : "a broken record";
    enum err err = scan_header(&replay->scan, replay->offset, &header);

    if (err == ERR_OK) {
        err = read_record(replay, &header);
        if (record_bytes(header.length) < next - replay->offset)
            next = replay->offset + record_bytes(header.length);
    } else if (err == ERR_CORRUPT && !behind_mark(replay)) {
        if (!is_base(replay))
            what = "no record where one should begin";
        if (scan_resync(&replay->scan, replay->offset + RECORD_ALIGN, &next) != ERR_OK)
            return ERR_IO;
    }
    if (err == ERR_CORRUPT && behind_mark(replay)) {
        replay->limit = replay->offset;
        return ERR_OK;
    }
    if (err == ERR_CORRUPT)
        err = tell_damage(replay, place, next - replay->offset, what);
    replay->offset = next;
    return err;
}

enum err replay_step(struct replay *replay)
{
    enum err err = ERR_OK;

    if (replay->done)
        return ERR_OK;
    if (replay->found == NULL)
        return open_next(replay);
    if (replay->offset < replay->limit)
        err = step_record(replay);
    if (err != ERR_OK || replay->offset < replay->limit)
        return err;
    if (replay->found == replay->last)
        replay->end = replay->offset;
    close_segment(replay);
    return ERR_OK;
}
