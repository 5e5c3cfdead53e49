/* Attempts on files: those of other roles, those of the machine, and the role's own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/probe.h"
#include "sys/spool.h"

static int done(long result)
{
    return result < 0 ? errno : 0;
}

static int open_below(const struct scenery *scenery, const char *name, int flags)
{
    char path[2 * PLACE_BYTES_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", scenery->place, name);
    return open(path, flags | O_CLOEXEC, 0666);
}

/* Opening is not enough: bytes must come. */
static int read_some(int fd)
{
    char byte;

    if (fd < 0)
        return errno;
    return read(fd, &byte, 1) == 1 ? 0 : EIO;
}

static int read_mail(const struct scenery *scenery)
{
    return read_some(open_below(scenery, "accounts/mail", O_RDONLY));
}

static int change_mail(const struct scenery *scenery)
{
    int fd = open_below(scenery, "accounts/mail", O_RDWR);

    return fd < 0 ? errno : done(write(fd, "x", 1));
}

static int read_accounts(const struct scenery *scenery)
{
    return read_some(open_below(scenery, "auth/accounts.db", O_RDONLY));
}

static int read_key(const struct scenery *scenery)
{
    return read_some(open_below(scenery, "tls/key", O_RDONLY));
}

static int read_key_beside_own(const struct scenery *scenery)
{
    int from = scenery->directory_fd >= 0 ? scenery->directory_fd : scenery->place_fd;

    return read_some(
        openat(from, scenery->directory_fd >= 0 ? "../tls/key" : "tls/key", O_RDONLY | O_CLOEXEC));
}

static int read_key_by_openat2(const struct scenery *scenery)
{
    struct open_how how = { .flags = O_RDONLY | O_CLOEXEC };

    return read_some((int)syscall(SYS_openat2, scenery->place_fd, "tls/key", &how, sizeof(how)));
}

static int read_passwd(const struct scenery *scenery)
{
    return read_some(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int read_own_maps(const struct scenery *scenery)
{
    return read_some(open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
}

static int list_root(const struct scenery *scenery)
{
    return done(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int make_in_place(const struct scenery *scenery)
{
    return done(open_below(scenery, "new", O_WRONLY | O_CREAT));
}

static int make_in_accounts(const struct scenery *scenery)
{
    return done(open_below(scenery, "accounts/new", O_WRONLY | O_CREAT));
}

static int make_in_auth(const struct scenery *scenery)
{
    return done(open_below(scenery, "auth/new", O_WRONLY | O_CREAT));
}

static int make_named_in_spool(const struct scenery *scenery)
{
    return done(open_below(scenery, "spool/new", O_WRONLY | O_CREAT));
}

static int make_unnamed_in_spool(const struct scenery *scenery)
{
    return done(open_below(scenery, "spool", SPOOL_OPEN_FLAGS));
}

static int make_unnamed_elsewhere(const struct scenery *scenery)
{
    return done(open_below(scenery, "tls", SPOOL_OPEN_FLAGS));
}

/* A mail moved to where others can read it. */
static int move_out(const struct scenery *scenery)
{
    char from[2 * PLACE_BYTES_MAX];
    char to[2 * PLACE_BYTES_MAX];

    (void)snprintf(from, sizeof(from), "%s/accounts/mail", scenery->place);
    (void)snprintf(to, sizeof(to), "%s/mail", scenery->place);
    return done(rename(from, to));
}

static int remove_key(const struct scenery *scenery)
{
    return done(unlinkat(scenery->place_fd, "tls/key", 0));
}

static int link_key(const struct scenery *scenery)
{
    return done(linkat(scenery->place_fd, "tls/key", scenery->place_fd, "accounts/key", 0));
}

static int symlink_key(const struct scenery *scenery)
{
    return done(symlinkat("../tls/key", scenery->place_fd, "accounts/link"));
}

static int chmod_key(const struct scenery *scenery)
{
    return done(fchmodat(scenery->place_fd, "tls/key", 0600, 0));
}

static int truncate_key(const struct scenery *scenery)
{
    char path[2 * PLACE_BYTES_MAX];

    (void)snprintf(path, sizeof(path), "%s/tls/key", scenery->place);
    return done(truncate(path, 0));
}

static int make_fifo(const struct scenery *scenery)
{
    return done(mknodat(scenery->place_fd, "accounts/fifo", S_IFIFO | 0600, 0));
}

static int look_at_passwd(const struct scenery *scenery)
{
    struct stat st;

    return done(stat("/etc/passwd", &st));
}

/* fstat as newer libc calls it, with a path after all. */
static int look_at_passwd_like_fstat(const struct scenery *scenery)
{
    struct stat st;

    return done(fstatat(AT_FDCWD, "/etc/passwd", &st, AT_EMPTY_PATH));
}

static int change_directory(const struct scenery *scenery)
{
    return done(chdir("/"));
}

static int change_root(const struct scenery *scenery)
{
    return done(chroot(scenery->place));
}

static int mount_something(const struct scenery *scenery)
{
    if (mount("none", scenery->place, "tmpfs", 0, NULL) < 0)
        return errno;
    return done(umount(scenery->place));
}

static int watch_files(const struct scenery *scenery)
{
    return done(inotify_init1(IN_CLOEXEC));
}

static int make_memfd(const struct scenery *scenery)
{
    return done(memfd_create("probe", MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

/* What the store and SQLite do all day, in the role's own directory. */
static int use_own_directory(const struct scenery *scenery)
{
    struct flock lock = { .l_type = F_WRLCK };
    int at = scenery->directory_fd;
    int fd;

    if (mkdirat(at, "d", 0700) < 0)
        return errno;
    fd = openat(at, "d/a", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) < 0 || pwrite(fd, "ab", 2, 0) != 2)
        return errno;
    if (fdatasync(fd) < 0 || ftruncate(fd, 1) < 0)
        return errno;
    if (renameat(at, "d/a", at, "d/b") < 0 || unlinkat(at, "d/b", 0) < 0)
        return errno;
    return done(unlinkat(at, "d", AT_REMOVEDIR));
}

/* What the gate does with a large message. */
static int use_spool(const struct scenery *scenery)
{
    struct spool spool;
    int fd = -1;
    int copy = -1;

    spool_init(&spool, scenery->directory_fd, (struct spool_limits){ 2, 4, 100 });
    if (spool_append(&spool, (struct bytes){ (const uint8_t *)"large", 5 }) != ERR_OK ||
        spool_finish(&spool, &fd) != ERR_OK || spool_duplicate(fd, &copy) != ERR_OK)
        return EIO;
    spool_init(&spool, scenery->directory_fd, (struct spool_limits){ 2, 100, 100 });
    if (spool_append(&spool, (struct bytes){ (const uint8_t *)"small", 5 }) != ERR_OK ||
        spool_finish(&spool, &fd) != ERR_OK)
        return EIO;
    return 0;
}

const struct attempt file_attempts[] = {
    { "read-mail", read_mail, MAIL, REFUSABLE },
    { "change-mail", change_mail, MAIL, REFUSABLE },
    { "read-accounts-database", read_accounts, AUTH, REFUSABLE },
    { "read-tls-key", read_key, NOBODY, REFUSABLE },
    { "read-tls-key-beside-own-directory", read_key_beside_own, NOBODY, REFUSABLE },
    { "read-tls-key-by-openat2", read_key_by_openat2, NOBODY, 0 },
    { "read-passwd", read_passwd, NOBODY, REFUSABLE },
    { "read-own-maps", read_own_maps, NOBODY, REFUSABLE },
    { "list-root", list_root, NOBODY, REFUSABLE },
    { "make-file-in-data", make_in_place, NOBODY, REFUSABLE },
    { "make-file-in-accounts", make_in_accounts, MAIL, REFUSABLE },
    { "make-file-in-auth", make_in_auth, AUTH, REFUSABLE },
    { "make-named-file-in-spool", make_named_in_spool, NOBODY, REFUSABLE },
    { "make-unnamed-file-in-spool", make_unnamed_in_spool, GATE, REFUSABLE },
    { "make-unnamed-file-beside-spool", make_unnamed_elsewhere, NOBODY, REFUSABLE },
    { "move-mail-out", move_out, NOBODY, REFUSABLE },
    { "remove-tls-key", remove_key, NOBODY, REFUSABLE },
    { "link-tls-key", link_key, NOBODY, 0 },
    { "symlink-to-tls-key", symlink_key, NOBODY, 0 },
    { "chmod-tls-key", chmod_key, NOBODY, 0 },
    { "truncate-tls-key", truncate_key, NOBODY, 0 },
    { "make-fifo", make_fifo, NOBODY, 0 },
    /* Landlock hides contents and names, not that a known name exists. */
    { "look-at-passwd", look_at_passwd, WITH_FILES, 0 },
    { "look-at-passwd-like-fstat", look_at_passwd_like_fstat, ALL, 0 },
    { "change-directory", change_directory, NOBODY, 0 },
    { "change-root", change_root, NOBODY, RARE },
    { "mount", mount_something, NOBODY, RARE },
    { "watch-files", watch_files, NOBODY, 0 },
    { "make-memfd", make_memfd, GATE | WITH_FILES, 0 },
    { "use-own-directory", use_own_directory, WITH_FILES, REFUSABLE },
    { "use-spool", use_spool, GATE | WITH_FILES, REFUSABLE },
    { NULL, NULL, 0, 0 },
};
