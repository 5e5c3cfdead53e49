/* The recorder: passes everything on to a memory disk and keeps a journal of it. */
#include "kit/crash_vfs.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/crash_model.h"
#include "kit/mem_vfs.h"

struct crash_vfs {
    struct vfs vfs;
    struct vfs *disk;
    struct vfs *start; /* what was there in the beginning */
    struct crash_step **journal;
    unsigned count;
    unsigned capacity;
    unsigned inode_next;
    bool dead;
    bool calm;
    unsigned struck;
    struct {
        bool armed;
        unsigned skip;
        size_t keep;
    } faults[CRASH_FAULT_COUNT];
    struct crash_names names; /* as they are now: path to inode */
};

struct crash_file {
    struct vfs_file file;
    struct crash_vfs *crash;
    struct vfs_file *inner;
    unsigned inode;
};

static struct crash_vfs *crash_of(struct vfs *vfs)
{
    return CONTAINER_OF(vfs, struct crash_vfs, vfs);
}

static struct crash_file *crash_file_of(struct vfs_file *file)
{
    return CONTAINER_OF(file, struct crash_file, file);
}

static struct crash_step *step_add(struct crash_vfs *crash, enum crash_act act)
{
    struct crash_step *step;

    if (crash->count == crash->capacity) {
        crash->capacity = crash->capacity * 2 + 64;
        crash->journal = realloc(crash->journal, crash->capacity * sizeof(struct crash_step *));
        assert(crash->journal != NULL);
    }
    step = calloc(1, sizeof(*step));
    assert(step != NULL);
    crash->journal[crash->count++] = step;
    step->act = act;
    return step;
}

static void step_path(char *into, const char *path)
{
    (void)snprintf(into, VFS_PATH_MAX + 1, "%s", path);
}

/* Nothing can be read any more, but by the test. */
static bool is_gone(const struct crash_vfs *crash)
{
    return crash->dead && !crash->calm;
}

static bool fault_is_due(struct crash_vfs *crash, enum crash_fault fault)
{
    if (!crash->faults[fault].armed)
        return false;
    if (crash->faults[fault].skip-- > 0)
        return false;
    crash->faults[fault].armed = false;
    return true;
}

/* Whether the call that is about to be made fails; CRASH_FAULT_COUNT: it is of no kind of its own.
 * `out_keep` (or NULL): the bytes that an append writes all the same. */
static enum err fault_of(struct crash_vfs *crash, enum crash_fault own, size_t *out_keep)
{
    enum crash_fault hit = CRASH_FAULT_COUNT;

    if (crash->dead)
        return ERR_IO;
    if (crash->calm)
        return ERR_OK;
    if (own != CRASH_FAULT_COUNT && fault_is_due(crash, own))
        hit = own;
    if (crash->struck > 0 && fault_is_due(crash, CRASH_FAIL_AGAIN))
        hit = CRASH_FAIL_AGAIN;
    if (fault_is_due(crash, CRASH_FAIL_ANY))
        hit = CRASH_FAIL_ANY;
    if (crash->struck > 0 && fault_is_due(crash, CRASH_KILL_AFTER))
        hit = CRASH_KILL_AFTER;
    if (fault_is_due(crash, CRASH_KILL))
        hit = CRASH_KILL;
    crash->dead = hit == CRASH_KILL || hit == CRASH_KILL_AFTER;
    if (hit == CRASH_FAULT_COUNT)
        return ERR_OK;
    crash->struck++;
    if (out_keep != NULL)
        *out_keep = crash->faults[hit].keep;
    return hit == CRASH_FAIL_APPEND || hit == CRASH_FAIL_CREATE ? ERR_NO_SPACE : ERR_IO;
}

enum { PADDING_BYTES = 8 };

/* A write that fails leaves a part at most: less than a record that is whole but for its padding.
 */
static enum err write_begin(struct crash_vfs *crash, enum crash_fault fault, struct bytes *data)
{
    size_t most = data->len > PADDING_BYTES ? data->len - PADDING_BYTES : 0;
    size_t keep = 0;
    enum err err = fault_of(crash, fault, &keep);

    if (err != ERR_OK)
        *data = bytes_slice(*data, 0, keep < most ? keep : most);
    return err;
}

static struct crash_step *write_note(struct crash_file *file, enum crash_act act, struct bytes data)
{
    struct crash_step *step = step_add(file->crash, act);

    step->inode = file->inode;
    step->data = malloc(data.len + 1);
    assert(step->data != NULL);
    if (data.len > 0)
        memcpy(step->data, data.at, data.len);
    step->len = data.len;
    return step;
}

static enum err file_append(struct vfs_file *file, struct bytes data)
{
    struct crash_file *own = crash_file_of(file);
    enum err err = write_begin(own->crash, CRASH_FAIL_APPEND, &data);

    if (err != ERR_OK && data.len == 0)
        return err;
    (void)write_note(own, CRASH_APPEND, data);
    (void)vfs_append(own->inner, data);
    return err;
}

static enum err file_write(struct vfs_file *file, uint64_t offset, struct bytes data)
{
    struct crash_file *own = crash_file_of(file);
    enum err err = write_begin(own->crash, CRASH_FAIL_APPEND, &data);
    enum err written;

    if (err != ERR_OK && data.len == 0)
        return err;
    written = vfs_write(own->inner, offset, data);
    if (written != ERR_OK)
        return written;
    write_note(own, CRASH_WRITE, data)->at = (size_t)offset;
    return err;
}

static enum err file_read(struct vfs_file *file, uint64_t offset, void *into, size_t len,
                          unsigned flags)
{
    if (is_gone(crash_file_of(file)->crash))
        return ERR_IO;
    return vfs_read(crash_file_of(file)->inner, offset, into, len, flags);
}

/* A process that is killed has not synced; it has not marked anything clean either. */
static enum err file_sync(struct vfs_file *file)
{
    struct crash_file *own = crash_file_of(file);
    enum err err = fault_of(own->crash, CRASH_FAIL_SYNC, NULL);

    if (!own->crash->dead)
        step_add(own->crash, err != ERR_OK ? CRASH_SYNC_FAILED : CRASH_SYNC)->inode = own->inode;
    return err;
}

static enum err file_truncate(struct vfs_file *file, uint64_t size)
{
    struct crash_file *own = crash_file_of(file);
    enum err err = fault_of(own->crash, CRASH_FAIL_TRUNCATE, NULL);
    struct crash_step *step;

    if (err != ERR_OK)
        return err;
    step = step_add(own->crash, CRASH_TRUNCATE);
    step->inode = own->inode;
    step->len = (size_t)size;
    return own->inner->calls->truncate(own->inner, size);
}

static enum err file_size(struct vfs_file *file, uint64_t *out_size)
{
    if (is_gone(crash_file_of(file)->crash))
        return ERR_IO;
    return crash_file_of(file)->inner->calls->size(crash_file_of(file)->inner, out_size);
}

static void file_close(struct vfs_file *file)
{
    vfs_close(crash_file_of(file)->inner);
    free(crash_file_of(file));
}

static const struct vfs_file_calls crash_file_calls = {
    .append = file_append,
    .read = file_read,
    .sync = file_sync,
    .truncate = file_truncate,
    .write = file_write,
    .size = file_size,
    .close = file_close,
};

static enum err crash_open(struct vfs *vfs, const char *path, unsigned flags,
                           struct vfs_file **out_file)
{
    struct crash_vfs *crash = crash_of(vfs);
    bool is_new = crash_names_find(&crash->names, path) == 0;
    struct crash_file *file;
    struct vfs_file *inner;
    enum err err = is_gone(crash) ? ERR_IO : ERR_OK;

    if (is_new && (flags & VFS_OPEN_CREATE) != 0)
        err = fault_of(crash, CRASH_FAIL_CREATE, NULL);
    if (err != ERR_OK)
        return err;
    err = crash->disk->open(crash->disk, path, flags, &inner);
    if (err != ERR_OK)
        return err;
    if (is_new) {
        struct crash_step *step = step_add(crash, CRASH_CREATE);

        step->inode = crash->inode_next++;
        step_path(step->path, path);
        crash_names_set(&crash->names, path, step->inode);
    }
    file = calloc(1, sizeof(*file));
    assert(file != NULL);
    *file = (struct crash_file){
        { &crash_file_calls }, crash, inner, crash_names_find(&crash->names, path)
    };
    *out_file = &file->file;
    return ERR_OK;
}

static enum err crash_rename(struct vfs *vfs, const char *from, const char *to)
{
    struct crash_vfs *crash = crash_of(vfs);
    enum err err = fault_of(crash, CRASH_FAULT_COUNT, NULL);
    struct crash_step *step;

    if (err == ERR_OK)
        err = crash->disk->rename(crash->disk, from, to);
    if (err != ERR_OK)
        return err;
    step = step_add(crash, CRASH_RENAME);
    step->inode = crash_names_find(&crash->names, from);
    step_path(step->path, from);
    step_path(step->to, to);
    crash_names_set(&crash->names, to, step->inode);
    crash_names_remove(&crash->names, from);
    return ERR_OK;
}

static enum err crash_unlink(struct vfs *vfs, const char *path)
{
    struct crash_vfs *crash = crash_of(vfs);
    enum err err = fault_of(crash, CRASH_FAULT_COUNT, NULL);

    if (err == ERR_OK)
        err = crash->disk->unlink(crash->disk, path);
    if (err != ERR_OK)
        return err;
    step_path(step_add(crash, CRASH_UNLINK)->path, path);
    crash_names_remove(&crash->names, path);
    return ERR_OK;
}

static enum err crash_mkdir(struct vfs *vfs, const char *path)
{
    struct crash_vfs *crash = crash_of(vfs);
    enum err err = fault_of(crash, CRASH_FAULT_COUNT, NULL);

    if (err == ERR_OK)
        err = crash->disk->mkdir(crash->disk, path);
    if (err == ERR_OK)
        step_path(step_add(crash, CRASH_MKDIR)->path, path);
    return err;
}

static enum err crash_sync_dir(struct vfs *vfs, const char *path)
{
    struct crash_vfs *crash = crash_of(vfs);
    enum err err = fault_of(crash, CRASH_FAULT_COUNT, NULL);

    if (err == ERR_OK)
        err = crash->disk->sync_dir(crash->disk, path);
    if (!crash->dead)
        step_path(step_add(crash, err == ERR_OK ? CRASH_SYNC_DIR : CRASH_SYNC_DIR_FAILED)->path,
                  path);
    return err;
}

static enum err crash_list(struct vfs *vfs, const char *path, vfs_list_fn *each, void *context)
{
    if (is_gone(crash_of(vfs)))
        return ERR_IO;
    return crash_of(vfs)->disk->list(crash_of(vfs)->disk, path, each, context);
}

static enum err crash_lock(struct vfs *vfs, struct vfs_file *file)
{
    return crash_of(vfs)->disk->lock(crash_of(vfs)->disk, crash_file_of(file)->inner);
}

static enum err crash_identity(struct vfs *vfs, uint8_t out_identity[40])
{
    return crash_of(vfs)->disk->identity(crash_of(vfs)->disk, out_identity);
}

static void crash_random(struct vfs *vfs, void *into, size_t len)
{
    crash_of(vfs)->disk->random(crash_of(vfs)->disk, into, len);
}

struct crash_vfs *crash_vfs_new(struct vfs *disk)
{
    struct crash_vfs *crash = calloc(1, sizeof(*crash));

    assert(crash != NULL);
    crash->vfs = (struct vfs){
        .open = crash_open,
        .rename = crash_rename,
        .unlink = crash_unlink,
        .mkdir = crash_mkdir,
        .sync_dir = crash_sync_dir,
        .list = crash_list,
        .lock = crash_lock,
        .identity = crash_identity,
        .random = crash_random,
    };
    crash->disk = disk;
    crash->start = mem_vfs_copy(disk, 0);
    crash->inode_next = 1;
    for (unsigned i = 0; mem_vfs_path(disk, i) != NULL; i++) {
        if (!crash_path_is_directory(disk, mem_vfs_path(disk, i)))
            crash_names_set(&crash->names, mem_vfs_path(disk, i), crash->inode_next++);
    }
    return crash;
}

void crash_vfs_free(struct crash_vfs *crash)
{
    for (unsigned i = 0; i < crash->count; i++) {
        free(crash->journal[i]->data);
        free(crash->journal[i]);
    }
    free(crash->journal);
    crash_names_done(&crash->names);
    mem_vfs_free(crash->start);
    mem_vfs_free(crash->disk);
    free(crash);
}

struct vfs *crash_vfs_get(struct crash_vfs *crash)
{
    return &crash->vfs;
}

struct vfs *crash_vfs_cache(struct crash_vfs *crash)
{
    return crash->disk;
}

unsigned crash_vfs_steps(const struct crash_vfs *crash)
{
    return crash->count;
}

struct vfs *crash_vfs_cut(const struct crash_vfs *crash, unsigned steps, uint64_t seed)
{
    struct crash_walk *walk = crash_walk_new(crash);
    struct crash_choice choice = crash_choice_random(seed);
    struct vfs *disk;

    crash_walk_to(walk, steps);
    disk = crash_walk_draw(walk, &choice, seed);
    crash_walk_free(walk);
    return disk;
}

struct crash_walk {
    const struct crash_vfs *crash;
    struct crash_model *model;
    unsigned steps;
};

struct crash_walk *crash_walk_new(const struct crash_vfs *crash)
{
    struct crash_walk *walk = calloc(1, sizeof(*walk));

    assert(walk != NULL);
    walk->crash = crash;
    walk->model = crash_model_new(crash->start);
    return walk;
}

void crash_walk_free(struct crash_walk *walk)
{
    crash_model_free(walk->model);
    free(walk);
}

void crash_walk_to(struct crash_walk *walk, unsigned steps)
{
    assert(steps >= walk->steps && steps <= walk->crash->count);
    while (walk->steps < steps)
        crash_model_step(walk->model, walk->crash->journal[walk->steps++]);
}

struct vfs *crash_walk_draw(struct crash_walk *walk, struct crash_choice *choice, uint64_t seed)
{
    return crash_model_draw(walk->model, choice, seed);
}

void crash_vfs_fail(struct crash_vfs *crash, enum crash_fault fault, unsigned skip, size_t keep)
{
    crash->faults[fault].armed = true;
    crash->faults[fault].skip = skip;
    crash->faults[fault].keep = keep;
}

void crash_vfs_heal(struct crash_vfs *crash)
{
    memset(crash->faults, 0, sizeof(crash->faults));
    crash->dead = false;
}

bool crash_vfs_is_dead(const struct crash_vfs *crash)
{
    return crash->dead;
}

unsigned crash_vfs_faults(const struct crash_vfs *crash)
{
    return crash->struck;
}

void crash_vfs_calm(struct crash_vfs *crash, bool calm)
{
    crash->calm = calm;
}

void crash_vfs_print(const struct crash_vfs *crash)
{
    static const char *const acts[] = {
        [CRASH_CREATE] = "create",
        [CRASH_APPEND] = "append",
        [CRASH_WRITE] = "write",
        [CRASH_TRUNCATE] = "truncate",
        [CRASH_SYNC] = "sync",
        [CRASH_SYNC_FAILED] = "failed sync",
        [CRASH_RENAME] = "rename",
        [CRASH_UNLINK] = "unlink",
        [CRASH_MKDIR] = "mkdir",
        [CRASH_SYNC_DIR] = "sync_dir",
        [CRASH_SYNC_DIR_FAILED] = "failed sync_dir",
    };

    for (unsigned i = 0; i < crash->count; i++) {
        const struct crash_step *step = crash->journal[i];

        printf("%4u %-15s", i + 1, acts[step->act]);
        if (step->inode != 0)
            printf(" file %u", step->inode);
        if (step->path[0] != '\0' || step->to[0] != '\0')
            printf(" %s %s", step->path, step->to);
        printf(" %zu at %zu\n", step->len, step->at);
    }
}
