/* Opening a log: which records count, what is set aside, where to go on
 * (docs/format.md, "Recovery"). */
#include "store/recover.h"

#include <stdlib.h>
#include <string.h>

#include "store/alloc.h"
#include "store/op.h"
#include "sys/vfs.h"

static void found_name(void *context, struct bytes name)
{
    struct recover *recover = context;
    uint64_t number;

    if (!segment_name_parse(name, &number))
        return;
    if (number >> 2 >= recover->log->serial_next)
        recover->log->serial_next = (number >> 2) + 1;
    if (segment_kind(number) == SEGMENT_BODY)
        return;
    recover->found =
        store_grow(recover->found, recover->count, &recover->capacity, sizeof(*recover->found));
    recover->found[recover->count++] = (struct found_segment){ .number = number };
}

static int by_number(const void *a, const void *b)
{
    const struct found_segment *left = a;
    const struct found_segment *right = b;

    return left->number < right->number ? -1 : left->number > right->number;
}

static enum err open_segment(struct recover *recover, uint64_t number, struct vfs_file **out_file)
{
    char path[SEGMENT_PATH_BYTES];

    segment_path(number, path);
    return recover->log->vfs->open(recover->log->vfs, path, VFS_OPEN_READ, out_file);
}

static enum err load_header(struct recover *recover, struct found_segment *found)
{
    struct vfs_file *file;
    enum err err = open_segment(recover, found->number, &file);

    if (err != ERR_OK)
        return err;
    err = file->calls->size(file, &found->size);
    if (err == ERR_OK)
        err = segment_header_read(file, found->number, 0, &found->segment);
    vfs_close(file);
    if (err == ERR_CORRUPT) {
        found->broken = true;
        return ERR_OK;
    }
    return err;
}

/* A segment whose making was cut short: nothing can have been written behind its header. */
static enum err drop_unfinished(struct recover *recover)
{
    struct found_segment *last = recover_last(recover);
    char path[SEGMENT_PATH_BYTES];
    enum err err;

    if (last == NULL || !last->broken || last->size > SEGMENT_RECORDS_AT)
        return ERR_OK;
    segment_path(last->number, path);
    err = recover->log->vfs->unlink(recover->log->vfs, path);
    if (err != ERR_OK)
        return err;
    recover->count--;
    memmove(last, last + 1, (recover->count - (size_t)(last - recover->found)) * sizeof(*last));
    return ERR_OK;
}

static enum err find_segments(struct recover *recover)
{
    struct log *log = recover->log;
    enum err err = log->vfs->list(log->vfs, "log", found_name, recover);

    if (recover->count > 0)
        qsort(recover->found, recover->count, sizeof(*recover->found), by_number);
    for (size_t i = 0; err == ERR_OK && i < recover->count; i++)
        err = load_header(recover, &recover->found[i]);
    return err;
}

struct found_segment *recover_last(struct recover *recover)
{
    for (size_t i = recover->count; i > recover->first; i--) {
        if (segment_kind(recover->found[i - 1].number) == SEGMENT_LOG)
            return &recover->found[i - 1];
    }
    return NULL;
}

/* Where segments end: where the next one says, or, the last one, with its file; or at what was
 * durable when a sync failed. */
static void find_limits(struct recover *recover)
{
    const struct lock_entry *entry = lockfile_entry(recover->log->lock);
    struct found_segment *next = NULL;

    for (size_t i = recover->count; i > 0; i--) {
        struct found_segment *found = &recover->found[i - 1];
        uint64_t start = found->segment.position;

        found->limit = found->size;
        if (segment_kind(found->number) != SEGMENT_LOG)
            continue;
        if (next != NULL && next->segment.previous == found->number &&
            next->segment.position >= start)
            found->limit = next->segment.position - start;
        if (next == NULL && entry->state == LOCK_FAILED && entry->segment == found->number &&
            entry->position >= start && entry->position - start < found->limit)
            found->limit = entry->position - start;
        next = found;
    }
}

static bool mark_is_here(const struct found_segment *found, const struct log_mark *mark)
{
    uint64_t start = found->segment.position;

    return !found->broken && memcmp(found->segment.id, mark->segment_id, 16) == 0 &&
           mark->position >= start + SEGMENT_RECORDS_AT && mark->position - start <= found->limit &&
           (mark->position - start) % RECORD_ALIGN == 0;
}

/* Finds where replay begins: at the checkpoint's mark, at a base, or at the first segment. */
static enum err find_start(struct recover *recover)
{
    const struct log_mark *from = &recover->options->from;

    if (from->position == 0)
        return recover_choose_base(recover);
    for (size_t i = 0; i < recover->count; i++) {
        if (recover->found[i].number != from->segment)
            continue;
        if (!mark_is_here(&recover->found[i], from))
            break;
        recover->first = i;
        recover->start = from->position - recover->found[i].segment.position;
        return ERR_OK;
    }
    return note_fail(recover->why, ERR_CONFLICT, "the checkpoint is not of this log");
}

/* Looks at all headers of the last segment, those behind breaks included, for the highest position
 * that any of them knew to be durable. */
static enum err find_mark(struct recover *recover, const struct found_segment *last)
{
    bool starts_here = last == &recover->found[recover->first] && recover->start != 0;
    uint64_t offset = starts_here ? recover->start : SEGMENT_RECORDS_AT;
    struct vfs_file *file;
    enum err err;

    if (last->segment.position + last->limit <= recover->mark)
        return ERR_OK;
    err = open_segment(recover, last->number, &file);
    if (err != ERR_OK)
        return err;
    scan_begin(&recover->scan, file, record_key_make(last->segment.id), last->limit);
    while (err == ERR_OK && offset < last->limit) {
        struct record_header header;

        err = scan_header(&recover->scan, offset, &header);
        if (err == ERR_CORRUPT) {
            err = scan_resync(&recover->scan, offset + RECORD_ALIGN, &offset);
            continue;
        }
        if (err != ERR_OK)
            break;
        if (header.durable > recover->mark)
            recover->mark = header.durable;
        offset += record_bytes(header.length);
    }
    vfs_close(file);
    return err;
}

static enum err find_durable(struct recover *recover)
{
    const struct lock_entry *entry = lockfile_entry(recover->log->lock);
    const struct found_segment *last = recover_last(recover);

    recover->mark = recover->options->from.position;
    if (recover->base != NULL)
        recover->mark = recover->base->segment.position;
    if (entry->state == LOCK_CLEAN || entry->state == LOCK_FAILED)
        recover->mark = entry->position > recover->mark ? entry->position : recover->mark;
    if (last == NULL || last->broken)
        return ERR_OK;
    if (last->segment.position > recover->mark)
        recover->mark = last->segment.position;
    return find_mark(recover, last);
}

/* Each segment names the one before it: what is missing in between is damage. */
static enum err check_chain(struct recover *recover, const struct found_segment *found,
                            uint64_t previous)
{
    if (found->broken || found->segment.previous == previous)
        return ERR_OK;
    return recover_damage(recover, found->segment.previous, 0, 0, "the segment is missing");
}

static enum err replay_segments(struct recover *recover)
{
    const struct found_segment *last = recover_last(recover);
    uint64_t previous = recover->base == NULL ? 0 : recover->base->segment.base;
    enum err err = ERR_OK;

    for (size_t i = recover->first; err == ERR_OK && i < recover->count; i++) {
        struct found_segment *found = &recover->found[i];
        uint64_t start = i == recover->first ? recover->start : 0;

        if (segment_kind(found->number) != SEGMENT_LOG)
            continue;
        if (start == 0)
            err = check_chain(recover, found, previous);
        if (err == ERR_OK)
            err = recover_replay(recover, found, start, found == last);
        previous = found->number;
    }
    return err;
}

/* Everything that counts is known; makes the log stand at its end. */
static enum err stand_at_end(struct recover *recover)
{
    struct log *log = recover->log;
    const struct found_segment *last = recover_last(recover);
    char path[SEGMENT_PATH_BYTES];
    uint64_t end;

    if (last == NULL) {
        log->segment.number = recover->base == NULL ? 0 : recover->base->segment.base;
        log->durable = log->gate = recover->mark;
        log_next_segment(log, recover->mark);
        return ERR_OK;
    }
    log->segment = last->segment;
    log->segment.number = last->number; /* when the header is broken */
    log->key = record_key_make(last->segment.id);
    end = last->broken ? recover->mark + last->size : last->segment.position + recover->end;
    if (end < recover->mark) {
        enum err err = recover_damage(recover, last->number, recover->end, 0,
                                      "the log ends before what was on the disk");
        if (err != ERR_OK)
            return err;
        end = recover->mark;
    }
    log->durable = log->gate = end;
    log->durable_mark = log_mark_here(log, end);
    if (last->broken || recover->end != last->size ||
        end != last->segment.position + recover->end) {
        log_next_segment(log, end);
        return ERR_OK;
    }
    segment_path(last->number, path);
    log->size = recover->end;
    log->synced_position = last->segment.position;
    return log->vfs->open(log->vfs, path, VFS_OPEN_READ | VFS_OPEN_WRITE, &log->file);
}

/* Who died may have left bytes and names in memory only: on the disk with them, before anyone
 * hears. */
static enum err sync_kept(struct recover *recover)
{
    struct log *log = recover->log;
    const struct found_segment *last = recover_last(recover);
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    enum err err;

    if (last == NULL || last->broken || !recover->report->unclean)
        return ERR_OK;
    segment_path(last->number, path);
    err = log->vfs->open(log->vfs, path, VFS_OPEN_READ | VFS_OPEN_WRITE, &file);
    if (err != ERR_OK)
        return err;
    err = vfs_sync(file);
    if (err != ERR_OK) { /* as after any failed sync: only what the mark says is believed */
        struct lock_entry entry = lockfile_present(log->lock, LOCK_FAILED, log->now);

        entry.segment = last->number;
        entry.position = recover->mark;
        log_disown(log->lock, &entry, file, recover->mark - last->segment.position);
        vfs_close(file);
        return err;
    }
    vfs_close(file);
    return log->vfs->sync_dir(log->vfs, "log");
}

/* Which epoch is called for (docs/format.md, "The lock file"). */
static void judge_lock(struct recover *recover)
{
    const struct lock_entry *entry = lockfile_entry(recover->log->lock);
    struct log_report *report = recover->report;
    bool anything = recover->count > 0;
    unsigned difference = lockfile_difference(recover->log->lock);

    report->unclean = anything && entry->state != LOCK_CLEAN;
    if (!anything)
        return;
    if (entry->state == LOCK_NONE || (difference & LOCK_OTHER_PLACE) != 0)
        report->epoch_reasons |= EPOCH_COPIED;
    if (entry->state == LOCK_FAILED)
        report->epoch_reasons |= EPOCH_SYNC_FAILED;
    if (report->unclean && entry->state != LOCK_NONE && (difference & LOCK_OTHER_BOOT) != 0)
        report->epoch_reasons |= EPOCH_TAIL_LOST;
}

/* A log that says nothing is one whose making was cut short: nobody has ever heard of it. */
static enum err finish(struct recover *recover)
{
    struct log *log = recover->log;
    struct log_report *report = recover->report;
    enum lock_state state = lockfile_entry(log->lock)->state;

    if (recover->count == 0 && recover->mark > 0)
        return note_fail(recover->why, ERR_NOT_FOUND,
                         "the lock file knows of a log, but the directory log/ has none");
    if (recover->options->from.position == 0 && report->records == 0 && report->damaged == 0) {
        if (!recover->options->create)
            return note_fail(recover->why, ERR_NOT_FOUND, "there is no account here");
        report->created = true;
        report->epoch_reasons = 0;
    }
    log->epoch_due = report->epoch_reasons != 0;
    log->withdraw = state == LOCK_CLEAN || (state == LOCK_NONE && !log->epoch_due);
    return ERR_OK;
}

static enum err run(struct recover *recover)
{
    enum err err = find_segments(recover);

    if (err == ERR_UNSUPPORTED)
        return note_fail(recover->why, err, "a newer version wrote this log");
    if (err == ERR_OK)
        err = drop_unfinished(recover);
    if (err != ERR_OK)
        return err;
    judge_lock(recover);
    find_limits(recover);
    err = find_start(recover);
    if (err == ERR_OK)
        err = find_durable(recover);
    if (err == ERR_OK && recover->base != NULL)
        err = recover_replay_base(recover);
    if (err == ERR_OK)
        err = replay_segments(recover);
    if (err == ERR_OK)
        err = sync_kept(recover);
    if (err == ERR_OK)
        err = stand_at_end(recover);
    return err == ERR_OK ? finish(recover) : err;
}

enum err log_recover(struct log *log, const struct log_options *options, struct log_report *report,
                     struct note *why)
{
    struct recover recover = { .log = log, .options = options, .report = report, .why = why };
    struct note said = { .text = "" };
    enum err err;

    recover.why = &said;
    err = run(&recover);
    if (err != ERR_OK && said.text[0] == '\0')
        note_set(&said, "cannot read the log: %s", err_text(err));
    if (err != ERR_OK && why != NULL)
        *why = said;
    scan_done(&recover.scan);
    free(recover.found);
    return err;
}
