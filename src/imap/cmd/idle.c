/* IDLE (RFC 9051 section 6.3.13, RFC 2177): tells news as they come until the client says DONE. */
#include "imap/cmd/runners.h"
#include "imap/news.h"

enum { DONE_BYTES_MAX = 64 };

static enum imap_progress end_idle(struct imap_session *session, struct imap_run *run)
{
    struct cursor cur = cursor_make(imap_framer_bytes(&session->framer));

    if (imap_done_parse(&cur))
        return imap_answer(run, IMAP_OK, NULL, "IDLE done");
    return imap_answer(run, IMAP_BAD, NULL, "Expected DONE");
}

enum imap_progress imap_idle_run(struct imap_session *session, struct imap_run *run)
{
    if (run->state == NULL) {
        if (imap_state_new(run, 1) == NULL)
            return imap_answer_err(run, ERR_LIMIT);
        imap_framer_trim(&session->framer);
        imap_respond_continue(session->out, "idling");
    }
    if (imap_news_gather(session, run->silent, false))
        return IMAP_AGAIN; /* called again as soon as they are told */
    switch (imap_framer_next_line(&session->framer, &session->in, DONE_BYTES_MAX)) {
    case IMAP_FRAME_DONE: return end_idle(session, run);
    case IMAP_FRAME_BAD: return imap_answer(run, IMAP_BAD, NULL, "Expected DONE");
    case IMAP_FRAME_LITERAL:
    case IMAP_FRAME_MORE: break;
    }
    return IMAP_NEEDS_INPUT;
}
