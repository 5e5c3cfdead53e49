/* RFC 9051 s6.4.4, s7.3.4. Nothing changes the view while the command runs: the answer is written
 * from the bits of the hits, or from their order, number by number. */
#include "imap/telling.h"

#include "imap/selected.h"
#include "imap/wire/respond.h"
#include "store/view.h"

enum { HITS_STEP = 8 * IMAP_MESSAGES_STEP }; /* to save or tell one is less than to look for it */

/* The hits at both ends, in the order that is asked for (RFC 5267 section 3.1). */
static uint32_t lowest(const struct imap_telling *telling)
{
    return telling->order == NULL ? telling->found->first : telling->order[0];
}

static uint32_t highest(const struct imap_telling *telling)
{
    return telling->order == NULL ? telling->found->last
                                  : telling->order[telling->found->count - 1];
}

/* The options, () and none at all included. RFC 4731 s3.1 */
static uint32_t returns_of(const struct imap_telling *telling)
{
    const struct imap_search_args *args = telling->found->args;

    return args->has_return ? args->returns : IMAP_RETURN_ALL;
}

/* MIN or MAX without ALL or COUNT save only what they name (RFC 9051 section 6.4.4.1). */
static bool is_kept(const struct imap_telling *telling, uint32_t seqno)
{
    uint32_t returns = returns_of(telling);

    if ((returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) != 0 ||
        (returns & (IMAP_RETURN_MIN | IMAP_RETURN_MAX)) == 0)
        return true;
    return ((returns & IMAP_RETURN_MIN) != 0 && seqno == lowest(telling)) ||
           ((returns & IMAP_RETURN_MAX) != 0 && seqno == highest(telling));
}

/* Collects hits, as many as a step may; false when more are left. RFC 5182 s2.1. */
static bool collect(struct imap_session *session, struct imap_telling *telling)
{
    for (int i = 0; telling->next != 0 && !telling->saved.failed; i++) {
        if (i == HITS_STEP)
            return false;
        if (is_kept(telling, telling->next)) {
            uint32_t uid = view_uid(session->selected->view, (struct seqno){ telling->next }).value;

            uid_set_add(&telling->saved, uid, uid);
        }
        telling->next = imap_searching_next(telling->found, telling->next + 1);
    }
    return true;
}

/* RFC 5182 s2 */
static enum imap_progress save(struct imap_session *session, struct imap_run *run,
                               struct imap_telling *telling)
{
    struct uid_set uids;
    bool is_whole;

    if (telling->saved.arena == NULL) {
        telling->saved = uid_set_builder_make(&run->arena);
        telling->next = imap_searching_next(telling->found, 1);
    }
    if (!collect(session, telling))
        return IMAP_AGAIN;
    is_whole = uid_set_finish(&telling->saved, &uids);
    if (!imap_selected_save(session->selected, is_whole ? uids : (struct uid_set){ 0 }) ||
        !is_whole)
        return imap_answer(run, IMAP_NO, "NOTSAVED", "Result is too scattered to be saved");
    telling->is_saved = true;
    return IMAP_AGAIN;
}

/* MODSEQ of the messages that the answer names (RFC 4731 section 3.2); 0: none is asked for. RFC
 * 7162 s3.1.10. */
static uint64_t modseq_of(const struct imap_session *session, const struct imap_telling *telling,
                          uint32_t returns)
{
    uint64_t highest_modseq = 0;
    struct row row;

    if (!telling->found->args->has_modseq || telling->found->count == 0)
        return 0;
    if ((returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) != 0)
        return telling->found->modseq;
    if ((returns & IMAP_RETURN_MIN) != 0) {
        view_row(session->selected->view, (struct seqno){ lowest(telling) }, &row);
        highest_modseq = row.modseq.value;
    }
    if ((returns & IMAP_RETURN_MAX) != 0) {
        view_row(session->selected->view, (struct seqno){ highest(telling) }, &row);
        highest_modseq = row.modseq.value > highest_modseq ? row.modseq.value : highest_modseq;
    }
    return highest_modseq;
}

/* ESEARCH but for its set, which comes last: "* ESEARCH (TAG "a1") UID COUNT 5 ALL ". RFC 4731
 * s3.1. */
static void print_esearch_head(struct imap_session *session, const struct imap_run *run,
                               struct imap_telling *telling)
{
    const struct imap_searching *found = telling->found;
    uint32_t returns = returns_of(telling);
    struct imap_esearch result = {
        .tag = run->command.tag,
        .uid = run->command.uid,
        .returns = returns & ~(uint32_t)IMAP_RETURN_ALL,
        .count = found->count,
        .modseq = modseq_of(session, telling, returns),
    };

    if (found->count > 0) {
        result.min = imap_searching_number(session, run, lowest(telling));
        result.max = imap_searching_number(session, run, highest(telling));
    }
    imap_esearch_print(session->out, &result);
    buf_truncate(session->out, session->out->len - 2);
    if (found->count > 0 && (returns & IMAP_RETURN_ALL) != 0)
        buf_add(session->out, BYTES(" ALL "));
    else
        telling->next = 0;
}

/* Nothing is told but that it is done: RETURN (SAVE). */
static bool is_silent(const struct imap_telling *telling)
{
    return telling->extended && returns_of(telling) == IMAP_RETURN_SAVE;
}

/* The head of the answer; telling->next is then the first to be told. RFC 3501 s6.4.4; RFC 4731
 * s3.1; RFC 5182 s2; RFC 5256 s4. */
static void begin(struct imap_session *session, const struct imap_run *run,
                  struct imap_telling *telling)
{
    telling->is_begun = true;
    telling->next = telling->order == NULL ? telling->found->first : 1;
    if (is_silent(telling))
        telling->next = 0;
    if (!telling->extended)
        buf_add(session->out, telling->untagged);
    else if (!is_silent(telling))
        print_esearch_head(session, run, telling);
    session->line_open = !is_silent(telling);
}

/* RFC 5267 s3.2: the printer joins what goes up by one. */
static void tell_next(struct imap_session *session, const struct imap_run *run,
                      struct imap_telling *telling)
{
    const uint32_t *order = telling->order;
    uint32_t seqno = order == NULL ? telling->next : order[telling->next - 1];
    uint32_t number = imap_searching_number(session, run, seqno);

    if (telling->extended) {
        imap_seqset_printer_add(&telling->printer, number);
    } else {
        buf_add_byte(session->out, ' ');
        buf_add_number(session->out, number);
    }
    if (order == NULL)
        telling->next = imap_searching_next(telling->found, seqno + 1);
    else
        telling->next = telling->next == telling->found->count ? 0 : telling->next + 1;
}

/* RFC 7162 s3.1.5, s3.1.9. */
static enum imap_progress end(struct imap_session *session, struct imap_run *run,
                              struct imap_telling *telling)
{
    const struct imap_searching *found = telling->found;

    if (telling->extended)
        imap_seqset_printer_end(&telling->printer);
    else if (found->args->has_modseq && found->count > 0)
        buf_add_format(session->out, " (MODSEQ %llu)", (unsigned long long)found->modseq);
    if (!is_silent(telling))
        buf_add(session->out, BYTES("\r\n"));
    session->line_open = false;
    return imap_answer(run, IMAP_OK, NULL, found->unread ? telling->done_in_part : telling->done);
}

enum imap_progress imap_telling_step(struct imap_session *session, struct imap_run *run,
                                     struct imap_telling *telling)
{
    if ((telling->found->args->returns & IMAP_RETURN_SAVE) != 0 && !telling->is_saved) {
        enum imap_progress progress = save(session, run, telling);

        if (!telling->is_saved)
            return progress;
    }
    if (!telling->is_begun)
        begin(session, run, telling);
    telling->printer.out = session->out;
    for (int i = 0; telling->next != 0; i++) {
        if (i == HITS_STEP || imap_output_is_full(session))
            return IMAP_AGAIN;
        tell_next(session, run, telling);
    }
    return end(session, run, telling);
}
