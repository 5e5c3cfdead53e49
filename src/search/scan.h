/* One pass over the text of a message, looking for all BODY and TEXT keys of a program at once. */
#ifndef ROOST_SEARCH_SCAN_H
#define ROOST_SEARCH_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "message/summary.h"
#include "search/program.h"

enum { SEARCH_BYTES_STEP = 256 * 1024 }; /* read between two turns */

struct account;
struct text_reader;
struct waker;

enum search_run {
    SEARCH_RUN_NONE,
    SEARCH_RUN_HEADER,
    SEARCH_RUN_TEXT,
};

/* Where the pass stands. Zeroed: not begun. */
struct search_scan {
    bool active;
    enum search_run run; /* what is being read */
    bool is_top_header; /* the message's own header: for TEXT, not for BODY */
    size_t position; /* of summary_part_next */
    uint64_t offset; /* read of the part so far */
    uint64_t from; /* where its bytes begin in the message */
    uint64_t bytes;
    uint32_t part; /* its index */
    uint64_t found; /* bit i: texts[i] was found */
    struct text_reader *reader;
    struct buf window; /* decoded text not yet let go */
};

/* Reads on until every text is found, the message ends (ERR_OK: scan->found is final), the disk
 * must be waited for (ERR_BUSY) or the step is used up (ERR_LIMIT). Other errors: cannot be read.
 */
MUST_USE enum err search_scan_step(struct search_scan *scan, const struct search_program *program,
                                   struct account *account, struct body_id body,
                                   struct waker *waker);

/* Frees what the pass holds; zeroed again. */
void search_scan_done(struct search_scan *scan);

#endif
