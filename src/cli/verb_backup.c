/* roost backup: accounts and the accounts database, copied into a directory. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "auth/accounts_copy.h"
#include "backup/backup.h"
#include "cli/backup_place.h"
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/errand.h"
#include "cli/holding.h"
#include "cli/offline.h"
#include "cli/progress.h"
#include "daemon/mail/place.h"
#include "ipc/route.h"
#include "sys/clock.h"
#include "sys/dialog.h"
#include "sys/fd.h"
#include "sys/files.h"
#include "sys/terminal.h"
#include "sys/vfs_posix.h"

enum {
    DATABASE_BYTES_MAX = 1024 * 1024 * 1024,
    PAGE = 64,
    BUSY_TRIES = 100,
    BUSY_WAIT_MS = 50,
};

struct backing_up {
    const struct config *config;
    const char *path; /* of the backup */
    struct backup_place place;
    bool is_running; /* the server; it has made a copy of its database, */
    char copy[ACCOUNTS_COPY_NAME_BYTES]; /* of that name; or the disk of data is full */
    const char *const *names; /* of the accounts; none: all */
    size_t name_count;
    json_t *accounts; /* array of {"name", "id"} */
    struct buf database; /* in the child that reads and writes it: what is to be kept */
};

/* The database: by the owner of data/auth. */

static enum err write_database(struct vfs *to, struct bytes database)
{
    const char *new_name = BACKUP_DATABASE ".new";
    struct vfs_file *file;
    enum err err = to->open(to, new_name, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file);

    if (err != ERR_OK)
        return err;
    err = file->calls->truncate(file, 0);
    if (err == ERR_OK)
        err = vfs_append(file, database);
    if (err == ERR_OK)
        err = vfs_sync(file);
    vfs_close(file);
    if (err == ERR_OK)
        err = to->rename(to, new_name, BACKUP_DATABASE);
    return err == ERR_OK ? to->sync_dir(to, "") : err;
}

static json_t *account_json(const struct accounts_record *record)
{
    char id[PLACE_HEX_BYTES];

    place_hex(record->id.raw, id);
    return json_pack("{s:s%, s:s}", "name", (const char *)record->name.at, (size_t)record->name.len,
                     "id", id);
}

static enum err list_all(struct accounts *accounts, json_t *found)
{
    struct accounts_record page[PAGE];
    struct account_name last = { .len = 0 };
    size_t count = PAGE;

    while (count == PAGE) {
        enum err err = accounts_list(accounts, account_name_bytes(&last), page, PAGE, &count);

        if (err != ERR_OK)
            return err;
        for (size_t i = 0; i < count; i++)
            (void)json_array_append_new(found, account_json(&page[i]));
        if (count > 0)
            last = page[count - 1].name;
    }
    return ERR_OK;
}

static enum err list_named(const struct backing_up *own, struct accounts *accounts, json_t *found,
                           struct note *why)
{
    for (size_t i = 0; i < own->name_count; i++) {
        struct accounts_record record;
        enum err err = accounts_find(accounts, bytes_from_string(own->names[i]), &record, NULL);

        if (err == ERR_NOT_FOUND)
            return note_fail(why, err, "there is no account %s", own->names[i]);
        if (err != ERR_OK)
            return err;
        (void)json_array_append_new(found, account_json(&record));
    }
    return ERR_OK;
}

static enum err list_accounts(const struct backing_up *own, struct bytes database, json_t *found,
                              struct note *why)
{
    struct accounts *accounts;
    enum err err = accounts_open_copy(database, &accounts, why);

    if (err != ERR_OK)
        return err;
    err = own->name_count == 0 ? list_all(accounts, found) : list_named(own, accounts, found, why);
    accounts_close(accounts);
    return err;
}

/* Without a server. Another command may have the database open, for a moment. */
static enum err make_copy(struct backing_up *own, const char *directory, struct note *why)
{
    struct accounts *accounts;
    enum err err = accounts_open(directory, &accounts, why);

    for (int tries = 0; err == ERR_BUSY && tries < BUSY_TRIES; tries++) {
        clock_sleep_ms(BUSY_WAIT_MS);
        err = accounts_open(directory, &accounts, why);
    }
    if (err != ERR_OK)
        return err;
    err = accounts_copy(accounts, directory, own->copy, why);
    accounts_close(accounts);
    return err;
}

/* What is listed is what is kept. */
static enum err take_database(struct backing_up *own, const char *path, json_t *found,
                              struct note *why)
{
    enum err err;

    own->database = buf_make(DATABASE_BYTES_MAX);
    err = file_read(path, &own->database, why);
    if (err == ERR_OK)
        err = list_accounts(own, buf_bytes(&own->database), found, why);
    if (err == ERR_OK && json_array_size(found) == 0)
        err = note_fail(why, ERR_CONFLICT, "there are no accounts in %s: nothing was copied",
                        own->config->data);
    return err;
}

/* On a full disk of data: the copy is made in the backup, from the files. */
static enum err copy_files(struct backing_up *own, const char *directory, json_t *found,
                           struct note *why)
{
    static const char *const names[] = { "new/" BACKUP_DATABASE, "new/" BACKUP_DATABASE "-wal",
                                         "new" };
    int fd = own->place.auth_fd;
    char into[64];
    char path[96];
    enum err err;

    (void)snprintf(into, sizeof(into), "/proc/self/fd/%d/new", fd);
    err = file_make_directory(into, 0700, why);
    if (err == ERR_OK)
        err = accounts_copy_files(directory, into, why);
    (void)snprintf(path, sizeof(path), "%s/" BACKUP_DATABASE, into);
    if (err == ERR_OK)
        err = take_database(own, path, found, why);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd, names[i]);
        (void)remove(path);
    }
    return err;
}

static enum err read_database(void *context, json_t *found, struct note *why)
{
    struct backing_up *own = context;
    struct vfs *from;
    char directory[64];
    char path[96];
    int fd = -1;
    enum err err = offline_open_part(own->config, &offline_auth, &fd, why);

    if (err != ERR_OK)
        return err;
    from = vfs_posix_new(fd);
    (void)snprintf(directory, sizeof(directory), "/proc/self/fd/%d", fd);
    if (!own->is_running)
        err = make_copy(own, directory, why);
    (void)snprintf(path, sizeof(path), "%s/%s", directory, own->copy);
    if (err == ERR_OK && own->copy[0] != '\0')
        err = take_database(own, path, found, why);
    else if (err == ERR_OK || err == ERR_NO_SPACE)
        err = copy_files(own, directory, found, why);
    if (own->copy[0] != '\0')
        (void)from->unlink(from, own->copy);
    vfs_posix_free(from);
    return err;
}

/* When the run has gone through all accounts: what is brought back of a backup is who is in its
 * database, so that it must not know any who was not reached. */
static enum err keep_database(void *context, struct bytes word, json_t *found, struct note *why)
{
    struct backing_up *own = context;
    struct vfs *to = vfs_posix_new(fd_take(&own->place.auth_fd));
    enum err err = write_database(to, buf_bytes(&own->database));

    (void)word;
    (void)found;
    if (err != ERR_OK)
        note_set(why, "%s/auth/" BACKUP_DATABASE " cannot be written: %s", own->path,
                 err_text(err));
    vfs_posix_free(to);
    explicit_bzero(own->database.at, own->database.capacity);
    buf_done(&own->database);
    return err;
}

/* The accounts: by the owner of data/accounts. */

struct copying {
    struct backup_listener listener;
    struct progress progress;
    struct holding holding; /* when the server runs */
    size_t not_held; /* accounts that the server would not hold */
    const char *name;
    uint64_t done;
    uint64_t total;
    struct vfs *from;
    struct vfs *to;
    struct backup_result sum;
    size_t count; /* accounts that were copied */
    size_t unused; /* accounts that nobody has used: their copy says so */
};

static void on_total(struct backup_listener *listener, uint64_t bytes)
{
    struct copying *copying = CONTAINER_OF(listener, struct copying, listener);

    copying->done = 0;
    copying->total = bytes;
}

static void on_done(struct backup_listener *listener, uint64_t bytes)
{
    struct copying *copying = CONTAINER_OF(listener, struct copying, listener);

    copying->done += bytes;
    progress_show(&copying->progress, copying->name, copying->done, copying->total, clock_mono());
}

/* An account without a directory, or a log in it: nobody has used it yet, or it is lost, and then
 * the copy may be the last one of its mail. */
static enum err copy_unused(struct copying *copying, struct account_id id, const char *path,
                            struct note *why)
{
    struct vfs *to;
    enum err err = place_make(copying->to, id.raw, why);

    if (err == ERR_OK)
        err = vfs_posix_below(copying->to, path, &to);
    if (err != ERR_OK)
        return err;
    err = backup_account_unused(to, id, clock_wall());
    vfs_posix_free(to);
    copying->unused += err == ERR_OK;
    if (err == ERR_CONFLICT)
        note_set(why,
                 "there is no log of it in accounts/%s; the copy of its mail in the backup "
                 "stays as it is: restore it, or remove accounts/%s of the backup",
                 path, path);
    return err;
}

/* What is to be done where the note has room for it. */
static void add_advice(const char *path, struct note *why)
{
    struct note what = *why;

    note_set(why,
             "%s: restore it, or remove accounts/%s of the backup if the mail "
             "in it is not wanted",
             what.text, path);
}

static enum err copy_one(struct copying *copying, struct account_id id, struct note *why)
{
    struct backup_options options = { .account = id,
                                      .now = clock_wall(),
                                      .listener = &copying->listener };
    struct backup_result result = { .files = 0 };
    char path[PLACE_PATH_BYTES];
    enum err err;

    place_path(id.raw, path);
    err = vfs_posix_below(copying->from, path, &options.from);
    if (err == ERR_NOT_FOUND)
        return copy_unused(copying, id, path, why);
    if (err == ERR_OK && copying->holding.apart.pid > 0 &&
        !holding_take(&copying->holding, copying->name))
        copying->not_held++;
    if (err == ERR_OK)
        err = place_make(copying->to, id.raw, why);
    if (err == ERR_OK)
        err = vfs_posix_below(copying->to, path, &options.to);
    if (err == ERR_OK)
        err = backup_account(&options, &result, why);
    if (err == ERR_CONFLICT)
        add_advice(path, why);
    vfs_posix_free(options.from);
    vfs_posix_free(options.to);
    if (err == ERR_NOT_FOUND)
        return copy_unused(copying, id, path, why);
    copying->count += err == ERR_OK;
    copying->sum.files += result.files;
    copying->sum.bytes += result.bytes;
    copying->sum.bytes_copied += result.bytes_copied;
    return err;
}

/* Where there is no space for one, the others are not tried. */
static void name_rest(const json_t *accounts, size_t index, json_t *found)
{
    for (; index < json_array_size(accounts); index++) {
        const json_t *account = json_array_get(accounts, index);

        (void)json_array_append_new(found,
                                    json_pack("{s:s, s:s}", "name",
                                              json_string_value(json_object_get(account, "name")),
                                              "failed", "not copied"));
    }
}

static enum err copy_each(struct copying *copying, const json_t *accounts, json_t *found,
                          bool *out_through)
{
    enum err first = ERR_OK;
    size_t index;
    json_t *account;

    json_array_foreach(accounts, index, account)
    {
        struct account_id id;
        struct note why = { "" };
        enum err err = ERR_CORRUPT;

        copying->name = json_string_value(json_object_get(account, "name"));
        if (ipc_id_parse(json_string_value(json_object_get(account, "id")), id.raw))
            err = copy_one(copying, id, &why);
        progress_clear(&copying->progress);
        if (err == ERR_OK)
            continue;
        if (err == ERR_NO_SPACE)
            note_set(&why, "not copied: no space on the disk of the backup");
        (void)json_array_append_new(found,
                                    json_pack("{s:s, s:s}", "name", copying->name, "failed",
                                              why.text[0] != '\0' ? why.text : err_text(err)));
        first = first == ERR_OK ? err : first;
        if (err == ERR_NO_SPACE) {
            name_rest(accounts, index + 1, found);
            return first;
        }
    }
    *out_through = true;
    return first;
}

static json_t *sum_json(const struct copying *copying, bool through)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:b}", "accounts", (json_int_t)copying->count,
                     "unused", (json_int_t)copying->unused, "files", (json_int_t)copying->sum.files,
                     "bytes", (json_int_t)copying->sum.bytes, "copied",
                     (json_int_t)copying->sum.bytes_copied, "through", (int)through);
}

static enum err copy_accounts(void *context, json_t *found, struct note *why)
{
    struct backing_up *own = context;
    struct copying copying = { .listener = { on_total, on_done },
                               .progress = { .is_terminal = terminal_is(2) },
                               .holding = { { .fd = -1 }, { .fd = -1 } } };
    bool through = false;
    int fd = -1;
    enum err err = ERR_OK;

    if (own->is_running)
        err = holding_begin(&copying.holding, own->config, why);
    if (err == ERR_OK)
        err = offline_open_part(own->config, &offline_accounts, &fd, why);
    if (err != ERR_OK) {
        holding_end(&copying.holding);
        return err;
    }
    copying.from = vfs_posix_new(fd);
    copying.to = vfs_posix_new(fd_take(&own->place.accounts_fd));
    err = copy_each(&copying, own->accounts, found, &through);
    holding_end(&copying.holding);
    vfs_posix_free(copying.from);
    vfs_posix_free(copying.to);
    if (copying.not_held > 0)
        (void)json_array_append_new(found,
                                    json_pack("{s:I}", "not_held", (json_int_t)copying.not_held));
    (void)json_array_append_new(found, sum_json(&copying, through));
    if (err != ERR_OK)
        note_set(why, "not all accounts were copied to %s", own->path);
    return err;
}

/* The command. */

static enum err take_name(struct backing_up *own, const json_t *result, struct note *why)
{
    const char *name = json_string_value(json_object_get(result, "file"));

    if (name == NULL || !accounts_copy_is_name(name))
        return note_fail(why, ERR_CORRUPT, "the server's answer cannot be understood");
    memcpy(own->copy, name, sizeof(own->copy));
    return ERR_OK;
}

static enum err ask_server(struct backing_up *own, struct note *why)
{
    json_t *request = json_pack("{s:s}", "verb", "account.copy");
    struct dialog dialog;
    json_t *result = NULL;
    enum err err = control_open(own->config, &dialog, why);

    if (err == ERR_OK) {
        own->is_running = true;
        err = control_ask(&dialog, request, &result, why);
        dialog_done(&dialog);
        if (err == ERR_OK)
            err = take_name(own, result, why);
        else if (err == ERR_NO_SPACE)
            err = ERR_OK; /* there is another way */
    } else if (err == ERR_NOT_FOUND) {
        err = ERR_OK;
    }
    json_decref(result);
    json_decref(request);
    return err;
}

static void print_sum(const json_t *sum)
{
    json_int_t accounts = json_integer_value(json_object_get(sum, "accounts"));
    json_int_t files = json_integer_value(json_object_get(sum, "files"));
    json_int_t unused = json_integer_value(json_object_get(sum, "unused"));

    (void)printf("%" JSON_INTEGER_FORMAT " account%s: %" JSON_INTEGER_FORMAT
                 " file%s of %" JSON_INTEGER_FORMAT " bytes, %" JSON_INTEGER_FORMAT " bytes copied",
                 accounts, accounts == 1 ? "" : "s", files, files == 1 ? "" : "s",
                 json_integer_value(json_object_get(sum, "bytes")),
                 json_integer_value(json_object_get(sum, "copied")));
    if (unused > 0)
        (void)printf("; %" JSON_INTEGER_FORMAT " more that nobody has used yet", unused);
    (void)printf("\n");
}

static void print_found(const json_t *found)
{
    size_t index;
    json_t *value;

    json_array_foreach(found, index, value)
    {
        const json_t *failed = json_object_get(value, "failed");
        const json_t *not_held = json_object_get(value, "not_held");

        if (not_held != NULL) {
            (void)cli_complain(0,
                               "the server did not hold %" JSON_INTEGER_FORMAT
                               " accounts: a copy that took longer than an hour may lack segments",
                               json_integer_value(not_held));
            continue;
        }
        if (failed != NULL)
            (void)cli_complain(0, "%s: %s", json_string_value(json_object_get(value, "name")),
                               json_string_value(failed));
        else
            print_sum(value);
    }
}

static bool went_through(const json_t *found)
{
    size_t index;
    json_t *value;

    json_array_foreach(found, index, value)
    {
        if (json_is_true(json_object_get(value, "through")))
            return true;
    }
    return false;
}

/* Where there is no directory of accounts all of them look as if nobody had used them. */
static enum err check_accounts(const struct backing_up *own, struct note *why)
{
    if (own->place.has_lost_accounts)
        return note_fail(why, ERR_CONFLICT,
                         "%s/accounts is missing; the mail in the backup stays as it is",
                         own->config->data);
    if (own->place.accounts_fd < 0)
        return note_fail(why, ERR_CONFLICT,
                         "%s/accounts is missing: it is lost, or no server has run here yet; "
                         "nothing was copied",
                         own->config->data);
    return ERR_OK;
}

static enum err back_up(struct backing_up *own, struct note *why)
{
    const struct errand database = { .work = read_database,
                                     .context = own,
                                     .finish = keep_database };
    const struct errand accounts = { .work = copy_accounts, .context = own };
    struct errand_child child = { .apart = { .pid = 0 } };
    struct note reason = { "" };
    json_t *nothing = NULL;
    json_t *found = NULL;
    enum err kept = ERR_OK;
    enum err err = ask_server(own, why);

    if (err == ERR_OK && own->place.auth_fd < 0)
        err = note_fail(why, ERR_CONFLICT, "%s has no accounts yet", own->config->data);
    if (err == ERR_OK)
        err = errand_begin(&database, &child, &own->accounts, why);
    if (err == ERR_OK)
        err = check_accounts(own, why);
    if (err == ERR_OK)
        err = errand_run(&accounts, &found, why);
    print_found(found);
    if (went_through(found))
        kept = errand_finish(&child, "keep", &nothing, &reason);
    if (kept != ERR_OK) {
        err = kept;
        *why = reason;
    }
    errand_drop(&child);
    json_decref(nothing);
    json_decref(found);
    return err;
}

static int run(const struct verb *verb, struct arguments arguments)
{
    struct backing_up own = { .place = { .auth_fd = -1, .accounts_fd = -1 } };
    struct note why = { "" };
    struct cli cli = { 0 };
    int code = cli_begin(&cli, verb, arguments, NULL, 0);
    enum err err;

    if (code == CLI_GO_ON && cli.options.words_count == 0)
        code = cli_complain(EX_USAGE, "backup wants the directory DEST");
    if (code == CLI_GO_ON)
        code = cli_configure(&cli);
    if (code == CLI_GO_ON) {
        own.config = &cli.config;
        own.path = cli.options.words[0];
        own.names = cli.options.words + 1;
        own.name_count = cli.options.words_count - 1;
        err = backup_place_make(cli.options.words[0], &cli.config, &own.place, &why);
        code = err == ERR_NOT_FOUND ? EX_CANTCREAT : cli_exit_code(err);
        if (err == ERR_OK) {
            err = back_up(&own, &why);
            code = cli_exit_code(err);
        }
        if (err != ERR_OK) {
            (void)cli_complain(0, "%s", why.text[0] != '\0' ? why.text : err_text(err));
            backup_place_drop(&own.place, cli.options.words[0]);
        }
        backup_place_close(&own.place);
        json_decref(own.accounts);
    }
    cli_end(&cli);
    return code;
}

const struct verb verb_backup = {
    .name = "backup",
    .summary = "copy accounts and the accounts database to a directory",
    .help = "roost backup DEST [NAME ...]\n\n"
            "Copies all accounts, or those named, with the accounts database into the directory\n"
            "DEST, while the server runs or without one. Another run into the same DEST copies\n"
            "what is new. The accounts database comes last: however a run ends, what the last\n"
            "whole one left can be restored. Mail in DEST of an account that was lost, or begun\n"
            "anew, since then is not replaced.\n\n"
            "  roost backup /srv/backup/mail\n",
    .run = run,
};
