/* The message within DATA (RFC 5321 s4.5.2): where it ends, and without its doubled dots.
 *
 * Only CRLF "." CRLF ends it. A bare CR or LF is content like any other byte, kept as it is: taking
 * it for the end of a line is how one message smuggles in another. So what is stored is exactly
 * what a sender meant that keeps to the rule, and at worst ugly, never two messages. Pure; nothing
 * is copied: the pieces of content borrow from the input. */
#ifndef ROOST_SMTP_CONTENT_H
#define ROOST_SMTP_CONTENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/bytes.h"

enum smtp_content_place {
    SMTP_CONTENT_LINE_START, /* after CRLF, or at the very start */
    SMTP_CONTENT_DOT, /* after a dot at the start of a line */
    SMTP_CONTENT_DOT_CR, /* after that dot and a CR */
    SMTP_CONTENT_IN_LINE,
    SMTP_CONTENT_CR, /* after a CR within a line */
};

struct smtp_content {
    enum smtp_content_place place; /* zero: the start of a message */
};

/* Takes one piece from the front of `in`: answers how many bytes of it are done with. `*out_piece`
 * is content to be kept (may be empty, may be static memory); `*out_end` says that this was the end
 * of the message. With a not empty `in` something is always done with, or kept: call again. */
MUST_USE size_t smtp_content_step(struct smtp_content *content, struct bytes in,
                                  struct bytes *out_piece, bool *out_end);

#endif
