/* SORT and UID SORT (RFC 5256 section 3; RFC 5267 section 3; RFC 5957; RFC 7162 section 3.1.9): the
 * hits are found, what they are compared by is collected, they are put in order, and told. */
#include "imap/wire/sort.h"

#include <assert.h>

#include "imap/cmd/runners.h"
#include "imap/searching.h"
#include "imap/selected.h"
#include "imap/telling.h"
#include "search/sort.h"
#include "search/values.h"
#include "store/account.h"
#include "store/block.h"
#include "store/view.h"

enum {
    COLLECT_STEP = 16 * 1024, /* messages of which numbers are collected; and ... */
    TEXT_COST = 16, /* ... for each text of one as many more */
};

enum sort_phase {
    SORT_FIND,
    SORT_COLLECT,
    SORT_ORDER,
    SORT_TELL,
};

struct sort_state {
    enum sort_phase phase;
    struct imap_searching found;
    struct search_values values;
    struct search_sort *sort; /* NULL: nothing needs an order */
    uint32_t message_cost; /* in COLLECT_STEP */
    uint32_t next; /* to be collected; 0: no more */
    struct imap_telling telling;
};

/* Where what a criterion compares is found; RFC 5256 s3, RFC 5957 s4. */
static const struct {
    bool is_text;
    bool is_value; /* else it is of the row */
    enum search_value value;
} keys[IMAP_SORT_KEYS] = {
    [IMAP_SORT_ARRIVAL] = { false, false, 0 },
    [IMAP_SORT_CC] = { true, true, SEARCH_VALUE_CC },
    [IMAP_SORT_DATE] = { false, true, SEARCH_VALUE_SENT },
    [IMAP_SORT_DISPLAYFROM] = { true, true, SEARCH_VALUE_DISPLAY_FROM },
    [IMAP_SORT_DISPLAYTO] = { true, true, SEARCH_VALUE_DISPLAY_TO },
    [IMAP_SORT_FROM] = { true, true, SEARCH_VALUE_FROM },
    [IMAP_SORT_SIZE] = { false, false, 0 },
    [IMAP_SORT_SUBJECT] = { true, true, SEARCH_VALUE_SUBJECT },
    [IMAP_SORT_TO] = { true, true, SEARCH_VALUE_TO },
};

static_assert((int)IMAP_SORT_KEYS <= (int)SEARCH_CRITERIA_MAX, "each key once");

static void release_sort(struct imap_run *run)
{
    struct sort_state *state = run->state;

    imap_searching_done(&state->found);
    search_values_done(&state->values);
    search_sort_free(state->sort);
}

static enum imap_progress begin(struct imap_session *session, struct imap_run *run)
{
    const struct imap_sort_args *args = run->args;
    struct sort_state *state = imap_state_new(run, sizeof(*state));

    if (state == NULL)
        return imap_searching_fail(session, run, &args->search, ERR_LIMIT);
    run->release = release_sort;
    return imap_searching_begin(session, run, &args->search, &state->found);
}

static enum imap_progress refuse(struct imap_session *session, struct imap_run *run)
{
    const struct imap_sort_args *args = run->args;

    return imap_searching_refuse(session, run, &args->search, "Too much to be sorted at once");
}

/* COUNT and SAVE are the same in any order. */
static bool needs_order(const struct imap_sort_args *args)
{
    const uint32_t ordered = IMAP_RETURN_ALL | IMAP_RETURN_MIN | IMAP_RETURN_MAX;

    return !args->search.has_return || (args->search.returns & ordered) != 0;
}

static void begin_telling(const struct imap_run *run, struct sort_state *state)
{
    const struct imap_sort_args *args = run->args;

    state->phase = SORT_TELL;
    state->telling = (struct imap_telling){
        .found = &state->found,
        .order = state->sort == NULL ? NULL : search_sort_order(state->sort),
        .extended = args->search.has_return,
        .untagged = BYTES("* SORT"),
        .done = "SORT done",
        .done_in_part = "SORT done, but some messages are damaged",
    };
}

/* All hits are known. */
static enum imap_progress begin_collect(struct imap_session *session, struct imap_run *run,
                                        struct sort_state *state)
{
    const struct imap_sort_args *args = run->args;
    struct account_id id = account_id(session->selected->handle.account);
    struct search_criterion criteria[IMAP_SORT_KEYS];

    if (!needs_order(args) || state->found.count < 2) {
        begin_telling(run, state);
        return IMAP_AGAIN;
    }
    state->message_cost = 1;
    for (uint32_t i = 0; i < args->count; i++) {
        enum imap_sort_key key = args->criteria[i].key;

        criteria[i] = (struct search_criterion){ keys[key].is_text, args->criteria[i].reverse };
        state->message_cost += keys[key].is_text ? TEXT_COST : 0;
        if (keys[key].is_value)
            state->values.wanted |= UINT32_C(1) << keys[key].value;
    }
    if (search_sort_new(criteria, args->count, state->found.count, &id, &state->sort) != ERR_OK)
        return refuse(session, run);
    imap_searching_values_init(session, &state->values);
    state->next = state->found.first;
    state->phase = SORT_COLLECT;
    return IMAP_AGAIN;
}

static int64_t number_of(enum imap_sort_key key, const struct view_run *row, struct bytes sent)
{
    int64_t came;

    if (key == IMAP_SORT_SIZE)
        return (int64_t)block_get(row->block, COLUMN_SIZE, row->at);
    came = (int64_t)block_get(row->block, COLUMN_INTERNAL_SECONDS, row->at);
    return key == IMAP_SORT_DATE ? search_value_sent(sent, came) : came;
}

static struct bytes text_of(enum imap_sort_key key, const struct bytes values[SEARCH_VALUES])
{
    struct bytes value = values[keys[key].value];

    return key == IMAP_SORT_SUBJECT ? search_value_subject(value) : value;
}

/* The message of the row at row->at. ERR_BUSY, ERR_LIMIT: of its values. */
static enum err collect_message(const struct imap_sort_args *args, struct sort_state *state,
                                const struct view_run *row, bool *out_fits)
{
    struct bytes values[SEARCH_VALUES] = { 0 };
    struct search_sort_value by[IMAP_SORT_KEYS];
    enum err err = ERR_OK;

    if (state->values.wanted != 0)
        err = imap_searching_values_get(&state->found, &state->values, row, values);
    if (err != ERR_OK)
        return err;
    for (uint32_t i = 0; i < args->count; i++) {
        enum imap_sort_key key = args->criteria[i].key;

        if (keys[key].is_text)
            by[i].text = text_of(key, values);
        else
            by[i].number = number_of(key, row, values[SEARCH_VALUE_SENT]);
    }
    *out_fits = search_sort_add(state->sort, (struct seqno){ state->next }, by) == ERR_OK;
    return ERR_OK;
}

/* The hits among the rows of one block, as long as the step lasts. */
static enum err collect_run(struct imap_session *session, struct imap_run *run,
                            struct sort_state *state, uint32_t *left, bool *out_fits)
{
    struct view_run row = view_run(session->selected->view, (struct seqno){ state->next });
    uint32_t first = state->next - row.at; /* the message of a row at 0 */
    enum err err = ERR_OK;

    while (err == ERR_OK && *out_fits && state->next != 0 && state->next - first < row.end) {
        if (*left < state->message_cost)
            return ERR_LIMIT;
        row.at = state->next - first;
        err = collect_message(run->args, state, &row, out_fits);
        if (err != ERR_OK)
            break;
        *left -= state->message_cost;
        state->next = imap_searching_next(&state->found, state->next + 1);
    }
    return err;
}

static enum imap_progress collect(struct imap_session *session, struct imap_run *run,
                                  struct sort_state *state)
{
    uint32_t left = COLLECT_STEP;
    bool fits = true;

    search_values_begin_step(&state->values);
    while (state->next != 0) {
        enum err err = collect_run(session, run, state, &left, &fits);

        if (!fits)
            return refuse(session, run);
        if (err != ERR_OK)
            return imap_searching_progress(err);
    }
    state->phase = SORT_ORDER;
    return IMAP_AGAIN;
}

/* The phase at hand; IMAP_AGAIN also when it is over. */
static enum imap_progress step(struct imap_session *session, struct imap_run *run,
                               struct sort_state *state)
{
    enum err err;

    switch (state->phase) {
    case SORT_FIND:
        err = imap_searching_step(session, &state->found);
        if (err != ERR_OK)
            return imap_searching_progress(err);
        return begin_collect(session, run, state);
    case SORT_COLLECT: return collect(session, run, state);
    case SORT_ORDER:
        if (search_sort_step(state->sort))
            begin_telling(run, state);
        return IMAP_AGAIN;
    case SORT_TELL: break;
    }
    return imap_telling_step(session, run, &state->telling);
}

enum imap_progress imap_sort_run(struct imap_session *session, struct imap_run *run)
{
    enum imap_progress progress = run->state == NULL ? begin(session, run) : IMAP_AGAIN;
    struct sort_state *state = run->state;
    enum sort_phase before;

    if (progress == IMAP_ENDED)
        return progress;
    do {
        before = state->phase;
        progress = step(session, run, state);
    } while (progress == IMAP_AGAIN && state->phase != before);
    return progress;
}
