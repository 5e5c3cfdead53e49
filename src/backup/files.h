/* Files of a copy: pieces of segments. Private to the room. */
#ifndef ROOST_BACKUP_FILES_H
#define ROOST_BACKUP_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "backup/backup.h"
#include "backup/manifest.h"

enum { FILES_PATH_BYTES = 64 };

/* The path of a segment, and of one that waits for the manifest to take that path. */
void files_path(uint64_t number, bool waiting, char out_path[FILES_PATH_BYTES]);

/* The first `length` bytes of an open file after another; their sum is continued. */
struct files_copy {
    struct vfs_file *from;
    struct vfs_file *to; /* NULL: only the sum is wanted */
    uint64_t offset;
    uint64_t length;
    uint32_t sum; /* of what is before `offset`; then of all */
    struct backup_listener *listener; /* may be NULL */
};
MUST_USE enum err files_copy(struct files_copy *copy);

/* Is the file at `path` what the manifest says: as long, with that sum? Reads all of it. Errors of
 * opening (ERR_NOT_FOUND: there is none) and reading are answered. */
MUST_USE enum err files_is_entry(struct vfs *vfs, const char *path,
                                 const struct manifest_entry *entry, bool *out_is);

/* The id in the header; zeros when no copy of it holds. */
MUST_USE enum err files_id(struct vfs_file *file, uint64_t number,
                           uint8_t out_id[MANIFEST_ID_BYTES]);

/* Brings one segment up to date in the copy. `entry` is what an earlier manifest says, or NULL;
 * `may_change`: the file is not sealed. `limit`: no more than so many bytes. */
struct files_job {
    const struct backup_options *options;
    uint64_t number;
    uint64_t limit;
    bool may_change;
    const struct manifest_entry *entry;
    uint64_t copied; /* bytes; added to */
};
MUST_USE enum err files_update(struct files_job *job, struct manifest_entry *out_entry);

/* Gives the waiting files that the manifest means their names and removes the others: after the
 * manifest is on the disk, and before a new run. */
MUST_USE enum err files_settle(struct vfs *copy, const struct manifest *manifest);

/* Removes the segments that the manifest, which is on the disk, does not name. */
MUST_USE enum err files_prune(struct vfs *copy, const struct manifest *manifest);

#endif
