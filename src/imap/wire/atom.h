/* atom and the character classes around it (RFC 9051 s9), and the one blank between arguments. */
#ifndef ROOST_IMAP_WIRE_ATOM_H
#define ROOST_IMAP_WIRE_ATOM_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "base/cursor.h"

/* Complains that an arena's budget is spent: the command asks for too much. Answers false. */
bool imap_too_large(struct cursor *cur);

bool imap_is_atom_char(int c);
bool imap_is_astring_char(int c); /* ATOM-CHAR / resp-specials */
bool imap_is_tag_char(int c); /* ASTRING-CHAR except "+" */
bool imap_is_list_char(int c); /* ATOM-CHAR / list-wildcards / resp-specials */

/* 1*ATOM-CHAR, borrowed from the input. */
MUST_USE bool imap_atom_parse(struct cursor *cur, struct bytes *out_atom);

/* Exactly one SP, or a complaint; at the end of the command that something is missing. */
MUST_USE bool imap_space_parse(struct cursor *cur);

/* A keyword that must be whole: no ATOM-CHAR follows it. False without a complaint otherwise. */
MUST_USE bool imap_word_skip(struct cursor *cur, struct bytes word);

/* Between the elements of "(" element *(SP element) ")": true when one follows; false at ")",
 * which is taken (*out_ended), or with a complaint. `first`: right behind "(". */
MUST_USE bool imap_list_next(struct cursor *cur, bool first, bool *out_ended);

#endif
