/* Prints bytes in the string forms of IMAP: quoted, literal or NIL (RFC 9051 s4.3, s9).
 *
 * Quoted only for what every revision can read in quotes: printable 7-bit text and tabs, of at
 * most NSTRING_QUOTED_MAX bytes; anything else becomes a literal, so the result is valid in
 * IMAP4rev1 and IMAP4rev2 alike. NUL cannot travel in a string (CHAR8 is %x01-ff): it is sent as
 * 0x80, which keeps lengths and offsets right. */
#ifndef ROOST_MESSAGE_NSTRING_H
#define ROOST_MESSAGE_NSTRING_H

#include <stddef.h>

#include "base/buf.h"
#include "base/bytes.h"

enum { NSTRING_QUOTED_MAX = 1000 };

/* string: quoted or literal. `text.at` may be NULL when `text.len` is 0: an empty string. */
void nstring_print_string(struct buf *out, struct bytes text);

/* nstring: NIL when `text.at` is NULL, else as nstring_print_string. */
void nstring_print(struct buf *out, struct bytes text);

/* "{n}" CR LF and the bytes, NUL as 0x80. */
void nstring_print_literal(struct buf *out, struct bytes text);

/* The same of what the pieces are one behind the other. */
void nstring_print_pieces(struct buf *out, const struct bytes *pieces, size_t count);

#endif
