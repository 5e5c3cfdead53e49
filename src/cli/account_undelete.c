/* A removed account comes back: first its mail, out of the trash, then its name and id. */
#include "cli/account_undelete.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "auth/accounts_copy.h"
#include "cli/cli.h"
#include "cli/errand.h"
#include "cli/offline.h"
#include "daemon/mail/place.h"
#include "ipc/route.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/vfs_posix.h"

struct undeleting {
    const struct config *config;
    struct bytes name;
    struct accounts_secret secret;
    struct accounts *accounts; /* in the child that holds them */
    struct accounts_record record;
    uint8_t id[IPC_ACCOUNT_ID_BYTES];
    bool has_no_mail; /* it was never used, or somebody has emptied the trash */
};

/* The database, by the owner of data/auth: open, and so locked, until all is done. */

static enum err find_account(void *context, json_t *found, struct note *why)
{
    struct undeleting *own = context;
    struct accounts_record there;
    FD_LOCAL int fd = -1;
    char path[64];
    char id[PLACE_HEX_BYTES];
    enum err err = offline_open_part(own->config, &offline_auth, &fd, why);

    if (err != ERR_OK)
        return err;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    err = accounts_open(path, &own->accounts, why);
    if (err == ERR_BUSY)
        return note_fail(why, err, "the server runs: stop it, then undelete");
    if (err != ERR_OK)
        return err;
    if (accounts_find(own->accounts, own->name, &there, NULL) == ERR_OK)
        return note_fail(why, ERR_EXISTS, "there is an account %.*s", BYTES_ARG(own->name));
    err = accounts_find_removed(own->accounts, own->name, &own->record);
    if (err == ERR_NOT_FOUND)
        return note_fail(why, err, "no account %.*s was removed", BYTES_ARG(own->name));
    if (err != ERR_OK)
        return err;
    place_hex(own->record.id.raw, id);
    (void)json_array_append_new(found, json_string(id));
    return ERR_OK;
}

static enum err write_account(void *context, json_t *found, struct note *why)
{
    struct undeleting *own = context;
    enum err err;

    (void)found;
    own->record.created = wall_seconds(clock_wall());
    own->record.password_changed = own->secret.set;
    own->record.has_scram = own->secret.scram.iterations != 0;
    err = accounts_restore(own->accounts, &own->record, &own->secret, why);
    accounts_close(own->accounts);
    return err;
}

static void see_name(void *context, struct bytes name)
{
    (void)context;
    (void)name;
}

static bool is_there(struct vfs *accounts, const uint8_t id[IPC_ACCOUNT_ID_BYTES])
{
    char path[PLACE_PATH_BYTES];

    place_path(id, path);
    return accounts->list(accounts, path, see_name, NULL) != ERR_NOT_FOUND;
}

/* The mail, by the owner of data/accounts; finds something when there is none. Where its directory
 * is in its place it never went, or an earlier run brought it back. */
static enum err bring_mail(void *context, json_t *found, struct note *why)
{
    struct undeleting *own = context;
    struct vfs *accounts;
    int fd = -1;
    enum err err = offline_open_part(own->config, &offline_accounts, &fd, why);

    if (err != ERR_OK)
        return err;
    accounts = vfs_posix_new(fd);
    err = place_untrash(accounts, own->id, why);
    if (err == ERR_NOT_FOUND && !is_there(accounts, own->id))
        (void)json_array_append_new(found, json_true());
    vfs_posix_free(accounts);
    return err == ERR_EXISTS || err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err undelete(struct undeleting *own, struct note *why)
{
    const struct errand database = { .work = find_account,
                                     .context = own,
                                     .finish = write_account };
    const struct errand mail = { .work = bring_mail, .context = own };
    struct errand_child child = { .apart = { .pid = 0 } };
    json_t *found = NULL;
    json_t *nothing = NULL;
    enum err err = errand_begin(&database, &child, &found, why);

    if (err == ERR_OK && !ipc_id_parse(json_string_value(json_array_get(found, 0)), own->id))
        err = ERR_CORRUPT;
    if (err == ERR_OK)
        err = errand_run(&mail, &nothing, why);
    own->has_no_mail = json_array_size(nothing) > 0;
    json_decref(nothing);
    nothing = NULL;
    if (err == ERR_OK)
        err = errand_finish(&child, &nothing, why);
    errand_drop(&child);
    json_decref(found);
    json_decref(nothing);
    return err;
}

int account_undelete_run(const struct config *config, const char *name, struct bytes password)
{
    struct undeleting own = { .config = config, .name = bytes_from_string(name) };
    struct accounts_policy policy = offline_policy(config);
    struct note why = { "" };
    enum err err = accounts_secret_make(password, &policy, clock_wall(), &own.secret, &why);

    if (err == ERR_OK)
        err = undelete(&own, &why);
    explicit_bzero(&own.secret, sizeof(own.secret));
    if (err != ERR_OK)
        return cli_complain(cli_exit_code(err), "%s",
                            why.text[0] != '\0' ? why.text : err_text(err));
    (void)printf(own.has_no_mail ? "%s is back; there is no mail of it in the trash\n"
                                 : "%s is back\n",
                 name);
    return EX_OK;
}
