/* Small whole files. */
#include "sys/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/fd.h"

enum { READ_BYTES = 16384 };

static enum err fail(struct note *why, const char *act, const char *path)
{
    int error = errno;

    return note_fail(why, fd_err(error), "cannot %s %s: %s", act, path, fd_errno_text(error));
}

enum err file_read(const char *path, struct buf *out, struct note *why)
{
    FD_LOCAL int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return fail(why, "open", path);
    if (!fd_check(fd, FD_KIND_REGULAR))
        return note_fail(why, ERR_INVALID, "%s is not a regular file", path);
    for (;;) {
        uint8_t piece[READ_BYTES];
        ssize_t got = read(fd, piece, sizeof(piece));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(why, "read", path);
        if (got == 0)
            return ERR_OK;
        buf_add(out, bytes_make(piece, (size_t)got));
        if (out->overflowed)
            return note_fail(why, ERR_LIMIT, "%s is larger than %zu bytes", path, out->max);
    }
}

static enum err sync_parent(const char *path, struct note *why)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    FD_LOCAL int fd = -1;

    (void)snprintf(parent, sizeof(parent), "%.*s", slash == NULL ? 1 : (int)(slash - path + 1),
                   slash == NULL ? "." : path);
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return fail(why, "sync", parent);
    return ERR_OK;
}

static enum err write_new(const char *path, struct bytes bytes, mode_t mode, struct note *why)
{
    FD_LOCAL int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);

    if (fd < 0)
        return fail(why, "make", path);
    if (fchmod(fd, mode) < 0 || fd_write_all(fd, bytes) != ERR_OK || fsync(fd) < 0)
        return fail(why, "write", path);
    return ERR_OK;
}

enum err file_write(const char *path, struct bytes bytes, mode_t mode, struct note *why)
{
    char temporary[PATH_MAX];
    enum err err;
    int len = snprintf(temporary, sizeof(temporary), "%s.new", path);

    if (len < 0 || (size_t)len >= sizeof(temporary))
        return note_fail(why, ERR_LIMIT, "the path is too long: %.64s...", path);
    err = write_new(temporary, bytes, mode, why);
    if (err == ERR_OK && rename(temporary, path) < 0)
        err = fail(why, "rename a file to", path);
    if (err != ERR_OK) {
        (void)unlink(temporary);
        return err;
    }
    return sync_parent(path, why);
}

void files_remove_old(const char *directory, const char *prefix, int64_t age_seconds)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct stat status;

        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
            fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) && wall_seconds(clock_wall()) - status.st_mtime > age_seconds)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

void file_remove(const char *path)
{
    (void)unlink(path); /* what cannot go stays, and is met again at the next start */
}

static enum err make_one(const char *path, mode_t mode, struct note *why)
{
    struct stat st;

    if (mkdir(path, mode) == 0) /* what the umask has taken is given back */
        return chmod(path, mode) == 0 ? ERR_OK : fail(why, "open to others", path);
    if (errno != EEXIST)
        return fail(why, "make the directory", path);
    if (stat(path, &st) < 0)
        return fail(why, "look at", path);
    if (!S_ISDIR(st.st_mode))
        return note_fail(why, ERR_EXISTS, "%s is there and is not a directory", path);
    return ERR_OK;
}

enum err file_set_mode(const char *path, mode_t mode, struct note *why)
{
    return chmod(path, mode) == 0 ? ERR_OK : fail(why, "set the mode of", path);
}

enum err file_make_directory(const char *path, mode_t mode, struct note *why)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(part))
        return note_fail(why, ERR_INVALID, "not a path of a directory: \"%.64s\"", path);
    for (size_t i = 1; i <= len; i++) {
        enum err err;

        if (i < len && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        err = make_one(part, mode, why);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

enum err file_open_directory(const char *path, int *out_fd, struct note *why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return fail(why, "open the directory", path);
    *out_fd = fd;
    return ERR_OK;
}
