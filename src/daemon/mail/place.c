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

/* The youngest in the trash. */
struct trashed {
    char prefix[PLACE_HEX_BYTES + 1]; /* of the names */
    char name[PLACE_TRASH_BYTES]; /* empty: none so far */
    uint64_t age[2]; /* its seconds, and the number behind them */
};

static void see_trashed(void *context, struct bytes name)
{
    struct trashed *trashed = context;
    struct bytes prefix = bytes_from_string(trashed->prefix);
    uint64_t age[2] = { 0, 0 };
    struct bytes rest;
    size_t dot;

    if (!bytes_starts_with(name, prefix))
        return;
    rest = bytes_from(name, prefix.len);
    dot = bytes_find_byte(rest, 0, '.');
    if (!num_parse(bytes_slice(rest, 0, dot), INT64_MAX, &age[0]))
        return;
    if (dot < rest.len && !num_parse(bytes_from(rest, dot + 1), INT64_MAX, &age[1]))
        return;
    if (trashed->name[0] != '\0' &&
        (age[0] < trashed->age[0] || (age[0] == trashed->age[0] && age[1] < trashed->age[1])))
        return;
    memcpy(trashed->age, age, sizeof(age));
    (void)snprintf(trashed->name, sizeof(trashed->name), "trash/%.*s", BYTES_ARG(name));
}

enum err place_untrash(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES],
                       struct note *why)
{
    struct trashed trashed = { .name = "" };
    char path[PLACE_PATH_BYTES];
    char parent[3];
    enum err err;

    place_path(id, path);
    (void)snprintf(parent, sizeof(parent), "%.2s", path);
    (void)snprintf(trashed.prefix, sizeof(trashed.prefix), "%s.", path + 3);
    err = accounts->list(accounts, "trash", see_trashed, &trashed);
    if (err == ERR_NOT_FOUND || (err == ERR_OK && trashed.name[0] == '\0'))
        return ERR_NOT_FOUND;
    if (err == ERR_OK)
        err = make_directory(accounts, parent, "", why);
    if (err == ERR_OK)
        err = accounts->rename(accounts, trashed.name, path);
    if (err == ERR_EXISTS)
        return err;
    if (err == ERR_OK)
        err = accounts->sync_dir(accounts, parent);
    if (err == ERR_OK)
        err = accounts->sync_dir(accounts, "trash");
    if (err != ERR_OK)
        return note_fail(why, err, "cannot move %s back: %s", trashed.name, err_text(err));
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
