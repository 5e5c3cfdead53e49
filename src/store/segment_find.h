/* The log and base segments that are in a directory, and which of them count
 * (docs/format.md, "Recovery", "Base segments"). Reads only; any thread. */
#ifndef ROOST_STORE_SEGMENT_FIND_H
#define ROOST_STORE_SEGMENT_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/segment.h"

/* A log or base segment on the disk. */
struct found_segment {
    uint64_t number;
    struct segment segment; /* zero when broken */
    bool broken; /* no copy of its header holds */
    uint64_t size; /* of the file */
    uint64_t limit; /* what counts of it ends here */
};

struct segments {
    struct vfs *vfs; /* borrowed */
    struct found_segment *at; /* by number; owned */
    size_t count;
    size_t capacity;
    uint64_t serial_next; /* above those of all segments, body segments too */
};

/* Finds them, reads their headers. ERR_UNSUPPORTED: one is of a newer version. segments_done after
 * errors, too. */
MUST_USE enum err segments_find(struct vfs *vfs, struct segments *out_segments);
void segments_done(struct segments *segments);

/* The first that says that it is another account's, or NULL. */
const struct found_segment *segments_foreign(const struct segments *segments,
                                             struct account_id account);

/* A log segment whose making was cut short or failed: nothing was written behind its header, and
 * the next one follows another (its name may come back after it was removed), or there is none and
 * its header is broken. NULL: there is no such segment. segments_drop forgets it; then there may be
 * another. */
struct found_segment *segments_unfinished(const struct segments *segments);
void segments_drop(struct segments *segments, struct found_segment *found);

/* The last log segment from index `first` on, or NULL. */
struct found_segment *segments_last(const struct segments *segments, size_t first);

/* Sets the limits: segments end where the next one says, or, the last one, with its file; or at
 * log position `end` when that is in the last one, which has the number `last` (0: no such end). */
void segments_limit(struct segments *segments, uint64_t last, uint64_t end);

/* Number of the last base whose header holds; 0: there is none. */
uint64_t segments_newest_base(const struct segments *segments);

/* Decides between the newest base and the segments it supersedes. *out_base: to be replayed first,
 * or NULL; *out_first: index of the first log segment to be replayed. Reads bases as a whole. */
MUST_USE enum err segments_choose_base(const struct segments *segments,
                                       const struct found_segment **out_base, size_t *out_first);

/* Raises *mark to the highest position that any header of the segment knew to be durable, from
 * `offset` on, those behind breaks included. Not for a broken one. */
MUST_USE enum err segments_find_mark(const struct segments *segments,
                                     const struct found_segment *found, uint64_t offset,
                                     uint64_t *mark);

#endif
