/* A removed account comes back: first its mail, out of the trash, then its name and id. Of several
 * that had the name it is the last one that has mail: one that was made and removed since, and
 * never used, is not what somebody wants back. */
#include "cli/account_undelete.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "auth/accounts_copy.h"
#include "cli/cli.h"
#include "cli/errand.h"
#include "cli/offline.h"
#include "cli/when.h"
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
    json_t *removed; /* array of {"id", "seconds"}: who had that name, the last one first */
};

/* The database, by the owner of data/auth: open, and so locked, until all is done. */

static json_t *removed_json(const struct accounts_record *record, struct wall removed)
{
    char id[PLACE_HEX_BYTES];

    place_hex(record->id.raw, id);
    return json_pack("{s:s, s:I}", "id", id, "seconds", (json_int_t)wall_seconds(removed));
}

static enum err find_accounts(void *context, json_t *found, struct note *why)
{
    struct undeleting *own = context;
    struct accounts_record record;
    struct wall removed;
    FD_LOCAL int fd = -1;
    char path[64];
    enum err err = offline_open_part(own->config, &offline_auth, &fd, why);

    if (err != ERR_OK)
        return err;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    err = accounts_open(path, &own->accounts, why);
    if (err == ERR_BUSY)
        return note_fail(why, err, "the server runs: stop it, then undelete");
    if (err != ERR_OK)
        return err;
    if (accounts_find(own->accounts, own->name, &record, NULL) == ERR_OK)
        return note_fail(why, ERR_EXISTS, "there is an account %.*s", BYTES_ARG(own->name));
    while (err == ERR_OK) {
        err = accounts_find_removed(own->accounts, own->name, json_array_size(found), &record,
                                    &removed);
        if (err == ERR_OK)
            (void)json_array_append_new(found, removed_json(&record, removed));
    }
    if (err == ERR_NOT_FOUND && json_array_size(found) == 0)
        return note_fail(why, err, "no account %.*s was removed", BYTES_ARG(own->name));
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* `id` is the one that was chosen. */
static enum err write_account(void *context, struct bytes id, json_t *found, struct note *why)
{
    struct undeleting *own = context;
    struct accounts_record record;
    char hex[PLACE_HEX_BYTES] = "";
    struct wall removed;
    enum err err = ERR_OK;

    (void)found;
    for (size_t i = 0; err == ERR_OK && !bytes_equal(bytes_from_string(hex), id); i++) {
        err = accounts_find_removed(own->accounts, own->name, i, &record, &removed);
        if (err == ERR_OK)
            place_hex(record.id.raw, hex);
    }
    if (err != ERR_OK)
        return err;
    record.created = wall_seconds(clock_wall());
    record.password_changed = own->secret.set;
    record.has_scram = own->secret.scram.iterations != 0;
    err = accounts_restore(own->accounts, &record, &own->secret, why);
    accounts_close(own->accounts);
    return err;
}

/* The mail, by the owner of data/accounts. */

struct choosing {
    struct vfs *accounts;
    const char *id; /* at hand */
    const char *chosen; /* NULL: none of them has mail so far */
    struct place_trashed best; /* of the chosen one; no path: its mail is in its place */
    json_t *others; /* array of {"path", "seconds"}: what else of them has mail */
};

static void add_other(struct choosing *choosing, const struct place_trashed *trashed)
{
    (void)json_array_append_new(
        choosing->others,
        json_pack("{s:s, s:I}", "path", trashed->path, "seconds", (json_int_t)trashed->seconds));
}

static bool is_older(const struct place_trashed *one, const struct place_trashed *other)
{
    return one->seconds < other->seconds ||
           (one->seconds == other->seconds && one->serial < other->serial);
}

/* The youngest of the last account that has any mail. */
static void see_trashed(void *context, const struct place_trashed *trashed)
{
    struct choosing *choosing = context;
    bool is_own = choosing->chosen == choosing->id && choosing->best.path[0] != '\0';

    if (!trashed->has_mail)
        return;
    if (choosing->chosen != NULL && (!is_own || is_older(trashed, &choosing->best))) {
        add_other(choosing, trashed);
        return;
    }
    if (choosing->chosen != NULL)
        add_other(choosing, &choosing->best);
    choosing->chosen = choosing->id;
    choosing->best = *trashed;
}

/* Where its directory is in its place it never went, or an earlier run brought it back. */
static enum err choose(struct choosing *choosing, const json_t *removed, struct note *why)
{
    enum err err = ERR_OK;
    size_t index;
    json_t *account;

    json_array_foreach(removed, index, account)
    {
        uint8_t id[IPC_ACCOUNT_ID_BYTES];
        char path[PLACE_PATH_BYTES];
        bool has = false;

        choosing->id = json_string_value(json_object_get(account, "id"));
        if (!ipc_id_parse(choosing->id, id))
            return ERR_CORRUPT;
        place_path(id, path);
        err = place_has_mail(choosing->accounts, path, &has);
        if (err == ERR_OK && has && choosing->chosen == NULL)
            choosing->chosen = choosing->id;
        if (err == ERR_OK)
            err = place_list_trashed(choosing->accounts, id, see_trashed, choosing);
        if (err != ERR_OK)
            return note_fail(why, err, "the trash cannot be read: %s", err_text(err));
    }
    return ERR_OK;
}

static enum err untrash(const struct choosing *choosing, struct note *why)
{
    uint8_t id[IPC_ACCOUNT_ID_BYTES];
    char path[PLACE_PATH_BYTES];
    enum err err;

    if (choosing->best.path[0] == '\0')
        return ERR_OK;
    if (!ipc_id_parse(choosing->chosen, id))
        return ERR_CORRUPT;
    err = place_untrash(choosing->accounts, id, choosing->best.path, why);
    place_path(id, path);
    return err == ERR_EXISTS ? note_fail(why, err, "accounts/%s is in the way", path) : err;
}

/* Finds which account it is to be, where its mail was, and what else there is. */
static enum err bring_mail(void *context, json_t *found, struct note *why)
{
    struct undeleting *own = context;
    const json_t *last = json_array_get(own->removed, 0);
    struct choosing choosing = { .others = json_array() };
    int fd = -1;
    enum err err = offline_open_part(own->config, &offline_accounts, &fd, why);

    if (err != ERR_OK)
        return err;
    choosing.accounts = vfs_posix_new(fd);
    err = choose(&choosing, own->removed, why);
    if (err == ERR_OK)
        err = untrash(&choosing, why);
    vfs_posix_free(choosing.accounts);
    (void)json_array_append_new(
        found, json_pack("{s:s, s:b, s:I, s:o}", "id",
                         choosing.chosen != NULL ? choosing.chosen
                                                 : json_string_value(json_object_get(last, "id")),
                         "mail", choosing.chosen != NULL, "seconds",
                         (json_int_t)choosing.best.seconds, "others", choosing.others));
    return err;
}

/* The command. */

static void print_back(const struct undeleting *own, const json_t *brought)
{
    const json_t *others = json_object_get(brought, "others");
    json_int_t seconds = json_integer_value(json_object_get(brought, "seconds"));
    char text[WHEN_BYTES_MAX];
    size_t index;
    json_t *other;

    (void)printf("%.*s is back", BYTES_ARG(own->name));
    when_print(seconds, text);
    if (!json_is_true(json_object_get(brought, "mail")))
        (void)printf("; there is no mail of it in the trash");
    else if (seconds != 0)
        (void)printf(", with the mail that went to the trash %s", text);
    (void)printf("\n");
    json_array_foreach(others, index, other)
    {
        when_print(json_integer_value(json_object_get(other, "seconds")), text);
        (void)printf("mail of that name that went %s is still in %s/accounts/%s\n", text,
                     own->config->data, json_string_value(json_object_get(other, "path")));
    }
}

static enum err undelete(struct undeleting *own, struct note *why)
{
    const struct errand database = { .work = find_accounts,
                                     .context = own,
                                     .finish = write_account };
    const struct errand mail = { .work = bring_mail, .context = own };
    struct errand_child child = { .apart = { .pid = 0 } };
    json_t *brought = NULL;
    json_t *nothing = NULL;
    const char *id;
    enum err err = errand_begin(&database, &child, &own->removed, why);

    if (err == ERR_OK)
        err = errand_run(&mail, &brought, why);
    id = json_string_value(json_object_get(json_array_get(brought, 0), "id"));
    if (err == ERR_OK)
        err = id == NULL ? ERR_CORRUPT : errand_finish(&child, id, &nothing, why);
    if (err == ERR_OK)
        print_back(own, json_array_get(brought, 0));
    errand_drop(&child);
    json_decref(brought);
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
    json_decref(own.removed);
    if (err != ERR_OK)
        return cli_complain(cli_exit_code(err), "%s",
                            why.text[0] != '\0' ? why.text : err_text(err));
    return EX_OK;
}
