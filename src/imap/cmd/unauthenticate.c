/* UNAUTHENTICATE (RFC 8437): the connection goes back to where logins are made. */
#include "imap/cmd/runners.h"
#include "imap/selected.h"

/* RFC 8437 sections 4.1, 8 */
enum imap_progress imap_unauthenticate_run(struct imap_session *session, struct imap_run *run)
{
    if (!session->limits->unauthenticate)
        return imap_answer(run, IMAP_NO, "CANNOT", "UNAUTHENTICATE is switched off here");
    imap_selected_close(session->selected);
    session->selected = NULL;
    session->hand_back = true;
    return imap_answer(run, IMAP_OK, NULL, "Logged out, another login may follow");
}
