/* The end of the log in a directory that was copied while its owner went on writing: who copies
 * space taken ahead may see a page before it was written and the next one after
 * (docs/format.md, "Copies"). */
#include <string.h>

#include "store/recover.h"
#include "store/scan.h"
#include "sys/vfs.h"

/* No copy takes longer: that long stays what it needs ("Base segments"). */
#define COPY_US_MAX (INT64_C(3600) * 1000000)

/* Goes over the last segment, record by record, over what does not hold as well. */
struct walk {
    const struct recover *recover;
    const struct found_segment *found;
    struct scan scan;
    uint64_t offset;
    uint64_t gap; /* zeros stand where something is missing, no CHANGE was met since; 0: no */
    struct wall last; /* of the last CHANGE */
    struct wall until; /* the same, of all of the segment: known the second time */
    bool judges; /* it is the second time */
    uint64_t cut; /* the log ends here; 0: no */
    uint64_t whole; /* behind the last record that holds */
};

static enum err has_zeros(struct walk *walk, uint64_t from, uint64_t to, bool *out_has)
{
    static const uint8_t zeros[RECORD_ALIGN];

    *out_has = false;
    for (; from < to && !*out_has; from += RECORD_ALIGN) {
        struct bytes word;
        enum err err = scan_bytes(&walk->scan, from, RECORD_ALIGN, &word);

        if (err != ERR_OK)
            return err;
        *out_has = memcmp(word.at, zeros, sizeof(zeros)) == 0;
    }
    return ERR_OK;
}

static void pass_record(struct walk *walk, const struct record_header *header)
{
    walk->offset += record_bytes(header->length);
    walk->whole = walk->offset;
    if (header->type != RECORD_CHANGE)
        return;
    if (walk->judges && walk->gap != 0 && walk->until.us - header->when.us < COPY_US_MAX)
        walk->cut = walk->gap;
    walk->gap = 0;
    walk->last = header->when;
}

/* What was damaged before the copy was made was not seen by halves: it has been met, or it is old,
 * or there are no zeros in it. `length` as recovery would tell of it; `next`: a record, or the end,
 * before which there may be zeros that say nothing. */
static enum err pass_gap(struct walk *walk, uint64_t length, uint64_t next)
{
    struct place place = { walk->found->number, walk->offset };
    uint64_t end = next;
    bool zeros = false;
    enum err err = ERR_OK;

    if (walk->gap == 0 && !recover_was_met(walk->recover->log->vfs, place, length)) {
        if (next == walk->scan.limit)
            err = scan_content_end(&walk->scan, walk->offset, &end);
        if (err == ERR_OK)
            err = has_zeros(walk, walk->offset, end / RECORD_ALIGN * RECORD_ALIGN, &zeros);
    }
    if (zeros)
        walk->gap = walk->offset;
    walk->offset = next;
    return err;
}

static enum err step(struct walk *walk)
{
    struct record_header header;
    uint64_t length = 0;
    uint64_t next;
    enum err err = scan_header(&walk->scan, walk->offset, &header);

    if (err == ERR_OK) {
        length = record_bytes(header.length);
        err = scan_check(&walk->scan, walk->offset, &header);
    }
    if (err == ERR_OK)
        pass_record(walk, &header);
    if (err != ERR_CORRUPT)
        return err;
    err = scan_resync(&walk->scan, walk->offset + RECORD_ALIGN, &next);
    if (err != ERR_OK)
        return err;
    return pass_gap(walk, length > 0 ? length : next - walk->offset, next);
}

static enum err go_over(struct walk *walk)
{
    enum err err = ERR_OK;

    walk->offset = walk->whole = SEGMENT_RECORDS_AT;
    walk->gap = 0;
    while (err == ERR_OK && walk->cut == 0 && walk->offset < walk->scan.limit)
        err = step(walk);
    return err;
}

static enum err find_end(struct walk *walk, uint64_t *out_end)
{
    enum err err = go_over(walk);

    walk->until = walk->last;
    walk->judges = true;
    if (err == ERR_OK)
        err = go_over(walk);
    if (err != ERR_OK)
        return err;
    if (walk->cut == 0)
        walk->cut = walk->gap; /* bodies behind it, and nobody who names them */
    if (walk->cut != 0) {
        *out_end = walk->cut;
        return ERR_OK;
    }
    err = scan_content_end(&walk->scan, walk->whole, out_end);
    *out_end = (*out_end + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
    return err;
}

enum err recover_limit_copy(struct recover *recover, struct found_segment *last)
{
    struct walk walk = { .recover = recover, .found = last };
    char path[SEGMENT_PATH_BYTES];
    struct vfs_file *file;
    uint64_t end = last->limit;
    enum err err;

    if (last->broken || last->limit <= SEGMENT_RECORDS_AT)
        return ERR_OK;
    segment_path(last->number, path);
    err = recover->log->vfs->open(recover->log->vfs, path, VFS_OPEN_READ, &file);
    if (err != ERR_OK)
        return err;
    scan_begin(&walk.scan, file, record_key_make(last->segment.id), last->limit);
    err = find_end(&walk, &end);
    scan_done(&walk.scan);
    vfs_close(file);
    if (err == ERR_OK && end < last->limit)
        last->limit = end;
    return err;
}
