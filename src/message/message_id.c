/* Message identifiers. */
#include "message/message_id.h"

#include "message/token.h"

/* Behind "<"; quotes and quoting go (RFC 5256 s3, REFERENCES). Answers false when no ">" comes. */
static bool take_rest(struct cursor *cur, struct buf *out)
{
    bool is_quoted = false;

    for (; !cursor_at_end(cur); cur->offset++) {
        int c = cursor_peek(cur);
        if (c == '>' && !is_quoted) {
            cur->offset++;
            return true;
        }
        if (c == '"') {
            is_quoted = !is_quoted;
            continue;
        }
        if (c == '\\' && is_quoted && cursor_peek_at(cur, 1) != CURSOR_END)
            c = cursor_peek_at(cur, 1), cur->offset++;
        if (!token_is_space(c))
            buf_add_byte(out, (uint8_t)c);
    }
    return false;
}

bool message_id_next(struct cursor *cur, struct buf *out)
{
    size_t before = out->len;

    while (!cursor_at_end(cur)) {
        cur->offset = bytes_find_byte(cur->in, cur->offset, '<');
        if (!cursor_skip(cur, '<'))
            return false;
        if (take_rest(cur, out) && out->len > before)
            return true;
        buf_truncate(out, before);
    }
    return false;
}
