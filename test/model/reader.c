/* Responses taken apart (RFC 9051 section 9). */
#include "model/reader.h"

#include <string.h>

enum { STRINGS = 8, STRING_MAX = 4096 };

/* {12} or {12+} at the end of a line; SIZE_MAX: none. */
static size_t literal_at_end(struct bytes line)
{
    size_t at = line.len;
    size_t bytes = 0;

    if (line.len < 3 || line.at[line.len - 1] != '}')
        return SIZE_MAX;
    for (at = line.len - 1; at > 0 && line.at[at - 1] >= '0' && line.at[at - 1] <= '9'; at--)
        ;
    if (at == 0 || line.at[at - 1] != '{' || at == line.len - 1)
        return SIZE_MAX;
    for (; line.at[at] != '}'; at++)
        bytes = bytes * 10 + (size_t)(line.at[at] - '0');
    return bytes;
}

size_t reader_response_len(struct bytes text)
{
    size_t at = 0;

    for (;;) {
        const uint8_t *end = at < text.len ? memmem(text.at + at, text.len - at, "\r\n", 2) : NULL;
        size_t line_end;
        size_t literal;

        if (end == NULL)
            return 0;
        line_end = (size_t)(end - text.at);
        literal = literal_at_end(bytes_slice(text, at, line_end - at));
        if (literal == SIZE_MAX)
            return line_end + 2;
        at = line_end + 2 + literal;
    }
}

bool reader_at_end(const struct reader *reader)
{
    return reader->at >= reader->line.len;
}

struct bytes reader_rest(const struct reader *reader)
{
    return bytes_from(reader->line, reader->at);
}

bool reader_skip(struct reader *reader, const char *text)
{
    size_t len = strlen(text);

    if (reader->line.len - reader->at < len ||
        strncasecmp((const char *)reader->line.at + reader->at, text, len) != 0)
        return false;
    reader->at += len;
    return true;
}

void reader_want(struct reader *reader, const char *text)
{
    if (!reader_skip(reader, text))
        model_fail("expected \"%s\" at byte %zu", text, reader->at);
}

static uint8_t peek(const struct reader *reader)
{
    return reader_at_end(reader) ? 0 : reader->line.at[reader->at];
}

bool reader_sees_digit(const struct reader *reader)
{
    return peek(reader) >= '0' && peek(reader) <= '9';
}

uint64_t reader_number(struct reader *reader)
{
    uint64_t number = 0;

    if (!reader_sees_digit(reader))
        model_fail("expected a number at byte %zu", reader->at);
    for (; reader_sees_digit(reader); reader->at++)
        number = number * 10 + (uint64_t)(peek(reader) - '0');
    return number;
}

struct bytes reader_word(struct reader *reader)
{
    size_t from = reader->at;

    while (!reader_at_end(reader) && memchr(" ()[]<>\r\n", peek(reader), 9) == NULL)
        reader->at++;
    if (reader->at == from)
        model_fail("expected a word at byte %zu", from);
    return bytes_slice(reader->line, from, reader->at - from);
}

static struct bytes read_quoted(struct reader *reader)
{
    static char texts[STRINGS][STRING_MAX];
    static unsigned next;
    char *text = texts[next++ % STRINGS];
    size_t len = 0;

    for (reader->at++; peek(reader) != '"'; reader->at++) {
        if (peek(reader) == '\\')
            reader->at++;
        if (reader_at_end(reader) || len == STRING_MAX)
            model_fail("a string has no end");
        text[len++] = (char)peek(reader);
    }
    reader->at++;
    return bytes_make(text, len);
}

static struct bytes read_literal(struct reader *reader)
{
    struct bytes bytes;
    uint64_t len;

    reader_want(reader, "{");
    len = reader_number(reader);
    reader_want(reader, "}\r\n");
    bytes = bytes_slice(reader->line, reader->at, len);
    if (bytes.len != len)
        model_fail("a literal has no end");
    reader->at += len;
    return bytes;
}

struct bytes reader_string(struct reader *reader)
{
    if (peek(reader) == '"')
        return read_quoted(reader);
    (void)reader_skip(reader, "~");
    return peek(reader) == '{' ? read_literal(reader) : reader_word(reader);
}

bool reader_nstring(struct reader *reader, struct bytes *out)
{
    if (reader_skip(reader, "NIL"))
        return false;
    if (peek(reader) != '"' && peek(reader) != '{' && peek(reader) != '~')
        model_fail("expected a string or NIL at byte %zu", reader->at);
    *out = reader_string(reader);
    return true;
}

struct bytes reader_value(struct reader *reader)
{
    size_t from = reader->at;
    unsigned depth = 0;

    do {
        if (reader_at_end(reader))
            model_fail("a list has no end");
        if (reader_skip(reader, " ") && depth > 0)
            continue;
        if (reader_skip(reader, "("))
            depth++;
        else if (reader_skip(reader, ")"))
            depth--;
        else
            (void)reader_string(reader);
    } while (depth > 0);
    return bytes_slice(reader->line, from, reader->at - from);
}

void reader_set(struct reader *reader, reader_number_fn *each, void *context)
{
    do {
        uint64_t first = reader_number(reader);
        uint64_t last = reader_skip(reader, ":") ? reader_number(reader) : first;

        if (first > last || last - first > 100000)
            model_fail("a set in a response is not as it should be");
        for (uint64_t number = first; number <= last; number++)
            each(context, (uint32_t)number);
    } while (reader_skip(reader, ","));
}
