/* list, lsub and the LIST response (RFC 9051 s6.3.9, s7.3.1, s9; RFC 5258; RFC 6154). */
#include "imap/wire/list.h"

#include "imap/wire/astring.h"
#include "imap/wire/atom.h"
#include "imap/wire/mailbox.h"
#include "imap/wire/pattern.h"
#include "imap/wire/status.h"

/* RFC 5258 s3.2; RFC 6154 s6. */
static const struct {
    struct bytes name;
    uint32_t bit;
} select_names[] = {
    { BYTES("SUBSCRIBED"), IMAP_LIST_SUBSCRIBED },
    { BYTES("REMOTE"), IMAP_LIST_REMOTE },
    { BYTES("RECURSIVEMATCH"), IMAP_LIST_RECURSIVEMATCH },
    { BYTES("SPECIAL-USE"), IMAP_LIST_SPECIAL_USE },
}, return_names[] = {
    { BYTES("SUBSCRIBED"), IMAP_LIST_RETURN_SUBSCRIBED },
    { BYTES("CHILDREN"), IMAP_LIST_RETURN_CHILDREN },
    { BYTES("STATUS"), IMAP_LIST_RETURN_STATUS },
    { BYTES("SPECIAL-USE"), IMAP_LIST_RETURN_SPECIAL_USE },
}, attribute_names[] = {
    { BYTES("\\NonExistent"), IMAP_ATTRIBUTE_NONEXISTENT },
    { BYTES("\\Noselect"), IMAP_ATTRIBUTE_NOSELECT },
    { BYTES("\\Noinferiors"), IMAP_ATTRIBUTE_NOINFERIORS },
    { BYTES("\\HasChildren"), IMAP_ATTRIBUTE_HAS_CHILDREN },
    { BYTES("\\HasNoChildren"), IMAP_ATTRIBUTE_HAS_NO_CHILDREN },
    { BYTES("\\Marked"), IMAP_ATTRIBUTE_MARKED },
    { BYTES("\\Unmarked"), IMAP_ATTRIBUTE_UNMARKED },
    { BYTES("\\Subscribed"), IMAP_ATTRIBUTE_SUBSCRIBED },
    { BYTES("\\Remote"), IMAP_ATTRIBUTE_REMOTE },
    { BYTES("\\All"), IMAP_ATTRIBUTE_ALL },
    { BYTES("\\Archive"), IMAP_ATTRIBUTE_ARCHIVE },
    { BYTES("\\Drafts"), IMAP_ATTRIBUTE_DRAFTS },
    { BYTES("\\Flagged"), IMAP_ATTRIBUTE_FLAGGED },
    { BYTES("\\Junk"), IMAP_ATTRIBUTE_JUNK },
    { BYTES("\\Sent"), IMAP_ATTRIBUTE_SENT },
    { BYTES("\\Trash"), IMAP_ATTRIBUTE_TRASH },
    { BYTES("\\Important"), IMAP_ATTRIBUTE_IMPORTANT },
    { BYTES("\\Memos"), IMAP_ATTRIBUTE_MEMOS },
    { BYTES("\\Scheduled"), IMAP_ATTRIBUTE_SCHEDULED },
    { BYTES("\\Snoozed"), IMAP_ATTRIBUTE_SNOOZED },
};

enum { BASE_OPTIONS = IMAP_LIST_SUBSCRIBED | IMAP_LIST_SPECIAL_USE };

struct pattern_link {
    struct bytes pattern;
    struct pattern_link *before;
};

struct list_reader {
    struct cursor *cur;
    const struct imap_grammar *grammar;
    struct arena *arena;
    struct imap_list_args *args;
    struct pattern_link *newest;
    struct bytes raw_reference;
};

/* RFC 5258 s3 */
static bool select_option_parse(struct list_reader *reader)
{
    for (size_t i = 0; i < ARRAY_COUNT(select_names); i++)
        if (imap_word_skip(reader->cur, select_names[i].name)) {
            reader->args->selects |= select_names[i].bit;
            return true;
        }
    return cursor_fail(reader->cur, "SUBSCRIBED, REMOTE, RECURSIVEMATCH or SPECIAL-USE");
}

/* [SP list-select-opts]. RFC 5258 s3.1. */
static bool select_options_parse(struct list_reader *reader)
{
    bool ended;

    if (!cursor_skip_word(reader->cur, BYTES(" (")))
        return true;
    reader->args->extended = true;
    for (bool first = true; imap_list_next(reader->cur, first, &ended); first = false)
        if (!select_option_parse(reader))
            return false;
    /* RFC 9051 s6.3.9.1: RECURSIVEMATCH needs an option that can stand by itself. */
    if ((reader->args->selects & IMAP_LIST_RECURSIVEMATCH) != 0 &&
        (reader->args->selects & BASE_OPTIONS) == 0)
        return cursor_fail(reader->cur, "SUBSCRIBED or SPECIAL-USE with RECURSIVEMATCH");
    return ended;
}

static bool return_option_parse(struct list_reader *reader)
{
    uint32_t bit = 0;

    for (size_t i = 0; i < ARRAY_COUNT(return_names) && bit == 0; i++)
        if (imap_word_skip(reader->cur, return_names[i].name))
            bit = return_names[i].bit;
    if (bit == 0)
        return cursor_fail(reader->cur, "SUBSCRIBED, CHILDREN, STATUS or SPECIAL-USE");
    reader->args->returns |= bit;
    return bit != IMAP_LIST_RETURN_STATUS ||
           (imap_space_parse(reader->cur) &&
            imap_status_atts_parse(reader->cur, &reader->args->status_atts));
}

/* [SP "RETURN" SP "(" [return-option *(SP return-option)] ")"] */
static bool return_options_parse(struct list_reader *reader)
{
    bool ended;

    if (!cursor_skip_word(reader->cur, BYTES(" RETURN (")))
        return true;
    reader->args->extended = true;
    for (bool first = true; imap_list_next(reader->cur, first, &ended); first = false)
        if (!return_option_parse(reader))
            return false;
    return ended;
}

/* A pattern in the encoding of names. One that cannot be decoded stays as it is: it may match only
 * names that nobody can have. RFC 5258 s3. */
static bool to_pattern(struct list_reader *reader, struct bytes raw, struct bytes *out_pattern)
{
    enum imap_name_refusal ignored;
    struct bytes decoded;

    if (!imap_mailbox_to_utf8(raw, reader->grammar, reader->arena, &decoded, &ignored) ||
        !imap_mailbox_normalise(decoded, reader->arena, out_pattern))
        return imap_too_large(reader->cur);
    return true;
}

/* The reference is put in front as it is (RFC 9051 s6.3.9 leaves its meaning to the server). */
static bool join(struct list_reader *reader, struct bytes pattern, struct bytes *out_joined)
{
    size_t len = reader->raw_reference.len + pattern.len;
    uint8_t *at;

    if (len > IMAP_PATTERN_BYTES_MAX)
        return cursor_exceed(reader->cur, IMAP_PATTERN_BYTES_MAX, "bytes in one pattern");
    at = arena_alloc(reader->arena, len);
    if (at == NULL)
        return imap_too_large(reader->cur);
    for (size_t i = 0; i < len; i++)
        at[i] = i < reader->raw_reference.len ? reader->raw_reference.at[i]
                                              : pattern.at[i - reader->raw_reference.len];
    *out_joined = bytes_make(at, len);
    return true;
}

static bool pattern_parse(struct list_reader *reader)
{
    struct pattern_link *link = ARENA_NEW(reader->arena, struct pattern_link);
    struct bytes raw;
    struct bytes joined;

    if (link == NULL)
        return imap_too_large(reader->cur);
    if (reader->args->pattern_count == reader->grammar->limits->patterns_max)
        return cursor_exceed(reader->cur, reader->args->pattern_count, "patterns in one LIST");
    if (!imap_list_mailbox_parse(reader->cur, reader->arena, &raw) || !join(reader, raw, &joined) ||
        !to_pattern(reader, joined, &link->pattern))
        return false;
    reader->args->root_only = raw.len == 0;
    link->before = reader->newest;
    reader->newest = link;
    reader->args->pattern_count++;
    return true;
}

static bool patterns_finish(struct list_reader *reader)
{
    uint32_t left = reader->args->pattern_count;
    struct bytes *patterns = ARENA_NEW_ARRAY(reader->arena, struct bytes, left);

    if (patterns == NULL)
        return imap_too_large(reader->cur);
    for (struct pattern_link *link = reader->newest; link != NULL; link = link->before)
        patterns[--left] = link->pattern;
    reader->args->patterns = patterns;
    /* Only the plain form asks for the root (RFC 5258 s3). */
    reader->args->root_only = reader->args->root_only && !reader->args->extended;
    return true;
}

/* mbox-or-pat = list-mailbox / "(" list-mailbox *(SP list-mailbox) ")" */
static bool patterns_parse(struct list_reader *reader)
{
    if (!cursor_skip(reader->cur, '('))
        return pattern_parse(reader);
    reader->args->extended = true;
    do {
        if (!pattern_parse(reader))
            return false;
    } while (cursor_skip(reader->cur, ' '));
    return cursor_take(reader->cur, ')', "a blank or \")\"");
}

static bool reference_parse(struct list_reader *reader)
{
    return imap_space_parse(reader->cur) &&
           imap_astring_parse(reader->cur, reader->arena, &reader->raw_reference) &&
           to_pattern(reader, reader->raw_reference, &reader->args->reference);
}

static bool reader_init(struct list_reader *reader)
{
    reader->args = ARENA_NEW(reader->arena, struct imap_list_args);
    return reader->args != NULL || imap_too_large(reader->cur);
}

bool imap_list_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                     const void **out_args)
{
    struct list_reader reader = { .cur = cur, .grammar = grammar, .arena = arena };

    if (!reader_init(&reader) || !select_options_parse(&reader) || !reference_parse(&reader) ||
        !imap_space_parse(cur) || !patterns_parse(&reader) || !return_options_parse(&reader) ||
        !patterns_finish(&reader) || !imap_end_parse(cur))
        return false;
    *out_args = reader.args;
    return true;
}

bool imap_lsub_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                     const void **out_args)
{
    struct list_reader reader = { .cur = cur, .grammar = grammar, .arena = arena };

    if (!reader_init(&reader) || !reference_parse(&reader) || !imap_space_parse(cur) ||
        !pattern_parse(&reader) || !patterns_finish(&reader) || !imap_end_parse(cur))
        return false;
    *out_args = reader.args;
    return true;
}

uint32_t imap_list_attribute_find(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_COUNT(attribute_names); i++)
        if (bytes_equal_nocase(name, attribute_names[i].name))
            return attribute_names[i].bit;
    return 0;
}

void imap_list_attributes_print(struct buf *out, uint32_t attributes)
{
    bool first = true;

    for (size_t i = 0; i < ARRAY_COUNT(attribute_names); i++) {
        if ((attributes & attribute_names[i].bit) == 0)
            continue;
        if (!first)
            buf_add_byte(out, ' ');
        first = false;
        buf_add(out, attribute_names[i].name);
    }
}

static void print_child_info(struct buf *out, uint32_t selects)
{
    bool first = true;

    buf_add_string(out, "\"CHILDINFO\" (");
    for (size_t i = 0; i < ARRAY_COUNT(select_names); i++) {
        if ((selects & BASE_OPTIONS & select_names[i].bit) == 0)
            continue;
        if (!first)
            buf_add_byte(out, ' ');
        first = false;
        imap_quoted_print(out, select_names[i].name);
    }
    buf_add_byte(out, ')');
}

/* [SP mbox-list-extended] */
static void print_extended(struct buf *out, const struct imap_grammar *grammar,
                           const struct imap_list_response *response)
{
    if (response->child_info == 0 && response->old_name.len == 0)
        return;
    buf_add_string(out, " (");
    if (response->child_info != 0)
        print_child_info(out, response->child_info);
    if (response->child_info != 0 && response->old_name.len > 0)
        buf_add_byte(out, ' ');
    if (response->old_name.len > 0) {
        buf_add_string(out, "\"OLDNAME\" (");
        imap_mailbox_print(out, grammar, response->old_name);
        buf_add_byte(out, ')');
    }
    buf_add_byte(out, ')');
}

/* RFC 9051 s5.1.1 */
void imap_list_response_print(struct buf *out, const struct imap_grammar *grammar,
                              const struct imap_list_response *response)
{
    buf_add_string(out, response->lsub ? "* LSUB (" : "* LIST (");
    imap_list_attributes_print(out, response->attributes);
    buf_add_string(out, ") \"/\" ");
    imap_mailbox_print(out, grammar, response->name);
    print_extended(out, grammar, response);
    buf_add_string(out, "\r\n");
}
