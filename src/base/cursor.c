/* Moving a cursor and remembering the furthest complaint. */
#include "base/cursor.h"

bool cursor_fail(struct cursor *cur, const char *expected)
{
    return cursor_fail_at(cur, cur->offset, expected);
}

bool cursor_fail_at(struct cursor *cur, size_t offset, const char *expected)
{
    if (cur->expected == NULL || (offset >= cur->failed_at && !cur->is_exceeded)) {
        cur->failed_at = offset;
        cur->expected = expected;
    }
    return false;
}

bool cursor_exceed(struct cursor *cur, uint64_t max, const char *what)
{
    if (cur->is_exceeded)
        return false;
    cur->failed_at = cur->offset;
    cur->expected = what;
    cur->is_exceeded = true;
    cur->exceeded_max = max;
    return false;
}

bool cursor_skip(struct cursor *cur, uint8_t byte)
{
    if (cursor_peek(cur) != byte)
        return false;
    cur->offset++;
    return true;
}

bool cursor_take(struct cursor *cur, uint8_t byte, const char *expected)
{
    return cursor_skip(cur, byte) || cursor_fail(cur, expected);
}

bool cursor_skip_word(struct cursor *cur, struct bytes word)
{
    if (!bytes_starts_with_nocase(cursor_rest(cur), word))
        return false;
    cur->offset += word.len;
    return true;
}

struct bytes cursor_take_while(struct cursor *cur, bool (*belongs)(int c))
{
    size_t start = cur->offset;

    while (!cursor_at_end(cur) && belongs(cursor_peek(cur)))
        cur->offset++;
    return bytes_slice(cur->in, start, cur->offset - start);
}
