/* Making and opening the directories. */
#include "daemon/supervisor/layout.h"

#include <stdio.h>

#include "ipc/request_table.h"
#include "sys/files.h"
#include "sys/place.h"
#include "sys/process.h"

static const struct {
    enum ipc_role role;
    const char *name;
} role_directories[] = {
    { IPC_ROLE_AUTH, "auth" },
    { IPC_ROLE_GATE, "spool" },
    { IPC_ROLE_MAIL, "accounts" },
};

static enum err find_users(struct supervisor *supervisor, struct note *why)
{
    enum err err = ERR_OK;

    supervisor->has_users = process_is_root();
    if (!supervisor->has_users)
        return ERR_OK;
    for (int role = IPC_ROLE_TLS; err == ERR_OK && role < IPC_ROLE_COUNT; role++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "roost-%s", ipc_role_name((enum ipc_role)role));
        err = child_find_user(name, &supervisor->users[role], why);
    }
    return err;
}

static enum err join(const char *directory, const char *name, char out_path[LAYOUT_PATH_BYTES_MAX],
                     struct note *why)
{
    int len = snprintf(out_path, LAYOUT_PATH_BYTES_MAX, "%s/%s", directory, name);

    if (len < 0 || len >= LAYOUT_PATH_BYTES_MAX)
        return note_fail(why, ERR_LIMIT, "the path is too long: %.100s...", directory);
    return ERR_OK;
}

static enum err check_owner(const char *path, const struct child_user *user, struct note *why)
{
    struct place place;
    enum err err = place_look(path, &place, why);

    if (err == ERR_OK && place.uid != user->uid)
        err = note_fail(why, ERR_DENIED,
                        "%s belongs to user %u, but its role runs as user %u; as root: "
                        "chown -R %u:%u %s",
                        path, place.uid, user->uid, user->uid, user->gid, path);
    return err;
}

static enum err make_for_role(struct supervisor *supervisor, enum ipc_role role, const char *path,
                              struct note *why)
{
    const struct child_user *user = &supervisor->users[role];
    struct place place;
    enum err err = place_look(path, &place, why);
    bool is_new = err == ERR_NOT_FOUND;

    if (is_new)
        err = file_make_directory(path, 0700, why);
    if (err == ERR_OK && is_new && supervisor->has_users)
        err = place_give(path, user->uid, user->gid, why);
    if (err == ERR_OK && supervisor->has_users)
        err = check_owner(path, user, why);
    if (err == ERR_OK)
        err = file_open_directory(path, &supervisor->directory_fds[role], why);
    return err;
}

enum err layout_make(struct supervisor *supervisor, struct note *why)
{
    const struct config *config = &supervisor->config;
    enum err err = find_users(supervisor, why);

    if (err == ERR_OK)
        err = file_make_directory(config->data, supervisor->has_users ? 0711 : 0700, why);
    if (err == ERR_OK)
        err = file_make_directory(config->run, 0755, why);
    for (size_t i = 0; err == ERR_OK && i < ARRAY_COUNT(role_directories); i++) {
        char path[LAYOUT_PATH_BYTES_MAX];

        err = join(config->data, role_directories[i].name, path, why);
        if (err == ERR_OK)
            err = make_for_role(supervisor, role_directories[i].role, path, why);
    }
    return err;
}

enum err layout_tls_path(const struct config *config, const char *name,
                         char out_path[LAYOUT_PATH_BYTES_MAX], struct note *why)
{
    char directory[LAYOUT_PATH_BYTES_MAX];
    enum err err = join(config->data, "tls", directory, why);

    if (err == ERR_OK)
        err = file_make_directory(directory, 0700, why);
    return err == ERR_OK ? join(directory, name, out_path, why) : err;
}
