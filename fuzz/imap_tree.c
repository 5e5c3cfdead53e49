/* Reads the values of FETCH responses, without recursion. */
#include "imap_tree.h"

#include <string.h>

enum { DEPTH_MAX = 512 };

struct reader {
    struct bytes in;
    size_t at;
    struct arena *arena;
    struct imap_tree **tail[DEPTH_MAX]; /* of each list that is not closed yet: its end */
    size_t depth;
};

static int peek(const struct reader *reader)
{
    return reader->at < reader->in.len ? reader->in.at[reader->at] : -1;
}

static bool take(struct reader *reader, const char *word)
{
    size_t len = strlen(word);

    if (!bytes_equal(bytes_slice(reader->in, reader->at, len), bytes_make(word, len)))
        return false;
    reader->at += len;
    return true;
}

static bool read_number(struct reader *reader, uint64_t *out_number)
{
    size_t start = reader->at;

    *out_number = 0;
    while (peek(reader) >= '0' && peek(reader) <= '9') {
        if (*out_number > (UINT64_MAX - 9) / 10)
            return false;
        *out_number = *out_number * 10 + (uint64_t)(peek(reader) - '0');
        reader->at++;
    }
    return reader->at > start;
}

/* Passes over one character of a quoted string; its byte, or 0 when it must not stand there. */
static uint8_t quoted_char(struct reader *reader)
{
    bool is_escaped = take(reader, "\\");
    int c = peek(reader);

    reader->at++;
    if (c <= 0 || c > 127 || c == '\r' || c == '\n' || (is_escaped && c != '"' && c != '\\'))
        return 0;
    return (uint8_t)c;
}

static bool read_quoted(struct reader *reader, struct bytes *out_text)
{
    size_t start = reader->at;
    uint8_t *text;

    while (peek(reader) != '"')
        if (quoted_char(reader) == 0)
            return false;
    text = arena_alloc(reader->arena, reader->at - start);
    *out_text = bytes_make(text, 0);
    for (reader->at = start; peek(reader) != '"';)
        text[out_text->len++] = quoted_char(reader);
    reader->at++;
    return true;
}

static bool read_literal(struct reader *reader, struct bytes *out_text)
{
    uint64_t len;

    if (!read_number(reader, &len) || !take(reader, "}\r\n") || len > reader->in.len - reader->at)
        return false;
    *out_text = bytes_slice(reader->in, reader->at, (size_t)len);
    reader->at += (size_t)len;
    return memchr(out_text->at, 0, out_text->len) == NULL;
}

static bool read_value(struct reader *reader, struct imap_tree *node)
{
    if (take(reader, "NIL"))
        return true;
    if (take(reader, "\"")) {
        node->kind = IMAP_TREE_STRING;
        return read_quoted(reader, &node->text);
    }
    if (take(reader, "{")) {
        node->kind = IMAP_TREE_STRING;
        return read_literal(reader, &node->text);
    }
    node->kind = IMAP_TREE_NUMBER;
    return read_number(reader, &node->number);
}

/* Behind a value: closes what ends here; false when a blank and no value follows. Lists may follow
 * each other without a blank (addresses, parts). */
static bool read_behind(struct reader *reader)
{
    while (reader->depth > 0 && take(reader, ")"))
        reader->depth--;
    if (reader->depth == 0)
        return reader->at == reader->in.len;
    if (take(reader, " "))
        return peek(reader) != ' ' && peek(reader) != ')';
    return peek(reader) == '(' && reader->in.at[reader->at - 1] == ')';
}

static bool open_list(struct reader *reader, struct imap_tree *node)
{
    node->kind = IMAP_TREE_LIST;
    if (reader->depth == DEPTH_MAX || peek(reader) == ')' || peek(reader) == ' ')
        return false;
    reader->tail[reader->depth++] = &node->first;
    return true;
}

struct imap_tree *imap_tree_read(struct bytes text, struct arena *arena)
{
    struct reader reader = { .in = text, .arena = arena };
    struct imap_tree *root = NULL;
    struct imap_tree **tail = &root;

    do {
        struct imap_tree *node = arena_alloc(arena, sizeof(*node));

        memset(node, 0, sizeof(*node));
        if (reader.depth > 0)
            tail = reader.tail[reader.depth - 1];
        *tail = node;
        if (reader.depth > 0)
            reader.tail[reader.depth - 1] = &node->next;
        if (take(&reader, "(") ? !open_list(&reader, node)
                               : (!read_value(&reader, node) || !read_behind(&reader)))
            return NULL;
    } while (reader.depth > 0);
    return root;
}
