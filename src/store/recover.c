/* Opening a log: which records count, what is set aside, where to go on
 * (docs/format.md, "Recovery"). */
#include "store/recover.h"

#include <string.h>

#include "store/op.h"
#include "sys/vfs.h"

/* Segments whose making was cut short are removed. */
static enum err drop_unfinished(struct recover *recover)
{
    struct found_segment *found;
    enum err err = ERR_OK;

    while (err == ERR_OK && (found = segments_unfinished(&recover->segments)) != NULL) {
        char path[SEGMENT_PATH_BYTES];

        segment_path(found->number, path);
        err = recover->log->vfs->unlink(recover->log->vfs, path);
        if (err == ERR_OK)
            segments_drop(&recover->segments, found);
    }
    return err;
}

/* The same for bases: nothing can name them yet. */
static enum err drop_unfinished_bases(struct recover *recover)
{
    struct segments *segments = &recover->segments;
    enum err err = ERR_OK;

    for (size_t i = segments->count; err == ERR_OK && i > 0; i--) {
        struct found_segment *found = &segments->at[i - 1];
        char path[SEGMENT_PATH_BYTES];

        if (segment_kind(found->number) != SEGMENT_BASE || !found->broken ||
            found->size > SEGMENT_RECORDS_AT)
            continue;
        segment_path(found->number, path);
        err = recover->log->vfs->unlink(recover->log->vfs, path);
        if (err == ERR_OK)
            segments_drop(segments, found);
    }
    return err;
}

/* A copy that was made of a live directory may have a checkpoint that is younger than what it has
 * of the base: a checkpoint's word is not enough there. */
static bool may_be_a_copy(const struct recover *recover)
{
    const struct lock_entry *entry = lockfile_entry(recover->log->lock);

    return entry->state == LOCK_NONE ||
           (lockfile_difference(recover->log->lock) & LOCK_OTHER_PLACE) != 0;
}

const struct found_segment *recover_last(const struct recover *recover)
{
    return segments_last(&recover->segments, recover->first);
}

/* The last segment may end at what was durable when a sync failed, or with what a copy has of it.
 */
static enum err find_limits(struct recover *recover)
{
    const struct lock_entry *entry = lockfile_entry(recover->log->lock);
    struct segments *segments = &recover->segments;
    struct found_segment *last;

    if (entry->state == LOCK_FAILED)
        segments_limit(segments, entry->segment, entry->position);
    else
        segments_limit(segments, 0, 0);
    last = segments_last(segments, 0);
    return last != NULL && may_be_a_copy(recover) ? recover_limit_copy(recover, last) : ERR_OK;
}

static bool mark_is_here(const struct found_segment *found, const struct log_mark *mark)
{
    uint64_t start = found->segment.position;

    return !found->broken && memcmp(found->segment.id, mark->segment_id, 16) == 0 &&
           mark->position >= start + SEGMENT_RECORDS_AT && mark->position - start <= found->limit &&
           (mark->position - start) % RECORD_ALIGN == 0;
}

/* Which base counts, for a log that is replayed from `from` on: it must be the one that the
 * checkpoint there builds on. */
static enum err find_base(struct recover *recover, const struct log_mark *from)
{
    const struct segments *segments = &recover->segments;
    uint64_t newest = segments_newest_base(segments);
    uint64_t base = newest;
    enum err err = ERR_OK;

    if (from->position == 0 || from->base != newest || (newest != 0 && may_be_a_copy(recover))) {
        err = segments_choose_base(segments, &recover->base, &recover->first);
        base = recover->base == NULL ? 0 : recover->base->number;
    }
    if (err != ERR_OK)
        return err;
    recover->log->base = base;
    recover->report->base_unfinished = base == newest ? 0 : newest;
    return from->position != 0 && from->base != base ? ERR_CONFLICT : ERR_OK;
}

/* Finds where replay begins: at the checkpoint's mark, at a base, or at the first segment. */
static enum err find_start(struct recover *recover)
{
    const struct log_mark *from = &recover->options->from;
    const struct segments *segments = &recover->segments;

    enum err err = find_base(recover, from);

    if (err == ERR_CONFLICT)
        return note_fail(recover->why, err, "the checkpoint builds on another base");
    if (err != ERR_OK || from->position == 0)
        return err;
    recover->base = NULL;
    for (size_t i = 0; i < segments->count; i++) {
        if (segments->at[i].number != from->segment)
            continue;
        if (!mark_is_here(&segments->at[i], from))
            break;
        recover->first = i;
        recover->start = from->position - segments->at[i].segment.position;
        return ERR_OK;
    }
    return note_fail(recover->why, ERR_CONFLICT, "the checkpoint is not of this log");
}

/* What the lock file knows to be durable. A file that was copied later than the log may know more
 * than the copy has: nothing is missing there. */
static uint64_t lock_mark(const struct recover *recover, const struct found_segment *last)
{
    const struct lock_entry *entry = lockfile_entry(recover->log->lock);
    bool is_copy = (recover->report->epoch_reasons & EPOCH_COPIED) != 0;

    if (entry->state != LOCK_CLEAN && entry->state != LOCK_FAILED)
        return 0;
    if (is_copy && last != NULL && entry->position > last->segment.position + last->limit)
        return 0;
    return entry->position;
}

/* What a checkpoint knew to be durable that this log does not reach: damage has taken the end of
 * the log. Nothing, when it is another log's, and in a copy, whose files are of different moments.
 */
static uint64_t checkpoint_mark(const struct recover *recover, const struct found_segment *last)
{
    const struct log_mark *known = &recover->options->known;

    if ((recover->report->epoch_reasons & EPOCH_COPIED) != 0 || last == NULL ||
        known->segment < last->number)
        return 0;
    if (known->segment == last->number && !last->broken &&
        memcmp(last->segment.id, known->segment_id, sizeof(known->segment_id)) != 0)
        return 0;
    return known->position;
}

static enum err find_durable(struct recover *recover)
{
    const struct found_segment *last = recover_last(recover);
    bool starts_here = recover->start != 0 && last == &recover->segments.at[recover->first];
    uint64_t locked = lock_mark(recover, last);
    uint64_t known = checkpoint_mark(recover, last);

    recover->mark = recover->options->from.position;
    if (recover->base != NULL)
        recover->mark = recover->base->segment.position;
    if (locked > recover->mark)
        recover->mark = locked;
    if (known > recover->mark)
        recover->mark = known;
    if (last == NULL || last->broken)
        return ERR_OK;
    return segments_find_mark(&recover->segments, last,
                              starts_here ? recover->start : SEGMENT_RECORDS_AT, &recover->mark);
}

/* A failed entry is believed as long as its segment is the last one, whatever was written since:
 * nothing more is added to such a segment. */
static bool is_disowned(const struct recover *recover, const struct found_segment *found)
{
    const struct lock_entry *entry = lockfile_entry(recover->log->lock);

    return entry->state == LOCK_FAILED && entry->segment == found->number;
}

/* The last segment, which ends there; what was taken ahead of that is given back. Where that fails
 * the next segment is begun. */
static enum err go_on_in(struct recover *recover, const struct found_segment *last)
{
    struct log *log = recover->log;
    char path[SEGMENT_PATH_BYTES];
    enum err err;

    segment_path(last->number, path);
    err = log->vfs->open(log->vfs, path, VFS_OPEN_READ | VFS_OPEN_WRITE, &log->file);
    if (err != ERR_OK)
        return err;
    log->size = log->ahead.reach = recover->end;
    log->synced_position = last->segment.position;
    if (recover->end == last->size || log_cut(log))
        return ERR_OK;
    vfs_close(log->file);
    log->file = NULL;
    log_next_segment(log, last->segment.position + recover->end);
    return ERR_OK;
}

/* Everything that counts is known; makes the log stand at its end. */
static enum err stand_at_end(struct recover *recover)
{
    struct log *log = recover->log;
    const struct found_segment *last = recover_last(recover);
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
        bool is_cut = recover->end > last->size; /* within the headers */
        struct place place = { last->number, is_cut ? last->size : recover->end };
        enum err err =
            recover_damage(recover, place, 0, "the log ends before what was on the disk");

        if (err != ERR_OK)
            return err;
        end = recover->mark;
    }
    log->durable = log->gate = end;
    log->durable_mark = log_mark_here(log, end);
    if (last->broken || (recover->end != last->size && !recover->is_empty_behind) ||
        recover->end % RECORD_ALIGN != 0 || end != last->segment.position + recover->end ||
        log->compress != log_compresses(log) || is_disowned(recover, last)) {
        log_next_segment(log, end);
        return ERR_OK;
    }
    return go_on_in(recover, last);
}

/* What a base supersedes may go: it must be on the disk. (When a checkpoint builds on it it was.)
 * The clean mark does not say so: it stands while a base is made of a log that nothing is added to.
 * One that does not get there is not to be believed later; what it supersedes is still there then.
 */
static enum err sync_base(struct recover *recover)
{
    struct vfs *vfs = recover->log->vfs;
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    enum err err;

    if (recover->base == NULL)
        return ERR_OK;
    segment_path(recover->base->number, path);
    err = vfs->open(vfs, path, VFS_OPEN_READ | VFS_OPEN_WRITE, &file);
    if (err != ERR_OK)
        return err;
    err = vfs_sync(file);
    vfs_close(file);
    return err; /* its name was on the disk before there was anything in it */
}

struct copied {
    struct vfs *vfs;
    enum err err;
};

static void sync_copied(void *context, struct bytes name)
{
    struct copied *copied = context;
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    uint64_t number;

    if (copied->err != ERR_OK || !segment_name_parse(name, &number))
        return;
    segment_path(number, path);
    copied->err = copied->vfs->open(copied->vfs, path, VFS_OPEN_READ | VFS_OPEN_WRITE, &file);
    if (copied->err != ERR_OK)
        return;
    copied->err = vfs_sync(file);
    vfs_close(file);
}

/* Who copies a directory need not have synced any of it. */
static enum err sync_copy(const struct recover *recover)
{
    struct copied copied = { .vfs = recover->log->vfs, .err = ERR_OK };
    enum err err = copied.vfs->list(copied.vfs, "log", sync_copied, &copied);

    if (err == ERR_OK)
        err = copied.err;
    if (err == ERR_OK)
        err = copied.vfs->sync_dir(copied.vfs, "log");
    return err != ERR_OK ? err : copied.vfs->sync_dir(copied.vfs, "");
}

enum { REWRITE_BYTES = 64 * 1024 };

/* Whoever wrote the end of the log may have died of a sync that failed, or an opening may have:
 * pages may be marked clean that never reached the disk, and no sync would ever write them. What is
 * not known to be durable is written over itself first. */
static enum err rewrite_end(const struct recover *recover, struct vfs_file *file,
                            const struct found_segment *last)
{
    uint64_t start = last->segment.position;
    uint64_t from = recover->mark > start ? recover->mark - start : 0;
    uint64_t end = recover->end < last->size ? recover->end : last->size;
    enum err err = ERR_OK;

    while (err == ERR_OK && from < end) {
        uint64_t left = end - from;
        uint8_t piece[REWRITE_BYTES];
        size_t take = left < sizeof(piece) ? (size_t)left : sizeof(piece);

        err = vfs_read(file, from, piece, take, 0);
        if (err == ERR_OK)
            err = vfs_write(file, from, bytes_make(piece, take));
        from += take;
    }
    return err;
}

/* Who died may have left bytes and names in memory only: on the disk with them, before anyone
 * hears. When that fails nothing has happened: the next opening does it again. */
static enum err sync_kept(struct recover *recover)
{
    struct log *log = recover->log;
    const struct found_segment *last = recover_last(recover);
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    enum err err;

    if ((recover->report->epoch_reasons & EPOCH_COPIED) != 0)
        return sync_copy(recover);
    err = sync_base(recover);
    if (err != ERR_OK || !recover->report->unclean || last == NULL || last->broken)
        return err;
    segment_path(last->number, path);
    err = log->vfs->open(log->vfs, path, VFS_OPEN_READ | VFS_OPEN_WRITE, &file);
    if (err != ERR_OK)
        return err;
    err = rewrite_end(recover, file, last);
    if (err == ERR_OK)
        err = vfs_sync(file);
    vfs_close(file);
    return err == ERR_OK ? log->vfs->sync_dir(log->vfs, "log") : err;
}

/* Which epoch is called for (docs/format.md, "The lock file"). */
static void judge_lock(struct recover *recover)
{
    const struct lock_entry *entry = lockfile_entry(recover->log->lock);
    struct log_report *report = recover->report;
    bool anything = recover->segments.count > 0;
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

/* A clean mark that the log has gone beyond is an old one: a newer entry has been lost. */
static void judge_clean_mark(struct recover *recover)
{
    const struct lock_entry *entry = lockfile_entry(recover->log->lock);
    const struct found_segment *last = recover_last(recover);
    struct log_report *report = recover->report;

    if (entry->state != LOCK_CLEAN || last == NULL || last->broken ||
        (report->epoch_reasons & EPOCH_COPIED) != 0 ||
        last->segment.position + recover->end <= entry->position)
        return;
    lockfile_distrust(recover->log->lock);
    report->unclean = true;
    if ((lockfile_difference(recover->log->lock) & LOCK_OTHER_BOOT) != 0)
        report->epoch_reasons |= EPOCH_TAIL_LOST;
}

/* A log that says nothing is one whose making was cut short: nobody has ever heard of it, for
 * log_append gates all of it. */
static enum err finish(struct recover *recover)
{
    struct log *log = recover->log;
    struct log_report *report = recover->report;
    enum lock_state state = lockfile_entry(log->lock)->state;

    if (recover->segments.count == 0 && recover->mark > 0)
        return note_fail(recover->why, ERR_NOT_FOUND,
                         "the lock file knows of a log, but the directory log/ has none");
    if (recover->options->from.position == 0 && report->records == 0 && report->damaged == 0) {
        if (!recover->options->create)
            return note_fail(recover->why, ERR_NOT_FOUND, "there is no account here");
        report->created = true;
        report->epoch_reasons = 0;
        log->unheard = log->segment.position + SEGMENT_RECORDS_AT;
    }
    log->epoch_due = report->epoch_reasons != 0;
    /* The entry of an open log is written again, too (log_settle says why). So is that of a log
     * that was begun on another boot and said nothing: no epoch will. */
    log->withdraw = !log->epoch_due || lockfile_stands_clean(log->lock) || state == LOCK_OPEN;
    return ERR_OK;
}

/* Every checksum of it holds: only the header tells that it is not of this log. */
static enum err refuse_foreign(struct recover *recover)
{
    const struct found_segment *found =
        segments_foreign(&recover->segments, recover->options->account);
    char path[SEGMENT_PATH_BYTES];

    if (found == NULL)
        return ERR_OK;
    segment_path(found->number, path);
    return note_fail(recover->why, ERR_INVALID,
                     "%s belongs to another account: put back the file that was there", path);
}

static enum err run(struct recover *recover)
{
    enum err err = segments_find(recover->log->vfs, &recover->segments);

    if (recover->segments.serial_next > recover->log->serial_next)
        recover->log->serial_next = recover->segments.serial_next;
    if (err == ERR_OK)
        err = refuse_foreign(recover);
    if (err == ERR_OK)
        err = drop_unfinished(recover);
    if (err == ERR_OK)
        err = drop_unfinished_bases(recover);
    if (err != ERR_OK)
        return err;
    judge_lock(recover);
    err = find_limits(recover);
    if (err == ERR_OK)
        err = find_start(recover);
    if (err == ERR_OK)
        err = find_durable(recover);
    if (err == ERR_OK)
        err = recover_replay(recover);
    judge_clean_mark(recover);
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
    if (err == ERR_UNSUPPORTED)
        note_set(&said, "a newer version wrote this log");
    if (err != ERR_OK && said.text[0] == '\0')
        note_set(&said, "cannot read the log: %s", err_text(err));
    if (err != ERR_OK && why != NULL)
        *why = said;
    segments_done(&recover.segments);
    return err;
}
