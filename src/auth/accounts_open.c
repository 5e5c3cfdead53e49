/* The accounts database as a file: opening, ownership, schema, prepared statements. */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/accounts_internal.h"

enum { SCHEMA_VERSION = 1, APPLICATION_ID = 0x526f7374 /* "Rost" */, PATH_BYTES_MAX = 4096 };

/* An owner that was told to end, or lost its parent, needs a moment. */
enum { OWNER_WAIT_MS = 500 };

#define VFS_NAME "roost-unresolved"

static const char schema[] =
    "CREATE TABLE account ("
    " id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),"
    " name TEXT NOT NULL,"
    " key TEXT NOT NULL UNIQUE," /* folded name */
    " hash TEXT NOT NULL,"
    " scram_iterations INTEGER NOT NULL,"
    " scram_salt BLOB, scram_stored_key BLOB, scram_server_key BLOB,"
    " quota_bytes INTEGER NOT NULL DEFAULT 0,"
    " disabled INTEGER NOT NULL DEFAULT 0,"
    " created INTEGER NOT NULL,"
    " password_changed INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE removed ("
    " id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),"
    " name TEXT NOT NULL,"
    " at INTEGER NOT NULL" /* microseconds: two of a name can go within a second */
    ") WITHOUT ROWID;"
    "CREATE TABLE secret (name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id = 1383035764;"
    "PRAGMA user_version = 1;";

/* Whose mail is in the trash. A table more does no harm to a Roost that does not know it. */
static const char trashed_table[] = "CREATE TABLE IF NOT EXISTS trashed ("
                                    " id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),"
                                    " name TEXT NOT NULL,"
                                    " at INTEGER NOT NULL"
                                    ") WITHOUT ROWID;";

#define RECORD_COLUMNS \
    "id, name, quota_bytes, disabled, created, password_changed, scram_iterations"

static const char *const statement_texts[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_ADD] =
        "INSERT INTO account (id, name, key, created, password_changed, hash, scram_iterations,"
        " scram_salt, scram_stored_key, scram_server_key) VALUES (?,?,?,?,?,?,?,?,?,?)",
    [STATEMENT_FIND] = "SELECT " RECORD_COLUMNS ", hash, scram_salt, scram_stored_key,"
                       " scram_server_key FROM account WHERE key = ?",
    [STATEMENT_LIST] = "SELECT " RECORD_COLUMNS " FROM account WHERE key > ? ORDER BY key LIMIT ?",
    [STATEMENT_SET_PASSWORD] =
        "UPDATE account SET password_changed = ?, hash = ?, scram_iterations = ?, scram_salt = ?,"
        " scram_stored_key = ?, scram_server_key = ? WHERE key = ?",
    [STATEMENT_SET_LIMITS] = "UPDATE account SET quota_bytes = ?, disabled = ? WHERE key = ?",
    [STATEMENT_DELETE] = "DELETE FROM account WHERE id = ?",
    [STATEMENT_REMOVED_ADD] = "INSERT INTO removed (id, name, at) VALUES (?,?,?)",
    [STATEMENT_REMOVED_NEXT] = "SELECT id FROM removed WHERE id > ? ORDER BY id LIMIT 1",
    [STATEMENT_FORGET] = "DELETE FROM removed WHERE id = ?",
    [STATEMENT_TRASHED_ADD] = "INSERT OR REPLACE INTO trashed (id, name, at)"
                              " SELECT id, name, at FROM removed WHERE id = ?",
    [STATEMENT_TRASHED_LIST] = "SELECT id, name, at FROM removed UNION"
                               " SELECT id, name, at FROM trashed ORDER BY at DESC, id",
    [STATEMENT_TRASHED_DELETE] = "DELETE FROM trashed WHERE id = ?",
};

enum err accounts_err(int sqlite_result)
{
    switch (sqlite_result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return ERR_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    case SQLITE_FULL: return ERR_NO_SPACE;
    case SQLITE_CONSTRAINT: return ERR_EXISTS;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH: return ERR_DENIED;
    default: return ERR_IO;
    }
}

/* SQLite resolves every symbolic link of a path before it opens it, /proc/self/fd/N among them, and
 * would then walk directories that this process may not see. */
static int keep_path(sqlite3_vfs *vfs, const char *path, int out_bytes, char *out)
{
    size_t len = strlen(path);

    (void)vfs;
    if (len >= (size_t)out_bytes)
        return SQLITE_CANTOPEN;
    memcpy(out, path, len + 1);
    return SQLITE_OK;
}

/* A copy of the default file layer but for the path; registered once and kept by SQLite. */
static const char *register_vfs(void)
{
    sqlite3_vfs *plain = sqlite3_vfs_find(NULL);
    sqlite3_vfs *own;

    if (sqlite3_vfs_find(VFS_NAME) != NULL)
        return VFS_NAME;
    own = sqlite3_malloc(sizeof(*own));
    if (plain == NULL || own == NULL)
        abort();
    *own = *plain;
    own->zName = VFS_NAME;
    own->pNext = NULL;
    own->xFullPathname = keep_path;
    if (sqlite3_vfs_register(own, 0) != SQLITE_OK)
        abort();
    return VFS_NAME;
}

static enum err complain(struct accounts *accounts, int result, struct note *why)
{
    enum err err = accounts_err(result);

    if (err == ERR_BUSY)
        return note_fail(why, err,
                         "accounts.db is in use by another process: is the server running?");
    if (err == ERR_NO_SPACE)
        return note_fail(why, err, ACCOUNTS_NO_SPACE);
    return note_fail(why, err, "accounts.db: %s", sqlite3_errmsg(accounts->database));
}

static int read_number(sqlite3 *database, const char *query, int64_t *out_number)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(database, query, -1, &statement, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        *out_number = sqlite3_column_int64(statement, 0);
        result = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return result;
}

/* Exclusive locking before the first access: SQLite then keeps its lock until the file is closed,
 * and the write-ahead log needs no shared memory. FULL syncs that log at every commit. */
static int take_ownership(sqlite3 *database)
{
    int result = sqlite3_exec(database,
                              "PRAGMA locking_mode = EXCLUSIVE;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA mmap_size = 0;"
                              "PRAGMA trusted_schema = OFF;"
                              "PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = FULL;",
                              NULL, NULL, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_exec(database, "BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL);
    return result;
}

static int add_fake_secret(sqlite3 *database)
{
    uint8_t secret[SCRAM_SECRET_BYTES];
    sqlite3_stmt *statement = NULL;
    int result;

    if (RAND_bytes(secret, sizeof(secret)) != 1)
        return SQLITE_IOERR;
    result =
        sqlite3_prepare_v2(database, "INSERT INTO secret VALUES ('fake', ?)", -1, &statement, NULL);
    if (result == SQLITE_OK) {
        sqlite3_bind_blob(statement, 1, secret, sizeof(secret), SQLITE_STATIC);
        result = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return result == SQLITE_DONE ? SQLITE_OK : result;
}

/* All or nothing: what is not committed is rolled back when the database is closed. */
static int make_schema(sqlite3 *database)
{
    int result = sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_exec(database, schema, NULL, NULL, NULL);
    if (result == SQLITE_OK)
        result = add_fake_secret(database);
    if (result == SQLITE_OK)
        result = sqlite3_exec(database, "COMMIT", NULL, NULL, NULL);
    return result;
}

static enum err check_schema(struct accounts *accounts, struct note *why)
{
    int64_t version = 0;
    int64_t application = 0;
    int result = read_number(accounts->database, "PRAGMA user_version", &version);

    if (result == SQLITE_OK)
        result = read_number(accounts->database, "PRAGMA application_id", &application);
    if (result == SQLITE_OK && version == 0 && application == 0)
        result = make_schema(accounts->database);
    else if (result == SQLITE_OK && application != APPLICATION_ID)
        return note_fail(why, ERR_CORRUPT, "accounts.db is not a database of accounts");
    else if (result == SQLITE_OK && version > SCHEMA_VERSION)
        return note_fail(why, ERR_UNSUPPORTED,
                         "accounts.db has schema %d, this program knows %d: use a newer one",
                         (int)version, SCHEMA_VERSION);
    return result == SQLITE_OK ? ERR_OK : complain(accounts, result, why);
}

static int prepare_statements(struct accounts *accounts)
{
    int result = SQLITE_OK;

    for (size_t i = 0; i < STATEMENT_COUNT && result == SQLITE_OK; i++)
        result = sqlite3_prepare_v3(accounts->database, statement_texts[i], -1,
                                    SQLITE_PREPARE_PERSISTENT, &accounts->statements[i], NULL);
    return result;
}

static int load_fake_secret(struct accounts *accounts)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(
        accounts->database, "SELECT value FROM secret WHERE name = 'fake'", -1, &statement, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == SCRAM_SECRET_BYTES) {
        memcpy(accounts->fake_secret, sqlite3_column_blob(statement, 0), SCRAM_SECRET_BYTES);
        result = SQLITE_OK;
    } else if (result == SQLITE_ROW || result == SQLITE_DONE) {
        result = SQLITE_CORRUPT;
    }
    sqlite3_finalize(statement);
    return result;
}

struct accounts *accounts_new(void)
{
    struct accounts *accounts = calloc(1, sizeof(*accounts));

    if (accounts == NULL || pthread_mutex_init(&accounts->lock, NULL) != 0)
        abort();
    return accounts;
}

/* Whoever changes something, and however: who waits for the lock meanwhile sees it. */
static int on_commit(void *context)
{
    struct accounts *accounts = context;

    atomic_fetch_add(&accounts->generation, 1);
    return 0; /* go on */
}

enum err accounts_set_up(struct accounts *accounts, struct note *why)
{
    enum err err = check_schema(accounts, why);
    int result;

    if (err != ERR_OK)
        return err;
    result = sqlite3_exec(accounts->database, trashed_table, NULL, NULL, NULL);
    if (result == SQLITE_OK)
        result = prepare_statements(accounts);
    if (result == SQLITE_OK)
        result = load_fake_secret(accounts);
    (void)sqlite3_commit_hook(accounts->database, on_commit, accounts);
    return result == SQLITE_OK ? ERR_OK : complain(accounts, result, why);
}

enum err accounts_open(const char *directory, struct accounts **out_accounts, struct note *why)
{
    struct accounts *accounts = accounts_new();
    char path[PATH_BYTES_MAX];
    int written = snprintf(path, sizeof(path), "%s/accounts.db", directory);
    enum err err;
    int result;

    if (written < 0 || (size_t)written >= sizeof(path)) {
        accounts_close(accounts);
        return note_fail(why, ERR_INVALID, "the path of the accounts database is too long");
    }
    result = sqlite3_open_v2(path, &accounts->database,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             register_vfs());
    sqlite3_busy_timeout(accounts->database, OWNER_WAIT_MS);
    if (result == SQLITE_OK)
        result = take_ownership(accounts->database);
    err = result == SQLITE_OK ? accounts_set_up(accounts, why) : complain(accounts, result, why);
    if (err != ERR_OK) {
        accounts_close(accounts);
        return err;
    }
    *out_accounts = accounts;
    return ERR_OK;
}

void accounts_close(struct accounts *accounts)
{
    if (accounts == NULL)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(accounts->statements[i]);
    sqlite3_close(accounts->database);
    pthread_mutex_destroy(&accounts->lock);
    free(accounts);
}

const uint8_t *accounts_fake_secret(const struct accounts *accounts)
{
    return accounts->fake_secret;
}
