/* The STATUS response, for STATUS and for LIST RETURN (STATUS ...) (RFC 5819). */
#ifndef ROOST_IMAP_STATUS_H
#define ROOST_IMAP_STATUS_H

#include <stdint.h>

struct imap_session;
struct mailbox;

enum { IMAP_MAILBOXID_BYTES = 9 }; /* "m" and eight hexadecimal digits */

/* `atts`: bits of enum imap_status_att. */
void imap_status_print(struct imap_session *session, struct mailbox *mailbox, uint32_t atts);

#endif
