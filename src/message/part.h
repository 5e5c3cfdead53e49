/* What the parser finds: a message as a flat array of MIME parts. Plain values.
 *
 * Part 0 is the message itself. A multipart has its parts as children, in order. A message/rfc822
 * or message/global has one child: the message inside, whose header starts where the parent's body
 * starts. A multipart in which no boundary was found has one part: all of its body, as plain text.
 * Parts stand in the order they appear (a parent before its children). All views point into
 * the parser's arena. Text is as it was written, unfolded; `at` is NULL where the field is missing.
 */
#ifndef ROOST_MESSAGE_PART_H
#define ROOST_MESSAGE_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "message/param.h"
#include "message/transfer.h"

#define MESSAGE_PART_NONE UINT32_MAX

enum message_part_kind {
    MESSAGE_PART_LEAF = 0,
    MESSAGE_PART_MULTIPART,
    MESSAGE_PART_MESSAGE, /* message/rfc822, message/global: one child */
};

struct message_part {
    enum message_part_kind kind;
    enum transfer_encoding encoding;
    uint32_t parent; /* index, or MESSAGE_PART_NONE */
    uint32_t first_child;
    uint32_t next_sibling;
    uint32_t depth; /* 1 for part 0 */

    /* Bytes from the start of the whole message. The body follows the header at once:
     * body_offset == header_offset + header_bytes. */
    uint64_t header_offset;
    uint64_t header_bytes; /* with the empty line */
    uint64_t body_offset;
    uint64_t body_bytes; /* without the line end before a boundary: RFC 2046 s5.1.1 */
    uint64_t body_lines; /* LF bytes in the body */

    struct bytes header; /* the block; cut when limits.header_bytes_max was reached */
    bool header_cut;

    struct bytes type; /* never empty: text/plain when missing or broken (RFC 2045 s5.2) */
    struct bytes subtype;
    struct params params;
    struct bytes charset; /* the parameter, decoded; NULL when there is none */
    struct bytes encoding_name; /* NULL when there is no field */
    struct bytes disposition; /* NULL when there is no field */
    struct params disposition_params;
    struct bytes *languages; /* Content-Language, RFC 3282 */
    size_t language_count;
    struct bytes id;
    struct bytes description;
    struct bytes md5;
    struct bytes location;
};

/* The first bytes, still encoded, of a part that a person would read. */
struct message_sample {
    uint32_t part; /* MESSAGE_PART_NONE: there is none */
    struct bytes raw;
};

struct message {
    const struct message_part *parts;
    uint32_t part_count; /* at least 1 */
    uint64_t bytes; /* of the whole message */
    bool has_limited; /* a limit made something opaque or cut a header */
    struct message_sample plain; /* the first text/plain that is no attachment */
    struct message_sample html; /* the first text/html that is no attachment */
};

/* True when the part's type is that, without regard to case; an empty subtype means any. */
bool message_part_is(const struct message_part *part, struct bytes type, struct bytes subtype);

/* True when a client should show it as an attachment: its disposition says so, or it has a file
 * name and is not inline. */
bool message_part_is_attachment(const struct message_part *part);

/* Reads the part's own fields (Content-Type and the like) out of part->header into everything from
 * `encoding` and `type` on, with defaults. What the arena has no room for is left out. */
struct arena;
void message_part_read(struct message_part *part, struct arena *arena, bool is_in_digest);

#endif
