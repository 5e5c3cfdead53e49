/* SEARCH: which messages an answer must name (RFC 9051 sections 6.4.4 and 7.3.4; RFC 4731;
 * RFC 5032; RFC 5182; RFC 7162 section 3.1.5).
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

/* RFC 9051 section 6.4.4.1: MIN and MAX alone save what they name. */
void client_search_save(struct client *client, const struct pending *head)
{
    uint8_t returns = head->command.returns;
    bool some =
        (returns & (RETURN_ALL | RETURN_COUNT)) == 0 && (returns & (RETURN_MIN | RETURN_MAX)) != 0;
    uint32_t first = UINT32_MAX;
    uint32_t last = 0;

    for (uint32_t i = 0; i < client->count; i++)
        if (client->view[i].in_set) {
            first = first == UINT32_MAX ? i : first;
            last = i;
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
        if (what == RETURN_MIN && hit == HIT_YES && i < index)
            model_fail("MIN is too high");
        if (what == RETURN_MAX && hit == HIT_YES && i > index)
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

void client_read_search(struct client *client, struct pending *head, struct reader *reader,
                        bool esearch)
{
    struct numbers numbers = { client, head };
    bool wanted = (head->command.returns & RETURN_GIVEN) != 0 || client->rev2;

    if (head->command.verb != VERB_SEARCH || head->told_search)
        model_fail("SEARCH that nobody asked for");
    if (esearch != wanted)
        model_fail("SEARCH in the wrong form");
    head->told_search = true;
    if (esearch) {
        read_esearch(client, head, reader);
        return;
    }
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
    if ((head->command.returns & RETURN_GIVEN) == 0 && !client->rev2)
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
