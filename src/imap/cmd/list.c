/* LIST (RFC 9051 section 6.3.9; RFC 5258, RFC 5819, RFC 6154) and LSUB (RFC 3501 section 6.3.9). */
#include "imap/wire/list.h"
#include "imap/cmd/runners.h"
#include "imap/listing.h"
#include "imap/modseq.h"
#include "imap/status.h"
#include "imap/wire/mailbox.h"
#include "imap/wire/pattern.h"
#include "imap/wire/status.h"
#include "store/mailbox.h"

struct list_state {
    struct imap_listing listing;
};

static void release_list(struct imap_run *run)
{
    struct list_state *state = run->state;

    imap_listing_done(&state->listing);
}

static bool matches(const struct imap_list_args *args, struct bytes name)
{
    for (uint32_t i = 0; i < args->pattern_count; i++)
        if (imap_pattern_matches(args->patterns[i], name))
            return true;
    return false;
}

/* Does the name itself meet all selection options? Without any, every mailbox does. RFC 5258 s3;
 * RFC 6154 s2. */
static bool is_chosen(const struct imap_list_args *args, const struct imap_listed *listed)
{
    if ((args->selects & IMAP_LIST_SUBSCRIBED) != 0 && !listed->subscribed)
        return false;
    if ((args->selects & IMAP_LIST_SPECIAL_USE) != 0 &&
        (listed->mailbox == NULL || mailbox_uses(listed->mailbox) == 0))
        return false;
    return true;
}

/* CHILDINFO (RFC 9051 section 6.3.9.6): is something below chosen? `*out_hidden`: and some of that
 * is not shown by itself, so that the parent must be. Answers how many names it looked at. RFC 5258
 * s3.5. */
static int look_below(struct imap_session *session, const struct imap_list_args *args,
                      struct bytes parent, bool *out_chosen, bool *out_hidden)
{
    struct buf prefix = buf_make(parent.len + 1);
    struct imap_listing below;
    struct imap_listed listed;
    int looked_at = 0;

    *out_chosen = false;
    *out_hidden = false;
    buf_add(&prefix, parent);
    buf_add_byte(&prefix, IMAP_DELIMITER);
    imap_listing_init(&below, session->account);
    below.mailboxes = true;
    below.subscriptions = (args->selects & IMAP_LIST_SUBSCRIBED) != 0;
    below.current = buf_bytes(&prefix);
    while (!*out_hidden && imap_listing_next(&below, &listed)) {
        looked_at++;
        if (!bytes_starts_with(listed.name, buf_bytes(&prefix)))
            break;
        if (!is_chosen(args, &listed))
            continue;
        *out_chosen = true;
        *out_hidden = !matches(args, listed.name);
    }
    imap_listing_done(&below);
    buf_done(&prefix);
    return looked_at;
}

/* RFC 9051 s7.3.1; RFC 5258 s3, s3.1, s3.2. */
static uint32_t attributes_of(struct imap_session *session, const struct imap_list_args *args,
                              const struct imap_listed *listed)
{
    uint32_t attributes = imap_listing_attributes(session->account, listed->name);
    bool show_subscribed = ((args->selects & IMAP_LIST_SUBSCRIBED) |
                            (args->returns & IMAP_LIST_RETURN_SUBSCRIBED)) != 0;

    if (listed->mailbox == NULL)
        attributes |= session->grammar.rev2 || args->extended ? IMAP_ATTRIBUTE_NONEXISTENT
                                                              : IMAP_ATTRIBUTE_NOSELECT;
    if (show_subscribed && listed->subscribed)
        attributes |= IMAP_ATTRIBUTE_SUBSCRIBED;
    return attributes;
}

/* RFC 5258 s3; RFC 5819 s2. */
static void print_listed(struct imap_session *session, const struct imap_list_args *args,
                         const struct imap_listed *listed, bool child_info)
{
    struct imap_list_response response = {
        .attributes = attributes_of(session, args, listed),
        .name = listed->name,
        .child_info =
            child_info ? args->selects & (IMAP_LIST_SUBSCRIBED | IMAP_LIST_SPECIAL_USE) : 0,
    };

    imap_list_response_print(session->out, &session->grammar, &response);
    if ((args->returns & IMAP_LIST_RETURN_STATUS) != 0 && listed->mailbox != NULL)
        imap_status_print(session, listed->mailbox, args->status_atts);
}

/* Answers what it cost, in names looked at. RFC 5258 sections 3, 3.5. */
static int consider(struct imap_session *session, const struct imap_list_args *args,
                    const struct imap_listed *listed)
{
    bool hidden = false;
    bool below = false;
    int cost = 1;

    if (!matches(args, listed->name))
        return cost;
    if ((args->selects & IMAP_LIST_RECURSIVEMATCH) != 0)
        cost += look_below(session, args, listed->name, &below, &hidden);
    if (is_chosen(args, listed) || (below && hidden))
        print_listed(session, args, listed, below);
    return cost;
}

/* An empty pattern asks for the delimiter and the root (RFC 9051 section 6.3.9). */
static enum imap_progress list_root(struct imap_session *session, struct imap_run *run, bool lsub)
{
    struct imap_list_response root = { .lsub = lsub, .attributes = IMAP_ATTRIBUTE_NOSELECT };

    imap_list_response_print(session->out, &session->grammar, &root);
    return imap_answer(run, IMAP_OK, NULL, "Done");
}

static struct list_state *start_list(struct imap_session *session, struct imap_run *run)
{
    struct list_state *state = imap_state_new(run, sizeof(*state));

    if (state == NULL)
        return NULL;
    imap_listing_init(&state->listing, session->account);
    run->release = release_list;
    return state;
}

/* RFC 5258 sections 3, 3.1 */
enum imap_progress imap_list_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_list_args *args = run->args;
    struct list_state *state = run->state;
    struct imap_listed listed;

    if (args->root_only)
        return list_root(session, run, false);
    if (state == NULL) {
        if ((args->status_atts & IMAP_STATUS_HIGHESTMODSEQ) != 0)
            imap_modseq_enable(session);
        state = start_list(session, run);
        if (state == NULL)
            return imap_answer_err(run, ERR_LIMIT);
        state->listing.subscriptions = (args->selects & IMAP_LIST_SUBSCRIBED) != 0;
        state->listing.mailboxes = !state->listing.subscriptions;
        state->listing.levels =
            (args->selects & (IMAP_LIST_SUBSCRIBED | IMAP_LIST_SPECIAL_USE)) == 0 ||
            (args->selects & IMAP_LIST_RECURSIVEMATCH) != 0;
    }
    for (int cost = 0; cost < IMAP_MESSAGES_STEP && !imap_output_is_full(session);) {
        if (!imap_listing_next(&state->listing, &listed))
            return imap_answer(run, IMAP_OK, NULL, "LIST done");
        cost += consider(session, args, &listed);
    }
    return IMAP_AGAIN;
}

static void print_lsub(struct imap_session *session, const struct imap_listed *listed)
{
    struct imap_list_response response = {
        .lsub = true,
        .attributes = listed->subscribed ? 0 : IMAP_ATTRIBUTE_NOSELECT,
        .name = listed->name,
    };

    imap_list_response_print(session->out, &session->grammar, &response);
}

enum imap_progress imap_lsub_run(struct imap_session *session, struct imap_run *run)
{
    const struct imap_list_args *args = run->args;
    struct list_state *state = run->state;
    struct imap_listed listed;

    if (args->root_only)
        return list_root(session, run, true);
    if (state == NULL) {
        state = start_list(session, run);
        if (state == NULL)
            return imap_answer_err(run, ERR_LIMIT);
        state->listing.subscriptions = true;
        state->listing.levels = true;
    }
    for (int i = 0; i < IMAP_MESSAGES_STEP && !imap_output_is_full(session); i++) {
        if (!imap_listing_next(&state->listing, &listed))
            return imap_answer(run, IMAP_OK, NULL, "LSUB done");
        /* A level above a subscribed name shows only where the pattern ends with it: "%"
         * (RFC 3501 section 6.3.9). */
        if (matches(args, listed.name) &&
            (listed.subscribed || bytes_ends_with(args->patterns[0], BYTES("%"))))
            print_lsub(session, &listed);
    }
    return IMAP_AGAIN;
}
