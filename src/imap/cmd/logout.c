/* LOGOUT (RFC 9051 section 6.1.3). */
#include "imap/cmd/runners.h"

/* RFC 9051 s3.4 */
enum imap_progress imap_logout_run(struct imap_session *session, struct imap_run *run)
{
    imap_respond(session->out, IMAP_UNTAGGED, IMAP_BYE, NULL, "Logging out");
    session->ended = true;
    return imap_answer(run, IMAP_OK, NULL, "LOGOUT done");
}
