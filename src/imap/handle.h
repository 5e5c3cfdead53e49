/* A mailbox that a command names: whose it is and that it stays while the command looks at it.
 *
 * Every command reaches a mailbox through a handle, never through the session's account: a mailbox
 * of somebody else will be another kind of handle, and commands will not notice. */
#ifndef ROOST_IMAP_HANDLE_H
#define ROOST_IMAP_HANDLE_H

#include "base/attributes.h"
#include "base/err.h"

struct account;
struct imap_mailbox;
struct imap_run;
struct imap_session;
struct mailbox;

struct imap_handle {
    struct account *account;
    struct mailbox *mailbox; /* held */
};

/* ERR_NOT_FOUND: no such mailbox. ERR_INVALID: the name can never exist; why is in the refusal. */
MUST_USE enum err imap_handle_open(struct imap_session *session, const struct imap_mailbox *name,
                                   struct imap_handle *out_handle);

/* A closed or zeroed handle is allowed. */
void imap_handle_close(struct imap_handle *handle);

#endif
