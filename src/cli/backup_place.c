/* The directory of a backup. */
#include "cli/backup_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sys/fd.h"
#include "sys/files.h"
#include "sys/place.h"
#include "sys/process.h"
#include "sys/vfs_posix.h"

#define MARK "roost-backup"
#define MARK_TEXT BYTES("roost-backup 1\n")

enum { MARK_BYTES_MAX = 1024 };

static enum err join(char out_path[BACKUP_PATH_BYTES_MAX], const char *path, const char *name,
                     struct note *why)
{
    if (snprintf(out_path, BACKUP_PATH_BYTES_MAX, "%s/%s", path, name) >= BACKUP_PATH_BYTES_MAX)
        return note_fail(why, ERR_LIMIT, "the path is too long: %.64s...", path);
    return ERR_OK;
}

static bool is_within(const char *path, const char *other)
{
    size_t len = strlen(other);

    return strncmp(path, other, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* A backup within the data would be copied into itself; one around it is a slip, too. */
static enum err check_apart(const char *path, const struct config *config, struct note *why)
{
    char *own = realpath(path, NULL);
    char *data = realpath(config->data, NULL);
    enum err err = ERR_OK;

    if (own != NULL && data != NULL && (is_within(own, data) || is_within(data, own)))
        err = note_fail(why, ERR_INVALID, "%s and data (%s) are one within the other", path, data);
    free(own);
    free(data);
    return err;
}

static void see_name(void *context, struct bytes name)
{
    (void)name;
    *(bool *)context = true;
}

static enum err is_empty(const char *path, bool *out_is_empty, struct note *why)
{
    bool anything = false;
    struct vfs *vfs;
    int fd = -1;
    enum err err = file_open_directory(path, &fd, why);

    if (err != ERR_OK)
        return err;
    vfs = vfs_posix_new(fd);
    err = vfs->list(vfs, "", see_name, &anything);
    vfs_posix_free(vfs);
    *out_is_empty = !anything;
    return err == ERR_OK ? err : note_fail(why, err, "cannot list %s: %s", path, err_text(err));
}

static enum err check_mark(const char *path, struct note *why)
{
    struct buf text = buf_make(MARK_BYTES_MAX);
    char mark[BACKUP_PATH_BYTES_MAX];
    struct note reason;
    struct place place;
    enum err err = join(mark, path, MARK, why);

    if (err == ERR_OK)
        err = place_look(mark, &place, &reason);
    if (err == ERR_NOT_FOUND)
        return note_fail(why, ERR_INVALID, "%s is no backup of Roost (it has no file %s)", path,
                         MARK);
    if (err != ERR_OK)
        return note_fail(why, err, "%s", reason.text);
    err = file_read(mark, &text, why);
    if (err == ERR_OK && !bytes_equal(buf_bytes(&text), MARK_TEXT))
        err = note_fail(why, ERR_UNSUPPORTED, "a newer version made the backup %s", path);
    buf_done(&text);
    return err;
}

static enum err make_mark(const char *path, struct note *why)
{
    char mark[BACKUP_PATH_BYTES_MAX];
    bool empty = false;
    enum err err = is_empty(path, &empty, why);

    if (err != ERR_OK)
        return err;
    if (!empty)
        return check_mark(path, why);
    err = join(mark, path, MARK, why);
    return err != ERR_OK ? err : file_write(mark, MARK_TEXT, 0644, why);
}

static enum err lock(const char *path, struct backup_place *place, struct note *why)
{
    int fd = -1;
    enum err err = file_open_directory(path, &fd, why);

    if (err != ERR_OK)
        return err;
    place->whole = vfs_posix_new(fd);
    err = place->whole->open(place->whole, MARK, VFS_OPEN_READ | VFS_OPEN_WRITE, &place->lock);
    if (err == ERR_OK)
        err = place->whole->lock(place->whole, place->lock);
    if (err == ERR_BUSY)
        return note_fail(why, err, "another backup into %s is at work", path);
    return err == ERR_OK ? err : note_fail(why, err, "%s/%s: %s", path, MARK, err_text(err));
}

/* For the owner of the directory of that name in data: the command that writes into it is theirs.
 */
static enum err make_part(const char *path, const struct config *config, const char *name,
                          int *out_fd, struct note *why)
{
    char own[BACKUP_PATH_BYTES_MAX];
    char data[BACKUP_PATH_BYTES_MAX];
    struct place mine;
    struct place theirs;
    enum err err = join(own, path, name, why);

    if (err == ERR_OK)
        err = join(data, config->data, name, why);
    if (err == ERR_OK)
        err = place_look(data, &theirs, why);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err == ERR_OK)
        err = file_make_directory(own, 0700, why);
    if (err == ERR_OK)
        err = place_look(own, &mine, why);
    if (err == ERR_OK && process_is_root() && (mine.uid != theirs.uid || mine.gid != theirs.gid))
        err = place_give(own, theirs.uid, theirs.gid, why);
    return err == ERR_OK ? file_open_directory(own, out_fd, why) : err;
}

static bool is_there(const char *path, const char *name)
{
    char own[BACKUP_PATH_BYTES_MAX];
    struct note why;
    struct place place;

    return join(own, path, name, &why) == ERR_OK && place_look(own, &place, &why) == ERR_OK;
}

enum err backup_place_make(const char *path, const struct config *config,
                           struct backup_place *out_place, struct note *why)
{
    struct backup_place place = { .auth_fd = -1, .accounts_fd = -1 };
    struct note reason;
    struct place there;
    enum err err = place_look(path, &there, &reason);

    if (err == ERR_NOT_FOUND)
        err = file_make_directory(path, 0711, why);
    else if (err != ERR_OK)
        note_set(why, "%s", reason.text);
    if (err == ERR_OK)
        err = check_apart(path, config, why);
    if (err == ERR_OK)
        err = make_mark(path, why);
    if (err == ERR_OK)
        err = lock(path, &place, why);
    if (err == ERR_OK)
        err = make_part(path, config, "auth", &place.auth_fd, why);
    if (err == ERR_OK)
        err = make_part(path, config, "accounts", &place.accounts_fd, why);
    place.has_lost_accounts = place.accounts_fd < 0 && is_there(path, "accounts");
    if (err != ERR_OK)
        backup_place_close(&place);
    else
        *out_place = place;
    return err;
}

static enum err open_part(const char *path, const char *name, int *out_fd, struct note *why)
{
    char own[BACKUP_PATH_BYTES_MAX];
    struct note reason;
    struct place place;
    enum err err = join(own, path, name, why);

    if (err != ERR_OK)
        return err;
    err = place_look(own, &place, &reason);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    return err == ERR_OK ? file_open_directory(own, out_fd, why)
                         : note_fail(why, err, "%s", reason.text);
}

enum err backup_place_open(const char *path, struct backup_place *out_place, struct note *why)
{
    struct backup_place place = { .auth_fd = -1, .accounts_fd = -1 };
    enum err err = check_mark(path, why);

    if (err == ERR_OK)
        err = open_part(path, "auth", &place.auth_fd, why);
    if (err == ERR_OK)
        err = open_part(path, "accounts", &place.accounts_fd, why);
    if (err != ERR_OK)
        backup_place_close(&place);
    else
        *out_place = place;
    return err;
}

void backup_place_close(struct backup_place *place)
{
    fd_close(&place->auth_fd);
    fd_close(&place->accounts_fd);
    vfs_close(place->lock);
    vfs_posix_free(place->whole);
    place->lock = NULL;
    place->whole = NULL;
}
