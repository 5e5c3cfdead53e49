/* Recovery on paper. */
#include "damage/forecast.h"

#include <string.h>

#include "base/num.h"
#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"

struct look { /* one log segment of the harmed disk */
    unsigned index;
    uint64_t size;
    bool broken;
    uint64_t limit;
};

struct outlook {
    const struct scene *scene;
    struct vfs *disk;
    struct forecast *out;
    struct look looks[SCENE_SEGMENTS_MAX];
    unsigned count;
    unsigned first;
    uint64_t start; /* offset in the first, 0: at its first record */
    uint64_t mark;
};

static uint64_t position_of(const struct outlook *outlook, const struct look *look)
{
    return look->broken ? 0 : outlook->scene->segments[look->index].header.position;
}

bool forecast_has_header(const struct scene *scene, struct vfs *disk, unsigned segment)
{
    bool is_body = segment_kind(scene->segments[segment].header.number) == SEGMENT_BODY;

    return scene_is_whole(scene, disk, segment,
                          scene_stretch(scene, segment, 0, SEGMENT_HEADER_BYTES)) ||
           (!is_body &&
            scene_is_whole(scene, disk, segment,
                           scene_stretch(scene, segment, SEGMENT_COPY_AT, SEGMENT_HEADER_BYTES)));
}

struct forecast_start forecast_checkpoint(struct vfs *disk)
{
    struct bytes file = mem_vfs_file(disk, "checkpoint");
    struct forecast_start start = { 0 };

    if (file.at == NULL)
        return start;
    start.position = num_load_u64(file.at + 16);
    start.segment = num_load_u64(file.at + 24);
    memcpy(start.id, file.at + 32, sizeof(start.id));
    return start;
}

static void add_item(struct outlook *outlook, const struct look *look, uint64_t offset,
                     uint64_t len)
{
    struct forecast *out = outlook->out;

    assert_true(out->item_count < FORECAST_ITEMS_MAX);
    out->items[out->item_count++] =
        (struct forecast_item){ outlook->scene->segments[look->index].header.number, offset, len };
}

static void look_at_segments(struct outlook *outlook)
{
    for (unsigned i = 0; i < outlook->scene->log_count; i++) {
        struct look *look = &outlook->looks[outlook->count++];

        *look = (struct look){ .index = i };
        look->size = mem_vfs_file(outlook->disk, outlook->scene->segments[i].path).len;
        look->broken = !forecast_has_header(outlook->scene, outlook->disk, i);
    }
    if (outlook->looks[outlook->count - 1].broken &&
        outlook->looks[outlook->count - 1].size <= SEGMENT_RECORDS_AT) {
        outlook->out->dropped_last = true;
        outlook->count--;
    }
    for (unsigned i = 0; i < outlook->count; i++) {
        struct look *look = &outlook->looks[i];

        look->limit = look->size;
        if (i + 1 < outlook->count && !look->broken && !outlook->looks[i + 1].broken)
            look->limit = position_of(outlook, look + 1) - position_of(outlook, look);
    }
}

/* The checkpoint's place, when the log knows it. */
static void find_start(struct outlook *outlook, const struct forecast_start *start)
{
    for (unsigned i = 0; i < outlook->count && start->position != 0; i++) {
        const struct look *look = &outlook->looks[i];
        const struct segment *header = &outlook->scene->segments[look->index].header;

        if (header->number != start->segment || look->broken ||
            memcmp(header->id, start->id, sizeof(start->id)) != 0)
            continue;
        if (start->position < header->position + SEGMENT_RECORDS_AT ||
            start->position - header->position > look->limit)
            continue;
        outlook->first = i;
        outlook->start = start->position - header->position;
        outlook->mark = start->position;
    }
}

static bool header_is_whole(const struct outlook *outlook, const struct scene_record *record,
                            uint64_t limit)
{
    return record->offset + RECORD_HEADER_BYTES <= limit &&
           scene_is_whole(
               outlook->scene, outlook->disk, record->segment,
               scene_stretch(outlook->scene, record->segment, record->offset, RECORD_HEADER_BYTES));
}

static bool payload_is_whole(const struct outlook *outlook, const struct scene_record *record,
                             uint64_t limit)
{
    uint64_t at = record->offset + RECORD_HEADER_BYTES;
    uint64_t len = record_framed_bytes(record->header.length);

    return at + len <= limit &&
           scene_is_whole(outlook->scene, outlook->disk, record->segment,
                          scene_stretch(outlook->scene, record->segment, at, len));
}

/* Of two things that a cut can leave only one is damage: what the checkpoint knew is missing. */
static uint64_t known_position(const struct outlook *outlook, const struct forecast_start *start)
{
    const struct look *last = &outlook->looks[outlook->count - 1];
    uint64_t number = outlook->scene->segments[last->index].header.number;

    return outlook->start == 0 && start->segment >= number ? start->position : 0;
}

/* The lock file's last entry, when it is a clean one. */
static uint64_t clean_position(const struct outlook *outlook)
{
    struct bytes lock = mem_vfs_file(outlook->scene->disk, "lock");

    return outlook->scene->clean ? num_load_u64(lock.at + lock.len - 128 + 64) : 0;
}

static void raise_mark(struct outlook *outlook, uint64_t position)
{
    if (position > outlook->mark)
        outlook->mark = position;
}

/* Damage may lie before where replay begins: only what is looked at counts. */
static void find_mark(struct outlook *outlook, const struct forecast_start *start)
{
    const struct look *last = &outlook->looks[outlook->count - 1];
    uint64_t from = outlook->first == outlook->count - 1 ? outlook->start : 0;

    raise_mark(outlook, clean_position(outlook));
    raise_mark(outlook, known_position(outlook, start));
    if (outlook->count == 0 || last->broken)
        return;
    raise_mark(outlook, position_of(outlook, last));
    if (position_of(outlook, last) + last->limit <= outlook->mark)
        return;
    for (unsigned i = 0; i < outlook->scene->record_count; i++) {
        const struct scene_record *record = &outlook->scene->records[i];

        if (record->segment == last->index && record->offset >= from &&
            header_is_whole(outlook, record, last->limit))
            raise_mark(outlook, record->header.durable);
    }
}

/* The first record of the segment from `offset` on whose header holds: its index, or -1. */
static int next_record(const struct outlook *outlook, const struct look *look, uint64_t offset)
{
    for (unsigned i = 0; i < outlook->scene->record_count; i++) {
        const struct scene_record *record = &outlook->scene->records[i];

        if (record->segment == look->index && record->offset >= offset &&
            header_is_whole(outlook, record, look->limit))
            return (int)i;
    }
    return -1;
}

/* From `offset` to the limit or to the end of the log, which is the answer. */
static uint64_t walk(struct outlook *outlook, const struct look *look, uint64_t offset, bool last)
{
    while (offset < look->limit) {
        bool behind = last && position_of(outlook, look) + offset >= outlook->mark;
        int at = next_record(outlook, look, offset);
        const struct scene_record *record = at < 0 ? NULL : &outlook->scene->records[at];
        uint64_t next = record == NULL ? look->limit : record->offset;
        bool whole = record != NULL && record->offset == offset;

        if (whole) {
            next = offset + record_bytes(record->header.length);
            whole = next <= look->limit;
            next = whole ? next : look->limit;
            if (whole && (record->header.type != RECORD_BODY || behind))
                whole = payload_is_whole(outlook, record, look->limit);
        }
        if (!whole && behind)
            return offset;
        if (!whole)
            add_item(outlook, look, offset, next - offset);
        if (whole && record->header.type == RECORD_CHANGE) {
            outlook->out->applied[at] = true;
            outlook->out->replayed++;
        }
        offset = next;
    }
    return offset;
}

static void find_tail(struct outlook *outlook, const struct look *last, uint64_t end)
{
    struct bytes file = mem_vfs_file(outlook->disk, outlook->scene->segments[last->index].path);
    uint64_t len = 0;

    for (uint64_t at = end; at < last->size; at++)
        if (file.at[at] != 0)
            len = at + 1 - end;
    outlook->out->tail =
        (struct forecast_item){ outlook->scene->segments[last->index].header.number, end, len };
}

static void replay(struct outlook *outlook)
{
    const struct look *last = &outlook->looks[outlook->count - 1];

    for (unsigned i = outlook->first; i < outlook->count; i++) {
        struct look *look = &outlook->looks[i];
        uint64_t offset =
            i == outlook->first && outlook->start != 0 ? outlook->start : SEGMENT_RECORDS_AT;
        uint64_t end;

        if (look->broken) {
            add_item(outlook, look, 0, look->size);
            continue;
        }
        if (look->limit > look->size) {
            add_item(outlook, look, look->size, 0);
            look->limit = look->size;
        }
        end = walk(outlook, look, offset, look == last);
        if (look != last)
            continue;
        find_tail(outlook, last, end);
        outlook->out->passes_clean_mark =
            outlook->scene->clean && position_of(outlook, last) + end > clean_position(outlook);
        if (position_of(outlook, last) + end < outlook->mark)
            add_item(outlook, look, end < look->size ? end : look->size, 0);
    }
}

void forecast_make(const struct scene *scene, struct vfs *disk, struct forecast_start start,
                   struct forecast *out)
{
    struct outlook outlook = { .scene = scene, .disk = disk, .out = out };

    memset(out, 0, sizeof(*out));
    look_at_segments(&outlook);
    find_start(&outlook, &start);
    find_mark(&outlook, &start);
    for (unsigned i = 0; i < scene->record_count; i++) {
        const struct scene_record *record = &scene->records[i];
        const struct segment *header = &scene->segments[record->segment].header;

        if (outlook.start != 0 && record->header.type == RECORD_CHANGE &&
            header->position + record->offset < start.position)
            out->applied[i] = true;
    }
    if (outlook.count > 0)
        replay(&outlook);
}

/* The records of a base: those that are whole, and the stretches that are not. */
static void walk_base(struct outlook *outlook, const struct look *look)
{
    uint64_t offset = SEGMENT_RECORDS_AT;

    while (offset < look->limit) {
        int at = next_record(outlook, look, offset);
        const struct scene_record *record = at < 0 ? NULL : &outlook->scene->records[at];
        uint64_t next = record == NULL ? look->limit : record->offset;
        bool whole = record != NULL && record->offset == offset;

        if (whole) {
            next = offset + record_bytes(record->header.length);
            if (record->header.type == RECORD_BASE)
                whole = payload_is_whole(outlook, record, look->limit);
            next = next < look->limit ? next : look->limit;
        }
        if (!whole)
            add_item(outlook, look, offset, next - offset);
        else if (record->header.type == RECORD_BASE)
            outlook->out->applied[at] = true;
        offset = next;
    }
}

bool forecast_base(const struct scene *scene, struct vfs *disk, struct forecast *out)
{
    struct outlook outlook = { .scene = scene, .disk = disk, .out = out };
    struct look look = { .index = scene->base };
    uint64_t horizon = scene->segments[scene->base].header.base;
    bool ended = false;
    bool counts;

    memset(out, 0, sizeof(*out));
    look.size = mem_vfs_file(disk, scene->segments[scene->base].path).len;
    look.limit = look.size;
    counts = forecast_has_header(scene, disk, scene->base);
    if (counts)
        walk_base(&outlook, &look);
    for (unsigned i = 0; i < scene->record_count; i++)
        if (out->applied[i])
            ended = i + 1 == scene->record_count || scene->records[i + 1].segment != scene->base;
    if (counts && scene->past && (out->item_count > 0 || !ended)) {
        memset(out, 0, sizeof(*out));
        counts = false;
    }
    for (unsigned i = 0; i < scene->record_count; i++) {
        const struct scene_record *record = &scene->records[i];
        uint64_t number = scene->segments[record->segment].header.number;

        if (record->header.type == RECORD_CHANGE)
            out->applied[i] = !counts || number > horizon;
        out->replayed += out->applied[i];
    }
    return counts;
}
