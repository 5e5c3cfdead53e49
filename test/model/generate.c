/* Commands at random: generate.h. */
#include "model/generate.h"

#include <string.h>

#include "model/clock.h"
#include "model/names.h"
#include "model/samples.h"

static uint64_t below(struct generator *generator, uint64_t limit)
{
    return test_random_below(&generator->random, limit);
}

static bool one_in(struct generator *generator, uint64_t limit)
{
    return below(generator, limit) == 0;
}

/* Mostly of those that exist; now and then one that no mailbox may have. */
static uint8_t any_name(struct generator *generator)
{
    if (one_in(generator, 40))
        return (uint8_t)(NAMES_GOOD + below(generator, NAMES - NAMES_GOOD));
    return (uint8_t)below(generator, NAMES_GOOD);
}

/* A few of them are where the mail is. */
static uint8_t mail_name(struct generator *generator)
{
    if (one_in(generator, 6))
        return any_name(generator);
    return (uint8_t)below(generator, 4);
}

static uint32_t some_number(struct generator *generator, const struct client *client, bool uid)
{
    uint32_t limit = client->count;

    if (uid && client->selected != NULL)
        limit = client->selected->uidnext;
    if (one_in(generator, 12))
        return 0; /* * */
    if (one_in(generator, 60))
        return limit + 1 + (uint32_t)below(generator, 3);
    /* By UID mostly one that is there. */
    if (uid && client->count > 0 && !one_in(generator, 4))
        return client->view[below(generator, client->count)].row->uid;
    return 1 + (uint32_t)below(generator, limit > 0 ? limit : 1);
}

static void make_set(struct generator *generator, const struct client *client, bool uid,
                     struct model_set *set)
{
    if (one_in(generator, 12)) {
        set->saved = true;
        return;
    }
    set->count = 1;
    if (one_in(generator, 4))
        set->count = (uint8_t)(1 + below(generator, SET_RANGES_MAX));
    for (unsigned i = 0; i < set->count; i++) {
        set->ranges[i].first = set->ranges[i].last = some_number(generator, client, uid);
        if (one_in(generator, 2))
            set->ranges[i].last = some_number(generator, client, uid);
    }
    if (one_in(generator, 12)) {
        set->ranges[0].first = 1;
        set->ranges[0].last = 0;
    }
}

/* One or two messages: copies of copies would fill the world. */
static void make_small_set(struct generator *generator, const struct client *client, bool uid,
                           struct model_set *set)
{
    set->count = (uint8_t)(1 + below(generator, 2));
    for (unsigned i = 0; i < set->count; i++) {
        set->ranges[i].first = set->ranges[i].last = some_number(generator, client, uid);
        if (one_in(generator, 3) && set->ranges[i].first != 0)
            set->ranges[i].last += (uint32_t)below(generator, 3);
        if (set->ranges[i].last > client->count && !uid)
            set->ranges[i].last = set->ranges[i].first;
    }
}

static uint16_t some_flags(struct generator *generator)
{
    uint16_t flags = 0;

    for (uint64_t n = below(generator, 3); n > 0; n--)
        flags |= (uint16_t)(1u << below(generator, MARK_WORDS));
    if (one_in(generator, 5))
        flags |= MARK_DELETED;
    return flags;
}

static uint64_t some_modseq(struct generator *generator, const struct client *client)
{
    uint64_t change = client->world->change;

    switch (below(generator, 4)) {
    case 0: return 1 + below(generator, change + 3);
    case 1:
        if (client->count > 0)
            return client->view[below(generator, client->count)].told;
        return change;
    case 2: return change > 8 ? change - below(generator, 8) : change;
    default: return client->highest > 0 ? client->highest : 1;
    }
}

static void make_append(struct generator *generator, struct model_command *command)
{
    command->name = mail_name(generator);
    command->message_count = 1;
    if (one_in(generator, 4))
        command->message_count = (uint8_t)(1 + below(generator, MESSAGES_PER_APPEND_MAX));
    command->cut = one_in(generator, 40);
    for (unsigned i = 0; i < command->message_count; i++) {
        struct model_message *message = &command->messages[i];

        message->sample = (uint8_t)below(generator, SAMPLES - 1);
        if (generator->large && one_in(generator, 5))
            message->sample = SAMPLES - 1;
        message->literal = (uint8_t)below(generator, 4);
        message->day = (uint8_t)below(generator, DAYS + 1);
        message->flags = one_in(generator, 2) ? some_flags(generator) : 0;
        message->number = ++generator->numbers;
    }
}

static void make_section(struct generator *generator, struct model_section *section)
{
    section->peek = !one_in(generator, 3);
    section->number = (uint8_t)below(generator, 4);
    if (section->number == 0)
        section->part = (uint8_t)below(generator, PART_MIME);
    else if (section->number == 2 && one_in(generator, 3))
        section->part = PART_MIME;
    if (section->number != 0 && section->part == PART_WHOLE && one_in(generator, 3))
        section->kind = (uint8_t)(1 + below(generator, 2));
    section->partial = one_in(generator, 4);
    section->offset = (uint32_t)below(generator, 60);
    section->bytes = 1 + (uint32_t)below(generator, 60);
}

static bool names_same(const struct model_section *one, const struct model_section *other)
{
    return one->kind == other->kind && one->part == other->part && one->number == other->number;
}

static void make_sections(struct generator *generator, struct model_command *command)
{
    unsigned count = 1 + (unsigned)below(generator, SECTIONS_MAX);

    for (unsigned i = 0; i < count; i++) {
        struct model_section section = { 0 };
        bool same = false;

        make_section(generator, &section);
        for (unsigned n = 0; n < command->section_count; n++)
            same |= names_same(&section, &command->sections[n]);
        if (!same)
            command->sections[command->section_count++] = section;
    }
    command->items |= ITEM_SECTIONS;
}

static void make_fetch(struct generator *generator, const struct client *client,
                       struct model_command *command)
{
    make_set(generator, client, command->uid, &command->set);
    switch (below(generator, 6)) {
    case 0: command->items = ITEM_FLAGS | ITEM_UID; break;
    case 1: command->items = 1u << below(generator, 15); break;
    case 2: command->items = ITEM_ALL << below(generator, 3); break;
    case 3: command->items = (uint32_t)below(generator, ITEM_SECTIONS - 1) + 1; break;
    default:
        command->items = one_in(generator, 2) ? ITEM_FLAGS : 0;
        make_sections(generator, command);
        break;
    }
    /* What RFC 9051 leaves out of IMAP4rev2. */
    if (client->rev2)
        command->items &= ~(uint32_t)(ITEM_RFC822 | ITEM_RFC822_HEADER | ITEM_RFC822_TEXT);
    if (command->items == 0)
        command->items = ITEM_UID;
    if (one_in(generator, 5)) {
        command->changed = some_modseq(generator, client);
        command->vanished =
            (command->uid && client->qresync && one_in(generator, 2)) || one_in(generator, 20);
    }
}

static void make_store(struct generator *generator, const struct client *client,
                       struct model_command *command)
{
    static const char signs[] = { '+', '+', '-', 0 };

    make_set(generator, client, command->uid, &command->set);
    command->sign = signs[below(generator, sizeof(signs))];
    command->silent = one_in(generator, 3);
    command->flags = some_flags(generator);
    if (one_in(generator, 5)) {
        command->has_unchanged = true;
        command->unchanged = one_in(generator, 10) ? 0 : some_modseq(generator, client);
    }
}

static void make_key(struct generator *generator, const struct client *client,
                     struct model_key *key)
{
    static const uint64_t ages[] = { 31536000, 1000000000 };

    do {
        key->type = (uint8_t)below(generator, KEY_NOT);
    } while (client->rev2 && key->type >= KEY_RECENT && key->type <= KEY_NEW);
    key->wanted = one_in(generator, 2);
    key->flag = (uint16_t)(1u << below(generator, MARK_WORDS));
    key->word = (uint8_t)below(generator, SEARCH_WORDS);
    if (key->type >= KEY_BEFORE && key->type <= KEY_SENTSINCE)
        key->word = (uint8_t)below(generator, DAYS);
    if (key->type == KEY_SET || key->type == KEY_UID)
        make_set(generator, client, key->type == KEY_UID, &key->set);
    if (key->type == KEY_LARGER || key->type == KEY_SMALLER)
        key->number = samples[below(generator, SAMPLES)].len + below(generator, 3) - 1;
    if (key->type == KEY_OLDER || key->type == KEY_YOUNGER)
        key->number = ages[below(generator, 2)];
    if (key->type == KEY_NUMBER)
        key->number = 1 + below(generator, generator->numbers + 1);
    if (key->type == KEY_MODSEQ)
        key->number = some_modseq(generator, client);
}

/* NOT and OR take the keys behind them, so each of them needs one more. */
static void make_search(struct generator *generator, const struct client *client,
                        struct model_command *command)
{
    unsigned needed = 1 + (unsigned)below(generator, 2);

    while (needed > 0) {
        struct model_key *key = &command->keys[command->key_count++];
        unsigned left = KEYS_MAX - command->key_count;

        if (left > needed + 1 && one_in(generator, 4)) {
            key->type = (uint8_t)(KEY_NOT + below(generator, 3));
            needed += key->type != KEY_NOT;
            continue;
        }
        make_key(generator, client, key);
        needed--;
    }
    if (one_in(generator, 2))
        command->returns = (uint8_t)(RETURN_GIVEN | below(generator, 32));
    command->charset = (uint8_t)(one_in(generator, 30) ? 3 : below(generator, 8));
    if (command->charset > 3)
        command->charset = 0;
    /* What a server does with text that is not in its charset is its own affair. */
    for (unsigned i = 0; i < command->key_count; i++)
        if (command->charset == 1 && command->keys[i].word == 4)
            command->charset = 2;
}

static void make_criteria(struct generator *generator, struct model_command *command)
{
    /* When a message came is not known exactly where the server has a clock of its own: what SAVE
     * keeps of such an order would not be, either. */
    unsigned from =
        (command->returns & RETURN_SAVE) != 0 && model_clock.date_time == NULL ? SORT_SIZE : 0;

    command->order.count = (uint8_t)(1 + below(generator, CRITERIA_MAX));
    for (unsigned i = 0; i < command->order.count; i++)
        command->order.by[i] =
            (struct model_criterion){ (uint8_t)(from + below(generator, SORT_KEYS - from)),
                                      one_in(generator, 2) };
}

/* Numbers and UIDs as somebody may remember them: some are still so, some never were. */
static void make_match(struct generator *generator, const struct box *box,
                       struct model_command *command)
{
    uint32_t seqno = 0;

    for (uint32_t i = 0; i < box->row_count && command->match_count < SET_RANGES_MAX; i++) {
        seqno += box->rows[i].expunged == 0 || one_in(generator, 3);
        if (one_in(generator, 3) || seqno == 0 ||
            (command->match_count > 0 && command->match_seqnos[command->match_count - 1] >= seqno))
            continue;
        command->match_seqnos[command->match_count] = seqno;
        command->match_uids[command->match_count++] = box->rows[i].uid;
    }
}

static void make_select(struct generator *generator, const struct client *client,
                        struct model_command *command)
{
    struct box *box;

    command->name = one_in(generator, 3) ? any_name(generator) : mail_name(generator);
    command->condstore = one_in(generator, 6);
    command->qresync = (client->qresync && one_in(generator, 2)) || one_in(generator, 60);
    if (!command->qresync)
        return;
    box = command->name < NAMES_GOOD
              ? world_find(client->world, model_name_canonical(command->name))
              : NULL;
    command->uidvalidity =
        box == NULL || box->uidvalidity == 0 || one_in(generator, 20) ? 7 : box->uidvalidity;
    command->modseq = some_modseq(generator, client);
    command->known = one_in(generator, 3);
    if (!command->known)
        return;
    command->set.count = 1;
    command->set.ranges[0].first = 1 + (uint32_t)below(generator, 10);
    command->set.ranges[0].last = command->set.ranges[0].first + (uint32_t)below(generator, 60);
    if (box != NULL && one_in(generator, 2))
        make_match(generator, box, command);
}

static void make_list(struct generator *generator, struct model_command *command)
{
    command->reference = (uint8_t)(one_in(generator, 3) ? below(generator, REFERENCES) : 0);
    command->pattern_count = 1;
    command->status = (uint16_t)(1 + below(generator, (1u << STATUS_BITS) - 1));
    if (command->verb == VERB_LIST && one_in(generator, 2)) {
        command->list = (uint16_t)(below(generator, 16) | (one_in(generator, 3) ? 512 : 0));
        if ((command->list & (LIST_SUBSCRIBED | LIST_SPECIAL_USE)) == 0 && !one_in(generator, 20))
            command->list &= (uint16_t)~LIST_RECURSIVE;
        if ((command->list & LIST_RETURN) != 0)
            command->list |= (uint16_t)(below(generator, 16) * LIST_RETURN_SUBSCRIBED);
        if (one_in(generator, 4))
            command->pattern_count = (uint8_t)(1 + below(generator, PATTERNS_MAX));
    }
    for (unsigned i = 0; i < command->pattern_count; i++)
        do {
            command->patterns[i] = (uint8_t)below(generator, PATTERNS);
        } while (command->pattern_count > 1 && model_patterns[command->patterns[i]].utf8[0] == 0);
}

static void make_enable(struct generator *generator, const struct client *client,
                        struct model_command *command)
{
    command->enable = (uint8_t)(1 + below(generator, 15));
    /* RFC 9051 section 6.3.1: not while a mailbox is selected. */
    if (client->selected != NULL || client->pending_count > 0)
        command->enable = ENABLE_OTHER;
}

static bool is_full(const struct client *client, uint8_t name)
{
    const struct box *box;

    if (name >= NAMES_GOOD)
        return false;
    box = world_find(client->world, model_name_canonical(name));
    return box != NULL && box->alive > BOX_ALIVE_MAX;
}

static void make_arguments(struct generator *generator, const struct client *client,
                           struct model_command *command)
{
    switch ((int)command->verb) {
    case VERB_ENABLE: make_enable(generator, client, command); break;
    case VERB_SELECT:
    case VERB_EXAMINE: make_select(generator, client, command); break;
    case VERB_CREATE:
        command->use = (uint8_t)(one_in(generator, 4) ? 1 + below(generator, 7) : 0);
        command->name = any_name(generator);
        break;
    case VERB_RENAME:
        command->name_to = any_name(generator);
        command->name = any_name(generator);
        break;
    case VERB_DELETE:
    case VERB_SUBSCRIBE:
    case VERB_UNSUBSCRIBE: command->name = any_name(generator); break;
    case VERB_LIST:
    case VERB_LSUB: make_list(generator, command); break;
    case VERB_STATUS:
        command->name = one_in(generator, 2) ? any_name(generator) : mail_name(generator);
        command->status = (uint16_t)(1 + below(generator, (1u << STATUS_BITS) - 1));
        break;
    case VERB_APPEND: make_append(generator, command); break;
    case VERB_FETCH: make_fetch(generator, client, command); break;
    case VERB_STORE: make_store(generator, client, command); break;
    case VERB_SEARCH: make_search(generator, client, command); break;
    case VERB_SORT:
        make_search(generator, client, command);
        make_criteria(generator, command);
        break;
    case VERB_COPY:
    case VERB_MOVE:
        make_small_set(generator, client, command->uid, &command->set);
        command->name_to = mail_name(generator);
        break;
    case VERB_EXPUNGE:
        if (command->uid)
            make_set(generator, client, true, &command->set);
        break;
    case VERB_LINE: command->name = (uint8_t)below(generator, odd_line_count()); break;
    default: break;
    }
}

/* How often each is said: in a selected mailbox, and without one. */
static const uint8_t weights[2][VERB_COUNT] = {
    { [VERB_NOOP] = 2,      [VERB_CHECK] = 1,         [VERB_CAPABILITY] = 1,  [VERB_ID] = 1,
      [VERB_NAMESPACE] = 1, [VERB_ENABLE] = 4,        [VERB_SELECT] = 60,     [VERB_EXAMINE] = 15,
      [VERB_CLOSE] = 1,     [VERB_UNSELECT] = 1,      [VERB_CREATE] = 8,      [VERB_DELETE] = 4,
      [VERB_RENAME] = 6,    [VERB_SUBSCRIBE] = 4,     [VERB_UNSUBSCRIBE] = 4, [VERB_LIST] = 10,
      [VERB_LSUB] = 3,      [VERB_STATUS] = 8,        [VERB_APPEND] = 12,     [VERB_FETCH] = 1,
      [VERB_STORE] = 1,     [VERB_SEARCH] = 1,        [VERB_COPY] = 1,        [VERB_MOVE] = 1,
      [VERB_SORT] = 1,      [VERB_EXPUNGE] = 1,       [VERB_IDLE] = 1,        [VERB_LOGOUT] = 1,
      [VERB_LINE] = 2,      [VERB_UNAUTHENTICATE] = 1 },
    { [VERB_NOOP] = 12,     [VERB_CHECK] = 2,         [VERB_CAPABILITY] = 1,  [VERB_ID] = 1,
      [VERB_NAMESPACE] = 1, [VERB_ENABLE] = 1,        [VERB_SELECT] = 8,      [VERB_EXAMINE] = 3,
      [VERB_CLOSE] = 3,     [VERB_UNSELECT] = 3,      [VERB_CREATE] = 3,      [VERB_DELETE] = 2,
      [VERB_RENAME] = 3,    [VERB_SUBSCRIBE] = 2,     [VERB_UNSUBSCRIBE] = 2, [VERB_LIST] = 4,
      [VERB_LSUB] = 2,      [VERB_STATUS] = 8,        [VERB_APPEND] = 30,     [VERB_FETCH] = 50,
      [VERB_STORE] = 45,    [VERB_SEARCH] = 40,       [VERB_COPY] = 10,       [VERB_MOVE] = 10,
      [VERB_SORT] = 25,     [VERB_EXPUNGE] = 14,      [VERB_IDLE] = 8,        [VERB_LOGOUT] = 1,
      [VERB_LINE] = 8,      [VERB_UNAUTHENTICATE] = 1 },
};

static enum model_verb some_verb(struct generator *generator, const struct client *client)
{
    const uint8_t *row = weights[client->selected != NULL];
    unsigned sum = 0;
    uint64_t at;

    for (unsigned i = 0; i < VERB_COUNT; i++)
        sum += row[i];
    at = below(generator, sum);
    for (unsigned i = 0;; i++) {
        if (at < row[i])
            return (enum model_verb)i;
        at -= row[i];
    }
}

static bool has_uid_form(enum model_verb verb)
{
    return verb == VERB_FETCH || verb == VERB_STORE || verb == VERB_SEARCH || verb == VERB_SORT ||
           verb == VERB_COPY || verb == VERB_MOVE || verb == VERB_EXPUNGE;
}

void model_generate(struct generator *generator, const struct client *client, bool pipelined,
                    struct model_command *out)
{
    bool full;

    do {
        memset(out, 0, sizeof(*out));
        out->name = NAME_NONE;
        out->verb = (uint8_t)some_verb(generator, client);
        out->uid = has_uid_form((enum model_verb)out->verb) && one_in(generator, 2);
        /* RFC 9051 section 5.5: numbers must not wait behind what may shift them. */
        if (pipelined && has_uid_form((enum model_verb)out->verb) && out->verb != VERB_EXPUNGE)
            out->uid = true;
        make_arguments(generator, client, out);
        out->quoted = one_in(generator, 3);
        out->literal = one_in(generator, 10);
        out->lower = one_in(generator, 10);
        full = (out->verb == VERB_APPEND && is_full(client, out->name)) ||
               (out->verb == VERB_COPY && is_full(client, out->name_to)) ||
               (out->verb == VERB_MOVE && is_full(client, out->name_to)) ||
               (out->verb == VERB_LINE && client->bad_in_a_row > 8);
    } while (full);
}
