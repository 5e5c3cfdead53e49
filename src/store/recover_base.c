/* Base segments: which one counts, and its replay (docs/format.md, "Base segments"). */
#include "store/op.h"
#include "store/recover.h"
#include "sys/vfs.h"

/* What one pass over a base found. */
struct base_pass {
    struct recover *recover;
    const struct found_segment *base;
    bool give; /* hand the records out and report damage */
    uint64_t records;
    uint64_t told; /* by BASE_END */
    uint64_t broken;
};

/* op_check, with a look at the last op. */
static bool read_ops(struct base_pass *pass, struct bytes ops, struct place place)
{
    struct op_walk walk = { .ops = ops, .change = place };
    uint64_t told = 0;
    struct op op;

    while (op_next(&walk, &op))
        told = op.code == OP_BASE_END ? op.as.base_end : 0;
    if (!walk.failed)
        pass->told = told;
    return !walk.failed;
}

static enum err pass_record(struct base_pass *pass, uint64_t offset,
                            const struct record_header *header)
{
    struct place place = { pass->base->number, offset };
    struct bytes payload;
    enum err err;

    if (header->type != RECORD_BASE)
        return ERR_OK;
    pass->records++;
    err = scan_payload(&pass->recover->scan, offset, header, &payload);
    if (err == ERR_OK && !read_ops(pass, payload, place))
        err = ERR_CORRUPT;
    if (err == ERR_OK && pass->give)
        err = recover_give(pass->recover, place.segment, offset, header, payload);
    return err;
}

static enum err pass_step(struct base_pass *pass, uint64_t *offset)
{
    uint64_t limit = pass->base->limit;
    uint64_t next = limit;
    struct record_header header;
    enum err err = scan_header(&pass->recover->scan, *offset, &header);

    if (err == ERR_OK) {
        if (record_bytes(header.length) < limit - *offset)
            next = *offset + record_bytes(header.length);
        err = pass_record(pass, *offset, &header);
    } else if (err == ERR_CORRUPT &&
               scan_resync(&pass->recover->scan, *offset + RECORD_ALIGN, &next) != ERR_OK) {
        return ERR_IO;
    }
    if (err == ERR_CORRUPT) {
        pass->broken++;
        err = ERR_OK;
        if (pass->give)
            err = recover_damage(pass->recover, pass->base->number, *offset, next - *offset,
                                 "a broken record in a base");
    }
    *offset = next;
    return err;
}

static enum err pass_run(struct base_pass *pass)
{
    struct recover *recover = pass->recover;
    char path[SEGMENT_PATH_BYTES];
    uint64_t offset = SEGMENT_RECORDS_AT;
    struct vfs_file *file;
    enum err err;

    segment_path(pass->base->number, path);
    err = recover->log->vfs->open(recover->log->vfs, path, VFS_OPEN_READ, &file);
    if (err != ERR_OK)
        return err;
    scan_begin(&recover->scan, file, record_key_make(pass->base->segment.id), pass->base->limit);
    while (err == ERR_OK && offset < pass->base->limit)
        err = pass_step(pass, &offset);
    vfs_close(file);
    return err;
}

/* Are the log segments up to and with `until` all there? */
static bool log_is_whole(const struct recover *recover, uint64_t until)
{
    uint64_t previous = 0;

    for (size_t i = 0; i < recover->count; i++) {
        const struct found_segment *found = &recover->found[i];

        if (segment_kind(found->number) != SEGMENT_LOG || found->number > until)
            continue;
        if (found->broken || found->segment.previous != previous)
            return false;
        previous = found->number;
    }
    return previous == until;
}

static void take_base(struct recover *recover, const struct found_segment *base)
{
    recover->base = base;
    recover->first = recover->count;
    for (size_t i = recover->count; i > 0; i--) {
        if (segment_kind(recover->found[i - 1].number) == SEGMENT_LOG &&
            recover->found[i - 1].number > base->segment.base)
            recover->first = i - 1;
    }
}

/* The newest first: one that is complete, or one whose past is gone. */
enum err recover_choose_base(struct recover *recover)
{
    for (size_t i = recover->count; i > 0; i--) {
        const struct found_segment *found = &recover->found[i - 1];
        struct base_pass pass = { .recover = recover, .base = found };
        enum err err;

        if (segment_kind(found->number) != SEGMENT_BASE || found->broken)
            continue;
        err = pass_run(&pass);
        if (err != ERR_OK)
            return err;
        if ((pass.broken == 0 && pass.records > 0 && pass.told == pass.records) ||
            !log_is_whole(recover, found->segment.base)) {
            take_base(recover, found);
            return ERR_OK;
        }
    }
    return ERR_OK;
}

enum err recover_replay_base(struct recover *recover)
{
    struct base_pass pass = { .recover = recover, .base = recover->base, .give = true };

    return pass_run(&pass);
}
