/* One account's directory copied, and brought back.
 *
 * Both block for as long as the bytes take; neither takes the account's lock. A copy may be made
 * while the owner of the account works, if no segment is removed for that long (the owner is told
 * to hold them, or it is done within the hour that superseded segments stay). */
#ifndef ROOST_BACKUP_BACKUP_H
#define ROOST_BACKUP_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"
#include "base/time.h"
#include "store/types.h"

struct vfs;

/* `bytes` more are done, of those that `total` has told of. Called often. */
struct backup_listener {
    void (*total)(struct backup_listener *listener, uint64_t bytes);
    void (*done)(struct backup_listener *listener, uint64_t bytes);
};

struct backup_options {
    struct vfs *from; /* the account's directory */
    struct vfs *to; /* its directory in the backup: an empty one, or with an earlier copy */
    struct account_id account;
    struct wall now;
    struct backup_listener *listener; /* may be NULL */
};

struct backup_result {
    uint64_t files; /* in the copy */
    uint64_t bytes;
    uint64_t bytes_copied; /* the rest was there already */
};

/* What is in the account when this is called is in the copy when it has returned ERR_OK, and on the
 * disk. After any other answer that copy is whole, or the earlier one is as it was. ERR_NOT_FOUND:
 * no log there; ERR_BUSY: segments went away while they were copied, several times; ERR_NO_SPACE:
 * of `to`; ERR_CONFLICT: `to` has a log that this one is not a later state of. */
MUST_USE enum err backup_account(const struct backup_options *options,
                                 struct backup_result *out_result, struct note *why);

/* The copy of an account that nobody has used: it says so, on the disk when this returns ERR_OK.
 * `to` is its directory in the backup. ERR_CONFLICT: a log is in it, or was: the account has been
 * used, and its mail is lost. */
MUST_USE enum err backup_account_unused(struct vfs *to, struct account_id account, struct wall now);

/* What the directory of an account in a backup, `from`, has of it. ERR_NOT_FOUND: no copy was ever
 * finished; ERR_CORRUPT: its manifest is damaged; ERR_UNSUPPORTED: a newer version wrote it. */
MUST_USE enum err backup_is_unused(struct vfs *from, bool *out_is);

/* Makes the log of a copy below `to`, where nothing is, or what is left of such a call that did not
 * come to its end; on the disk when it returns ERR_OK. There
 * is no lock file then, so that the account is opened as a copy. ERR_NOT_FOUND: no copy was ever
 * finished; ERR_CORRUPT: a file of it is not what it was; ERR_INVALID: another account's. */
MUST_USE enum err backup_restore(struct vfs *from, struct vfs *to, struct account_id account,
                                 struct backup_listener *listener, struct note *why);

/* Is the log below `to` what the copy says, and nothing else? Its bytes are read. False as well
 * when there is none, or no copy. */
MUST_USE enum err backup_is_restored(struct vfs *from, struct vfs *to, bool *out_is);

#endif
