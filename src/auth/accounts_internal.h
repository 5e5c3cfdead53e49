/* What accounts.c (the acts) and accounts_open.c (file, schema, statements) share. */
#ifndef ROOST_AUTH_ACCOUNTS_INTERNAL_H
#define ROOST_AUTH_ACCOUNTS_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "auth/accounts.h"

enum accounts_statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_ADD,
    STATEMENT_FIND,
    STATEMENT_LIST,
    STATEMENT_SET_PASSWORD,
    STATEMENT_SET_LIMITS,
    STATEMENT_DELETE,
    STATEMENT_REMOVED_ADD,
    STATEMENT_REMOVED_NEXT,
    STATEMENT_FORGET,
    STATEMENT_TRASHED_ADD,
    STATEMENT_TRASHED_LIST,
    STATEMENT_TRASHED_DELETE,
    STATEMENT_COUNT,
};

struct accounts {
    pthread_mutex_t lock;
    _Atomic uint64_t generation;
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    uint8_t fake_secret[SCRAM_SECRET_BYTES];
};

#define ACCOUNTS_NO_SPACE "accounts database: there is no space on the disk of data/auth"

/* With no database yet. */
struct accounts *accounts_new(void);

/* Checks the schema of the open database (makes it in an empty one) and prepares the statements. */
MUST_USE enum err accounts_set_up(struct accounts *accounts, struct note *why);

/* The enum err for a result of SQLite. */
enum err accounts_err(int sqlite_result);

#endif
