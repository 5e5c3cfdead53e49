/* NOOP (RFC 9051 section 6.1.2) and CHECK (RFC 3501 section 6.4.1): the news come with the answer.
 */
#include "imap/cmd/runners.h"

enum imap_progress imap_noop_run(struct imap_session *session, struct imap_run *run)
{
    return imap_answer(run, IMAP_OK, NULL, "Done");
}
