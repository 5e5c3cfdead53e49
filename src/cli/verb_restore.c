/* roost restore: accounts brought back from a backup. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "auth/accounts_copy.h"
#include "backup/backup.h"
#include "cli/backup_place.h"
#include "cli/cli.h"
#include "cli/errand.h"
#include "cli/offline.h"
#include "cli/progress.h"
#include "daemon/mail/place.h"
#include "ipc/route.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/files.h"
#include "sys/terminal.h"
#include "sys/vfs_posix.h"

enum { DATABASE_BYTES_MAX = 1024 * 1024 * 1024, PAGE = 64 };

struct restoring {
    const struct config *config;
    struct backup_place place;
    bool replace;
    struct buf database; /* of the backup */
    const char *const *names; /* of the accounts; none: all */
    size_t name_count;
    json_t *accounts; /* array of {"name", "id"} */
    struct accounts *databases[2]; /* ours and the backup's, in the child that holds ours */
};

/* The database: by the owner of data/auth. First all is looked at, then written. */

struct entry {
    struct accounts_record record;
    struct accounts_secret secret;
};

/* Whether the account is there already; ERR_EXISTS: another one of that name is. */
static enum err look(struct accounts *accounts, const struct entry *entry, bool *out_is_there,
                     struct note *why)
{
    struct bytes name = account_name_bytes(&entry->record.name);
    struct accounts_record there;
    enum err err = accounts_find(accounts, name, &there, NULL);

    *out_is_there = err == ERR_OK;
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err == ERR_OK && memcmp(&there.id, &entry->record.id, sizeof(there.id)) != 0)
        return note_fail(why, ERR_EXISTS,
                         "there is another account %.*s; remove it first, or leave it out",
                         BYTES_ARG(name));
    return err;
}

static enum err take(struct accounts *accounts, const struct entry *entry, bool write,
                     json_t *found, struct note *why)
{
    char id[PLACE_HEX_BYTES];
    bool is_there = false;
    enum err err = look(accounts, entry, &is_there, why);

    if (err == ERR_OK && write && !is_there)
        err = accounts_restore(accounts, &entry->record, &entry->secret, why);
    if (err != ERR_OK || write)
        return err;
    place_hex(entry->record.id.raw, id);
    (void)json_array_append_new(found, json_pack("{s:s%, s:s}", "name",
                                                 (const char *)entry->record.name.at,
                                                 (size_t)entry->record.name.len, "id", id));
    return ERR_OK;
}

static enum err take_name(const struct restoring *own, struct accounts *copy, struct bytes name,
                          struct entry *out_entry, struct note *why)
{
    enum err err = accounts_find(copy, name, &out_entry->record, &out_entry->secret);

    (void)own;
    if (err == ERR_NOT_FOUND)
        return note_fail(why, err, "there is no account %.*s in the backup", BYTES_ARG(name));
    return err;
}

static enum err take_named(const struct restoring *own, struct accounts *accounts[2], bool write,
                           json_t *found, struct note *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < own->name_count; i++) {
        struct entry entry;

        err = take_name(own, accounts[1], bytes_from_string(own->names[i]), &entry, why);
        if (err == ERR_OK)
            err = take(accounts[0], &entry, write, found, why);
        explicit_bzero(&entry, sizeof(entry));
    }
    return err;
}

static enum err take_all(const struct restoring *own, struct accounts *accounts[2], bool write,
                         json_t *found, struct note *why)
{
    struct accounts_record page[PAGE];
    struct account_name last = { .len = 0 };
    size_t count = PAGE;
    enum err err = ERR_OK;

    while (err == ERR_OK && count == PAGE) {
        err = accounts_list(accounts[1], account_name_bytes(&last), page, PAGE, &count);
        for (size_t i = 0; err == ERR_OK && i < count; i++) {
            struct entry entry;

            err = take_name(own, accounts[1], account_name_bytes(&page[i].name), &entry, why);
            if (err == ERR_OK)
                err = take(accounts[0], &entry, write, found, why);
            explicit_bzero(&entry, sizeof(entry));
        }
        if (err == ERR_OK && count > 0)
            last = page[count - 1].name;
    }
    return err;
}

static enum err take_each(struct restoring *own, bool write, json_t *found, struct note *why)
{
    return own->name_count > 0 ? take_named(own, own->databases, write, found, why)
                               : take_all(own, own->databases, write, found, why);
}

/* Ours stays open, and so it is locked, until the child ends: no server starts meanwhile, and no
 * other restore. */
static enum err read_accounts(void *context, json_t *found, struct note *why)
{
    struct restoring *own = context;
    FD_LOCAL int fd = -1;
    char path[64];
    enum err err = accounts_open_copy(buf_bytes(&own->database), &own->databases[1], why);

    if (err == ERR_OK)
        err = offline_open_part(own->config, &offline_auth, &fd, why);
    if (err == ERR_OK) {
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        err = accounts_open(path, &own->databases[0], why);
    }
    if (err == ERR_BUSY)
        note_set(why, "the server runs, or another restore: stop it, or wait for it, then restore");
    if (err == ERR_OK)
        err = take_each(own, false, found, why);
    return err;
}

static enum err write_accounts(void *context, json_t *found, struct note *why)
{
    struct restoring *own = context;
    enum err err = take_each(own, true, found, why);

    accounts_close(own->databases[0]);
    accounts_close(own->databases[1]);
    return err;
}

/* The mail: by the owner of data/accounts. */

struct bringing {
    struct backup_listener listener;
    struct progress progress;
    const char *name;
    uint64_t done;
    uint64_t total;
    bool replace;
    struct vfs *from;
    struct vfs *to;
    size_t count; /* accounts with mail that were brought back */
    json_t *found; /* what there is to say of accounts */
};

static void on_total(struct backup_listener *listener, uint64_t bytes)
{
    struct bringing *bringing = CONTAINER_OF(listener, struct bringing, listener);

    bringing->done = 0;
    bringing->total = bytes;
}

static void on_done(struct backup_listener *listener, uint64_t bytes)
{
    struct bringing *bringing = CONTAINER_OF(listener, struct bringing, listener);

    bringing->done += bytes;
    progress_show(&bringing->progress, bringing->name, bringing->done, bringing->total,
                  clock_mono());
}

static void see_name(void *context, struct bytes name)
{
    (void)name;
    *(bool *)context = true;
}

/* Is there a log with anything in it? */
static enum err has_mail(struct vfs *accounts, const char *path, bool *out_has)
{
    struct vfs *own;
    enum err err = vfs_posix_below(accounts, path, &own);

    *out_has = false;
    if (err == ERR_OK) {
        err = own->list(own, "log", see_name, out_has);
        vfs_posix_free(own);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Has an earlier run, which did not come to its end, brought this account back already? */
static enum err is_done(const struct bringing *bringing, const char *path, bool *out_is)
{
    struct vfs *from = NULL;
    struct vfs *to = NULL;
    enum err err = ERR_NOT_FOUND;

    *out_is = false;
    if (bringing->from != NULL)
        err = vfs_posix_below(bringing->from, path, &from);
    if (err == ERR_OK)
        err = vfs_posix_below(bringing->to, path, &to);
    if (err == ERR_OK)
        err = backup_is_restored(from, to, out_is);
    vfs_posix_free(from);
    vfs_posix_free(to);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* For the person, when all is done. */
static enum err tell(struct bringing *bringing, const char *what, const char *text)
{
    (void)json_array_append_new(bringing->found,
                                json_pack("{s:s, s:s}", "name", bringing->name, what, text));
    return ERR_OK;
}

/* Whole beside its place first, so that it is never there in part. */
static enum err bring_one(struct bringing *bringing, const struct account_id *id, struct note *why)
{
    char path[PLACE_PATH_BYTES];
    char aside[PLACE_ASIDE_BYTES];
    char trash[PLACE_TRASH_BYTES];
    struct vfs *from = NULL;
    struct vfs *to = NULL;
    bool done = false;
    enum err err;

    place_path(id->raw, path);
    err = is_done(bringing, path, &done);
    if (err != ERR_OK || done) {
        bringing->count += done;
        return err;
    }
    err = vfs_posix_below(bringing->from, path, &from);
    if (err == ERR_NOT_FOUND) /* nobody had used it */
        return tell(bringing, "without", "mail");
    if (err == ERR_OK)
        err = place_make_aside(bringing->to, id->raw, aside, why);
    if (err == ERR_OK)
        err = vfs_posix_below(bringing->to, aside, &to);
    if (err == ERR_OK)
        err = backup_restore(from, to, *id, &bringing->listener, why);
    vfs_posix_free(from);
    vfs_posix_free(to);
    if (err == ERR_OK)
        err = place_trash(bringing->to, id->raw, clock_wall(), trash, why);
    if (err == ERR_OK)
        err = tell(bringing, "trash", trash);
    if (err == ERR_OK || err == ERR_NOT_FOUND)
        err = place_take_aside(bringing->to, id->raw, why);
    if (err == ERR_OK)
        bringing->count++;
    return err;
}

/* Nothing is touched when something would be replaced without the word. */
static enum err check_places(const struct bringing *bringing, const json_t *accounts,
                             struct note *why)
{
    size_t index;
    json_t *account;

    if (bringing->replace)
        return ERR_OK;
    json_array_foreach(accounts, index, account)
    {
        const char *name = json_string_value(json_object_get(account, "name"));
        uint8_t id[IPC_ACCOUNT_ID_BYTES];
        char path[PLACE_PATH_BYTES];
        bool has = false;
        bool done = false;
        enum err err;

        if (!ipc_id_parse(json_string_value(json_object_get(account, "id")), id))
            return ERR_CORRUPT;
        place_path(id, path);
        err = has_mail(bringing->to, path, &has);
        if (err == ERR_OK && has)
            err = is_done(bringing, path, &done);
        if (err != ERR_OK)
            return note_fail(why, err, "%s: %s", name, err_text(err));
        if (has && !done)
            return note_fail(why, ERR_EXISTS,
                             "%s has mail; --replace moves it to the trash and restores", name);
    }
    return ERR_OK;
}

static enum err bring_each(struct bringing *bringing, const json_t *accounts, struct note *why)
{
    size_t index;
    json_t *account;

    json_array_foreach(accounts, index, account)
    {
        struct account_id id;
        struct note reason = { "" };
        enum err err = ERR_CORRUPT;

        bringing->name = json_string_value(json_object_get(account, "name"));
        if (ipc_id_parse(json_string_value(json_object_get(account, "id")), id.raw))
            err = bring_one(bringing, &id, &reason);
        progress_clear(&bringing->progress);
        if (err != ERR_OK)
            return note_fail(why, err, "%s: %s", bringing->name,
                             reason.text[0] != '\0' ? reason.text : err_text(err));
    }
    return ERR_OK;
}

static enum err with_accounts(struct restoring *own, bool write, json_t *found, struct note *why)
{
    struct bringing bringing = { .listener = { on_total, on_done },
                                 .progress = { .is_terminal = terminal_is(2) },
                                 .replace = own->replace,
                                 .found = found };
    int fd = -1;
    enum err err = offline_open_part(own->config, &offline_accounts, &fd, why);

    if (err != ERR_OK)
        return err;
    bringing.to = vfs_posix_new(fd);
    if (own->place.accounts_fd >= 0)
        bringing.from = vfs_posix_new(fd_take(&own->place.accounts_fd));
    if (!write)
        err = check_places(&bringing, own->accounts, why);
    if (err == ERR_OK && write) {
        err = bring_each(&bringing, own->accounts, why);
        (void)json_array_append_new(found,
                                    json_pack("{s:I}", "with_mail", (json_int_t)bringing.count));
    }
    vfs_posix_free(bringing.from);
    vfs_posix_free(bringing.to);
    return err;
}

static enum err look_at_mail(void *context, json_t *found, struct note *why)
{
    return with_accounts(context, false, found, why);
}

static enum err bring_mail(void *context, json_t *found, struct note *why)
{
    return with_accounts(context, true, found, why);
}

/* The command. */

static enum err do_errand(struct restoring *own,
                          enum err (*work)(void *context, json_t *found, struct note *why),
                          json_t **out_found, struct note *why)
{
    const struct errand errand = { .work = work, .context = own };
    json_t *found = NULL;
    enum err err = errand_run(&errand, &found, why);

    if (err == ERR_OK && out_found != NULL)
        *out_found = found;
    else
        json_decref(found);
    return err;
}

static void print_restored(const struct restoring *own, const json_t *found)
{
    size_t count = json_array_size(own->accounts);
    json_int_t with_mail = 0;
    size_t index;
    json_t *value;

    json_array_foreach(found, index, value)
    {
        const char *name = json_string_value(json_object_get(value, "name"));
        const char *trash = json_string_value(json_object_get(value, "trash"));

        if (trash != NULL)
            (void)printf("%s: the mail that was there is in %s/accounts/%s\n", name,
                         own->config->data, trash);
        else if (name != NULL)
            (void)printf("%s: the backup has no mail of it\n", name);
        else
            with_mail = json_integer_value(json_object_get(value, "with_mail"));
    }
    (void)printf("restored %zu account%s, %" JSON_INTEGER_FORMAT " with mail\n", count,
                 count == 1 ? "" : "s", with_mail);
}

static enum err restore(struct restoring *own, struct note *why)
{
    const struct errand accounts = { .work = read_accounts,
                                     .context = own,
                                     .finish = write_accounts };
    struct errand_child child = { .apart = { .pid = 0 } };
    json_t *nothing = NULL;
    json_t *found = NULL;
    enum err err = errand_begin(&accounts, &child, &own->accounts, why);

    if (err == ERR_OK && json_array_size(own->accounts) == 0)
        err = note_fail(why, ERR_CONFLICT, "there are no accounts in the backup");
    if (err == ERR_OK)
        err = do_errand(own, look_at_mail, NULL, why);
    if (err == ERR_OK && own->place.accounts_fd >= 0)
        err = do_errand(own, bring_mail, &found, why);
    /* Last: nobody is let in, and no mail is taken, before all of it is there. */
    if (err == ERR_OK)
        err = errand_finish(&child, &nothing, why);
    if (err == ERR_OK)
        print_restored(own, found);
    errand_drop(&child);
    json_decref(nothing);
    json_decref(found);
    return err;
}

static enum err read_database(struct restoring *own, const char *source, struct note *why)
{
    char path[BACKUP_PATH_BYTES_MAX];

    if (snprintf(path, sizeof(path), "%s/auth/" BACKUP_DATABASE, source) >= (int)sizeof(path))
        return note_fail(why, ERR_LIMIT, "the path is too long");
    own->database = buf_make(DATABASE_BYTES_MAX);
    return file_read(path, &own->database, why);
}

static int run(const struct verb *verb, struct arguments arguments)
{
    struct restoring own = { .place = { .auth_fd = -1, .accounts_fd = -1 } };
    const struct option options[] = { { .name = "--replace", .flag = &own.replace } };
    struct note why = { "" };
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, options, ARRAY_COUNT(options));
    enum err err;

    if (code == CLI_GO_ON && cli.options.words_count == 0)
        code = cli_complain(EX_USAGE, "restore wants the directory of a backup");
    if (code == CLI_GO_ON)
        code = cli_configure(&cli);
    if (code == CLI_GO_ON) {
        own.config = &cli.config;
        own.names = cli.options.words + 1;
        own.name_count = cli.options.words_count - 1;
        err = backup_place_open(cli.options.words[0], &own.place, &why);
        if (err == ERR_OK)
            err = read_database(&own, cli.options.words[0], &why);
        code = err == ERR_NOT_FOUND ? EX_NOINPUT : cli_exit_code(err);
        if (err == ERR_OK) {
            err = restore(&own, &why);
            code = cli_exit_code(err);
        }
        if (err != ERR_OK)
            (void)cli_complain(0, "%s", why.text[0] != '\0' ? why.text : err_text(err));
        backup_place_close(&own.place);
        json_decref(own.accounts);
        if (own.database.at != NULL)
            explicit_bzero(own.database.at, own.database.capacity);
        buf_done(&own.database);
    }
    cli_end(&cli);
    return code;
}

const struct verb verb_restore = {
    .name = "restore",
    .summary = "bring accounts back from a backup",
    .help = "roost restore SOURCE [NAME ...]\n\n"
            "Brings all accounts, or those named, back from the directory SOURCE that\n"
            "`roost backup` made, with their ids and passwords. The server must not run. An\n"
            "account that is there keeps its password; mail that is there is not touched.\n"
            "A run that was interrupted is repeated with the same line, and goes on:\n\n"
            "  --replace   move the mail that is there to the trash first\n\n"
            "  roost restore /srv/backup/mail ann@example.org\n",
    .run = run,
};
