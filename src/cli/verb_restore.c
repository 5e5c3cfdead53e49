/* roost restore: accounts brought back from a backup. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "auth/accounts_copy.h"
#include "backup/backup.h"
#include "backup/manifest.h"
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

enum { DATABASE_BYTES_MAX = 1024 * 1024 * 1024, PAGE = 64, DIRECTORIES = 256 };

struct restoring {
    const struct config *config;
    struct backup_place place;
    bool replace;
    struct buf database; /* of the backup */
    const char *const *names; /* of the accounts; none: all */
    size_t name_count;
    json_t *copies; /* object: the ids of which the backup has a finished copy */
    json_t *accounts; /* array of {"name", "id"}: those of them that are wanted */
    json_t *missing; /* array of names: wanted, and there is no copy */
    struct accounts *databases[2]; /* ours and the backup's, in the child that holds ours */
};

/* The copies in the backup: by the owner of data/accounts, and first of all: nobody is brought back
 * of whom there is none. */

struct finding {
    unsigned above; /* the directory at hand: "00" to "ff" */
    struct vfs *from;
    json_t *found;
};

static void see_copy(void *context, struct bytes name)
{
    struct finding *finding = context;
    struct vfs_file *file = NULL;
    char path[PLACE_PATH_BYTES + sizeof("/" MANIFEST_PATH)];

    if (name.len != PLACE_HEX_BYTES - 1)
        return;
    (void)snprintf(path, sizeof(path), "%02x/%.*s/" MANIFEST_PATH, finding->above, BYTES_ARG(name));
    if (finding->from->open(finding->from, path, VFS_OPEN_READ, &file) == ERR_NOT_FOUND)
        return;
    vfs_close(file);
    (void)json_array_append_new(finding->found, json_stringn((const char *)name.at, name.len));
}

static enum err find_copies(void *context, json_t *found, struct note *why)
{
    struct restoring *own = context;
    struct finding finding = { .found = found };
    int fd = -1;
    enum err err = offline_open_part(own->config, &offline_accounts, &fd, why);

    fd_close(&fd);
    if (err != ERR_OK || own->place.accounts_fd < 0)
        return err;
    finding.from = vfs_posix_new(fd_take(&own->place.accounts_fd));
    for (; err == ERR_OK && finding.above < DIRECTORIES; finding.above++) {
        char above[3];

        (void)snprintf(above, sizeof(above), "%02x", finding.above);
        err = finding.from->list(finding.from, above, see_copy, &finding);
        if (err == ERR_NOT_FOUND) /* no directory */
            err = ERR_OK;
    }
    vfs_posix_free(finding.from);
    return err == ERR_OK ? err
                         : note_fail(why, err, "the accounts of the backup cannot be read: %s",
                                     err_text(err));
}

static void take_copies(struct restoring *own, const json_t *found)
{
    size_t index;
    json_t *id;

    own->copies = json_object();
    json_array_foreach(found, index, id)(void)
        json_object_set_new(own->copies, json_string_value(id), json_true());
}

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

static json_t *entry_json(const struct entry *entry, const char *id, bool has_copy)
{
    return json_pack("{s:s%, s:s, s:b}", "name", (const char *)entry->record.name.at,
                     (size_t)entry->record.name.len, "id", id, "copy", (int)has_copy);
}

/* Finds who there is; when it writes, who was missing. */
static enum err take(const struct restoring *own, const struct entry *entry, bool write,
                     json_t *found, struct note *why)
{
    char id[PLACE_HEX_BYTES];
    bool is_there = false;
    bool has_copy;
    enum err err = ERR_OK;

    place_hex(entry->record.id.raw, id);
    has_copy = json_object_get(own->copies, id) != NULL;
    if (has_copy)
        err = look(own->databases[0], entry, &is_there, why);
    if (err == ERR_OK && write && has_copy && !is_there)
        err = accounts_restore(own->databases[0], &entry->record, &entry->secret, why);
    if (err == ERR_OK && (!write || (has_copy && !is_there)))
        (void)json_array_append_new(found, entry_json(entry, id, has_copy));
    return err;
}

static enum err take_name(const struct restoring *own, struct bytes name, bool write, json_t *found,
                          struct note *why)
{
    struct entry entry;
    enum err err = accounts_find(own->databases[1], name, &entry.record, &entry.secret);

    if (err == ERR_NOT_FOUND)
        return note_fail(why, err, "there is no account %.*s in the backup", BYTES_ARG(name));
    if (err == ERR_OK)
        err = take(own, &entry, write, found, why);
    explicit_bzero(&entry, sizeof(entry));
    return err;
}

static enum err take_named(const struct restoring *own, bool write, json_t *found, struct note *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < own->name_count; i++)
        err = take_name(own, bytes_from_string(own->names[i]), write, found, why);
    return err;
}

static enum err take_all(const struct restoring *own, bool write, json_t *found, struct note *why)
{
    struct accounts_record page[PAGE];
    struct account_name last = { .len = 0 };
    size_t count = PAGE;
    enum err err = ERR_OK;

    while (err == ERR_OK && count == PAGE) {
        err = accounts_list(own->databases[1], account_name_bytes(&last), page, PAGE, &count);
        for (size_t i = 0; err == ERR_OK && i < count; i++)
            err = take_name(own, account_name_bytes(&page[i].name), write, found, why);
        if (err == ERR_OK && count > 0)
            last = page[count - 1].name;
    }
    return err;
}

static enum err take_each(struct restoring *own, bool write, json_t *found, struct note *why)
{
    return own->name_count > 0 ? take_named(own, write, found, why)
                               : take_all(own, write, found, why);
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

static enum err write_accounts(void *context, struct bytes word, json_t *found, struct note *why)
{
    struct restoring *own = context;
    enum err err = take_each(own, true, found, why);

    (void)word;
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
    json_t *found; /* what became of each account */
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

/* For the person, when all is done: "mail": it is back; "there": it was there, just as it is in the
 * backup; "unused": the backup knows of none; "trash": what was there is in that directory. */
static void tell(struct bringing *bringing, const char *what, const char *text)
{
    (void)json_array_append_new(bringing->found,
                                json_pack("{s:s, s:s}", "name", bringing->name, what, text));
}

/* What is there, if anything is. */
static enum err clear_place(struct bringing *bringing, const struct account_id *id,
                            struct note *why)
{
    char trash[PLACE_TRASH_BYTES];
    enum err err = place_trash(bringing->to, id->raw, clock_wall(), trash, why);

    if (err == ERR_OK)
        tell(bringing, "trash", trash);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* An account that nobody had used. */
static enum err bring_unused(struct bringing *bringing, const struct account_id *id,
                             const char *path, struct note *why)
{
    bool has = false;
    enum err err = place_has_mail(bringing->to, path, &has);

    if (err == ERR_OK && has)
        err = clear_place(bringing, id, why);
    if (err == ERR_OK)
        tell(bringing, "unused", "");
    return err;
}

/* Whole beside its place first, so that it is never there in part. */
static enum err bring_log(struct bringing *bringing, const struct account_id *id, struct vfs *from,
                          struct note *why)
{
    char aside[PLACE_ASIDE_BYTES];
    struct vfs *to = NULL;
    enum err err = place_make_aside(bringing->to, id->raw, aside, why);

    if (err == ERR_OK)
        err = vfs_posix_below(bringing->to, aside, &to);
    if (err == ERR_OK)
        err = backup_restore(from, to, *id, &bringing->listener, why);
    vfs_posix_free(to);
    if (err == ERR_OK)
        err = clear_place(bringing, id, why);
    if (err == ERR_OK)
        err = place_take_aside(bringing->to, id->raw, why);
    if (err == ERR_OK)
        tell(bringing, "mail", "");
    return err;
}

static enum err bring_one(struct bringing *bringing, const struct account_id *id, struct note *why)
{
    char path[PLACE_PATH_BYTES];
    struct vfs *from = NULL;
    bool is_unused = false;
    bool done = false;
    enum err err;

    place_path(id->raw, path);
    err = vfs_posix_below(bringing->from, path, &from);
    if (err == ERR_OK)
        err = backup_is_unused(from, &is_unused);
    if (err == ERR_CORRUPT)
        note_set(why, "the manifest of the backup is damaged");
    if (err == ERR_OK && !is_unused)
        err = is_done(bringing, path, &done);
    if (err == ERR_OK && is_unused)
        err = bring_unused(bringing, id, path, why);
    else if (err == ERR_OK && done)
        tell(bringing, "there", "");
    else if (err == ERR_OK)
        err = bring_log(bringing, id, from, why);
    vfs_posix_free(from);
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
        err = place_has_mail(bringing->to, path, &has);
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
    if (err == ERR_OK && write)
        err = bring_each(&bringing, own->accounts, why);
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

/* Those without a copy are named, and nothing else is done about them. */
static void sort_out(struct restoring *own, json_t *wanted)
{
    size_t index;
    json_t *account;

    own->accounts = json_array();
    own->missing = json_array();
    json_array_foreach(wanted, index, account)
    {
        if (json_is_true(json_object_get(account, "copy")))
            (void)json_array_append(own->accounts, account);
        else
            (void)json_array_append(own->missing, json_object_get(account, "name"));
    }
}

static void print_part(const char **between, size_t count, const char *what)
{
    if (count == 0)
        return;
    (void)printf("%s%zu %s", *between, count, what);
    *between = ", ";
}

/* `added`: who was not in the accounts database. */
static void print_restored(const struct restoring *own, const json_t *found, const json_t *added)
{
    size_t mail = 0;
    size_t there = 0; /* their mail, not they themselves */
    size_t unused = 0;
    size_t whole = json_array_size(own->accounts);
    json_t *names = json_object();
    const char *between = ": ";
    size_t index;
    json_t *value;

    json_array_foreach(added, index, value)(void)
        json_object_set_new(names, json_string_value(json_object_get(value, "name")), json_true());
    json_array_foreach(found, index, value)
    {
        const char *name = json_string_value(json_object_get(value, "name"));
        const char *trash = json_string_value(json_object_get(value, "trash"));
        bool is_new = json_object_get(names, name) != NULL;

        if (trash != NULL)
            (void)printf("%s: the mail that was there is in %s/accounts/%s\n", name,
                         own->config->data, trash);
        mail += json_object_get(value, "mail") != NULL;
        there += is_new && json_object_get(value, "there") != NULL;
        unused += is_new && json_object_get(value, "unused") != NULL;
    }
    json_decref(names);
    whole -= mail + there + unused;
    (void)printf("restored %zu account%s", mail + there + unused,
                 mail + there + unused == 1 ? "" : "s");
    print_part(&between, mail, "with mail");
    print_part(&between, there, "whose mail was there already");
    print_part(&between, unused, "that nobody had used");
    if (whole > 0)
        (void)printf("; %zu %s there already, just as in the backup", whole,
                     whole == 1 ? "was" : "were");
    (void)printf("\n");
}

/* All but those of whom there is no copy are back. */
static enum err complain_of_missing(const struct restoring *own, struct note *why)
{
    size_t count = json_array_size(own->missing);
    size_t index;
    json_t *name;

    json_array_foreach(own->missing, index, name)(void)
        cli_complain(0, "%s: the backup has no copy of it", json_string_value(name));
    if (count == 0)
        return ERR_OK;
    return note_fail(why, ERR_CONFLICT, "%zu account%s not restored", count,
                     count == 1 ? " was" : "s were");
}

static enum err bring_back(struct restoring *own, struct errand_child *child, struct note *why)
{
    json_t *found = NULL;
    json_t *added = NULL;
    enum err err = do_errand(own, look_at_mail, NULL, why);

    if (err == ERR_OK)
        err = do_errand(own, bring_mail, &found, why);
    /* Last: nobody is let in, and no mail is taken, before all of it is there. */
    if (err == ERR_OK)
        err = errand_finish(child, "write", &added, why);
    if (err == ERR_OK)
        print_restored(own, found, added);
    json_decref(found);
    json_decref(added);
    return err;
}

static enum err restore(struct restoring *own, struct note *why)
{
    const struct errand accounts = { .work = read_accounts,
                                     .context = own,
                                     .finish = write_accounts };
    struct errand_child child = { .apart = { .pid = 0 } };
    json_t *found = NULL;
    json_t *wanted = NULL;
    enum err err = do_errand(own, find_copies, &found, why);

    take_copies(own, found);
    if (err == ERR_OK)
        err = errand_begin(&accounts, &child, &wanted, why);
    sort_out(own, wanted);
    if (err == ERR_OK && json_array_size(wanted) == 0)
        err = note_fail(why, ERR_CONFLICT, "there are no accounts in the backup");
    if (err == ERR_OK && json_array_size(own->accounts) > 0)
        err = bring_back(own, &child, why);
    if (err == ERR_OK)
        err = complain_of_missing(own, why);
    errand_drop(&child);
    json_decref(found);
    json_decref(wanted);
    return err;
}

/* It is written at the end of a run (`roost backup`): without one not even those of whom there is a
 * copy have a password. */
static enum err read_database(struct restoring *own, const char *source, struct note *why)
{
    char path[BACKUP_PATH_BYTES_MAX];
    enum err err;

    if (snprintf(path, sizeof(path), "%s/auth/" BACKUP_DATABASE, source) >= (int)sizeof(path))
        return note_fail(why, ERR_LIMIT, "the path is too long");
    own->database = buf_make(DATABASE_BYTES_MAX);
    err = file_read(path, &own->database, why);
    if (err == ERR_NOT_FOUND)
        note_set(why,
                 "%s has no auth/" BACKUP_DATABASE ": no backup into it has come to its end, so "
                 "that nothing can be restored",
                 source);
    return err;
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
        json_decref(own.copies);
        json_decref(own.accounts);
        json_decref(own.missing);
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
            "An account of which the backup has no copy is named, and left out.\n"
            "A run that was interrupted is repeated with the same line, and goes on:\n\n"
            "  --replace   move the mail that is there to the trash first\n\n"
            "  roost restore /srv/backup/mail ann@example.org\n",
    .run = run,
};
