/* Lexical pieces of structured header fields (RFC 5322 s3.2, RFC 2045 s5.1), for this room.
 *
 * Work on raw values: CR and LF count as white space, so folds need no care. All are tolerant: what
 * is not closed ends with the value. Nested comments are counted, not recursed into. */
#ifndef ROOST_MESSAGE_TOKEN_H
#define ROOST_MESSAGE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "base/cursor.h"

/* Text under construction in memory that is large enough by design; adding past `max` adds
 * nothing. */
struct token_text {
    uint8_t *at;
    size_t len;
    size_t max;
};

/* Room for `max` bytes; `at` NULL and max 0 when the arena is over budget. */
struct token_text token_text_make(struct arena *arena, size_t max);

static inline void token_text_add_byte(struct token_text *text, uint8_t byte)
{
    if (text->len < text->max)
        text->at[text->len++] = byte;
}

void token_text_add(struct token_text *text, struct bytes bytes);

static inline struct bytes token_text_bytes(const struct token_text *text)
{
    return bytes_make(text->at, text->len);
}

/* Blank, CR or LF. */
bool token_is_space(int c);

/* tspecials of RFC 2045, controls, space: what ends a MIME token. */
bool token_is_mime_end(int c);

void token_skip_space(struct cursor *cur);

/* White space and comments. */
void token_skip_cfws(struct cursor *cur);

/* At "(": takes the comment. Its text, without the outer parentheses and with quoted pairs
 * resolved, goes to `out` when that is not NULL. */
void token_take_comment(struct cursor *cur, struct token_text *out);

/* At '"': takes the quoted string, its text to `out`: CR, LF and the backslashes of quoted pairs
 * left out. */
void token_take_quoted(struct cursor *cur, struct token_text *out);

/* The MIME token at the cursor; may be empty. Borrows. */
struct bytes token_take_mime(struct cursor *cur);

/* The first MIME token of a value, after white space and comments; unquoted if it was quoted. */
struct bytes token_first(struct bytes value);

#endif
