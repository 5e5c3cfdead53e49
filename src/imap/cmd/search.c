/* SEARCH and UID SEARCH (RFC 9051 section 6.4.4; RFC 3501; RFC 4731; RFC 5182;
 * RFC 7162 section 3.1.5): the hits are found, then told. */
#include "imap/wire/search.h"
#include "imap/cmd/runners.h"
#include "imap/searching.h"
#include "imap/telling.h"

struct search_state {
    bool is_found; /* all messages were looked at */
    struct imap_searching found;
    struct imap_telling telling;
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

    if (state == NULL)
        return imap_searching_fail(session, run, run->args, ERR_LIMIT);
    run->release = release_search;
    state->found.only_first = asks_for_first(run->args);
    return imap_searching_begin(session, run, run->args, &state->found);
}

/* RFC 4731 s3.1 */
static bool is_esearch(const struct imap_session *session, const struct imap_search_args *args)
{
    return args->has_return || session->grammar.rev2;
}

/* RFC 3501 s6.4.4 */
static void begin_telling(const struct imap_session *session, const struct imap_run *run,
                          struct search_state *state)
{
    state->is_found = true;
    state->telling = (struct imap_telling){
        .found = &state->found,
        .extended = is_esearch(session, run->args),
        .untagged = BYTES("* SEARCH"),
        .done = "SEARCH done",
        .done_in_part = "SEARCH done, but some messages are damaged",
    };
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
    if (!state->is_found) {
        enum err err = imap_searching_step(session, &state->found);

        if (err != ERR_OK)
            return imap_searching_progress(err);
        begin_telling(session, run, state);
    }
    return imap_telling_step(session, run, &state->telling);
}
