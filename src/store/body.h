/* Bodies of messages: taking them in at any size, reading them back, and their summaries.
 *
 * A body is the exact bytes of the message (FETCH BODY[] shows a NUL as 0x80). Up to
 * BODY_INLINE_BYTES_MAX it waits in memory and goes to the log in one write with its change; a
 * larger one streams into a body segment of its own, written and synced by jobs, so that no slow
 * client holds the end of the log. The message is parsed on the way in, once. */
#ifndef ROOST_STORE_BODY_H
#define ROOST_STORE_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/job.h"
#include "store/types.h"

enum {
    BODY_INLINE_BYTES_MAX = 64 * 1024,
    BODY_CHUNK_BYTES = 64 * 1024, /* one CRC covers one chunk; no read costs less than its chunk */
};

struct account;
struct body_writer;
struct summary;

/* `bytes_max`: the most that will be added (a literal's announced size). `waker` is called when a
 * call that answered ERR_BUSY is worth repeating; it must outlive the writer. ERR_OVER_QUOTA when
 * the account has no room for bytes_max more. */
MUST_USE enum err body_writer_open(struct account *account, uint64_t bytes_max, struct waker *waker,
                                   struct body_writer **out_writer);

/* Takes some or all of `bytes`; *out_taken may be 0 with ERR_BUSY. Errors are final. */
MUST_USE enum err body_writer_add(struct body_writer *writer, struct bytes bytes,
                                  size_t *out_taken);

/* Nothing more will come. ERR_BUSY until a large body is on the disk; then ERR_OK, and the body may
 * be given to act_append once. The summary of a small one is made later, by account_tick: while the
 * log is being synced nobody waits for it. */
MUST_USE enum err body_writer_finish(struct body_writer *writer);

/* Makes it now, of a finished one: others come in meanwhile that are of the same act. */
void body_writer_summarise(struct body_writer *writer);

/* Drops what was not given to an act. A job of it may still be running: it cleans up by itself.
 * NULL is allowed. */
void body_writer_free(struct body_writer *writer);

/* Bytes added so far. */
uint64_t body_writer_size(const struct body_writer *writer);

/* A stretch of a body. */
struct body_piece {
    struct body_id body;
    uint64_t offset;
    size_t len; /* offset + len: at most the size of the body */
};

/* Reads it. ERR_BUSY: it is not in the page cache; a job has been started, `waker` is called, then
 * call again. ERR_CORRUPT: the checksum does not hold, and nothing is given out. ERR_NOT_FOUND: no
 * such body. ERR_INVALID: it does not reach that far. */
MUST_USE enum err body_read(struct account *account, struct body_piece piece, void *into,
                            struct waker *waker);

/* The summary (message/summary.h), made anew from the body when the derived file lacks or belies
 * it. The views in `out_summary` are valid until the next call that takes the account. ERR_BUSY as
 * above. */
MUST_USE enum err body_summary(struct account *account, struct body_id body, struct waker *waker,
                               struct summary *out_summary);

/* The waker will not be called again by reads and summaries: before it is freed while one of them
 * may still have an ERR_BUSY of its own to answer. */
void body_waker_forget(struct account *account, struct waker *waker);

#endif
