/* Rows are asked a block at a time; what they leave open is asked message by message. */
#include "imap/searching.h"

#include "imap/modseq.h"
#include "imap/selected.h"
#include "message/charset.h"
#include "store/account.h"
#include "store/block.h"
#include "store/view.h"

enum {
    ROWS_COST_STEP = 512 * 1024, /* keys about the row that are asked of rows, in one step */
    ROWS_STEP_MIN = 64, /* rows, however many keys there are */
};

void imap_searching_values_init(const struct imap_session *session, struct search_values *values)
{
    struct account *account = session->selected->handle.account;

    values->texts = session->texts;
    values->account = account_id(account);
    values->source.account = account;
    values->source.waker = session->waker;
}

/* Who is gone by now is not damaged. */
static void note_unread(struct imap_searching *searching, enum err err)
{
    searching->unread |= err != ERR_OK && err != ERR_NOT_FOUND;
}

enum err imap_searching_values_get(struct imap_searching *searching, struct search_values *values,
                                   const struct view_run *row,
                                   struct bytes out_values[SEARCH_VALUES])
{
    struct body_id body = { block_get(row->block, COLUMN_BODY, row->at) };
    enum err err = search_values_get(values, body, out_values);

    if (err == ERR_BUSY || err == ERR_LIMIT)
        return err;
    note_unread(searching, err);
    return ERR_OK;
}

void imap_searching_done(struct imap_searching *searching)
{
    search_match_done(&searching->match);
}

/* RFC 9051 section 6.4.4.1: a SEARCH with SAVE that is answered NO empties the saved result. RFC
 * 5182 s2. */
static void empty_saved(struct imap_session *session, const struct imap_search_args *args)
{
    if ((args->returns & IMAP_RETURN_SAVE) != 0)
        (void)imap_selected_save(session->selected, (struct uid_set){ 0 });
}

enum imap_progress imap_searching_refuse(struct imap_session *session, struct imap_run *run,
                                         const struct imap_search_args *args, const char *text)
{
    empty_saved(session, args);
    return imap_answer(run, IMAP_NO, "LIMIT", text);
}

/* RFC 9051 s6.4.4 */
enum imap_progress imap_searching_fail(struct imap_session *session, struct imap_run *run,
                                       const struct imap_search_args *args, enum err err)
{
    empty_saved(session, args);
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
                        struct imap_searching *searching)
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
    enum err err = search_compile(searching->args, &context, &run->arena, &program);

    if (err != ERR_OK)
        return err;
    searching->match.program = program;
    searching->match.source.account = selected->handle.account;
    searching->match.source.waker = session->waker;
    return ERR_OK;
}

enum imap_progress imap_searching_begin(struct imap_session *session, struct imap_run *run,
                                        const struct imap_search_args *args,
                                        struct imap_searching *searching)
{
    enum err err;

    searching->args = args;
    searching->next.value = 1;
    if (args->has_modseq)
        imap_modseq_enable(session);
    run->keeps_seqnos = args->has_seqnos;
    searching->bits =
        ARENA_NEW_ARRAY(&run->arena, uint64_t, view_count(session->selected->view) / 64 + 1);
    if (searching->bits == NULL)
        return imap_searching_fail(session, run, args, ERR_LIMIT);
    err = compile(session, run, searching);
    return err == ERR_OK ? IMAP_AGAIN : imap_searching_fail(session, run, args, err);
}

/* The message at that bit. */
static void note_hit(struct imap_searching *searching, uint32_t bit)
{
    searching->bits[bit / 64] |= UINT64_C(1) << bit % 64;
    searching->count++;
    if (searching->first == 0 || bit + 1 < searching->first)
        searching->first = bit + 1;
    if (bit + 1 > searching->last)
        searching->last = bit + 1;
}

/* Hits of a block: row i of it is the message at bit `base` + i. */
static void add_hits(struct imap_searching *searching, uint32_t base, const uint64_t *hits,
                     uint32_t words)
{
    unsigned shift = base % 64;

    for (uint32_t i = 0; i < words; i++) {
        uint64_t *to = &searching->bits[base / 64 + i];
        uint32_t bit = base + 64 * i;

        if (hits[i] == 0)
            continue;
        if (searching->first == 0)
            searching->first = bit + (uint32_t)__builtin_ctzll(hits[i]) + 1;
        searching->last = bit + 64 - (uint32_t)__builtin_clzll(hits[i]);
        searching->count += (uint32_t)__builtin_popcountll(hits[i]);
        to[0] |= hits[i] << shift;
        if (shift > 0 && hits[i] >> (64 - shift) != 0)
            to[1] |= hits[i] >> (64 - shift);
    }
}

uint32_t imap_searching_next(const struct imap_searching *searching, uint32_t seqno)
{
    for (uint32_t bit = seqno - 1; bit < searching->last; bit = (bit / 64 + 1) * 64) {
        uint64_t word = searching->bits[bit / 64] >> bit % 64;

        if (word != 0)
            return bit + (uint32_t)__builtin_ctzll(word) + 1;
    }
    return 0;
}

uint32_t imap_searching_number(const struct imap_session *session, const struct imap_run *run,
                               uint32_t seqno)
{
    return run->command.uid ? view_uid(session->selected->view, (struct seqno){ seqno }).value
                            : seqno;
}

/* The lowest message of the block that its row alone could not tell of; 0: there is none. */
static uint32_t next_open(const struct imap_searching *searching)
{
    for (uint32_t i = searching->open_word; i < SEARCH_ROWS_WORDS; i++)
        if (searching->open[i] != 0)
            return searching->base + 64 * i + (uint32_t)__builtin_ctzll(searching->open[i]) + 1;
    return 0;
}

/* The lowest hit is known at the first one, when nothing before it is open. */
static bool is_settled(const struct imap_searching *searching)
{
    uint32_t open;

    if (searching->count == 0 || !searching->only_first)
        return false;
    open = next_open(searching);
    return open == 0 || open > searching->first;
}

static void note_modseq(struct imap_searching *searching, const struct search_rows *rows,
                        uint32_t row)
{
    uint64_t modseq = block_get(rows->run.block, COLUMN_MODSEQ, rows->run.at + row);

    if (modseq > searching->modseq)
        searching->modseq = modseq;
}

static void note_modseqs(struct imap_searching *searching, const struct search_rows *rows,
                         const uint64_t *hits)
{
    for (uint32_t row = 0; row < search_rows_count(rows); row++)
        if ((hits[row / 64] >> row % 64 & 1) != 0)
            note_modseq(searching, rows, row);
}

/* The next rows of a block, as far as they can tell by themselves; the rest becomes open. At most
 * *left of them, of which as many less are left then. */
static void match_rows(struct imap_session *session, struct imap_searching *searching,
                       uint32_t *left)
{
    struct search_rows rows = { view_run(session->selected->view, searching->next),
                                searching->next };
    struct search_verdict verdict;
    uint32_t count;
    uint32_t words;

    if (search_rows_count(&rows) > *left)
        rows.run.end = rows.run.at + *left;
    count = search_rows_count(&rows);
    words = (count + 63) / 64;
    *left -= count;
    search_rows_judge(searching->match.program, &rows, &verdict);
    searching->base = searching->next.value - 1;
    searching->open_word = 0;
    for (uint32_t i = 0; i < words; i++)
        searching->open[i] = ~(verdict.yes[i] | verdict.no[i]);
    if (count % 64 != 0)
        searching->open[words - 1] &= UINT64_MAX >> (64 - count % 64);
    add_hits(searching, searching->base, verdict.yes, words);
    if (searching->args->has_modseq)
        note_modseqs(searching, &rows, verdict.yes);
    searching->next.value += count;
}

/* An open message. */
static enum err match_message(struct imap_session *session, struct imap_searching *searching,
                              struct seqno seqno)
{
    uint32_t at = seqno.value - 1 - searching->base;
    bool matches = false;
    enum err err = search_match_message(&searching->match, seqno, &matches);

    if (err == ERR_BUSY || err == ERR_LIMIT)
        return err;
    note_unread(searching, err);
    if (err == ERR_OK && matches) {
        note_hit(searching, seqno.value - 1);
        if (searching->args->has_modseq) {
            const struct search_rows row = { view_run(session->selected->view, seqno), seqno };

            note_modseq(searching, &row, 0);
        }
    }
    searching->open_word = at / 64;
    searching->open[at / 64] &= ~(UINT64_C(1) << at % 64);
    return ERR_OK;
}

enum err imap_searching_step(struct imap_session *session, struct imap_searching *searching)
{
    uint32_t cost = searching->match.program->row_cost;
    uint32_t rows = cost < ROWS_COST_STEP / ROWS_STEP_MIN ? ROWS_COST_STEP / cost : ROWS_STEP_MIN;
    int messages = IMAP_MESSAGES_STEP;
    enum err err = ERR_OK;

    search_match_begin_step(&searching->match);
    while (err == ERR_OK && !is_settled(searching)) {
        struct seqno open = { next_open(searching) };

        if (open.value != 0 && messages-- > 0)
            err = match_message(session, searching, open);
        else if (open.value == 0 && searching->next.value > view_count(session->selected->view))
            break;
        else if (open.value == 0 && rows > 0)
            match_rows(session, searching, &rows);
        else
            err = ERR_LIMIT;
    }
    return err;
}
