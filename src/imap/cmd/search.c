/* SEARCH and UID SEARCH (RFC 9051 section 6.4.4; RFC 3501; RFC 4731; RFC 5182), in steps. */
#include "search/match.h"

#include "imap/cmd/runners.h"
#include "imap/selected.h"
#include "imap/wire/search.h"
#include "store/uid_set.h"
#include "store/view.h"

/* Nothing changes the view while the command runs, so positions are kept and UIDs looked up at the
 * end. */
struct search_state {
    struct search_match match;
    struct seqno next;
    struct uid_set_builder hits; /* sequence numbers */
    uint64_t modseq; /* the highest among the hits */
    uint32_t count;
    bool unread; /* some messages could not be read */
};

static void release_search(struct imap_run *run)
{
    struct search_state *state = run->state;

    search_match_done(&state->match);
}

/* RFC 5182 section 2.1: a SEARCH RETURN (SAVE) that fails empties the saved result. */
static enum imap_progress fail(struct imap_session *session, struct imap_run *run, enum err err)
{
    const struct imap_search_args *args = run->args;

    if ((args->returns & IMAP_RETURN_SAVE) != 0)
        imap_selected_save(session->selected, (struct uid_set){ 0 });
    if (err == ERR_UNSUPPORTED)
        return imap_answer(run, IMAP_NO, "BADCHARSET (UTF-8 US-ASCII)",
                           "Charset is unknown, or the text is not in it");
    return imap_answer_err(run, err);
}

static enum imap_progress begin(struct imap_session *session, struct imap_run *run)
{
    struct imap_selected *selected = session->selected;
    struct search_context context = {
        .view = selected->view,
        .recent = { selected->recent, selected->recent_count },
        .saved = { selected->saved, selected->saved_count },
        .now_seconds = wall_seconds(session->now.wall),
    };
    struct search_state *state = imap_state_new(run, sizeof(*state));
    struct search_program *program;
    enum err err;

    if (state == NULL)
        return fail(session, run, ERR_LIMIT);
    run->release = release_search;
    err = search_compile(run->args, &context, &run->arena, &program);
    if (err != ERR_OK)
        return fail(session, run, err);
    state->match.program = program;
    state->match.account = selected->handle.account;
    state->match.waker = session->waker;
    state->next.value = 1;
    state->hits = uid_set_builder_make(&run->arena);
    return IMAP_AGAIN;
}

static void add_hit(struct search_state *state, const struct row *row)
{
    uid_set_add(&state->hits, state->next.value, state->next.value);
    state->count++;
    if (row->modseq.value > state->modseq)
        state->modseq = row->modseq.value;
}

/* The hits as UIDs. */
static enum err hits_as_uids(const struct view *view, struct uid_set hits, struct arena *arena,
                             struct uid_set *out_uids)
{
    struct uid_set_builder uids = uid_set_builder_make(arena);

    for (uint32_t i = 0; i < hits.count; i++) {
        for (uint32_t seqno = hits.ranges[i].first; seqno <= hits.ranges[i].last; seqno++) {
            struct row row;

            view_row(view, (struct seqno){ seqno }, &row);
            uid_set_add(&uids, row.uid.value, row.uid.value);
        }
    }
    return uid_set_finish(&uids, out_uids) ? ERR_OK : ERR_LIMIT;
}

/* MIN or MAX without ALL or COUNT save only what they name (RFC 5182 section 2.4). */
static void save(struct imap_selected *selected, uint32_t returns, struct uid_set uids)
{
    struct uid_range ends[2];
    uint32_t count = 0;

    if (uids.count == 0 || (returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) != 0 ||
        (returns & (IMAP_RETURN_MIN | IMAP_RETURN_MAX)) == 0) {
        imap_selected_save(selected, uids);
        return;
    }
    if ((returns & IMAP_RETURN_MIN) != 0) {
        ends[count].first = uids.ranges[0].first;
        ends[count++].last = uids.ranges[0].first;
    }
    if ((returns & IMAP_RETURN_MAX) != 0) {
        uint32_t max = uids.ranges[uids.count - 1].last;

        if (count == 0 || max != ends[0].first)
            ends[count++] = (struct uid_range){ max, max };
    }
    imap_selected_save(selected, (struct uid_set){ ends, count });
}

static enum err as_seqset(struct uid_set numbers, struct arena *arena, struct imap_seqset *out_set)
{
    struct imap_range *ranges = ARENA_NEW_ARRAY(arena, struct imap_range, numbers.count);

    if (ranges == NULL)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < numbers.count; i++)
        ranges[i] = (struct imap_range){ numbers.ranges[i].first, numbers.ranges[i].last };
    *out_set = (struct imap_seqset){ .ranges = ranges, .count = numbers.count };
    return ERR_OK;
}

static void print_result(struct imap_session *session, const struct imap_run *run,
                         const struct search_state *state, const struct imap_seqset *all)
{
    const struct imap_search_args *args = run->args;
    uint32_t returns = args->has_return ? args->returns : IMAP_RETURN_ALL;
    struct imap_esearch result = {
        .tag = run->command.tag,
        .uid = run->command.uid,
        .returns = returns,
        .count = state->count,
        .all = all,
        .modseq = args->has_modseq && state->count > 0 ? state->modseq : 0,
    };

    if (all->count > 0) {
        result.min = all->ranges[0].first;
        result.max = all->ranges[all->count - 1].last;
    }
    if (!args->has_return && !session->grammar.rev2)
        imap_search_print(session->out, all, result.modseq);
    else if (returns != IMAP_RETURN_SAVE)
        imap_esearch_print(session->out, &result);
}

static enum imap_progress finish(struct imap_session *session, struct imap_run *run,
                                 struct search_state *state)
{
    const struct imap_search_args *args = run->args;
    struct uid_set hits;
    struct uid_set uids = { 0 };
    struct imap_seqset all;

    if (!uid_set_finish(&state->hits, &hits))
        return fail(session, run, ERR_LIMIT);
    if ((run->command.uid || (args->returns & IMAP_RETURN_SAVE) != 0) &&
        hits_as_uids(session->selected->view, hits, &run->arena, &uids) != ERR_OK)
        return fail(session, run, ERR_LIMIT);
    if (as_seqset(run->command.uid ? uids : hits, &run->arena, &all) != ERR_OK)
        return fail(session, run, ERR_LIMIT);
    if ((args->returns & IMAP_RETURN_SAVE) != 0)
        save(session->selected, args->returns, uids);
    print_result(session, run, state, &all);
    if (state->unread)
        return imap_answer(run, IMAP_OK, NULL, "SEARCH done, but some messages are damaged");
    return imap_answer(run, IMAP_OK, NULL, "SEARCH done");
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
    for (int i = 0; i < IMAP_MESSAGES_STEP; i++, state->next.value++) {
        struct row row;
        bool matches = false;
        enum err err;

        if (state->next.value > view_count(session->selected->view))
            return finish(session, run, state);
        view_row(session->selected->view, state->next, &row);
        err = search_match_message(&state->match, state->next, &row, &matches);
        if (err == ERR_BUSY)
            return IMAP_BLOCKED;
        if (err == ERR_LIMIT)
            return IMAP_AGAIN;
        state->unread |= err != ERR_OK && err != ERR_NOT_FOUND;
        if (err == ERR_OK && matches)
            add_hit(state, &row);
    }
    return IMAP_AGAIN;
}
