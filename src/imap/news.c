/* News of the selected mailbox: EXPUNGE, EXISTS, RECENT, FLAGS, FETCH, and LIST for its name. */
#include "imap/news.h"

#include <assert.h>

#include "imap/listing.h"
#include "imap/modseq.h"
#include "imap/selected.h"
#include "imap/state.h"
#include "imap/wire/list.h"
#include "store/mailbox.h"

enum { NEWS_BYTES_MAX = 128 * 1024 * 1024 }; /* 12 bytes a message: more than any mailbox has */

/* In IMAP4rev2 a session may hear that its mailbox was renamed or deleted elsewhere (RFC 9051
 * sections 6.3.6 and 6.3.9.7); in RFC 3501 there is no way to say so. It stays selected. */
static void tell_of_name(struct imap_session *session)
{
    struct imap_selected *selected = session->selected;
    struct mailbox *mailbox = selected->handle.mailbox;
    bool deleted = mailbox_is_deleted(mailbox);
    struct imap_list_response list = { .name = buf_bytes(&selected->name) };

    if (deleted ? selected->told_deleted : bytes_equal(mailbox_name(mailbox), list.name))
        return;
    if (deleted) {
        selected->told_deleted = true;
        list.attributes = IMAP_ATTRIBUTE_NONEXISTENT;
    } else {
        list.attributes = imap_listing_attributes(session->account, mailbox_name(mailbox));
        list.old_name = list.name;
        list.name = mailbox_name(mailbox);
    }
    if (session->grammar.rev2)
        imap_list_response_print(session->out, &session->grammar, &list);
    if (!deleted)
        imap_selected_note_name(selected);
}

static bool is_worth_telling(const struct imap_selected *selected,
                             const struct view_changes *changes)
{
    return changes->expunged_count > 0 || changes->changed_count > 0 ||
           changes->exists_now != changes->exists_before ||
           mailbox_keyword_count(selected->handle.mailbox) > selected->keywords_told;
}

static void forget(struct imap_news *news)
{
    arena_done(&news->arena);
    *news = (struct imap_news){ 0 };
}

/* A step of it; true: there is something to tell, or may be. */
static bool gather(struct imap_session *session)
{
    struct imap_selected *selected = session->selected;
    struct imap_news *news = &selected->news;
    enum err err = view_refresh(selected->view, news->keep_expunged ? VIEW_KEEP_EXPUNGED : 0,
                                news->silent, &news->arena, &news->changes);

    if (err == ERR_BUSY)
        return true;
    if (err != ERR_OK) {
        forget(news);
        session->bye = "More has changed here than can be told";
        return false;
    }
    if (!is_worth_telling(selected, &news->changes)) {
        forget(news);
        return false;
    }
    news->phase = IMAP_NEWS_EXPUNGED;
    return true;
}

bool imap_news_gather(struct imap_session *session, struct modseq silent, bool keep_expunged)
{
    struct imap_selected *selected = session->selected;

    if (selected == NULL)
        return false;
    tell_of_name(session);
    if (!view_is_stale(selected->view))
        return false;
    assert(selected->news.phase == IMAP_NEWS_NONE);
    selected->news = (struct imap_news){ .phase = IMAP_NEWS_GATHERING,
                                         .silent = silent,
                                         .keep_expunged = keep_expunged,
                                         .arena = arena_make(NEWS_BYTES_MAX) };
    return gather(session);
}

bool imap_news_are_gathering(const struct imap_session *session)
{
    return session->selected != NULL && session->selected->news.phase == IMAP_NEWS_GATHERING;
}

bool imap_news_are_waiting(const struct imap_session *session)
{
    return session->selected != NULL && session->selected->news.phase != IMAP_NEWS_NONE;
}

static void go_to(struct imap_news *news, enum imap_news_phase phase)
{
    news->phase = phase;
    news->next = 0;
}

/* One line for all (RFC 7162 section 3.2.10.2), written in steps. */
static void tell_vanished(struct imap_session *session, struct imap_news *news)
{
    const struct view_changes *changes = &news->changes;

    if (news->next == 0 && changes->expunged_count > 0)
        buf_add(session->out, BYTES("* VANISHED "));
    session->line_open = changes->expunged_count > 0;
    news->printer.out = session->out;
    for (; news->next < changes->expunged_count; news->next++) {
        if (news->next > 0 && imap_output_is_full(session)) /* the line has begun by then */
            return;
        imap_seqset_printer_add(&news->printer, changes->expunged_uids[news->next].value);
    }
    imap_seqset_printer_end(&news->printer);
    if (changes->expunged_count > 0)
        buf_add(session->out, BYTES("\r\n"));
    session->line_open = false;
    go_to(news, IMAP_NEWS_MESSAGES);
}

/* RFC 9051 s7 */
static void tell_expunged(struct imap_session *session, struct imap_news *news)
{
    const struct view_changes *changes = &news->changes;

    for (; news->next < changes->expunged_count; news->next++) {
        if (imap_output_is_full(session))
            return;
        imap_respond_number(session->out, changes->expunged[news->next].value, "EXPUNGE");
    }
    go_to(news, IMAP_NEWS_MESSAGES);
}

/* RFC 3502 s6.3.11 */
static void tell_messages(struct imap_session *session, struct imap_news *news)
{
    struct imap_selected *selected = session->selected;

    if (news->changes.exists_now != news->changes.exists_before) {
        imap_selected_claim_recent(session);
        imap_respond_number(session->out, news->changes.exists_now, "EXISTS");
        if (!session->grammar.rev2)
            imap_respond_number(session->out, imap_selected_recent_count(selected), "RECENT");
    }
    if (mailbox_keyword_count(selected->handle.mailbox) > selected->keywords_told)
        imap_selected_print_mailbox_flags(session);
    go_to(news, IMAP_NEWS_CHANGED);
}

/* RFC 9051 s5.2; RFC 7162 s3.2.7. */
static void tell_changed(struct imap_session *session, struct imap_news *news)
{
    for (; news->next < news->changes.changed_count; news->next++) {
        struct row row;

        if (imap_output_is_full(session))
            return;
        view_row(session->selected->view, news->changes.changed[news->next], &row);
        imap_selected_tell_flags(session, news->changes.changed[news->next], &row);
    }
    if (news->changes.expunged_count > 0)
        imap_modseq_tell_highest(session);
    forget(news);
}

/* RFC 9051 s6.5; RFC 6851 s4.4; RFC 7162 s3.2.3. */
void imap_news_tell(struct imap_session *session)
{
    struct imap_news *news = &session->selected->news;

    switch (news->phase) {
    case IMAP_NEWS_GATHERING: (void)gather(session); break;
    case IMAP_NEWS_EXPUNGED:
        if (session->qresync)
            tell_vanished(session, news);
        else
            tell_expunged(session, news);
        break;
    case IMAP_NEWS_MESSAGES: tell_messages(session, news); break;
    case IMAP_NEWS_CHANGED: tell_changed(session, news); break;
    case IMAP_NEWS_NONE: break;
    }
}
