/* Commands as the wire sees them (RFC 9051 section 9). */
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "model/command.h"
#include "model/names.h"
#include "model/samples.h"

const char *const flag_words[MARK_WORDS] = { "\\Answered", "\\Flagged", "\\Deleted",
                                             "\\Seen",     "\\Draft",   "red",
                                             "$Forwarded", "Blue",      "k4" };

const char *const status_words[STATUS_BITS] = { "MESSAGES", "UIDNEXT",       "UIDVALIDITY",
                                                "UNSEEN",   "DELETED",       "SIZE",
                                                "RECENT",   "HIGHESTMODSEQ", "MAILBOXID" };

const char *const verb_words[VERB_COUNT] = {
    "NOOP",   "CHECK",     "CAPABILITY",  "ID",       "NAMESPACE",      "ENABLE",
    "SELECT", "EXAMINE",   "CLOSE",       "UNSELECT", "CREATE",         "DELETE",
    "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "LIST",     "LSUB",           "STATUS",
    "APPEND", "FETCH",     "STORE",       "SEARCH",   "SORT",           "COPY",
    "MOVE",   "EXPUNGE",   "IDLE",        "LOGOUT",   "UNAUTHENTICATE", "(odd)",
};

const struct odd_line odd_lines[] = {
    { "FETCH", ANSWER_BAD },
    { "FETCH 1", ANSWER_BAD },
    { "FETCH 0 FLAGS", ANSWER_BAD },
    { "FETCH 1 (FLAGS", ANSWER_BAD },
    { "FETCH 1 (FLAGS))", ANSWER_BAD },
    { "FETCH 1 BODY[0]", ANSWER_BAD },
    { "FETCH 1:2:3 FLAGS", ANSWER_BAD },
    { "FETCH 1 BODY[HEADER.FIELDS ()]", ANSWER_BAD },
    { "FETCH 1 NONSENSE", ANSWER_BAD },
    { "UID", ANSWER_BAD },
    { "UID NOOP", ANSWER_BAD },
    { "UID FETCH , FLAGS", ANSWER_BAD },
    { "STORE 1 FLAGS", ANSWER_BAD },
    { "STORE 1 *FLAGS (\\Seen)", ANSWER_BAD },
    { "STORE 1 (UNCHANGEDSINCE x) FLAGS (\\Seen)", ANSWER_BAD },
    { "SEARCH", ANSWER_BAD },
    { "SEARCH NONSENSE", ANSWER_BAD },
    { "SEARCH NOT", ANSWER_BAD },
    { "SEARCH OR SEEN", ANSWER_BAD },
    { "SEARCH (SEEN", ANSWER_BAD },
    { "SEARCH RETURN (NONSENSE) ALL", ANSWER_BAD },
    { "SEARCH SINCE 31-Nonsense-2020", ANSWER_BAD },
    { "SORT", ANSWER_BAD },
    { "SORT (DATE) ALL", ANSWER_BAD },
    { "SORT () UTF-8 ALL", ANSWER_BAD },
    { "SORT (REVERSE) UTF-8 ALL", ANSWER_BAD },
    { "SORT DATE UTF-8 ALL", ANSWER_BAD },
    { "UID SORT (NONSENSE) UTF-8 ALL", ANSWER_BAD },
    { "SELECT", ANSWER_BAD },
    { "SELECT INBOX (NONSENSE)", ANSWER_BAD },
    { "SELECT \"INBOX", ANSWER_BAD },
    { "EXAMINE a b", ANSWER_BAD },
    { "COPY 1", ANSWER_BAD },
    { "COPY * ", ANSWER_BAD },
    { "MOVE x Archive", ANSWER_BAD },
    { "CREATE", ANSWER_BAD },
    { "RENAME a", ANSWER_BAD },
    { "DELETE", ANSWER_BAD },
    { "LIST", ANSWER_BAD },
    { "LIST \"\"", ANSWER_BAD },
    { "LIST (NONSENSE) \"\" *", ANSWER_BAD },
    { "LIST (RECURSIVEMATCH) \"\" *", ANSWER_BAD },
    { "STATUS INBOX", ANSWER_BAD },
    { "STATUS INBOX ()", ANSWER_BAD },
    { "STATUS INBOX (NONSENSE)", ANSWER_BAD },
    { "APPEND", ANSWER_BAD },
    { "APPEND INBOX", ANSWER_BAD },
    { "APPEND INBOX (\\Seen)", ANSWER_BAD },
    { "ENABLE", ANSWER_BAD },
    { "NOOP x", ANSWER_BAD },
    { "NONSENSE", ANSWER_BAD },
    { "EXPUNGE 1", ANSWER_BAD },
    { "UID EXPUNGE", ANSWER_BAD },
    { "ID x", ANSWER_BAD },
    { "LOGIN a b", ANSWER_BAD },
    { "AUTHENTICATE PLAIN", ANSWER_BAD },
    { "STARTTLS", ANSWER_BAD },
    { "", ANSWER_BAD },
    { " NOOP", ANSWER_BAD },
    { "APPEND INBOX {99999999}", ANSWER_NO },
    { "APPEND INBOX (\\Seen) {4000000000}", ANSWER_NO },
    { "CREATE x (USE (\\Strange))", ANSWER_NO },
    { "CREATE INBOX", ANSWER_NO },
    { "CREATE inbox", ANSWER_NO },
    { "DELETE INBOX", ANSWER_NO },
    { "STATUS no/such (MESSAGES)", ANSWER_NO },
    { "RENAME no/such one", ANSWER_NO },
};

unsigned odd_line_count(void)
{
    return ARRAY_COUNT(odd_lines);
}

static void add_literal(struct command_text *out, struct bytes text, enum literal_kind kind)
{
    bool eight = kind == LITERAL_EIGHT || kind == LITERAL_EIGHT_PLUS;
    bool plus = kind == LITERAL_PLUS || kind == LITERAL_EIGHT_PLUS;

    buf_add_format(&out->text, "%s{%zu%s}\r\n", eight ? "~" : "", text.len, plus ? "+" : "");
    if (!plus && out->hold_count < HOLDS_MAX)
        out->holds[out->hold_count++] = out->text.len;
    buf_add(&out->text, text);
}

static void add_quoted(struct buf *out, const char *text)
{
    buf_add_byte(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, (uint8_t)*text);
    }
    buf_add_byte(out, '"');
}

static bool is_atom(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~' || strchr("(){%*\"\\", *at) != NULL)
            return false;
    return text[0] != '\0';
}

static void add_name(const struct model_command *command, struct command_text *out, unsigned index,
                     bool rev2)
{
    const struct model_name *name = &model_names[index];
    const char *text = rev2 || name->utf7 == NULL ? name->utf8 : name->utf7;

    if (command->literal)
        add_literal(out, bytes_from_string(text), command->quoted ? LITERAL_SYNC : LITERAL_PLUS);
    else if (command->quoted || !is_atom(text))
        add_quoted(&out->text, text);
    else
        buf_add_string(&out->text, text);
}

static void add_number_or_star(struct buf *out, uint32_t number)
{
    if (number == 0)
        buf_add_byte(out, '*');
    else
        buf_add_number(out, number);
}

static void add_set(struct buf *out, const struct model_set *set)
{
    if (set->saved)
        buf_add_byte(out, '$');
    for (unsigned i = 0; i < set->count && !set->saved; i++) {
        if (i > 0)
            buf_add_byte(out, ',');
        add_number_or_star(out, set->ranges[i].first);
        if (set->ranges[i].last == set->ranges[i].first)
            continue;
        buf_add_byte(out, ':');
        add_number_or_star(out, set->ranges[i].last);
    }
}

static void add_words(struct buf *out, uint32_t bits, const char *const *words, unsigned count)
{
    bool first = true;

    for (unsigned i = 0; i < count; i++) {
        if ((bits >> i & 1) == 0)
            continue;
        if (!first)
            buf_add_byte(out, ' ');
        buf_add_string(out, words[i]);
        first = false;
    }
}

static void add_flags(struct buf *out, uint16_t flags)
{
    buf_add_byte(out, '(');
    add_words(out, flags, flag_words, MARK_WORDS);
    buf_add_byte(out, ')');
}

static void add_append(const struct model_command *command, struct command_text *out)
{
    for (unsigned i = 0; i < command->message_count; i++) {
        const struct model_message *message = &command->messages[i];

        buf_add_byte(&out->text, ' ');
        if (message->flags != 0 || message->day % 2 == 1) {
            add_flags(&out->text, message->flags);
            buf_add_byte(&out->text, ' ');
        }
        if (message->day > 0)
            buf_add_format(&out->text, "\"%s%s 12:34:56 +0200\" ",
                           day_words[message->day - 1][1] == '-' ? " " : "",
                           day_words[message->day - 1]);
        add_literal(out, sample_text(message->sample, message->number),
                    (enum literal_kind)message->literal);
        if (i == 0)
            out->announces = out->text.len - samples[message->sample].len;
    }
    if (command->cut)
        buf_add(&out->text, BYTES(" (broken"));
}

void model_section_print(const struct model_section *section, struct buf *out)
{
    static const char *const kinds[] = { "BODY", "BINARY", "BINARY.SIZE" };
    static const char *const numbers[] = { "", "1", "2", "2.1" };
    static const char *const parts[] = {
        "",    "HEADER", "TEXT", "HEADER.FIELDS " SAMPLE_FIELDS, "HEADER.FIELDS.NOT " SAMPLE_FIELDS,
        "MIME"
    };

    buf_add_string(out, kinds[section->kind]);
    if (section->peek && section->kind != 2)
        buf_add_string(out, ".PEEK");
    buf_add_byte(out, '[');
    buf_add_string(out, numbers[section->number]);
    if (section->number != 0 && section->part != PART_WHOLE)
        buf_add_byte(out, '.');
    buf_add_string(out, parts[section->part]);
    buf_add_byte(out, ']');
    if (section->partial && section->kind != 2)
        buf_add_format(out, "<%u.%u>", section->offset, section->bytes);
}

static void add_fetch(const struct model_command *command, struct buf *out)
{
    static const char *const words[] = { "UID",           "FLAGS",       "INTERNALDATE",
                                         "RFC822.SIZE",   "ENVELOPE",    "BODY",
                                         "BODYSTRUCTURE", "MODSEQ",      "EMAILID",
                                         "THREADID",      "SAVEDATE",    "RFC822",
                                         "RFC822.HEADER", "RFC822.TEXT", "PREVIEW" };
    static const char *const macros[] = { "ALL", "FAST", "FULL" };
    uint32_t macro = command->items / ITEM_ALL;
    bool list;

    buf_add_byte(out, ' ');
    if (macro != 0) {
        buf_add_string(out, macros[macro / 2]);
    } else {
        list = !command->quoted || command->section_count > 0 ||
               (command->items & (command->items - 1)) != 0;
        if (list)
            buf_add_byte(out, '(');
        add_words(out, command->items, words, ARRAY_COUNT(words));
        for (unsigned i = 0; i < command->section_count; i++) {
            if (i > 0 || (command->items & (ITEM_SECTIONS - 1)) != 0)
                buf_add_byte(out, ' ');
            model_section_print(&command->sections[i], out);
        }
        if (list)
            buf_add_byte(out, ')');
    }
    if (command->changed > 0)
        buf_add_format(out, " (CHANGEDSINCE %llu%s)", (unsigned long long)command->changed,
                       command->vanished ? " VANISHED" : "");
}

static void add_store(const struct model_command *command, struct buf *out)
{
    buf_add_byte(out, ' ');
    if (command->has_unchanged)
        buf_add_format(out, "(UNCHANGEDSINCE %llu) ", (unsigned long long)command->unchanged);
    if (command->sign != 0)
        buf_add_byte(out, (uint8_t)command->sign);
    buf_add_string(out, command->silent ? "FLAGS.SILENT " : "FLAGS ");
    add_flags(out, command->flags);
}

static const char *flag_key(const struct model_key *key)
{
    static const char *const yes[] = { "ANSWERED", "FLAGGED", "DELETED", "SEEN", "DRAFT" };
    static const char *const no[] = { "UNANSWERED", "UNFLAGGED", "UNDELETED", "UNSEEN", "UNDRAFT" };

    for (unsigned i = 0; i < 5; i++)
        if (key->flag == 1u << i)
            return key->wanted ? yes[i] : no[i];
    return key->wanted ? "KEYWORD" : "UNKEYWORD";
}

static void add_flag_key(struct buf *out, const struct model_key *key)
{
    buf_add_string(out, flag_key(key));
    if (key->flag < MARK_KEYWORD_FIRST)
        return;
    buf_add_byte(out, ' ');
    add_words(out, key->flag, flag_words, MARK_WORDS);
}

static void add_simple_key(struct command_text *out, const struct model_key *key)
{
    static const char *const words[KEY_TYPES] = {
        "ALL",
        "",
        "UID ",
        "",
        "RECENT",
        "OLD",
        "NEW",
        "SUBJECT ",
        "FROM ",
        "TO ",
        "CC ",
        "HEADER Subject ",
        "BODY ",
        "TEXT ",
        "LARGER ",
        "SMALLER ",
        "BEFORE ",
        "ON ",
        "SINCE ",
        "SENTBEFORE ",
        "SENTON ",
        "SENTSINCE ",
        "OLDER ",
        "YOUNGER ",
        "MODSEQ ",
        "BCC ",
        "HEADER X-Number ",
        "NOT",
        "OR",
        "(",
    };

    buf_add_string(&out->text, words[key->type]);
    if (key->type == KEY_SET || key->type == KEY_UID)
        add_set(&out->text, &key->set);
    else if (key->type == KEY_FLAG)
        add_flag_key(&out->text, key);
    else if (key->type >= KEY_SUBJECT && key->type <= KEY_TEXT && key->word == 4)
        add_literal(out, bytes_from_string(search_words[key->word]), LITERAL_PLUS);
    else if (key->type >= KEY_SUBJECT && key->type <= KEY_TEXT)
        add_quoted(&out->text, search_words[key->word]);
    else if (key->type >= KEY_BEFORE && key->type <= KEY_SENTSINCE)
        buf_add_string(&out->text, day_words[key->word]);
    else if (key->type == KEY_LARGER || key->type == KEY_SMALLER ||
             (key->type >= KEY_OLDER && key->type <= KEY_MODSEQ))
        buf_add_number(&out->text, key->number);
    else if (key->type == KEY_BCC)
        add_quoted(&out->text, search_words[key->word]);
    else if (key->type == KEY_NUMBER)
        buf_add_format(&out->text, "%09u", (unsigned)key->number);
}

/* With the keys that belong to it; answers the one behind them. */
static const struct model_key *add_key(struct command_text *out, const struct model_key *key,
                                       const struct model_key *end)
{
    unsigned inner = key->type == KEY_NOT ? 1 : key->type >= KEY_OR ? 2 : 0;
    bool group = key->type == KEY_AND;

    add_simple_key(out, key++);
    for (unsigned i = 0; i < inner && key < end; i++) {
        if (!group || i > 0)
            buf_add_byte(&out->text, ' ');
        key = add_key(out, key, end);
    }
    if (group)
        buf_add_byte(&out->text, ')');
    return key;
}

static void add_criteria(const struct model_command *command, struct buf *out)
{
    static const char *const words[SORT_KEYS] = { "ARRIVAL", "DATE",        "SIZE",
                                                  "SUBJECT", "FROM",        "TO",
                                                  "CC",      "DISPLAYFROM", "DISPLAYTO" };

    for (unsigned i = 0; i < command->order.count; i++) {
        buf_add_string(out, i == 0 ? " (" : " ");
        if (command->order.by[i].reverse)
            buf_add(out, BYTES("REVERSE "));
        buf_add_string(out, words[command->order.by[i].key]);
    }
    buf_add_byte(out, ')');
}

static void add_search(const struct model_command *command, struct command_text *out)
{
    static const char *const returns[] = { "MIN", "MAX", "ALL", "COUNT", "SAVE" };
    static const char *const charsets[] = { "", "US-ASCII", "utf-8", "x-unheard" };

    if ((command->returns & RETURN_GIVEN) != 0) {
        buf_add(&out->text, BYTES(" RETURN ("));
        add_words(&out->text, command->returns, returns, ARRAY_COUNT(returns));
        buf_add_byte(&out->text, ')');
    }
    if (command->order.count > 0)
        add_criteria(command, &out->text);
    if (command->order.count > 0)
        buf_add_format(&out->text, " %s", charsets[command->charset == 0 ? 2 : command->charset]);
    else if (command->charset > 0)
        buf_add_format(&out->text, " CHARSET %s", charsets[command->charset]);
    for (const struct model_key *key = command->keys, *end = key + command->key_count; key < end;) {
        buf_add_byte(&out->text, ' ');
        key = add_key(out, key, end);
    }
}

static void add_pattern(struct command_text *out, unsigned index, bool rev2)
{
    const struct model_name *name = &model_patterns[index];
    const char *text = rev2 || name->utf7 == NULL ? name->utf8 : name->utf7;

    if (text[0] == '\0' || strchr(text, ' ') != NULL || (uint8_t)text[4 * (strlen(text) > 4)] > 127)
        add_quoted(&out->text, text);
    else
        buf_add_string(&out->text, text);
}

static void add_list(const struct model_command *command, struct command_text *out, bool rev2)
{
    static const char *const selects[] = { "SUBSCRIBED", "SPECIAL-USE", "RECURSIVEMATCH",
                                           "REMOTE" };
    static const char *const returns[] = { "SUBSCRIBED", "CHILDREN", "SPECIAL-USE" };
    struct buf *text = &out->text;

    if ((command->list & 15) != 0 || (command->list & LIST_PARENTHESES) != 0) {
        buf_add(text, BYTES(" ("));
        add_words(text, command->list & 15, selects, ARRAY_COUNT(selects));
        buf_add_byte(text, ')');
    }
    buf_add_byte(text, ' ');
    add_quoted(text, model_references[command->reference]);
    buf_add_byte(text, ' ');
    if (command->pattern_count > 1)
        buf_add_byte(text, '(');
    for (unsigned i = 0; i < command->pattern_count; i++) {
        if (i > 0)
            buf_add_byte(text, ' ');
        add_pattern(out, command->patterns[i], rev2);
    }
    if (command->pattern_count > 1)
        buf_add_byte(text, ')');
    if ((command->list & LIST_RETURN) == 0)
        return;
    buf_add(text, BYTES(" RETURN ("));
    add_words(text, command->list / LIST_RETURN_SUBSCRIBED & 7, returns, ARRAY_COUNT(returns));
    if ((command->list & LIST_RETURN_STATUS) != 0) {
        if ((command->list / LIST_RETURN_SUBSCRIBED & 7) != 0)
            buf_add_byte(text, ' ');
        buf_add(text, BYTES("STATUS ("));
        add_words(text, command->status, status_words, STATUS_BITS);
        buf_add_byte(text, ')');
    }
    buf_add_byte(text, ')');
}

static void add_list_of(struct buf *out, const uint32_t *numbers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            buf_add_byte(out, ',');
        buf_add_number(out, numbers[i]);
    }
}

static void add_select(const struct model_command *command, struct buf *out)
{
    if (!command->condstore && !command->qresync)
        return;
    buf_add(out, BYTES(" ("));
    if (command->condstore)
        buf_add(out, BYTES("CONDSTORE"));
    if (command->condstore && command->qresync)
        buf_add_byte(out, ' ');
    if (command->qresync) {
        buf_add_format(out, "QRESYNC (%u %llu", command->uidvalidity,
                       (unsigned long long)command->modseq);
        if (command->known) {
            buf_add_byte(out, ' ');
            add_set(out, &command->set);
        }
        if (command->known && command->match_count > 0) {
            buf_add(out, BYTES(" ("));
            add_list_of(out, command->match_seqnos, command->match_count);
            buf_add_byte(out, ' ');
            add_list_of(out, command->match_uids, command->match_count);
            buf_add_byte(out, ')');
        }
        buf_add_byte(out, ')');
    }
    buf_add_byte(out, ')');
}

static void add_create(const struct model_command *command, struct buf *out)
{
    static const char *const uses[] = { "\\Archive", "\\Drafts", "\\Flagged", "\\Junk",
                                        "\\Sent",    "\\Trash",  "\\Strange" };

    if (command->use > 0)
        buf_add_format(out, " (USE (%s))", uses[command->use - 1]);
}

static void add_arguments(const struct model_command *command, struct command_text *out, bool rev2)
{
    static const char *const capabilities[] = { "IMAP4rev2", "CONDSTORE", "QRESYNC", "X-UNHEARD" };
    struct buf *text = &out->text;

    if (command->name != NAME_NONE) {
        buf_add_byte(text, ' ');
        add_name(command, out, command->name, rev2);
    }
    switch ((enum model_verb)command->verb) {
    case VERB_ID: buf_add(text, BYTES(" (\"name\" \"model\" \"version\" NIL)")); break;
    case VERB_ENABLE:
        buf_add_byte(text, ' ');
        add_words(text, command->enable, capabilities, ARRAY_COUNT(capabilities));
        break;
    case VERB_SELECT:
    case VERB_EXAMINE: add_select(command, text); break;
    case VERB_CREATE: add_create(command, text); break;
    case VERB_RENAME:
        buf_add_byte(text, ' ');
        add_name(command, out, command->name_to, rev2);
        break;
    case VERB_LIST:
    case VERB_LSUB: add_list(command, out, rev2); break;
    case VERB_STATUS:
        buf_add(text, BYTES(" ("));
        add_words(text, command->status, status_words, STATUS_BITS);
        buf_add_byte(text, ')');
        break;
    case VERB_APPEND: add_append(command, out); break;
    case VERB_FETCH: add_fetch(command, text); break;
    case VERB_STORE: add_store(command, text); break;
    case VERB_SEARCH:
    case VERB_SORT: add_search(command, out); break;
    case VERB_COPY:
    case VERB_MOVE:
        buf_add_byte(text, ' ');
        add_name(command, out, command->name_to, rev2);
        break;
    case VERB_NOOP:
    case VERB_CHECK:
    case VERB_CAPABILITY:
    case VERB_NAMESPACE:
    case VERB_CLOSE:
    case VERB_UNSELECT:
    case VERB_DELETE:
    case VERB_SUBSCRIBE:
    case VERB_UNSUBSCRIBE:
    case VERB_EXPUNGE:
    case VERB_IDLE:
    case VERB_LOGOUT:
    case VERB_UNAUTHENTICATE:
    case VERB_LINE:
    case VERB_COUNT: break;
    }
}

/* Verbs that begin with a set. */
static bool has_set(const struct model_command *command)
{
    switch ((int)command->verb) {
    case VERB_FETCH:
    case VERB_STORE:
    case VERB_COPY:
    case VERB_MOVE: return true;
    case VERB_EXPUNGE: return command->uid;
    default: return false;
    }
}

void model_command_print(const struct model_command *command, unsigned tag, bool rev2,
                         struct command_text *out)
{
    out->hold_count = 0;
    buf_clear(&out->text);
    buf_add_format(&out->text, "t%u ", tag);
    if (command->verb == VERB_LINE) {
        buf_add_string(&out->text, odd_lines[command->name].text);
        buf_add(&out->text, BYTES("\r\n"));
        return;
    }
    if (command->uid)
        buf_add(&out->text, BYTES("UID "));
    for (const char *at = verb_words[command->verb]; *at != '\0'; at++)
        buf_add_byte(&out->text, (uint8_t)(command->lower ? *at | 32 : *at));
    if (has_set(command)) {
        buf_add_byte(&out->text, ' ');
        add_set(&out->text, &command->set);
    }
    add_arguments(command, out, rev2);
    buf_add(&out->text, BYTES("\r\n"));
}
