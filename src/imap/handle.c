/* Resolving names. All mailboxes are the account's own as yet. */
#include "imap/handle.h"

#include <stddef.h>

#include "imap/state.h"
#include "imap/wire/mailbox.h"
#include "store/mailbox.h"

enum err imap_handle_open(struct imap_session *session, const struct imap_mailbox *name,
                          struct imap_handle *out_handle)
{
    struct mailbox *mailbox;

    if (name->refusal != IMAP_NAME_OK)
        return ERR_INVALID;
    mailbox = mailbox_find(session->account, name->name);
    if (mailbox == NULL)
        return ERR_NOT_FOUND;
    mailbox_hold(mailbox);
    *out_handle = (struct imap_handle){ .account = session->account, .mailbox = mailbox };
    return ERR_OK;
}

void imap_handle_close(struct imap_handle *handle)
{
    if (handle->mailbox != NULL)
        mailbox_release(handle->mailbox);
    *handle = (struct imap_handle){ 0 };
}
