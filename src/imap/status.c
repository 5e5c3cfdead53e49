/* Filling the STATUS response. */
#include "imap/status.h"

#include <stdio.h>

#include "imap/state.h"
#include "imap/wire/status.h"
#include "store/mailbox.h"

void imap_status_print(struct imap_session *session, struct mailbox *mailbox, uint32_t atts)
{
    char id[IMAP_MAILBOXID_BYTES + 1];
    struct mailbox_counts counts;
    struct imap_status_values values;

    mailbox_counts(mailbox, &counts);
    (void)snprintf(id, sizeof(id), "m%08x", mailbox_id(mailbox).value);
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
