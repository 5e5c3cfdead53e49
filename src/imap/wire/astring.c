/* Strings of all forms (RFC 9051 s4.3, s9). */
#include "imap/wire/astring.h"

#include "imap/wire/atom.h"
#include "imap/wire/number.h"
#include "imap/wire/respond.h"

static bool is_quoted_special(int c)
{
    return c == '"' || c == '\\';
}

/* Any byte that may stand in quotes for itself. */
static bool is_quoted_plain(int c)
{
    return c > 0 && c != '\r' && c != '\n' && !is_quoted_special(c);
}

static bool unescape(struct cursor *cur, struct bytes raw, struct arena *arena,
                     struct bytes *out_string)
{
    uint8_t *at = arena_alloc(arena, raw.len);
    size_t len = 0;

    if (at == NULL)
        return imap_too_large(cur);
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.at[i] == '\\')
            i++;
        at[len++] = raw.at[i];
    }
    *out_string = bytes_make(at, len);
    return true;
}

static bool quoted_parse(struct cursor *cur, struct arena *arena, struct bytes *out_string)
{
    size_t start = cur->offset + 1;
    bool escaped = false;
    struct bytes raw;

    cur->offset++;
    for (;;) {
        (void)cursor_take_while(cur, is_quoted_plain);
        if (cursor_peek(cur) != '\\')
            break;
        if (!is_quoted_special(cursor_peek_at(cur, 1)))
            return cursor_fail(cur, "\\\" or \\\\");
        escaped = true;
        cur->offset += 2;
    }
    raw = bytes_slice(cur->in, start, cur->offset - start);
    if (!cursor_take(cur, '"', "the end of a quoted string"))
        return false;
    if (escaped)
        return unescape(cur, raw, arena, out_string);
    *out_string = raw;
    return true;
}

bool imap_announcement_parse(struct cursor *cur, struct imap_announcement *out)
{
    struct imap_announcement found = { .literal8 = cursor_skip(cur, '~') };

    if (!cursor_take(cur, '{', "a literal") || !imap_number64_parse(cur, &found.bytes))
        return false;
    found.synchronising = !cursor_skip(cur, '+');
    if (!cursor_take(cur, '}', "\"}\"") || !cursor_take(cur, '\r', "the end of the line") ||
        !cursor_take(cur, '\n', "the end of the line"))
        return false;
    *out = found;
    return true;
}

static bool literal_parse(struct cursor *cur, struct bytes *out_string)
{
    struct imap_announcement announced;
    struct bytes string;

    if (!imap_announcement_parse(cur, &announced))
        return false;
    if (announced.bytes > cursor_rest(cur).len)
        return cursor_fail(cur, "as many bytes as the literal announced");
    string = bytes_slice(cur->in, cur->offset, (size_t)announced.bytes);
    if (bytes_find_byte(string, 0, 0) < string.len)
        return cursor_fail(cur, "a literal without NUL");
    cur->offset += string.len;
    *out_string = string;
    return true;
}

bool imap_string_parse(struct cursor *cur, struct arena *arena, struct bytes *out_string)
{
    if (cursor_peek(cur) == '"')
        return quoted_parse(cur, arena, out_string);
    if (cursor_peek(cur) == '{')
        return literal_parse(cur, out_string);
    return cursor_fail(cur, "a string");
}

bool imap_nstring_parse(struct cursor *cur, struct arena *arena, struct bytes *out_string)
{
    if (!imap_word_skip(cur, BYTES("NIL")))
        return imap_string_parse(cur, arena, out_string);
    *out_string = bytes_make(NULL, 0);
    return true;
}

static bool chars_or_string_parse(struct cursor *cur, bool (*belongs)(int c), struct arena *arena,
                                  struct bytes *out_string)
{
    struct bytes chars = cursor_take_while(cur, belongs);

    if (chars.len == 0)
        return imap_string_parse(cur, arena, out_string);
    *out_string = chars;
    return true;
}

bool imap_astring_parse(struct cursor *cur, struct arena *arena, struct bytes *out_string)
{
    return chars_or_string_parse(cur, imap_is_astring_char, arena, out_string);
}

bool imap_list_mailbox_parse(struct cursor *cur, struct arena *arena, struct bytes *out_string)
{
    return chars_or_string_parse(cur, imap_is_list_char, arena, out_string);
}

static bool can_be_atom(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!imap_is_atom_char(text.at[i]))
            return false;
    return text.len > 0 && !bytes_equal_nocase(text, BYTES("NIL"));
}

static bool can_be_quoted(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_quoted_plain(text.at[i]) && !is_quoted_special(text.at[i]))
            return false;
    return true;
}

void imap_quoted_print(struct buf *out, struct bytes text)
{
    buf_add_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (is_quoted_special(text.at[i]))
            buf_add_byte(out, '\\');
        buf_add_byte(out, text.at[i]);
    }
    buf_add_byte(out, '"');
}

void imap_astring_print(struct buf *out, struct bytes text)
{
    if (can_be_atom(text))
        buf_add(out, text);
    else if (can_be_quoted(text))
        imap_quoted_print(out, text);
    else
        imap_literal_print(out, text, false);
}
