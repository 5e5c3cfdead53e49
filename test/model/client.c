/* Reading what the server says, line by line (RFC 9051 section 7). */
#include "model/client.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "model/names.h"

uint64_t model_real_change;

void model_learn_id(char known[ID_BYTES_MAX], struct bytes told, const char *what)
{
    if (told.len == 0 || told.len >= ID_BYTES_MAX)
        model_fail("%s is no id", what);
    if (known[0] == '\0') {
        memcpy(known, told.at, told.len);
        known[told.len] = '\0';
        return;
    }
    if (strlen(known) != told.len || memcmp(known, told.at, told.len) != 0)
        model_fail("%s was %s before", what, known);
}

void model_learn_uidvalidity(struct world *world, struct box *box, uint64_t told)
{
    struct box *other = world_by_uidvalidity(world, (uint32_t)told);

    if (told == 0 || told > UINT32_MAX)
        model_fail("UIDVALIDITY is no such number");
    if (other != NULL && other != box)
        model_fail("UIDVALIDITY is that of another mailbox");
    if (box->uidvalidity != 0 && box->uidvalidity != told)
        model_fail("UIDVALIDITY was %u before", box->uidvalidity);
    box->uidvalidity = (uint32_t)told;
}

uint16_t model_read_flags(struct reader *reader)
{
    uint16_t flags = 0;

    reader_want(reader, "(");
    while (!reader_skip(reader, ")")) {
        struct bytes word = reader_word(reader);
        uint16_t bit = 0;

        for (unsigned i = 0; i < MARK_WORDS; i++)
            if (strlen(flag_words[i]) == word.len &&
                strncasecmp(flag_words[i], (const char *)word.at, word.len) == 0)
                bit = (uint16_t)(1u << i);
        if (bytes_equal(word, BYTES("\\Recent")))
            bit = MARK_RECENT;
        if (bytes_equal(word, BYTES("\\*")))
            bit = 1 << 14;
        if (bit == 0 || (flags & bit) != 0)
            model_fail("a flag is unknown or there twice");
        flags |= bit;
        (void)reader_skip(reader, " ");
    }
    return flags;
}

/* --- EXISTS, EXPUNGE, VANISHED --- */

static bool is_plain(const struct pending *head, enum model_verb verb)
{
    return head->command.verb == verb && !head->command.uid;
}

static bool searches_by_number(const struct pending *head)
{
    for (unsigned i = 0; i < head->command.key_count; i++)
        if (head->command.keys[i].type == KEY_SET && !head->command.keys[i].set.saved)
            return true;
    return false;
}

/* RFC 9051 section 7.5.1, RFC 5256 section 3: not while FETCH, STORE, SEARCH or SORT run, nor when
 * no command does. */
static bool may_expunge(const struct client *client)
{
    const struct pending *head = &client->pending[0];

    return client->pending_count > 0 && !is_plain(head, VERB_FETCH) &&
           !is_plain(head, VERB_STORE) && !is_plain(head, VERB_SEARCH) &&
           !is_plain(head, VERB_SORT) && !searches_by_number(head);
}

static void take_out(struct client *client, uint32_t index)
{
    const struct pending *head = &client->pending[0];
    uint32_t uid = client->view[index].row->uid;

    if (client->view[index].row->expunged == 0)
        model_fail("the message with UID %u is not expunged", uid);
    /* RFC 6851 section 4.3: the client knows where it went before it goes. */
    if (head->command.verb == VERB_MOVE && head->count > 0 && !head->told_copyuid)
        model_fail("COPYUID should come before EXPUNGE");
    memmove(&client->view[index], &client->view[index + 1],
            (client->count - index - 1) * sizeof(client->view[0]));
    client->count--;
    for (uint32_t i = 0; i < client->saved_count; i++)
        if (client->saved[i] == uid) {
            memmove(&client->saved[i], &client->saved[i + 1],
                    (client->saved_count - i - 1) * sizeof(client->saved[0]));
            client->saved_count--;
        }
}

static void read_expunge(struct client *client, struct pending *head, uint64_t number)
{
    if (client->qresync)
        model_fail("EXPUNGE after ENABLE QRESYNC");
    if (!may_expunge(client))
        model_fail("EXPUNGE when it is forbidden");
    if (number == 0 || number > client->count)
        model_fail("EXPUNGE of a message that is none");
    take_out(client, (uint32_t)number - 1);
    head->told_expunge = true;
}

static void vanish(void *context, uint32_t uid)
{
    struct client *client = context;

    for (uint32_t i = 0; i < client->count; i++)
        if (client->view[i].row->uid == uid) {
            take_out(client, i);
            return;
        }
    model_fail("VANISHED names UID %u, which is not known", uid);
}

static void vanish_earlier(void *context, uint32_t uid)
{
    struct client *client = context;
    struct pending *head = &client->pending[0];
    const struct row_model *row = box_row(client->selected, uid);

    if (row == NULL || row->expunged == 0)
        model_fail("VANISHED (EARLIER) names UID %u, which is not expunged", uid);
    for (uint32_t i = 0; i < client->count; i++)
        if (client->view[i].row == row)
            model_fail("VANISHED (EARLIER) names UID %u, which has a number", uid);
    if (head->told_count < VIEW_MAX)
        head->told[head->told_count++] = uid;
}

static void read_vanished(struct client *client, struct pending *head, struct reader *reader)
{
    if (!client->qresync)
        model_fail("VANISHED before ENABLE QRESYNC");
    if (reader_skip(reader, "(EARLIER) ")) {
        bool asked =
            (head->command.verb == VERB_FETCH && head->command.vanished) || head->command.qresync;

        if (!asked || head->told_highest == (head->command.verb == VERB_FETCH))
            model_fail("VANISHED (EARLIER) out of place");
        reader_set(reader, vanish_earlier, client);
        return;
    }
    if (!may_expunge(client))
        model_fail("VANISHED when it is forbidden");
    reader_set(reader, vanish, client);
    head->told_expunge = true;
}

/* New messages come in the order of their UIDs; one that came and went in between is passed over,
 * unless it went while this command ran. */
static void read_exists(struct client *client, struct pending *head, uint64_t number)
{
    struct box *box = client->selected;
    uint32_t floor = box->recent_floor;

    if (head->command.verb == VERB_SELECT || head->command.verb == VERB_EXAMINE) {
        if (number != client->count)
            model_fail("EXISTS should be %u", client->count);
        head->told_exists = true;
        return;
    }
    for (uint32_t i = client->uid_seen; i < box->row_count; i++) {
        struct row_model *row = &box->rows[i];

        if (row->expunged != 0)
            continue;
        if (client->count == number)
            model_fail("EXISTS leaves out UID %u", row->uid);
        client->view[client->count++] = (struct view_row){
            .row = row, .told = row_now(row)->modseq, .recent = !client->rev2 && row->uid >= floor
        };
        client->uid_seen = row->uid;
    }
    if (client->count != number)
        model_fail("EXISTS should be %u", client->count);
    client->uid_seen = box->uidnext - 1;
    client_claim_recent(client);
}

static void read_recent(struct client *client, struct pending *head, uint64_t number)
{
    uint32_t count = 0;

    if (client->rev2)
        model_fail("RECENT after ENABLE IMAP4rev2");
    for (uint32_t i = 0; i < client->count; i++)
        count += client->view[i].recent;
    if (number != count)
        model_fail("RECENT should be %u", count);
    head->told_recent = true;
}

/* --- untagged OK with a code --- */

static void read_permanent(const struct client *client, struct reader *reader)
{
    uint16_t flags = model_read_flags(reader);

    if (client->read_only && flags != 0)
        model_fail("PERMANENTFLAGS of what is open read-only");
    if (!client->read_only && (flags & MARK_SYSTEM) != MARK_SYSTEM)
        model_fail("PERMANENTFLAGS lacks a system flag");
}

static void read_unseen(struct pending *head, uint64_t number)
{
    if (number != head->first)
        model_fail("UNSEEN should be %u", head->first);
    head->told_unseen = true;
}

/* Never above the truth, never below what was told, but for another mailbox. */
static void read_highest(struct client *client, struct pending *head, uint64_t number)
{
    const struct box *box = client->selected;

    if (box == NULL)
        model_fail("HIGHESTMODSEQ without a mailbox");
    if (number > box->highest && box->highest != 0)
        model_fail("HIGHESTMODSEQ should be %llu at most", (unsigned long long)box->highest);
    if (head->command.verb == VERB_SELECT || head->command.verb == VERB_EXAMINE) {
        if (box->highest != 0 && number != box->highest)
            model_fail("HIGHESTMODSEQ should be %llu", (unsigned long long)box->highest);
    } else if (number < client->highest) {
        model_fail("HIGHESTMODSEQ was %llu before", (unsigned long long)client->highest);
    }
    client->highest = number;
    head->told_highest = true;
}

struct copied {
    struct pending *head;
    uint32_t at;
    uint32_t base; /* 0: sources */
};

static void check_copied(void *context, uint32_t uid)
{
    struct copied *copied = context;
    struct pending *head = copied->head;
    uint32_t wanted;

    if (copied->at >= head->count)
        model_fail("COPYUID names too many");
    wanted = copied->base == 0 ? head->uids[copied->at] : copied->base + copied->at;
    if (uid != wanted)
        model_fail("COPYUID names %u, it should be %u", uid, wanted);
    copied->at++;
}

static void read_copyuid(struct client *client, struct pending *head, struct reader *reader)
{
    struct copied copied = { .head = head };

    if (head->to == NULL || head->count == 0)
        model_fail("COPYUID when nothing was copied");
    model_learn_uidvalidity(client->world, head->to, reader_number(reader));
    reader_want(reader, " ");
    reader_set(reader, check_copied, &copied);
    reader_want(reader, " ");
    if (copied.at != head->count)
        model_fail("COPYUID names too few");
    copied = (struct copied){ .head = head, .base = head->first };
    reader_set(reader, check_copied, &copied);
    if (copied.at != head->count)
        model_fail("COPYUID names too few");
    head->told_copyuid = true;
}

static void read_appenduid(struct client *client, struct pending *head, struct reader *reader)
{
    struct copied copied = { .head = head, .base = head->first };

    model_learn_uidvalidity(client->world, head->to, reader_number(reader));
    reader_want(reader, " ");
    reader_set(reader, check_copied, &copied);
    if (copied.at != head->count)
        model_fail("APPENDUID names too few");
}

static void read_ok(struct client *client, struct pending *head, struct reader *reader)
{
    if (reader_skip(reader, "[CLOSED]"))
        head->told_closed = true;
    else if (reader_skip(reader, "[HIGHESTMODSEQ "))
        read_highest(client, head, reader_number(reader));
    else if (reader_skip(reader, "[COPYUID "))
        read_copyuid(client, head, reader);
    else if (reader_skip(reader, "[PERMANENTFLAGS "))
        read_permanent(client, reader);
    else if (reader_skip(reader, "[UNSEEN "))
        read_unseen(head, reader_number(reader));
    else if (reader_skip(reader, "[UIDVALIDITY ")) {
        model_learn_uidvalidity(client->world, client->selected, reader_number(reader));
        head->told_uidvalidity = true;
    } else if (reader_skip(reader, "[UIDNEXT ")) {
        if (reader_number(reader) != client->selected->uidnext)
            model_fail("UIDNEXT should be %u", client->selected->uidnext);
        head->told_uidnext = true;
    } else if (reader_skip(reader, "[MAILBOXID ("))
        model_learn_id(client->selected->id, reader_word(reader), "MAILBOXID");
    else
        model_fail("an OK that nobody knows");
}

static void read_flags_line(struct client *client, struct pending *head, struct reader *reader)
{
    client->keywords = model_read_flags(reader) & (uint16_t)~MARK_SYSTEM;
    if ((client->selected->keywords & (uint16_t)~client->keywords) != 0)
        model_fail("FLAGS lacks a keyword");
    head->told_flags = true;
}

static void read_enabled(struct pending *head, struct reader *reader)
{
    static const char *const names[] = { " IMAP4rev2", " CONDSTORE", " QRESYNC" };

    for (unsigned i = 0; i < 3; i++)
        if (reader_skip(reader, names[i]) && (head->command.enable >> i & 1) == 0)
            model_fail("ENABLED names what nobody asked for");
    if (!reader_at_end(reader))
        model_fail("ENABLED names what is unknown");
    head->told_search = true;
}

static void read_numbered(struct client *client, struct pending *head, struct reader *reader)
{
    uint64_t number = reader_number(reader);

    if (client->selected == NULL)
        model_fail("news of a mailbox, and none is selected");
    reader_want(reader, " ");
    if (reader_skip(reader, "EXISTS"))
        read_exists(client, head, number);
    else if (reader_skip(reader, "EXPUNGE"))
        read_expunge(client, head, number);
    else if (reader_skip(reader, "RECENT"))
        read_recent(client, head, number);
    else if (reader_skip(reader, "FETCH "))
        client_read_fetch(client, head, (uint32_t)number, reader);
    else
        model_fail("a response that nobody knows");
    if (!reader_at_end(reader))
        model_fail("more than should be, at byte %zu", reader->at);
}

/* STORE and FETCH are told the news of others first: what they do themselves begins to show with
 * FETCH responses. */
static void apply_by_line(struct client *client, struct pending *head, struct bytes line)
{
    bool waits = head->command.verb == VERB_STORE || head->command.verb == VERB_FETCH;

    if (client->pending_count == 0)
        model_fail("news when no command is at work");
    if (head->command.verb == VERB_IDLE ||
        (waits && memmem(line.at, line.len < 24 ? line.len : 24, " FETCH (", 8) == NULL &&
         !bytes_starts_with(line, BYTES("* VANISHED (EARLIER)"))))
        return;
    /* The name may be told before the messages have come. */
    if (head->command.verb != VERB_APPEND || !bytes_starts_with(line, BYTES("* LIST")))
        client_apply(client, head);
}

static void read_untagged(struct client *client, struct pending *head, struct bytes line)
{
    struct reader reader = { line, 2 };

    if (reader_skip(&reader, "BYE")) {
        if (head->command.verb != VERB_LOGOUT || client->pending_count == 0)
            model_fail("BYE");
        head->told_closed = true;
        return;
    }
    apply_by_line(client, head, line);
    if (reader_sees_digit(&reader))
        read_numbered(client, head, &reader);
    else if (reader_skip(&reader, "OK "))
        read_ok(client, head, &reader);
    else if (reader_skip(&reader, "FLAGS "))
        read_flags_line(client, head, &reader);
    else if (reader_skip(&reader, "VANISHED "))
        read_vanished(client, head, &reader);
    else if (reader_skip(&reader, "SEARCH"))
        client_read_search(client, head, &reader, VERB_SEARCH);
    else if (reader_skip(&reader, "SORT"))
        client_read_search(client, head, &reader, VERB_SORT);
    else if (reader_skip(&reader, "ESEARCH"))
        client_read_esearch(client, head, &reader);
    else if (reader_skip(&reader, "LIST "))
        client_read_list(client, head, &reader, false);
    else if (reader_skip(&reader, "LSUB "))
        client_read_list(client, head, &reader, true);
    else if (reader_skip(&reader, "STATUS "))
        client_read_status(client, head, &reader);
    else if (reader_skip(&reader, "ENABLED"))
        read_enabled(head, &reader);
    else if (reader_skip(&reader, "CAPABILITY IMAP4rev2 IMAP4rev1 ") ||
             reader_skip(&reader, "ID (\"name\" ") ||
             reader_skip(&reader, "NAMESPACE ((\"\" \"/\")) NIL NIL"))
        head->told_search = true;
    else
        model_fail("a response that nobody knows");
}

/* --- tagged --- */

static void check_select(const struct client *client, const struct pending *head)
{
    if (!head->told_exists || !head->told_flags || !head->told_uidnext || !head->told_uidvalidity)
        model_fail("SELECT lacks a response");
    if (!client->rev2 && (!head->told_recent || head->told_unseen != (head->first > 0)))
        model_fail("SELECT lacks RECENT or UNSEEN");
    if (client->rev2 && !head->told_name)
        model_fail("SELECT lacks LIST");
    if (client->condstore && !head->told_highest)
        model_fail("SELECT lacks HIGHESTMODSEQ");
}

/* RFC 7162 section 3.2.5: all that was expunged since, of what the client knows; all that changed.
 */
static void check_earlier(struct client *client, const struct pending *head)
{
    const struct model_command *command = &head->command;
    struct box *box = client->selected;
    uint64_t since = command->verb == VERB_FETCH ? command->changed : command->modseq;
    bool all = command->verb != VERB_FETCH && !command->known;
    /* Section 3.2.5.2: what the client remembers rightly spares what lies before it. */
    uint32_t matched = command->match_count > 0 ? command->match_uids[command->match_count - 1] : 0;

    for (uint32_t i = 0; i < box->row_count; i++) {
        bool told = false;

        if (box->rows[i].expunged <= since || box->rows[i].expunged > head->since ||
            (!all && !client_set_has(client, &command->set, box->rows[i].uid)) ||
            box->rows[i].uid <= matched)
            continue;
        for (uint32_t n = 0; n < head->told_count; n++)
            told |= head->told[n] == box->rows[i].uid;
        if (!told && box->rows[i].uid <= client->uid_seen)
            for (uint32_t n = 0; n < client->count && !told; n++)
                told = client->view[n].row == &box->rows[i];
        if (!told && command->verb != VERB_FETCH)
            model_fail("UID %u vanished and nobody says so", box->rows[i].uid);
    }
}

static void check_resync(struct client *client, const struct pending *head)
{
    const struct model_command *command = &head->command;

    if (command->uidvalidity != client->selected->uidvalidity) {
        if (head->told_count > 0)
            model_fail("VANISHED for another UIDVALIDITY");
        return;
    }
    check_earlier(client, head);
    for (uint32_t i = 0; i < client->count; i++) {
        const struct view_row *row = &client->view[i];

        if (row->wanted &&
            (!command->known || client_set_has(client, &command->set, row->row->uid)))
            model_fail("UID %u changed and nobody says so", row->row->uid);
    }
}

static void check_modified(struct client *client, const struct pending *head, struct reader *reader)
{
    struct reader mine = *reader;
    uint32_t at = 0;

    while (reader_sees_digit(&mine)) {
        uint64_t first = reader_number(&mine);
        uint64_t last = reader_skip(&mine, ":") ? reader_number(&mine) : first;

        for (uint64_t n = first; n <= last; n++, at++) {
            uint32_t uid = (uint32_t)n;

            if (!head->command.uid)
                uid = n == 0 || n > client->count ? 0 : client->view[n - 1].row->uid;
            if (at >= head->count || head->uids[at] != uid)
                model_fail("MODIFIED names what it should not");
        }
        (void)reader_skip(&mine, ",");
    }
    if (at != head->count)
        model_fail("MODIFIED names too few");
    *reader = mine;
}

static void read_code(struct client *client, struct pending *head, struct reader *reader)
{
    if (reader_skip(reader, "[COPYUID "))
        read_copyuid(client, head, reader);
    else if (reader_skip(reader, "[APPENDUID "))
        read_appenduid(client, head, reader);
    else if (reader_skip(reader, "[HIGHESTMODSEQ "))
        read_highest(client, head, reader_number(reader));
    else if (reader_skip(reader, "[MODIFIED "))
        check_modified(client, head, reader);
    else if (reader_skip(reader, "[MAILBOXID ("))
        model_learn_id(head->to->id, reader_word(reader), "MAILBOXID");
}

static void check_code(const struct pending *head, const struct reader *reader)
{
    struct reader code = *reader;

    if (head->code == NULL)
        return;
    if (!reader_skip(&code, "[") || !reader_skip(&code, head->code))
        model_fail("the code should be %s", head->code);
}

/* What nobody has said yet; NULL: nothing. */
static const char *untold(const struct client *client, bool expunges, uint32_t *out_uid)
{
    const struct box *box = client->selected;

    for (uint32_t i = 0; box != NULL && i < client->count; i++) {
        const struct view_row *row = &client->view[i];

        *out_uid = row->row->uid;
        if (row->row->expunged != 0 && expunges)
            return "is expunged";
        if (row->row->expunged == 0 && row->told != row_now(row->row)->modseq)
            return "has new flags";
    }
    for (uint32_t i = client->uid_seen; box != NULL && i < box->row_count; i++) {
        *out_uid = box->rows[i].uid;
        if (box->rows[i].expunged == 0)
            return "is new";
    }
    return NULL;
}

bool client_is_told(const struct client *client, bool expunges)
{
    uint32_t uid;

    return untold(client, expunges, &uid) == NULL;
}

void client_check_told(const struct client *client, bool expunges)
{
    uint32_t uid;
    const char *what = untold(client, expunges, &uid);

    if (what != NULL)
        model_fail("UID %u %s and nobody says so", uid, what);
}

static void check_copied_told(const struct pending *head)
{
    if (head->count > 0 && !head->told_copyuid)
        model_fail("COPYUID is not told");
}

/* What an OK promises. */
static void check_done(struct client *client, struct pending *head)
{
    switch ((int)head->command.verb) {
    case VERB_SELECT:
    case VERB_EXAMINE:
        check_select(client, head);
        if (head->command.qresync)
            check_resync(client, head);
        break;
    case VERB_COPY:
    case VERB_MOVE: check_copied_told(head); break;
    case VERB_LIST:
    case VERB_LSUB: client_check_list(client, head); break;
    case VERB_STATUS:
        if (head->status_count != 1)
            model_fail("STATUS is not told");
        break;
    case VERB_SEARCH:
    case VERB_SORT: client_check_search(client, head); break;
    case VERB_STORE:
    case VERB_FETCH:
        client_check_fetch(client, head);
        if (head->command.vanished)
            check_earlier(client, head);
        break;
    case VERB_CAPABILITY:
    case VERB_ID:
    case VERB_NAMESPACE:
    case VERB_ENABLE:
        if (!head->told_search)
            model_fail("the answer is missing");
        break;
    default: break;
    }
    /* RFC 7162 section 3.2.7. */
    if (client->qresync && head->told_expunge && !head->told_highest && client->selected != NULL)
        model_fail("HIGHESTMODSEQ is missing");
}

static void pop(struct client *client)
{
    client->ended_at = client->pending[0].ends_at;
    client->pending_count--;
    memmove(&client->pending[0], &client->pending[1],
            client->pending_count * sizeof(client->pending[0]));
    client_begin(client);
}

static bool ends(const struct pending *head)
{
    return head->command.verb == VERB_LOGOUT || head->command.verb == VERB_UNAUTHENTICATE;
}

static void read_tagged(struct client *client, struct pending *head, struct bytes line)
{
    struct reader reader = { line, 0 };
    unsigned answer = 0;

    if (client->pending_count == 0)
        model_fail("an answer to no command");
    if (!reader_skip(&reader, "* ")) {
        reader_want(&reader, "t");
        if (reader_number(&reader) != head->tag)
            model_fail("the tag should be t%u", head->tag);
        reader_want(&reader, " ");
    }
    client_apply(client, head);
    if (reader_skip(&reader, "OK "))
        answer = ANSWER_OK;
    else if (reader_skip(&reader, "NO "))
        answer = ANSWER_NO;
    else if (reader_skip(&reader, "BAD "))
        answer = ANSWER_BAD;
    if ((answer & head->answers) == 0)
        model_fail("the answer should be %s%s%s", (head->answers & ANSWER_OK) != 0 ? "OK " : "",
                   (head->answers & ANSWER_NO) != 0 ? "NO " : "",
                   (head->answers & ANSWER_BAD) != 0 ? "BAD" : "");
    if (!head->told_closed &&
        (head->command.verb == VERB_SELECT || head->command.verb == VERB_EXAMINE) &&
        answer != ANSWER_BAD)
        model_fail("CLOSED is not told");
    check_code(head, &reader);
    read_code(client, head, &reader);
    if (head->command.verb == VERB_STORE)
        client_note_silent(client, head);
    if (answer == ANSWER_OK) {
        check_done(client, head);
        if (!head->overlapped && !ends(head))
            client_check_told(client, may_expunge(client));
    }
    client->bad_in_a_row = answer == ANSWER_BAD ? client->bad_in_a_row + 1 : 0;
    if (ends(head))
        client->ended = true;
    pop(client);
}

void client_read(struct client *client, struct bytes line)
{
    struct pending *head = &client->pending[0];

    client->lines++;
    if (bytes_starts_with(line, BYTES("+ "))) {
        if (client->pending_count == 0)
            model_fail("\"+\" when no command waits");
        if (head->command.verb == VERB_IDLE)
            head->continued = true;
        else
            client->plus++;
        return;
    }
    if (bytes_starts_with(line, BYTES("* BAD ")))
        read_tagged(client, head, line);
    else if (bytes_starts_with(line, BYTES("* ")))
        read_untagged(client, head, line);
    else
        read_tagged(client, head, line);
}
