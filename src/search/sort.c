/* A radix sort, least digit first, over words that hold a key and the number of a message. */
#include "search/sort.h"

#include <assert.h>
#include <string.h>

#include "search/collation.h"
#include "store/alloc.h"

enum {
    WORD_BITS = 64,
    DIGIT_BITS = 11,
    DIGIT_VALUES = 1 << DIGIT_BITS,
    DIGITS_MAX = (WORD_BITS + DIGIT_BITS - 1) / DIGIT_BITS,
    HALF_BITS = 32, /* of a key that has no room beside the number */
    MOVES_STEP = 64 * 1024,
    FREED_PER_MOVE = 8, /* messages whose memory is given back in the time of a move */
};

enum phase {
    PHASE_ADD,
    PHASE_COLLATE, /* the texts of a column */
    PHASE_RANK, /* its numbers of texts become their ranks */
    PHASE_FORGET, /* the texts */
    PHASE_LOAD, /* the keys of a column, beside the messages as they stand */
    PHASE_MOVE, /* by one digit */
    PHASE_TELL, /* sequence numbers, as they stand */
    PHASE_DROP, /* all but those */
    PHASE_DONE,
};

struct column_of {
    struct search_criterion criterion;
    struct search_collation *texts; /* NULL: of numbers, or no longer needed */
    uint64_t *keys; /* by message, as they were added */
    uint64_t least;
    uint64_t greatest;
};

struct search_sort {
    uint32_t messages;
    uint32_t added;
    uint32_t column_count;
    unsigned number_bits; /* of a message's number */
    uint32_t *seqnos; /* by message */
    uint32_t *order;
    uint64_t *words; /* the key above, the message's number below */
    uint64_t *spare;
    size_t fixed_bytes;

    enum phase phase;
    bool has_words; /* an earlier round has put the messages in some order */
    uint32_t column; /* at hand */
    unsigned shift; /* of its keys, in this round */
    unsigned bits;
    unsigned digit;
    uint32_t at; /* message, or word */
    uint32_t counts[DIGITS_MAX][DIGIT_VALUES]; /* of each digit, then where the next one goes */
    struct column_of columns[SEARCH_CRITERIA_MAX];
};

static unsigned bits_of(uint64_t number)
{
    return number == 0 ? 0 : WORD_BITS - (unsigned)__builtin_clzll(number);
}

enum err search_sort_new(const struct search_criterion *criteria, uint32_t count, uint32_t messages,
                         const struct account_id *account, struct search_sort **out_sort)
{
    uint64_t bytes = sizeof(struct search_sort) +
                     (uint64_t)messages * ((2 + count) * sizeof(uint64_t) + 2 * sizeof(uint32_t));
    struct search_sort *sort;

    assert(count >= 1 && count <= SEARCH_CRITERIA_MAX);
    if (bytes > SEARCH_SORT_BYTES_MAX)
        return ERR_LIMIT;
    sort = store_alloc(1, sizeof(*sort));
    sort->messages = messages;
    sort->column_count = count;
    sort->fixed_bytes = (size_t)bytes;
    sort->number_bits = bits_of(messages == 0 ? 0 : messages - 1);
    sort->seqnos = store_realloc(NULL, messages, sizeof(*sort->seqnos));
    for (uint32_t i = 0; i < count; i++) {
        struct column_of *column = &sort->columns[i];

        column->criterion = criteria[i];
        column->least = UINT64_MAX;
        column->keys = store_realloc(NULL, messages, sizeof(*column->keys));
        if (criteria[i].is_text)
            column->texts = search_collation_new(messages, account);
    }
    *out_sort = sort;
    if (search_sort_bytes(sort) <= SEARCH_SORT_BYTES_MAX)
        return ERR_OK;
    *out_sort = NULL;
    search_sort_free(sort);
    return ERR_LIMIT;
}

/* Gives back one of the arrays that are not needed once the order is known; false: there is none
 * left. To give back megabytes takes its time. */
static bool drop_one(struct search_sort *sort)
{
    for (uint32_t i = 0; i < sort->column_count; i++)
        if (store_free_one((void **)&sort->columns[i].keys))
            return true;
    return store_free_one((void **)&sort->seqnos) || store_free_one((void **)&sort->words) ||
           store_free_one((void **)&sort->spare);
}

void search_sort_free(struct search_sort *sort)
{
    if (sort == NULL)
        return;
    for (uint32_t i = 0; i < sort->column_count; i++)
        search_collation_free(sort->columns[i].texts);
    while (drop_one(sort))
        continue;
    free(sort->order);
    free(sort);
}

size_t search_sort_bytes(const struct search_sort *sort)
{
    size_t bytes = sort->fixed_bytes;

    if (sort->phase == PHASE_DONE)
        return sizeof(*sort) + sort->messages * sizeof(*sort->order);
    for (uint32_t i = 0; i < sort->column_count; i++)
        if (sort->columns[i].texts != NULL)
            bytes += search_collation_bytes(sort->columns[i].texts);
    return bytes;
}

/* The key of a number, so that keys are in the order that is asked for. */
static uint64_t key_of(const struct column_of *column, int64_t number)
{
    uint64_t key = (uint64_t)number ^ UINT64_C(1) << 63;

    return column->criterion.reverse ? ~key : key;
}

static void set_key(struct column_of *column, uint32_t message, uint64_t key)
{
    column->keys[message] = key;
    column->least = key < column->least ? key : column->least;
    column->greatest = key > column->greatest ? key : column->greatest;
}

enum err search_sort_add(struct search_sort *sort, struct seqno message,
                         const struct search_sort_value *values)
{
    bool has_texts = false;

    assert(sort->added < sort->messages);
    for (uint32_t i = 0; i < sort->column_count; i++) {
        struct column_of *column = &sort->columns[i];

        has_texts |= column->texts != NULL;
        if (column->texts != NULL)
            column->keys[sort->added] = search_collation_add(column->texts, values[i].text);
        else
            set_key(column, sort->added, key_of(column, values[i].number));
    }
    sort->seqnos[sort->added++] = message.value;
    return has_texts && search_sort_bytes(sort) > SEARCH_SORT_BYTES_MAX ? ERR_LIMIT : ERR_OK;
}

/* The keys that have no room beside the numbers are sorted by their lower half first. */
static void begin_load(struct search_sort *sort, unsigned shift)
{
    const struct column_of *column = &sort->columns[sort->column];
    unsigned bits = bits_of(column->greatest - column->least) - shift;

    sort->shift = shift;
    sort->bits = bits + sort->number_bits <= WORD_BITS ? bits : HALF_BITS;
    sort->at = 0;
    sort->phase = PHASE_LOAD;
    memset(sort->counts, 0, sizeof(sort->counts));
}

static void begin_column(struct search_sort *sort, uint32_t index)
{
    sort->column = index;
    if (sort->columns[index].texts != NULL)
        sort->phase = PHASE_COLLATE;
    else
        begin_load(sort, 0);
}

static void begin(struct search_sort *sort)
{
    assert(sort->added == sort->messages);
    sort->words = store_realloc(NULL, sort->messages, sizeof(*sort->words));
    sort->spare = store_realloc(NULL, sort->messages, sizeof(*sort->spare));
    sort->order = store_realloc(NULL, sort->messages, sizeof(*sort->order));
    begin_column(sort, sort->column_count - 1);
}

/* Where what can be done with *left moves ends; that much less is left then. */
static uint32_t take_share(const struct search_sort *sort, uint32_t *left)
{
    uint32_t count = sort->messages - sort->at < *left ? sort->messages - sort->at : *left;

    *left -= count;
    return sort->at + count;
}

static uint32_t less(uint32_t left, uint32_t cost)
{
    return cost < left ? left - cost : 0;
}

static void collate(struct search_sort *sort, uint32_t *left)
{
    struct column_of *column = &sort->columns[sort->column];

    if (!search_collation_step(column->texts)) {
        *left = 0;
        return;
    }
    *left = less(*left, search_collation_count(column->texts));
    sort->at = 0;
    sort->phase = PHASE_RANK;
}

static void rank(struct search_sort *sort, uint32_t *left)
{
    struct column_of *column = &sort->columns[sort->column];
    uint32_t last = search_collation_count(column->texts) - 1;
    uint32_t end = take_share(sort, left);

    for (; sort->at < end; sort->at++) {
        uint32_t place = search_collation_rank(column->texts, (uint32_t)column->keys[sort->at]);

        set_key(column, sort->at, column->criterion.reverse ? last - place : place);
    }
    if (sort->at == sort->messages)
        sort->phase = PHASE_FORGET;
}

static void forget(struct search_sort *sort, uint32_t *left)
{
    struct column_of *column = &sort->columns[sort->column];

    if (!search_collation_free_some(column->texts)) {
        *left = less(*left, 1 + sort->messages / FREED_PER_MOVE);
        return;
    }
    column->texts = NULL;
    begin_load(sort, 0);
}

static uint64_t mask_of(unsigned bits)
{
    return bits == 0 ? 0 : UINT64_MAX >> (WORD_BITS - bits);
}

/* Where the bits of a digit begin. */
static unsigned shift_of(const struct search_sort *sort, unsigned digit)
{
    return sort->number_bits + digit * DIGIT_BITS;
}

static unsigned digit_at(uint64_t word, unsigned shift)
{
    return (unsigned)(word >> shift) & (DIGIT_VALUES - 1);
}

/* Counts become the places where the first of each goes. False: all are the same in that digit. */
static bool begin_digit(struct search_sort *sort)
{
    uint32_t *counts = sort->counts[sort->digit];
    unsigned shift = shift_of(sort, sort->digit);
    uint32_t sum = 0;

    if (sort->messages == 0 || counts[digit_at(sort->words[0], shift)] == sort->messages)
        return false;
    for (unsigned i = 0; i < DIGIT_VALUES; i++) {
        uint32_t count = counts[i];

        counts[i] = sum;
        sum += count;
    }
    sort->at = 0;
    sort->phase = PHASE_MOVE;
    return true;
}

static void end_round(struct search_sort *sort)
{
    const struct column_of *column = &sort->columns[sort->column];

    if (sort->shift + sort->bits < bits_of(column->greatest - column->least)) {
        begin_load(sort, HALF_BITS);
    } else if (sort->column > 0) {
        begin_column(sort, sort->column - 1);
    } else {
        sort->at = 0;
        sort->phase = PHASE_TELL;
    }
}

/* The digits from sort->digit on. */
static void next_digit(struct search_sort *sort)
{
    for (; sort->digit * DIGIT_BITS < sort->bits; sort->digit++)
        if (begin_digit(sort))
            return;
    end_round(sort);
}

static void load(struct search_sort *sort, uint32_t *left)
{
    const struct column_of *column = &sort->columns[sort->column];
    uint64_t number_mask = mask_of(sort->number_bits);
    uint64_t key_mask = mask_of(sort->bits);
    unsigned digits = (sort->bits + DIGIT_BITS - 1) / DIGIT_BITS;
    uint32_t end = take_share(sort, left);

    for (uint32_t at = sort->at; at < end; at++) {
        uint64_t number = sort->has_words ? sort->words[at] & number_mask : at;
        uint64_t key = (column->keys[number] - column->least) >> sort->shift & key_mask;
        uint64_t word = key << sort->number_bits | number;

        sort->words[at] = word;
        if (!sort->has_words)
            sort->spare[at] = word; /* its pages; else the first moves would touch all at once */
        for (unsigned i = 0; i < digits; i++)
            sort->counts[i][digit_at(word, shift_of(sort, i))]++;
    }
    sort->at = end;
    if (end < sort->messages)
        return;
    sort->has_words = true;
    sort->digit = 0;
    next_digit(sort);
}

static void move(struct search_sort *sort, uint32_t *left)
{
    const uint64_t *words = sort->words;
    uint64_t *moved = sort->spare;
    uint32_t *counts = sort->counts[sort->digit];
    unsigned shift = shift_of(sort, sort->digit);
    uint32_t end = take_share(sort, left);

    for (uint32_t at = sort->at; at < end; at++)
        moved[counts[digit_at(words[at], shift)]++] = words[at];
    sort->at = end;
    if (end < sort->messages)
        return;
    sort->spare = sort->words;
    sort->words = moved;
    sort->digit++;
    next_digit(sort);
}

static void tell(struct search_sort *sort, uint32_t *left)
{
    uint64_t mask = mask_of(sort->number_bits);
    uint32_t end = take_share(sort, left);

    for (; sort->at < end; sort->at++)
        sort->order[sort->at] = sort->seqnos[sort->words[sort->at] & mask];
    if (sort->at == sort->messages)
        sort->phase = PHASE_DROP;
}

static void drop(struct search_sort *sort, uint32_t *left)
{
    if (drop_one(sort))
        *left = less(*left, 1 + sort->messages / FREED_PER_MOVE);
    else
        sort->phase = PHASE_DONE;
}

bool search_sort_step(struct search_sort *sort)
{
    for (uint32_t left = MOVES_STEP; left > 0 && sort->phase != PHASE_DONE;) {
        switch (sort->phase) {
        case PHASE_ADD: begin(sort); break;
        case PHASE_COLLATE: collate(sort, &left); break;
        case PHASE_RANK: rank(sort, &left); break;
        case PHASE_FORGET: forget(sort, &left); break;
        case PHASE_LOAD: load(sort, &left); break;
        case PHASE_MOVE: move(sort, &left); break;
        case PHASE_TELL: tell(sort, &left); break;
        case PHASE_DROP: drop(sort, &left); break;
        case PHASE_DONE: break;
        }
    }
    return sort->phase == PHASE_DONE;
}

const uint32_t *search_sort_order(const struct search_sort *sort)
{
    assert(sort->phase == PHASE_DONE);
    return sort->order;
}
