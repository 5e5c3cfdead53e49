/* What a copy of an account consists of: text in the copy's directory, written last.
 *
 *     roost-backup 1
 *     account 0a1b...
 *     time 1700000000000000
 *     segment 0000000000000004 5f3c... 81920 1a2b3c4d
 *     end 8d7e6f5a
 *
 * A segment's line has its number, the id in its header (zeros: the header is broken), how many
 * bytes of the file count and their sum: the CRC-32C of those bytes, each times 167 plus 13 (modulo
 * 256) first. The last line has the CRC-32C of all before it. A copy without segments is that of an
 * account that nobody has used. */
#ifndef ROOST_BACKUP_MANIFEST_H
#define ROOST_BACKUP_MANIFEST_H

#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"
#include "store/types.h"

enum { MANIFEST_BYTES_MAX = 256 * 1024 * 1024, MANIFEST_ID_BYTES = 16 };

#define MANIFEST_PATH "manifest"

struct manifest_entry {
    uint64_t number;
    uint8_t id[MANIFEST_ID_BYTES];
    uint64_t length; /* bytes */
    uint32_t sum;
};

struct manifest {
    struct account_id account;
    struct wall when;
    struct manifest_entry *entries; /* by number; owned */
    size_t count;
    size_t capacity;
};

struct vfs;

void manifest_done(struct manifest *manifest);

/* In any order; manifest_sort must follow before anything else is done with it. */
void manifest_add(struct manifest *manifest, const struct manifest_entry *entry);

void manifest_sort(struct manifest *manifest);

/* NULL when there is none. */
const struct manifest_entry *manifest_find(const struct manifest *manifest, uint64_t number);

void manifest_print(const struct manifest *manifest, struct buf *out);

/* ERR_CORRUPT: not whole; ERR_UNSUPPORTED: a newer version wrote it. */
MUST_USE enum err manifest_parse(struct bytes text, struct manifest *out_manifest);

/* That of a copy's directory. ERR_NOT_FOUND besides. */
MUST_USE enum err manifest_load(struct vfs *copy, struct manifest *out_manifest);

/* Replaces it; it is on the disk then, and all names of the directory with it. */
MUST_USE enum err manifest_store(struct vfs *copy, const struct manifest *manifest);

#endif
