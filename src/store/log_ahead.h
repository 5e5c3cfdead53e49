/* Space that a log takes ahead: zeros behind the last batch, for the next ones to be written over.
 * A sync of a file that has grown writes its metadata, too; that of one which was written over does
 * not (docs/decisions/0023-space-is-taken-ahead.md).
 *
 * There is some as long as small batches are synced one after the other. It is no part of the log:
 * log_tip is where it would be without. log_rest, and the end of a segment or of the log, give it
 * back. On the owner's thread. */
#ifndef ROOST_STORE_LOG_AHEAD_H
#define ROOST_STORE_LOG_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"

struct log;

/* Of one log; bytes of files. */
struct log_ahead {
    uint64_t bytes; /* to be taken at a time, */
    unsigned syncs; /* after so many syncs of little, one behind the other */
    unsigned small_syncs; /* so far */
    uint64_t reach; /* the end of the present segment's file, at most */
    uint64_t previous_end; /* where the one before ends, if some was taken behind that; else 0 */
};

/* For a log that nothing is written to for a while: what was taken is given back. False: not yet,
 * something is to be synced before. */
bool log_rest(struct log *log);

/* There is something to be given back, or will be after a few more syncs. */
bool log_is_restless(const struct log *log);

/* For the parts of the log. */

/* There is some behind what is written. */
bool log_has_ahead(const struct log *log);

/* Writes to the file at `at`, which is behind whole batches: over what was taken, and on. Errors as
 * vfs_append. */
MUST_USE enum err log_put(struct log *log, uint64_t at, struct bytes data);

/* The file ends where the log does. False: it could not be cut. */
bool log_cut(struct log *log);

/* A sync has brought so many bytes of batches to the disk. */
void log_note_sync(struct log *log, uint64_t bytes);

/* After a batch of that many bytes: when it has used up what was taken, and it pays, more is. That
 * fails without a word: what counts is written. */
void log_take_ahead(struct log *log, uint64_t batch_bytes);

#endif
