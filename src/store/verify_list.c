/* Which segments there are, where each of them ends, and which are missing. */
#include <stdlib.h>

#include "store/alloc.h"
#include "store/verify_private.h"
#include "sys/vfs.h"

static void on_name(void *context, struct bytes name)
{
    struct verify *verify = context;
    uint64_t number;

    if (!segment_name_parse(name, &number))
        return;
    verify->segments = store_grow(verify->segments, verify->segment_count,
                                  &verify->segment_capacity, sizeof(*verify->segments));
    verify->segments[verify->segment_count++] = (struct verify_segment){ .number = number };
}

/* Bodies last: what names them has been read by then. */
static int by_turn(const void *a, const void *b)
{
    const struct verify_segment *left = a;
    const struct verify_segment *right = b;
    bool left_is_body = segment_kind(left->number) == SEGMENT_BODY;
    bool right_is_body = segment_kind(right->number) == SEGMENT_BODY;

    if (left_is_body != right_is_body)
        return left_is_body ? 1 : -1;
    return left->number < right->number ? -1 : left->number > right->number;
}

enum err verify_open(struct verify *verify, uint64_t number, struct vfs_file **out_file)
{
    char path[SEGMENT_PATH_BYTES];

    segment_path(number, path);
    return verify->vfs->open(verify->vfs, path, VFS_OPEN_READ, out_file);
}

enum err verify_fail(enum err err, uint64_t number, struct note *why)
{
    char path[SEGMENT_PATH_BYTES];

    segment_path(number, path);
    return note_fail(why, err, "cannot read %s: %s", path, err_text(err));
}

static enum err load_header(struct verify *verify, struct verify_segment *segment)
{
    struct vfs_file *file;
    enum err err = verify_open(verify, segment->number, &file);

    if (err != ERR_OK)
        return err;
    err = file->calls->size(file, &segment->size);
    if (err == ERR_OK)
        err = segment_header_read(file, segment->number, 0, &segment->header);
    vfs_close(file);
    segment->foreign = err == ERR_OK && !segment_is_of(&segment->header, verify->extent.account);
    segment->broken = segment->foreign || err == ERR_CORRUPT;
    if (segment->foreign)
        segment->header = (struct segment){ 0 };
    return segment->broken ? ERR_OK : err;
}

/* Does `next`, or that there is none, tell where this log segment ends? */
static bool tells(const struct verify_segment *segment, const struct verify_segment *next)
{
    return next == NULL || (!next->broken && next->header.previous == segment->number);
}

/* Up to where a log segment must hold: where the next one begins, or what is durable. */
static uint64_t log_limit(const struct verify *verify, const struct verify_segment *segment,
                          const struct verify_segment *next)
{
    uint64_t start = segment->header.position;
    uint64_t end = verify->extent.durable;

    if (next != NULL && next->header.position < end)
        end = next->header.position;
    return end < start ? 0 : end - start;
}

static bool is_log(const struct verify_segment *segment)
{
    return segment_kind(segment->number) == SEGMENT_LOG;
}

static void set_limits(struct verify *verify)
{
    const struct verify_segment *next = NULL;

    for (size_t i = verify->segment_count; i > 0; i--) {
        struct verify_segment *segment = &verify->segments[i - 1];

        segment->limit = segment->size;
        segment->open_ended = true;
        if (is_log(segment)) {
            segment->open_ended = segment->broken || !tells(segment, next);
            if (!segment->open_ended)
                segment->limit = log_limit(verify, segment, next);
            next = segment;
            if (verify->last_log == 0)
                verify->last_log = segment->number;
        }
        verify->counts.bytes_total += segment->limit;
    }
}

/* The number up to which a base speaks for log segments. */
static uint64_t superseded(const struct verify *verify)
{
    uint64_t until = 0;

    for (size_t i = 0; i < verify->segment_count; i++) {
        const struct verify_segment *segment = &verify->segments[i];

        if (segment_kind(segment->number) == SEGMENT_BASE && !segment->broken &&
            segment->number <= verify->extent.base && segment->header.base > until)
            until = segment->header.base;
    }
    return until;
}

const struct verify_segment *verify_find_segment(const struct verify *verify, uint64_t number)
{
    struct verify_segment key = { .number = number };

    return verify->segment_count == 0
               ? NULL
               : bsearch(&key, verify->segments, verify->segment_count, sizeof(key), by_turn);
}

static void find_missing(struct verify *verify)
{
    uint64_t until = superseded(verify);

    for (size_t i = 0; i < verify->segment_count; i++) {
        const struct verify_segment *segment = &verify->segments[i];
        struct verify_finding finding = { .kind = VERIFY_MISSING,
                                          .segment = segment->header.previous };

        if (is_log(segment) && !segment->broken && finding.segment > until &&
            verify_find_segment(verify, finding.segment) == NULL)
            (void)verify_find(verify, &finding);
    }
}

enum err verify_list(struct verify *verify, struct note *why)
{
    enum err err = verify->vfs->list(verify->vfs, "log", on_name, verify);
    size_t kept = 0;

    if (err != ERR_OK)
        return note_fail(why, err, "cannot list log: %s", err_text(err));
    if (verify->segment_count > 0)
        qsort(verify->segments, verify->segment_count, sizeof(*verify->segments), by_turn);
    for (size_t i = 0; i < verify->segment_count; i++) {
        struct verify_segment segment = verify->segments[i];

        err = load_header(verify, &segment);
        if (err == ERR_OK)
            verify->segments[kept++] = segment;
        else if (err != ERR_NOT_FOUND) /* it went away */
            return verify_fail(err, segment.number, why);
    }
    verify->segment_count = kept;
    verify->listed = true;
    set_limits(verify);
    find_missing(verify);
    return ERR_OK;
}

bool verify_is_last(const struct verify *verify, uint64_t number)
{
    for (size_t i = 0; i < verify->segment_count; i++)
        if (is_log(&verify->segments[i]) && verify->segments[i].number > number)
            return false;
    return true;
}

void verify_name(struct verify *verify, uint64_t segment)
{
    if (segment_kind(segment) != SEGMENT_BODY)
        return;
    verify->named = store_grow(verify->named, verify->named_count, &verify->named_capacity,
                               sizeof(*verify->named));
    verify->named[verify->named_count++] = segment;
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

bool verify_is_named(struct verify *verify, uint64_t segment)
{
    if (verify->named_count == 0)
        return false;
    if (!verify->named_sorted)
        qsort(verify->named, verify->named_count, sizeof(*verify->named), by_value);
    verify->named_sorted = true;
    return bsearch(&segment, verify->named, verify->named_count, sizeof(segment), by_value) != NULL;
}
