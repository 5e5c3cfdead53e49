/* ENABLE (RFC 9051 section 6.3.1, RFC 5161). */
#include "imap/wire/enable.h"
#include "imap/cmd/runners.h"

enum imap_progress imap_enable_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_enable_args *args = run->args;

    buf_add(session->out, BYTES("* ENABLED"));
    for (uint32_t i = 0; i < args->count; i++) {
        /* What is not known, or is no extension to be enabled, is passed over in silence. */
        if (!bytes_equal_nocase(args->capabilities[i], BYTES("IMAP4rev2")) || session->grammar.rev2)
            continue;
        session->grammar.rev2 = true;
        buf_add(session->out, BYTES(" IMAP4rev2"));
    }
    buf_add(session->out, BYTES("\r\n"));
    return imap_answer(run, IMAP_OK, NULL, "ENABLE done");
}
