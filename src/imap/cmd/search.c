/* SEARCH and UID SEARCH (RFC 9051 section 6.4.4; RFC 3501; RFC 4731; RFC 5182;
 * RFC 7162 section 3.1.5), in steps: the hits (imap/searching.h), then the answer, written from
 * their bits, number by number. */
#include "imap/wire/search.h"
#include "imap/cmd/runners.h"
#include "imap/searching.h"
#include "imap/selected.h"
#include "store/uid_set.h"
#include "store/view.h"

enum search_phase {
    SEARCH_MATCH,
    SEARCH_SAVE,
    SEARCH_PRINT,
};

enum { HITS_STEP = 8 * IMAP_MESSAGES_STEP }; /* to save or print one is less than to look for it */

struct search_state {
    enum search_phase phase;
    struct imap_searching found;
    struct seqno next; /* to be saved or printed; 0: no more */
    struct uid_set_builder saved;
    struct imap_seqset_printer printer; /* of ESEARCH */
};

static void release_search(struct imap_run *run)
{
    struct search_state *state = run->state;

    imap_searching_done(&state->found);
}

/* MIN alone is known at the first hit. */
static bool asks_for_first(const struct imap_search_args *args)
{
    return args->has_return && (args->returns & ~(uint32_t)IMAP_RETURN_SAVE) == IMAP_RETURN_MIN;
}

static enum imap_progress begin(struct imap_session *session, struct imap_run *run)
{
    struct search_state *state = imap_state_new(run, sizeof(*state));
    enum err err;

    if (state == NULL)
        return imap_searching_fail(session, run, run->args, ERR_LIMIT);
    run->release = release_search;
    err = imap_searching_begin(session, run, run->args, &state->found);
    if (err != ERR_OK)
        return imap_searching_fail(session, run, run->args, err);
    state->found.only_first = asks_for_first(run->args);
    return IMAP_AGAIN;
}

/* MIN or MAX without ALL or COUNT save only what they name (RFC 9051 section 6.4.4.1). */
static bool is_saved(const struct search_state *state, uint32_t returns, uint32_t seqno)
{
    if ((returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) != 0 ||
        (returns & (IMAP_RETURN_MIN | IMAP_RETURN_MAX)) == 0)
        return true;
    return ((returns & IMAP_RETURN_MIN) != 0 && seqno == state->found.first) ||
           ((returns & IMAP_RETURN_MAX) != 0 && seqno == state->found.last);
}

/* Collects hits, as many as a step may; false when more are left. RFC 5182 s2.1. */
static bool collect_saved(struct imap_session *session, const struct imap_search_args *args,
                          struct search_state *state)
{
    for (int i = 0; state->next.value != 0 && !state->saved.failed; i++) {
        if (i == HITS_STEP)
            return false;
        if (is_saved(state, args->returns, state->next.value)) {
            uint32_t uid = view_uid(session->selected->view, state->next).value;

            uid_set_add(&state->saved, uid, uid);
        }
        state->next.value = imap_searching_next(&state->found, state->next.value + 1);
    }
    return true;
}

/* RFC 4731 s3.1 */
static bool is_esearch(const struct imap_session *session, const struct imap_search_args *args)
{
    return args->has_return || session->grammar.rev2;
}

static uint32_t returns_of(const struct imap_search_args *args)
{
    return args->has_return ? args->returns : IMAP_RETURN_ALL;
}

/* MODSEQ of the messages that the answer names (RFC 4731 section 3.2); 0: none is asked for. RFC
 * 7162 s3.1.10. */
static uint64_t modseq_of(const struct imap_session *session, const struct imap_run *run,
                          const struct search_state *state, uint32_t returns)
{
    const struct imap_search_args *args = run->args;
    uint64_t highest = 0;
    struct row row;

    if (!args->has_modseq || state->found.count == 0)
        return 0;
    if ((returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) != 0)
        return state->found.modseq;
    if ((returns & IMAP_RETURN_MIN) != 0) {
        view_row(session->selected->view, (struct seqno){ state->found.first }, &row);
        highest = row.modseq.value;
    }
    if ((returns & IMAP_RETURN_MAX) != 0) {
        view_row(session->selected->view, (struct seqno){ state->found.last }, &row);
        highest = row.modseq.value > highest ? row.modseq.value : highest;
    }
    return highest;
}

/* ESEARCH but for its set, which comes last: "* ESEARCH (TAG "a1") UID COUNT 5 ALL ". RFC 4731
 * s3.1. */
static void print_esearch_head(struct imap_session *session, const struct imap_run *run,
                               struct search_state *state)
{
    uint32_t returns = returns_of(run->args);
    struct imap_esearch result = {
        .tag = run->command.tag,
        .uid = run->command.uid,
        .returns = returns & ~(uint32_t)IMAP_RETURN_ALL,
        .count = state->found.count,
        .modseq = modseq_of(session, run, state, returns),
    };

    if (state->found.count > 0) {
        result.min = imap_searching_number(session, run, state->found.first);
        result.max = imap_searching_number(session, run, state->found.last);
    }
    imap_esearch_print(session->out, &result);
    buf_truncate(session->out, session->out->len - 2);
    if (state->found.count > 0 && (returns & IMAP_RETURN_ALL) != 0)
        buf_add(session->out, BYTES(" ALL "));
    else
        state->next.value = 0;
}

/* The head of the answer; state->next is then the first number to be printed, 0: none is. RFC
 * 3501 s6.4.4; RFC 4731 s3.1; RFC 5182 s2. */
static enum imap_progress begin_print(struct imap_session *session, struct imap_run *run,
                                      struct search_state *state)
{
    const struct imap_search_args *args = run->args;

    state->phase = SEARCH_PRINT;
    state->next.value = imap_searching_next(&state->found, 1);
    if (!is_esearch(session, args))
        buf_add(session->out, BYTES("* SEARCH"));
    else if (returns_of(args) != IMAP_RETURN_SAVE)
        print_esearch_head(session, run, state);
    return IMAP_AGAIN;
}

/* RFC 5182 s2 */
static enum imap_progress save(struct imap_session *session, struct imap_run *run,
                               struct search_state *state)
{
    struct uid_set uids;
    bool is_kept;

    if (!collect_saved(session, run->args, state))
        return IMAP_AGAIN;
    is_kept = uid_set_finish(&state->saved, &uids);
    if (!imap_selected_save(session->selected, is_kept ? uids : (struct uid_set){ 0 }) || !is_kept)
        return imap_answer(run, IMAP_NO, "NOTSAVED", "Result is too scattered to be saved");
    return begin_print(session, run, state);
}

/* All messages were looked at. */
static enum imap_progress end_match(struct imap_session *session, struct imap_run *run,
                                    struct search_state *state)
{
    const struct imap_search_args *args = run->args;

    if ((args->returns & IMAP_RETURN_SAVE) == 0)
        return begin_print(session, run, state);
    state->phase = SEARCH_SAVE;
    state->next.value = imap_searching_next(&state->found, 1);
    state->saved = uid_set_builder_make(&run->arena);
    return IMAP_AGAIN;
}

static enum imap_progress end_print(struct imap_session *session, struct imap_run *run,
                                    struct search_state *state)
{
    const struct imap_search_args *args = run->args;
    bool esearch = is_esearch(session, args);

    if (esearch)
        imap_seqset_printer_end(&state->printer);
    else if (args->has_modseq && state->found.count > 0)
        buf_add_format(session->out, " (MODSEQ %llu)", (unsigned long long)state->found.modseq);
    if (!esearch || returns_of(args) != IMAP_RETURN_SAVE)
        buf_add(session->out, BYTES("\r\n"));
    if (state->found.unread)
        return imap_answer(run, IMAP_OK, NULL, "SEARCH done, but some messages are damaged");
    return imap_answer(run, IMAP_OK, NULL, "SEARCH done");
}

static enum imap_progress print(struct imap_session *session, struct imap_run *run,
                                struct search_state *state)
{
    bool esearch = is_esearch(session, run->args);
    bool silent = esearch && returns_of(run->args) == IMAP_RETURN_SAVE;

    state->printer.out = session->out;
    for (int i = 0; state->next.value != 0 && !silent; i++) {
        uint32_t number = imap_searching_number(session, run, state->next.value);

        if (i == HITS_STEP || imap_output_is_full(session))
            return IMAP_AGAIN;
        if (esearch) {
            imap_seqset_printer_add(&state->printer, number);
        } else {
            buf_add_byte(session->out, ' ');
            buf_add_number(session->out, number);
        }
        state->next.value = imap_searching_next(&state->found, state->next.value + 1);
    }
    return end_print(session, run, state);
}

static enum imap_progress match(struct imap_session *session, struct imap_run *run,
                                struct search_state *state)
{
    enum err err = imap_searching_step(session, &state->found);

    if (err != ERR_OK)
        return err == ERR_BUSY ? IMAP_BLOCKED : IMAP_AGAIN;
    return end_match(session, run, state);
}

enum imap_progress imap_search_run(struct imap_session *session, struct imap_run *run)
{
    struct search_state *state;

    if (run->state == NULL) {
        enum imap_progress progress = begin(session, run);

        if (progress == IMAP_ENDED)
            return progress;
    }
    state = run->state;
    if (state->phase == SEARCH_MATCH) {
        enum imap_progress progress = match(session, run, state);

        if (progress != IMAP_AGAIN || state->phase == SEARCH_MATCH)
            return progress;
    }
    if (state->phase == SEARCH_SAVE) {
        enum imap_progress progress = save(session, run, state);

        if (progress != IMAP_AGAIN || state->phase == SEARCH_SAVE)
            return progress;
    }
    return print(session, run, state);
}
