/* The summaries of an account's bodies on the disk: derived, so never synced, and believed only as
 * far as their checksums go (docs/format.md, "Summary").
 *
 * A summary waits in memory until its body is durable: one that outlived its body could be taken
 * for the summary of another body with the same id. */
#ifndef ROOST_STORE_SUMMARY_FILE_H
#define ROOST_STORE_SUMMARY_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "message/summary.h"
#include "store/types.h"

enum {
    SUMMARY_AHEAD_BYTES = 64 * 1024, /* read at once for who asks for one after the other */
    SUMMARY_WARM_BYTES = 1024 * 1024, /* brought into the page cache at once */
};

struct body_table;
struct summary_file;
struct summary_index;
struct vfs;

/* Opens or makes the files. A small index is read at once, a large one when it is asked for
 * (summary_file_lacks_index). When most of it is of bodies that are not in `bodies` it is read, and
 * the files are written anew. Blocks. Never fails: without a disk that works nothing is kept. */
struct summary_file *summary_file_open(struct vfs *vfs, const struct account_id *account,
                                       const struct body_table *bodies);

/* Forgets all there is: the files get other names, for summary_file_remove to remove, which may
 * take long and can be done on any thread. Nobody has them open. */
void summary_file_set_aside(struct vfs *vfs);
void summary_file_remove(struct vfs *vfs);

/* Closes; what still waits is dropped. NULL is allowed. */
void summary_file_close(struct summary_file *file);

/* Closes the files, and gives memory back, until they are needed again. */
void summary_file_trim(struct summary_file *file);

/* Keeps a copy of `encoded` until the log is durable up to `position`. */
void summary_file_put(struct summary_file *file, struct body_id body, struct bytes encoded,
                      uint64_t position);

/* The same of a message whose summary is still to be made; `raw` is taken, and empty then. */
void summary_file_put_message(struct summary_file *file, struct body_id body, struct buf *raw,
                              uint64_t position);

/* Makes some of those: true when there are more. */
enum { SUMMARY_MAKE_BYTES = 64 * 1024 }; /* of messages at once, or one */
bool summary_file_make(struct summary_file *file);

/* Writes what waits for a position up to `durable`, some of it, together: true when there is more.
 */
enum { SUMMARY_FLUSH_ENTRIES = 256, SUMMARY_FLUSH_BYTES = 64 * 1024 };
bool summary_file_flush(struct summary_file *file, uint64_t durable);

/* Bytes that wait, whatever they wait for. */
size_t summary_file_waiting(const struct summary_file *file);

/* The encoded summary, valid until the next call with the file. ERR_NOT_FOUND: none that is known,
 * or its checksum does not hold. ERR_BUSY: with VFS_READ_NOWAIT, when it is not in the page cache.
 *
 * Who asks for bodies one after the other is answered out of reads of SUMMARY_AHEAD_BYTES. The
 * memory for that is kept until summary_file_trim. */
MUST_USE enum err summary_file_get(struct summary_file *file, struct body_id body, unsigned flags,
                                   struct bytes *out_encoded);

/* True when only the index could tell whether there is a summary: summary_index_read, on any
 * thread, and then summary_file_adopt, which takes it over, bring it. */
bool summary_file_lacks_index(const struct summary_file *file, struct body_id body);
void summary_file_adopt(struct summary_file *file, struct summary_index *index);

/* Forgets entries of bodies that are no longer in the table: begun once, then in bounded steps
 * until it answers false. */
void summary_file_purge_begin(struct summary_file *file);
bool summary_file_purge(struct summary_file *file, const struct body_table *bodies);

/* On any thread, without the object: looks whether both files are as they should be and every entry
 * of the index has its summary, SUMMARY_CHECK_ENTRIES at a time, until `done`. What the owner
 * writes just then may be seen half. Zeroed at first. */
enum { SUMMARY_CHECK_ENTRIES = 10000 };
struct summary_check {
    uint64_t at; /* offset in the index */
    bool is_there; /* one of the files */
    bool holds; /* so far */
    bool done;
};
void summary_file_check(struct vfs *vfs, const struct account_id *account,
                        struct summary_check *check);

/* Where the entry of a body stands, with what is worth reading behind it, for summary_file_warm;
 * false when it has none on the disk. */
struct summary_place {
    uint64_t offset;
    uint32_t length;
};
bool summary_file_place(const struct summary_file *file, struct body_id body,
                        struct summary_place *out_place);

/* On any thread: reads it into the page cache. */
void summary_file_warm(struct vfs *vfs, struct summary_place place);

#endif
