/* Lexical pieces of structured header fields. */
#include "message/token.h"

#include <string.h>

#include "base/ascii.h"

struct token_text token_text_make(struct arena *arena, size_t max)
{
    uint8_t *at = arena_alloc(arena, max);
    return (struct token_text){ .at = at, .max = at == NULL ? 0 : max };
}

void token_text_add(struct token_text *text, struct bytes bytes)
{
    size_t len = bytes.len < text->max - text->len ? bytes.len : text->max - text->len;
    if (len > 0)
        memcpy(text->at + text->len, bytes.at, len);
    text->len += len;
}

bool token_is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool token_is_mime_end(int c)
{
    static const char specials[] = "()<>@,;:\\\"/[]?=";
    return c <= ' ' || c == 127 || memchr(specials, c, sizeof specials - 1) != NULL;
}

void token_skip_space(struct cursor *cur)
{
    while (token_is_space(cursor_peek(cur)))
        cur->offset++;
}

void token_skip_cfws(struct cursor *cur)
{
    for (;;) {
        token_skip_space(cur);
        if (cursor_peek(cur) != '(')
            return;
        token_take_comment(cur, NULL);
    }
}

static void add_if(struct token_text *out, int c)
{
    if (out != NULL && c != '\r' && c != '\n')
        token_text_add_byte(out, (uint8_t)c);
}

void token_take_comment(struct cursor *cur, struct token_text *out)
{
    size_t depth = 0;

    for (; !cursor_at_end(cur); cur->offset++) {
        int c = cursor_peek(cur);
        if (c == '(' && depth++ == 0)
            continue;
        if (c == ')' && --depth == 0) {
            cur->offset++;
            return;
        }
        if (c == '\\' && cursor_peek_at(cur, 1) != CURSOR_END)
            c = cursor_peek_at(cur, 1), cur->offset++;
        add_if(out, c);
    }
}

void token_take_quoted(struct cursor *cur, struct token_text *out)
{
    for (cur->offset++; !cursor_at_end(cur); cur->offset++) {
        int c = cursor_peek(cur);
        if (c == '"') {
            cur->offset++;
            return;
        }
        if (c == '\\' && cursor_peek_at(cur, 1) != CURSOR_END)
            c = cursor_peek_at(cur, 1), cur->offset++;
        add_if(out, c);
    }
}

static bool is_mime_char(int c)
{
    return !token_is_mime_end(c);
}

struct bytes token_take_mime(struct cursor *cur)
{
    return cursor_take_while(cur, is_mime_char);
}

struct bytes token_first(struct bytes value)
{
    struct cursor cur = cursor_make(value);

    token_skip_cfws(&cur);
    while (cursor_peek(&cur) == '"')
        cur.offset++;
    return token_take_mime(&cur);
}
