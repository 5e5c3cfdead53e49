/* The model of a disk without power: durable bytes and names, and the steps since then that may
 * have reached it. */
#include "kit/crash_model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "kit/mem_vfs.h"

enum { SECTOR_SMALL = 512, SECTOR_LARGE = 4096 };

#define FILE_BYTES_MAX ((size_t)1 << 40)

struct step_list {
    const struct crash_step **at;
    unsigned count;
    unsigned capacity;
};

struct model_file {
    struct mem_blob *base; /* on the disk for sure before `steps` */
    struct step_list steps; /* data and syncs since */
    bool doubtful; /* a sync among them failed */
    struct buf ghost; /* what was cut off, where it stood: its blocks may come back */
    size_t ghost_low;
    size_t size; /* as programs see it */
};

struct crash_model {
    struct vfs *start;
    struct model_file *files; /* by number; 0 is none */
    unsigned file_count;
    unsigned file_capacity;
    struct crash_names names; /* durable */
    struct step_list name_steps; /* since */
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

void crash_names_copy(struct crash_names *into, const struct crash_names *from)
{
    *into = (struct crash_names){ .count = from->count };
    into->list = malloc((from->count + 1) * sizeof(*into->list));
    assert(into->list != NULL);
    if (from->count > 0)
        memcpy(into->list, from->list, from->count * sizeof(*into->list));
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

static void list_add(struct step_list *list, const struct crash_step *step)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity * 2 + 16;
        list->at = realloc(list->at, list->capacity * sizeof(struct crash_step *));
        assert(list->at != NULL);
    }
    list->at[list->count++] = step;
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

static uint8_t *byte_at(const struct buf *bytes, size_t at)
{
    return bytes->at + bytes->start + at;
}

static bool is_data(const struct crash_step *step)
{
    return step->act == CRASH_APPEND || step->act == CRASH_TRUNCATE || step->act == CRASH_WRITE;
}

static void apply(struct buf *bytes, const struct crash_step *step)
{
    if (step->act == CRASH_TRUNCATE)
        resize(bytes, step->len);
    else if (step->act == CRASH_APPEND)
        buf_add(bytes, bytes_make(step->data, step->len));
    else if (step->len > 0) {
        if (step->at + step->len > bytes->len)
            resize(bytes, step->at + step->len);
        memcpy(byte_at(bytes, step->at), step->data, step->len);
    }
}

static size_t size_after(const struct crash_step *step, size_t before)
{
    if (step->act == CRASH_TRUNCATE)
        return step->len;
    if (step->act == CRASH_APPEND)
        return before + step->len;
    return step->at + step->len > before ? step->at + step->len : before;
}

/* The bytes that a step touches in a file of that size. */
struct extent {
    size_t low;
    size_t high;
};

static struct extent extent_of(const struct crash_step *step, size_t before)
{
    size_t after = size_after(step, before);

    if (step->act == CRASH_WRITE)
        return (struct extent){ step->at, step->at + step->len };
    return (struct extent){ before < after ? before : after, before < after ? after : before };
}

/* One file on its way to a disk: moves from sync to sync. */
struct settling {
    struct crash_model *model;
    const struct model_file *file;
    struct crash_choice *choice;
    struct buf durable; /* what the disk holds */
    struct buf cache; /* what programs saw at that moment */
    size_t sector;
};

/* What happened between two syncs. */
struct span {
    const struct crash_step *const *steps;
    unsigned count;
    unsigned data; /* of them */
    size_t size; /* before, as programs saw it */
    size_t low; /* first byte that was touched */
    size_t high;
};

static struct span span_of(const struct settling *file, const struct crash_step *const *steps,
                           unsigned count)
{
    size_t size = file->cache.len;
    struct span span = { .steps = steps, .count = count, .size = size, .low = SIZE_MAX };

    span.high = size > file->durable.len ? size : file->durable.len;
    for (unsigned i = 0; i < count; i++) {
        struct extent extent;

        if (!is_data(steps[i]))
            continue;
        extent = extent_of(steps[i], size);
        span.low = span.low < extent.low ? span.low : extent.low;
        span.high = span.high > extent.high ? span.high : extent.high;
        size = size_after(steps[i], size);
        span.data++;
    }
    return span;
}

/* Copies sector `index` of `from` over `into`; what `from` does not have there is zeros. */
static void sector_copy(struct buf *into, const struct buf *from, size_t index, size_t sector)
{
    size_t at = index * sector;
    size_t end = at + sector < into->len ? at + sector : into->len;

    if (at >= into->len)
        return;
    memset(byte_at(into, at), 0, end - at);
    if (at < from->len)
        memcpy(byte_at(into, at), byte_at(from, at), (end < from->len ? end : from->len) - at);
}

/* A file that has whole sectors on the disk: any, or, in turn, the youngest. NULL: none. */
static const struct model_file *any_other(struct settling *file)
{
    const struct crash_model *model = file->model;
    unsigned first = file->choice->in_turn ? model->file_count - 1
                                           : 1 + crash_choose(file->choice, model->file_count - 1);

    for (unsigned i = first; i > 0; i--) {
        const struct model_file *other = &model->files[i];

        if (other != file->file && mem_blob_bytes(other->base).len >= file->sector)
            return other;
    }
    return NULL;
}

/* Old bytes of some file, as a block brings them that was freed and taken again. */
static void fill_foreign(struct settling *file, size_t at, size_t len)
{
    const struct model_file *other = any_other(file);
    struct bytes bytes;
    size_t sectors;
    size_t back = 0;

    if (other == NULL)
        return;
    bytes = mem_blob_bytes(other->base);
    sectors = bytes.len / file->sector;
    if (!file->choice->in_turn)
        back = crash_choose(file->choice, (unsigned)(sectors < 1000 ? sectors : 1000));
    memcpy(byte_at(&file->durable, at), bytes.at + (sectors - 1 - back) * file->sector, len);
}

/* A block that the file grew by, whose bytes did not come: zeros, what stood there before the file
 * was cut, or bytes of others. */
static void fill_stale(struct settling *file, size_t at)
{
    const struct buf *ghost = &file->file->ghost;
    size_t end = at + file->sector < file->durable.len ? at + file->sector : file->durable.len;
    bool has_ghost = at >= file->file->ghost_low && at < ghost->len;
    unsigned kind = crash_choose(file->choice, has_ghost ? 3 : 2);

    if (kind == 1)
        fill_foreign(file, at, end - at);
    if (kind == 2)
        memcpy(byte_at(&file->durable, at), byte_at(ghost, at),
               (end < ghost->len ? end : ghost->len) - at);
}

/* How much of a cut's freedom is used: a good part of the disks lose all or keep all, the plain
 * cases being worth meeting often. */
enum manner { KEEP_ALL, LOSE_ALL, KEEP_SIZE, ANY_MOMENT };

static enum manner any_manner(struct crash_choice *choice)
{
    static const enum manner manners[] = { KEEP_ALL,   LOSE_ALL,   KEEP_SIZE,  ANY_MOMENT,
                                           ANY_MOMENT, ANY_MOMENT, ANY_MOMENT, ANY_MOMENT };

    return choice->in_turn ? ANY_MOMENT : manners[crash_choose(choice, 8)];
}

static bool touches(const struct crash_step *step, size_t before, size_t at, size_t sector)
{
    struct extent extent = extent_of(step, before);

    return extent.low < at + sector && extent.high > at;
}

/* The moment, counted in data steps of the span, from which a sector is. */
static unsigned moment_of(struct settling *file, const struct span *span, size_t at)
{
    unsigned choices = 1, wanted, seen = 0, moment = 0;
    size_t size = file->cache.len;

    for (int pass = 0; pass < 2; pass++) {
        wanted = pass == 0 ? UINT32_MAX : crash_choose(file->choice, choices);
        size = file->cache.len;
        for (unsigned i = 0, data = 0; i < span->count && seen < wanted; i++) {
            const struct crash_step *step = span->steps[i];

            if (!is_data(step))
                continue;
            data++;
            if (touches(step, size, at, file->sector)) {
                choices += pass == 0;
                seen += pass == 1;
                moment = pass == 1 ? data : 0;
            }
            size = size_after(step, size);
        }
    }
    return moment;
}

struct moments {
    unsigned *of_sector; /* from `first` on */
    size_t first;
    size_t count;
    unsigned of_size;
};

static struct moments choose_moments(struct settling *file, const struct span *span, bool whole)
{
    enum manner manner = whole ? KEEP_ALL : any_manner(file->choice);
    struct moments moments = { .first = span->low / file->sector };

    moments.count = span->high / file->sector + 1 - moments.first;
    moments.of_sector = malloc(moments.count * sizeof(unsigned));
    assert(moments.of_sector != NULL);
    moments.of_size = span->data;
    if (manner == ANY_MOMENT)
        moments.of_size = crash_choose(file->choice, span->data + 1);
    if (manner == LOSE_ALL)
        moments.of_size = 0;
    for (size_t i = 0; i < moments.count; i++) {
        if (manner == KEEP_ALL || manner == LOSE_ALL)
            moments.of_sector[i] = moments.of_size;
        else
            moments.of_sector[i] = moment_of(file, span, (moments.first + i) * file->sector);
    }
    return moments;
}

/* Takes the sectors as they were after data step `moment`. */
static void take_sectors(struct settling *file, const struct moments *moments, unsigned moment)
{
    for (size_t i = 0; i < moments->count; i++) {
        if (moments->of_sector[i] == moment)
            sector_copy(&file->durable, &file->cache, moments->first + i, file->sector);
    }
}

/* The size of the file, on the disk at first, then as programs saw it after a data step. */
static size_t size_at(const struct span *span, size_t had, unsigned moment)
{
    size_t size = span->size;

    if (moment == 0)
        return had;
    for (unsigned i = 0; i < span->count && moment > 0; i++) {
        if (!is_data(span->steps[i]))
            continue;
        size = size_after(span->steps[i], size);
        moment--;
    }
    return size;
}

/* Whole sectors from a moment at which the file did not reach that far. */
static void fill_grown(struct settling *file, const struct span *span,
                       const struct moments *moments, size_t had)
{
    for (size_t i = 0; i < moments->count; i++) {
        size_t at = (moments->first + i) * file->sector;

        if (at < file->durable.len && at >= size_at(span, had, moments->of_sector[i]))
            fill_stale(file, at);
    }
}

/* `whole`: the sync succeeded, all that it touched is on the disk. Else every touched sector, and
 * the size, are of any moment in between. */
static void settle(struct settling *file, const struct span *span, bool whole)
{
    size_t had = file->durable.len;
    size_t size = had;
    struct moments moments;
    unsigned data = 0;

    if (span->data == 0)
        return;
    moments = choose_moments(file, span, whole);
    resize(&file->durable, span->high > had ? span->high : had);
    for (unsigned i = 0; i < span->count; i++) {
        if (!is_data(span->steps[i]))
            continue;
        apply(&file->cache, span->steps[i]);
        take_sectors(file, &moments, ++data);
        if (moments.of_size == data)
            size = file->cache.len;
    }
    resize(&file->durable, size);
    if (!whole)
        fill_grown(file, span, &moments, had);
    free(moments.of_sector);
}

static struct mem_blob *settle_file(struct crash_model *model, const struct model_file *file,
                                    struct crash_choice *choice)
{
    struct settling settling = { .model = model, .file = file, .choice = choice };
    struct mem_blob *blob;
    unsigned from = 0;

    settling.durable.max = settling.cache.max = FILE_BYTES_MAX;
    buf_add(&settling.durable, mem_blob_bytes(file->base));
    buf_add(&settling.cache, mem_blob_bytes(file->base));
    settling.sector = crash_choose(choice, 2) == 0 ? SECTOR_LARGE : SECTOR_SMALL;
    for (unsigned i = 0; i <= file->steps.count; i++) {
        bool at_end = i == file->steps.count;
        struct span span;

        if (!at_end && is_data(file->steps.at[i]))
            continue;
        span = span_of(&settling, file->steps.at + from, i - from);
        settle(&settling, &span, !at_end && file->steps.at[i]->act == CRASH_SYNC);
        from = i + 1;
    }
    blob = mem_blob_new(buf_bytes(&settling.durable));
    buf_done(&settling.durable);
    buf_done(&settling.cache);
    return blob;
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
    case CRASH_WRITE:
    case CRASH_TRUNCATE:
    case CRASH_SYNC:
    case CRASH_SYNC_FAILED:
    case CRASH_SYNC_DIR:
    case CRASH_SYNC_DIR_FAILED: break;
    }
}

static void add_file(struct crash_model *model, struct bytes bytes)
{
    struct model_file *file;

    if (model->file_count == model->file_capacity) {
        model->file_capacity = model->file_capacity * 2 + 16;
        model->files = realloc(model->files, model->file_capacity * sizeof(*model->files));
        assert(model->files != NULL);
    }
    file = &model->files[model->file_count++];
    *file = (struct model_file){ .base = mem_blob_new(bytes), .size = bytes.len };
    file->ghost.max = FILE_BYTES_MAX;
}

struct crash_model *crash_model_new(struct vfs *start)
{
    struct crash_model *model = calloc(1, sizeof(*model));

    assert(model != NULL);
    model->start = start;
    add_file(model, bytes_make(NULL, 0)); /* number 0 */
    for (unsigned i = 0; mem_vfs_path(start, i) != NULL; i++) {
        const char *path = mem_vfs_path(start, i);
        bool is_directory = crash_path_is_directory(start, path);

        crash_names_set(&model->names, path, is_directory ? 0 : model->file_count);
        if (!is_directory)
            add_file(model, mem_vfs_file(start, path));
    }
    return model;
}

void crash_model_free(struct crash_model *model)
{
    for (unsigned i = 0; i < model->file_count; i++) {
        mem_blob_drop(model->files[i].base);
        buf_done(&model->files[i].ghost);
        free(model->files[i].steps.at);
    }
    free(model->files);
    free(model->name_steps.at);
    crash_names_done(&model->names);
    free(model);
}

/* Remembers what a truncate takes away. */
static void keep_ghost(struct model_file *file, size_t size)
{
    struct buf cache = buf_make(FILE_BYTES_MAX);

    buf_add(&cache, mem_blob_bytes(file->base));
    for (unsigned i = 0; i < file->steps.count; i++)
        if (is_data(file->steps.at[i]))
            apply(&cache, file->steps.at[i]);
    if (file->ghost.len == 0 || size < file->ghost_low)
        file->ghost_low = size;
    resize(&file->ghost, cache.len > file->ghost.len ? cache.len : file->ghost.len);
    memcpy(byte_at(&file->ghost, size), byte_at(&cache, size), cache.len - size);
    buf_done(&cache);
}

/* After a sync that succeeded, and none before it that failed, all disks agree. */
static void rebase(struct model_file *file)
{
    struct buf bytes = buf_make(FILE_BYTES_MAX);

    buf_add(&bytes, mem_blob_bytes(file->base));
    for (unsigned i = 0; i < file->steps.count; i++)
        apply(&bytes, file->steps.at[i]);
    mem_blob_drop(file->base);
    file->base = mem_blob_new(buf_bytes(&bytes));
    file->steps.count = 0;
    buf_done(&bytes);
}

static void settle_directory(struct crash_model *model, const char *directory)
{
    struct step_list *list = &model->name_steps;
    unsigned kept = 0;

    for (unsigned i = 0; i < list->count; i++) {
        if (is_in_directory(list->at[i]->path, directory))
            apply_name(&model->names, list->at[i]);
        else
            list->at[kept++] = list->at[i];
    }
    list->count = kept;
}

static void step_in_file(struct model_file *file, const struct crash_step *step)
{
    if (step->act == CRASH_TRUNCATE && step->len < file->size)
        keep_ghost(file, step->len);
    if (is_data(step))
        file->size = size_after(step, file->size);
    if (step->act == CRASH_SYNC && !file->doubtful) {
        if (file->steps.count > 0)
            rebase(file);
        return;
    }
    if (step->act == CRASH_SYNC_FAILED && file->steps.count > 0)
        file->doubtful = true;
    if (is_data(step) || file->steps.count > 0)
        list_add(&file->steps, step);
}

void crash_model_step(struct crash_model *model, const struct crash_step *step)
{
    switch (step->act) {
    case CRASH_CREATE:
        assert(step->inode == model->file_count);
        add_file(model, bytes_make(NULL, 0));
        list_add(&model->name_steps, step);
        break;
    case CRASH_RENAME:
    case CRASH_UNLINK:
    case CRASH_MKDIR: list_add(&model->name_steps, step); break;
    case CRASH_APPEND:
    case CRASH_WRITE:
    case CRASH_TRUNCATE:
    case CRASH_SYNC:
    case CRASH_SYNC_FAILED: step_in_file(&model->files[step->inode], step); break;
    case CRASH_SYNC_DIR: settle_directory(model, step->path); break;
    case CRASH_SYNC_DIR_FAILED: break;
    }
}

/* Which name changes count: those covered by a sync_dir, and any of the others. */
static void settle_names(struct crash_model *model, struct crash_choice *choice,
                         struct crash_names *out_names)
{
    unsigned manner = choice->in_turn ? 2 : crash_choose(choice, 4);

    crash_names_copy(out_names, &model->names);
    for (unsigned i = 0; i < model->name_steps.count; i++) {
        if (manner == 0 || (manner > 1 && crash_choose(choice, 2) == 0))
            apply_name(out_names, model->name_steps.at[i]);
    }
}

static void draw_file(struct crash_model *model, struct crash_choice *choice, struct vfs *disk,
                      const struct crash_name *name)
{
    const struct model_file *file = &model->files[name->inode];
    struct mem_blob *blob;

    if (file->steps.count == 0) {
        mem_vfs_add(disk, name->path, file->base);
        return;
    }
    blob = settle_file(model, file, choice);
    mem_vfs_add(disk, name->path, blob);
    mem_blob_drop(blob);
}

struct vfs *crash_model_draw(struct crash_model *model, struct crash_choice *choice, uint64_t seed)
{
    struct vfs *disk = mem_vfs_new_like(model->start, seed);
    struct crash_names names;

    settle_names(model, choice, &names);
    mem_vfs_change_identity(disk, MEM_BOOT);
    for (unsigned i = 0; i < names.count; i++) {
        if (names.list[i].inode == 0)
            (void)disk->mkdir(disk, names.list[i].path);
    }
    for (unsigned i = 0; i < names.count; i++) {
        if (names.list[i].inode != 0)
            draw_file(model, choice, disk, &names.list[i]);
    }
    crash_names_done(&names);
    return disk;
}
