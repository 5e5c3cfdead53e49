/* A copy in pieces, between the calls of whoever uses the disk. */
#include "kit/copier.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "kit/mem_vfs.h"
#include "kit/random.h"
#include "store/segment.h"

enum { NAMES_MAX = 4096, PAGE_BYTES = 4096, WORD_BYTES = 8, PIECE_WORDS_MAX = 4096 };

enum { NAP_CALLS_MAX = 500, READS_PER_CALL = 8 };

struct copier {
    struct vfs vfs;
    struct vfs *disk;
    struct vfs *to; /* NULL: no copy is under way */
    unsigned pace;
    struct test_random random;
    char names[NAMES_MAX][VFS_PATH_MAX + 1]; /* still to be taken, from the end */
    unsigned count;
    const char *listing; /* the directory being listed */
    struct vfs_file *from; /* the file being copied */
    struct vfs_file *into;
    uint64_t at;
    unsigned nap; /* calls until it goes on */
    void (*call)(void *context);
    void *context;
    bool calling;
    unsigned reads_per_call;
};

struct copier_file {
    struct vfs_file file;
    struct copier *copier;
    struct vfs_file *inner;
};

static struct copier *copier_of(struct vfs *vfs)
{
    return CONTAINER_OF(vfs, struct copier, vfs);
}

static struct copier_file *file_of(struct vfs_file *file)
{
    return CONTAINER_OF(file, struct copier_file, file);
}

/* Copying. */

static void add_name(void *context, struct bytes name)
{
    struct copier *copier = context;
    unsigned at = (unsigned)test_random_below(&copier->random, copier->count + 1);

    assert(copier->count < NAMES_MAX);
    if (at < copier->count)
        memcpy(copier->names[copier->count], copier->names[at], sizeof(copier->names[0]));
    (void)snprintf(copier->names[at], sizeof(copier->names[0]), "%s%s%.*s", copier->listing,
                   copier->listing[0] == '\0' ? "" : "/", BYTES_ARG(name));
    copier->count++;
}

/* Half of the copies begin with the log segment that is being written, before it is full. */
static void prefer_present(struct copier *copier)
{
    char top[VFS_PATH_MAX + 1];
    unsigned last = copier->count;

    for (unsigned i = 0; i < copier->count; i++)
        if (strstr(copier->names[i], ".log") != NULL &&
            (last == copier->count || strcmp(copier->names[i], copier->names[last]) > 0))
            last = i;
    if (last == copier->count || test_random_below(&copier->random, 2) == 0)
        return;
    memcpy(top, copier->names[copier->count - 1], sizeof(top));
    memcpy(copier->names[copier->count - 1], copier->names[last], sizeof(top));
    memcpy(copier->names[last], top, sizeof(top));
}

/* The names of a directory below go on top, so that it is copied before what stands beside it. */
static void take_directory(struct copier *copier, const char *path)
{
    unsigned below = copier->count;
    static char upper[NAMES_MAX][VFS_PATH_MAX + 1];

    memcpy(upper, copier->names, below * sizeof(upper[0]));
    copier->count = 0;
    copier->listing = path;
    assert(copier->disk->list(copier->disk, path, add_name, copier) == ERR_OK);
    assert(below + copier->count < NAMES_MAX);
    prefer_present(copier);
    memmove(copier->names[below], copier->names[0], copier->count * sizeof(upper[0]));
    memcpy(copier->names, upper, below * sizeof(upper[0]));
    copier->count += below;
}

static void take_name(struct copier *copier)
{
    char path[VFS_PATH_MAX + 1];
    enum err err;

    memcpy(path, copier->names[--copier->count], sizeof(path));
    err = copier->disk->open(copier->disk, path, VFS_OPEN_READ, &copier->from);
    if (err == ERR_NOT_FOUND)
        return;
    if (err == ERR_INVALID) {
        assert(copier->to->mkdir(copier->to, path) == ERR_OK);
        take_directory(copier, path);
        return;
    }
    assert(err == ERR_OK);
    copier->at = 0;
    err = copier->to->open(copier->to, path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &copier->into);
    assert(err == ERR_OK);
}

/* To the end of the page; or any number of words: who reads may be overtaken in the middle. */
static uint64_t any_piece(struct copier *copier)
{
    if (test_random_below(&copier->random, 4) > 0)
        return PAGE_BYTES - copier->at % PAGE_BYTES;
    return WORD_BYTES * (1 + test_random_below(&copier->random, PIECE_WORDS_MAX));
}

/* Then it may be space that somebody is about to write over: the worst time to be late. */
static bool ends_in_zeros(const uint8_t *piece, size_t len)
{
    static const uint8_t zeros[WORD_BYTES];

    return len >= WORD_BYTES && memcmp(piece + len - WORD_BYTES, zeros, WORD_BYTES) == 0;
}

static void copy_piece(struct copier *copier)
{
    static uint8_t piece[WORD_BYTES * PIECE_WORDS_MAX];
    uint64_t want = any_piece(copier);
    uint64_t size;

    assert(copier->from->calls->size(copier->from, &size) == ERR_OK);
    if (copier->at >= size) {
        vfs_close(copier->from);
        vfs_close(copier->into);
        copier->from = NULL;
        return;
    }
    if (want > size - copier->at)
        want = size - copier->at;
    assert(vfs_read(copier->from, copier->at, piece, (size_t)want, 0) == ERR_OK);
    assert(vfs_append(copier->into, bytes_make(piece, (size_t)want)) == ERR_OK);
    copier->at += want;
    if (copier->at > SEGMENT_RECORDS_AT && ends_in_zeros(piece, (size_t)want))
        copier->nap = (unsigned)test_random_below(&copier->random, NAP_CALLS_MAX);
}

bool copier_is_done(const struct copier *copier)
{
    return copier->count == 0 && copier->from == NULL;
}

static void go_on(struct copier *copier)
{
    if (copier->from != NULL)
        copy_piece(copier);
    else if (copier->count > 0)
        take_name(copier);
}

void copier_on_call(struct copier *copier, void (*call)(void *context), void *context)
{
    copier->call = call;
    copier->context = context;
}

void copier_on_every_read(struct copier *copier)
{
    copier->reads_per_call = 1;
}

static void between_calls(struct copier *copier)
{
    if (copier->call != NULL && !copier->calling) {
        copier->calling = true;
        copier->call(copier->context);
        copier->calling = false;
    }
    if (copier->nap > 0) {
        copier->nap--;
        return;
    }
    while (copier->to != NULL && copier->nap == 0 &&
           test_random_below(&copier->random, copier->pace + 1) == 0)
        go_on(copier);
}

void copier_begin(struct copier *copier, struct vfs *to, unsigned pace)
{
    assert(copier->to == NULL);
    copier->to = to;
    copier->pace = pace;
    copier->count = 0;
    take_directory(copier, "");
}

void copier_finish(struct copier *copier)
{
    while (!copier_is_done(copier))
        go_on(copier);
    copier->to = NULL;
    copier->nap = 0;
}

/* The disk. */

static enum err file_append(struct vfs_file *file, struct bytes data)
{
    between_calls(file_of(file)->copier);
    return vfs_append(file_of(file)->inner, data);
}

static enum err file_read(struct vfs_file *file, uint64_t offset, void *into, size_t len,
                          unsigned flags)
{
    struct copier *copier = file_of(file)->copier;

    if (copier->call != NULL && test_random_below(&copier->random, copier->reads_per_call) == 0)
        between_calls(copier);
    return vfs_read(file_of(file)->inner, offset, into, len, flags);
}

static enum err file_sync(struct vfs_file *file)
{
    between_calls(file_of(file)->copier);
    return vfs_sync(file_of(file)->inner);
}

static enum err file_truncate(struct vfs_file *file, uint64_t size)
{
    struct vfs_file *inner = file_of(file)->inner;

    between_calls(file_of(file)->copier);
    return inner->calls->truncate(inner, size);
}

static enum err file_write(struct vfs_file *file, uint64_t offset, struct bytes data)
{
    between_calls(file_of(file)->copier);
    return vfs_write(file_of(file)->inner, offset, data);
}

static enum err file_size(struct vfs_file *file, uint64_t *out_size)
{
    struct vfs_file *inner = file_of(file)->inner;

    return inner->calls->size(inner, out_size);
}

static void file_close(struct vfs_file *file)
{
    between_calls(file_of(file)->copier);
    vfs_close(file_of(file)->inner);
    free(file_of(file));
}

static const struct vfs_file_calls file_calls = {
    .append = file_append,
    .read = file_read,
    .sync = file_sync,
    .truncate = file_truncate,
    .write = file_write,
    .size = file_size,
    .close = file_close,
};

static enum err disk_open(struct vfs *vfs, const char *path, unsigned flags,
                          struct vfs_file **out_file)
{
    struct copier *copier = copier_of(vfs);
    struct copier_file *file = calloc(1, sizeof(*file));
    enum err err;

    assert(file != NULL);
    between_calls(copier);
    err = copier->disk->open(copier->disk, path, flags, &file->inner);
    if (err != ERR_OK) {
        free(file);
        return err;
    }
    file->file.calls = &file_calls;
    file->copier = copier;
    *out_file = &file->file;
    return ERR_OK;
}

static enum err disk_rename(struct vfs *vfs, const char *from, const char *to)
{
    between_calls(copier_of(vfs));
    return copier_of(vfs)->disk->rename(copier_of(vfs)->disk, from, to);
}

static enum err disk_unlink(struct vfs *vfs, const char *path)
{
    between_calls(copier_of(vfs));
    return copier_of(vfs)->disk->unlink(copier_of(vfs)->disk, path);
}

static enum err disk_mkdir(struct vfs *vfs, const char *path)
{
    between_calls(copier_of(vfs));
    return copier_of(vfs)->disk->mkdir(copier_of(vfs)->disk, path);
}

static enum err disk_sync_dir(struct vfs *vfs, const char *path)
{
    between_calls(copier_of(vfs));
    return copier_of(vfs)->disk->sync_dir(copier_of(vfs)->disk, path);
}

static enum err disk_list(struct vfs *vfs, const char *path, vfs_list_fn *each, void *context)
{
    return copier_of(vfs)->disk->list(copier_of(vfs)->disk, path, each, context);
}

static enum err disk_lock(struct vfs *vfs, struct vfs_file *file)
{
    return copier_of(vfs)->disk->lock(copier_of(vfs)->disk, file_of(file)->inner);
}

static enum err disk_identity(struct vfs *vfs, uint8_t out_identity[40])
{
    return copier_of(vfs)->disk->identity(copier_of(vfs)->disk, out_identity);
}

static void disk_random(struct vfs *vfs, void *into, size_t len)
{
    copier_of(vfs)->disk->random(copier_of(vfs)->disk, into, len);
}

struct copier *copier_new(struct vfs *disk, uint64_t seed)
{
    struct copier *copier = calloc(1, sizeof(*copier));

    assert(copier != NULL);
    copier->vfs = (struct vfs){
        .open = disk_open,
        .rename = disk_rename,
        .unlink = disk_unlink,
        .mkdir = disk_mkdir,
        .sync_dir = disk_sync_dir,
        .list = disk_list,
        .lock = disk_lock,
        .identity = disk_identity,
        .random = disk_random,
    };
    copier->disk = disk;
    copier->reads_per_call = READS_PER_CALL;
    copier->random.state = seed;
    return copier;
}

void copier_free(struct copier *copier)
{
    free(copier);
}

struct vfs *copier_get(struct copier *copier)
{
    return &copier->vfs;
}
