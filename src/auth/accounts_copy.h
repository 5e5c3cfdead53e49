/* Copies of the accounts database, and accounts brought back from one. Passwords are in it as the
 * hashes that they are kept as. */
#ifndef ROOST_AUTH_ACCOUNTS_COPY_H
#define ROOST_AUTH_ACCOUNTS_COPY_H

#include "auth/accounts.h"
#include "base/attributes.h"
#include "base/err.h"

/* What a running server calls the copy that it makes beside the database. */
#define ACCOUNTS_COPY_NAME "accounts.copy"

/* Makes the file `<directory>/<name>`, replacing one of that name, with all that is in the database
 * now; `directory` as for accounts_open. Other calls wait meanwhile. Not synced. */
MUST_USE enum err accounts_copy(struct accounts *accounts, const char *directory, const char *name,
                                struct note *why);

/* The bytes of such a file as a database in memory; changes are not kept anywhere. ERR_CORRUPT: it
 * is none; ERR_UNSUPPORTED: a newer Roost wrote it. */
MUST_USE enum err accounts_open_copy(struct bytes copy, struct accounts **out_accounts,
                                     struct note *why);

/* Adds an account with the id, name, dates, limits and password that it had. An id that waits for
 * its mail to be dropped no longer does. ERR_EXISTS: the name or the id is taken. */
MUST_USE enum err accounts_restore(struct accounts *accounts, const struct accounts_record *record,
                                   const struct accounts_secret *secret, struct note *why);

#endif
