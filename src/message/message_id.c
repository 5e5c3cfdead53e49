/* Message identifiers. */
#include "message/message_id.h"

#include "message/token.h"

/* Behind "<"; quotes and quoting go (RFC 5256 s3, REFERENCES). False: what comes is none; a "<", in
 * quotes as well, is left, for it may begin one: so no byte is looked at twice. */
static bool take_rest(struct cursor *cur, struct buf *out)
{
    size_t limit = cur->offset + MESSAGE_ID_BYTES_MAX - 1; /* the "<" is gone */
    size_t left = out->len;
    size_t right = 0; /* where it begins in `out`; 0: no "@" has come */
    bool is_quoted = false;

    for (; !cursor_at_end(cur) && cur->offset < limit; cur->offset++) {
        int c = cursor_peek(cur);
        if (c == '>' && !is_quoted) {
            cur->offset++;
            return right > 0 && out->len > right;
        }
        if (c == '"') {
            is_quoted = !is_quoted;
            continue;
        }
        if (c == '<' || (c == '@' && !is_quoted && out->len == left))
            return false;
        if (c == '@' && !is_quoted)
            right = out->len + 1;
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
        if (take_rest(cur, out))
            return true;
        buf_truncate(out, before);
    }
    return false;
}
