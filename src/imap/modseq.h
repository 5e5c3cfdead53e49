/* Mod-sequences in a session (RFC 7162): from when on they are told, and how. */
#ifndef ROOST_IMAP_MODSEQ_H
#define ROOST_IMAP_MODSEQ_H

#include "store/types.h"

struct imap_session;

/* A CONDSTORE enabling command: from now on FETCH responses bear MODSEQ and UID until the
 * connection ends (sections 3.1, 3.2.4). The first one tells HIGHESTMODSEQ of the selected mailbox.
 */
void imap_modseq_enable(struct imap_session *session);

/* "MODSEQ (715194045007)" */
void imap_modseq_print(struct imap_session *session, const struct row *row);

/* "* OK [HIGHESTMODSEQ n] ..." of the selected mailbox, as far as this session knows it: below the
 * changes that are still kept from it (section 3.2). */
void imap_modseq_respond_highest(struct imap_session *session);

/* EXPUNGE or VANISHED was told: HIGHESTMODSEQ goes with the tagged OK that comes next (section
 * 3.2.7) or, where none does or it has a code already, before it. Only to who asked for it. */
void imap_modseq_tell_highest(struct imap_session *session);

/* The end of a command that must not tell of expunges: while some wait the client is told how far
 * its knowledge reaches, so that what it hears of later changes does not hide them (section 3.2).
 */
void imap_modseq_tell_delay(struct imap_session *session);

#endif
