/* NAMESPACE (RFC 9051 section 6.3.10, RFC 2342): one personal namespace at the root. */
#include "imap/cmd/runners.h"

/* RFC 9051 s5.1.2; RFC 2342 s2. */
enum imap_progress imap_namespace_run(struct imap_session *session, struct imap_run *run)
{
    buf_add(session->out, BYTES("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"));
    return imap_answer(run, IMAP_OK, NULL, "NAMESPACE done");
}
