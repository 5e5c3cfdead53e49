/* SEARCH and UID SEARCH (RFC 9051 section 6.4.4; RFC 3501; RFC 4731; RFC 5182;
 * RFC 7162 section 3.1.5), in steps.
 *
 * Nothing changes the view while the command runs. So a hit is one bit, whatever the mailbox, and
 * the answer is written from the bits, number by number. */
#include "search/match.h"

#include "imap/cmd/runners.h"
#include "imap/modseq.h"
#include "imap/selected.h"
#include "imap/wire/search.h"
#include "message/charset.h"
#include "search/rows.h"
#include "store/account.h"
#include "store/block.h"
#include "store/uid_set.h"
#include "store/view.h"

enum search_phase {
    SEARCH_MATCH,
    SEARCH_SAVE,
    SEARCH_PRINT,
};

enum {
    HITS_STEP = 8 * IMAP_MESSAGES_STEP, /* to save or print a hit is less than to look for it */
    ROWS_COST_STEP = 512 * 1024, /* keys about the row that are asked of rows, in one step */
    ROWS_STEP_MIN = 64, /* rows, however many keys there are */
};

struct search_state {
    enum search_phase phase;
    struct search_match match;
    struct seqno next; /* to be looked at, saved or printed; 0: no more */
    uint32_t base; /* messages before the block at hand */
    uint32_t open_word; /* no bit is set before that word */
    uint64_t open[SEARCH_ROWS_WORDS]; /* those of its rows that cannot tell by themselves */
    uint64_t *hits; /* bit n - 1: message n */
    uint64_t modseq; /* the highest among the hits, when it is asked for */
    uint32_t count;
    uint32_t first; /* hits by sequence number; 0: none */
    uint32_t last;
    struct uid_set_builder saved;
    struct imap_seqset_printer printer; /* of ESEARCH */
    bool unread; /* some messages could not be read */
};

static void release_search(struct imap_run *run)
{
    struct search_state *state = run->state;

    search_match_done(&state->match);
}

/* RFC 9051 section 6.4.4.1: a SEARCH with SAVE that is answered NO empties the saved result. RFC
 * 5182 s2. */
static enum imap_progress fail(struct imap_session *session, struct imap_run *run, enum err err)
{
    const struct imap_search_args *args = run->args;

    if ((args->returns & IMAP_RETURN_SAVE) != 0)
        (void)imap_selected_save(session->selected, (struct uid_set){ 0 });
    if (err == ERR_INVALID)
        return imap_answer(run, IMAP_NO, NULL,
                           args->charset.len > 0 ? "A text is not in the charset that is named"
                                                 : "A text is not UTF-8: name its CHARSET");
    if (err == ERR_LIMIT)
        return imap_answer(run, IMAP_NO, "LIMIT", "Too many or too long texts to search for");
    if (err != ERR_UNSUPPORTED)
        return imap_answer_err(run, err);
    buf_add(&run->code, BYTES("BADCHARSET ("));
    charset_names_print(&run->code);
    buf_add_byte(&run->code, ')');
    return imap_answer(run, IMAP_NO, NULL, "Charset is not supported");
}

static enum err compile(struct imap_session *session, struct imap_run *run,
                        struct search_state *state)
{
    struct imap_selected *selected = session->selected;
    struct search_context context = {
        .view = selected->view,
        .recent = { selected->recent, session->grammar.rev2 ? 0 : selected->recent_count },
        .saved = { selected->saved, selected->saved_count },
        .now_seconds = wall_seconds(session->now.wall),
        .texts = session->texts,
        .account = account_id(selected->handle.account),
    };
    struct search_program *program;
    enum err err = search_compile(run->args, &context, &run->arena, &program);

    if (err != ERR_OK)
        return err;
    state->match.program = program;
    state->match.source.account = selected->handle.account;
    state->match.source.waker = session->waker;
    return ERR_OK;
}

static enum imap_progress begin(struct imap_session *session, struct imap_run *run)
{
    const struct imap_search_args *args = run->args;
    struct search_state *state;
    enum err err;

    state = imap_state_new(run, sizeof(*state));
    if (state == NULL)
        return fail(session, run, ERR_LIMIT);
    if (args->has_modseq)
        imap_modseq_enable(session);
    run->keeps_seqnos = args->has_seqnos;
    run->release = release_search;
    state->hits =
        ARENA_NEW_ARRAY(&run->arena, uint64_t, view_count(session->selected->view) / 64 + 1);
    if (state->hits == NULL)
        return fail(session, run, ERR_LIMIT);
    err = compile(session, run, state);
    if (err != ERR_OK)
        return fail(session, run, err);
    state->next.value = 1;
    return IMAP_AGAIN;
}

/* The message at that bit of `hits`. */
static void note_hit(struct search_state *state, uint32_t bit)
{
    state->hits[bit / 64] |= UINT64_C(1) << bit % 64;
    state->count++;
    if (state->first == 0 || bit + 1 < state->first)
        state->first = bit + 1;
    if (bit + 1 > state->last)
        state->last = bit + 1;
}

/* Hits of a block: row i of it is the message at bit `base` + i. */
static void add_hits(struct search_state *state, uint32_t base, const uint64_t *hits,
                     uint32_t words)
{
    unsigned shift = base % 64;

    for (uint32_t i = 0; i < words; i++) {
        uint64_t *to = &state->hits[base / 64 + i];
        uint32_t bit = base + 64 * i;

        if (hits[i] == 0)
            continue;
        if (state->first == 0)
            state->first = bit + (uint32_t)__builtin_ctzll(hits[i]) + 1;
        state->last = bit + 64 - (uint32_t)__builtin_clzll(hits[i]);
        state->count += (uint32_t)__builtin_popcountll(hits[i]);
        to[0] |= hits[i] << shift;
        if (shift > 0 && hits[i] >> (64 - shift) != 0)
            to[1] |= hits[i] >> (64 - shift);
    }
}

/* The first hit from `seqno` on; 0 when there is none. */
static uint32_t next_hit(const struct search_state *state, uint32_t seqno)
{
    for (uint32_t bit = seqno - 1; bit < state->last; bit = (bit / 64 + 1) * 64) {
        uint64_t word = state->hits[bit / 64] >> bit % 64;

        if (word != 0)
            return bit + (uint32_t)__builtin_ctzll(word) + 1;
    }
    return 0;
}

/* The number by which the answer names a message. */
static uint32_t number_of(const struct imap_session *session, const struct imap_run *run,
                          uint32_t seqno)
{
    return run->command.uid ? view_uid(session->selected->view, (struct seqno){ seqno }).value
                            : seqno;
}

/* MIN or MAX without ALL or COUNT save only what they name (RFC 9051 section 6.4.4.1). */
static bool is_saved(const struct search_state *state, uint32_t returns, uint32_t seqno)
{
    if ((returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) != 0 ||
        (returns & (IMAP_RETURN_MIN | IMAP_RETURN_MAX)) == 0)
        return true;
    return ((returns & IMAP_RETURN_MIN) != 0 && seqno == state->first) ||
           ((returns & IMAP_RETURN_MAX) != 0 && seqno == state->last);
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
        state->next.value = next_hit(state, state->next.value + 1);
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

    if (!args->has_modseq || state->count == 0)
        return 0;
    if ((returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) != 0)
        return state->modseq;
    if ((returns & IMAP_RETURN_MIN) != 0) {
        view_row(session->selected->view, (struct seqno){ state->first }, &row);
        highest = row.modseq.value;
    }
    if ((returns & IMAP_RETURN_MAX) != 0) {
        view_row(session->selected->view, (struct seqno){ state->last }, &row);
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
        .count = state->count,
        .modseq = modseq_of(session, run, state, returns),
    };

    if (state->count > 0) {
        result.min = number_of(session, run, state->first);
        result.max = number_of(session, run, state->last);
    }
    imap_esearch_print(session->out, &result);
    buf_truncate(session->out, session->out->len - 2);
    if (state->count > 0 && (returns & IMAP_RETURN_ALL) != 0)
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
    state->next.value = next_hit(state, 1);
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
    state->next.value = next_hit(state, 1);
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
    else if (args->has_modseq && state->count > 0)
        buf_add_format(session->out, " (MODSEQ %llu)", (unsigned long long)state->modseq);
    if (!esearch || returns_of(args) != IMAP_RETURN_SAVE)
        buf_add(session->out, BYTES("\r\n"));
    if (state->unread)
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
        uint32_t number = number_of(session, run, state->next.value);

        if (i == HITS_STEP || imap_output_is_full(session))
            return IMAP_AGAIN;
        if (esearch) {
            imap_seqset_printer_add(&state->printer, number);
        } else {
            buf_add_byte(session->out, ' ');
            buf_add_number(session->out, number);
        }
        state->next.value = next_hit(state, state->next.value + 1);
    }
    return end_print(session, run, state);
}

/* The lowest message of the block that its row alone could not tell of; 0: there is none. */
static uint32_t next_open(const struct search_state *state)
{
    for (uint32_t i = state->open_word; i < SEARCH_ROWS_WORDS; i++)
        if (state->open[i] != 0)
            return state->base + 64 * i + (uint32_t)__builtin_ctzll(state->open[i]) + 1;
    return 0;
}

/* MIN alone is known at the first hit, when nothing before it is open. */
static bool is_settled(const struct search_state *state, const struct imap_search_args *args)
{
    uint32_t open;

    if (state->count == 0 || !args->has_return ||
        (args->returns & ~(uint32_t)IMAP_RETURN_SAVE) != IMAP_RETURN_MIN)
        return false;
    open = next_open(state);
    return open == 0 || open > state->first;
}

static void note_modseq(struct search_state *state, const struct search_rows *rows, uint32_t row)
{
    uint64_t modseq = block_get(rows->run.block, COLUMN_MODSEQ, rows->run.at + row);

    if (modseq > state->modseq)
        state->modseq = modseq;
}

static void note_modseqs(struct search_state *state, const struct search_rows *rows,
                         const uint64_t *hits)
{
    for (uint32_t row = 0; row < search_rows_count(rows); row++)
        if ((hits[row / 64] >> row % 64 & 1) != 0)
            note_modseq(state, rows, row);
}

/* The next rows of a block, as far as they can tell by themselves; the rest becomes open. At most
 * *left of them, of which as many less are left then. */
static void match_rows(struct imap_session *session, const struct imap_search_args *args,
                       struct search_state *state, uint32_t *left)
{
    struct search_rows rows = { view_run(session->selected->view, state->next), state->next };
    struct search_verdict verdict;
    uint32_t count;
    uint32_t words;

    if (search_rows_count(&rows) > *left)
        rows.run.end = rows.run.at + *left;
    count = search_rows_count(&rows);
    words = (count + 63) / 64;
    *left -= count;
    search_rows_judge(state->match.program, &rows, &verdict);
    state->base = state->next.value - 1;
    state->open_word = 0;
    for (uint32_t i = 0; i < words; i++)
        state->open[i] = ~(verdict.yes[i] | verdict.no[i]);
    if (count % 64 != 0)
        state->open[words - 1] &= UINT64_MAX >> (64 - count % 64);
    add_hits(state, state->base, verdict.yes, words);
    if (args->has_modseq)
        note_modseqs(state, &rows, verdict.yes);
    state->next.value += count;
}

/* An open message. */
static enum err match_message(struct imap_session *session, struct search_state *state,
                              struct seqno seqno)
{
    const struct search_rows row = { view_run(session->selected->view, seqno), seqno };
    uint32_t at = seqno.value - 1 - state->base;
    bool matches = false;
    enum err err = search_match_message(&state->match, seqno, &matches);

    if (err == ERR_BUSY || err == ERR_LIMIT)
        return err;
    state->unread |= err != ERR_OK && err != ERR_NOT_FOUND;
    if (err == ERR_OK && matches) {
        note_hit(state, seqno.value - 1);
        note_modseq(state, &row, 0);
    }
    state->open_word = at / 64;
    state->open[at / 64] &= ~(UINT64_C(1) << at % 64);
    return ERR_OK;
}

static enum imap_progress match(struct imap_session *session, struct imap_run *run,
                                struct search_state *state)
{
    uint32_t cost = state->match.program->row_cost;
    uint32_t rows = cost < ROWS_COST_STEP / ROWS_STEP_MIN ? ROWS_COST_STEP / cost : ROWS_STEP_MIN;
    int messages = IMAP_MESSAGES_STEP;

    search_match_begin_step(&state->match);
    while (!is_settled(state, run->args)) {
        struct seqno open = { next_open(state) };
        enum err err = ERR_OK;

        if (open.value != 0 && messages-- > 0)
            err = match_message(session, state, open);
        else if (open.value == 0 && state->next.value > view_count(session->selected->view))
            break;
        else if (open.value == 0 && rows > 0)
            match_rows(session, run->args, state, &rows);
        else
            return IMAP_AGAIN;
        if (err == ERR_BUSY)
            return IMAP_BLOCKED;
        if (err == ERR_LIMIT)
            return IMAP_AGAIN;
    }
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
