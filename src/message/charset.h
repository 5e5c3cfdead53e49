/* Character sets of mail, converted to UTF-8. A fixed list; iconv behind it.
 *
 * glibc loads its converters from disk when they are first opened, so a role calls charset_open_all
 * once before its sandbox closes: they then stay loaded, and opening one again is memory only.
 * UTF-8, US-ASCII, ISO-8859-1 and windows-1252 need no iconv. Conversion never fails: what cannot
 * be converted becomes U+FFFD. Safe from any thread after charset_open_all. */
#ifndef ROOST_MESSAGE_CHARSET_H
#define ROOST_MESSAGE_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

struct charset; /* one row of the fixed list; static memory */

/* Loads every converter of the list; returns how many the system does not have. Call once, before
 * threads. charset_close_all is for leak checkers at exit. */
size_t charset_open_all(void);
void charset_close_all(void);

/* The charset that mail calls so (any case, common misspellings included); NULL when unknown. An
 * empty name is US-ASCII. */
const struct charset *charset_find(struct bytes name);

/* The one that takes bytes as they are found in unlabelled mail: UTF-8 where it is valid,
 * windows-1252 where not. US-ASCII and unknown charsets should be read with it. */
const struct charset *charset_unlabelled(void);

/* Preferred MIME name, static memory. */
struct bytes charset_name(const struct charset *charset);

enum { CHARSET_HELD_MAX = 16 };

/* A streaming conversion. Fields are its own. */
struct charset_reader {
    const struct charset *charset;
    void *iconv; /* iconv_t, or NULL */
    uint8_t held[CHARSET_HELD_MAX]; /* start of a character whose end has not come */
    size_t held_len;
};

/* `charset` NULL is read as charset_unlabelled. */
void charset_reader_init(struct charset_reader *reader, const struct charset *charset);
void charset_reader_done(struct charset_reader *reader);

/* Appends UTF-8 for the next piece, split anywhere; always whole code points. */
void charset_reader_feed(struct charset_reader *reader, struct bytes in, struct buf *out);

/* Whether ASCII is what it is at this place of the text: it need not be fed. */
bool charset_reader_keeps_ascii(const struct charset_reader *reader);

/* Appends U+FFFD when a character was cut off. The reader is then at its start again. */
void charset_reader_finish(struct charset_reader *reader, struct buf *out);

/* All in one go. */
void charset_to_utf8(const struct charset *charset, struct bytes in, struct buf *out);

/* Whether `text` is whole characters of the charset: nothing of it would become U+FFFD. */
bool charset_is_valid(const struct charset *charset, struct bytes text);

/* Whether ASCII stands for itself, so that the charset can be that of a string of IMAP, which holds
 * no NUL; not so in UTF-16 and UTF-32. */
bool charset_holds_ascii(const struct charset *charset);

/* The preferred names of the charsets that hold ASCII and that the system can convert, with blanks
 * between. */
void charset_names_print(struct buf *out);

#endif
