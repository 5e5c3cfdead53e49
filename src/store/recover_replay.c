/* Replay when a log is opened: damage and the tail are set aside (docs/format.md, "Recovery"). */
#include <stdio.h>

#include "store/op.h"
#include "store/recover.h"
#include "store/replay.h"
#include "sys/vfs.h"

enum { ASIDE_PATH_BYTES = 64, COPY_BYTES = 64 * 1024 };

static enum err copy_bytes(struct vfs *vfs, struct place place, uint64_t len, struct vfs_file *to)
{
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *from;
    enum err err;

    segment_path(place.segment, path);
    err = vfs->open(vfs, path, VFS_OPEN_READ, &from);
    if (err != ERR_OK)
        return err;
    for (uint64_t done = 0; err == ERR_OK && done < len;) {
        uint8_t piece[COPY_BYTES];
        size_t take = len - done < sizeof(piece) ? (size_t)(len - done) : sizeof(piece);

        err = vfs_read(from, place.offset + done, piece, take, 0);
        if (err == ERR_OK)
            err = vfs_append(to, bytes_make(piece, take));
        if (err == ERR_OK) /* others who sync meanwhile do not wait for all of it */
            vfs_hint(to, done, take, VFS_HINT_WRITE);
        done += take;
    }
    vfs_close(from);
    return err;
}

static void aside_path(struct place place, char out_path[ASIDE_PATH_BYTES])
{
    (void)snprintf(out_path, ASIDE_PATH_BYTES, "log/aside-%016llx-%016llx",
                   (unsigned long long)place.segment, (unsigned long long)place.offset);
}

bool recover_was_met(struct vfs *vfs, struct place place, uint64_t len)
{
    char path[ASIDE_PATH_BYTES];
    struct vfs_file *file;
    uint64_t size = 0;
    enum err err;

    aside_path(place, path);
    if (vfs->open(vfs, path, VFS_OPEN_READ, &file) != ERR_OK)
        return false;
    err = file->calls->size(file, &size);
    vfs_close(file);
    return err == ERR_OK && size == len;
}

/* A copy for people; the bytes stay where they are, so a disk too full for it loses nothing. True
 * when it was not there before, whole. */
static bool set_aside(struct vfs *vfs, struct place place, uint64_t len)
{
    char path[ASIDE_PATH_BYTES];
    struct vfs_file *file;
    enum err err;

    if (recover_was_met(vfs, place, len))
        return false;
    aside_path(place, path);
    if (vfs->open(vfs, path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file) != ERR_OK)
        return true;
    err = file->calls->truncate(file, 0);
    if (err == ERR_OK)
        err = copy_bytes(vfs, place, len, file);
    if (err == ERR_OK)
        err = vfs_sync(file);
    vfs_close(file);
    if (err == ERR_OK)
        err = vfs->sync_dir(vfs, "log");
    return true;
}

enum err recover_damage(struct recover *recover, struct place place, uint64_t len, const char *what)
{
    struct log_report *report = recover->report;

    if (report->damaged++ == 0)
        note_set(&report->damage, "segment %016llx, offset %llu, %llu bytes: %s",
                 (unsigned long long)place.segment, (unsigned long long)place.offset,
                 (unsigned long long)len, what);
    if (set_aside(recover->log->vfs, place, len))
        report->epoch_reasons |= EPOCH_DAMAGED;
    return ERR_OK;
}

static enum err on_damage(void *context, struct place place, uint64_t len, const char *what)
{
    return recover_damage(context, place, len, what);
}

static enum err on_record(void *context, const struct log_record *record)
{
    struct recover *recover = context;

    recover->report->records++;
    return recover->options->replay(recover->options->context, record);
}

/* Bytes behind the end of the log: set aside, unless they are zeros. */
static enum err find_tail(struct recover *recover, const struct found_segment *last)
{
    struct log_report *report = recover->report;
    struct vfs *vfs = recover->log->vfs;
    struct scan scan = { 0 };
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    uint64_t content_end;
    enum err err;

    if (recover->end == last->size)
        return ERR_OK;
    segment_path(last->number, path);
    err = vfs->open(vfs, path, VFS_OPEN_READ, &file);
    if (err != ERR_OK)
        return err;
    scan_begin(&scan, file, record_key_make(last->segment.id), last->size);
    err = scan_content_end(&scan, recover->end, &content_end);
    scan_done(&scan);
    vfs_close(file);
    recover->is_empty_behind = err == ERR_OK && content_end == recover->end;
    if (err != ERR_OK || recover->is_empty_behind)
        return err;
    report->tail_bytes = content_end - recover->end;
    report->epoch_reasons |= EPOCH_TAIL_LOST;
    (void)set_aside(vfs, (struct place){ last->number, recover->end }, report->tail_bytes);
    return ERR_OK;
}

enum err recover_replay(struct recover *recover)
{
    static const struct replay_calls calls = { on_record, on_damage };
    const struct found_segment *last = recover_last(recover);
    struct replay_options options = {
        .segments = &recover->segments,
        .base = recover->base,
        .first = recover->first,
        .start = recover->start,
        .mark = recover->mark,
        .calls = &calls,
        .context = recover,
    };
    struct replay replay;
    enum err err = ERR_OK;

    replay_begin(&replay, &options);
    while (err == ERR_OK && !replay.done)
        err = replay_step(&replay);
    replay_done(&replay);
    recover->end = replay.end;
    return err == ERR_OK && last != NULL && !last->broken ? find_tail(recover, last) : err;
}
