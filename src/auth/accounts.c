/* The acts on the accounts database. Each holds the lock from its first statement to its last. */
#include "auth/accounts.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "auth/accounts_internal.h"

/* Columns of STATEMENT_FIND and STATEMENT_LIST, in their order. */
enum {
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_QUOTA,
    COLUMN_DISABLED,
    COLUMN_CREATED,
    COLUMN_PASSWORD_CHANGED,
    COLUMN_ITERATIONS,
    COLUMN_HASH,
    COLUMN_SALT,
    COLUMN_STORED_KEY,
    COLUMN_SERVER_KEY,
};

static sqlite3_stmt *start(struct accounts *accounts, enum accounts_statement which)
{
    sqlite3_stmt *statement = accounts->statements[which];

    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return statement;
}

static void finish(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static int run(struct accounts *accounts, enum accounts_statement which)
{
    sqlite3_stmt *statement = start(accounts, which);
    int result = sqlite3_step(statement);

    finish(statement);
    return result;
}

static void bind_name(sqlite3_stmt *statement, int index, const struct account_name *name)
{
    sqlite3_bind_text(statement, index, (const char *)name->at, name->len, SQLITE_STATIC);
}

static void bind_id(sqlite3_stmt *statement, int index, const struct accounts_id *id)
{
    sqlite3_bind_blob(statement, index, id->raw, ACCOUNTS_ID_BYTES, SQLITE_STATIC);
}

/* hash, iterations, salt, stored key, server key: five columns from `index` on. */
static void bind_secret(sqlite3_stmt *statement, int index, const struct accounts_secret *secret)
{
    const struct scram_keys *scram = &secret->scram;

    sqlite3_bind_text(statement, index, secret->hash.text, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, index + 1, scram->iterations);
    if (scram->iterations == 0)
        return;
    sqlite3_bind_blob(statement, index + 2, scram->salt, SCRAM_SALT_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob(statement, index + 3, scram->stored_key, SCRAM_KEY_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob(statement, index + 4, scram->server_key, SCRAM_KEY_BYTES, SQLITE_STATIC);
}

/* Exactly `len` bytes of a column; false when the row holds something else. */
static bool read_blob(sqlite3_stmt *statement, int column, uint8_t *into, size_t len)
{
    const void *blob = sqlite3_column_blob(statement, column);

    if (blob == NULL || sqlite3_column_bytes(statement, column) != (int)len)
        return false;
    memcpy(into, blob, len);
    return true;
}

static enum err read_record(sqlite3_stmt *statement, struct accounts_record *out)
{
    const void *name = sqlite3_column_blob(statement, COLUMN_NAME);
    int name_len = sqlite3_column_bytes(statement, COLUMN_NAME);
    int64_t quota = sqlite3_column_int64(statement, COLUMN_QUOTA);

    memset(out, 0, sizeof(*out));
    if (name == NULL || name_len < 1 || name_len > ACCOUNT_NAME_BYTES_MAX || quota < 0 ||
        !read_blob(statement, COLUMN_ID, out->id.raw, ACCOUNTS_ID_BYTES))
        return ERR_CORRUPT;
    memcpy(out->name.at, name, (size_t)name_len);
    out->name.len = (uint8_t)name_len;
    out->quota_bytes = (uint64_t)quota;
    out->disabled = sqlite3_column_int(statement, COLUMN_DISABLED) != 0;
    out->created = sqlite3_column_int64(statement, COLUMN_CREATED);
    out->password_changed = sqlite3_column_int64(statement, COLUMN_PASSWORD_CHANGED);
    out->has_scram = sqlite3_column_int64(statement, COLUMN_ITERATIONS) != 0;
    return ERR_OK;
}

static enum err read_secret(sqlite3_stmt *statement, struct accounts_secret *out)
{
    const char *hash = (const char *)sqlite3_column_text(statement, COLUMN_HASH);
    int64_t iterations = sqlite3_column_int64(statement, COLUMN_ITERATIONS);

    memset(out, 0, sizeof(*out));
    if (hash == NULL || strlen(hash) >= sizeof(out->hash.text) || iterations < 0 ||
        iterations > SCRAM_ITERATIONS_MAX)
        return ERR_CORRUPT;
    memcpy(out->hash.text, hash, strlen(hash) + 1);
    out->scram.iterations = (uint32_t)iterations;
    out->set = sqlite3_column_int64(statement, COLUMN_PASSWORD_CHANGED);
    if (iterations == 0)
        return ERR_OK;
    return read_blob(statement, COLUMN_SALT, out->scram.salt, SCRAM_SALT_BYTES) &&
                   read_blob(statement, COLUMN_STORED_KEY, out->scram.stored_key,
                             SCRAM_KEY_BYTES) &&
                   read_blob(statement, COLUMN_SERVER_KEY, out->scram.server_key, SCRAM_KEY_BYTES)
               ? ERR_OK
               : ERR_CORRUPT;
}

/* The lock is held. `out_secret` may be NULL. */
static enum err find_key(struct accounts *accounts, const struct account_name *key,
                         struct accounts_record *out_record, struct accounts_secret *out_secret)
{
    sqlite3_stmt *statement = start(accounts, STATEMENT_FIND);
    struct accounts_record record;
    struct accounts_secret secret;
    enum err err;
    int result;

    bind_name(statement, 1, key);
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        err = read_record(statement, &record);
    else
        err = result == SQLITE_DONE ? ERR_NOT_FOUND : accounts_err(result);
    if (err == ERR_OK && out_secret != NULL)
        err = read_secret(statement, &secret);
    finish(statement);
    if (err != ERR_OK)
        return err;
    *out_record = record;
    if (out_secret != NULL)
        *out_secret = secret;
    return ERR_OK;
}

static enum err complain(struct accounts *accounts, enum err err, struct bytes name,
                         struct note *why)
{
    if (err == ERR_NOT_FOUND)
        return note_fail(why, err, "there is no account %.*s", BYTES_ARG(name));
    if (err == ERR_EXISTS)
        return note_fail(why, err, "there is an account %.*s already", BYTES_ARG(name));
    if (err == ERR_NO_SPACE)
        return note_fail(why, err, ACCOUNTS_NO_SPACE);
    return note_fail(why, err, "accounts database: %s",
                     err == ERR_CORRUPT ? "a stored row makes no sense"
                                        : sqlite3_errmsg(accounts->database));
}

enum err accounts_add(struct accounts *accounts, struct bytes name,
                      const struct accounts_secret *secret, struct accounts_record *out_record,
                      struct note *why)
{
    struct accounts_record record = { .created = secret->set,
                                      .password_changed = secret->set,
                                      .has_scram = secret->scram.iterations != 0 };
    struct account_name key;
    sqlite3_stmt *statement;
    enum err err = account_name_check(name, &record.name, why);

    if (err != ERR_OK)
        return err;
    if (!account_name_fold(name, &key))
        return note_fail(why, ERR_INVALID, "account name is too long when its case is folded");
    if (RAND_bytes(record.id.raw, ACCOUNTS_ID_BYTES) != 1)
        return note_fail(why, ERR_IO, "the system has no random numbers");
    pthread_mutex_lock(&accounts->lock);
    statement = start(accounts, STATEMENT_ADD);
    bind_id(statement, 1, &record.id);
    bind_name(statement, 2, &record.name);
    bind_name(statement, 3, &key);
    sqlite3_bind_int64(statement, 4, record.created);
    sqlite3_bind_int64(statement, 5, record.password_changed);
    bind_secret(statement, 6, secret);
    err = accounts_err(sqlite3_step(statement));
    if (err != ERR_OK)
        err = complain(accounts, err, name, why);
    finish(statement);
    pthread_mutex_unlock(&accounts->lock);
    if (err == ERR_OK)
        *out_record = record;
    return err;
}

uint64_t accounts_generation(const struct accounts *accounts)
{
    return atomic_load(&accounts->generation);
}

enum err accounts_list(struct accounts *accounts, struct bytes after, struct accounts_record *into,
                       size_t max, size_t *out_count)
{
    struct account_name key = { 0 };
    sqlite3_stmt *statement;
    enum err err = ERR_OK;
    size_t count = 0;
    int result = SQLITE_DONE;

    if (max > ACCOUNTS_PAGE_MAX || (after.len > 0 && !account_name_fold(after, &key)))
        return ERR_INVALID;
    pthread_mutex_lock(&accounts->lock);
    statement = start(accounts, STATEMENT_LIST);
    bind_name(statement, 1, &key);
    sqlite3_bind_int64(statement, 2, (int64_t)max);
    while (err == ERR_OK && count < max && (result = sqlite3_step(statement)) == SQLITE_ROW)
        err = read_record(statement, &into[count++]);
    if (err == ERR_OK)
        err = accounts_err(result);
    finish(statement);
    pthread_mutex_unlock(&accounts->lock);
    if (err == ERR_OK)
        *out_count = count;
    return err;
}

enum err accounts_find(struct accounts *accounts, struct bytes name,
                       struct accounts_record *out_record, struct accounts_secret *out_secret)
{
    struct account_name key;
    enum err err;

    if (!account_name_fold(name, &key))
        return ERR_NOT_FOUND;
    pthread_mutex_lock(&accounts->lock);
    err = find_key(accounts, &key, out_record, out_secret);
    pthread_mutex_unlock(&accounts->lock);
    return err;
}

enum err accounts_find_recipient(struct accounts *accounts, struct bytes address,
                                 const struct bytes *domains, size_t domain_count,
                                 struct accounts_record *out_record)
{
    struct recipient_names names;
    enum err err = ERR_NOT_FOUND;

    recipient_names(address, domains, domain_count, &names);
    pthread_mutex_lock(&accounts->lock);
    for (size_t i = 0; i < names.count && err == ERR_NOT_FOUND; i++)
        err = find_key(accounts, &names.key[i], out_record, NULL);
    pthread_mutex_unlock(&accounts->lock);
    return err;
}

/* Runs an UPDATE whose last parameter, `key_index`, is the folded name; then reads the record. The
 * lock is held. */
static enum err update(struct accounts *accounts, sqlite3_stmt *statement, int key_index,
                       struct bytes name, struct accounts_record *out_record)
{
    struct account_name key;
    enum err err = ERR_NOT_FOUND;

    if (account_name_fold(name, &key)) {
        bind_name(statement, key_index, &key);
        err = accounts_err(sqlite3_step(statement));
        if (err == ERR_OK && sqlite3_changes(accounts->database) == 0)
            err = ERR_NOT_FOUND;
    }
    finish(statement);
    return err == ERR_OK ? find_key(accounts, &key, out_record, NULL) : err;
}

enum err accounts_set_password(struct accounts *accounts, struct bytes name,
                               const struct accounts_secret *secret,
                               struct accounts_record *out_record, struct note *why)
{
    sqlite3_stmt *statement;
    enum err err;

    pthread_mutex_lock(&accounts->lock);
    statement = start(accounts, STATEMENT_SET_PASSWORD);
    sqlite3_bind_int64(statement, 1, secret->set);
    bind_secret(statement, 2, secret);
    err = update(accounts, statement, 7, name, out_record);
    if (err != ERR_OK)
        err = complain(accounts, err, name, why);
    pthread_mutex_unlock(&accounts->lock);
    return err;
}

enum err accounts_set_limits(struct accounts *accounts, struct bytes name, uint64_t quota_bytes,
                             bool disabled, struct note *why)
{
    struct accounts_record record;
    sqlite3_stmt *statement;
    enum err err;

    if (quota_bytes > INT64_MAX)
        return note_fail(why, ERR_INVALID, "the quota is too large");
    pthread_mutex_lock(&accounts->lock);
    statement = start(accounts, STATEMENT_SET_LIMITS);
    sqlite3_bind_int64(statement, 1, (int64_t)quota_bytes);
    sqlite3_bind_int(statement, 2, disabled);
    err = update(accounts, statement, 3, name, &record);
    if (err != ERR_OK)
        err = complain(accounts, err, name, why);
    pthread_mutex_unlock(&accounts->lock);
    return err;
}

/* Both in one transaction: the lock is held. */
static enum err move_to_removed(struct accounts *accounts, const struct accounts_record *record,
                                struct wall now)
{
    sqlite3_stmt *statement = start(accounts, STATEMENT_REMOVED_ADD);
    int result = run(accounts, STATEMENT_BEGIN);

    if (accounts_err(result) != ERR_OK)
        return accounts_err(result);
    bind_id(statement, 1, &record->id);
    bind_name(statement, 2, &record->name);
    sqlite3_bind_int64(statement, 3, now.us);
    result = sqlite3_step(statement);
    finish(statement);
    if (result == SQLITE_DONE) {
        statement = start(accounts, STATEMENT_DELETE);
        bind_id(statement, 1, &record->id);
        result = sqlite3_step(statement);
        finish(statement);
    }
    if (result == SQLITE_DONE)
        result = run(accounts, STATEMENT_COMMIT);
    if (result != SQLITE_DONE && sqlite3_get_autocommit(accounts->database) == 0)
        run(accounts, STATEMENT_ROLLBACK);
    return accounts_err(result);
}

enum err accounts_remove(struct accounts *accounts, struct bytes name, struct wall now,
                         struct accounts_record *out_record, struct note *why)
{
    struct accounts_record record;
    struct account_name key;
    enum err err = ERR_NOT_FOUND;

    pthread_mutex_lock(&accounts->lock);
    if (account_name_fold(name, &key))
        err = find_key(accounts, &key, &record, NULL);
    if (err == ERR_OK)
        err = move_to_removed(accounts, &record, now);
    if (err != ERR_OK)
        err = complain(accounts, err, name, why);
    pthread_mutex_unlock(&accounts->lock);
    if (err == ERR_OK)
        *out_record = record;
    return err;
}

enum err accounts_removed(struct accounts *accounts, const struct accounts_id *after,
                          struct accounts_id *out_id)
{
    struct accounts_id id = { { 0 } };
    sqlite3_stmt *statement;
    enum err err;
    int result;

    pthread_mutex_lock(&accounts->lock);
    statement = start(accounts, STATEMENT_REMOVED_NEXT);
    sqlite3_bind_blob(statement, 1, after == NULL ? "" : (const void *)after->raw,
                      after == NULL ? 0 : ACCOUNTS_ID_BYTES, SQLITE_STATIC);
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        err = read_blob(statement, 0, id.raw, ACCOUNTS_ID_BYTES) ? ERR_OK : ERR_CORRUPT;
    else
        err = result == SQLITE_DONE ? ERR_NOT_FOUND : accounts_err(result);
    finish(statement);
    pthread_mutex_unlock(&accounts->lock);
    if (err == ERR_OK)
        *out_id = id;
    return err;
}

/* Does the row of STATEMENT_TRASHED_LIST have a name that folds to `key`? */
static bool read_removed(sqlite3_stmt *statement, const struct account_name *key,
                         struct accounts_record *out_record)
{
    struct account_name folded;
    struct bytes name =
        bytes_make(sqlite3_column_text(statement, 1), (size_t)sqlite3_column_bytes(statement, 1));

    *out_record = (struct accounts_record){ .has_scram = false };
    return account_name_check(name, &out_record->name, NULL) == ERR_OK &&
           account_name_fold(name, &folded) &&
           bytes_equal(account_name_bytes(&folded), account_name_bytes(key)) &&
           read_blob(statement, 0, out_record->id.raw, ACCOUNTS_ID_BYTES);
}

enum err accounts_find_removed(struct accounts *accounts, struct bytes name, size_t skip,
                               struct accounts_record *out_record, struct wall *out_removed)
{
    struct wall removed = { 0 };
    struct accounts_record record;
    struct account_name key;
    sqlite3_stmt *statement;
    bool found = false;
    int result = SQLITE_ROW;

    if (!account_name_fold(name, &key))
        return ERR_NOT_FOUND;
    pthread_mutex_lock(&accounts->lock);
    statement = start(accounts, STATEMENT_TRASHED_LIST);
    while (!found && (result = sqlite3_step(statement)) == SQLITE_ROW)
        found = read_removed(statement, &key, &record) && skip-- == 0;
    if (found)
        removed.us = sqlite3_column_int64(statement, 2);
    finish(statement);
    pthread_mutex_unlock(&accounts->lock);
    if (!found)
        return result == SQLITE_DONE ? ERR_NOT_FOUND : accounts_err(result);
    *out_record = record;
    *out_removed = removed;
    return ERR_OK;
}

enum err accounts_forget(struct accounts *accounts, struct accounts_id id)
{
    sqlite3_stmt *statement;
    enum err err;

    pthread_mutex_lock(&accounts->lock);
    statement = start(accounts, STATEMENT_TRASHED_ADD);
    bind_id(statement, 1, &id);
    err = accounts_err(sqlite3_step(statement));
    finish(statement);
    statement = start(accounts, STATEMENT_FORGET);
    bind_id(statement, 1, &id);
    if (err == ERR_OK)
        err = accounts_err(sqlite3_step(statement));
    if (err == ERR_OK && sqlite3_changes(accounts->database) == 0)
        err = ERR_NOT_FOUND;
    finish(statement);
    pthread_mutex_unlock(&accounts->lock);
    return err;
}
