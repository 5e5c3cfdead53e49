/* flag, flag-list (RFC 9051 s2.3.2, s9). */
#include "imap/wire/flag.h"

#include <assert.h>

#include "imap/wire/atom.h"

static const struct {
    struct bytes name;
    uint32_t bit;
} system_flags[] = {
    { BYTES("Answered"), IMAP_FLAG_ANSWERED }, { BYTES("Flagged"), IMAP_FLAG_FLAGGED },
    { BYTES("Deleted"), IMAP_FLAG_DELETED },   { BYTES("Seen"), IMAP_FLAG_SEEN },
    { BYTES("Draft"), IMAP_FLAG_DRAFT },       { BYTES("Recent"), IMAP_FLAG_RECENT },
};

/* Keywords go into a list that grows link by link, and into an array at the end. */
struct keyword_link {
    struct bytes keyword;
    struct keyword_link *before;
};

struct flag_reader {
    struct cursor *cur;
    const struct imap_grammar *grammar;
    struct arena *arena;
    struct imap_flags flags;
    struct keyword_link *newest;
};

bool imap_keyword_parse(struct cursor *cur, const struct imap_grammar *grammar,
                        struct bytes *out_keyword)
{
    size_t start = cur->offset;
    struct bytes keyword = cursor_take_while(cur, imap_is_atom_char);

    if (keyword.len > 0 && keyword.len <= grammar->limits->keyword_bytes_max) {
        *out_keyword = keyword;
        return true;
    }
    cur->offset = start;
    return keyword.len == 0
               ? cursor_fail(cur, "a flag")
               : cursor_exceed(cur, grammar->limits->keyword_bytes_max, "bytes in one keyword");
}

static bool system_flag_parse(struct flag_reader *reader)
{
    struct bytes name;

    if (!imap_atom_parse(reader->cur, &name))
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(system_flags); i++)
        if (bytes_equal_nocase(name, system_flags[i].name)) {
            reader->flags.system |= system_flags[i].bit;
            return true;
        }
    reader->flags.extension = true;
    return true;
}

static bool keyword_add(struct flag_reader *reader, struct bytes keyword)
{
    struct keyword_link *link = reader->newest;

    for (; link != NULL; link = link->before)
        if (bytes_equal_nocase(link->keyword, keyword))
            return true;
    if (reader->flags.keyword_count == reader->grammar->limits->keywords_max)
        return cursor_exceed(reader->cur, reader->flags.keyword_count, "keywords in one list");
    link = ARENA_NEW(reader->arena, struct keyword_link);
    if (link == NULL)
        return imap_too_large(reader->cur);
    *link = (struct keyword_link){ .keyword = keyword, .before = reader->newest };
    reader->newest = link;
    reader->flags.keyword_count++;
    return true;
}

static bool flag_parse(struct flag_reader *reader)
{
    struct bytes keyword;

    if (cursor_skip(reader->cur, '\\'))
        return system_flag_parse(reader);
    return imap_keyword_parse(reader->cur, reader->grammar, &keyword) &&
           keyword_add(reader, keyword);
}

static bool flags_finish(struct flag_reader *reader, struct imap_flags *out_flags)
{
    uint32_t left = reader->flags.keyword_count;
    struct bytes *keywords = ARENA_NEW_ARRAY(reader->arena, struct bytes, left);

    if (keywords == NULL)
        return imap_too_large(reader->cur);
    for (struct keyword_link *link = reader->newest; link != NULL; link = link->before)
        keywords[--left] = link->keyword;
    reader->flags.keywords = keywords;
    *out_flags = reader->flags;
    return true;
}

bool imap_flag_list_parse(struct cursor *cur, const struct imap_grammar *grammar,
                          struct arena *arena, struct imap_flags *out_flags)
{
    struct flag_reader reader = { .cur = cur, .grammar = grammar, .arena = arena };
    bool ended;

    if (!cursor_take(cur, '(', "\"(\""))
        return false;
    for (bool first = true; imap_list_next(cur, first, &ended); first = false)
        if (!flag_parse(&reader))
            return false;
    return ended && flags_finish(&reader, out_flags);
}

bool imap_flags_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                      struct imap_flags *out_flags)
{
    struct flag_reader reader = { .cur = cur, .grammar = grammar, .arena = arena };

    if (cursor_peek(cur) == '(')
        return imap_flag_list_parse(cur, grammar, arena, out_flags);
    do {
        if (!flag_parse(&reader))
            return false;
    } while (cursor_skip(cur, ' '));
    return flags_finish(&reader, out_flags);
}

void imap_system_flags_print(struct buf *out, uint32_t system)
{
    static const struct bytes names[] = {
        /* by bit */
        BYTES(" \\Answered"), BYTES(" \\Flagged"), BYTES(" \\Deleted"),
        BYTES(" \\Seen"),     BYTES(" \\Draft"),   BYTES(" \\Recent"),
    };
    size_t skip = 1; /* no blank before the first */

    assert(system >> ARRAY_COUNT(names) == 0);
    for (; system != 0; system &= system - 1) {
        buf_add(out, bytes_from(names[__builtin_ctz(system)], skip));
        skip = 0;
    }
}

void imap_flag_list_print(struct buf *out, const struct imap_flags *flags)
{
    bool first = flags->system == 0;

    buf_add_byte(out, '(');
    imap_system_flags_print(out, flags->system);
    for (uint32_t i = 0; i < flags->keyword_count; i++) {
        if (!first)
            buf_add_byte(out, ' ');
        buf_add(out, flags->keywords[i]);
        first = false;
    }
    buf_add_byte(out, ')');
}
