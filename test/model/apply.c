/* What a command does to the account, and how it is to be answered (RFC 9051 section 6). */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/client.h"
#include "model/names.h"
#include "model/samples.h"

static void may(struct pending *head, unsigned answers, const char *code)
{
    head->answers = answers;
    head->code = code;
}

/* NULL: no mailbox may have that name. */
static const char *good_name(unsigned index)
{
    return index < NAMES_GOOD ? model_name_canonical(index) : NULL;
}

static struct box *box_named(struct client *client, unsigned index)
{
    const char *name = good_name(index);

    return name == NULL ? NULL : world_find(client->world, name);
}

bool client_set_has(const struct client *client, const struct model_set *set, uint32_t uid)
{
    uint32_t star = client->pending[0].star_uid;

    if (set->saved) {
        for (uint32_t i = 0; i < client->saved_count; i++)
            if (client->saved[i] == uid)
                return true;
        return false;
    }
    for (unsigned i = 0; i < set->count; i++) {
        uint32_t first = set->ranges[i].first == 0 ? star : set->ranges[i].first;
        uint32_t last = set->ranges[i].last == 0 ? star : set->ranges[i].last;

        if ((uid >= first && uid <= last) || (uid >= last && uid <= first))
            return true;
    }
    return false;
}

bool client_mark_set(struct client *client, const struct model_set *set, bool uid)
{
    bool by_uid = uid || set->saved;
    uint32_t star = client->pending[0].star;

    for (unsigned i = 0; i < set->count && !by_uid; i++)
        if (star == 0 || set->ranges[i].first > star || set->ranges[i].last > star)
            return false;
    for (uint32_t i = 0; i < client->count; i++) {
        struct view_row *row = &client->view[i];

        row->in_set = false;
        if (by_uid)
            row->in_set = client_set_has(client, set, row->row->uid);
        for (unsigned n = 0; n < set->count && !by_uid; n++) {
            uint32_t first = set->ranges[n].first == 0 ? star : set->ranges[n].first;
            uint32_t last = set->ranges[n].last == 0 ? star : set->ranges[n].last;

            row->in_set |= (i + 1 >= first && i + 1 <= last) || (i + 1 >= last && i + 1 <= first);
        }
    }
    return true;
}

static bool any_is_gone(const struct client *client)
{
    for (uint32_t i = 0; i < client->count; i++)
        if (client->view[i].in_set && client->view[i].row->expunged != 0)
            return true;
    return false;
}

/* Is this row of the mailbox meant? By UID also one that the client has not heard of. */
static bool is_meant(const struct client *client, const struct pending *head,
                     const struct row_model *row)
{
    const struct model_command *command = &head->command;

    if (row->expunged != 0)
        return false;
    if (command->uid)
        return client_set_has(client, &command->set, row->uid);
    for (uint32_t i = 0; i < client->count; i++)
        if (client->view[i].row == row)
            return client->view[i].in_set;
    return false;
}

/* --- names --- */

static void apply_create(struct client *client, struct pending *head)
{
    const struct model_command *command = &head->command;
    const char *name = good_name(command->name);
    uint8_t use = (uint8_t)(1u << command->use >> 1);
    bool taken = world_has_use(client->world, use);

    if (command->use == 0 && name != NULL && !world_has_use(client->world, world_usual_use(name)))
        use = world_usual_use(name);
    if (name == NULL)
        may(head, ANSWER_NO | ANSWER_BAD, NULL);
    else if (command->use == 7 || (taken && world_find(client->world, name) == NULL))
        may(head, ANSWER_NO, "USEATTR");
    else if (world_find(client->world, name) != NULL)
        may(head, ANSWER_NO, taken ? NULL : "ALREADYEXISTS");
    else {
        client->world->change++;
        head->to = world_create(client->world, name, use);
        may(head, ANSWER_OK, "MAILBOXID");
    }
}

static void apply_delete(struct client *client, struct pending *head)
{
    struct box *box = box_named(client, head->command.name);

    if (good_name(head->command.name) == NULL)
        may(head, ANSWER_NO | ANSWER_BAD, NULL);
    else if (box == NULL)
        may(head, ANSWER_NO, "NONEXISTENT");
    else if (strcmp(box->name, "INBOX") == 0)
        may(head, ANSWER_NO, "CANNOT");
    else {
        client->world->change++;
        world_delete(client->world, box);
        may(head, ANSWER_OK, NULL);
    }
}

static void apply_rename(struct client *client, struct pending *head)
{
    struct box *box = box_named(client, head->command.name);
    const char *to = good_name(head->command.name_to);

    if (to == NULL || good_name(head->command.name) == NULL)
        may(head, ANSWER_NO | ANSWER_BAD, NULL);
    else if (box == NULL)
        may(head, ANSWER_NO, "NONEXISTENT");
    else if (strcmp(box->name, "INBOX") != 0 && model_name_is_below(to, box->name))
        may(head, ANSWER_NO, world_find(client->world, to) != NULL ? NULL : "CANNOT");
    else if (!world_has_room(client->world, box, to))
        may(head, ANSWER_NO, "ALREADYEXISTS");
    else {
        client->world->change++;
        world_rename(client->world, box, to);
        may(head, ANSWER_OK, NULL);
    }
}

static void apply_subscribe(struct client *client, struct pending *head)
{
    const char *name = good_name(head->command.name);
    bool subscribed = head->command.verb == VERB_SUBSCRIBE;

    if (name == NULL) {
        may(head, ANSWER_NO | ANSWER_BAD, NULL);
        return;
    }
    if (world_is_subscribed(client->world, name) != subscribed)
        client->world->change++;
    world_subscribe(client->world, name, subscribed);
    may(head, ANSWER_OK, NULL);
}

static void apply_status(struct client *client, struct pending *head)
{
    head->to = box_named(client, head->command.name);
    if ((head->command.status & STATUS_HIGHESTMODSEQ) != 0)
        client->condstore = true;
    if (head->to != NULL)
        may(head, ANSWER_OK, NULL);
    else if (good_name(head->command.name) == NULL)
        may(head, ANSWER_NO | ANSWER_BAD, NULL);
    else
        may(head, ANSWER_NO, "NONEXISTENT");
}

static void apply_list(struct client *client, struct pending *head)
{
    const struct model_command *command = &head->command;

    /* RFC 9051 section 6.3.9: RECURSIVEMATCH only with another selection option. */
    if ((command->list & LIST_RECURSIVE) != 0 &&
        (command->list & (LIST_SUBSCRIBED | LIST_SPECIAL_USE)) == 0) {
        may(head, ANSWER_BAD, NULL);
        return;
    }
    if ((command->list & LIST_RETURN_STATUS) != 0 && (command->status & STATUS_HIGHESTMODSEQ) != 0)
        client->condstore = true;
    may(head, ANSWER_OK, NULL);
}

/* --- the selected mailbox --- */

static void look_at(struct client *client, struct box *box)
{
    uint64_t floor = box->recent_floor;

    client->count = 0;
    for (uint32_t i = 0; i < box->row_count; i++) {
        struct row_model *row = &box->rows[i];

        if (row->expunged != 0)
            continue;
        client->view[client->count++] = (struct view_row){
            .row = row, .told = row_now(row)->modseq, .recent = !client->rev2 && row->uid >= floor
        };
    }
    client->uid_seen = box->uidnext - 1;
}

/* RFC 3501 section 2.3.2: to the first session that hears of them, and only to that. */
void client_claim_recent(struct client *client)
{
    struct box *box = client->selected;

    if (client->rev2 || client->read_only || box->deleted || box_recent(box) == 0)
        return;
    box->recent_floor = box->uidnext;
    client->world->change++;
}

void client_forget_selected(struct client *client)
{
    client->selected = NULL;
    client->count = 0;
    client->saved_count = 0;
    client->keywords = 0;
    client->told_deleted = false;
}

static void apply_select(struct client *client, struct pending *head)
{
    const struct model_command *command = &head->command;
    struct box *box = box_named(client, command->name);

    if (command->qresync && !client->qresync) {
        may(head, ANSWER_BAD, NULL); /* RFC 7162 section 3.2.5: and nothing happens */
        return;
    }
    head->told_closed = client->selected == NULL; /* else it must be said */
    client_forget_selected(client);
    head->to = box;
    if (box == NULL) {
        may(head, ANSWER_NO | (good_name(command->name) == NULL ? ANSWER_BAD : 0), NULL);
        return;
    }
    client->condstore |= command->condstore;
    client->selected = box;
    client->read_only = command->verb == VERB_EXAMINE;
    client->name = box->name;
    look_at(client, box);
    client_claim_recent(client);
    for (uint32_t i = client->count; i > 0; i--) {
        struct view_row *row = &client->view[i - 1];

        if ((row_now(row->row)->flags & MARK_SEEN) == 0)
            head->first = i;
        row->wanted = command->qresync && row->told > command->modseq;
    }
    may(head, ANSWER_OK, client->read_only ? "READ-ONLY" : "READ-WRITE");
}

static bool only_selected(struct client *client, struct pending *head)
{
    if (client->selected != NULL)
        return true;
    may(head, ANSWER_BAD, NULL);
    return false;
}

static void apply_expunge_rows(struct client *client, struct pending *head, bool uid)
{
    struct box *box = client->selected;
    uint32_t last = client->count == 0 ? 0 : client->view[client->count - 1].row->uid;
    bool any = false;

    for (uint32_t i = 0; i < box->row_count; i++) {
        struct row_model *row = &box->rows[i];

        if (row->expunged != 0 || (row_now(row)->flags & MARK_DELETED) == 0 ||
            (uid ? !client_set_has(client, &head->command.set, row->uid) : row->uid > last))
            continue;
        if (!any)
            client->world->change++;
        any = true;
        box_expunge(client->world, box, row);
    }
}

static void apply_expunge(struct client *client, struct pending *head)
{
    if (!only_selected(client, head))
        return;
    if (client->read_only || client->selected->deleted) {
        may(head, ANSWER_NO, NULL);
        return;
    }
    apply_expunge_rows(client, head, head->command.uid);
    may(head, ANSWER_OK, NULL);
}

static void apply_close(struct client *client, struct pending *head)
{
    if (!only_selected(client, head))
        return;
    if (head->command.verb == VERB_CLOSE && !client->read_only && !client->selected->deleted)
        apply_expunge_rows(client, head, false);
    client_forget_selected(client);
    may(head, ANSWER_OK, NULL);
}

static uint16_t stored(const struct model_command *command, uint16_t flags)
{
    switch (command->sign) {
    case '+': return flags | command->flags;
    case '-': return flags & (uint16_t)~command->flags;
    default: return command->flags;
    }
}

static void store_rows(struct client *client, struct pending *head)
{
    const struct model_command *command = &head->command;
    struct box *box = client->selected;
    bool any = false;

    for (uint32_t i = 0; i < box->row_count; i++) {
        struct row_model *row = &box->rows[i];

        if (!is_meant(client, head, row))
            continue;
        if (command->has_unchanged && row_now(row)->modseq > command->unchanged) {
            head->uids[head->count++] = row->uid; /* MODIFIED */
            continue;
        }
        if (row_now(row)->flags == stored(command, row_now(row)->flags))
            continue;
        if (!any)
            client->world->change++;
        any = true;
        (void)box_set_flags(client->world, box, row, stored(command, row_now(row)->flags));
    }
}

static bool was_modified(const struct pending *head, uint32_t uid)
{
    for (uint32_t i = 0; i < head->count; i++)
        if (head->uids[i] == uid)
            return true;
    return false;
}

static void apply_store(struct client *client, struct pending *head)
{
    const struct model_command *command = &head->command;
    bool valid;

    if (!only_selected(client, head))
        return;
    valid = client_mark_set(client, &command->set, command->uid);
    if (client->read_only || client->selected->deleted) {
        may(head, ANSWER_NO | (valid ? 0 : ANSWER_BAD), NULL);
        return;
    }
    if (command->has_unchanged)
        client->condstore = true;
    if (!valid) {
        may(head, ANSWER_BAD, NULL);
        return;
    }
    store_rows(client, head);
    head->own = client->world->change > head->since ? client->world->change : 0;
    for (uint32_t i = 0; i < client->count; i++) {
        struct view_row *row = &client->view[i];

        row->wanted = false;
        if (!row->in_set || row->row->expunged != 0 || was_modified(head, row->row->uid))
            continue;
        row->wanted = !command->silent && head->star > 0 && row->row->uid <= head->star_uid;
    }
    /* One that changed nothing may have been through before they went. */
    if (any_is_gone(client) && !command->uid && head->overlapped)
        may(head, ANSWER_OK | ANSWER_NO, NULL);
    else if (any_is_gone(client) && !command->uid)
        may(head, ANSWER_NO, head->count > 0 ? "MODIFIED" : "EXPUNGEISSUED");
    else
        may(head, ANSWER_OK, head->count > 0 ? "MODIFIED" : NULL);
}

void client_note_silent(struct client *client, const struct pending *head)
{
    for (uint32_t i = 0; i < client->count && head->command.silent && !client->condstore; i++) {
        struct view_row *row = &client->view[i];

        if (row->in_set && head->own != 0 && row_now(row->row)->modseq == head->own)
            row->told = head->own;
    }
}

static bool sets_seen(const struct model_command *command)
{
    for (unsigned i = 0; i < command->section_count; i++)
        if (!command->sections[i].peek && command->sections[i].kind != 2)
            return true;
    return (command->items & (ITEM_RFC822 | ITEM_RFC822_TEXT)) != 0;
}

/* Is it one that FETCH sets \Seen on? */
static bool is_to_be_seen(const struct client *client, const struct pending *head,
                          const struct row_model *row)
{
    return (row_now(row)->flags & MARK_SEEN) == 0 && is_meant(client, head, row) &&
           row_now(row)->modseq > head->command.changed;
}

/* RFC 9051 section 9, seq-number: in an empty mailbox it is UIDNEXT. */
static void know_star(const struct client *client, struct pending *head)
{
    if (head->star == 0 && client->selected != NULL)
        head->star_uid = client->selected->uidnext;
}

static void see_rows(struct client *client, struct pending *head)
{
    struct box *box = client->selected;
    bool any = false;

    for (uint32_t i = 0; i < box->row_count; i++) {
        struct row_model *row = &box->rows[i];
        uint16_t flags = row_now(row)->flags;

        if (!is_to_be_seen(client, head, row))
            continue;
        if (!any)
            client->world->change++;
        any = true;
        (void)box_set_flags(client->world, box, row, flags | MARK_SEEN);
    }
}

static void apply_fetch(struct client *client, struct pending *head)
{
    const struct model_command *command = &head->command;

    if (!only_selected(client, head))
        return;
    if (command->vanished && (!command->uid || !client->qresync)) {
        may(head, ANSWER_BAD, NULL);
        return;
    }
    if ((command->items & ITEM_MODSEQ) != 0 || command->changed > 0)
        client->condstore = true;
    if (!client_mark_set(client, &command->set, command->uid)) {
        may(head, ANSWER_BAD, NULL);
        return;
    }
    for (uint32_t i = 0; i < client->count; i++) {
        struct view_row *row = &client->view[i];

        /* Of what is new to the client just now nothing needs to be said; nor of what $ holds in a
         * mailbox that was deleted, where not everything could be searched. */
        row->wanted = row->in_set && !(command->set.saved && client->selected->deleted) &&
                      row->row->expunged == 0 && row->told > command->changed && head->star > 0 &&
                      row->row->uid <= head->star_uid;
    }
    if (sets_seen(command) && !client->read_only && !client->selected->deleted)
        see_rows(client, head);
    may(head, any_is_gone(client) || client->selected->deleted ? ANSWER_OK | ANSWER_NO : ANSWER_OK,
        NULL);
}

static void copy_rows(struct client *client, struct pending *head)
{
    struct box *from = client->selected;
    uint32_t row_count = from->row_count;

    for (uint32_t i = 0; i < row_count; i++) {
        struct row_model *row = &from->rows[i];

        if (!is_meant(client, head, row))
            continue;
        if (head->count == 0) {
            client->world->change++;
            head->first = head->to->uidnext;
        }
        head->uids[head->count++] = row->uid;
        (void)box_add(client->world, head->to, row, row_now(row)->flags);
        if (head->command.verb == VERB_MOVE)
            box_expunge(client->world, from, row);
    }
}

static void apply_copy(struct client *client, struct pending *head)
{
    const struct model_command *command = &head->command;
    bool valid;

    if (!only_selected(client, head))
        return;
    valid = client_mark_set(client, &command->set, command->uid);
    if ((command->verb == VERB_MOVE && client->read_only) || client->selected->deleted) {
        may(head, ANSWER_NO | (valid ? 0 : ANSWER_BAD), NULL);
        return;
    }
    head->to = box_named(client, command->name_to);
    if (head->to == NULL) {
        bool good = good_name(command->name_to) != NULL;

        may(head, ANSWER_NO | (valid && good ? 0 : ANSWER_BAD), good && valid ? "TRYCREATE" : NULL);
        return;
    }
    if (!valid) {
        may(head, ANSWER_BAD, NULL);
        return;
    }
    if (any_is_gone(client) && !command->uid) {
        may(head, ANSWER_NO, "EXPUNGEISSUED");
        return;
    }
    copy_rows(client, head);
    may(head, ANSWER_OK, NULL);
}

static void apply_search(struct client *client, struct pending *head)
{
    const struct model_command *command = &head->command;

    if (!only_selected(client, head))
        return;
    for (unsigned i = 0; i < command->key_count; i++)
        if (command->keys[i].type == KEY_MODSEQ)
            client->condstore = true;
    if (command->charset == 3) {
        may(head, ANSWER_NO, "BADCHARSET");
        if ((command->returns & RETURN_SAVE) != 0)
            client->saved_count = 0; /* RFC 9051 section 6.4.4.1 */
        return;
    }
    client_search(client, head);
    if ((command->returns & RETURN_SAVE) != 0)
        client_search_save(client, head);
    may(head, ANSWER_OK, NULL);
}

/* --- others --- */

void client_resolve(struct client *client, struct pending *head)
{
    if (head->resolved)
        return;
    head->resolved = true;
    head->to = box_named(client, head->command.name);
}

static void apply_append(struct client *client, struct pending *head)
{
    const struct model_command *command = &head->command;

    client_resolve(client, head);
    if (good_name(command->name) == NULL) {
        may(head, ANSWER_NO | ANSWER_BAD, NULL);
        return;
    }
    if (head->to == NULL || head->to->deleted) {
        may(head, ANSWER_NO | (command->cut ? ANSWER_BAD : 0), command->cut ? NULL : "TRYCREATE");
        return;
    }
    if (command->cut) {
        may(head, ANSWER_BAD, NULL);
        return;
    }
    client->world->change++;
    head->first = head->to->uidnext;
    head->count = command->message_count;
    for (unsigned i = 0; i < command->message_count; i++) {
        const struct model_message *message = &command->messages[i];
        struct row_model like = { .sample = message->sample,
                                  .day = message->day,
                                  .number = message->number };

        (void)box_add(client->world, head->to, &like, message->flags);
    }
    may(head, ANSWER_OK, "APPENDUID");
}

static void apply_enable(struct client *client, struct pending *head)
{
    uint8_t enable = head->command.enable;

    client->rev2 |= (enable & ENABLE_REV2) != 0;
    client->qresync |= (enable & ENABLE_QRESYNC) != 0;
    client->condstore |= (enable & (ENABLE_CONDSTORE | ENABLE_QRESYNC)) != 0;
    may(head, ANSWER_OK, NULL);
}

void client_begin(struct client *client)
{
    struct pending *head = &client->pending[0];

    if (client->pending_count == 0 || head->begun)
        return;
    head->begun = true;
    head->star = client->count;
    head->star_uid = client->count == 0 ? 0 : client->view[client->count - 1].row->uid;
}

void client_apply(struct client *client, struct pending *head)
{
    if (head->applied)
        return;
    head->applied = true;
    head->since = client->world->change;
    know_star(client, head);
    switch ((enum model_verb)head->command.verb) {
    case VERB_CREATE: apply_create(client, head); break;
    case VERB_DELETE: apply_delete(client, head); break;
    case VERB_RENAME: apply_rename(client, head); break;
    case VERB_SUBSCRIBE:
    case VERB_UNSUBSCRIBE: apply_subscribe(client, head); break;
    case VERB_STATUS: apply_status(client, head); break;
    case VERB_LIST:
    case VERB_LSUB: apply_list(client, head); break;
    case VERB_SELECT:
    case VERB_EXAMINE: apply_select(client, head); break;
    case VERB_CLOSE:
    case VERB_UNSELECT: apply_close(client, head); break;
    case VERB_EXPUNGE: apply_expunge(client, head); break;
    case VERB_STORE: apply_store(client, head); break;
    case VERB_FETCH: apply_fetch(client, head); break;
    case VERB_COPY:
    case VERB_MOVE: apply_copy(client, head); break;
    case VERB_SEARCH:
    case VERB_SORT: apply_search(client, head); break;
    case VERB_APPEND: apply_append(client, head); break;
    case VERB_ENABLE: apply_enable(client, head); break;
    case VERB_LINE: may(head, odd_lines[head->command.name].answers, NULL); break;
    case VERB_CHECK:
        if (only_selected(client, head))
            may(head, ANSWER_OK, NULL);
        break;
    case VERB_NOOP:
    case VERB_CAPABILITY:
    case VERB_ID:
    case VERB_NAMESPACE:
    case VERB_IDLE:
    case VERB_LOGOUT:
    case VERB_UNAUTHENTICATE:
    case VERB_COUNT: may(head, ANSWER_OK, NULL); break;
    }
}
