/* Going through the records of log segments: damage is set aside and passed, the tail ends it
 * (docs/format.md, "Recovery"). */
#include <stdio.h>

#include "store/op.h"
#include "store/recover.h"
#include "sys/vfs.h"

enum { ASIDE_PATH_BYTES = 64, COPY_BYTES = 64 * 1024 };

struct replay {
    struct recover *recover;
    struct found_segment *found;
    bool last;
    uint64_t offset;
    bool ended; /* at `offset`: what follows is the tail */
};

static enum err copy_bytes(struct vfs *vfs, uint64_t segment, uint64_t offset, uint64_t len,
                           struct vfs_file *to)
{
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *from;
    enum err err;

    segment_path(segment, path);
    err = vfs->open(vfs, path, VFS_OPEN_READ, &from);
    if (err != ERR_OK)
        return err;
    for (uint64_t done = 0; err == ERR_OK && done < len;) {
        uint8_t piece[COPY_BYTES];
        size_t take = len - done < sizeof(piece) ? (size_t)(len - done) : sizeof(piece);

        err = vfs_read(from, offset + done, piece, take, 0);
        if (err == ERR_OK)
            err = vfs_append(to, bytes_make(piece, take));
        done += take;
    }
    vfs_close(from);
    return err;
}

/* A copy for people; the bytes stay where they are, so a disk too full for it loses nothing. True
 * when it was not there before, whole. */
static bool set_aside(struct vfs *vfs, uint64_t segment, uint64_t offset, uint64_t len)
{
    char path[ASIDE_PATH_BYTES];
    struct vfs_file *file;
    uint64_t size = 0;
    bool is_new;
    enum err err;

    (void)snprintf(path, sizeof(path), "log/aside-%016llx-%016llx", (unsigned long long)segment,
                   (unsigned long long)offset);
    is_new = vfs->open(vfs, path, VFS_OPEN_READ | VFS_OPEN_WRITE, &file) != ERR_OK;
    if (is_new && vfs->open(vfs, path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file) != ERR_OK)
        return true;
    err = file->calls->size(file, &size);
    if (err == ERR_OK && !is_new && size == len) {
        vfs_close(file);
        return false;
    }
    err = file->calls->truncate(file, 0);
    if (err == ERR_OK)
        err = copy_bytes(vfs, segment, offset, len, file);
    if (err == ERR_OK)
        err = vfs_sync(file);
    vfs_close(file);
    if (err == ERR_OK)
        err = vfs->sync_dir(vfs, "log");
    return true;
}

enum err recover_damage(struct recover *recover, uint64_t segment, uint64_t offset, uint64_t len,
                        const char *what)
{
    struct log_report *report = recover->report;

    if (report->damaged++ == 0)
        note_set(&report->damage, "segment %016llx, offset %llu, %llu bytes: %s",
                 (unsigned long long)segment, (unsigned long long)offset, (unsigned long long)len,
                 what);
    if (set_aside(recover->log->vfs, segment, offset, len))
        report->epoch_reasons |= EPOCH_DAMAGED;
    return ERR_OK;
}

enum err recover_give(struct recover *recover, uint64_t segment, uint64_t offset,
                      const struct record_header *header, struct bytes payload)
{
    struct log_record record = {
        .type = (enum record_type)header->type,
        .place = { segment, offset },
        .number = { header->number },
        .when = header->when,
        .payload = payload,
    };

    recover->report->records++;
    return recover->options->replay(recover->options->context, &record);
}

/* Does what follows belong to the tail, should it be broken? */
static bool behind_mark(const struct replay *replay)
{
    return replay->last &&
           replay->found->segment.position + replay->offset >= replay->recover->mark;
}

static bool change_makes_sense(struct bytes payload, struct place place)
{
    struct origin origin;
    struct bytes ops;

    return op_origin_decode(payload, &origin, &ops) && op_check(ops, place);
}

/* A CHANGE that is whole but says nonsense is damage wherever it stands: it was not torn. */
static enum err replay_change(struct replay *replay, const struct record_header *header)
{
    struct recover *recover = replay->recover;
    struct place place = { replay->found->number, replay->offset };
    struct bytes payload;
    enum err err = scan_payload(&recover->scan, replay->offset, header, &payload);

    if (err != ERR_OK)
        return err;
    if (!change_makes_sense(payload, place))
        return recover_damage(recover, place.segment, place.offset, record_bytes(header->length),
                              "a change that makes no sense");
    return recover_give(recover, place.segment, place.offset, header, payload);
}

/* ERR_CORRUPT: the record is broken. */
static enum err replay_record(struct replay *replay, const struct record_header *header)
{
    struct scan *scan = &replay->recover->scan;

    if (record_bytes(header->length) > replay->found->limit - replay->offset)
        return ERR_CORRUPT;
    if (header->type >= RECORD_IGNORABLE)
        return ERR_OK;
    if (header->encoding != RECORD_RAW)
        return note_fail(replay->recover->why, ERR_UNSUPPORTED, "a newer version wrote this log");
    if (header->type == RECORD_CHANGE)
        return replay_change(replay, header);
    if (header->type == RECORD_BODY)
        return behind_mark(replay) ? scan_check(scan, replay->offset, header) : ERR_OK;
    return ERR_CORRUPT;
}

static enum err step(struct replay *replay)
{
    struct recover *recover = replay->recover;
    uint64_t next = replay->found->limit;
    struct record_header header;
    const char *what = "a broken record";
    enum err err = scan_header(&recover->scan, replay->offset, &header);

    if (err == ERR_OK) {
        err = replay_record(replay, &header);
        if (record_bytes(header.length) < next - replay->offset)
            next = replay->offset + record_bytes(header.length);
    } else if (err == ERR_CORRUPT && !behind_mark(replay)) {
        what = "no record where one should begin";
        if (scan_resync(&recover->scan, replay->offset + RECORD_ALIGN, &next) != ERR_OK)
            return ERR_IO;
    }
    if (err == ERR_CORRUPT && behind_mark(replay)) {
        replay->ended = true;
        return ERR_OK;
    }
    if (err == ERR_CORRUPT)
        err = recover_damage(recover, replay->found->number, replay->offset, next - replay->offset,
                             what);
    replay->offset = next;
    return err;
}

/* Bytes behind the end of the log: set aside, unless they are zeros. */
static enum err end_here(struct replay *replay)
{
    struct recover *recover = replay->recover;
    struct log_report *report = recover->report;
    uint64_t content_end;
    enum err err;

    recover->end = replay->offset;
    scan_begin(&recover->scan, recover->scan.file, recover->scan.key, replay->found->size);
    err = scan_content_end(&recover->scan, replay->offset, &content_end);
    if (err != ERR_OK || content_end == replay->offset)
        return err;
    report->tail_bytes = content_end - replay->offset;
    report->epoch_reasons |= EPOCH_TAIL_LOST;
    (void)set_aside(recover->log->vfs, replay->found->number, replay->offset, report->tail_bytes);
    return ERR_OK;
}

static enum err replay_file(struct replay *replay, struct vfs_file *file)
{
    struct found_segment *found = replay->found;
    struct recover *recover = replay->recover;
    enum err err = ERR_OK;

    scan_begin(&recover->scan, file, record_key_make(found->segment.id), found->limit);
    while (err == ERR_OK && !replay->ended && replay->offset < found->limit)
        err = step(replay);
    if (err == ERR_OK && replay->last)
        err = end_here(replay);
    return err;
}

enum err recover_replay(struct recover *recover, struct found_segment *found, uint64_t start,
                        bool last)
{
    struct replay replay = {
        .recover = recover,
        .found = found,
        .last = last,
        .offset = start == 0 ? SEGMENT_RECORDS_AT : start,
    };
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    enum err err;

    if (found->broken)
        return recover_damage(recover, found->number, 0, found->size,
                              "the header of the segment is broken");
    if (found->limit > found->size) {
        err = recover_damage(recover, found->number, found->size, 0, "the segment is too short");
        found->limit = found->size;
        if (err != ERR_OK)
            return err;
    }
    segment_path(found->number, path);
    err = recover->log->vfs->open(recover->log->vfs, path, VFS_OPEN_READ, &file);
    if (err != ERR_OK)
        return err;
    err = replay_file(&replay, file);
    vfs_close(file);
    return err;
}
