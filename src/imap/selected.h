/* The selected mailbox of a session: its view, and telling the client what became of it. */
#ifndef ROOST_IMAP_SELECTED_H
#define ROOST_IMAP_SELECTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/err.h"
#include "imap/handle.h"
#include "imap/news.h"
#include "imap/wire/seqset.h"
#include "store/types.h"

struct imap_run;
struct imap_session;
struct view;

enum {
    IMAP_RECENT_RANGES_MAX = 16,
    IMAP_SAVED_RANGES_MAX = 65536, /* NOTSAVED above (RFC 9051 s6.4.4.3) */
};

struct imap_selected {
    struct imap_handle handle;
    struct view *view;
    bool read_only; /* EXAMINE */
    struct imap_news news; /* waiting to be told */
    struct buf name; /* of the mailbox, as the client knows it */
    bool told_deleted; /* that the mailbox is no more */
    uint32_t keywords_told; /* of the mailbox's table, in FLAGS and PERMANENTFLAGS */
    uint32_t recent_count; /* ranges of UIDs that are \Recent here (RFC 3501 s2.3.2) */
    struct uid_range recent[IMAP_RECENT_RANGES_MAX];
    struct uid_range *saved; /* SEARCH RETURN (SAVE): UIDs (RFC 9051 s6.4.4.1); owned, malloc */
    uint32_t saved_count;
};

/* Takes the handle over. Never NULL. */
struct imap_selected *imap_selected_open(struct imap_session *session, struct imap_handle handle,
                                         bool read_only);
void imap_selected_close(struct imap_selected *selected); /* NULL is allowed */

/* Claims what is \Recent and notes it for this session (nothing in EXAMINE, nothing in rev2). */
void imap_selected_claim_recent(struct imap_session *session);
bool imap_selected_is_recent(const struct imap_selected *selected, struct uid uid);
uint32_t imap_selected_recent_count(const struct imap_selected *selected);

/* The client knows the mailbox by its present name. */
void imap_selected_note_name(struct imap_selected *selected);

/* "FLAGS (...)" without the line around it: what a FETCH response says of the row. */
void imap_selected_print_flags(struct imap_session *session, const struct row *row);

/* The FETCH response that tells a message's flags without being asked: with UID and, to who knows
 * of them, MODSEQ (RFC 7162 section 3.2.4). */
void imap_selected_tell_flags(struct imap_session *session, struct seqno seqno,
                              const struct row *row);

/* FLAGS and PERMANENTFLAGS lines; notes what was told. */
void imap_selected_print_mailbox_flags(struct imap_session *session);

/* True, and answered, when the mailbox was deleted elsewhere: it can be read, not changed. */
bool imap_selected_is_lost(const struct imap_session *session, struct imap_run *run);

/* A set of the client, by sequence number or UID, as the UIDs of the view that it names, ascending.
 * ERR_INVALID: a sequence number that no message has, `*` in an empty mailbox included
 * (RFC 9051 s9, seq-number: BAD); `$` resolves to the
 * saved result. ERR_LIMIT: arena over budget. */
MUST_USE enum err imap_selected_resolve(struct imap_session *session, struct imap_run *run,
                                        const struct imap_seqset *set, bool uid,
                                        struct uid_set *out_uids);

/* Was a message of `uids` expunged elsewhere, which the session may not have been told of yet?
 * Commands by sequence number then answer EXPUNGEISSUED (RFC 2180 section 4). */
bool imap_selected_any_is_gone(const struct imap_selected *selected, struct uid_set uids);

/* Replaces the saved result; copies. False: it has too many ranges to be kept, and is empty now. */
bool imap_selected_save(struct imap_selected *selected, struct uid_set uids);

#endif
