/* Directories of accounts. */
#include "daemon/mail/place.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "ipc/route.h"

enum { TRASH_TRIES = 1000 };

void place_hex(const uint8_t id[IPC_ACCOUNT_ID_BYTES], char out_hex[PLACE_HEX_BYTES])
{
    ipc_id_print(id, out_hex);
}

void place_path(const uint8_t id[IPC_ACCOUNT_ID_BYTES], char out_path[PLACE_PATH_BYTES])
{
    place_hex(id, out_path + 3);
    memcpy(out_path, out_path + 3, 2);
    out_path[2] = '/';
}

/* Makes `path` below `parent` where it is missing; its name is durable then. */
static enum err make_directory(struct vfs *accounts, const char *path, const char *parent,
                               struct note *why)
{
    enum err err = accounts->mkdir(accounts, path);

    if (err == ERR_EXISTS)
        return ERR_OK;
    if (err == ERR_OK)
        err = accounts->sync_dir(accounts, parent);
    if (err != ERR_OK)
        return note_fail(why, err, "cannot make the directory %s: %s", path, err_text(err));
    return ERR_OK;
}

enum err place_make(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES], struct note *why)
{
    char path[PLACE_PATH_BYTES];
    char parent[3];
    enum err err;

    place_path(id, path);
    memcpy(parent, path, 2);
    parent[2] = '\0';
    err = make_directory(accounts, parent, "", why);
    return err != ERR_OK ? err : make_directory(accounts, path, parent, why);
}

static void aside_path(const uint8_t id[IPC_ACCOUNT_ID_BYTES], char out_path[PLACE_ASIDE_BYTES])
{
    memcpy(out_path, "restore/", 8);
    place_hex(id, out_path + 8);
}

enum err place_make_aside(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                          char out_path[PLACE_ASIDE_BYTES], struct note *why)
{
    enum err err = make_directory(accounts, "restore", "", why);

    aside_path(id, out_path);
    return err != ERR_OK ? err : make_directory(accounts, out_path, "restore", why);
}

enum err place_take_aside(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                          struct note *why)
{
    char from[PLACE_ASIDE_BYTES];
    char path[PLACE_PATH_BYTES];
    char parent[3];
    enum err err;

    aside_path(id, from);
    place_path(id, path);
    (void)snprintf(parent, sizeof(parent), "%.2s", path);
    err = make_directory(accounts, parent, "", why);
    if (err != ERR_OK)
        return err;
    err = accounts->rename(accounts, from, path);
    if (err == ERR_OK)
        err = accounts->sync_dir(accounts, parent);
    if (err == ERR_OK)
        err = accounts->sync_dir(accounts, "restore");
    if (err != ERR_OK)
        return note_fail(why, err, "cannot move %s to %s: %s", from, path, err_text(err));
    return ERR_OK;
}

enum err place_has_mail(struct vfs *accounts, const char *path, bool *out_has)
{
    char log[PLACE_TRASH_BYTES + sizeof("/log")];
    bool has = false;
    enum err err;

    (void)snprintf(log, sizeof(log), "%s/log", path);
    err = vfs_has_names(accounts, log, &has);
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    *out_has = has;
    return ERR_OK;
}

struct looking {
    struct vfs *accounts;
    char prefix[PLACE_HEX_BYTES + 1]; /* of the names */
    place_trashed_fn *each;
    void *context;
    enum err err; /* the first one */
};

static void see_trashed(void *context, struct bytes name)
{
    struct looking *looking = context;
    struct bytes prefix = bytes_from_string(looking->prefix);
    struct place_trashed trashed = { .serial = 0 };
    uint64_t seconds;
    struct bytes rest;
    enum err err;
    size_t dot;

    if (!bytes_starts_with(name, prefix))
        return;
    rest = bytes_from(name, prefix.len);
    dot = bytes_find_byte(rest, 0, '.');
    if (!num_parse(bytes_slice(rest, 0, dot), INT64_MAX, &seconds))
        return;
    if (dot < rest.len && !num_parse(bytes_from(rest, dot + 1), INT64_MAX, &trashed.serial))
        return;
    trashed.seconds = (int64_t)seconds;
    (void)snprintf(trashed.path, sizeof(trashed.path), "trash/%.*s", BYTES_ARG(name));
    err = place_has_mail(looking->accounts, trashed.path, &trashed.has_mail);
    if (err == ERR_OK)
        looking->each(looking->context, &trashed);
    else if (looking->err == ERR_OK)
        looking->err = err;
}

enum err place_list_trashed(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                            place_trashed_fn *each, void *context)
{
    struct looking looking = { .accounts = accounts, .each = each, .context = context };
    enum err err;

    place_hex(id, looking.prefix);
    looking.prefix[PLACE_HEX_BYTES - 1] = '.';
    err = accounts->list(accounts, "trash", see_trashed, &looking);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    return err == ERR_OK ? looking.err : err;
}

enum err place_untrash(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                       const char *path, struct note *why)
{
    char own[PLACE_PATH_BYTES];
    char parent[3];
    enum err err;

    place_path(id, own);
    (void)snprintf(parent, sizeof(parent), "%.2s", own);
    err = make_directory(accounts, parent, "", why);
    if (err == ERR_OK)
        err = accounts->rename(accounts, path, own);
    if (err == ERR_EXISTS)
        return err;
    if (err == ERR_OK)
        err = accounts->sync_dir(accounts, parent);
    if (err == ERR_OK)
        err = accounts->sync_dir(accounts, "trash");
    if (err != ERR_OK)
        return note_fail(why, err, "cannot move %s back: %s", path, err_text(err));
    return ERR_OK;
}

/* Into a name that is free: an account may go there more than once in a second. */
static enum err move_to_trash(struct vfs *accounts, const char *path, struct wall now,
                              char trash[PLACE_TRASH_BYTES])
{
    enum err err;

    (void)snprintf(trash, PLACE_TRASH_BYTES, "trash/%s.%" PRId64, path + 3, wall_seconds(now));
    err = accounts->rename(accounts, path, trash);
    for (unsigned i = 1; err == ERR_EXISTS && i <= TRASH_TRIES; i++) {
        (void)snprintf(trash, PLACE_TRASH_BYTES, "trash/%s.%" PRId64 ".%u", path + 3,
                       wall_seconds(now), i);
        err = accounts->rename(accounts, path, trash);
    }
    return err;
}

enum err place_trash(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES], struct wall now,
                     char out_path[PLACE_TRASH_BYTES], struct note *why)
{
    char path[PLACE_PATH_BYTES];
    char parent[3];
    enum err err = make_directory(accounts, "trash", "", why);

    if (err != ERR_OK)
        return err;
    place_path(id, path);
    memcpy(parent, path, 2);
    parent[2] = '\0';
    err = move_to_trash(accounts, path, now, out_path);
    if (err == ERR_NOT_FOUND)
        return err;
    if (err == ERR_OK)
        err = accounts->sync_dir(accounts, parent);
    if (err == ERR_OK)
        err = accounts->sync_dir(accounts, "trash");
    if (err != ERR_OK)
        return note_fail(why, err, "cannot move %s to the trash: %s", path, err_text(err));
    return ERR_OK;
}
