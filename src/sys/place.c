/* Owners and disks. */
#include "sys/place.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sys/fd.h"

static enum err fail(struct note *why, const char *act, const char *path)
{
    int error = errno;

    return note_fail(why, fd_err(error), "cannot %s %s: %s", act, path, strerror(error));
}

enum err place_look(const char *path, struct place *out_place, struct note *why)
{
    struct stat status;
    struct statvfs disk;

    if (stat(path, &status) != 0 || statvfs(path, &disk) != 0)
        return fail(why, "look at", path);
    *out_place = (struct place){
        .uid = status.st_uid,
        .gid = status.st_gid,
        .mode = status.st_mode & 07777,
        .is_directory = S_ISDIR(status.st_mode),
        .is_socket = S_ISSOCK(status.st_mode),
        .read_only = (disk.f_flag & ST_RDONLY) != 0,
        .free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize,
        .free_files = disk.f_files == 0 ? UINT64_MAX : disk.f_favail,
    };
    return ERR_OK;
}

bool place_may(const char *path, bool write)
{
    return eaccess(path, write ? R_OK | W_OK : R_OK) == 0;
}

enum err place_give(const char *path, uid_t uid, gid_t gid, struct note *why)
{
    return lchown(path, uid, gid) == 0 ? ERR_OK : fail(why, "change the owner of", path);
}

void place_make_private(void)
{
    (void)umask(077);
}

uint64_t place_fd_limit(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : 0;
}
