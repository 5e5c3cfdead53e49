/* Copies of the accounts database, and accounts brought back from one. Passwords are in it as the
 * hashes that they are kept as. */
#ifndef ROOST_AUTH_ACCOUNTS_COPY_H
#define ROOST_AUTH_ACCOUNTS_COPY_H

#include "auth/accounts.h"
#include "base/attributes.h"
#include "base/err.h"

/* How the names of copies begin that are made beside the database; random digits follow. */
#define ACCOUNTS_COPY_PREFIX "accounts.copy."

enum {
    ACCOUNTS_COPY_NAME_BYTES = sizeof(ACCOUNTS_COPY_PREFIX) + 16, /* with the NUL */
    ACCOUNTS_COPY_SECONDS = 3600, /* whoever wanted it has read it by then */
};

/* Makes a file in `directory`, which is as for accounts_open, with all that is in the database now;
 * its name is new. The caller removes it when it has been read; copies that somebody left behind
 * longer than ACCOUNTS_COPY_SECONDS ago are removed here. Other calls wait meanwhile. Not synced.
 */
MUST_USE enum err accounts_copy(struct accounts *accounts, const char *directory,
                                char out_name[ACCOUNTS_COPY_NAME_BYTES], struct note *why);

/* The same without room beside the database: makes accounts.db in `into`, an empty directory, out
 * of the files in `directory`. Another process may have that database open, and may write to it;
 * this one must not (closing a file gives up SQLite's locks). ERR_BUSY: it changed again and again.
 */
MUST_USE enum err accounts_copy_files(const char *directory, const char *into, struct note *why);

/* Is that the name of a copy, and nothing else? */
bool accounts_copy_is_name(const char *name);

/* The bytes of such a file as a database in memory; changes are not kept anywhere. ERR_CORRUPT: it
 * is none; ERR_UNSUPPORTED: a newer Roost wrote it. */
MUST_USE enum err accounts_open_copy(struct bytes copy, struct accounts **out_accounts,
                                     struct note *why);

/* Adds an account with the id, name, dates, limits and password that it had. An id that waits for
 * its mail to be dropped no longer does. ERR_EXISTS: the name or the id is taken. */
MUST_USE enum err accounts_restore(struct accounts *accounts, const struct accounts_record *record,
                                   const struct accounts_secret *secret, struct note *why);

#endif
