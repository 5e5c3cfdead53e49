/* search (RFC 9051 s6.4.4, s9). */
#include "imap/wire/search.h"

#include "base/ascii.h"
#include "imap/wire/astring.h"
#include "imap/wire/atom.h"
#include "imap/wire/flag.h"
#include "imap/wire/number.h"

enum argument {
    TAKES_NOTHING,
    TAKES_ASTRING,
    TAKES_FIELD_AND_ASTRING,
    TAKES_KEYWORD,
    TAKES_DATE,
    TAKES_NUMBER64,
    TAKES_NZ_NUMBER,
    TAKES_MODSEQ,
    TAKES_OBJECTID,
    TAKES_SET,
    TAKES_KEY,
    TAKES_TWO_KEYS,
};

static const struct key_name {
    struct bytes name;
    enum imap_search_type type;
    enum argument argument;
    uint32_t flag;
    bool wanted;
    enum imap_search_when when;
} key_names[] = {
    { BYTES("ALL"), IMAP_SEARCH_AND, TAKES_NOTHING, 0, false, 0 },
    { BYTES("ANSWERED"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_ANSWERED, true, 0 },
    { BYTES("BCC"), IMAP_SEARCH_BCC, TAKES_ASTRING, 0, false, 0 },
    { BYTES("BEFORE"), IMAP_SEARCH_INTERNALDATE, TAKES_DATE, 0, false, IMAP_SEARCH_BEFORE },
    { BYTES("BODY"), IMAP_SEARCH_BODY, TAKES_ASTRING, 0, false, 0 },
    { BYTES("CC"), IMAP_SEARCH_CC, TAKES_ASTRING, 0, false, 0 },
    { BYTES("DELETED"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_DELETED, true, 0 },
    { BYTES("DRAFT"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_DRAFT, true, 0 },
    { BYTES("EMAILID"), IMAP_SEARCH_EMAILID, TAKES_OBJECTID, 0, false, 0 },
    { BYTES("FLAGGED"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_FLAGGED, true, 0 },
    { BYTES("FROM"), IMAP_SEARCH_FROM, TAKES_ASTRING, 0, false, 0 },
    { BYTES("HEADER"), IMAP_SEARCH_HEADER, TAKES_FIELD_AND_ASTRING, 0, false, 0 },
    { BYTES("KEYWORD"), IMAP_SEARCH_KEYWORD, TAKES_KEYWORD, 0, true, 0 },
    { BYTES("LARGER"), IMAP_SEARCH_LARGER, TAKES_NUMBER64, 0, false, 0 },
    { BYTES("MODSEQ"), IMAP_SEARCH_MODSEQ, TAKES_MODSEQ, 0, false, 0 },
    { BYTES("NOT"), IMAP_SEARCH_NOT, TAKES_KEY, 0, false, 0 },
    { BYTES("OLD"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_RECENT, false, 0 },
    { BYTES("OLDER"), IMAP_SEARCH_OLDER, TAKES_NZ_NUMBER, 0, false, 0 },
    { BYTES("ON"), IMAP_SEARCH_INTERNALDATE, TAKES_DATE, 0, false, IMAP_SEARCH_ON },
    { BYTES("OR"), IMAP_SEARCH_OR, TAKES_TWO_KEYS, 0, false, 0 },
    { BYTES("RECENT"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_RECENT, true, 0 },
    { BYTES("SAVEDATESUPPORTED"), IMAP_SEARCH_SAVEDATE_SUPPORTED, TAKES_NOTHING, 0, false, 0 },
    { BYTES("SAVEDBEFORE"), IMAP_SEARCH_SAVEDATE, TAKES_DATE, 0, false, IMAP_SEARCH_BEFORE },
    { BYTES("SAVEDON"), IMAP_SEARCH_SAVEDATE, TAKES_DATE, 0, false, IMAP_SEARCH_ON },
    { BYTES("SAVEDSINCE"), IMAP_SEARCH_SAVEDATE, TAKES_DATE, 0, false, IMAP_SEARCH_SINCE },
    { BYTES("SEEN"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_SEEN, true, 0 },
    { BYTES("SENTBEFORE"), IMAP_SEARCH_SENTDATE, TAKES_DATE, 0, false, IMAP_SEARCH_BEFORE },
    { BYTES("SENTON"), IMAP_SEARCH_SENTDATE, TAKES_DATE, 0, false, IMAP_SEARCH_ON },
    { BYTES("SENTSINCE"), IMAP_SEARCH_SENTDATE, TAKES_DATE, 0, false, IMAP_SEARCH_SINCE },
    { BYTES("SINCE"), IMAP_SEARCH_INTERNALDATE, TAKES_DATE, 0, false, IMAP_SEARCH_SINCE },
    { BYTES("SMALLER"), IMAP_SEARCH_SMALLER, TAKES_NUMBER64, 0, false, 0 },
    { BYTES("SUBJECT"), IMAP_SEARCH_SUBJECT, TAKES_ASTRING, 0, false, 0 },
    { BYTES("TEXT"), IMAP_SEARCH_TEXT, TAKES_ASTRING, 0, false, 0 },
    { BYTES("THREADID"), IMAP_SEARCH_THREADID, TAKES_OBJECTID, 0, false, 0 },
    { BYTES("TO"), IMAP_SEARCH_TO, TAKES_ASTRING, 0, false, 0 },
    { BYTES("UID"), IMAP_SEARCH_UID, TAKES_SET, 0, false, 0 },
    { BYTES("UNANSWERED"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_ANSWERED, false, 0 },
    { BYTES("UNDELETED"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_DELETED, false, 0 },
    { BYTES("UNDRAFT"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_DRAFT, false, 0 },
    { BYTES("UNFLAGGED"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_FLAGGED, false, 0 },
    { BYTES("UNKEYWORD"), IMAP_SEARCH_KEYWORD, TAKES_KEYWORD, 0, false, 0 },
    { BYTES("UNSEEN"), IMAP_SEARCH_FLAG, TAKES_NOTHING, IMAP_FLAG_SEEN, false, 0 },
    { BYTES("YOUNGER"), IMAP_SEARCH_YOUNGER, TAKES_NZ_NUMBER, 0, false, 0 },
};

static const struct {
    struct bytes name;
    uint32_t bit;
} return_names[] = {
    { BYTES("MIN"), IMAP_RETURN_MIN },   { BYTES("MAX"), IMAP_RETURN_MAX },
    { BYTES("ALL"), IMAP_RETURN_ALL },   { BYTES("COUNT"), IMAP_RETURN_COUNT },
    { BYTES("SAVE"), IMAP_RETURN_SAVE },
};

enum { OBJECTID_BYTES_MAX = 255 }; /* RFC 8474 s7 */

struct search_reader {
    struct cursor *cur;
    const struct imap_grammar *grammar;
    struct arena *arena;
    struct imap_search_args *args;
    uint32_t key_count;
    uint32_t depth;
};

static struct imap_search_key *key_parse(struct search_reader *reader);

static struct imap_search_key *key_new(struct search_reader *reader, enum imap_search_type type)
{
    struct imap_search_key *key = NULL;

    if (reader->key_count == reader->grammar->limits->search_keys_max) {
        (void)cursor_exceed(reader->cur, reader->key_count, "search keys in one SEARCH");
        return NULL;
    }
    key = ARENA_NEW(reader->arena, struct imap_search_key);
    if (key == NULL) {
        (void)imap_too_large(reader->cur);
        return NULL;
    }
    reader->key_count++;
    key->type = type;
    return key;
}

/* Up to the first byte that is neither. */
static bool is_key_name_char(int c)
{
    return ascii_is_alpha(c);
}

static const struct key_name *key_name_find(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_COUNT(key_names); i++)
        if (bytes_equal_nocase(name, key_names[i].name))
            return &key_names[i];
    return NULL;
}

/* [SP "/flags/..." SP ("priv" / "shared" / "all")] SP mod-sequence-valzer (RFC 7162 s3.1.5) */
static bool modseq_parse(struct search_reader *reader, struct imap_search_key *key)
{
    struct cursor *cur = reader->cur;
    struct bytes entry;

    reader->args->has_modseq = true;
    if (cursor_peek(cur) != '"')
        return imap_number64_parse(cur, &key->number);
    if (!imap_string_parse(cur, reader->arena, &entry))
        return false;
    if (!bytes_starts_with_nocase(entry, BYTES("/flags/")))
        return cursor_fail(cur, "an entry such as \"/flags/\\\\draft\"");
    if (!imap_space_parse(cur))
        return false;
    if (!imap_word_skip(cur, BYTES("priv")) && !imap_word_skip(cur, BYTES("shared")) &&
        !imap_word_skip(cur, BYTES("all")))
        return cursor_fail(cur, "priv, shared or all");
    return imap_space_parse(cur) && imap_number64_parse(cur, &key->number);
}

static bool is_objectid_char(int c)
{
    return ascii_is_alnum(c) || c == '_' || c == '-';
}

static bool objectid_parse(struct cursor *cur, struct bytes *out_id)
{
    struct bytes id = cursor_take_while(cur, is_objectid_char);

    if (id.len == 0 || id.len > OBJECTID_BYTES_MAX)
        return cursor_fail(cur, "an object id");
    *out_id = id;
    return true;
}

static bool field_parse(struct search_reader *reader, struct bytes *out_field)
{
    if (!imap_astring_parse(reader->cur, reader->arena, out_field))
        return false;
    return out_field->len > 0 || cursor_fail(reader->cur, "a header field's name");
}

static bool nz_number_parse(struct cursor *cur, uint64_t *out_number)
{
    uint32_t number;

    if (!imap_nz_number_parse(cur, &number))
        return false;
    *out_number = number;
    return true;
}

/* `count` keys with a blank between, as children. */
static bool children_parse(struct search_reader *reader, struct imap_search_key *parent,
                           uint32_t count)
{
    const struct imap_search_key **link = &parent->children;

    for (uint32_t i = 0; i < count; i++) {
        struct imap_search_key *child;

        if (i > 0 && !imap_space_parse(reader->cur))
            return false;
        child = key_parse(reader);
        if (child == NULL)
            return false;
        *link = child;
        link = &child->next;
    }
    return true;
}

static bool argument_parse(struct search_reader *reader, enum argument argument,
                           struct imap_search_key *key)
{
    struct cursor *cur = reader->cur;

    if (argument == TAKES_NOTHING)
        return true;
    if (!imap_space_parse(cur))
        return false;
    switch (argument) {
    case TAKES_NOTHING: return true;
    case TAKES_ASTRING: return imap_astring_parse(cur, reader->arena, &key->text);
    case TAKES_FIELD_AND_ASTRING:
        return field_parse(reader, &key->field) && imap_space_parse(cur) &&
               imap_astring_parse(cur, reader->arena, &key->text);
    case TAKES_KEYWORD: return imap_keyword_parse(cur, reader->grammar, &key->text);
    case TAKES_DATE: return imap_date_parse(cur, &key->date);
    case TAKES_NUMBER64: return imap_number64_parse(cur, &key->number);
    case TAKES_NZ_NUMBER: return nz_number_parse(cur, &key->number);
    case TAKES_MODSEQ: return modseq_parse(reader, key);
    case TAKES_OBJECTID: return objectid_parse(cur, &key->text);
    case TAKES_SET: return imap_seqset_parse(cur, reader->grammar, reader->arena, &key->set);
    case TAKES_KEY: return children_parse(reader, key, 1);
    case TAKES_TWO_KEYS: return children_parse(reader, key, 2);
    }
    return false;
}

/* NEW is RECENT UNSEEN (RFC 3501 s6.4.4). */
static struct imap_search_key *new_key(struct search_reader *reader)
{
    struct imap_search_key *both = key_new(reader, IMAP_SEARCH_AND);
    struct imap_search_key *recent = both == NULL ? NULL : key_new(reader, IMAP_SEARCH_FLAG);
    struct imap_search_key *unseen = recent == NULL ? NULL : key_new(reader, IMAP_SEARCH_FLAG);

    if (unseen == NULL)
        return NULL;
    recent->flag = IMAP_FLAG_RECENT;
    recent->wanted = true;
    recent->next = unseen;
    unseen->flag = IMAP_FLAG_SEEN;
    both->children = recent;
    return both;
}

static struct imap_search_key *named_key_parse(struct search_reader *reader)
{
    size_t start = reader->cur->offset;
    struct bytes word = cursor_take_while(reader->cur, is_key_name_char);
    const struct key_name *name = key_name_find(word);
    struct imap_search_key *key;

    if (bytes_equal_nocase(word, BYTES("NEW")))
        return new_key(reader);
    if (name == NULL) {
        (void)cursor_fail_at(reader->cur, start, "a search key");
        return NULL;
    }
    key = key_new(reader, name->type);
    if (key == NULL)
        return NULL;
    key->flag = name->flag;
    key->wanted = name->wanted;
    key->when = name->when;
    return argument_parse(reader, name->argument, key) ? key : NULL;
}

/* search-key *(SP search-key), below one AND. */
static struct imap_search_key *keys_parse(struct search_reader *reader)
{
    struct imap_search_key *all = key_new(reader, IMAP_SEARCH_AND);
    const struct imap_search_key **link = all == NULL ? NULL : &all->children;

    if (all == NULL)
        return NULL;
    do {
        struct imap_search_key *key = key_parse(reader);

        if (key == NULL)
            return NULL;
        *link = key;
        link = &key->next;
    } while (cursor_skip(reader->cur, ' '));
    return all;
}

static struct imap_search_key *list_parse(struct search_reader *reader)
{
    struct imap_search_key *all = keys_parse(reader);

    if (all == NULL || !cursor_take(reader->cur, ')', "a blank or \")\""))
        return NULL;
    return all;
}

static struct imap_search_key *set_key_parse(struct search_reader *reader)
{
    struct imap_search_key *key = key_new(reader, IMAP_SEARCH_SEQUENCE);

    if (key == NULL || !imap_seqset_parse(reader->cur, reader->grammar, reader->arena, &key->set))
        return NULL;
    reader->args->has_seqnos |= !key->set.saved;
    return key;
}

/* Recurses as deep as search_depth_max allows. */
static struct imap_search_key *key_parse(struct search_reader *reader)
{
    struct imap_search_key *key;
    int c = cursor_peek(reader->cur);

    if (reader->depth == reader->grammar->limits->search_depth_max) {
        (void)cursor_exceed(reader->cur, reader->depth, "levels of search keys");
        return NULL;
    }
    reader->depth++;
    if (cursor_skip(reader->cur, '('))
        key = list_parse(reader);
    else if (ascii_is_digit(c) || c == '*' || c == '$')
        key = set_key_parse(reader);
    else
        key = named_key_parse(reader);
    reader->depth--;
    return key;
}

static bool return_option_parse(struct cursor *cur, struct imap_search_args *args)
{
    for (size_t i = 0; i < ARRAY_COUNT(return_names); i++)
        if (imap_word_skip(cur, return_names[i].name)) {
            args->returns |= return_names[i].bit;
            return true;
        }
    return cursor_fail(cur, "MIN, MAX, ALL, COUNT or SAVE");
}

/* [SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"] */
bool imap_search_returns_parse(struct cursor *cur, struct imap_search_args *args)
{
    bool ended;

    if (!cursor_skip_word(cur, BYTES(" RETURN (")))
        return true;
    args->has_return = true;
    for (bool first = true; imap_list_next(cur, first, &ended); first = false)
        if (!return_option_parse(cur, args))
            return false;
    /* RFC 9051 s6.4.4: no options mean ALL. */
    if (args->returns == 0)
        args->returns = IMAP_RETURN_ALL;
    return ended;
}

static bool charset_parse(struct cursor *cur, struct arena *arena, struct imap_search_args *args)
{
    if (!imap_astring_parse(cur, arena, &args->charset))
        return false;
    return args->charset.len > 0 || cursor_fail(cur, "a charset");
}

static bool program_parse(struct search_reader *reader)
{
    reader->args->program = keys_parse(reader);
    return reader->args->program != NULL && imap_end_parse(reader->cur);
}

/* ["CHARSET" SP charset SP] search-program */
bool imap_search_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       const void **out_args)
{
    struct imap_search_args *args = ARENA_NEW(arena, struct imap_search_args);
    struct search_reader reader = { .cur = cur, .grammar = grammar, .arena = arena, .args = args };

    if (args == NULL)
        return imap_too_large(cur);
    if (!imap_search_returns_parse(cur, args) || !imap_space_parse(cur))
        return false;
    if (imap_word_skip(cur, BYTES("CHARSET")) &&
        (!imap_space_parse(cur) || !charset_parse(cur, arena, args) || !imap_space_parse(cur)))
        return false;
    if (!program_parse(&reader))
        return false;
    *out_args = args;
    return true;
}

bool imap_search_criteria_parse(struct cursor *cur, const struct imap_grammar *grammar,
                                struct arena *arena, struct imap_search_args *args)
{
    struct search_reader reader = { .cur = cur, .grammar = grammar, .arena = arena, .args = args };

    return charset_parse(cur, arena, args) && imap_space_parse(cur) && program_parse(&reader);
}
