/* The memory disk: a list of names, each pointing at an inode that is shared with open files. The
 * bytes of an inode are a blob, shared with copies of the disk until one of them writes. */
#include "kit/mem_vfs.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "kit/random.h"

enum { IDENTITY_BYTES = 40 };

struct mem_blob {
    struct buf bytes;
    unsigned holders;
    bool hashed;
    uint64_t hash; /* of the bytes */
};

struct inode {
    struct mem_blob *blob;
    unsigned links; /* names and open files */
    bool directory;
    bool warm;
    bool forgotten;
    uint64_t unwritten;
    uint64_t unwritten_most;
    const struct vfs_file *locked_by;
};

struct node {
    char path[VFS_PATH_MAX + 1];
    struct inode *inode;
};

struct mem_vfs {
    struct vfs vfs;
    struct node *nodes;
    unsigned count;
    unsigned capacity;
    unsigned open_files;
    uint64_t reads;
    bool cold;
    uint64_t room;
    struct test_random random;
    uint8_t identity[IDENTITY_BYTES];
};

struct mem_file {
    struct vfs_file file;
    struct mem_vfs *vfs;
    struct inode *inode;
    bool writable;
};

static struct mem_vfs *mem_of(struct vfs *vfs)
{
    return CONTAINER_OF(vfs, struct mem_vfs, vfs);
}

static struct mem_file *mem_file_of(struct vfs_file *file)
{
    return CONTAINER_OF(file, struct mem_file, file);
}

struct mem_blob *mem_blob_new(struct bytes bytes)
{
    struct mem_blob *blob = calloc(1, sizeof(*blob));

    assert(blob != NULL);
    blob->bytes.max = (size_t)1 << 40;
    blob->holders = 1;
    buf_add(&blob->bytes, bytes);
    return blob;
}

struct mem_blob *mem_blob_hold(struct mem_blob *blob)
{
    blob->holders++;
    return blob;
}

void mem_blob_drop(struct mem_blob *blob)
{
    if (blob == NULL || --blob->holders > 0)
        return;
    buf_done(&blob->bytes);
    free(blob);
}

struct bytes mem_blob_bytes(const struct mem_blob *blob)
{
    return buf_bytes(&blob->bytes);
}

static uint64_t hash_bytes(uint64_t hash, struct bytes bytes)
{
    uint64_t word;

    for (; bytes.len >= sizeof(word); bytes = bytes_from(bytes, sizeof(word))) {
        memcpy(&word, bytes.at, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
        hash ^= hash >> 32;
    }
    word = bytes.len;
    if (bytes.len > 0)
        memcpy((uint8_t *)&word + 1, bytes.at, bytes.len);
    hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 29;
}

static uint64_t blob_hash(struct mem_blob *blob)
{
    if (!blob->hashed)
        blob->hash = hash_bytes(blob->bytes.len, buf_bytes(&blob->bytes));
    blob->hashed = true;
    return blob->hash;
}

static struct inode *inode_new(bool directory, struct mem_blob *blob)
{
    struct inode *inode = calloc(1, sizeof(*inode));

    assert(inode != NULL);
    inode->blob = blob;
    inode->directory = directory;
    inode->links = 1;
    return inode;
}

static struct inode *inode_empty(bool directory)
{
    return inode_new(directory, mem_blob_new(bytes_make(NULL, 0)));
}

static void inode_drop(struct inode *inode)
{
    if (--inode->links > 0)
        return;
    mem_blob_drop(inode->blob);
    free(inode);
}

/* The bytes, to be written to. */
static struct buf *inode_own(struct inode *inode)
{
    struct mem_blob *shared = inode->blob;

    if (shared->holders > 1) {
        inode->blob = mem_blob_new(buf_bytes(&shared->bytes));
        mem_blob_drop(shared);
    }
    inode->blob->hashed = false;
    return &inode->blob->bytes;
}

static struct node *node_find(struct mem_vfs *mem, const char *path)
{
    for (unsigned i = 0; i < mem->count; i++) {
        if (strcmp(mem->nodes[i].path, path) == 0)
            return &mem->nodes[i];
    }
    return NULL;
}

static bool parent_is_there(struct mem_vfs *mem, const char *path)
{
    const char *slash = strrchr(path, '/');
    char parent[VFS_PATH_MAX + 1];
    struct node *node;

    if (slash == NULL)
        return true;
    (void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
    node = node_find(mem, parent);
    return node != NULL && node->inode->directory;
}

static void node_add(struct mem_vfs *mem, const char *path, struct inode *inode)
{
    assert(strlen(path) <= VFS_PATH_MAX);
    if (mem->count == mem->capacity) {
        mem->capacity = mem->capacity * 2 + 16;
        mem->nodes = realloc(mem->nodes, mem->capacity * sizeof(*mem->nodes));
        assert(mem->nodes != NULL);
    }
    (void)snprintf(mem->nodes[mem->count].path, sizeof(mem->nodes[0].path), "%s", path);
    mem->nodes[mem->count++].inode = inode;
}

static void node_remove(struct mem_vfs *mem, struct node *node)
{
    size_t index = (size_t)(node - mem->nodes);

    inode_drop(node->inode);
    memmove(node, node + 1, (mem->count - index - 1) * sizeof(*node));
    mem->count--;
}

static enum err file_append(struct vfs_file *file, struct bytes data)
{
    struct mem_file *mem = mem_file_of(file);

    assert(mem->writable);
    buf_add(inode_own(mem->inode), data);
    mem->inode->unwritten += data.len;
    if (mem->inode->unwritten > mem->inode->unwritten_most)
        mem->inode->unwritten_most = mem->inode->unwritten;
    return ERR_OK;
}

static enum err file_read(struct vfs_file *file, uint64_t offset, void *into, size_t len,
                          unsigned flags)
{
    struct mem_file *mem = mem_file_of(file);
    struct bytes all = mem_blob_bytes(mem->inode->blob);

    mem->vfs->reads++;
    if (offset > all.len || len > all.len - offset)
        return ERR_CORRUPT;
    if ((flags & VFS_READ_NOWAIT) == 0)
        mem->inode->warm = true;
    else if (mem->vfs->cold && !mem->inode->warm)
        return ERR_BUSY;
    if (len > 0)
        memcpy(into, all.at + offset, len);
    return ERR_OK;
}

static enum err file_sync(struct vfs_file *file)
{
    mem_file_of(file)->inode->unwritten = 0;
    return ERR_OK;
}

static enum err file_truncate(struct vfs_file *file, uint64_t size)
{
    struct mem_file *mem = mem_file_of(file);
    struct buf *bytes = inode_own(mem->inode);

    assert(mem->writable);
    if (size < bytes->len)
        buf_truncate(bytes, (size_t)size);
    while (bytes->len < size)
        buf_add_byte(bytes, 0);
    return ERR_OK;
}

static enum err file_write(struct vfs_file *file, uint64_t offset, struct bytes data)
{
    struct mem_file *mem = mem_file_of(file);
    struct buf *bytes = inode_own(mem->inode);
    struct bytes over = bytes_slice(data, 0, bytes->len - (size_t)offset);

    assert(mem->writable && offset <= bytes->len);
    if (over.len > 0)
        memcpy(bytes->at + bytes->start + offset, over.at, over.len);
    buf_add(bytes, bytes_from(data, over.len));
    return ERR_OK;
}

static enum err file_size(struct vfs_file *file, uint64_t *out_size)
{
    *out_size = mem_file_of(file)->inode->blob->bytes.len;
    return ERR_OK;
}

static enum err file_room(struct vfs_file *file, uint64_t *out_bytes)
{
    *out_bytes = mem_file_of(file)->vfs->room;
    return ERR_OK;
}

static void file_hint(struct vfs_file *file, uint64_t offset, uint64_t len, enum vfs_hint hint)
{
    struct inode *inode = mem_file_of(file)->inode;
    uint64_t size = inode->blob->bytes.len;
    uint64_t end = len == 0 ? size : offset + len;

    if (hint == VFS_HINT_FORGET)
        inode->forgotten = offset == 0 && len == 0;
    else if (end >= size && size - offset >= inode->unwritten)
        inode->unwritten = 0;
}

static void file_close(struct vfs_file *file)
{
    struct mem_file *mem = mem_file_of(file);

    if (mem->inode->locked_by == file)
        mem->inode->locked_by = NULL;
    inode_drop(mem->inode);
    mem->vfs->open_files--;
    free(mem);
}

static const struct vfs_file_calls mem_file_calls = {
    .append = file_append,
    .read = file_read,
    .sync = file_sync,
    .truncate = file_truncate,
    .write = file_write,
    .size = file_size,
    .room = file_room,
    .hint = file_hint,
    .close = file_close,
};

static enum err mem_open(struct vfs *vfs, const char *path, unsigned flags,
                         struct vfs_file **out_file)
{
    struct mem_vfs *mem = mem_of(vfs);
    struct node *node = node_find(mem, path);
    struct mem_file *file;

    if (node != NULL && (flags & VFS_OPEN_EXCLUSIVE) != 0)
        return ERR_EXISTS;
    if (node == NULL && ((flags & VFS_OPEN_CREATE) == 0 || !parent_is_there(mem, path)))
        return ERR_NOT_FOUND;
    if (node == NULL) {
        node_add(mem, path, inode_empty(false));
        node = node_find(mem, path);
    }
    if (node->inode->directory)
        return ERR_INVALID;
    file = calloc(1, sizeof(*file));
    assert(file != NULL);
    file->file.calls = &mem_file_calls;
    file->vfs = mem;
    file->inode = node->inode;
    file->inode->links++;
    file->writable = (flags & VFS_OPEN_WRITE) != 0;
    mem->open_files++;
    *out_file = &file->file;
    return ERR_OK;
}

static enum err mem_unlink(struct vfs *vfs, const char *path)
{
    struct node *node = node_find(mem_of(vfs), path);

    if (node == NULL)
        return ERR_NOT_FOUND;
    node_remove(mem_of(vfs), node);
    return ERR_OK;
}

static enum err mem_rename(struct vfs *vfs, const char *from, const char *to)
{
    struct mem_vfs *mem = mem_of(vfs);
    struct node *node = node_find(mem, from);
    struct inode *inode;

    if (node == NULL || !parent_is_there(mem, to))
        return ERR_NOT_FOUND;
    assert(!node->inode->directory);
    inode = node->inode;
    inode->links++;
    node_remove(mem, node);
    mem_vfs_remove(vfs, to);
    node_add(mem, to, inode);
    return ERR_OK;
}

static enum err mem_mkdir(struct vfs *vfs, const char *path)
{
    if (node_find(mem_of(vfs), path) != NULL)
        return ERR_EXISTS;
    if (!parent_is_there(mem_of(vfs), path))
        return ERR_NOT_FOUND;
    node_add(mem_of(vfs), path, inode_empty(true));
    return ERR_OK;
}

static enum err mem_sync_dir(struct vfs *vfs, const char *path)
{
    struct node *node = node_find(mem_of(vfs), path);

    return path[0] == '\0' || (node != NULL && node->inode->directory) ? ERR_OK : ERR_NOT_FOUND;
}

static enum err mem_list(struct vfs *vfs, const char *path, vfs_list_fn *each, void *context)
{
    struct mem_vfs *mem = mem_of(vfs);
    size_t skip = strlen(path) + (path[0] != '\0');

    if (mem_sync_dir(vfs, path) != ERR_OK)
        return ERR_NOT_FOUND;
    for (unsigned i = 0; i < mem->count; i++) {
        const char *name = mem->nodes[i].path;

        if (strncmp(name, path, strlen(path)) != 0 || strlen(name) <= skip)
            continue;
        if ((skip > 0 && name[skip - 1] != '/') || strchr(name + skip, '/') != NULL)
            continue;
        each(context, bytes_from_string(name + skip));
    }
    return ERR_OK;
}

static enum err mem_lock(struct vfs *vfs, struct vfs_file *file)
{
    struct mem_file *mem = mem_file_of(file);

    assert(mem->writable);
    if (mem->inode->locked_by != NULL && mem->inode->locked_by != file)
        return ERR_BUSY;
    mem->inode->locked_by = file;
    return ERR_OK;
}

static enum err mem_get_identity(struct vfs *vfs, uint8_t out_identity[40])
{
    memcpy(out_identity, mem_of(vfs)->identity, IDENTITY_BYTES);
    return ERR_OK;
}

static void mem_random(struct vfs *vfs, void *into, size_t len)
{
    uint8_t *at = into;

    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)test_random_next(&mem_of(vfs)->random);
}

struct vfs *mem_vfs_new(uint64_t seed)
{
    struct mem_vfs *mem = calloc(1, sizeof(*mem));

    assert(mem != NULL);
    mem->vfs = (struct vfs){
        .open = mem_open,
        .rename = mem_rename,
        .unlink = mem_unlink,
        .mkdir = mem_mkdir,
        .sync_dir = mem_sync_dir,
        .list = mem_list,
        .lock = mem_lock,
        .identity = mem_get_identity,
        .random = mem_random,
    };
    mem->random.state = seed;
    mem->room = UINT64_MAX;
    mem_random(&mem->vfs, mem->identity, IDENTITY_BYTES);
    return &mem->vfs;
}

void mem_vfs_free(struct vfs *vfs)
{
    if (vfs == NULL)
        return;
    while (mem_of(vfs)->count > 0)
        node_remove(mem_of(vfs), &mem_of(vfs)->nodes[mem_of(vfs)->count - 1]);
    free(mem_of(vfs)->nodes);
    free(mem_of(vfs));
}

struct vfs *mem_vfs_new_like(struct vfs *vfs, uint64_t seed)
{
    struct vfs *disk = mem_vfs_new(seed);

    memcpy(mem_of(disk)->identity, mem_of(vfs)->identity, IDENTITY_BYTES);
    return disk;
}

struct vfs *mem_vfs_copy(struct vfs *vfs, uint64_t seed)
{
    struct vfs *copy = mem_vfs_new_like(vfs, seed);
    struct mem_vfs *from = mem_of(vfs);

    for (unsigned i = 0; i < from->count; i++) {
        struct inode *inode = from->nodes[i].inode;

        node_add(mem_of(copy), from->nodes[i].path,
                 inode_new(inode->directory, mem_blob_hold(inode->blob)));
    }
    return copy;
}

void mem_vfs_change_identity(struct vfs *vfs, enum mem_identity part)
{
    mem_of(vfs)->identity[part] ^= 0xff;
    mem_of(vfs)->identity[(size_t)part + 1]++;
}

void mem_vfs_set_identity(struct vfs *vfs, const uint8_t *identity)
{
    memcpy(mem_of(vfs)->identity, identity, IDENTITY_BYTES);
}

struct bytes mem_vfs_file(struct vfs *vfs, const char *path)
{
    struct node *node = node_find(mem_of(vfs), path);

    return node == NULL ? bytes_make(NULL, 0) : mem_blob_bytes(node->inode->blob);
}

void mem_vfs_put(struct vfs *vfs, const char *path, struct bytes bytes)
{
    struct node *node = node_find(mem_of(vfs), path);
    struct mem_blob *old;

    if (node == NULL) {
        node_add(mem_of(vfs), path, inode_empty(false));
        node = node_find(mem_of(vfs), path);
    }
    old = node->inode->blob;
    node->inode->blob = mem_blob_new(bytes); /* which may be of the old ones */
    mem_blob_drop(old);
}

void mem_vfs_add(struct vfs *vfs, const char *path, struct mem_blob *blob)
{
    assert(node_find(mem_of(vfs), path) == NULL);
    if (parent_is_there(mem_of(vfs), path))
        node_add(mem_of(vfs), path, inode_new(false, mem_blob_hold(blob)));
}

uint64_t mem_vfs_hash(struct vfs *vfs)
{
    struct mem_vfs *mem = mem_of(vfs);
    uint64_t sum = 0;

    for (unsigned i = 0; i < mem->count; i++) {
        struct inode *inode = mem->nodes[i].inode;

        sum += hash_bytes(inode->directory ? 1 : blob_hash(inode->blob),
                          bytes_from_string(mem->nodes[i].path));
    }
    return sum;
}

void mem_vfs_damage(struct vfs *vfs, const char *path, uint64_t offset, uint8_t bits)
{
    struct node *node = node_find(mem_of(vfs), path);
    struct buf *bytes;

    assert(node != NULL && offset < node->inode->blob->bytes.len);
    bytes = inode_own(node->inode);
    bytes->at[bytes->start + offset] ^= bits;
}

void mem_vfs_remove(struct vfs *vfs, const char *path)
{
    struct node *node = node_find(mem_of(vfs), path);

    if (node != NULL)
        node_remove(mem_of(vfs), node);
}

void mem_vfs_chill(struct vfs *vfs)
{
    mem_of(vfs)->cold = true;
    for (unsigned i = 0; i < mem_of(vfs)->count; i++)
        mem_of(vfs)->nodes[i].inode->warm = false;
}

void mem_vfs_set_room(struct vfs *vfs, uint64_t bytes)
{
    mem_of(vfs)->room = bytes;
}

uint64_t mem_vfs_reads(struct vfs *vfs)
{
    return mem_of(vfs)->reads;
}

uint64_t mem_vfs_unwritten_most(struct vfs *vfs, const char *path)
{
    const struct node *node = node_find(mem_of(vfs), path);

    return node == NULL ? 0 : node->inode->unwritten_most;
}

bool mem_vfs_is_forgotten(struct vfs *vfs, const char *path)
{
    const struct node *node = node_find(mem_of(vfs), path);

    return node != NULL && node->inode->forgotten;
}

unsigned mem_vfs_open_files(const struct vfs *vfs)
{
    return CONTAINER_OF(vfs, const struct mem_vfs, vfs)->open_files;
}

const char *mem_vfs_path(const struct vfs *vfs, unsigned index)
{
    const struct mem_vfs *mem = CONTAINER_OF(vfs, const struct mem_vfs, vfs);

    return index < mem->count ? mem->nodes[index].path : NULL;
}
