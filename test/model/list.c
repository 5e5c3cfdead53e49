/* LIST, LSUB and STATUS: which names an answer must bear, and how (RFC 9051 sections 6.3.9, 6.3.11,
 * 7.3.1; RFC 3501 section 6.3.9; RFC 5258; RFC 5819; RFC 6154). */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "model/client.h"
#include "model/names.h"
#include "model/samples.h"

enum attribute {
    ATTR_NONEXISTENT = 1 << 0,
    ATTR_NOSELECT = 1 << 1,
    ATTR_CHILDREN = 1 << 2,
    ATTR_NO_CHILDREN = 1 << 3,
    ATTR_SUBSCRIBED = 1 << 4,
    ATTR_USE_SHIFT = 5,
};

static const char *const attribute_words[] = {
    "\\NonExistent", "\\Noselect", "\\HasChildren", "\\HasNoChildren", "\\Subscribed", "\\Archive",
    "\\Drafts",      "\\Flagged",  "\\Junk",        "\\Sent",          "\\Trash",
};

enum { UNIVERSE_MAX = 300 };

/* Names that LIST may answer: mailboxes, subscriptions, and the levels above them. */
struct universe {
    unsigned count;
    char names[UNIVERSE_MAX][NAME_BYTES_MAX];
};

static bool is_in(const struct universe *universe, const char *name)
{
    for (unsigned i = 0; i < universe->count; i++)
        if (strcmp(universe->names[i], name) == 0)
            return true;
    return false;
}

static void add_name(struct universe *universe, const char *name, size_t len)
{
    char text[NAME_BYTES_MAX];

    memcpy(text, name, len);
    text[len] = '\0';
    if (is_in(universe, text))
        return;
    if (universe->count == UNIVERSE_MAX)
        model_fail("too many names for this test");
    memcpy(universe->names[universe->count++], text, len + 1);
}

static void add_levels(struct universe *universe, const char *name, bool levels)
{
    for (const char *at = strchr(name, '/'); at != NULL && levels; at = strchr(at + 1, '/'))
        add_name(universe, name, (size_t)(at - name));
    add_name(universe, name, strlen(name));
}

static void gather(const struct client *client, const struct pending *head,
                   struct universe *universe)
{
    const struct world *world = client->world;
    uint16_t list = head->command.list;
    bool lsub = head->command.verb == VERB_LSUB;
    bool subscribed = lsub || (list & LIST_SUBSCRIBED) != 0;
    bool levels =
        lsub || (list & (LIST_SUBSCRIBED | LIST_SPECIAL_USE)) == 0 || (list & LIST_RECURSIVE) != 0;

    universe->count = 0;
    for (unsigned i = 0; i < world->box_count && !subscribed; i++)
        if (!world->boxes[i].deleted)
            add_levels(universe, world->boxes[i].name, levels);
    for (unsigned i = 0; i < world->subscription_count && subscribed; i++)
        add_levels(universe, world->subscriptions[i], levels);
}

static bool matches(const struct model_command *command, const char *name)
{
    char pattern[NAME_BYTES_MAX];

    for (unsigned i = 0; i < command->pattern_count; i++) {
        if (model_patterns[command->patterns[i]].utf8[0] == '\0')
            continue; /* RFC 5258 section 3 */
        (void)snprintf(pattern, sizeof(pattern), "%s%s", model_references[command->reference],
                       model_patterns[command->patterns[i]].utf8);
        if (model_pattern_matches(pattern, name))
            return true;
    }
    return false;
}

static bool is_chosen(const struct client *client, uint16_t list, const char *name)
{
    const struct box *box = world_find(client->world, name);

    if ((list & LIST_SUBSCRIBED) != 0 && !world_is_subscribed(client->world, name))
        return false;
    return (list & LIST_SPECIAL_USE) == 0 || (box != NULL && box->use != 0);
}

/* RFC 9051 section 6.3.9.6: is something below chosen, and not shown itself? */
static bool below_is_chosen(const struct client *client, const struct pending *head,
                            const struct universe *universe, const char *name, bool hidden)
{
    for (unsigned i = 0; i < universe->count; i++)
        if (model_name_is_below(universe->names[i], name) &&
            is_chosen(client, head->command.list, universe->names[i]) &&
            (!hidden || !matches(&head->command, universe->names[i])))
            return true;
    return false;
}

static bool is_extended(const struct model_command *command)
{
    return (command->list & (15 | LIST_PARENTHESES | LIST_RETURN)) != 0 ||
           command->pattern_count > 1;
}

static bool is_root(const struct model_command *command)
{
    return !is_extended(command) && model_patterns[command->patterns[0]].utf8[0] == '\0';
}

/* Of LSUB: RFC 3501 section 6.3.9 shows a level above a subscribed name where "%" ends the pattern.
 */
static bool is_listed(const struct client *client, const struct pending *head,
                      const struct universe *universe, const char *name)
{
    const struct model_command *command = &head->command;
    const char *pattern = model_patterns[command->patterns[0]].utf8;

    if (!matches(command, name))
        return false;
    if (command->verb == VERB_LSUB)
        return world_is_subscribed(client->world, name) ||
               (pattern[0] != '\0' && pattern[strlen(pattern) - 1] == '%');
    if (is_chosen(client, command->list, name))
        return true;
    return (command->list & LIST_RECURSIVE) != 0 &&
           below_is_chosen(client, head, universe, name, true);
}

static bool has_children(struct client *client, const char *name)
{
    for (unsigned i = 0; i < client->world->box_count; i++)
        if (!client->world->boxes[i].deleted &&
            model_name_is_below(client->world->boxes[i].name, name))
            return true;
    return false;
}

static uint32_t attributes_of(struct client *client, const struct pending *head, const char *name)
{
    const struct model_command *command = &head->command;
    const struct box *box = world_find(client->world, name);
    uint32_t attributes = has_children(client, name) ? ATTR_CHILDREN : ATTR_NO_CHILDREN;

    if (command->verb == VERB_LSUB)
        return world_is_subscribed(client->world, name) ? 0 : ATTR_NOSELECT;
    if (box == NULL)
        attributes |= client->rev2 || is_extended(command) ? ATTR_NONEXISTENT : ATTR_NOSELECT;
    else
        attributes |= (uint32_t)box->use << ATTR_USE_SHIFT;
    if (command->verb == VERB_LIST &&
        (command->list & (LIST_SUBSCRIBED | LIST_RETURN_SUBSCRIBED)) != 0 &&
        world_is_subscribed(client->world, name))
        attributes |= ATTR_SUBSCRIBED;
    return attributes;
}

static uint32_t read_attributes(struct reader *reader)
{
    uint32_t attributes = 0;

    reader_want(reader, "(");
    while (!reader_skip(reader, ")")) {
        struct bytes word = reader_word(reader);
        uint32_t bit = 0;

        for (unsigned i = 0; i < sizeof(attribute_words) / sizeof(attribute_words[0]); i++)
            if (strlen(attribute_words[i]) == word.len &&
                strncasecmp(attribute_words[i], (const char *)word.at, word.len) == 0)
                bit = 1u << i;
        if (bit == 0 || (attributes & bit) != 0)
            model_fail("an attribute is unknown or there twice");
        attributes |= bit;
        (void)reader_skip(reader, " ");
    }
    return attributes;
}

static bool read_name(const struct client *client, struct reader *reader, char name[NAME_BYTES_MAX])
{
    return model_name_decode(reader_string(reader), client->rev2, name);
}

/* RFC 9051 section 6.3.9.7: the selected mailbox has another name now, or none; or the server
 * spells a name otherwise than the client did. */
static bool is_news(struct client *client, struct pending *head, const char *name,
                    uint32_t attributes)
{
    struct box *box = client->selected;

    if (!client->rev2)
        return false;
    if (head->command.verb == VERB_SELECT || head->command.verb == VERB_EXAMINE) {
        head->told_name = box != NULL && strcmp(name, box->name) == 0;
        return head->told_name;
    }
    if (box != NULL && box->deleted && (attributes & ATTR_NONEXISTENT) != 0 &&
        strcmp(name, client->name) == 0) {
        client->told_deleted = true;
        return true;
    }
    if (box != NULL && !box->deleted && strcmp(name, box->name) == 0) {
        client->name = box->name;
        return true;
    }
    if (head->command.name == NAME_NONE || head->command.name >= NAMES_GOOD)
        return false;
    return strcmp(name, model_name_canonical(head->command.name)) == 0 ||
           (head->command.verb == VERB_RENAME && head->command.name_to < NAMES_GOOD &&
            strcmp(name, model_name_canonical(head->command.name_to)) == 0);
}

/* ("CHILDINFO" ("SUBSCRIBED")), ("OLDNAME" ("x")). */
static void read_extended(struct client *client, const struct pending *head,
                          const struct universe *universe, struct reader *reader, const char *name)
{
    bool child_info = false;

    if (reader_skip(reader, " (\"CHILDINFO\" (")) {
        child_info = true;
        if (((head->command.list & LIST_SUBSCRIBED) != 0) != reader_skip(reader, "\"SUBSCRIBED\""))
            model_fail("CHILDINFO says something else");
        (void)reader_skip(reader, " ");
        if (((head->command.list & LIST_SPECIAL_USE) != 0) !=
            reader_skip(reader, "\"SPECIAL-USE\""))
            model_fail("CHILDINFO says something else");
        reader_want(reader, "))");
    }
    if (child_info != ((head->command.list & LIST_RECURSIVE) != 0 &&
                       below_is_chosen(client, head, universe, name, false)))
        model_fail("CHILDINFO is missing or too much");
    if (!reader_at_end(reader))
        model_fail("more than should be, at byte %zu", reader->at);
}

static void note_listed(struct pending *head, const char *name)
{
    static char texts[LISTED_MAX][NAME_BYTES_MAX];

    for (unsigned i = 0; i < head->listed_count; i++)
        if (strcmp(head->listed[i], name) == 0)
            model_fail("%s is listed twice", name);
    if (head->listed_count == LISTED_MAX)
        model_fail("too many names for this test");
    memcpy(texts[head->listed_count], name, strlen(name) + 1);
    head->listed[head->listed_count] = texts[head->listed_count];
    head->listed_count++;
}

void client_read_list(struct client *client, struct pending *head, struct reader *reader, bool lsub)
{
    static struct universe universe;
    uint32_t attributes = read_attributes(reader);
    bool asked = head->command.verb == (lsub ? VERB_LSUB : VERB_LIST);
    char name[NAME_BYTES_MAX];

    reader_want(reader, " \"/\" ");
    if (!read_name(client, reader, name))
        model_fail("a name in no known spelling");
    if (!lsub && memmem(reader->line.at, reader->line.len, "\"OLDNAME\"", 9) != NULL)
        asked = false;
    if (!asked) {
        if (lsub || !is_news(client, head, name, attributes))
            model_fail("LIST that nobody asked for");
        return;
    }
    if (is_root(&head->command)) {
        bool root = name[0] == '\0' || strcmp(name, model_references[head->command.reference]) == 0;

        if (!root && !is_news(client, head, name, attributes))
            model_fail("LIST of the root has a name");
        head->told_search |= root;
        return;
    }
    gather(client, head, &universe);
    if (!is_in(&universe, name) || !is_listed(client, head, &universe, name)) {
        if (!is_news(client, head, name, attributes))
            model_fail("%s should not be listed", name);
        return;
    }
    if (attributes != attributes_of(client, head, name)) {
        if (is_news(client, head, name, attributes))
            return;
        model_fail("the attributes of %s are %x, not %x", name, attributes,
                   attributes_of(client, head, name));
    }
    note_listed(head, name);
    if (!lsub)
        read_extended(client, head, &universe, reader, name);
}

void client_check_list(struct client *client, const struct pending *head)
{
    static struct universe universe;
    unsigned status = 0;

    if (is_root(&head->command)) {
        if (!head->told_search)
            model_fail("LIST of the root is not told");
        return;
    }
    gather(client, head, &universe);
    for (unsigned i = 0; i < universe.count; i++) {
        bool told = false;

        if (!is_listed(client, head, &universe, universe.names[i]))
            continue;
        for (unsigned n = 0; n < head->listed_count && !told; n++)
            told = strcmp(head->listed[n], universe.names[i]) == 0;
        if (!told)
            model_fail("%s is not listed", universe.names[i]);
        status += world_find(client->world, universe.names[i]) != NULL;
    }
    if (head->command.verb == VERB_LIST && (head->command.list & LIST_RETURN_STATUS) != 0 &&
        head->status_count != status)
        model_fail("STATUS is told %u times, not %u", head->status_count, status);
}

/* --- STATUS --- */

static uint64_t status_value(struct box *box, unsigned bit)
{
    switch (1u << bit) {
    case STATUS_MESSAGES: return box->alive;
    case STATUS_UIDNEXT: return box->uidnext;
    case STATUS_UNSEEN: return box_count(box, MARK_SEEN, false);
    case STATUS_DELETED: return box_count(box, MARK_DELETED, true);
    case STATUS_SIZE: return box_bytes(box);
    case STATUS_RECENT: return box_recent(box);
    default: return 0;
    }
}

static void read_status_item(struct client *client, struct box *box, struct reader *reader,
                             unsigned bit)
{
    uint64_t number;

    if (1u << bit == STATUS_MAILBOXID) {
        reader_want(reader, "(");
        model_learn_id(box->id, reader_word(reader), "MAILBOXID");
        reader_want(reader, ")");
        return;
    }
    number = reader_number(reader);
    if (1u << bit == STATUS_UIDVALIDITY) {
        model_learn_uidvalidity(client->world, box, number);
        return;
    }
    if (1u << bit == STATUS_HIGHESTMODSEQ) {
        if (number == 0 || (box->highest != 0 && number != box->highest))
            model_fail("HIGHESTMODSEQ should be %llu", (unsigned long long)box->highest);
        return;
    }
    if (number != status_value(box, bit))
        model_fail("%s should be %llu", status_words[bit],
                   (unsigned long long)status_value(box, bit));
}

void client_read_status(struct client *client, struct pending *head, struct reader *reader)
{
    uint16_t told = 0;
    char name[NAME_BYTES_MAX];
    struct box *box;

    if (head->command.verb != VERB_STATUS &&
        (head->command.verb != VERB_LIST || (head->command.list & LIST_RETURN_STATUS) == 0))
        model_fail("STATUS that nobody asked for");
    if (!read_name(client, reader, name))
        model_fail("a name in no known spelling");
    box = world_find(client->world, name);
    if (box == NULL || (head->command.verb == VERB_STATUS && box != head->to))
        model_fail("STATUS of another mailbox");
    reader_want(reader, " (");
    while (!reader_skip(reader, ")")) {
        struct bytes word = reader_word(reader);
        unsigned bit = 0;

        while (bit < STATUS_BITS && !bytes_equal(word, bytes_from_string(status_words[bit])))
            bit++;
        if (bit == STATUS_BITS)
            model_fail("an item of STATUS that nobody knows");
        reader_want(reader, " ");
        read_status_item(client, box, reader, bit);
        told |= (uint16_t)(1u << bit);
        (void)reader_skip(reader, " ");
    }
    if (told != head->command.status)
        model_fail("STATUS has other items than those asked for");
    head->status_count++;
}
