/* THREAD and UID THREAD (RFC 5256 section 3): the hits are found, what relates them is collected,
 * they are put into threads, and told. A program with MODSEQ changes nothing in that (RFC 7162
 * section 3.1.9). */
#include "imap/wire/thread.h"

#include <assert.h>
#include <string.h>

#include "imap/cmd/runners.h"
#include "imap/searching.h"
#include "imap/selected.h"
#include "message/summary.h"
#include "search/thread.h"
#include "search/values.h"
#include "store/block.h"
#include "store/step_charge.h"
#include "store/view.h"

enum {
    MESSAGE_WORK = 8, /* to collect one, in SEARCH_THREAD_WORK_STEP */
    PRINT_WORK = 1000, /* between two looks at the output */
    IDS_BYTES_MAX = 8 * (1 + SUMMARY_REFERENCES_MAX),
};

enum thread_phase {
    THREAD_FIND,
    THREAD_COLLECT,
    THREAD_BUILD,
    THREAD_TELL,
    THREAD_RELEASE,
};

struct thread_state {
    enum thread_phase phase;
    struct imap_searching found;
    struct search_values values;
    struct search_thread *thread; /* NULL while hits are looked for */
    uint32_t next; /* to be collected; 0: no more */
    bool has_hit; /* there is room for that one, and it may have been added in part */
    struct search_thread_hit hit;
    uint8_t ids[IDS_BYTES_MAX]; /* of `hit`: values do not outlive a step */
};

static void release_thread(struct imap_run *run)
{
    struct thread_state *state = run->state;

    imap_searching_done(&state->found);
    search_values_done(&state->values);
    search_thread_free(state->thread);
}

static enum imap_progress begin(struct imap_session *session, struct imap_run *run)
{
    const struct imap_thread_args *args = run->args;
    struct thread_state *state = imap_state_new(run, sizeof(*state));

    if (state == NULL)
        return imap_searching_fail(session, run, &args->search, ERR_LIMIT);
    run->release = release_thread;
    return imap_searching_begin(session, run, &args->search, &state->found);
}

/* All hits are known. */
static enum imap_progress begin_collect(struct imap_session *session, const struct imap_run *run,
                                        struct thread_state *state)
{
    static const enum search_thread_algorithm algorithms[] = {
        [IMAP_THREAD_ORDEREDSUBJECT] = SEARCH_THREAD_ORDEREDSUBJECT,
        [IMAP_THREAD_REFERENCES] = SEARCH_THREAD_REFERENCES,
    };
    const struct imap_thread_args *args = run->args;

    state->thread =
        search_thread_new(algorithms[args->algorithm], state->found.count, SEARCH_THREAD_NODES_MAX);
    state->values.wanted = 1 << SEARCH_VALUE_SENT | 1 << SEARCH_VALUE_SUBJECT;
    if (args->algorithm == IMAP_THREAD_REFERENCES)
        state->values.wanted |= 1 << SEARCH_VALUE_IDS;
    imap_searching_values_init(session, &state->values);
    state->next = state->found.first;
    state->phase = THREAD_COLLECT;
    return IMAP_AGAIN;
}

/* The next hit, which is in the row at row->at. ERR_BUSY and ERR_LIMIT are of its values. */
static enum err collect_hit(struct imap_session *session, const struct imap_run *run,
                            struct thread_state *state, const struct view_run *row)
{
    int64_t came = (int64_t)block_get(row->block, COLUMN_INTERNAL_SECONDS, row->at);
    struct bytes values[SEARCH_VALUES];
    enum err err = imap_searching_values_get(&state->found, &state->values, row, values);
    struct bytes subject;
    struct bytes ids;

    if (err != ERR_OK)
        return err;
    subject = search_value_subject(values[SEARCH_VALUE_SUBJECT]);
    ids = values[SEARCH_VALUE_IDS];
    assert(ids.len <= sizeof(state->ids));
    if (ids.len > 0)
        memcpy(state->ids, ids.at, ids.len);
    state->hit = (struct search_thread_hit){
        .number = imap_searching_number(session, run, state->next),
        .sent_seconds = search_value_sent(values[SEARCH_VALUE_SENT], came),
        .subject = subject.len == 0 ? 0 : search_values_hash(&state->values, subject),
        .is_reply = search_value_is_reply(values[SEARCH_VALUE_SUBJECT]),
        .ids = bytes_make(state->ids, ids.len),
    };
    return ERR_OK;
}

/* The hits among the rows of one block. IMAP_AGAIN: the step is over and no work left, or the block
 * is. IMAP_BLOCKED: waits for the disk. IMAP_ENDED: they are too many, and that was answered. */
static enum imap_progress collect_run(struct imap_session *session, struct imap_run *run,
                                      struct thread_state *state, unsigned *work)
{
    struct view_run row = view_run(session->selected->view, (struct seqno){ state->next });
    uint32_t first = state->next - row.at; /* the message of a row at 0 */

    while (state->next != 0 && state->next - first < row.end) {
        row.at = state->next - first;
        if (!state->has_hit) {
            enum err err = collect_hit(session, run, state, &row);

            if (err == ERR_LIMIT)
                *work = 0;
            if (err != ERR_OK)
                return imap_searching_progress(err);
            if (!search_thread_has_room(state->thread, state->hit.ids))
                return imap_answer_limit(run, SEARCH_THREAD_NODES_MAX,
                                         "messages in threads, with those that they answer");
            state->has_hit = true;
            step_charge(work, MESSAGE_WORK);
        }
        if (!search_thread_add(state->thread, &state->hit, work))
            return IMAP_AGAIN;
        state->has_hit = false;
        state->next = imap_searching_next(&state->found, state->next + 1);
    }
    return IMAP_AGAIN;
}

static enum imap_progress collect(struct imap_session *session, struct imap_run *run,
                                  struct thread_state *state, unsigned *work)
{
    search_values_begin_step(&state->values);
    while (state->next != 0) {
        enum imap_progress progress = collect_run(session, run, state, work);

        if (progress != IMAP_AGAIN || *work == 0)
            return progress;
    }
    state->phase = THREAD_BUILD;
    return IMAP_AGAIN;
}

static enum imap_progress build(struct imap_session *session, struct thread_state *state,
                                unsigned *work)
{
    if (!search_thread_build(state->thread, work))
        return IMAP_AGAIN;
    buf_add(session->out, BYTES("* THREAD"));
    if (state->found.count > 0)
        buf_add_byte(session->out, ' ');
    session->line_open = true;
    state->phase = THREAD_TELL;
    return IMAP_AGAIN;
}

/* RFC 5256 s4 */
static enum imap_progress tell(struct imap_session *session, struct thread_state *state,
                               unsigned *work)
{
    while (*work > 0 && !imap_output_is_full(session)) {
        unsigned given = *work < PRINT_WORK ? *work : PRINT_WORK;
        unsigned left = given;
        bool is_told = search_thread_print(state->thread, session->out, &left);

        *work -= given - left;
        if (is_told) {
            buf_add(session->out, BYTES("\r\n"));
            session->line_open = false;
            state->phase = THREAD_RELEASE;
            return IMAP_AGAIN;
        }
    }
    return IMAP_AGAIN;
}

static enum imap_progress end(struct imap_run *run, struct thread_state *state, unsigned *work)
{
    if (!search_thread_release(state->thread, work))
        return IMAP_AGAIN;
    return imap_answer(run, IMAP_OK, NULL,
                       state->found.unread ? "THREAD done, but some messages are damaged"
                                           : "THREAD done");
}

/* The phase at hand; IMAP_AGAIN also when it is over. */
static enum imap_progress step(struct imap_session *session, struct imap_run *run,
                               struct thread_state *state, unsigned *work)
{
    enum err err;

    switch (state->phase) {
    case THREAD_FIND:
        err = imap_searching_step(session, &state->found);
        if (err != ERR_OK)
            return imap_searching_progress(err);
        return begin_collect(session, run, state);
    case THREAD_COLLECT: return collect(session, run, state, work);
    case THREAD_BUILD: return build(session, state, work);
    case THREAD_TELL: return tell(session, state, work);
    case THREAD_RELEASE: break;
    }
    return end(run, state, work);
}

enum imap_progress imap_thread_run(struct imap_session *session, struct imap_run *run)
{
    enum imap_progress progress = run->state == NULL ? begin(session, run) : IMAP_AGAIN;
    struct thread_state *state = run->state;
    unsigned work = SEARCH_THREAD_WORK_STEP;
    enum thread_phase before;

    if (progress == IMAP_ENDED)
        return progress;
    do {
        before = state->phase;
        progress = step(session, run, state, &work);
    } while (progress == IMAP_AGAIN && state->phase != before && work > 0);
    return progress;
}
