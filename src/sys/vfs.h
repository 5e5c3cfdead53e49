/* The one seam through which the store reaches the disk.
 *
 * A `struct vfs` is a directory and everything below it. Paths are relative, '/'-separated, without
 * "..", at most VFS_PATH_MAX bytes. There are three: real files (sys/vfs_posix.h), memory and a
 * disk that loses power (test/kit). All calls are synchronous; those that may block for long (sync,
 * large writes, a read without VFS_READ_NOWAIT) are made from jobs. A file handle may be used by
 * one thread at a time per call kind: append on the owner's thread while a pool thread syncs is
 * allowed. Append and write count as one kind.
 *
 * What is durable: bytes once `sync` of the file has returned ERR_OK after their append or write; a
 * name (made, renamed, removed) once `sync_dir` of its directory has. A failed sync says nothing
 * about what is on the disk, and a later ERR_OK does not take it back. */
#ifndef ROOST_SYS_VFS_H
#define ROOST_SYS_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"

enum { VFS_PATH_MAX = 255 };

enum vfs_open_flags {
    VFS_OPEN_READ = 1,
    VFS_OPEN_WRITE = 2, /* read, append and write */
    VFS_OPEN_CREATE = 4, /* make it when missing; with WRITE */
    VFS_OPEN_EXCLUSIVE = 8, /* ERR_EXISTS when it is there; with CREATE */
};

enum vfs_read_flags {
    VFS_READ_NOWAIT = 1, /* ERR_BUSY rather than wait for the disk */
};

/* What is going to happen to a part of a file. Promises nothing; the next sync tells of errors. */
enum vfs_hint {
    VFS_HINT_WRITE, /* it will be synced: writes it now, and waits for that, so that the sync, and
                     * those of others beside it, have little left to do */
    VFS_HINT_FORGET, /* nobody will read it: the memory can serve others */
};

struct vfs;
struct vfs_file;

/* Calls on an open file. Offsets and lengths in bytes. */
struct vfs_file_calls {
    /* Writes at the end, all or (ERR_IO, ERR_NO_SPACE) an unknown part of it. */
    enum err (*append)(struct vfs_file *file, struct bytes data);
    /* Exactly `len` bytes; ERR_CORRUPT when the file ends before that. */
    enum err (*read)(struct vfs_file *file, uint64_t offset, void *into, size_t len,
                     unsigned flags);
    enum err (*sync)(struct vfs_file *file);
    enum err (*truncate)(struct vfs_file *file, uint64_t size);
    /* Writes over what is there, and on behind it; `offset` is not behind the end. Errors as
     * append. After a sync that failed, which may have left unwritten pages marked clean, writing
     * the same bytes again is what makes the next one write them. */
    enum err (*write)(struct vfs_file *file, uint64_t offset, struct bytes data);
    enum err (*size)(struct vfs_file *file, uint64_t *out_size);
    /* Bytes that its disk has left for more; 0 also where bytes that are there are never written
     * over, so that nothing is gained by having them there. NULL: plenty. */
    enum err (*room)(struct vfs_file *file, uint64_t *out_bytes);
    /* NULL where it means nothing. `len` 0: to the end. From jobs. */
    void (*hint)(struct vfs_file *file, uint64_t offset, uint64_t len, enum vfs_hint hint);
    void (*close)(struct vfs_file *file);
};

struct vfs_file {
    const struct vfs_file_calls *calls; /* first member of every implementation */
};

/* What a listing tells of one name. */
typedef void vfs_list_fn(void *context, struct bytes name);

struct vfs {
    enum err (*open)(struct vfs *vfs, const char *path, unsigned flags, struct vfs_file **out_file);
    enum err (*rename)(struct vfs *vfs, const char *from, const char *to);
    enum err (*unlink)(struct vfs *vfs, const char *path);
    enum err (*mkdir)(struct vfs *vfs, const char *path); /* ERR_EXISTS when it is there */
    enum err (*sync_dir)(struct vfs *vfs, const char *path); /* "" is the root of this vfs */
    enum err (*list)(struct vfs *vfs, const char *path, vfs_list_fn *each, void *context);
    /* An exclusive advisory lock on an existing file that was opened for writing, ERR_BUSY when
     * another process holds it. Released when the file is closed. */
    enum err (*lock)(struct vfs *vfs, struct vfs_file *file);
    /* 16 bytes that name this machine, 16 that name this boot, 8 that name the directory itself
     * (device, inode, birth): what tells a copied directory from the original. */
    enum err (*identity)(struct vfs *vfs, uint8_t out_identity[40]);
    void (*random)(struct vfs *vfs, void *into, size_t len);
};

/* Shorthands, so that callers read well. Contracts as above. */
static inline enum err vfs_append(struct vfs_file *file, struct bytes data)
{
    return file->calls->append(file, data);
}

static inline enum err vfs_write(struct vfs_file *file, uint64_t offset, struct bytes data)
{
    return file->calls->write(file, offset, data);
}

static inline enum err vfs_read(struct vfs_file *file, uint64_t offset, void *into, size_t len,
                                unsigned flags)
{
    return file->calls->read(file, offset, into, len, flags);
}

static inline enum err vfs_sync(struct vfs_file *file)
{
    return file->calls->sync(file);
}

static inline void vfs_hint(struct vfs_file *file, uint64_t offset, uint64_t len,
                            enum vfs_hint hint)
{
    if (file->calls->hint != NULL)
        file->calls->hint(file, offset, len, hint);
}

static inline void vfs_see_any(void *context, struct bytes name)
{
    (void)name;
    *(bool *)context = true;
}

/* Is there any name in the directory? Not told unless ERR_OK. */
static inline enum err vfs_has_names(struct vfs *vfs, const char *path, bool *out_has)
{
    bool has = false;
    enum err err = vfs->list(vfs, path, vfs_see_any, &has);

    if (err == ERR_OK)
        *out_has = has;
    return err;
}

/* NULL is allowed. */
static inline void vfs_close(struct vfs_file *file)
{
    if (file != NULL)
        file->calls->close(file);
}

#endif
