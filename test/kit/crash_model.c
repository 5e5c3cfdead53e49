/* The model of a disk without power: durable bytes, and the steps since then that may have reached
 * it. */
#include "kit/crash_model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "kit/mem_vfs.h"
#include "kit/random.h"

enum { INODES_MAX = 4096, SECTOR_SMALL = 512, SECTOR_LARGE = 4096 };

#define FILE_BYTES_MAX ((size_t)1 << 40)

struct model_file {
    struct buf durable; /* on the disk for sure */
    struct buf cache; /* what programs see at `synced` */
    unsigned synced; /* steps up to here are accounted for in both */
};

struct model {
    const struct crash_step *journal;
    unsigned steps;
    struct model_file files[INODES_MAX];
    unsigned file_count; /* numbers below this one are in use */
    struct crash_names names; /* durable */
    unsigned char *name_settled; /* for each step: a name change that a sync_dir covered */
    struct test_random random;
};

unsigned crash_names_find(const struct crash_names *names, const char *path)
{
    for (unsigned i = 0; i < names->count; i++) {
        if (strcmp(names->list[i].path, path) == 0)
            return names->list[i].inode;
    }
    return 0;
}

void crash_names_remove(struct crash_names *names, const char *path)
{
    for (unsigned i = 0; i < names->count; i++) {
        if (strcmp(names->list[i].path, path) == 0) {
            names->list[i] = names->list[--names->count];
            return;
        }
    }
}

void crash_names_set(struct crash_names *names, const char *path, unsigned inode)
{
    crash_names_remove(names, path);
    names->list = realloc(names->list, (names->count + 1) * sizeof(*names->list));
    assert(names->list != NULL);
    (void)snprintf(names->list[names->count].path, VFS_PATH_MAX + 1, "%s", path);
    names->list[names->count++].inode = inode;
}

void crash_names_done(struct crash_names *names)
{
    free(names->list);
    names->list = NULL;
    names->count = 0;
}

bool crash_path_is_directory(struct vfs *disk, const char *path)
{
    return disk->sync_dir(disk, path) == ERR_OK;
}

static bool step_is_data(const struct crash_step *step, unsigned inode)
{
    return step->inode == inode && (step->act == CRASH_APPEND || step->act == CRASH_TRUNCATE);
}

static void resize(struct buf *bytes, size_t size)
{
    if (size < bytes->len)
        buf_truncate(bytes, size);
    if (size > bytes->len) {
        size_t more = size - bytes->len;

        memset(buf_reserve(bytes, more), 0, more);
        buf_commit(bytes, more);
    }
}

static void apply(struct buf *bytes, const struct crash_step *step)
{
    if (step->act == CRASH_TRUNCATE)
        resize(bytes, step->len);
    else
        buf_add(bytes, bytes_make(step->data, step->len));
}

/* Copies sector `index` of `from` over `into`; what `from` does not have there is zeros. */
static void sector_copy(struct buf *into, const struct buf *from, size_t index, size_t sector)
{
    size_t at = index * sector;
    size_t end = at + sector < into->len ? at + sector : into->len;

    if (at >= into->len)
        return;
    memset(into->at + into->start + at, 0, end - at);
    if (at < from->len) {
        size_t have = (end < from->len ? end : from->len) - at;

        memcpy(into->at + into->start + at, from->at + from->start + at, have);
    }
}

struct change_span {
    size_t low; /* first byte that any step since the last sync touched */
    size_t high;
    unsigned steps;
};

static struct change_span span_of(const struct model *model, unsigned inode, unsigned until)
{
    const struct model_file *file = &model->files[inode];
    struct change_span span = { SIZE_MAX, file->cache.len, 0 };
    size_t size = file->cache.len;

    for (unsigned i = file->synced; i < until; i++) {
        const struct crash_step *step = &model->journal[i];

        if (!step_is_data(step, inode))
            continue;
        span.low = span.low < size ? span.low : size;
        size = step->act == CRASH_TRUNCATE ? step->len : size + step->len;
        span.low = span.low < size ? span.low : size;
        span.high = span.high > size ? span.high : size;
        span.steps++;
    }
    return span;
}

/* Moves the file to step `until`. `whole`: the sync succeeded, all that it touched is on the disk.
 * Else every touched sector, and the size, are of any moment in between. */
static void settle(struct model *model, unsigned inode, unsigned until, bool whole)
{
    struct model_file *file = &model->files[inode];
    struct change_span span = span_of(model, inode, until);
    size_t sector = test_random_below(&model->random, 2) ? SECTOR_SMALL : SECTOR_LARGE;
    /* A quarter of the cuts lose all or keep all: the plain cases are worth meeting often, too. */
    uint64_t manner = test_random_below(&model->random, 8);
    size_t size = file->durable.len;
    unsigned size_of, at = 0;
    size_t sectors = span.high / sector + 1;
    unsigned *moment;

    if (span.steps == 0) {
        file->synced = until;
        return;
    }
    moment = calloc(sectors, sizeof(*moment));
    assert(moment != NULL);
    for (size_t i = 0; i < sectors; i++) {
        moment[i] = (unsigned)test_random_below(&model->random, span.steps + UINT64_C(1));
        if (whole || manner == 0)
            moment[i] = span.steps;
        else if (manner == 1)
            moment[i] = 0;
    }
    size_of = whole || manner == 0 || manner == 2 ? span.steps : moment[sectors - 1];
    resize(&file->durable, span.high > size ? span.high : size);
    for (unsigned i = file->synced; i < until; i++) {
        if (!step_is_data(&model->journal[i], inode))
            continue;
        apply(&file->cache, &model->journal[i]);
        at++;
        for (size_t k = span.low / sector; k < sectors; k++) {
            if (moment[k] == at)
                sector_copy(&file->durable, &file->cache, k, sector);
        }
        if (size_of == at)
            size = file->cache.len;
    }
    resize(&file->durable, size);
    file->synced = until;
    free(moment);
}

static bool is_in_directory(const char *path, const char *directory)
{
    size_t len = strlen(directory);
    const char *slash = strrchr(path, '/');

    if (len == 0)
        return slash == NULL;
    return slash != NULL && (size_t)(slash - path) == len && strncmp(path, directory, len) == 0;
}

static void apply_name(struct crash_names *names, const struct crash_step *step)
{
    switch (step->act) {
    case CRASH_CREATE: crash_names_set(names, step->path, step->inode); break;
    case CRASH_MKDIR: crash_names_set(names, step->path, 0); break;
    case CRASH_UNLINK: crash_names_remove(names, step->path); break;
    case CRASH_RENAME:
        crash_names_remove(names, step->path);
        crash_names_set(names, step->to, step->inode);
        break;
    case CRASH_APPEND:
    case CRASH_TRUNCATE:
    case CRASH_SYNC:
    case CRASH_SYNC_FAILED:
    case CRASH_SYNC_DIR: break;
    }
}

/* Which name changes count: those covered by a sync_dir, and any of the others. */
static void settle_names(struct model *model)
{
    uint64_t manner = test_random_below(&model->random, 4);

    for (unsigned i = 0; i < model->steps; i++) {
        const struct crash_step *step = &model->journal[i];
        bool keep = manner == 0 || (manner > 1 && test_random_below(&model->random, 2) == 0);

        if (model->name_settled[i] != 0 || keep)
            apply_name(&model->names, step);
    }
}

static void mark_synced_names(struct model *model, unsigned until, const char *directory)
{
    for (unsigned i = 0; i < until; i++) {
        if (is_in_directory(model->journal[i].path, directory))
            model->name_settled[i] = 1;
    }
}

static void load_start(struct model *model, struct vfs *start)
{
    model->file_count = 1;
    for (unsigned i = 0; mem_vfs_path(start, i) != NULL; i++) {
        const char *path = mem_vfs_path(start, i);
        struct model_file *file = &model->files[model->file_count];

        if (crash_path_is_directory(start, path)) {
            crash_names_set(&model->names, path, 0);
            continue;
        }
        file->durable.max = file->cache.max = FILE_BYTES_MAX;
        buf_add(&file->durable, mem_vfs_file(start, path));
        buf_add(&file->cache, mem_vfs_file(start, path));
        crash_names_set(&model->names, path, model->file_count++);
    }
}

static void replay(struct model *model)
{
    for (unsigned i = 0; i < model->steps; i++) {
        const struct crash_step *step = &model->journal[i];

        if (step->act == CRASH_CREATE) {
            assert(step->inode == model->file_count && step->inode < INODES_MAX);
            model->files[step->inode].durable.max = FILE_BYTES_MAX;
            model->files[step->inode].cache.max = FILE_BYTES_MAX;
            model->files[step->inode].synced = i;
            model->file_count++;
        }
        if (step->act == CRASH_SYNC || step->act == CRASH_SYNC_FAILED)
            settle(model, step->inode, i, step->act == CRASH_SYNC);
        if (step->act == CRASH_SYNC_DIR)
            mark_synced_names(model, i, step->path);
    }
    for (unsigned i = 1; i < model->file_count; i++)
        settle(model, i, model->steps, false);
    settle_names(model);
}

static struct vfs *write_disk(struct model *model, struct vfs *start, uint64_t seed)
{
    struct vfs *disk = mem_vfs_copy(start, seed);

    while (mem_vfs_path(disk, 0) != NULL)
        mem_vfs_remove(disk, mem_vfs_path(disk, 0));
    mem_vfs_change_identity(disk, MEM_BOOT);
    for (unsigned i = 0; i < model->names.count; i++) {
        if (model->names.list[i].inode == 0)
            (void)disk->mkdir(disk, model->names.list[i].path);
    }
    for (unsigned i = 0; i < model->names.count; i++) {
        const struct crash_name *name = &model->names.list[i];
        struct vfs_file *file;

        if (name->inode == 0)
            continue;
        if (disk->open(disk, name->path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file) != ERR_OK)
            continue; /* its directory is gone */
        (void)vfs_append(file, buf_bytes(&model->files[name->inode].durable));
        vfs_close(file);
    }
    return disk;
}

struct vfs *crash_model_build(struct vfs *start, const struct crash_step *journal, unsigned steps,
                              uint64_t seed)
{
    struct model *model = calloc(1, sizeof(*model));
    struct vfs *disk;

    assert(model != NULL);
    model->journal = journal;
    model->steps = steps;
    model->random.state = seed;
    model->name_settled = calloc(steps + 1U, 1);
    assert(model->name_settled != NULL);
    load_start(model, start);
    replay(model);
    disk = write_disk(model, start, seed);
    for (unsigned i = 1; i < model->file_count; i++) {
        buf_done(&model->files[i].durable);
        buf_done(&model->files[i].cache);
    }
    crash_names_done(&model->names);
    free(model->name_settled);
    free(model);
    return disk;
}
