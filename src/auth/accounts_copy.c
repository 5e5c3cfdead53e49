/* The accounts database as a copy, and single accounts out of one. */
#include "auth/accounts_copy.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "auth/accounts_internal.h"
#include "base/buf.h"
#include "sys/clock.h"
#include "sys/files.h"

enum {
    PATH_BYTES_MAX = 4096,
    HEADER_BYTES = 100,
    WRITE_VERSION_AT = 18,
    READ_VERSION_AT = 19,
    LOG_HEADER_BYTES = 32,
    FILE_BYTES_MAX = 1024 * 1024 * 1024,
    TRIES = 50,
    REST_MS = 10,
};

#define DATABASE_NAME "accounts.db"
#define LOG_NAME "accounts.db-wal"

static enum err complain(const struct accounts *accounts, enum err err, struct note *why)
{
    if (err == ERR_NO_SPACE)
        return note_fail(why, err, ACCOUNTS_NO_SPACE);
    return note_fail(why, err, "accounts database: %s", sqlite3_errmsg(accounts->database));
}

bool accounts_copy_is_name(const char *name)
{
    size_t prefix = strlen(ACCOUNTS_COPY_PREFIX);

    return strlen(name) == ACCOUNTS_COPY_NAME_BYTES - 1 &&
           strncmp(name, ACCOUNTS_COPY_PREFIX, prefix) == 0 &&
           strspn(name + prefix, "0123456789abcdef") == strlen(name + prefix);
}

enum err accounts_copy(struct accounts *accounts, const char *directory,
                       char out_name[ACCOUNTS_COPY_NAME_BYTES], struct note *why)
{
    char name[ACCOUNTS_COPY_NAME_BYTES];
    sqlite3_stmt *statement = NULL;
    char path[PATH_BYTES_MAX];
    uint64_t digits;
    enum err err;

    if (RAND_bytes((uint8_t *)&digits, sizeof(digits)) != 1)
        return note_fail(why, ERR_IO, "the system has no random numbers");
    (void)snprintf(name, sizeof(name), ACCOUNTS_COPY_PREFIX "%016" PRIx64, digits);
    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        return note_fail(why, ERR_LIMIT, "the path of the copy is too long");
    files_remove_old(directory, ACCOUNTS_COPY_PREFIX, ACCOUNTS_COPY_SECONDS);
    pthread_mutex_lock(&accounts->lock);
    err =
        accounts_err(sqlite3_prepare_v2(accounts->database, "VACUUM INTO ?", -1, &statement, NULL));
    if (err == ERR_OK) {
        sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC);
        err = accounts_err(sqlite3_step(statement));
    }
    sqlite3_finalize(statement);
    if (err != ERR_OK) {
        err = complain(accounts, err, why);
        file_remove(path);
    }
    pthread_mutex_unlock(&accounts->lock);
    if (err == ERR_OK)
        memcpy(out_name, name, sizeof(name));
    return err;
}

/* A file of the directory; empty when it is not there. */
static enum err read_file(const char *directory, const char *name, struct buf *out,
                          struct note *why)
{
    char path[PATH_BYTES_MAX];
    enum err err;

    buf_clear(out);
    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        return note_fail(why, ERR_LIMIT, "the path of the accounts database is too long");
    err = file_read(path, out, why);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err write_file(const char *directory, const char *name, struct bytes bytes,
                           struct note *why)
{
    char path[PATH_BYTES_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
        return note_fail(why, ERR_LIMIT, "the path of the copy is too long");
    return file_write(path, bytes, 0600, why);
}

struct files {
    struct buf before; /* the log, before the database is read */
    struct buf database;
    struct buf log; /* behind it, */
    struct buf after; /* and once more: its header counts */
};

static struct bytes header_of(const struct buf *log)
{
    return bytes_slice(buf_bytes(log), 0, LOG_HEADER_BYTES);
}

/* What a crash leaves is the database, in whatever state, and a log that makes it whole: SQLite
 * writes over pages of the database only what is in the log, and keeps it there as long as the
 * header of the log is the same. So it is with files that are read one after the other while that
 * header stays. As long as there is no log there may be one that comes and goes meanwhile: the
 * database is read twice then. */
static enum err read_files(const char *directory, struct files *files, bool *out_whole,
                           struct note *why)
{
    enum err err = read_file(directory, LOG_NAME, &files->before, why);

    if (err == ERR_OK)
        err = read_file(directory, DATABASE_NAME, &files->database, why);
    if (err == ERR_OK)
        err = read_file(directory, LOG_NAME, &files->log, why);
    if (err == ERR_OK)
        err = read_file(directory, LOG_NAME, &files->after, why);
    *out_whole = bytes_equal(header_of(&files->before), header_of(&files->log)) &&
                 bytes_equal(header_of(&files->log), header_of(&files->after));
    if (err != ERR_OK || files->after.len > 0)
        return err;
    err = read_file(directory, DATABASE_NAME, &files->after, why);
    *out_whole = *out_whole && bytes_equal(buf_bytes(&files->database), buf_bytes(&files->after));
    return err;
}

static enum err read_whole(const char *directory, struct files *files, struct note *why)
{
    bool whole = false;
    enum err err = read_files(directory, files, &whole, why);

    for (unsigned i = 1; err == ERR_OK && !whole && i < TRIES; i++) {
        clock_sleep_ms(REST_MS);
        err = read_files(directory, files, &whole, why);
    }
    if (err == ERR_OK && !whole)
        err = note_fail(why, ERR_BUSY, "the accounts database changes too fast to be copied");
    if (err == ERR_OK && files->database.len == 0)
        err = note_fail(why, ERR_NOT_FOUND, "there is no accounts database");
    return err;
}

/* Opened and closed once, and there is no log any more. */
static enum err make_whole(const char *into, const struct files *files, struct note *why)
{
    struct accounts *accounts;
    enum err err = write_file(into, DATABASE_NAME, buf_bytes(&files->database), why);

    if (err == ERR_OK && files->log.len > 0)
        err = write_file(into, LOG_NAME, buf_bytes(&files->log), why);
    if (err == ERR_OK)
        err = accounts_open(into, &accounts, why);
    if (err == ERR_OK)
        accounts_close(accounts);
    return err;
}

static void wipe(struct buf *buf)
{
    if (buf->at != NULL)
        explicit_bzero(buf->at, buf->capacity);
    buf_done(buf);
}

enum err accounts_copy_files(const char *directory, const char *into, struct note *why)
{
    struct files files = { buf_make(FILE_BYTES_MAX), buf_make(FILE_BYTES_MAX),
                           buf_make(FILE_BYTES_MAX), buf_make(FILE_BYTES_MAX) };
    enum err err = read_whole(directory, &files, why);

    if (err == ERR_OK)
        err = make_whole(into, &files, why);
    wipe(&files.before);
    wipe(&files.database);
    wipe(&files.log);
    wipe(&files.after);
    return err;
}

/* A database in memory knows no write-ahead log: the file's header must not speak of one. */
static int load(sqlite3 *database, struct bytes copy)
{
    uint8_t *own = sqlite3_malloc64(copy.len);

    if (own == NULL)
        return SQLITE_NOMEM;
    memcpy(own, copy.at, copy.len);
    own[WRITE_VERSION_AT] = 1;
    own[READ_VERSION_AT] = 1;
    return sqlite3_deserialize(database, "main", own, (sqlite3_int64)copy.len,
                               (sqlite3_int64)copy.len, SQLITE_DESERIALIZE_FREEONCLOSE);
}

enum err accounts_open_copy(struct bytes copy, struct accounts **out_accounts, struct note *why)
{
    struct accounts *accounts = accounts_new();
    enum err err;

    if (copy.len < HEADER_BYTES) {
        accounts_close(accounts);
        return note_fail(why, ERR_CORRUPT, "the accounts database is not whole");
    }
    err = accounts_err(sqlite3_open_v2(":memory:", &accounts->database,
                                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
    if (err == ERR_OK)
        err = accounts_err(load(accounts->database, copy));
    err = err == ERR_OK ? accounts_set_up(accounts, why) : complain(accounts, err, why);
    if (err != ERR_OK) {
        accounts_close(accounts);
        return err;
    }
    *out_accounts = accounts;
    return ERR_OK;
}

static void bind_scram(sqlite3_stmt *statement, int index, const struct scram_keys *scram)
{
    sqlite3_bind_int64(statement, index, scram->iterations);
    if (scram->iterations == 0)
        return;
    sqlite3_bind_blob(statement, index + 1, scram->salt, SCRAM_SALT_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob(statement, index + 2, scram->stored_key, SCRAM_KEY_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob(statement, index + 3, scram->server_key, SCRAM_KEY_BYTES, SQLITE_STATIC);
}

static enum err insert(struct accounts *accounts, const struct account_name *key,
                       const struct accounts_record *record, const struct accounts_secret *secret)
{
    sqlite3_stmt *statement = NULL;
    enum err err = accounts_err(sqlite3_prepare_v2(
        accounts->database,
        "INSERT INTO account (id, name, key, created, password_changed, quota_bytes, disabled,"
        " hash, scram_iterations, scram_salt, scram_stored_key, scram_server_key)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        -1, &statement, NULL));

    if (err == ERR_OK) {
        sqlite3_bind_blob(statement, 1, record->id.raw, ACCOUNTS_ID_BYTES, SQLITE_STATIC);
        sqlite3_bind_text(statement, 2, (const char *)record->name.at, record->name.len,
                          SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, (const char *)key->at, key->len, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 4, record->created);
        sqlite3_bind_int64(statement, 5, record->password_changed);
        sqlite3_bind_int64(statement, 6, (int64_t)record->quota_bytes);
        sqlite3_bind_int(statement, 7, record->disabled);
        sqlite3_bind_text(statement, 8, secret->hash.text, -1, SQLITE_STATIC);
        bind_scram(statement, 9, &secret->scram);
        err = accounts_err(sqlite3_step(statement));
    }
    sqlite3_finalize(statement);
    return err;
}

static enum err forget(struct accounts *accounts, enum accounts_statement which,
                       const struct accounts_id *id)
{
    sqlite3_stmt *statement = accounts->statements[which];
    enum err err;

    sqlite3_reset(statement);
    sqlite3_bind_blob(statement, 1, id->raw, ACCOUNTS_ID_BYTES, SQLITE_STATIC);
    err = accounts_err(sqlite3_step(statement));
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return err;
}

static enum err step(struct accounts *accounts, enum accounts_statement which)
{
    enum err err = accounts_err(sqlite3_step(accounts->statements[which]));

    sqlite3_reset(accounts->statements[which]);
    return err;
}

enum err accounts_restore(struct accounts *accounts, const struct accounts_record *record,
                          const struct accounts_secret *secret, struct note *why)
{
    struct bytes name = account_name_bytes(&record->name);
    struct account_name key;
    enum err err;

    if (!account_name_fold(name, &key))
        return note_fail(why, ERR_INVALID, "account name is too long when its case is folded");
    pthread_mutex_lock(&accounts->lock);
    err = step(accounts, STATEMENT_BEGIN);
    if (err == ERR_OK)
        err = insert(accounts, &key, record, secret);
    if (err == ERR_OK)
        err = forget(accounts, STATEMENT_FORGET, &record->id);
    if (err == ERR_OK)
        err = forget(accounts, STATEMENT_TRASHED_DELETE, &record->id);
    if (err == ERR_OK)
        err = step(accounts, STATEMENT_COMMIT);
    if (err == ERR_EXISTS)
        note_set(why, "there is an account of that name or id already");
    else if (err != ERR_OK)
        err = complain(accounts, err, why);
    if (sqlite3_get_autocommit(accounts->database) == 0)
        (void)step(accounts, STATEMENT_ROLLBACK);
    pthread_mutex_unlock(&accounts->lock);
    return err;
}
