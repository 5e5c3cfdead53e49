/* Keys become intervals of numbers or sets of bits, columns are unpacked, and rows are compared 64
 * to a word. Three truths: a row may be among those that match, those that do not, or neither. */
#include "search/rows.h"

#include <assert.h>
#include <string.h>

#include "base/num.h"
#include "search/texts.h"
#include "store/block.h"
#include "store/uid_set.h"

enum {
    WORD_ROWS = 64,
    DAY_SECONDS = 86400,
    ZONE_SECONDS = 60,
    WHOLE_PAGE_ROWS = 256, /* so many in one page: it is looked through as a whole */
};

static uint32_t words_of(uint32_t rows)
{
    return (rows + WORD_ROWS - 1) / WORD_ROWS;
}

/* Bits `from` to before `to`. */
static void set_bits(uint64_t *words, uint32_t from, uint32_t to)
{
    while (from < to) {
        uint32_t end = (from / WORD_ROWS + 1) * WORD_ROWS;
        uint32_t count = (end < to ? end : to) - from;

        words[from / WORD_ROWS] |= (UINT64_MAX >> (WORD_ROWS - count)) << from % WORD_ROWS;
        from += count;
    }
}

static void fill(uint64_t *words, uint32_t rows, bool value)
{
    memset(words, 0, words_of(rows) * sizeof(*words));
    if (value)
        set_bits(words, 0, rows);
}

/* lowest <= value <= lowest + span, modulo 2^64: good for signed and for unsigned numbers. */
struct interval {
    uint64_t lowest;
    uint64_t span;
    bool is_empty;
};

static struct interval between(uint64_t lowest, uint64_t highest)
{
    return (struct interval){ lowest, highest - lowest, false };
}

static bool holds(struct interval interval, uint64_t value)
{
    return !interval.is_empty && value - interval.lowest <= interval.span;
}

static void compare(const uint64_t *values, uint32_t count, struct interval interval,
                    uint64_t *words)
{
    for (uint32_t at = 0; at < count; at += WORD_ROWS) {
        uint32_t some = count - at < WORD_ROWS ? count - at : WORD_ROWS;
        uint64_t word = 0;

        for (uint32_t i = 0; i < some; i++)
            word |= (uint64_t)(values[at + i] - interval.lowest <= interval.span) << i;
        words[at / WORD_ROWS] = word;
    }
}

/* Rows whose number in that column is in the interval. */
static void match_interval(const struct search_rows *rows, enum block_column column,
                           struct interval interval, uint64_t *words)
{
    const struct column *from = &rows->run.block->columns[column];
    uint32_t count = search_rows_count(rows);
    uint64_t values[SEARCH_ROWS_MAX];

    if (interval.is_empty || column_is_constant(from)) {
        fill(words, count, holds(interval, from->base));
        return;
    }
    column_load(from, rows->run.at, count, values);
    compare(values, count, interval, words);
}

/* The same of the local time: seconds and zone together. */
static void match_local(const struct search_rows *rows, struct interval interval, uint64_t *words)
{
    const struct column *zone = &rows->run.block->columns[COLUMN_INTERNAL_ZONE];
    uint32_t count = search_rows_count(rows);
    uint64_t values[SEARCH_ROWS_MAX];
    uint64_t zones[SEARCH_ROWS_MAX];

    if (column_is_constant(zone)) { /* move the interval instead */
        interval.lowest -= zone->base * ZONE_SECONDS;
        match_interval(rows, COLUMN_INTERNAL_SECONDS, interval, words);
        return;
    }
    block_load(rows->run.block, COLUMN_INTERNAL_SECONDS, rows->run.at, count, values);
    block_load(rows->run.block, COLUMN_INTERNAL_ZONE, rows->run.at, count, zones);
    for (uint32_t i = 0; i < count; i++)
        values[i] += zones[i] * ZONE_SECONDS;
    compare(values, count, interval, words);
}

/* Rows that have any of the bits in that column, or (not `wanted`) none of them. */
static void match_bits(const struct search_rows *rows, enum block_column column, uint64_t bits,
                       bool wanted, uint64_t *words)
{
    const struct column *from = &rows->run.block->columns[column];
    uint32_t count = search_rows_count(rows);
    uint64_t values[SEARCH_ROWS_MAX];

    if (column_is_constant(from)) {
        fill(words, count, ((from->base & bits) != 0) == wanted);
        return;
    }
    column_load(from, rows->run.at, count, values);
    for (uint32_t i = 0; i < count; i++)
        values[i] &= bits;
    compare(values, count, wanted ? between(1, UINT64_MAX) : between(0, 0), words);
}

static void turn_round(uint64_t *words, uint32_t count)
{
    uint32_t last = words_of(count);

    for (uint32_t i = 0; i < last; i++)
        words[i] = ~words[i];
    if (count % WORD_ROWS != 0)
        words[last - 1] &= UINT64_MAX >> (WORD_ROWS - count % WORD_ROWS);
}

/* The place of the first row whose UID is at least `uid`, as its number among the rows. */
static uint32_t place_of(const struct search_rows *rows, uint32_t uid)
{
    uint32_t at = block_find(rows->run.block, rows->run.end, uid);

    return at < rows->run.at ? 0 : at - rows->run.at;
}

static void match_uids(const struct search_rows *rows, struct uid_set set, uint64_t *words)
{
    uint32_t count = search_rows_count(rows);
    uint32_t last = block_uid(rows->run.block, rows->run.end - 1);

    fill(words, count, false);
    for (uint32_t i = uid_set_find(set, block_uid(rows->run.block, rows->run.at));
         i < set.count && set.ranges[i].first <= last; i++) {
        const struct uid_range *range = &set.ranges[i];

        set_bits(words, place_of(rows, range->first),
                 range->last >= last ? count : place_of(rows, range->last + 1));
    }
}

static void match_seqnos(const struct search_rows *rows, struct uid_set set, uint64_t *words)
{
    uint32_t count = search_rows_count(rows);
    uint32_t first = rows->first.value;

    fill(words, count, false);
    for (uint32_t i = uid_set_find(set, first);
         i < set.count && set.ranges[i].first < first + count; i++) {
        const struct uid_range *range = &set.ranges[i];

        set_bits(words, range->first > first ? range->first - first : 0,
                 range->last >= first + count - 1 ? count : range->last - first + 1);
    }
}

static void match_flag(const struct search_program *program, const struct search_key *key,
                       const struct search_rows *rows, uint64_t *words)
{
    if (key->flags != 0) {
        match_bits(rows, COLUMN_FLAGS, key->flags, key->wanted, words);
        return;
    }
    match_uids(rows, program->context.recent, words);
    if (!key->wanted)
        turn_round(words, search_rows_count(rows));
}

static void match_keyword(const struct search_key *key, const struct search_rows *rows,
                          uint64_t *words)
{
    if (key->keyword < 0)
        fill(words, search_rows_count(rows), !key->wanted);
    else
        match_bits(rows, key->keyword < 64 ? COLUMN_KEYWORDS_LOW : COLUMN_KEYWORDS_HIGH,
                   UINT64_C(1) << key->keyword % 64, key->wanted, words);
}

/* The seconds of that day, all before or all from it on. */
static struct interval days(const struct search_key *key)
{
    int64_t begin = key->number * DAY_SECONDS;

    switch (key->when) {
    case IMAP_SEARCH_BEFORE: return between((uint64_t)INT64_MIN, (uint64_t)(begin - 1));
    case IMAP_SEARCH_ON: return between((uint64_t)begin, (uint64_t)(begin + DAY_SECONDS - 1));
    case IMAP_SEARCH_SINCE: return between((uint64_t)begin, (uint64_t)INT64_MAX);
    }
    return (struct interval){ .is_empty = true };
}

static struct interval below(int64_t number)
{
    return number == 0 ? (struct interval){ .is_empty = true } : between(0, (uint64_t)number - 1);
}

bool search_rows_key(const struct search_program *program, const struct search_key *key,
                     const struct search_rows *rows, uint64_t *words)
{
    const uint64_t number = (uint64_t)key->number;
    const uint64_t then = (uint64_t)(program->context.now_seconds - key->number);
    const struct interval same = { number, 0, !key->wanted };

    switch (key->type) {
    case IMAP_SEARCH_SEQUENCE: match_seqnos(rows, key->uids, words); return true;
    case IMAP_SEARCH_UID: match_uids(rows, key->uids, words); return true;
    case IMAP_SEARCH_FLAG: match_flag(program, key, rows, words); return true;
    case IMAP_SEARCH_KEYWORD: match_keyword(key, rows, words); return true;
    case IMAP_SEARCH_INTERNALDATE: match_local(rows, days(key), words); return true;
    case IMAP_SEARCH_SAVEDATE:
        match_interval(rows, COLUMN_SAVE_DATE, days(key), words);
        return true;
    case IMAP_SEARCH_SAVEDATE_SUPPORTED: fill(words, search_rows_count(rows), true); return true;
    case IMAP_SEARCH_LARGER:
        match_interval(rows, COLUMN_SIZE, between(number + 1, UINT64_MAX), words);
        return true;
    case IMAP_SEARCH_SMALLER:
        match_interval(rows, COLUMN_SIZE, below(key->number), words);
        return true;
    case IMAP_SEARCH_OLDER:
        match_interval(rows, COLUMN_INTERNAL_SECONDS, between((uint64_t)INT64_MIN, then), words);
        return true;
    case IMAP_SEARCH_YOUNGER:
        match_interval(rows, COLUMN_INTERNAL_SECONDS, between(then, (uint64_t)INT64_MAX), words);
        return true;
    case IMAP_SEARCH_MODSEQ:
        match_interval(rows, COLUMN_MODSEQ, between(number, UINT64_MAX), words);
        return true;
    case IMAP_SEARCH_EMAILID: match_interval(rows, COLUMN_BODY, same, words); return true;
    case IMAP_SEARCH_THREADID: match_interval(rows, COLUMN_THREAD, same, words); return true;
    case IMAP_SEARCH_BCC:
    case IMAP_SEARCH_CC:
    case IMAP_SEARCH_FROM:
    case IMAP_SEARCH_TO:
    case IMAP_SEARCH_SUBJECT:
    case IMAP_SEARCH_HEADER:
    case IMAP_SEARCH_BODY:
    case IMAP_SEARCH_TEXT:
    case IMAP_SEARCH_SENTDATE: return false;
    case IMAP_SEARCH_AND:
    case IMAP_SEARCH_OR:
    case IMAP_SEARCH_NOT: break;
    }
    return false;
}

/* Rows whose bodies are of one page. */
struct page_rows {
    const struct search_page *page;
    uint32_t from;
    uint32_t to; /* before that one */
};

bool search_rows_sent(const struct search_key *key, struct bytes text)
{
    return text.len >= 8 && holds(days(key), num_load_u64(text.at) * DAY_SECONDS);
}

/* What is known of their texts. */
static void judge_page(const struct page_rows *some, const struct search_key *key,
                       const uint64_t *bodies, struct search_verdict *out)
{
    bool at_once = some->to - some->from >= WHOLE_PAGE_ROWS && key->text.len > 0;
    uint64_t hits[SEARCH_PAGE_BODIES / 64];

    if (at_once)
        search_page_find(some->page, key->text, hits);
    for (uint32_t row = some->from; row < some->to; row++) {
        uint32_t place = search_page_place(bodies[row]);
        struct bytes text;
        bool matches;

        if (!search_page_text(some->page, (struct body_id){ bodies[row] }, &text))
            continue;
        if (key->type == IMAP_SEARCH_SENTDATE)
            matches = search_rows_sent(key, text);
        else if (at_once)
            matches = (hits[place / 64] >> place % 64 & 1) != 0;
        else
            matches = bytes_find(text, 0, key->text) < text.len; /* "": in all that are not */
        (matches ? out->yes : out->no)[row / WORD_ROWS] |= UINT64_C(1) << row % WORD_ROWS;
    }
}

/* The name that the texts for that key have; empty: there are none. */
static struct bytes name_of(const struct search_key *key)
{
    if (key->type == IMAP_SEARCH_SENTDATE)
        return SEARCH_SENT_DAY;
    return key->is_kept && key->is_plain ? key->field : BYTES("");
}

/* Header fields, as far as earlier searches have left their texts. */
static void judge_field(const struct search_program *program, const struct search_key *key,
                        const struct search_rows *rows, struct search_verdict *out)
{
    const struct search_context *context = &program->context;
    const struct search_field field = { context->account, name_of(key) };
    uint32_t count = search_rows_count(rows);
    uint64_t bodies[SEARCH_ROWS_MAX];
    struct page_rows some;

    if (context->texts == NULL || field.name.len == 0)
        return;
    block_load(rows->run.block, COLUMN_BODY, rows->run.at, count, bodies);
    for (uint32_t row = 0; row < count; row = some.to) {
        some.page = search_texts_page(context->texts, &field, (struct body_id){ bodies[row] });
        some.from = row;
        some.to = row + 1;
        while (some.to < count && search_page_of(bodies[some.to]) == search_page_of(bodies[row]))
            some.to++;
        if (some.page != NULL)
            judge_page(&some, key, bodies, out);
    }
}

static void judge_leaf(const struct search_program *program, const struct search_key *key,
                       const struct search_rows *rows, struct search_verdict *out)
{
    uint32_t count = search_rows_count(rows);

    if (!search_rows_key(program, key, rows, out->yes)) {
        fill(out->yes, count, false);
        fill(out->no, count, false);
        judge_field(program, key, rows, out);
        return;
    }
    memcpy(out->no, out->yes, words_of(count) * sizeof(*out->no));
    turn_round(out->no, count);
}

/* `all`: of AND; else of OR. */
static void add_child(struct search_verdict *verdict, const struct search_verdict *child, bool all,
                      uint32_t words)
{
    for (uint32_t i = 0; i < words; i++) {
        verdict->yes[i] = all ? verdict->yes[i] & child->yes[i] : verdict->yes[i] | child->yes[i];
        verdict->no[i] = all ? verdict->no[i] | child->no[i] : verdict->no[i] & child->no[i];
    }
}

/* Recurses no deeper than the grammar's limits allowed. */
static void judge(const struct search_program *program, const struct search_key *key,
                  const struct search_rows *rows, struct search_verdict *out)
{
    bool all = key->type == IMAP_SEARCH_AND;
    uint32_t count = search_rows_count(rows);
    struct search_verdict inner;

    if (key->type == IMAP_SEARCH_NOT) {
        judge(program, key->children, rows, &inner);
        memcpy(out->yes, inner.no, words_of(count) * sizeof(*out->yes));
        memcpy(out->no, inner.yes, words_of(count) * sizeof(*out->no));
        return;
    }
    if (!all && key->type != IMAP_SEARCH_OR) {
        judge_leaf(program, key, rows, out);
        return;
    }
    fill(out->yes, count, all);
    fill(out->no, count, !all);
    for (const struct search_key *child = key->children; child != NULL; child = child->next) {
        judge(program, child, rows, &inner);
        add_child(out, &inner, all, words_of(count));
    }
}

void search_rows_judge(const struct search_program *program, const struct search_rows *rows,
                       struct search_verdict *out_verdict)
{
    assert(search_rows_count(rows) >= 1 && search_rows_count(rows) <= SEARCH_ROWS_MAX);
    judge(program, program->root, rows, out_verdict);
}
