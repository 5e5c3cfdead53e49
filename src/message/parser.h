/* Finds the MIME structure of a message in one pass over its bytes (RFC 5322, RFC 2045, RFC 2046).
 *
 * Push: feed the message in pieces split anywhere; bodies are scanned, never held. Header blocks
 * are kept in the arena. It cannot fail: the worst input is one text/plain part. What lies beyond a
 * limit, or a budget of the arena used up, is an opaque leaf or an unread header.
 *
 * Lines end with LF or CR LF. A header block ends at an empty line, at a boundary line of a
 * multipart that is open, or at the end. A boundary matches as the beginning of a line (RFC 2046
 * s5.1.1), the longest of those open first; it closes all parts inside. After its closing "--" line
 * a boundary means nothing. A multipart without a usable boundary is a leaf. */
#ifndef ROOST_MESSAGE_PARSER_H
#define ROOST_MESSAGE_PARSER_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "message/part.h"

enum {
    MESSAGE_HEADER_BYTES_MAX = 1024 * 1024, /* kept of all header blocks together */
    MESSAGE_DEPTH_MAX = 100, /* parts inside parts */
    MESSAGE_PARTS_MAX = 10000,
    MESSAGE_BOUNDARY_MAX = 256, /* of a longer boundary this many bytes count; RFC 2046 has 70 */
    MESSAGE_PLAIN_SAMPLE_MAX = 8 * 1024,
    MESSAGE_HTML_SAMPLE_MAX = 32 * 1024,
    MESSAGE_ARENA_BUDGET = 32 * 1024 * 1024, /* enough for the worst within the limits above */
    MESSAGE_ARENA_BUDGET_MIN = 64 * 1024, /* less than this left is a mistake of the caller */
};

struct message_limits {
    size_t header_bytes_max;
    uint32_t depth_max; /* the message itself is depth 1; at least 1 */
    uint32_t parts_max; /* at least 1 */
};

#define MESSAGE_LIMITS_DEFAULT \
    ((struct message_limits){ MESSAGE_HEADER_BYTES_MAX, MESSAGE_DEPTH_MAX, MESSAGE_PARTS_MAX })

struct message_parser;

/* A parser in `arena`, which is used for everything found and has at least MESSAGE_ARENA_BUDGET_MIN
 * left. Nothing to free but the arena. */
struct message_parser *message_parser_new(struct arena *arena, const struct message_limits *limits);

void message_parser_feed(struct message_parser *parser, struct bytes chunk);

/* The result; lives as long as the arena. The parser is used up. */
const struct message *message_parser_finish(struct message_parser *parser);

/* All of that for a message in one piece, default limits. */
const struct message *message_parse(struct arena *arena, struct bytes raw);

#endif
