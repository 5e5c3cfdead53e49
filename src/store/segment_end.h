/* How far a log segment goes that its owner may be writing (docs/format.md, "Positions"): behind
 * the batches there may be space taken ahead, and who reads that while it is written over may see a
 * later page before an earlier one. Reads only; any thread. */
#ifndef ROOST_STORE_SEGMENT_END_H
#define ROOST_STORE_SEGMENT_END_H

#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"

struct vfs;

/* The offset behind the last whole record. All that was in the segment when this is called is
 * before it, and never changes again. Where no header of it holds, or a newer version wrote it: the
 * size of the file. Reads all of it. ERR_NOT_FOUND besides. */
MUST_USE enum err segment_find_end(struct vfs *vfs, uint64_t number, uint64_t *out_end);

#endif
