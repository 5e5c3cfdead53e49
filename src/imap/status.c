/* Filling the STATUS response. */
#include "imap/status.h"

#include <stdio.h>

#include "imap/state.h"
#include "imap/wire/status.h"
#include "store/mailbox.h"

enum { ID_BYTES = 9 }; /* "m" and eight hexadecimal digits */

/* RFC 8474 s4 */
static void format_id(char id[ID_BYTES + 1], const struct mailbox *mailbox)
{
    (void)snprintf(id, ID_BYTES + 1, "m%08x", mailbox_id(mailbox).value);
}

void imap_mailboxid_print(struct buf *out, const struct mailbox *mailbox)
{
    char id[ID_BYTES + 1];

    format_id(id, mailbox);
    buf_add_format(out, "MAILBOXID (%s)", id);
}

/* RFC 9051 s6.3.11; RFC 8438 s3. */
void imap_status_print(struct imap_session *session, struct mailbox *mailbox, uint32_t atts)
{
    char id[ID_BYTES + 1];
    struct mailbox_counts counts;
    struct imap_status_values values;

    mailbox_counts(mailbox, &counts);
    format_id(id, mailbox);
    values = (struct imap_status_values){
        .messages = counts.messages,
        .recent = counts.recent,
        .uidnext = mailbox_uidnext(mailbox),
        .uidvalidity = mailbox_uidvalidity(mailbox),
        .unseen = counts.unseen,
        .deleted = counts.deleted,
        .size_bytes = counts.size,
        .highestmodseq = mailbox_highest_modseq(mailbox).value,
        .mailboxid = bytes_from_string(id),
        .appendlimit_bytes = session->limits->message_bytes_max,
    };
    imap_status_response_print(session->out, &session->grammar, mailbox_name(mailbox), atts,
                               &values);
}
