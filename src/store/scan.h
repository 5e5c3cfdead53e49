/* Reads through one segment, record by record, as recovery does: in large steps, with one buffer.
 */
#ifndef ROOST_STORE_SCAN_H
#define ROOST_STORE_SCAN_H

#include <stdint.h>

#include "base/err.h"
#include "store/record.h"

struct vfs_file;

struct scan {
    struct vfs_file *file; /* borrowed */
    struct record_key key;
    uint64_t limit; /* nothing is read from here on */
    uint8_t *window;
    size_t capacity;
    uint64_t window_at;
    size_t window_len;
};

/* For another file; the buffer is kept. A zeroed struct is a valid start. */
void scan_begin(struct scan *scan, struct vfs_file *file, struct record_key key, uint64_t limit);
void scan_done(struct scan *scan);

/* All return ERR_CORRUPT when what is asked for is not there or its checksum does not hold, and
 * other errors when the disk fails. Results borrow from the scan until its next call. */
MUST_USE enum err scan_bytes(struct scan *scan, uint64_t offset, size_t len,
                             struct bytes *out_bytes);
MUST_USE enum err scan_header(struct scan *scan, uint64_t offset, struct record_header *out_header);

/* The checked payload of a CHANGE or BASE whose header stands at `offset`. */
MUST_USE enum err scan_payload(struct scan *scan, uint64_t offset,
                               const struct record_header *header, struct bytes *out_payload);

/* Checks a payload of any length. */
MUST_USE enum err scan_check(struct scan *scan, uint64_t offset,
                             const struct record_header *header);

/* The first multiple of 8 at or after `offset` where a header holds, or the limit. */
MUST_USE enum err scan_resync(struct scan *scan, uint64_t offset, uint64_t *out_offset);

/* The offset behind the last byte that is not 0, at least `offset`. */
MUST_USE enum err scan_content_end(struct scan *scan, uint64_t offset, uint64_t *out_end);

#endif
