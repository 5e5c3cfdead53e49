/* What became of the selected mailbox, told to its session (RFC 9051 section 7).
 *
 * First the view moves to the present and what changed is noted (gather), then it is told in steps
 * of bounded output (tell): a thousand messages that another session flags are no reason to hold
 * the shard. Until all is told the session does nothing else, so that the numbers stay true. */
#ifndef ROOST_IMAP_NEWS_H
#define ROOST_IMAP_NEWS_H

#include <stdbool.h>

#include "base/arena.h"
#include "imap/wire/seqset.h"
#include "store/types.h"
#include "store/view.h"

struct imap_session;

enum imap_news_phase {
    IMAP_NEWS_NONE, /* nothing waits */
    IMAP_NEWS_GATHERING, /* the view is on its way: there may be something */
    IMAP_NEWS_EXPUNGED,
    IMAP_NEWS_MESSAGES, /* EXISTS, RECENT, FLAGS for new keywords */
    IMAP_NEWS_CHANGED,
};

/* Zeroed: none. Part of struct imap_selected. */
struct imap_news {
    enum imap_news_phase phase;
    uint32_t next; /* in the list of the phase */
    struct imap_seqset_printer printer; /* of VANISHED */
    struct modseq silent; /* as imap_news_gather was told, with the next */
    bool keep_expunged;
    struct view_changes changes; /* in the arena */
    struct arena arena;
};

/* Moves the view to the present, or a step of the way. True: there is something to tell, or may be,
 * and imap_news_tell is to be called until nothing waits. With `keep_expunged` no EXPUNGE is told
 * (section 7.5.1). Changes numbered `silent` are not told: the command's own. Without a selected
 * mailbox there are no news.
 */
bool imap_news_gather(struct imap_session *session, struct modseq silent, bool keep_expunged);

bool imap_news_are_waiting(const struct imap_session *session);

/* The step that has just been made to find them is over, and they are not all found. */
bool imap_news_are_gathering(const struct imap_session *session);

/* Tells about a step of what waits. */
void imap_news_tell(struct imap_session *session);

#endif
