/* Fields of a header block (RFC 5322 s2.2). */
#include "message/header.h"

#include <string.h>

#include "base/ascii.h"

/* Offset just past the line that starts at `from`. */
static size_t line_end(struct bytes block, size_t from)
{
    size_t at = bytes_find_byte(block, from, '\n');
    return at < block.len ? at + 1 : block.len;
}

static bool is_empty_line(struct bytes block, size_t from)
{
    struct bytes rest = bytes_from(block, from);
    return bytes_starts_with(rest, BYTES("\n")) || bytes_starts_with(rest, BYTES("\r\n"));
}

/* RFC 5322 s2.2.3: a line that starts with white space continues the field. A blank line of blanks
 * only is obsolete folding (s4.2) and continues it as well. */
static size_t field_end(struct bytes block, size_t from)
{
    size_t end = line_end(block, from);
    while (end < block.len && ascii_is_blank(block.at[end]))
        end = line_end(block, end);
    return end;
}

/* ftext is %d33-126 but ":"; 8-bit names (RFC 6532 has none) are let through. Blanks before the
 * colon are obs-optional. */
static struct bytes name_of(struct bytes raw)
{
    size_t colon = bytes_find_byte(raw, 0, ':');
    struct bytes name = bytes_trim(bytes_slice(raw, 0, colon));

    if (colon == raw.len || bytes_find_byte(raw, 0, '\n') < colon || ascii_is_blank(raw.at[0]))
        return (struct bytes){ 0 };
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] <= ' ' || name.at[i] == 127)
            return (struct bytes){ 0 };
    }
    return name;
}

bool header_next(struct header_reader *reader, struct header_field *out_field)
{
    struct bytes block = reader->block;
    size_t start = reader->offset;

    if (start >= block.len || is_empty_line(block, start))
        return false;
    size_t end = field_end(block, start);
    struct bytes raw = bytes_slice(block, start, end - start);
    struct bytes name = name_of(raw);
    size_t colon = name.len == 0 ? 0 : bytes_find_byte(raw, 0, ':') + 1;
    *out_field = (struct header_field){ raw, name, bytes_trim(bytes_from(raw, colon)) };
    reader->offset = end;
    return true;
}

bool header_find(struct bytes block, struct bytes name, struct header_field *out_field)
{
    struct header_reader reader = header_reader_make(block);
    struct header_field field;

    while (header_next(&reader, &field)) {
        if (field.name.len > 0 && bytes_equal_nocase(field.name, name)) {
            *out_field = field;
            return true;
        }
    }
    return false;
}

static bool is_line_end(uint8_t c)
{
    return c == '\r' || c == '\n';
}

/* RFC 5322 s2.2: only CR and LF together end a line. A CR on its own parts words, so it becomes a
 * blank: what is sent to a client holds none. */
static bool is_bare_cr(struct bytes value, size_t at)
{
    return value.at[at] == '\r' && at + 1 < value.len && !is_line_end(value.at[at + 1]);
}

static bool has_line_end(struct bytes value)
{
    return value.at != NULL &&
           (memchr(value.at, '\n', value.len) != NULL || memchr(value.at, '\r', value.len) != NULL);
}

struct bytes header_unfold(struct arena *arena, struct bytes value)
{
    uint8_t *into;
    size_t len = 0;

    if (!has_line_end(value))
        return value;
    into = arena_alloc(arena, value.len);
    for (size_t i = 0; into != NULL && i < value.len; i++) {
        if (is_bare_cr(value, i))
            into[len++] = ' ';
        else if (!is_line_end(value.at[i]))
            into[len++] = value.at[i];
    }
    return bytes_make(into, len);
}

struct bytes header_flatten(struct arena *arena, struct bytes value)
{
    uint8_t *into;
    size_t len = 0;

    if (!has_line_end(value))
        return value;
    into = arena_alloc(arena, value.len);
    for (size_t i = 0; into != NULL && i < value.len;) {
        if (!is_line_end(value.at[i])) {
            into[len++] = value.at[i++];
            continue;
        }
        while (i < value.len && is_line_end(value.at[i]))
            i++;
        if (i == value.len || (!ascii_is_blank(value.at[i]) && !is_bare_cr(value, i - 1)))
            continue;
        while (i < value.len && ascii_is_blank(value.at[i]))
            i++;
        while (len > 0 && ascii_is_blank(into[len - 1]))
            len--;
        into[len++] = ' ';
    }
    return bytes_make(into, len);
}

static bool is_named(struct bytes name, const struct bytes *names, size_t name_count)
{
    for (size_t i = 0; name.len > 0 && i < name_count; i++) {
        if (bytes_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}

void header_filter(struct bytes block, const struct bytes *names, size_t name_count, bool exclude,
                   struct buf *out)
{
    struct header_reader reader = header_reader_make(block);
    struct header_field field;

    while (header_next(&reader, &field)) {
        if (is_named(field.name, names, name_count) != exclude)
            buf_add(out, field.raw);
    }
    if (reader.offset < block.len)
        buf_add(out,
                bytes_slice(block, reader.offset, line_end(block, reader.offset) - reader.offset));
}

bool header_has_end(struct bytes block)
{
    return bytes_equal(block, BYTES("\n")) || bytes_equal(block, BYTES("\r\n")) ||
           bytes_ends_with(block, BYTES("\n\n")) || bytes_ends_with(block, BYTES("\n\r\n"));
}
