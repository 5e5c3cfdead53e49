/* Segments: the files of the log, their names and headers (docs/format.md, "Segments"). */
#ifndef ROOST_STORE_SEGMENT_H
#define ROOST_STORE_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"
#include "store/record.h"
#include "store/types.h"

struct vfs;
struct vfs_file;

/* Bits of `features`: what a reader must know. */
#define SEGMENT_ZSTD UINT64_C(1) /* on disk: BODY records of encoding zstd may be in it */

enum segment_kind { /* on disk: the low two bits of a segment's number */
                    SEGMENT_LOG = 0,
                    SEGMENT_BODY = 1,
                    SEGMENT_BASE = 2,
};

enum {
    SEGMENT_HEADER_BYTES = 128,
    SEGMENT_COPY_AT = 4096, /* the header's second copy, not in body segments */
    SEGMENT_RECORDS_AT = 8192, /* first record of log and base segments */
    SEGMENT_BODY_AT = 128, /* first chunk of a body segment */
    SEGMENT_PATH_BYTES = 48, /* with the NUL */
};

struct segment {
    uint8_t id[16];
    uint64_t features; /* that must be known to read it: SEGMENT_ZSTD */
    uint64_t number;
    uint64_t previous; /* log segment before this one, or 0 */
    uint64_t position; /* in the log, of the first byte */
    uint64_t base; /* in a base: the last log segment that it supersedes */
    struct wall when;
    struct account_id account; /* whose it is; all 0: who wrote it did not tell */
};

static inline enum segment_kind segment_kind(uint64_t number)
{
    return (enum segment_kind)(number & 3);
}

static inline uint64_t segment_number(uint64_t serial, enum segment_kind kind)
{
    return serial << 2 | (uint64_t)kind;
}

/* "log/<16 hex>.log" and so on, below the account's directory. */
void segment_path(uint64_t number, char out_path[SEGMENT_PATH_BYTES]);

/* `name` as a listing of log/ gives it. False when it is no segment's. */
MUST_USE bool segment_name_parse(struct bytes name, uint64_t *out_number);

/* A new secret. */
void segment_id_make(struct vfs *vfs, uint8_t out_id[16]);

/* Adds the SEGMENT_HEADER_BYTES of the header. */
void segment_header_encode(struct buf *buf, const struct segment *segment);

/* ERR_CORRUPT: no header; ERR_UNSUPPORTED: of a newer version or with features not known here. */
MUST_USE enum err segment_header_decode(struct bytes raw, struct segment *out_segment);

/* Reads the header of an open segment, from either copy. ERR_CORRUPT also when it is another
 * segment's. `flags`: enum vfs_read_flags. */
MUST_USE enum err segment_header_read(struct vfs_file *file, uint64_t number, unsigned flags,
                                      struct segment *out_segment);

/* False: it says that it is another account's. Its checksums hold all the same, wherever it lies.
 */
bool segment_is_of(const struct segment *segment, struct account_id account);

/* Makes a log or base segment with no records; file and name are on the disk when it returns
 * ERR_OK. Else the header is wiped out and the file removed; where it cannot be wiped out the file
 * stays. The name may come back after a power cut, until log/ is synced, and then
 * segments_unfinished knows it. */
MUST_USE enum err segment_create(struct vfs *vfs, const struct segment *segment,
                                 struct vfs_file **out_file);

#endif
