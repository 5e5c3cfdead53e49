/* The STATUS response, for STATUS and for LIST RETURN (STATUS ...) (RFC 5819). */
#ifndef ROOST_IMAP_STATUS_H
#define ROOST_IMAP_STATUS_H

#include <stdint.h>

struct buf;
struct imap_session;
struct mailbox;

/* "MAILBOXID (m0000002a)": the id as codes and items show it (RFC 8474 section 4). */
void imap_mailboxid_print(struct buf *out, const struct mailbox *mailbox);

/* `atts`: bits of enum imap_status_att. */
void imap_status_print(struct imap_session *session, struct mailbox *mailbox, uint32_t atts);

#endif
