/* CAPABILITY (RFC 9051 section 6.1.1). */
#include "imap/answer.h"
#include "imap/cmd/runners.h"

enum imap_progress imap_capability_run(struct imap_session *session, struct imap_run *run)
{
    buf_add(session->out, BYTES("* CAPABILITY "));
    imap_capabilities_print(session->out, session);
    buf_add(session->out, BYTES("\r\n"));
    return imap_answer(run, IMAP_OK, NULL, "CAPABILITY done");
}
