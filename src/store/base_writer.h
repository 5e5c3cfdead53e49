/* Writes a base segment (docs/format.md, "Base segments"): bodies that are copied out of segments
 * that go away, then the state of the account at one position of the log.
 *
 * Bodies first, base_writer_settle behind the last of them, then the state.
 *
 * In steps that each block for a bounded time; any thread, one at a time. Nothing reads the segment
 * before base_writer_finish has returned ERR_OK: one that is not finished is none. */
#ifndef ROOST_STORE_BASE_WRITER_H
#define ROOST_STORE_BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/op_base.h"
#include "store/segment.h"

enum { BASE_WRITER_PIECE_BYTES = 32 * 1024 };

struct base_writer;
struct state;
struct drops;
struct vfs;

/* `segment` says all of the header but id and features: number, position, base, when. Makes nothing
 * on the disk yet. `vfs` is borrowed. */
struct base_writer *base_writer_new(struct vfs *vfs, const struct segment *segment);

/* Makes the segment. */
MUST_USE enum err base_writer_begin(struct base_writer *writer);

/* Copies the body at `from`, in a log or base segment, as it is stored, every checksum of it
 * checked; *out_to is where it will stand. ERR_CORRUPT: it does not hold or cannot be read, nothing
 * was written. Other errors: writing failed, only base_writer_free works. Copies that come in the
 * order of their places read each segment once. */
MUST_USE enum err base_writer_copy(struct base_writer *writer, struct body_id body,
                                   struct place from, struct place *out_to);

/* Writes out what was copied so far. What is written goes to the device in pieces of
 * BASE_WRITER_PIECE_BYTES or a record, one after the other, so that others who sync wait for
 * little.
 */
MUST_USE enum err base_writer_flush(struct base_writer *writer);

/* Syncs what was copied, after the last copy and before base_writer_state: whoever finds the end of
 * a base believes in the bodies before it and does not look at them. */
MUST_USE enum err base_writer_settle(struct base_writer *writer);

/* What is stated. Borrowed until base_writer_state has said that it is done, and the same in all
 * calls. */
struct base_content {
    const struct state *state; /* places in its body table are final; its drops are not looked at */
    const struct op_base_body *bodies; /* BASE_BODY */
    size_t body_count;
    const struct drops *drops;
};

/* Writes a MB or two of it; the last call ends the base. */
MUST_USE enum err base_writer_state(struct base_writer *writer, const struct base_content *content,
                                    bool *out_done);

/* Syncs it, name and all. */
MUST_USE enum err base_writer_finish(struct base_writer *writer);

/* Bytes of the segment so far. */
uint64_t base_writer_bytes(const struct base_writer *writer);

/* Closes; removes the file unless `keep`. NULL is allowed. */
void base_writer_free(struct base_writer *writer, bool keep);

#endif
