/* Finding segments, and what counts of them. */
#include "store/segment_find.h"

#include <stdlib.h>
#include <string.h>

#include "store/alloc.h"
#include "store/scan.h"
#include "sys/vfs.h"

static void found_name(void *context, struct bytes name)
{
    struct segments *segments = context;
    uint64_t number;

    if (!segment_name_parse(name, &number))
        return;
    if (number >> 2 >= segments->serial_next)
        segments->serial_next = (number >> 2) + 1;
    if (segment_kind(number) == SEGMENT_BODY)
        return;
    segments->at =
        store_grow(segments->at, segments->count, &segments->capacity, sizeof(*segments->at));
    segments->at[segments->count++] = (struct found_segment){ .number = number };
}

static int by_number(const void *a, const void *b)
{
    const struct found_segment *left = a;
    const struct found_segment *right = b;

    return left->number < right->number ? -1 : left->number > right->number;
}

static enum err open_segment(struct vfs *vfs, uint64_t number, struct vfs_file **out_file)
{
    char path[SEGMENT_PATH_BYTES];

    segment_path(number, path);
    return vfs->open(vfs, path, VFS_OPEN_READ, out_file);
}

static enum err load_header(struct vfs *vfs, struct found_segment *found)
{
    struct vfs_file *file;
    enum err err = open_segment(vfs, found->number, &file);

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

enum err segments_find(struct vfs *vfs, struct segments *out_segments)
{
    struct segments *segments = out_segments;
    enum err err;

    *segments = (struct segments){ .vfs = vfs };
    err = vfs->list(vfs, "log", found_name, segments);
    if (segments->count > 0)
        qsort(segments->at, segments->count, sizeof(*segments->at), by_number);
    for (size_t i = 0; err == ERR_OK && i < segments->count; i++)
        err = load_header(vfs, &segments->at[i]);
    return err;
}

void segments_done(struct segments *segments)
{
    free(segments->at);
    *segments = (struct segments){ 0 };
}

const struct found_segment *segments_foreign(const struct segments *segments,
                                             struct account_id account)
{
    for (size_t i = 0; i < segments->count; i++)
        if (!segment_is_of(&segments->at[i].segment, account))
            return &segments->at[i];
    return NULL;
}

/* Not followed by `next`, the log segment behind it (NULL: there is none). A header that is whole
 * says nothing: the sync of the file, or of its name, may have failed. */
static bool is_left_out(const struct found_segment *found, const struct found_segment *next)
{
    if (next == NULL)
        return found->broken;
    return !next->broken && next->segment.previous < found->number;
}

struct found_segment *segments_unfinished(const struct segments *segments)
{
    const struct found_segment *next = NULL;

    for (size_t i = segments->count; i > 0; i--) {
        struct found_segment *found = &segments->at[i - 1];

        if (segment_kind(found->number) != SEGMENT_LOG)
            continue;
        if (found->size <= SEGMENT_RECORDS_AT && is_left_out(found, next))
            return found;
        next = found;
    }
    return NULL;
}

void segments_drop(struct segments *segments, struct found_segment *found)
{
    segments->count--;
    memmove(found, found + 1, (segments->count - (size_t)(found - segments->at)) * sizeof(*found));
}

struct found_segment *segments_last(const struct segments *segments, size_t first)
{
    for (size_t i = segments->count; i > first; i--) {
        if (segment_kind(segments->at[i - 1].number) == SEGMENT_LOG)
            return &segments->at[i - 1];
    }
    return NULL;
}

void segments_limit(struct segments *segments, uint64_t last, uint64_t end)
{
    struct found_segment *next = NULL;

    for (size_t i = segments->count; i > 0; i--) {
        struct found_segment *found = &segments->at[i - 1];
        uint64_t start = found->segment.position;

        found->limit = found->size;
        if (segment_kind(found->number) != SEGMENT_LOG)
            continue;
        if (next != NULL && next->segment.previous == found->number &&
            next->segment.position >= start)
            found->limit = next->segment.position - start;
        if (next == NULL && last == found->number && end >= start && end - start < found->limit)
            found->limit = end - start;
        next = found;
    }
}

static enum err scan_marks(struct scan *scan, uint64_t offset, uint64_t *mark)
{
    enum err err = ERR_OK;

    while (err == ERR_OK && offset < scan->limit) {
        struct record_header header;

        err = scan_header(scan, offset, &header);
        if (err == ERR_CORRUPT) {
            err = scan_resync(scan, offset + RECORD_ALIGN, &offset);
            continue;
        }
        if (err != ERR_OK)
            break;
        if (header.durable > *mark)
            *mark = header.durable;
        offset += record_bytes(header.length);
    }
    return err;
}

enum err segments_find_mark(const struct segments *segments, const struct found_segment *found,
                            uint64_t offset, uint64_t *mark)
{
    struct scan scan = { 0 };
    struct vfs_file *file;
    enum err err;

    if (found->segment.position > *mark)
        *mark = found->segment.position;
    if (found->segment.position + found->limit <= *mark)
        return ERR_OK;
    err = open_segment(segments->vfs, found->number, &file);
    if (err != ERR_OK)
        return err;
    scan_begin(&scan, file, record_key_make(found->segment.id), found->limit);
    err = scan_marks(&scan, offset, mark);
    scan_done(&scan);
    vfs_close(file);
    return err;
}
