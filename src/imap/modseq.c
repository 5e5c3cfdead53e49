/* MODSEQ items and HIGHESTMODSEQ codes. */
#include "imap/modseq.h"

#include "imap/selected.h"
#include "imap/state.h"
#include "store/view.h"

/* RFC 7162 s3.2 */
static void print_highest(struct imap_session *session, struct buf *out)
{
    struct modseq known = view_modseq_known(session->selected->view);

    buf_add(out, BYTES("HIGHESTMODSEQ "));
    buf_add_number(out, known.value);
}

void imap_modseq_respond_highest(struct imap_session *session)
{
    imap_respond_code_begin(session->out, IMAP_UNTAGGED, IMAP_OK);
    print_highest(session, session->out);
    imap_respond_code_end(session->out, "All that you were told of");
}

/* RFC 7162 s3.1 */
void imap_modseq_enable(struct imap_session *session)
{
    if (session->condstore)
        return;
    session->condstore = true;
    if (session->selected != NULL)
        imap_modseq_respond_highest(session);
}

void imap_modseq_print(struct imap_session *session, const struct row *row)
{
    buf_add(session->out, BYTES("MODSEQ ("));
    buf_add_number(session->out, row->modseq.value);
    buf_add_byte(session->out, ')');
}

/* RFC 6851 s4.4; RFC 7162 s3.2.9. */
void imap_modseq_tell_highest(struct imap_session *session)
{
    struct imap_run *run = &session->run;

    if (!session->condstore)
        return;
    if (run->verb != NULL && run->ended && run->condition == IMAP_OK && run->code.len == 0)
        print_highest(session, &run->code);
    else
        imap_modseq_respond_highest(session);
}

void imap_modseq_tell_delay(struct imap_session *session)
{
    if (session->condstore && session->selected != NULL &&
        view_keeps_expunged(session->selected->view))
        imap_modseq_respond_highest(session);
}
