/* A backup as a directory that a person names (docs/operations.md, "Backup"):
 *
 *     roost-backup                 says that it is one, and of which format
 *     auth/accounts.db             the accounts database
 *     accounts/ab/<account id>/    as in data/accounts: log/, and a manifest
 */
#ifndef ROOST_CLI_BACKUP_PLACE_H
#define ROOST_CLI_BACKUP_PLACE_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/err.h"
#include "config/config.h"

enum { BACKUP_PATH_BYTES_MAX = 4096 };

#define BACKUP_DATABASE "accounts.db"

struct vfs;
struct vfs_file;

struct backup_place {
    int auth_fd; /* of the two directories; -1: there is none */
    int accounts_fd;
    bool has_lost_accounts; /* of one that is written to: it has accounts, data has none */
    bool is_new; /* of one that is written to: this call has made it */
    struct vfs *whole; /* of one that is written to: all of it, and its lock */
    struct vfs_file *lock;
};

/* To be written to: made where it is missing (not what is above it), each directory for the owner
 * of its like in data. It is locked until it is closed here and in all children that were made
 * meanwhile. ERR_BUSY: another command writes to it; ERR_INVALID: not a backup and not empty, or
 * within data, or around it; ERR_EXISTS: not a directory; ERR_NOT_FOUND: nor is there one above it.
 * Nothing is left then that was not there. */
MUST_USE enum err backup_place_make(const char *path, const struct config *config,
                                    struct backup_place *out_place, struct note *why);

/* To be read. */
MUST_USE enum err backup_place_open(const char *path, struct backup_place *out_place,
                                    struct note *why);

/* Closes it; if backup_place_make has made it, and nothing has come into it, it is removed. */
void backup_place_drop(struct backup_place *place, const char *path);

void backup_place_close(struct backup_place *place);

#endif
