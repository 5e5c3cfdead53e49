/* The copy of an account: what to take, in which order. */
#include <stdlib.h>
#include <string.h>

#include "backup/backup.h"
#include "backup/files.h"
#include "store/alloc.h"
#include "store/segment.h"
#include "store/segment_end.h"
#include "sys/vfs.h"

enum { TRIES = 4 };

struct listing {
    uint64_t *numbers;
    size_t count;
    size_t capacity;
};

struct run {
    const struct backup_options *options;
    struct manifest before; /* of the last run; empty: there was none */
    struct manifest now;
    struct listing listing;
    uint64_t log_last; /* number of the last log segment */
    uint64_t log_end; /* bytes of it */
    uint64_t superseded; /* the last log segment that a base of the account stands for; or 0 */
    bool is_another; /* account than the one that the copy is of */
    struct backup_result result;
};

static void see_name(void *context, struct bytes name)
{
    struct listing *listing = context;
    uint64_t number;

    if (!segment_name_parse(name, &number))
        return;
    listing->numbers =
        store_grow(listing->numbers, listing->count, &listing->capacity, sizeof(*listing->numbers));
    listing->numbers[listing->count++] = number;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static enum err list(struct run *run)
{
    struct vfs *from = run->options->from;

    run->listing.count = 0;
    return from->list(from, "log", see_name, &run->listing);
}

/* Bytes and base of a segment of the account. */
static enum err measure(const struct run *run, uint64_t number, uint64_t *out_size,
                        uint64_t *out_base)
{
    struct vfs *from = run->options->from;
    struct segment segment = { .number = 0 };
    char path[FILES_PATH_BYTES];
    struct vfs_file *file;
    enum err err;

    files_path(number, false, path);
    err = from->open(from, path, VFS_OPEN_READ, &file);
    if (err != ERR_OK)
        return err;
    err = file->calls->size(file, out_size);
    if (err == ERR_OK && segment_kind(number) == SEGMENT_BASE &&
        segment_header_read(file, number, 0, &segment) != ERR_OK)
        segment.base = 0; /* broken, or being made */
    *out_base = segment.base;
    vfs_close(file);
    return err;
}

static void find_last(struct run *run)
{
    run->log_last = 0;
    for (size_t i = 0; i < run->listing.count; i++)
        if (segment_kind(run->listing.numbers[i]) == SEGMENT_LOG &&
            run->listing.numbers[i] > run->log_last)
            run->log_last = run->listing.numbers[i];
}

/* The copy ends at a place of the log that is fixed first, behind a whole record: what is before it
 * stays as it is, while space that was taken ahead becomes something else. What is listed after
 * that holds all that the log names up to there. Later log segments, and bases that speak of them,
 * are not for it. */
static enum err choose(struct run *run)
{
    uint64_t total = 0;
    size_t kept = 0;
    uint64_t base;
    enum err err = list(run);

    find_last(run);
    run->log_end = 0;
    run->superseded = 0;
    if (err == ERR_OK && run->log_last != 0)
        err = segment_find_end(run->options->from, run->log_last, &run->log_end);
    if (err != ERR_OK) /* cut back meanwhile: what is listed is looked at anew */
        return err;
    err = list(run);
    for (size_t i = 0; err == ERR_OK && i < run->listing.count; i++) {
        uint64_t number = run->listing.numbers[i];
        uint64_t size = 0;

        err = measure(run, number, &size, &base);
        if (err == ERR_NOT_FOUND && segment_kind(number) == SEGMENT_BODY) {
            err = ERR_OK;
            continue;
        }
        if (err != ERR_OK) {
            run->listing.numbers[kept++] = number; /* it has files: it is looked at anew */
            break;
        }
        if ((segment_kind(number) == SEGMENT_LOG && number > run->log_last) ||
            (base >= run->log_last && base != 0 && run->log_last != 0))
            continue;
        total += number == run->log_last ? run->log_end : size;
        if (base > run->superseded)
            run->superseded = base;
        run->listing.numbers[kept++] = number;
    }
    run->listing.count = kept;
    if (kept > 0)
        qsort(run->listing.numbers, kept, sizeof(*run->listing.numbers), by_number);
    if (err == ERR_OK && run->options->listener != NULL)
        run->options->listener->total(run->options->listener, total);
    return err;
}

static enum err copy_segment(struct run *run, uint64_t number)
{
    struct manifest_entry entry;
    struct files_job job = {
        .options = run->options,
        .number = number,
        .limit = number == run->log_last ? run->log_end : UINT64_MAX,
        .may_change = number == run->log_last,
        .entry = manifest_find(&run->before, number),
    };
    enum err err = files_update(&job, &entry);

    run->result.bytes_copied += job.copied;
    if (err == ERR_OK)
        manifest_add(&run->now, &entry);
    /* A body on its way in that nobody finished; or one that a base has taken over long ago. */
    return err == ERR_NOT_FOUND && segment_kind(number) == SEGMENT_BODY ? ERR_OK : err;
}

/* The log comes last: whenever this ends, nothing that a log in the copy names is missing. */
static enum err copy_segments(struct run *run)
{
    enum err err = ERR_OK;

    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; err == ERR_OK && i < run->listing.count; i++) {
            uint64_t number = run->listing.numbers[i];

            if ((segment_kind(number) == SEGMENT_LOG) == (pass == 1))
                err = copy_segment(run, number);
        }
    }
    return err;
}

/* Does the account still have that segment? One whose header is broken may be it. */
static enum err has_segment(const struct run *run, const struct manifest_entry *entry,
                            bool *out_has)
{
    static const uint8_t none[MANIFEST_ID_BYTES];
    struct vfs *from = run->options->from;
    uint8_t id[MANIFEST_ID_BYTES];
    char path[FILES_PATH_BYTES];
    struct vfs_file *file;
    enum err err;

    *out_has = false;
    files_path(entry->number, false, path);
    err = from->open(from, path, VFS_OPEN_READ, &file);
    if (err != ERR_OK)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    err = files_id(file, entry->number, id);
    vfs_close(file);
    *out_has = err == ERR_OK &&
               (memcmp(id, entry->id, sizeof(id)) == 0 || memcmp(id, none, sizeof(id)) == 0 ||
                memcmp(entry->id, none, sizeof(id)) == 0);
    return err;
}

/* An account that was lost and begun anew, empty, under its id must not take the place of the mail
 * in the copy. One that goes on has a segment that is in the copy, or a base that has taken over
 * the last one's log. */
static enum err check_goes_on(struct run *run)
{
    uint64_t last = 0;
    bool has = run->before.count == 0;
    enum err err = ERR_OK;

    for (size_t i = run->before.count; err == ERR_OK && !has && i > 0; i--) {
        const struct manifest_entry *entry = &run->before.entries[i - 1];

        if (segment_kind(entry->number) == SEGMENT_LOG && entry->number > last)
            last = entry->number;
        err = has_segment(run, entry, &has);
    }
    if (err != ERR_OK || has || (last != 0 && run->superseded >= last))
        return err;
    run->is_another = true;
    return ERR_CONFLICT;
}

static enum err copy_once(struct run *run)
{
    struct vfs *to = run->options->to;
    enum err err;

    manifest_done(&run->now);
    run->now.account = run->options->account;
    run->now.when = run->options->now;
    err = choose(run);
    if (err == ERR_OK && run->listing.count == 0)
        return ERR_NOT_FOUND;
    if (err == ERR_OK)
        err = check_goes_on(run);
    if (err == ERR_OK)
        err = copy_segments(run);
    manifest_sort(&run->now);
    return err == ERR_OK ? to->sync_dir(to, "log") : err;
}

static enum err make_log_directory(struct vfs *to)
{
    enum err err = to->mkdir(to, "log");

    if (err == ERR_OK)
        err = to->sync_dir(to, "");
    return err == ERR_EXISTS ? ERR_OK : err;
}

static enum err load_before(struct run *run)
{
    struct vfs *to = run->options->to;
    enum err err = manifest_load(to, &run->before);

    if (err == ERR_OK)
        return files_settle(to, &run->before);
    return err == ERR_NOT_FOUND || err == ERR_CORRUPT ? ERR_OK : err;
}

static enum err finish(struct run *run)
{
    struct vfs *to = run->options->to;
    enum err err = manifest_store(to, &run->now);

    if (err == ERR_OK)
        err = files_settle(to, &run->now);
    if (err == ERR_OK)
        err = files_prune(to, &run->now);
    run->result.files = run->now.count;
    for (size_t i = 0; i < run->now.count; i++)
        run->result.bytes += run->now.entries[i].length;
    return err;
}

enum err backup_account(const struct backup_options *options, struct backup_result *out_result,
                        struct note *why)
{
    struct run run = { .options = options };
    enum err err = make_log_directory(options->to);
    bool gone = false;

    if (err == ERR_OK)
        err = load_before(&run);
    if (err == ERR_OK)
        err = copy_once(&run);
    /* A file that was listed has gone, or has been cut back: the account is looked at anew. */
    for (unsigned i = 1; i < TRIES && run.listing.count > 0; i++) {
        gone = err == ERR_NOT_FOUND || err == ERR_CORRUPT;
        if (!gone)
            break;
        err = copy_once(&run);
    }
    if (err == ERR_OK)
        err = finish(&run);
    if (err == ERR_OK)
        *out_result = run.result;
    else if (run.listing.count > 0 && (err == ERR_NOT_FOUND || err == ERR_CORRUPT))
        err = note_fail(why, ERR_BUSY, "its files change too fast to be copied");
    else if (run.is_another)
        note_set(why, "its log does not go on from the one in the backup, which stays as it is");
    else
        note_set(why, "%s", err == ERR_NOT_FOUND ? "it has no log" : err_text(err));
    manifest_done(&run.before);
    manifest_done(&run.now);
    free(run.listing.numbers);
    return err;
}
