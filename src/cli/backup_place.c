/* The directory of a backup. */
#include "cli/backup_place.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
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

/* The directory above it. */
static enum err find_parent(char out_path[BACKUP_PATH_BYTES_MAX], const char *path,
                            struct note *why)
{
    char copy[BACKUP_PATH_BYTES_MAX];

    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return note_fail(why, ERR_LIMIT, "the path is too long: %.64s...", path);
    (void)snprintf(out_path, BACKUP_PATH_BYTES_MAX, "%s", dirname(copy));
    return ERR_OK;
}

/* A backup within the data would be copied into itself; one around it is a slip, too. Of one that
 * is to be made the directory above counts, which must be there: a path that is a slip would make
 * many. */
static enum err check_apart(const char *path, bool is_there, const struct config *config,
                            struct note *why)
{
    char above[BACKUP_PATH_BYTES_MAX];
    char *own;
    char *data;
    enum err err = find_parent(above, path, why);

    if (err != ERR_OK)
        return err;
    own = realpath(is_there ? path : above, NULL);
    data = realpath(config->data, NULL);
    if (own == NULL)
        err = note_fail(why, ERR_NOT_FOUND, "%s cannot be made: there is no directory %s", path,
                        above);
    else if (data != NULL && (is_within(own, data) || (is_there && is_within(data, own))))
        err = note_fail(why, ERR_INVALID, "%s and data (%s) are one within the other", path, data);
    free(own);
    free(data);
    return err;
}

static enum err is_empty(const char *path, bool *out_is_empty, struct note *why)
{
    bool has_names = false;
    enum err err = cli_look_into(path, &has_names, why);

    *out_is_empty = !has_names;
    return err;
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

/* A mark without a word in it is that of a run that did not get further. */
static enum err write_mark(struct backup_place *place, const char *path, struct note *why)
{
    char mark[BACKUP_PATH_BYTES_MAX];
    uint64_t size = 0;
    enum err err = join(mark, path, MARK, why);

    if (err != ERR_OK)
        return err;
    err = place->lock->calls->size(place->lock, &size);

    if (err == ERR_OK && size > 0)
        return check_mark(path, why);
    if (err == ERR_OK)
        err = file_set_mode(mark, 0644, why);
    if (err == ERR_OK)
        err = vfs_append(place->lock, MARK_TEXT);
    if (err == ERR_OK)
        err = vfs_sync(place->lock);
    if (err == ERR_OK)
        err = place->whole->sync_dir(place->whole, "");
    return err == ERR_OK ? err : note_fail(why, err, "%s/%s: %s", path, MARK, err_text(err));
}

/* Of several who make it at once one has it. */
static enum err lock(const char *path, struct backup_place *place, struct note *why)
{
    unsigned flags = VFS_OPEN_READ | VFS_OPEN_WRITE;
    bool empty = false;
    int fd = -1;
    enum err err = is_empty(path, &empty, why);

    if (err == ERR_OK)
        err = file_open_directory(path, &fd, why);
    if (err != ERR_OK)
        return err;
    place->whole = vfs_posix_new(fd);
    if (empty)
        flags |= VFS_OPEN_CREATE;
    err = place->whole->open(place->whole, MARK, flags, &place->lock);
    if (err == ERR_NOT_FOUND) {
        err = check_mark(path, why);
        if (err != ERR_OK)
            return err;
        err = ERR_BUSY; /* made since by another one */
    }
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

/* Makes the directory itself where it is missing. */
static enum err make_whole(const char *path, const struct config *config,
                           struct backup_place *place, struct note *why)
{
    struct note reason;
    struct place there;
    enum err err = place_look(path, &there, &reason);
    bool is_there = err == ERR_OK;

    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return note_fail(why, err, "%s", reason.text);
    if (is_there && !there.is_directory)
        return note_fail(why, ERR_EXISTS, "%s is there and is not a directory", path);
    err = check_apart(path, is_there, config, why);
    if (err != ERR_OK || is_there)
        return err;
    err = file_make_directory(path, 0711, why);
    place->is_new = err == ERR_OK;
    return err;
}

enum err backup_place_make(const char *path, const struct config *config,
                           struct backup_place *out_place, struct note *why)
{
    struct backup_place place = { .auth_fd = -1, .accounts_fd = -1 };
    enum err err = make_whole(path, config, &place, why);

    if (err == ERR_OK) {
        err = lock(path, &place, why);
        place.is_new = place.is_new && err == ERR_OK; /* else it may be another one's by now */
    }
    if (err == ERR_OK)
        err = write_mark(&place, path, why);
    if (err == ERR_OK)
        err = make_part(path, config, "auth", &place.auth_fd, why);
    if (err == ERR_OK)
        err = make_part(path, config, "accounts", &place.accounts_fd, why);
    place.has_lost_accounts = place.accounts_fd < 0 && is_there(path, "accounts");
    if (err != ERR_OK)
        backup_place_drop(&place, path);
    else
        *out_place = place;
    return err;
}

void backup_place_drop(struct backup_place *place, const char *path)
{
    static const char *const names[] = { "auth", "accounts", MARK };
    bool dropped = place->is_new && place->lock != NULL;
    struct note why;

    for (size_t i = 0; dropped && i < ARRAY_COUNT(names); i++) {
        char own[BACKUP_PATH_BYTES_MAX];

        dropped = join(own, path, names[i], &why) == ERR_OK &&
                  (!is_there(path, names[i]) || remove(own) == 0);
    }
    if (dropped)
        (void)remove(path);
    backup_place_close(place);
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
