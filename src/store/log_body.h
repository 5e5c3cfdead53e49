/* Bodies in the log: large ones on their way in, and all of them on their way out.
 *
 * A large body gets a segment of its own. The owner begins it, jobs write it (one at a time), and
 * when log_body_finish has returned ERR_OK it is on the disk, name and all; a CHANGE may then name
 * its place. One that no CHANGE names is dropped by its owner, or, after a crash, by whoever finds
 * it (log_body_segments). */
#ifndef ROOST_STORE_LOG_BODY_H
#define ROOST_STORE_LOG_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/record.h"
#include "store/types.h"

struct log;
struct log_body;
struct vfs;

/* Adds a raw body to the batch. *out_body is its place for body_back (op_put): log_body_back tells
 * how far the CHANGE that is added next will stand behind it. ERR_LIMIT: the batch would pass
 * LOG_BATCH_BYTES_MAX. */
MUST_USE enum err log_add_body(struct log *log, struct body_id body, struct wall when,
                               struct bytes bytes, struct place *out_body);
uint64_t log_body_back(const struct log *log, struct place body);

/* The payload of a packed BODY into `out`, with room for that of a body of that length. False: a
 * raw one it is, since that is wanted or packing does not pay. */
MUST_USE bool log_pack(struct log *log, struct bytes body, struct buf *out);

/* log_add_body for a body in either form; zstd only if it comes from log_pack. */
MUST_USE enum err log_add_stored(struct log *log, struct body_id body, struct wall when,
                                 const struct record_stored *stored, struct place *out_body);

/* On the owner's thread; makes nothing on the disk yet. */
struct log_body *log_body_new(struct log *log, struct body_id body, struct wall when);

/* The rest runs in jobs, or anywhere: it touches only the log_body and the vfs. After an error
 * nothing but log_body_free works. */
MUST_USE enum err log_body_append(struct log_body *body, struct bytes bytes);
MUST_USE enum err log_body_finish(struct log_body *body); /* blocks: syncs the file and the name */

/* Where it stands and how long it is; once finished. */
struct place log_body_place(const struct log_body *body);
uint64_t log_body_length(const struct log_body *body);

/* Closes; removes the file unless `keep` (a CHANGE names it). NULL is allowed. */
void log_body_free(struct log_body *body, bool keep);

/* Every body segment on the disk, for finding those that nothing refers to. */
typedef void log_segment_fn(void *context, uint64_t segment);
MUST_USE enum err log_body_segments(struct log *log, log_segment_fn *each, void *context);
/* Removes a segment of any kind that nothing refers to. log_forget: it is about to be removed. */
void log_forget(struct log *log, uint64_t segment);
MUST_USE enum err log_unlink(struct log *log, uint64_t segment);

/* What reading one stored body needs, once its header was checked. A plain value: it may travel to
 * a job. Good as long as the segment is on the disk. */
struct log_source {
    struct record_key key;
    struct body_id body;
    uint64_t segment;
    uint64_t frames; /* offset of its first chunk */
    uint64_t length; /* of the body, whatever its encoding */
    uint64_t stored; /* of the payload */
    enum record_encoding encoding; /* raw or zstd */
};

/* Finds and checks the header at `place`, and the length of a packed body. With VFS_READ_NOWAIT:
 * ERR_BUSY, repeat it in a job with log_source_load. ERR_NOT_FOUND: no such segment; ERR_CORRUPT:
 * another body, or none. */
MUST_USE enum err log_source(struct log *log, struct place place, struct body_id body,
                             unsigned flags, struct log_source *out_source);

enum { LOG_WHOLE_BYTES = RECORD_HEADER_BYTES + RECORD_FRAME_BYTES };

/* A body and where it is said to be. */
struct log_body_place {
    struct body_id body;
    struct place place;
    uint64_t size;
};

/* A body that is one chunk as it came: header and bytes in one read, into `at`, checked; *out_body
 * borrows from `at`. ERR_INVALID: it is large, packed, in a segment of its own, or not what was
 * said: log_source tells. Other errors as those of log_source and log_source_read. */
MUST_USE enum err log_read_whole(struct log *log, const struct log_body_place *which,
                                 unsigned flags, uint8_t at[LOG_WHOLE_BYTES],
                                 struct bytes *out_body);

/* Which chunk of a body, and how to read it. */
struct log_chunk {
    uint64_t index;
    unsigned flags; /* enum vfs_read_flags */
};

/* Reads chunk `index` of the body (RECORD_CHUNK_BYTES each, the last one shorter) into `frame`,
 * checks and, where it is packed, decodes it. *out_chunk borrows from `frame` or, until the next
 * read, from the packing. ERR_CORRUPT: a checksum does not hold, or what it covers is no packed
 * body; ERR_INVALID: past the end. */
MUST_USE enum err log_source_read(struct log *log, const struct log_source *source,
                                  struct log_chunk chunk, uint8_t frame[RECORD_FRAME_BYTES],
                                  struct bytes *out_chunk);

/* A segment that somebody else than the owner has open. All borrowed. */
struct log_file {
    struct vfs_file *file;
    struct record_key key;
    struct packing *packing; /* served by nobody else meanwhile */
};

/* The same two in such a file, on any thread. */
MUST_USE enum err log_file_source(const struct log_file *file, struct place place,
                                  struct body_id body, struct log_source *out_source);
MUST_USE enum err log_file_read(const struct log_file *file, const struct log_source *source,
                                uint64_t index, uint8_t frame[RECORD_FRAME_BYTES],
                                struct bytes *out_chunk);

/* The same two on any thread, for jobs: they open the file anew and may block. Not for bodies whose
 * batch still waits in memory: of those log_source never answers ERR_BUSY. `account`: whose log it
 * is; all 0: that is not looked at. */
MUST_USE enum err log_source_load(struct vfs *vfs, struct account_id account, struct place place,
                                  struct body_id body, struct log_source *out_source);
MUST_USE enum err log_source_fetch(struct vfs *vfs, const struct log_source *source, uint64_t index,
                                   uint8_t frame[RECORD_FRAME_BYTES], struct bytes *out_chunk);

#endif
