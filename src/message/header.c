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
    return block.at[from] == '\n' ||
           (block.at[from] == '\r' && from + 1 < block.len && block.at[from + 1] == '\n');
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
static struct bytes odd_name_of(struct bytes raw)
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

/* Nearly all names are followed by the colon at once. */
static struct bytes name_of(struct bytes raw)
{
    static const bool ends[256] = { /* what no name has in it */
                                    [0 ... ' '] = true,
                                    [':'] = true,
                                    [127] = true
    };
    size_t len = 0;

    while (len < raw.len && !ends[raw.at[len]])
        len++;
    return len > 0 && len < raw.len && raw.at[len] == ':' ? bytes_slice(raw, 0, len)
                                                          : odd_name_of(raw);
}

/* The next field's lines; false at the end of the fields. */
static bool next_raw(struct header_reader *reader, struct bytes *out_raw)
{
    struct bytes block = reader->block;
    size_t start = reader->offset;

    if (start >= block.len || is_empty_line(block, start))
        return false;
    reader->offset = field_end(block, start);
    *out_raw = bytes_slice(block, start, reader->offset - start);
    return true;
}

static struct header_field field_of(struct bytes raw, struct bytes name)
{
    size_t colon = name.len == 0 ? 0 : bytes_find_byte(raw, 0, ':') + 1;

    return (struct header_field){ raw, name, bytes_trim(bytes_from(raw, colon)) };
}

bool header_next(struct header_reader *reader, struct header_field *out_field)
{
    struct bytes raw;

    if (!next_raw(reader, &raw))
        return false;
    *out_field = field_of(raw, name_of(raw));
    return true;
}

/* A name begins its line, unless that begins with what is cut off. */
static bool may_be(struct bytes raw, struct bytes name)
{
    return raw.at[0] <= ' ' || (raw.at[0] | 0x20) == (name.at[0] | 0x20);
}

bool header_next_named(struct header_reader *reader, struct bytes name,
                       struct header_field *out_field)
{
    struct bytes raw;

    while (name.len > 0 && next_raw(reader, &raw)) {
        struct bytes found = may_be(raw, name) ? name_of(raw) : bytes_make(NULL, 0);

        if (!bytes_equal_nocase(found, name))
            continue;
        *out_field = field_of(raw, found);
        return true;
    }
    return false;
}

bool header_find(struct bytes block, struct bytes name, struct header_field *out_field)
{
    struct header_reader reader = header_reader_make(block);

    return header_next_named(&reader, name, out_field);
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

/* Which chain a name is in, whatever its case. */
static size_t chain_of(struct bytes name)
{
    unsigned first = name.at[0] | 0x20u;
    unsigned last = name.at[name.len - 1] | 0x20u;

    return (first * 5 + last + name.len * 11) % HEADER_NAME_CHAINS;
}

bool header_names_make(struct arena *arena, const struct bytes *names, size_t count,
                       struct header_names *out_names)
{
    struct header_names made = { .names = names };
    uint8_t *next = count > HEADER_NAMES_MAX ? NULL : arena_alloc(arena, count + 1);

    if (next == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint8_t *first = names[i].len == 0 ? NULL : &made.first[chain_of(names[i])];

        next[i + 1] = first == NULL ? 0 : *first;
        if (first != NULL)
            *first = (uint8_t)(i + 1);
    }
    made.next = next;
    *out_names = made;
    return true;
}

static bool is_among(struct bytes name, const struct header_names *names)
{
    if (name.len == 0)
        return false;
    for (uint8_t i = names->first[chain_of(name)]; i != 0; i = names->next[i])
        if (bytes_equal_nocase(name, names->names[i - 1]))
            return true;
    return false;
}

struct picker {
    struct bytes *pieces;
    size_t max;
    size_t count;
};

static void pick(struct picker *picker, struct bytes raw)
{
    size_t count = picker->count;
    struct bytes *last = count == 0 || count > picker->max ? NULL : &picker->pieces[count - 1];

    if (last != NULL && last->at + last->len == raw.at) {
        last->len += raw.len;
        return;
    }
    if (count < picker->max)
        picker->pieces[count] = raw;
    picker->count++;
}

size_t header_pick(struct bytes block, const struct header_names *names, struct bytes *pieces,
                   size_t pieces_max)
{
    struct header_reader reader = header_reader_make(block);
    struct picker picker = { pieces, pieces_max, 0 };
    struct bytes raw;
    size_t end;

    while (next_raw(&reader, &raw))
        if (is_among(name_of(raw), names))
            pick(&picker, raw);
    end = reader.offset < block.len ? line_end(block, reader.offset) : reader.offset;
    if (end > reader.offset)
        pick(&picker, bytes_slice(block, reader.offset, end - reader.offset));
    return picker.count;
}

bool header_has_end(struct bytes block)
{
    return bytes_equal(block, BYTES("\n")) || bytes_equal(block, BYTES("\r\n")) ||
           bytes_ends_with(block, BYTES("\n\n")) || bytes_ends_with(block, BYTES("\n\r\n"));
}
