/* Real files, relative to a directory descriptor. */
#include "sys/vfs_posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h> /* renameat */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sys/entropy.h"
#include "sys/fd.h"

enum { ID_BYTES = 16 };

struct disk {
    struct vfs vfs;
    int dir_fd;
    uint8_t machine[ID_BYTES]; /* zeros where the machine has no name */
    uint8_t boot[ID_BYTES];
};

struct disk_file {
    struct vfs_file file;
    int fd;
    bool appends; /* O_APPEND is set: write(2) goes to the end, whatever others do */
    enum err unwritten; /* an error of writing that a hint was told: for the next sync to tell */
};

static int dir_of(struct vfs *vfs)
{
    return CONTAINER_OF(vfs, struct disk, vfs)->dir_fd;
}

static struct disk_file *disk_file_of(struct vfs_file *file)
{
    return CONTAINER_OF(file, struct disk_file, file);
}

static int fd_of(struct vfs_file *file)
{
    return disk_file_of(file)->fd;
}

static enum err write_err(int error_number)
{
    return fd_err(error_number) == ERR_NO_SPACE ? ERR_NO_SPACE : ERR_IO;
}

/* Relative, without "..": nothing above the directory can be named. */
static bool path_is_below(const char *path)
{
    size_t len = strlen(path);

    if (len == 0 || len > VFS_PATH_MAX || path[0] == '/')
        return false;
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

static enum err write_over(int fd, uint64_t offset, struct bytes data)
{
    while (data.len > 0) {
        ssize_t sent = pwrite(fd, data.at, data.len, (off_t)offset);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return write_err(errno);
        data = bytes_from(data, (size_t)sent);
        offset += (uint64_t)sent;
    }
    return ERR_OK;
}

static enum err file_append(struct vfs_file *file, struct bytes data)
{
    int fd = fd_of(file);
    uint64_t end;

    if (!disk_file_of(file)->appends)
        return fd_size(fd, &end) == ERR_OK ? write_over(fd, end, data) : ERR_IO;
    while (data.len > 0) {
        ssize_t sent = write(fd, data.at, data.len);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return write_err(errno);
        data = bytes_from(data, (size_t)sent);
    }
    return ERR_OK;
}

static enum err file_read(struct vfs_file *file, uint64_t offset, void *into, size_t len,
                          unsigned flags)
{
    const int how = (flags & VFS_READ_NOWAIT) != 0 ? RWF_NOWAIT : 0;
    struct iovec piece = { .iov_base = into, .iov_len = len };

    while (piece.iov_len > 0) {
        ssize_t got = preadv2(fd_of(file), &piece, 1, (off_t)offset, how);

        if (got < 0 && errno == EINTR)
            continue;
        /* A file system that cannot promise not to wait counts as one that would. */
        if (got < 0)
            return how != 0 && (errno == EAGAIN || errno == EOPNOTSUPP) ? ERR_BUSY : ERR_IO;
        if (got == 0)
            return ERR_CORRUPT;
        piece.iov_base = (uint8_t *)piece.iov_base + got;
        piece.iov_len -= (size_t)got;
        offset += (uint64_t)got;
    }
    return ERR_OK;
}

static enum err file_sync(struct vfs_file *file)
{
    struct disk_file *disk_file = disk_file_of(file);
    enum err err = disk_file->unwritten;

    disk_file->unwritten = ERR_OK;
    return fdatasync(disk_file->fd) == 0 ? err : write_err(errno);
}

static enum err file_truncate(struct vfs_file *file, uint64_t size)
{
    return ftruncate(fd_of(file), (off_t)size) < 0 ? fd_err(errno) : ERR_OK;
}

/* With O_APPEND pwrite(2) would append, whatever the offset. */
static enum err file_write(struct vfs_file *file, uint64_t offset, struct bytes data)
{
    struct disk_file *disk_file = disk_file_of(file);

    if (disk_file->appends) {
        int how = fcntl(disk_file->fd, F_GETFL);

        if (how < 0 || fcntl(disk_file->fd, F_SETFL, how & ~O_APPEND) < 0)
            return ERR_IO;
        disk_file->appends = false;
    }
    return write_over(disk_file->fd, offset, data);
}

static enum err file_size(struct vfs_file *file, uint64_t *out_size)
{
    return fd_size(fd_of(file), out_size);
}

/* Copy on write: what is written over goes elsewhere, as what is new does. (Of ZFS and bcachefs
 * linux/magic.h knows nothing.) A server of files says no more than what its disk has left, and of
 * a quota nothing before the sync. */
static bool writes_over(const struct statfs *filesystem)
{
    static const uint32_t elsewhere[] = { BTRFS_SUPER_MAGIC, 0x2fc12fc1, 0xca451a4e,
                                          NFS_SUPER_MAGIC };

    for (size_t i = 0; i < ARRAY_COUNT(elsewhere); i++)
        if ((uint32_t)filesystem->f_type == elsewhere[i])
            return false;
    return true;
}

static enum err file_room(struct vfs_file *file, uint64_t *out_bytes)
{
    struct statfs filesystem;

    if (fstatfs(fd_of(file), &filesystem) < 0)
        return ERR_IO;
    *out_bytes =
        writes_over(&filesystem) ? (uint64_t)filesystem.f_bavail * (uint64_t)filesystem.f_bsize : 0;
    return ERR_OK;
}

/* The kernel tells an open file of an error of writing once, here as well as in fdatasync(2): what
 * is said here would not be said again. Some systems do not have the call. */
static void write_now(struct disk_file *disk_file, uint64_t offset, uint64_t len)
{
    const unsigned write_and_wait =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

    if (sync_file_range(disk_file->fd, (off_t)offset, (off_t)len, write_and_wait) < 0 &&
        errno != ENOSYS && errno != EINVAL)
        disk_file->unwritten = write_err(errno);
}

static void file_hint(struct vfs_file *file, uint64_t offset, uint64_t len, enum vfs_hint hint)
{
    switch (hint) {
    case VFS_HINT_WRITE: write_now(disk_file_of(file), offset, len); break;
    case VFS_HINT_FORGET:
        (void)posix_fadvise(fd_of(file), (off_t)offset, (off_t)len, POSIX_FADV_DONTNEED);
        break;
    }
}

static void file_close(struct vfs_file *file)
{
    struct disk_file *disk_file = CONTAINER_OF(file, struct disk_file, file);

    fd_close(&disk_file->fd);
    free(disk_file);
}

static const struct vfs_file_calls file_calls = {
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

static int open_flags(unsigned flags)
{
    int how = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;

    how |= (flags & VFS_OPEN_WRITE) != 0 ? O_RDWR | O_APPEND : O_RDONLY;
    if ((flags & VFS_OPEN_CREATE) != 0)
        how |= O_CREAT;
    if ((flags & VFS_OPEN_EXCLUSIVE) != 0)
        how |= O_EXCL;
    return how;
}

/* Without a descriptor the disk is as good as broken, for now: limits are those of the account. */
static enum err open_err(int error_number)
{
    enum err err = fd_err(error_number);

    return err == ERR_LIMIT ? ERR_IO : err;
}

/* RFC 8970 s8 */
static enum err disk_open(struct vfs *vfs, const char *path, unsigned flags,
                          struct vfs_file **out_file)
{
    FD_LOCAL int fd = -1;
    struct disk_file *file;

    if (!path_is_below(path))
        return ERR_INVALID;
    fd = openat(dir_of(vfs), path, open_flags(flags), 0600);
    if (fd < 0)
        return open_err(errno);
    if (!fd_check(fd, FD_KIND_REGULAR))
        return ERR_INVALID;
    file = malloc(sizeof(*file));
    if (file == NULL)
        abort();
    *file = (struct disk_file){ .file.calls = &file_calls, .fd = fd_take(&fd), .appends = true };
    *out_file = &file->file;
    return ERR_OK;
}

static enum err disk_rename(struct vfs *vfs, const char *from, const char *to)
{
    if (!path_is_below(from) || !path_is_below(to))
        return ERR_INVALID;
    return renameat(dir_of(vfs), from, dir_of(vfs), to) < 0 ? fd_err(errno) : ERR_OK;
}

static enum err disk_unlink(struct vfs *vfs, const char *path)
{
    if (!path_is_below(path))
        return ERR_INVALID;
    if (unlinkat(dir_of(vfs), path, 0) == 0)
        return ERR_OK;
    if (errno == EISDIR && unlinkat(dir_of(vfs), path, AT_REMOVEDIR) == 0)
        return ERR_OK;
    return fd_err(errno);
}

static enum err disk_mkdir(struct vfs *vfs, const char *path)
{
    if (!path_is_below(path))
        return ERR_INVALID;
    return mkdirat(dir_of(vfs), path, 0700) < 0 ? fd_err(errno) : ERR_OK;
}

static int open_directory(struct vfs *vfs, const char *path)
{
    if (path[0] != '\0' && !path_is_below(path)) {
        errno = EINVAL;
        return -1;
    }
    return openat(dir_of(vfs), path[0] == '\0' ? "." : path,
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static enum err disk_sync_dir(struct vfs *vfs, const char *path)
{
    FD_LOCAL int fd = open_directory(vfs, path);

    return fd < 0 || fsync(fd) < 0 ? open_err(errno) : ERR_OK;
}

static enum err disk_list(struct vfs *vfs, const char *path, vfs_list_fn *each, void *context)
{
    int fd = open_directory(vfs, path);
    const struct dirent *entry;
    enum err err;
    DIR *dir;

    if (fd < 0)
        return open_err(errno);
    dir = fdopendir(fd);
    if (dir == NULL)
        abort(); /* an open directory: only memory can be missing */
    for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(context, bytes_from_string(entry->d_name));
    }
    err = fd_err(errno);
    (void)closedir(dir);
    return err;
}

static enum err disk_lock(struct vfs *vfs, struct vfs_file *file)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (fcntl(fd_of(file), F_OFD_SETLK, &lock) == 0)
        return ERR_OK;
    return errno == EAGAIN || errno == EACCES ? ERR_BUSY : fd_err(errno);
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static enum err disk_identity(struct vfs *vfs, uint8_t out_identity[40])
{
    const struct disk *disk = CONTAINER_OF(vfs, struct disk, vfs);
    struct statfs filesystem;
    struct statx st;
    uint64_t device;
    uint64_t directory;

    if (statx(disk->dir_fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) < 0 ||
        fstatfs(disk->dir_fd, &filesystem) < 0)
        return fd_err(errno);
    /* The id of a file system outlives a boot, where the number of its device may not. */
    memcpy(&device, &filesystem.f_fsid, sizeof(device));
    if (device == 0)
        device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
    directory = mix(st.stx_ino + mix(device + 1));
    /* A directory that was removed and copied back has, as often as not, the number of the old one
     * again, but not its birth. Where the file system knows of none it is 0. */
    if ((st.stx_mask & STATX_BTIME) != 0)
        directory =
            mix(directory + (uint64_t)st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec);
    memcpy(out_identity, disk->machine, ID_BYTES);
    memcpy(out_identity + ID_BYTES, disk->boot, ID_BYTES);
    memcpy(out_identity + ID_BYTES + ID_BYTES, &directory, sizeof(directory));
    return ERR_OK;
}

static void disk_random(struct vfs *vfs, void *into, size_t len)
{
    entropy_fill(into, len);
}

/* 32 hexadecimal digits, dashes ignored, as /etc/machine-id and boot_id have them. */
static void read_id(const char *path, uint8_t out_id[ID_BYTES])
{
    FD_LOCAL int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t id[ID_BYTES] = { 0 };
    size_t digits = 0;
    char text[64];
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text));

    for (ssize_t i = 0; i < got && digits < ID_BYTES * 2; i++) {
        const char *all = "0123456789abcdef";
        const char *digit = text[i] == '\0' ? NULL : strchr(all, text[i]);

        if (digit == NULL)
            continue;
        id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | (digit - all));
        digits++;
    }
    if (digits == ID_BYTES * 2)
        memcpy(out_id, id, ID_BYTES);
}

static const struct vfs disk_calls = {
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

struct vfs *vfs_posix_new(int dir_fd)
{
    struct disk *disk = calloc(1, sizeof(*disk));

    if (disk == NULL)
        abort();
    disk->vfs = disk_calls;
    disk->dir_fd = dir_fd;
    read_id("/etc/machine-id", disk->machine);
    read_id("/proc/sys/kernel/random/boot_id", disk->boot);
    return &disk->vfs;
}

enum err vfs_posix_below(struct vfs *vfs, const char *path, struct vfs **out_vfs)
{
    const struct disk *parent = CONTAINER_OF(vfs, struct disk, vfs);
    struct disk *disk;
    int fd = open_directory(vfs, path);

    if (fd < 0)
        return fd_err(errno);
    disk = malloc(sizeof(*disk));
    if (disk == NULL)
        abort();
    *disk = *parent;
    disk->dir_fd = fd;
    *out_vfs = &disk->vfs;
    return ERR_OK;
}

void vfs_posix_free(struct vfs *vfs)
{
    struct disk *disk;

    if (vfs == NULL)
        return;
    disk = CONTAINER_OF(vfs, struct disk, vfs);
    fd_close(&disk->dir_fd);
    free(disk);
}
