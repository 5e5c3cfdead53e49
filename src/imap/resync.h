/* What a client that was away has missed of the selected mailbox (RFC 7162 sections 3.1.4.1, 3.2.5
 * and 3.2.6): which messages changed, and which UIDs are gone. */
#ifndef ROOST_IMAP_RESYNC_H
#define ROOST_IMAP_RESYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/err.h"
#include "imap/wire/select.h"
#include "store/types.h"
#include "store/view.h"

struct imap_run;
struct imap_session;

enum { IMAP_ROWS_STEP = 128 * 1024 }; /* rows whose MODSEQ one step looks at */

/* A walk over the messages of a set whose MODSEQ is above a value. Set the first three. */
struct imap_changed_walk {
    const struct view *view;
    struct uid_set uids;
    uint64_t since;
    uint32_t budget; /* rows that may still be looked at and passed over */
    uint32_t range; /* of the set */
    uint32_t from_uid; /* messages of it below this one are done */
    struct view_run run; /* in this step: rows of the range that are still to be looked at */
    struct seqno seqno; /* of the first of them */
};

/* Before each step. The view must not be refreshed within one. */
static inline void imap_changed_begin_step(struct imap_changed_walk *walk, uint32_t budget)
{
    walk->budget = budget;
    walk->run = (struct view_run){ NULL, 0, 0 };
}

/* The next of them, ascending: number and row. ERR_NOT_FOUND: there is none any more. ERR_LIMIT:
 * the budget is used up; it goes on from there. */
MUST_USE enum err imap_changed_next(struct imap_changed_walk *walk, struct seqno *out_seqno,
                                    struct row *out_row);

/* A VANISHED (EARLIER) response on its way out; zeroed: nothing is to be said. */
struct imap_vanished {
    struct uid_set uids; /* in the arena of the command */
    uint32_t next; /* range to be printed */
};

/* Of `within`, the UIDs that were expunged since `since` and that the session's view does not show
 * either. Where the history does not reach back that far: all that are not there (section 3.2.6).
 * Memory from the run's arena; ERR_LIMIT: over budget. */
MUST_USE enum err imap_vanished_begin(struct imap_session *session, struct imap_run *run,
                                      struct uid_set within, uint64_t since,
                                      struct imap_vanished *out_vanished);

/* Prints a step of it. True: the whole line is out, or there is none. */
MUST_USE bool imap_vanished_print(struct imap_session *session, struct imap_vanished *vanished);

/* The highest UID of the match data that has the number in the view which the client knows it by:
 * up to it the client knows of all expunges (section 3.2.5.2). 0: none has. Both sets are resolved
 * and count the same. */
uint32_t imap_resync_matched(const struct view *view, const struct imap_seqset *seqnos,
                             const struct imap_seqset *uids);

#endif
