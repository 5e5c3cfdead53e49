/* A copy brought back. */
#include <string.h>

#include "backup/backup.h"
#include "backup/files.h"
#include "sys/vfs.h"

/* Writes the bytes that the entry names from one of the two files that may have them. ERR_CORRUPT:
 * this is not it. */
static enum err bring_from(struct vfs *from, const struct manifest_entry *entry, bool waiting,
                           struct files_copy *copy)
{
    char path[FILES_PATH_BYTES];
    enum err err;

    files_path(entry->number, waiting, path);
    err = from->open(from, path, VFS_OPEN_READ, &copy->from);
    if (err != ERR_OK)
        return err;
    copy->length = entry->length;
    err = copy->to->calls->truncate(copy->to, 0);
    if (err == ERR_OK)
        err = files_copy(copy);
    vfs_close(copy->from);
    return err == ERR_OK && copy->sum != entry->sum ? ERR_CORRUPT : err;
}

static enum err bring(struct vfs *from, struct vfs *to, const struct manifest_entry *entry,
                      struct backup_listener *listener)
{
    struct files_copy copy = { .listener = listener };
    struct vfs_file *file;
    char path[FILES_PATH_BYTES];
    enum err err;

    files_path(entry->number, false, path);
    err = to->open(to, path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file);
    if (err != ERR_OK)
        return err;
    copy.to = file;
    err = bring_from(from, entry, false, &copy);
    if (err == ERR_CORRUPT || err == ERR_NOT_FOUND) {
        copy = (struct files_copy){ .to = file };
        if (bring_from(from, entry, true, &copy) == ERR_OK)
            err = ERR_OK;
    }
    if (err == ERR_OK)
        err = vfs_sync(file);
    vfs_close(file);
    return err;
}

static enum err bring_all(struct vfs *from, struct vfs *to, const struct manifest *manifest,
                          struct backup_listener *listener, struct note *why)
{
    enum err err = to->mkdir(to, "log");

    if (err != ERR_OK && err != ERR_EXISTS)
        return note_fail(why, err, "its directory cannot be made: %s", err_text(err));
    err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < manifest->count; i++) {
        char path[FILES_PATH_BYTES];

        files_path(manifest->entries[i].number, false, path);
        err = bring(from, to, &manifest->entries[i], listener);
        if (err == ERR_CORRUPT || err == ERR_NOT_FOUND)
            err = note_fail(why, ERR_CORRUPT, "%s of the backup is damaged or missing", path);
        else if (err != ERR_OK)
            note_set(why, "%s: %s", path, err_text(err));
    }
    if (err == ERR_OK)
        err = files_prune(to, manifest);
    if (err == ERR_OK)
        err = to->sync_dir(to, "log");
    return err == ERR_OK ? to->sync_dir(to, "") : err;
}

enum err backup_restore(struct vfs *from, struct vfs *to, struct account_id account,
                        struct backup_listener *listener, struct note *why)
{
    struct manifest manifest;
    uint64_t total = 0;
    enum err err = manifest_load(from, &manifest);

    if (err != ERR_OK)
        return note_fail(why, err, "%s",
                         err == ERR_NOT_FOUND ? "the backup has no finished copy of it"
                         : err == ERR_CORRUPT ? "the manifest of the backup is damaged"
                                              : err_text(err));
    for (size_t i = 0; i < manifest.count; i++)
        total += manifest.entries[i].length;
    if (listener != NULL)
        listener->total(listener, total);
    if (memcmp(&manifest.account, &account, sizeof(account)) != 0)
        err = note_fail(why, ERR_INVALID, "the backup has another account's mail there");
    else
        err = bring_all(from, to, &manifest, listener, why);
    manifest_done(&manifest);
    return err;
}

static void count_name(void *context, struct bytes name)
{
    (void)name;
    ++*(size_t *)context;
}

enum err backup_is_restored(struct vfs *from, struct vfs *to, bool *out_is)
{
    struct manifest manifest = { .entries = NULL };
    size_t names = 0;
    enum err err = manifest_load(from, &manifest);
    bool is = false;

    if (err == ERR_OK)
        err = to->list(to, "log", count_name, &names);
    if (err == ERR_OK)
        is = names == manifest.count && names > 0;
    for (size_t i = 0; err == ERR_OK && is && i < manifest.count; i++) {
        char path[FILES_PATH_BYTES];

        files_path(manifest.entries[i].number, false, path);
        err = files_is_entry(to, path, &manifest.entries[i], &is);
    }
    manifest_done(&manifest);
    if (err == ERR_NOT_FOUND || err == ERR_CORRUPT) {
        err = ERR_OK;
        is = false;
    }
    if (err == ERR_OK)
        *out_is = is;
    return err;
}
