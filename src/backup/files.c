/* Copying segments into a backup: whole, or what they have grown by. */
#include "backup/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "store/alloc.h"
#include "store/segment.h"
#include "sys/vfs.h"

enum { PIECE_BYTES = 256 * 1024, SAME_BYTES = 64 * 1024 };

#define WAITING ".new"

void files_path(uint64_t number, bool waiting, char out_path[FILES_PATH_BYTES])
{
    segment_path(number, out_path);
    if (waiting)
        (void)snprintf(out_path + strlen(out_path), sizeof(WAITING), WAITING);
}

/* The records of a segment end with checksums by the same polynomial: the CRC of such bytes says
 * the same whatever they hold. So it is taken of other bytes, which no linear map gives. Spoils
 * `piece`. */
static uint32_t continue_sum(uint32_t sum, uint8_t *piece, size_t len)
{
    for (size_t i = 0; i < len; i++)
        piece[i] = (uint8_t)(piece[i] * 167 + 13);
    return crc32c(sum, bytes_make(piece, len));
}

enum err files_copy(struct files_copy *copy)
{
    uint8_t *piece = store_alloc(1, PIECE_BYTES);
    enum err err = ERR_OK;

    while (err == ERR_OK && copy->offset < copy->length) {
        uint64_t left = copy->length - copy->offset;
        struct bytes bytes = { piece, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES };

        err = vfs_read(copy->from, copy->offset, piece, bytes.len, 0);
        if (err == ERR_OK && copy->to != NULL)
            err = vfs_append(copy->to, bytes);
        if (err != ERR_OK)
            break;
        copy->sum = continue_sum(copy->sum, piece, bytes.len);
        copy->offset += bytes.len;
        if (copy->listener != NULL)
            copy->listener->done(copy->listener, bytes.len);
    }
    free(piece);
    return err;
}

enum err files_id(struct vfs_file *file, uint64_t number, uint8_t out_id[MANIFEST_ID_BYTES])
{
    struct segment segment = { .number = 0 };
    enum err err = segment_header_read(file, number, 0, &segment);

    if (err != ERR_OK && err != ERR_CORRUPT && err != ERR_UNSUPPORTED)
        return err;
    memset(out_id, 0, MANIFEST_ID_BYTES);
    if (err == ERR_OK)
        memcpy(out_id, segment.id, MANIFEST_ID_BYTES);
    return ERR_OK;
}

static bool is_same_id(const uint8_t *a, const uint8_t *b)
{
    static const uint8_t none[MANIFEST_ID_BYTES];

    return memcmp(a, b, MANIFEST_ID_BYTES) == 0 && memcmp(a, none, MANIFEST_ID_BYTES) != 0;
}

/* Do both files have the same bytes before `end`? Of a file that was cut back and grew again those
 * are others: every record has checksums that depend on what is in it. */
static enum err ends_alike(struct vfs_file *a, struct vfs_file *b, uint64_t end, bool *out_same)
{
    size_t len = end < SAME_BYTES ? (size_t)end : SAME_BYTES;
    uint8_t *window = store_alloc(2, SAME_BYTES);
    enum err err = vfs_read(a, end - len, window, len, 0);

    if (err == ERR_OK)
        err = vfs_read(b, end - len, window + SAME_BYTES, len, 0);
    if (err == ERR_OK)
        *out_same = memcmp(window, window + SAME_BYTES, len) == 0;
    free(window);
    return err;
}

/* One segment at work. */
struct update {
    struct files_job *job;
    struct vfs *to;
    struct vfs_file *source;
    struct vfs_file *old; /* the file in the copy, or NULL */
    uint64_t length; /* bytes of the source that count */
    struct manifest_entry entry; /* as it will be */
};

/* A file that no manifest names was finished by a run that did not come to its end. */
static enum err adopt(struct update *update, struct manifest_entry *out_known)
{
    struct files_copy copy = { .from = update->old };
    enum err err = update->old->calls->size(update->old, &copy.length);

    if (err == ERR_OK)
        err = files_id(update->old, update->entry.number, out_known->id);
    if (err == ERR_OK)
        err = files_copy(&copy);
    out_known->number = update->entry.number;
    out_known->length = copy.length;
    out_known->sum = copy.sum;
    return err;
}

/* Can what is there be kept, and perhaps go on growing? */
static enum err is_a_beginning(struct update *update, const struct manifest_entry *known,
                               bool *out_is)
{
    uint64_t size;
    enum err err = update->old->calls->size(update->old, &size);

    *out_is = false;
    if (err != ERR_OK || size < known->length || known->length > update->length ||
        !is_same_id(known->id, update->entry.id))
        return err;
    /* Even a sealed segment is not known by its length: an account that went on from an older copy
     * may have ended it with other records that are just as long. */
    return ends_alike(update->old, update->source, known->length, out_is);
}

/* Behind `known->length` is what an interrupted run left. */
static enum err grow(struct update *update, const struct manifest_entry *known)
{
    struct files_copy copy = {
        .from = update->source,
        .to = update->old,
        .offset = known->length,
        .length = update->length,
        .sum = known->sum,
        .listener = update->job->options->listener,
    };
    uint64_t size;
    enum err err = update->old->calls->size(update->old, &size);

    if (copy.listener != NULL)
        copy.listener->done(copy.listener, known->length);
    if (err == ERR_OK && size > known->length)
        err = update->old->calls->truncate(update->old, known->length);
    if (err == ERR_OK)
        err = files_copy(&copy);
    if (err == ERR_OK && (copy.length > known->length || size > known->length))
        err = vfs_sync(update->old);
    update->job->copied += copy.length - known->length;
    update->entry.sum = copy.sum;
    return err;
}

/* A new file; under its own name when nothing is in the way. */
static enum err copy_whole(struct update *update)
{
    struct files_copy copy = {
        .from = update->source,
        .length = update->length,
        .listener = update->job->options->listener,
    };
    char waiting[FILES_PATH_BYTES];
    char path[FILES_PATH_BYTES];
    enum err err;

    files_path(update->entry.number, true, waiting);
    files_path(update->entry.number, false, path);
    err = update->to->open(update->to, waiting, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &copy.to);
    if (err != ERR_OK)
        return err;
    err = copy.to->calls->truncate(copy.to, 0);
    if (err == ERR_OK)
        err = files_copy(&copy);
    if (err == ERR_OK)
        err = vfs_sync(copy.to);
    vfs_close(copy.to);
    if (err == ERR_OK && update->old == NULL)
        err = update->to->rename(update->to, waiting, path);
    if (err != ERR_OK)
        (void)update->to->unlink(update->to, waiting);
    update->job->copied += copy.offset;
    update->entry.sum = copy.sum;
    return err;
}

static enum err bring_up_to_date(struct update *update)
{
    struct manifest_entry known = { .number = 0 };
    bool is_beginning = false;
    char path[FILES_PATH_BYTES];
    enum err err;

    files_path(update->entry.number, false, path);
    err = update->to->open(update->to, path, VFS_OPEN_READ | VFS_OPEN_WRITE, &update->old);
    if (err == ERR_NOT_FOUND)
        return copy_whole(update);
    if (err == ERR_OK && update->job->entry != NULL)
        known = *update->job->entry;
    else if (err == ERR_OK)
        err = adopt(update, &known);
    if (err == ERR_OK)
        err = is_a_beginning(update, &known, &is_beginning);
    if (err != ERR_OK)
        return err;
    return is_beginning ? grow(update, &known) : copy_whole(update);
}

enum err files_update(struct files_job *job, struct manifest_entry *out_entry)
{
    struct vfs *from = job->options->from;
    struct update update = {
        .job = job,
        .to = job->options->to,
        .entry = { .number = job->number },
    };
    char path[FILES_PATH_BYTES];
    enum err err;

    files_path(job->number, false, path);
    err = from->open(from, path, VFS_OPEN_READ, &update.source);
    if (err != ERR_OK)
        return err;
    err = update.source->calls->size(update.source, &update.length);
    if (update.length > job->limit)
        update.length = job->limit;
    update.entry.length = update.length;
    if (err == ERR_OK)
        err = files_id(update.source, job->number, update.entry.id);
    if (err == ERR_OK)
        err = bring_up_to_date(&update);
    /* The end may be in the page cache only: were it lost, the original would give its UIDs to
     * other messages. */
    if (err == ERR_OK && job->may_change)
        err = vfs_sync(update.source);
    vfs_close(update.source);
    vfs_close(update.old);
    if (err == ERR_OK)
        *out_entry = update.entry;
    return err;
}

/* Settling. */

struct names {
    bool waiting; /* those that wait are wanted, else the others */
    uint64_t *numbers;
    size_t count;
    size_t capacity;
};

static void see_name(void *context, struct bytes name)
{
    struct bytes end = BYTES(WAITING);
    struct names *names = context;
    uint64_t number;

    if (bytes_ends_with(name, end) != names->waiting)
        return;
    if (names->waiting)
        name = bytes_slice(name, 0, name.len - end.len);
    if (!segment_name_parse(name, &number))
        return;
    names->numbers =
        store_grow(names->numbers, names->count, &names->capacity, sizeof(*names->numbers));
    names->numbers[names->count++] = number;
}

enum err files_is_entry(struct vfs *vfs, const char *path, const struct manifest_entry *entry,
                        bool *out_is)
{
    struct files_copy check = { .length = entry->length };
    uint64_t size = 0;
    enum err err = vfs->open(vfs, path, VFS_OPEN_READ, &check.from);

    if (err != ERR_OK)
        return err;
    err = check.from->calls->size(check.from, &size);
    if (err == ERR_OK && size == entry->length)
        err = files_copy(&check);
    *out_is = err == ERR_OK && size == entry->length && check.sum == entry->sum;
    vfs_close(check.from);
    return err;
}

static enum err settle_waiting(struct vfs *copy, uint64_t number,
                               const struct manifest_entry *entry)
{
    char waiting[FILES_PATH_BYTES];
    char path[FILES_PATH_BYTES];
    bool meant = false;
    enum err err = ERR_OK;

    files_path(number, true, waiting);
    files_path(number, false, path);
    if (entry != NULL)
        err = files_is_entry(copy, waiting, entry, &meant);
    if (err != ERR_OK)
        return err;
    return meant ? copy->rename(copy, waiting, path) : copy->unlink(copy, waiting);
}

enum err files_settle(struct vfs *copy, const struct manifest *manifest)
{
    struct names names = { .waiting = true };
    enum err err = copy->list(copy, "log", see_name, &names);

    for (size_t i = 0; err == ERR_OK && i < names.count; i++)
        err = settle_waiting(copy, names.numbers[i], manifest_find(manifest, names.numbers[i]));
    if (err == ERR_OK && names.count > 0)
        err = copy->sync_dir(copy, "log");
    free(names.numbers);
    return err;
}

enum err files_prune(struct vfs *copy, const struct manifest *manifest)
{
    struct names names = { .waiting = false };
    enum err err = copy->list(copy, "log", see_name, &names);

    for (size_t i = 0; err == ERR_OK && i < names.count; i++) {
        char path[FILES_PATH_BYTES];

        files_path(names.numbers[i], false, path);
        if (manifest_find(manifest, names.numbers[i]) == NULL)
            err = copy->unlink(copy, path);
    }
    free(names.numbers);
    return err;
}
