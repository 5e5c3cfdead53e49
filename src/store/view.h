/* What one session believes a mailbox to be (DESIGN: "In memory").
 *
 * A view is a reference to an immutable snapshot of columns, in blocks of at most VIEW_BLOCK_ROWS
 * rows that are shared with the mailbox and with every view that is equally up to date. Sequence
 * numbers are positions in it, and nothing changes in it until view_refresh says what changed. Rows
 * that were expunged meanwhile stay until a refresh may tell so; view_row_is_gone tells for one. */
#ifndef ROOST_STORE_VIEW_H
#define ROOST_STORE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/types.h"

enum { VIEW_BLOCK_ROWS = 4096 };

struct block;
struct mailbox;
struct view;

/* Holds the mailbox until view_close. */
struct view *view_open(struct mailbox *mailbox);
void view_close(struct view *view); /* NULL is allowed */

struct mailbox *view_mailbox(const struct view *view);
uint32_t view_count(const struct view *view);
uint32_t view_uid_last(const struct view *view); /* the highest UID in it, 0 when empty */
struct modseq view_modseq(const struct view *view); /* all changes up to this one are in it */

/* As HIGHESTMODSEQ may be told to who sees this view (RFC 7162 section 3.2): all changes up to it
 * are in the view, expunges included. */
struct modseq view_modseq_known(const struct view *view);

/* True while it shows messages that were expunged: a refresh has kept them. */
bool view_keeps_expunged(const struct view *view);

/* seqno from 1 to view_count. */
void view_row(const struct view *view, struct seqno seqno, struct row *out_row);
struct uid view_uid(const struct view *view, struct seqno seqno);

/* The rows from `seqno` on that stand in one block with it, for walks and scans: places `at` (that
 * of seqno) to before `end`. Valid until the view is refreshed or closed. */
struct view_run {
    const struct block *block;
    uint32_t at;
    uint32_t end;
};
struct view_run view_run(const struct view *view, struct seqno seqno);

/* The position of the first row whose UID is >= uid; view_count + 1 when there is none. */
struct seqno view_seqno_from(const struct view *view, struct uid uid);
/* The position of that UID, or 0. */
struct seqno view_seqno(const struct view *view, struct uid uid);

/* Was it expunged since? O(log n). The rows of a mailbox that was deleted do not count as gone. */
bool view_row_is_gone(const struct view *view, struct uid uid);

/* The same of any in the range. Blocks that the mailbox still has are passed over. */
bool view_any_is_gone(const struct view *view, struct uid_range range);

/* The message as it is now (flags may be newer than the view's); false when it is gone. */
bool view_row_now(const struct view *view, struct uid uid, struct row *out_row);

/* The first message without \Seen; 0 when all have it. Looks at flags only, a few microseconds for
 * 100,000 messages. */
struct seqno view_first_unseen(const struct view *view);

enum view_refresh_flags {
    VIEW_KEEP_EXPUNGED = 1, /* tell of flags and new messages only (RFC 9051 section 7.5.1) */
};

/* What a refresh found, in the order in which a session tells it. */
struct view_changes {
    const struct seqno *expunged; /* to be sent in this order, each counted after the one before */
    const struct uid *expunged_uids; /* the same, for VANISHED */
    uint32_t expunged_count;
    const struct seqno *changed; /* flags, keywords or modseq differ; numbers after expunges */
    uint32_t changed_count;
    uint32_t exists_before; /* after the expunges */
    uint32_t exists_now;
};

/* Moves the view to the present, in steps of about a millisecond. ERR_BUSY: it is to be called
 * again with the same, until then the view is what it was; the present is that of the first call.
 * Changed rows whose MODSEQ is `silent` are not told (the session's
 * own STORE, reported or .SILENT already); 0: none. A row has one MODSEQ: refresh before the STORE,
 * so that what others did to it before is not hidden by it. Memory of the lists from `arena`;
 * ERR_LIMIT when it is over budget, then the view has not moved. */
MUST_USE enum err view_refresh(struct view *view, unsigned flags, struct modseq silent,
                               struct arena *arena, struct view_changes *out_changes);

/* True when a refresh would find something; a pointer comparison. */
bool view_is_stale(const struct view *view);

/* True once what the account's views keep of the past has passed ACCOUNT_PINNED_BYTES_MAX and this
 * view is among those that are behind the longest: its session is to end. The waker is called. */
bool view_is_overdue(const struct view *view);

/* Tells `waker` after each change of the mailbox, its deletion included, until view_close or NULL.
 * One waker a view; it only takes note: no view is closed and no act made from within it. */
struct waker;
void view_watch(struct view *view, struct waker *waker);

#endif
