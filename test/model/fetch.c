/* FETCH responses: what was asked for, and news (RFC 9051 section 7.5.2; RFC 7162 section 3). */
#include <stdio.h>
#include <string.h>

#include "model/client.h"
#include "model/clock.h"
#include "model/samples.h"

/* One response, as far as it was read. */
struct told {
    uint32_t items;
    unsigned sections; /* of the command's */
    uint16_t flags;
    uint64_t modseq;
};

/* What is gone for good cannot always be read: then it is NIL, and the command answered NO. */
static bool may_be_lost;

enum { NEWS_ITEMS = ITEM_UID | ITEM_FLAGS | ITEM_MODSEQ };

static const char *const item_words[] = {
    "UID ",      "FLAGS ",         "INTERNALDATE ",  "RFC822.SIZE ", "ENVELOPE ",
    "BODY ",     "BODYSTRUCTURE ", "MODSEQ ",        "EMAILID ",     "THREADID ",
    "SAVEDATE ", "RFC822 ",        "RFC822.HEADER ", "RFC822.TEXT ", "PREVIEW ",
};

/* Types, parameter names and encodings in any case (RFC 2045). */
static void want_text(struct reader *reader, const char *wanted, const char *what)
{
    struct bytes value = reader_value(reader);

    if (!bytes_equal_nocase(value, bytes_from_string(wanted)))
        model_fail("%s should be %s", what, wanted);
}

static void want_part(struct reader *reader, const struct row_model *row, enum model_part part)
{
    struct model_section section = { .part = (uint8_t)part };
    struct bytes wanted = { 0 };
    struct bytes given = { 0 };

    if (may_be_lost && reader_skip(reader, "NIL"))
        return;
    (void)sample_section(row->sample, row->number, &section, &wanted);
    if (!reader_nstring(reader, &given) || !bytes_equal(given, wanted))
        model_fail("a part of the message is not as it should be");
}

static void want_date(struct reader *reader, const struct row_model *row)
{
    struct bytes given = reader_string(reader);
    char wanted[40];

    if (row->day == 0) {
        if (model_clock.date_time != NULL &&
            !bytes_equal(given, bytes_from_string(model_clock.date_time)))
            model_fail("INTERNALDATE should be %s", model_clock.date_time);
        return;
    }
    (void)snprintf(wanted, sizeof(wanted), "%s%s 12:34:56 +0200",
                   day_words[row->day - 1][1] == '-' ? " " : "", day_words[row->day - 1]);
    if (!bytes_equal(given, bytes_from_string(wanted)))
        model_fail("INTERNALDATE should be %s", wanted);
}

static void want_id(struct reader *reader, char known[ID_BYTES_MAX], const char *what)
{
    reader_want(reader, "(");
    model_learn_id(known, reader_word(reader), what);
    reader_want(reader, ")");
}

static void read_plain_item(struct reader *reader, struct row_model *row, uint32_t item,
                            struct told *told)
{
    const struct sample *sample = &samples[row->sample];

    switch (item) {
    case ITEM_UID:
        if (reader_number(reader) != row->uid)
            model_fail("the UID should be %u", row->uid);
        break;
    case ITEM_FLAGS: told->flags = model_read_flags(reader); break;
    case ITEM_INTERNALDATE: want_date(reader, row); break;
    case ITEM_SIZE:
        if (reader_number(reader) != sample->len)
            model_fail("RFC822.SIZE should be %zu", sample->len);
        break;
    case ITEM_ENVELOPE: want_text(reader, sample->envelope, "ENVELOPE"); break;
    case ITEM_BODY: want_text(reader, sample->body, "BODY"); break;
    case ITEM_BODYSTRUCTURE: want_text(reader, sample->bodystructure, "BODYSTRUCTURE"); break;
    case ITEM_MODSEQ:
        reader_want(reader, "(");
        told->modseq = reader_number(reader);
        reader_want(reader, ")");
        break;
    case ITEM_EMAILID: want_id(reader, row->email_id, "EMAILID"); break;
    case ITEM_THREADID:
        if (!reader_skip(reader, "NIL"))
            want_id(reader, row->thread_id, "THREADID");
        break;
    case ITEM_RFC822: want_part(reader, row, PART_WHOLE); break;
    case ITEM_RFC822_HEADER: want_part(reader, row, PART_HEADER); break;
    case ITEM_RFC822_TEXT: want_part(reader, row, PART_TEXT); break;
    default: (void)reader_value(reader); break; /* PREVIEW, SAVEDATE: their form only */
    }
}

static void want_section(struct reader *reader, const struct row_model *row,
                         const struct model_section *section)
{
    struct bytes wanted = { 0 };
    struct bytes given = { 0 };
    bool there = sample_section(row->sample, row->number, section, &wanted);

    if (section->kind == 2) {
        size_t size = reader_number(reader);

        if (size != (there ? wanted.len : 0) && !(may_be_lost && size == 0))
            model_fail("BINARY.SIZE should be %zu", there ? wanted.len : 0);
        return;
    }
    if (section->partial)
        wanted = section->offset > wanted.len
                     ? bytes_make(NULL, 0)
                     : bytes_slice(wanted, section->offset, section->bytes);
    if (may_be_lost && reader_skip(reader, "NIL"))
        return;
    if (reader_nstring(reader, &given) != there)
        model_fail("a section is %s", there ? "NIL" : "not NIL");
    if (there && !bytes_equal(given, wanted))
        model_fail("a section should be %zu bytes: %.*s", wanted.len,
                   (int)(wanted.len > 60 ? 60 : wanted.len), (const char *)wanted.at);
}

/* BODY[...] and BINARY[...]: one of those that the command names. */
static bool read_section(struct reader *reader, const struct pending *head,
                         const struct row_model *row, struct told *told)
{
    const struct model_command *command = &head->command;
    static struct buf name;

    if (command->verb != VERB_FETCH)
        return false;
    if (name.max == 0)
        name = buf_make(200);
    for (unsigned i = 0; i < command->section_count; i++) {
        struct model_section section = command->sections[i];

        section.peek = section.partial = false;
        buf_clear(&name);
        model_section_print(&section, &name);
        if (command->sections[i].partial && section.kind != 2)
            buf_add_format(&name, "<%u>", command->sections[i].offset);
        buf_add(&name, bytes_make(" ", 2)); /* with its NUL */
        if (!reader_skip(reader, (const char *)buf_bytes(&name).at))
            continue;
        want_section(reader, row, &command->sections[i]);
        told->sections |= 1u << i;
        return true;
    }
    return false;
}

static void read_item(struct reader *reader, const struct pending *head, struct row_model *row,
                      struct told *told)
{
    if (read_section(reader, head, row, told))
        return;
    for (unsigned i = 0; i < sizeof(item_words) / sizeof(item_words[0]); i++) {
        if (!reader_skip(reader, item_words[i]))
            continue;
        if ((told->items >> i & 1) != 0 && (head->command.items >> i & 1) == 0)
            model_fail("%sis there twice", item_words[i]);
        read_plain_item(reader, row, 1u << i, told);
        told->items |= 1u << i;
        return;
    }
    model_fail("an item that nobody knows, at byte %zu", reader->at);
}

/* Which state of the message is it that was told? One that the client may still hear of. */
static uint64_t match_version(const struct client *client, const struct view_row *row,
                              const struct told *told)
{
    uint16_t flags = told->flags & (uint16_t)~MARK_RECENT;
    unsigned kept = row->row->version_count < VERSIONS_MAX ? row->row->version_count : VERSIONS_MAX;
    uint64_t found = 0;

    for (unsigned i = 0; i < kept; i++) {
        const struct version *version = &row->row->versions[i];

        if (version->modseq < row->told && row->row->expunged == 0 &&
            !client->pending[0].overlapped)
            continue;
        if ((told->items & ITEM_FLAGS) != 0 && version->flags != flags)
            continue;
        if ((told->items & ITEM_MODSEQ) != 0 && version->modseq != told->modseq)
            continue;
        if (version->modseq > found)
            found = version->modseq;
    }
    /* What it was told of is too long ago to be known here, and so is what it may hear now. */
    if (found == 0 && row_version(row->row, row->told) == NULL)
        return row->told;
    if (found == 0)
        model_fail("UID %u has other flags or another MODSEQ: %x at %llu, told %llu", row->row->uid,
                   row_now(row->row)->flags, (unsigned long long)row_now(row->row)->modseq,
                   (unsigned long long)row->told);
    return found;
}

static void learn_state(struct client *client, const struct pending *head, struct view_row *row,
                        const struct told *told)
{
    uint64_t modseq;

    if ((told->items & (ITEM_FLAGS | ITEM_MODSEQ)) == 0)
        return;
    modseq = match_version(client, row, told);
    if ((told->items & ITEM_FLAGS) != 0) {
        if (((told->flags & MARK_RECENT) != 0) != (row->recent && !client->rev2))
            model_fail("UID %u is%s \\Recent", row->row->uid, row->recent ? "" : " not");
        if ((told->flags & (uint16_t) ~(MARK_SYSTEM | MARK_RECENT) & (uint16_t)~client->keywords) !=
            0)
            model_fail("a keyword that FLAGS did not announce");
    }
    if ((told->items & ITEM_FLAGS) != 0 ||
        (head->command.verb == VERB_STORE && head->command.silent))
        if (modseq > row->told)
            row->told = modseq;
}

static uint32_t asked_items(const struct model_command *command)
{
    static const uint32_t fast = ITEM_FLAGS | ITEM_INTERNALDATE | ITEM_SIZE;

    if ((command->items & ITEM_FAST) != 0)
        return fast;
    if ((command->items & ITEM_ALL) != 0)
        return fast | ITEM_ENVELOPE;
    if ((command->items & ITEM_FULL) != 0)
        return fast | ITEM_ENVELOPE | ITEM_BODY;
    return command->items & (ITEM_SECTIONS - 1);
}

/* Is it the answer for this message? */
static bool answers(const struct client *client, const struct pending *head,
                    const struct view_row *row, const struct told *told)
{
    const struct model_command *command = &head->command;
    uint32_t asked = asked_items(command);

    if (command->verb == VERB_STORE)
        return (told->items & ITEM_FLAGS) != 0;
    if (command->verb != VERB_FETCH)
        return command->qresync && (told->items & NEWS_ITEMS) == NEWS_ITEMS;
    if ((told->items & asked) != asked || told->sections != (1u << command->section_count) - 1)
        return false;
    if (command->changed > 0 && told->modseq <= command->changed)
        return false;
    /* Where not everything could be searched $ may have another first or last. */
    if (command->set.saved && client->selected->deleted)
        return true;
    /* Also one that came while it ran. */
    return row->in_set || (command->uid && client_set_has(client, &command->set, row->row->uid));
}

static void check_form(const struct client *client, const struct pending *head,
                       const struct told *told, bool answer)
{
    const struct model_command *command = &head->command;
    bool asked = command->verb == VERB_FETCH && answer;
    bool uid = command->uid && (command->verb == VERB_FETCH || command->verb == VERB_STORE);

    if (!answer && ((told->items & ~(uint32_t)NEWS_ITEMS) != 0 || told->sections != 0))
        model_fail("a FETCH response that nobody asked for");
    if (asked && (told->items & ~(asked_items(command) | NEWS_ITEMS)) != 0)
        model_fail("an item that nobody asked for");
    /* RFC 9051 section 6.4.9. */
    if (uid && (told->items & ITEM_UID) == 0)
        model_fail("the UID is missing");
    /* RFC 7162 sections 3.1 and 3.2.4. */
    if (!asked && client->condstore && (told->items & ITEM_FLAGS) != 0 &&
        (told->items & ITEM_MODSEQ) == 0)
        model_fail("MODSEQ is missing");
    if (!asked && client->qresync && (told->items & ITEM_UID) == 0)
        model_fail("the UID is missing after ENABLE QRESYNC");
    if (asked && command->changed > 0 && (told->items & ITEM_MODSEQ) == 0)
        model_fail("MODSEQ is missing with CHANGEDSINCE");
}

void client_read_fetch(struct client *client, struct pending *head, uint32_t number,
                       struct reader *reader)
{
    struct told told = { 0 };
    struct view_row *row;
    bool answer;

    if (number == 0 || number > client->count)
        model_fail("FETCH of a message that is none");
    row = &client->view[number - 1];
    may_be_lost = row->row->expunged != 0 || client->selected->deleted;
    reader_want(reader, "(");
    while (!reader_skip(reader, ")")) {
        read_item(reader, head, row->row, &told);
        (void)reader_skip(reader, " ");
    }
    answer = answers(client, head, row, &told);
    check_form(client, head, &told, answer);
    learn_state(client, head, row, &told);
    if (answer)
        row->wanted = false;
}

void client_check_fetch(struct client *client, const struct pending *head)
{
    if (head->answers != ANSWER_OK && (head->answers & ANSWER_OK) == 0)
        return;
    for (uint32_t i = 0; i < client->count; i++)
        /* It may have gone before it could be told. */
        if (client->view[i].wanted && !(head->overlapped && client->view[i].row->expunged != 0))
            model_fail("nothing is said of UID %u", client->view[i].row->uid);
}
