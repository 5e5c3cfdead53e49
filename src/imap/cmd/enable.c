/* ENABLE (RFC 9051 section 6.3.1, RFC 5161; RFC 7162 section 3.2.3). */
#include "imap/wire/enable.h"
#include "imap/cmd/runners.h"
#include "imap/modseq.h"

static bool asks_for(const struct imap_enable_args *args, const char *capability)
{
    for (uint32_t i = 0; i < args->count; i++)
        if (bytes_equal_nocase(args->capabilities[i], bytes_from_string(capability)))
            return true;
    return false;
}

/* Names it when it was asked for and is new. What is not known is passed over in silence. RFC 5161
 * s3.1. */
static void enable(struct imap_session *session, const struct imap_enable_args *args,
                   const char *capability, bool *is_on)
{
    if (*is_on || !asks_for(args, capability))
        return;
    *is_on = true;
    buf_add_byte(session->out, ' ');
    buf_add_string(session->out, capability);
}

/* RFC 5161 s3.1 */
enum imap_progress imap_enable_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_enable_args *args = run->args;
    bool condstore = session->condstore;

    buf_add(session->out, BYTES("* ENABLED"));
    enable(session, args, "IMAP4rev2", &session->grammar.rev2);
    enable(session, args, "CONDSTORE", &condstore);
    enable(session, args, "QRESYNC", &session->qresync);
    buf_add(session->out, BYTES("\r\n"));
    /* QRESYNC turns CONDSTORE on as well (RFC 7162 section 3.2.3). */
    if (condstore || session->qresync)
        imap_modseq_enable(session);
    return imap_answer(run, IMAP_OK, NULL, "ENABLE done");
}
