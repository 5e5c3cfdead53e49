/* quoted, literal, string, nstring, astring, list-mailbox (RFC 9051 s4.3, s9).
 *
 * Tolerated: bytes above 127 in quoted strings and literals whatever is enabled (UTF-8 as a rule);
 * who needs UTF-8 checks it. Never: NUL, and CR or LF in quotes. Values borrow from the input,
 * or from the arena where a backslash had to go. */
#ifndef ROOST_IMAP_WIRE_ASTRING_H
#define ROOST_IMAP_WIRE_ASTRING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/cursor.h"

/* quoted / literal. */
MUST_USE bool imap_string_parse(struct cursor *cur, struct arena *arena, struct bytes *out_string);

/* string / nil; NIL is `at` NULL, which a string never has. */
MUST_USE bool imap_nstring_parse(struct cursor *cur, struct arena *arena, struct bytes *out_string);

/* 1*ASTRING-CHAR / string. */
MUST_USE bool imap_astring_parse(struct cursor *cur, struct arena *arena, struct bytes *out_string);

/* list-mailbox = 1*list-char / string. */
MUST_USE bool imap_list_mailbox_parse(struct cursor *cur, struct arena *arena,
                                      struct bytes *out_string);

/* A literal's announcement, "{n}", "{n+}" or the same with "~", and its CRLF. */
struct imap_announcement {
    uint64_t bytes;
    bool synchronising;
    bool literal8;
};

MUST_USE bool imap_announcement_parse(struct cursor *cur, struct imap_announcement *out);

/* An atom if `text` can be one, else quoted, else (CR, LF or NUL in it) a literal. NIL is quoted.
 */
void imap_astring_print(struct buf *out, struct bytes text);

/* In quotes, with backslashes where needed. `text` must not hold CR, LF or NUL. */
void imap_quoted_print(struct buf *out, struct bytes text);

#endif
