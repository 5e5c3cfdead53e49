/* The one way from stored bytes to text: transfer encoding, charset, HTML and case folding.
 *
 * SEARCH, PREVIEW and the full-text index all read through this, so that they agree on what a
 * message says. Streaming: a part of any size is read in pieces with bounded memory. */
#ifndef ROOST_MESSAGE_TEXT_H
#define ROOST_MESSAGE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "message/transfer.h"

struct text_options {
    enum transfer_encoding encoding;
    struct bytes charset; /* as the part names it; empty or unknown: guessed */
    bool is_html; /* tags, comments, style and script left out, entities resolved */
    bool is_folded; /* by casemap_fold, for comparison */
};

struct text_reader;

/* A reader on the heap; text_reader_free takes NULL. */
struct text_reader *text_reader_new(const struct text_options *options);

/* At the start of another text, with the memory it has. */
void text_reader_restart(struct text_reader *reader, const struct text_options *options);
void text_reader_free(struct text_reader *reader);

/* Appends the text of the next raw piece (split anywhere) as whole UTF-8 code points: at most
 * TEXT_GROWTH_MAX times the piece plus 1 KB. Feed pieces, look at `out`, clear it, go on. */
void text_reader_feed(struct text_reader *reader, struct bytes in, struct buf *out);
enum { TEXT_GROWTH_MAX = 64 };

/* Appends what was held back at the end of the part. */
void text_reader_finish(struct text_reader *reader, struct buf *out);

/* A header field's value as text: unfolded, encoded-words decoded, raw 8-bit guessed; folded by
 * casemap_fold when `is_folded`. Appends to `out`. */
void text_header(struct bytes value, bool is_folded, struct buf *out);

/* A search key (UTF-8) in the form that folded text is searched for. Same as casemap_fold. */
void text_search_key(struct bytes key, struct buf *out);

/* Appends at most `chars_max` code points of `text` (UTF-8) as one line: runs of white space become
 * one space, controls are left out, nothing at the ends (RFC 8970 s3). */
void text_one_line(struct bytes text, size_t chars_max, struct buf *out);

#endif
