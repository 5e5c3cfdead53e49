/* SEARCH and SORT: which messages an answer must name, and in which order (RFC 9051 sections 6.4.4
 * and 7.3.4; RFC 4731; RFC 5032; RFC 5182; RFC 5256; RFC 5267; RFC 5957; RFC 7162 section 3.1.5).
 *
 * A message may have changed since the client last heard of it: the server may go by either state,
 * and is held to nothing when they differ. */
#include <string.h>

#include "model/client.h"
#include "model/clock.h"
#include "model/samples.h"

struct model_clock model_clock;

static const int days[DAYS] = { 20200201, 20210315, 20240229, 20241231, 20250101, 20260707 };
/* At 12:34:56 +0200. */
static const int64_t day_seconds[DAYS] = { 1580553296, 1615804496, 1709202896,
                                           1735641296, 1735727696, 1783420496 };

struct candidate {
    const struct client *client;
    const struct view_row *row;
    uint32_t number;
    const struct version *version;
    const struct model_key *keys;
    unsigned at; /* the next key */
    unsigned count;
};

static bool matches_number(const struct candidate *candidate, const struct model_set *set)
{
    uint32_t star = candidate->client->pending[0].star;

    if (set->saved)
        return client_set_has(candidate->client, set, candidate->row->row->uid);
    for (unsigned i = 0; i < set->count; i++) {
        uint32_t first = set->ranges[i].first == 0 ? star : set->ranges[i].first;
        uint32_t last = set->ranges[i].last == 0 ? star : set->ranges[i].last;

        if ((candidate->number >= first && candidate->number <= last) ||
            (candidate->number >= last && candidate->number <= first))
            return true;
    }
    return false;
}

static bool matches_date(const struct model_key *key, int day)
{
    int wanted = days[key->word];

    switch ((int)key->type) {
    case KEY_BEFORE:
    case KEY_SENTBEFORE: return day < wanted;
    case KEY_ON:
    case KEY_SENTON: return day == wanted;
    default: return day >= wanted;
    }
}

static bool matches_recent(const struct candidate *candidate, enum model_key_type type)
{
    bool recent = candidate->row->recent && !candidate->client->rev2;

    if (type == KEY_OLD)
        return !recent;
    return recent && (type == KEY_RECENT || (candidate->version->flags & MARK_SEEN) == 0);
}

static bool matches_message(const struct row_model *row, const struct model_key *key)
{
    const struct sample *sample = &samples[row->sample];
    int64_t age = row->day == 0 ? 0 : model_clock.seconds - day_seconds[row->day - 1];

    switch ((int)key->type) {
    case KEY_LARGER: return sample->len > key->number;
    case KEY_SMALLER: return sample->len < key->number;
    case KEY_BEFORE:
    case KEY_ON:
    case KEY_SINCE: return matches_date(key, row->day == 0 ? model_clock.day : days[row->day - 1]);
    case KEY_SENTBEFORE:
    case KEY_SENTON:
    case KEY_SENTSINCE: return sample->sent_day >= 0 && matches_date(key, days[sample->sent_day]);
    case KEY_BCC: return false;
    case KEY_NUMBER: return row->number == key->number;
    case KEY_OLDER: return age >= (int64_t)key->number;
    case KEY_YOUNGER: return age <= (int64_t)key->number;
    default: return sample_has_word(row->sample, (enum model_key_type)key->type, key->word);
    }
}

/* The next key, and those that belong to it. */
static bool matches(struct candidate *candidate)
{
    const struct model_key *key = &candidate->keys[candidate->at];
    bool one;

    if (candidate->at == candidate->count)
        model_fail("a key is missing");
    candidate->at++;
    switch ((int)key->type) {
    case KEY_ALL: return true;
    case KEY_SET: return matches_number(candidate, &key->set);
    case KEY_UID: return client_set_has(candidate->client, &key->set, candidate->row->row->uid);
    case KEY_FLAG: return ((candidate->version->flags & key->flag) != 0) == key->wanted;
    case KEY_RECENT:
    case KEY_OLD:
    case KEY_NEW: return matches_recent(candidate, (enum model_key_type)key->type);
    case KEY_MODSEQ: return candidate->version->modseq >= key->number;
    case KEY_NOT: return !matches(candidate);
    case KEY_OR: one = matches(candidate); return matches(candidate) || one;
    case KEY_AND: one = matches(candidate); return matches(candidate) && one;
    default: return matches_message(candidate->row->row, key);
    }
}

static bool matches_all(struct candidate candidate)
{
    bool all = true;

    while (candidate.at < candidate.count)
        all = matches(&candidate) && all;
    return all;
}

void client_search(struct client *client, struct pending *head)
{
    for (uint32_t i = 0; i < client->count; i++) {
        struct view_row *row = &client->view[i];
        const struct version *told = row_version(row->row, row->told);
        struct candidate candidate = { .client = client,
                                       .row = row,
                                       .number = i + 1,
                                       .version = told != NULL ? told : row_now(row->row),
                                       .keys = head->command.keys,
                                       .count = head->command.key_count };
        bool before = matches_all(candidate);
        bool now;

        candidate.version = row_now(row->row);
        now = matches_all(candidate);
        row->hit = before == now ? (now ? HIT_YES : HIT_NO) : HIT_EITHER;
        if (row->row->expunged != 0 || client->selected->deleted || told == NULL)
            row->hit = HIT_EITHER;
        row->in_set = before; /* what SAVE goes by */
        head->count += row->hit == HIT_YES;
    }
}

/* --- the order --- */

enum { UNSURE = 2 };

/* Of what came without a date only the model with a clock of its own knows when it came. */
static int compare_arrival(const struct row_model *a, const struct row_model *b)
{
    int64_t left = a->day == 0 ? model_clock.seconds : day_seconds[a->day - 1];
    int64_t right = b->day == 0 ? model_clock.seconds : day_seconds[b->day - 1];

    if (a->day == 0 && b->day == 0)
        return model_clock.date_time == NULL ? UNSURE : 0;
    return left < right ? -1 : left > right;
}

/* RFC 5256 section 2.2: without a Date it is that of its arrival. */
static int compare_sent(const struct row_model *a, const struct row_model *b)
{
    int64_t left = samples[a->sample].sent_seconds;
    int64_t right = samples[b->sample].sent_seconds;

    if (left == 0 && right == 0)
        return compare_arrival(a, b);
    if (left == 0)
        left = a->day == 0 ? model_clock.seconds : day_seconds[a->day - 1];
    if (right == 0)
        right = b->day == 0 ? model_clock.seconds : day_seconds[b->day - 1];
    return left < right ? -1 : left > right;
}

static int compare_by(uint8_t key, const struct row_model *a, const struct row_model *b)
{
    const struct sample *left = &samples[a->sample];
    const struct sample *right = &samples[b->sample];
    int order;

    if (key == SORT_ARRIVAL)
        return compare_arrival(a, b);
    if (key == SORT_DATE)
        return compare_sent(a, b);
    if (key == SORT_SIZE)
        return left->len < right->len ? -1 : left->len > right->len;
    order = strcmp(left->sort[key], right->sort[key]);
    return order < 0 ? -1 : order > 0;
}

/* Which of the two is told first, below 0: `before`, which has the lower number. 0: it cannot be
 * known. */
static int order_of(const struct pending *head, const struct view_row *before,
                    const struct view_row *after)
{
    for (unsigned i = 0; i < head->command.order.count; i++) {
        const struct model_criterion *criterion = &head->command.order.by[i];
        int order = compare_by(criterion->key, before->row, after->row);

        if (order == UNSURE)
            return 0;
        if (order != 0)
            return criterion->reverse ? -order : order;
    }
    return -1;
}

/* Is message i before message n in the answer? False as well when that cannot be known: of a
 * mailbox that was deleted, not everything can be read. */
static bool is_before(const struct client *client, const struct pending *head, uint32_t i,
                      uint32_t n)
{
    int order = order_of(head, &client->view[i < n ? i : n], &client->view[i < n ? n : i]);

    if (head->command.order.count > 0 && client->selected->deleted)
        return false;
    return i != n && order == (i < n ? -1 : 1);
}

/* RFC 9051 section 6.4.4.1: MIN and MAX alone save what they name. */
void client_search_save(struct client *client, const struct pending *head)
{
    uint8_t returns = head->command.returns;
    bool some =
        (returns & (RETURN_ALL | RETURN_COUNT)) == 0 && (returns & (RETURN_MIN | RETURN_MAX)) != 0;
    uint32_t first = UINT32_MAX;
    uint32_t last = UINT32_MAX;

    for (uint32_t i = 0; i < client->count; i++)
        if (client->view[i].in_set) {
            first = first == UINT32_MAX || is_before(client, head, i, first) ? i : first;
            last = last == UINT32_MAX || is_before(client, head, last, i) ? i : last;
        }
    client->saved_count = 0;
    for (uint32_t i = 0; i < client->count; i++)
        if (client->view[i].in_set && (!some || ((returns & RETURN_MIN) != 0 && i == first) ||
                                       ((returns & RETURN_MAX) != 0 && i == last)))
            client->saved[client->saved_count++] = client->view[i].row->uid;
}

/* --- what the answer says --- */

struct numbers {
    struct client *client;
    struct pending *head;
};

static uint32_t index_of(const struct client *client, const struct pending *head, uint32_t number)
{
    if (!head->command.uid)
        return number - 1;
    for (uint32_t i = 0; i < client->count; i++)
        if (client->view[i].row->uid == number)
            return i;
    return UINT32_MAX;
}

static void add_number(void *context, uint32_t number)
{
    struct numbers *numbers = context;
    struct pending *head = numbers->head;
    uint32_t index = index_of(numbers->client, head, number);

    if (index >= numbers->client->count)
        model_fail("SEARCH names %u, which is no message", number);
    if (numbers->client->view[index].hit == HIT_NO)
        model_fail("SEARCH names %u, which does not match", number);
    for (uint32_t i = 0; i < head->told_count; i++)
        if (head->told[i] == index)
            model_fail("SEARCH names %u twice", number);
    head->told[head->told_count++] = index;
}

static void check_all(const struct client *client, const struct pending *head)
{
    for (uint32_t n = 1; n < head->told_count && head->command.order.count > 0; n++)
        if (is_before(client, head, head->told[n], head->told[n - 1]))
            model_fail("SORT has message %u behind message %u", head->told[n] + 1,
                       head->told[n - 1] + 1);
    for (uint32_t i = 0; i < client->count; i++) {
        bool told = false;

        for (uint32_t n = 0; n < head->told_count && !told; n++)
            told = head->told[n] == i;
        if (!told && client->view[i].hit == HIT_YES)
            model_fail("SEARCH leaves out message %u", i + 1);
    }
}

/* Counts and ends of what must and what may be named. */
static void check_number(const struct client *client, const struct pending *head, uint64_t given,
                         enum model_return what)
{
    uint32_t must = 0;
    uint32_t may = 0;
    uint32_t index = index_of(client, head, (uint32_t)given);

    for (uint32_t i = 0; i < client->count; i++) {
        uint8_t hit = client->view[i].hit;

        must += hit == HIT_YES;
        may += hit != HIT_NO;
        if (index >= client->count || hit != HIT_YES)
            continue;
        if (what == RETURN_MIN && is_before(client, head, i, index))
            model_fail("MIN is too high");
        if (what == RETURN_MAX && is_before(client, head, index, i))
            model_fail("MAX is too low");
    }
    if (what == RETURN_COUNT && (given < must || given > may))
        model_fail("COUNT should be %u", must);
    if (what != RETURN_COUNT && (index >= client->count || client->view[index].hit == HIT_NO))
        model_fail("MIN or MAX names what does not match");
}

/* RFC 7162 section 3.1.5: the highest MODSEQ of what the answer names. */
static void check_modseq(const struct client *client, const struct pending *head, uint64_t given)
{
    uint8_t returns = head->command.returns;
    uint64_t highest = 0;
    bool sure = (returns & RETURN_GIVEN) == 0 || (returns & (RETURN_ALL | RETURN_COUNT)) != 0;

    for (uint32_t i = 0; i < client->count; i++) {
        const struct view_row *row = &client->view[i];

        sure &= row->hit != HIT_EITHER && row->told == row_now(row->row)->modseq;
        if (row->hit == HIT_YES && row_now(row->row)->modseq > highest)
            highest = row_now(row->row)->modseq;
    }
    if (sure && given != highest)
        model_fail("MODSEQ should be %llu", (unsigned long long)highest);
}

static void read_esearch(struct client *client, struct pending *head, struct reader *reader)
{
    struct numbers numbers = { client, head };
    bool all = false;

    reader_want(reader, " (TAG \"t");
    if (reader_number(reader) != head->tag)
        model_fail("ESEARCH names another tag");
    reader_want(reader, "\")");
    if (reader_skip(reader, " UID") != head->command.uid)
        model_fail("UID is missing or too much");
    while (!reader_at_end(reader)) {
        if (reader_skip(reader, " MIN ")) {
            check_number(client, head, reader_number(reader), RETURN_MIN);
            head->told_unseen = true;
        } else if (reader_skip(reader, " MAX ")) {
            check_number(client, head, reader_number(reader), RETURN_MAX);
            head->told_uidnext = true;
        } else if (reader_skip(reader, " COUNT ")) {
            check_number(client, head, reader_number(reader), RETURN_COUNT);
            head->told_exists = true;
        } else if (reader_skip(reader, " MODSEQ ")) {
            check_modseq(client, head, reader_number(reader));
            head->told_recent = true;
        } else {
            reader_want(reader, " ALL ");
            reader_set(reader, add_number, &numbers);
            all = true;
        }
    }
    head->told_flags = all;
    if (all)
        check_all(client, head);
}

/* RFC 5267 section 3: SORT is answered by ESEARCH only where RETURN asks for it. */
static void begin_answer(const struct client *client, struct pending *head, bool esearch)
{
    enum model_verb verb = (enum model_verb)head->command.verb;
    bool wanted =
        (head->command.returns & RETURN_GIVEN) != 0 || (client->rev2 && verb == VERB_SEARCH);

    if ((verb != VERB_SEARCH && verb != VERB_SORT) || head->told_search)
        model_fail("SEARCH or SORT that nobody asked for");
    if (esearch != wanted)
        model_fail("SEARCH or SORT in the wrong form");
    head->told_search = true;
}

void client_read_esearch(struct client *client, struct pending *head, struct reader *reader)
{
    begin_answer(client, head, true);
    read_esearch(client, head, reader);
}

void client_read_search(struct client *client, struct pending *head, struct reader *reader,
                        enum model_verb verb)
{
    struct numbers numbers = { client, head };

    begin_answer(client, head, false);
    if (head->command.verb != verb)
        model_fail("SEARCH for SORT, or the other way round");
    while (reader_skip(reader, " ")) {
        if (reader_skip(reader, "(MODSEQ ")) {
            check_modseq(client, head, reader_number(reader));
            reader_want(reader, ")");
            head->told_recent = true;
            break;
        }
        add_number(&numbers, (uint32_t)reader_number(reader));
    }
    check_all(client, head);
}

static bool asks_modseq(const struct pending *head)
{
    for (unsigned i = 0; i < head->command.key_count; i++)
        if (head->command.keys[i].type == KEY_MODSEQ)
            return true;
    return false;
}

void client_check_search(const struct client *client, const struct pending *head)
{
    uint8_t returns = head->command.returns;
    uint32_t must = head->count; /* numbers may have moved since */

    if ((returns & RETURN_GIVEN) == 0 || returns == RETURN_GIVEN)
        returns = RETURN_ALL;
    if ((returns & (uint8_t)~RETURN_GIVEN) == RETURN_SAVE) {
        if (head->told_search)
            model_fail("RETURN (SAVE) is to be silent");
        return;
    }
    if (!head->told_search)
        model_fail("SEARCH is not told");
    if (asks_modseq(head) && must > 0 && !head->told_recent)
        model_fail("SEARCH lacks MODSEQ");
    if ((head->command.returns & RETURN_GIVEN) == 0 &&
        (!client->rev2 || head->command.verb == VERB_SORT))
        return;
    if ((returns & RETURN_COUNT) != 0 && !head->told_exists)
        model_fail("COUNT is missing");
    if (must == 0)
        return;
    if (((returns & RETURN_MIN) != 0 && !head->told_unseen) ||
        ((returns & RETURN_MAX) != 0 && !head->told_uidnext) ||
        ((returns & RETURN_ALL) != 0 && !head->told_flags))
        model_fail("MIN, MAX or ALL is missing");
}
