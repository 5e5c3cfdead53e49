/* Which messages of the selected mailbox a search program means, found in steps: what SEARCH, SORT
 * and THREAD begin with (RFC 9051 section 6.4.4, RFC 5256 section 3).
 *
 * Nothing changes the view while the command runs. So a hit is one bit, whatever the mailbox. */
#ifndef ROOST_IMAP_SEARCHING_H
#define ROOST_IMAP_SEARCHING_H

#include <stdbool.h>
#include <stdint.h>

#include "imap/state.h"
#include "imap/wire/search.h"
#include "search/match.h"
#include "search/rows.h"
#include "search/values.h"

/* Zeroed before imap_searching_begin. */
struct imap_searching {
    const struct imap_search_args *args;
    bool only_first; /* set by the command: the lowest hit is all that it asks for */

    /* The hits. */
    uint64_t *bits; /* bit n - 1: message n; of the run's arena */
    uint32_t count;
    uint32_t first; /* by sequence number; 0: none */
    uint32_t last;
    uint64_t modseq; /* the highest among them, where the program has MODSEQ */
    bool unread; /* some messages could not be read: they are no hits, or count as empty ones */

    /* The search itself. */
    struct search_match match;
    struct seqno next; /* to be looked at */
    uint32_t base; /* messages before the block at hand */
    uint32_t open_word; /* no bit is set before that word */
    uint64_t open[SEARCH_ROWS_WORDS]; /* those of its rows that cannot tell by themselves */
};

/* Begins the search that `args`, which outlive it, ask for: IMAP_AGAIN. IMAP_ENDED: it cannot be,
 * and has been answered so. In either case imap_searching_done is owed. */
MUST_USE enum imap_progress imap_searching_begin(struct imap_session *session, struct imap_run *run,
                                                 const struct imap_search_args *args,
                                                 struct imap_searching *searching);

/* Looks at some messages more. ERR_OK: all were looked at. ERR_LIMIT: did its share (IMAP_AGAIN).
 * ERR_BUSY: waits for the disk (IMAP_BLOCKED). */
MUST_USE enum err imap_searching_step(struct imap_session *session,
                                      struct imap_searching *searching);

/* What a runner says when its share of a step ended in that error, which is not ERR_OK:
 * IMAP_BLOCKED of ERR_BUSY, else IMAP_AGAIN. */
static inline enum imap_progress imap_searching_progress(enum err err)
{
    return err == ERR_BUSY ? IMAP_BLOCKED : IMAP_AGAIN;
}

/* Makes `values`, zeroed but for `wanted`, ready for the messages of the selected mailbox. */
void imap_searching_values_init(const struct imap_session *session, struct search_values *values);

/* What is wanted of the hit in the row at row->at, as of search_values_get. ERR_BUSY, ERR_LIMIT:
 * call again in another step. ERR_OK: also when it cannot be read, and all is empty. */
MUST_USE enum err imap_searching_values_get(struct imap_searching *searching,
                                            struct search_values *values,
                                            const struct view_run *row,
                                            struct bytes out_values[SEARCH_VALUES]);

/* NO, and why; what `$` stands for is emptied if the command was to set it. */
enum imap_progress imap_searching_fail(struct imap_session *session, struct imap_run *run,
                                       const struct imap_search_args *args, enum err err);

/* The same, NO [LIMIT], in words of the command's own. */
enum imap_progress imap_searching_refuse(struct imap_session *session, struct imap_run *run,
                                         const struct imap_search_args *args, const char *text);

/* Gives back what is not of the arena. Zeroed is allowed. */
void imap_searching_done(struct imap_searching *searching);

/* The first hit from message `seqno` on; 0 when there is none. */
uint32_t imap_searching_next(const struct imap_searching *searching, uint32_t seqno);

/* The number by which the answer names a message: its UID in the UID form. */
uint32_t imap_searching_number(const struct imap_session *session, const struct imap_run *run,
                               uint32_t seqno);

#endif
