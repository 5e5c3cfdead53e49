/* One pass over the text of a message, looking for all BODY and TEXT keys of a program at once. */
#ifndef ROOST_SEARCH_SCAN_H
#define ROOST_SEARCH_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "message/summary.h"
#include "search/program.h"

enum {
    SEARCH_BYTES_STEP = 256 * 1024, /* read between two turns, of all messages together */
    SEARCH_SUMMARY_COST = 512, /* what looking at a summary counts as, and ... */
    SEARCH_KEY_COST = 4, /* ... for each unit of the program's row_cost */
};

struct account;
struct text_reader;
struct waker;

enum search_run {
    SEARCH_RUN_NONE,
    SEARCH_RUN_HEADER,
    SEARCH_RUN_TEXT,
};

/* Where the pass stands. Zeroed: not begun. What it has allocated serves the next message. */
struct search_scan {
    bool active; /* the parts are known */
    struct buf parts; /* summary.parts of the message, kept: a message may have many */
    uint64_t message_bytes;
    enum search_run run; /* what is being read */
    bool is_top_header; /* the message's own header: for TEXT, not for BODY */
    size_t position; /* of summary_part_next */
    uint64_t offset; /* read of the part so far */
    uint64_t from; /* where its bytes begin in the message */
    uint64_t bytes;
    uint32_t part; /* its index */
    uint64_t found; /* bit i: texts[i] was found */
    struct text_reader *reader; /* NULL: not made yet */
    struct buf window; /* decoded text not yet let go */
    struct buf chunk; /* of the message, as it was read last */
    uint64_t chunk_from; /* where it begins in the message */
};

/* Where bytes are read from, and about how many still may be in this step. */
struct search_source {
    struct account *account;
    struct waker *waker;
    size_t bytes_left;
};

static inline void search_source_spend(struct search_source *source, size_t bytes)
{
    source->bytes_left -= bytes < source->bytes_left ? bytes : source->bytes_left;
}

/* Reads on until every text is found, the message ends (ERR_OK: scan->found is final), the disk
 * must be waited for (ERR_BUSY) or the step is used up (ERR_LIMIT). Other errors: cannot be read.
 */
MUST_USE enum err search_scan_step(struct search_scan *scan, const struct search_program *program,
                                   struct search_source *source, struct body_id body);

/* Ready for another message. */
void search_scan_end_message(struct search_scan *scan);

/* Frees what the pass holds; zeroed again. */
void search_scan_done(struct search_scan *scan);

#endif
