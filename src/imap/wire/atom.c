/* Character classes of the ABNF and the smallest productions (RFC 9051 s9). */
#include "imap/wire/atom.h"

#include "base/ascii.h"

/* atom-specials: "(" ")" "{" SP CTL list-wildcards quoted-specials resp-specials. */
bool imap_is_atom_char(int c)
{
    if (c <= ' ' || c >= 127)
        return false;
    switch (c) {
    case '(':
    case ')':
    case '{':
    case '%':
    case '*':
    case '"':
    case '\\':
    case ']': return false;
    default: return true;
    }
}

bool imap_is_astring_char(int c)
{
    return imap_is_atom_char(c) || c == ']';
}

bool imap_is_tag_char(int c)
{
    return imap_is_astring_char(c) && c != '+';
}

bool imap_is_list_char(int c)
{
    return imap_is_astring_char(c) || c == '%' || c == '*';
}

bool imap_too_large(struct cursor *cur)
{
    return cursor_exceed(cur, 0, "The command needs more memory than it may have");
}

bool imap_atom_parse(struct cursor *cur, struct bytes *out_atom)
{
    struct bytes atom = cursor_take_while(cur, imap_is_atom_char);

    if (atom.len == 0)
        return cursor_fail(cur, "an atom");
    *out_atom = atom;
    return true;
}

/* RFC 9051 s2.2.2 */
bool imap_space_parse(struct cursor *cur)
{
    return cursor_take(cur, ' ', cursor_at_end(cur) ? "more arguments" : "a blank");
}

/* RFC 4731 s4 */
bool imap_word_skip(struct cursor *cur, struct bytes word)
{
    if (!bytes_starts_with_nocase(cursor_rest(cur), word) ||
        imap_is_atom_char(cursor_peek_at(cur, word.len)))
        return false;
    cur->offset += word.len;
    return true;
}

bool imap_list_next(struct cursor *cur, bool first, bool *out_ended)
{
    *out_ended = cursor_skip(cur, ')');
    if (*out_ended)
        return false;
    return first || cursor_take(cur, ' ', "a blank or \")\"");
}
