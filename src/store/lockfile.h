/* The lock file of an account: who owns it, and whether the last owner closed it
 * (docs/format.md, "The lock file"). */
#ifndef ROOST_STORE_LOCKFILE_H
#define ROOST_STORE_LOCKFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/time.h"

struct lockfile;
struct vfs;

enum { LOCKFILE_IDENTITY_BYTES = 40 }; /* as vfs->identity gives it: machine, boot, directory */

enum lock_state { /* on disk */
                  LOCK_NONE = 0, /* no entry */
                  LOCK_OPEN = 1,
                  LOCK_CLEAN = 2,
                  LOCK_FAILED = 3,
};

struct lock_entry {
    enum lock_state state;
    uint8_t identity[LOCKFILE_IDENTITY_BYTES];
    uint64_t segment;
    uint64_t position;
    struct wall when;
};

/* How an entry's identity differs from the present one: a set. */
enum lock_difference {
    LOCK_OTHER_PLACE = 1, /* machine or directory */
    LOCK_OTHER_BOOT = 2,
};

/* Opens (makes) the file, takes the lock, reads the entries. ERR_BUSY: somebody has the lock.
 * ERR_UNSUPPORTED: written by a newer version. */
MUST_USE enum err lockfile_open(struct vfs *vfs, struct lockfile **out_lock);

/* Releases the lock. NULL is allowed. */
void lockfile_close(struct lockfile *lock);

/* The entry that counts; its state is LOCK_NONE when there is none. */
const struct lock_entry *lockfile_entry(const struct lockfile *lock);
unsigned lockfile_difference(const struct lockfile *lock);

/* A clean mark stands in the file, believed or not: it must be withdrawn before the first change.
 */
bool lockfile_stands_clean(const struct lockfile *lock);
/* The clean mark that stands is an old one: from now on the entry is that of an open log. */
void lockfile_distrust(struct lockfile *lock);

/* The present identity with that state, for lockfile_write. */
struct lock_entry lockfile_present(const struct lockfile *lock, enum lock_state state,
                                   struct wall now);

/* Adds an entry and syncs; a long file, or one on a full disk that has two at least, begins anew
 * with it. Blocks; one thread at a time. After an
 * error the old entry counts (where the file has begun anew the new one, as lockfile_entry tells):
 * who can do nothing about that may ignore the answer. */
enum err lockfile_write(struct lockfile *lock, const struct lock_entry *entry);

/* Writes over the last entry, for a disk that has no room for another one. Not synced: after a
 * power cut the one that was there may count. ERR_NOT_FOUND: there is none. */
enum err lockfile_replace(struct lockfile *lock, const struct lock_entry *entry);

#endif
