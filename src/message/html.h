/* The visible text of HTML, streaming, for SEARCH and PREVIEW. No tree, no scripts, no links.
 *
 * Tags, comments, declarations and the contents of style, script and title are left out; a tag that
 * breaks lines in a browser becomes a space; character references are resolved. In and out UTF-8.
 */
#ifndef ROOST_MESSAGE_HTML_H
#define ROOST_MESSAGE_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"

enum {
    HTML_NAME_MAX = 15, /* of a tag or character reference; longer ones are none we know */
};

enum html_state {
    HTML_TEXT = 0,
    HTML_REFERENCE, /* behind "&" */
    HTML_TAG_OPEN, /* behind "<" */
    HTML_TAG_NAME,
    HTML_TAG, /* in the attributes */
    HTML_TAG_VALUE, /* behind "=" */
    HTML_TAG_BARE, /* in a value that no quotation mark opened: one within it closes nothing */
    HTML_TAG_QUOTED,
    HTML_DECLARATION, /* "<!" or "<?" */
    HTML_COMMENT, /* until "-->" */
};

/* A zeroed one is at the start of a text. */
struct html_reader {
    enum html_state state;
    uint8_t quote; /* which one HTML_TAG_QUOTED waits for */
    uint8_t dashes; /* in a row, in a declaration or comment */
    uint8_t name_len;
    bool is_closing; /* "</" */
    uint8_t name[HTML_NAME_MAX + 1]; /* lower case */
    uint8_t skipped_len; /* of the element whose contents are left out; 0: none */
    uint8_t skipped[HTML_NAME_MAX + 1];
};

void html_reader_feed(struct html_reader *reader, struct bytes in, struct buf *out);

/* Appends what was held back; the reader is then at its start again. */
void html_reader_finish(struct html_reader *reader, struct buf *out);

#endif
