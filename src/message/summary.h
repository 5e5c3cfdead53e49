/* Everything about a message that is asked for without its body, as one string of bytes.
 *
 * Written once at delivery, kept by the store beside the log (derived: may vanish or be damaged),
 * read by FETCH, SEARCH, SORT and THREAD. The layout is in docs/summary.md. Decoding allocates
 * nothing and trusts nothing. */
#ifndef ROOST_MESSAGE_SUMMARY_H
#define ROOST_MESSAGE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "message/part.h"
#include "message/transfer.h"

enum {
    SUMMARY_VERSION = 4,
    SUMMARY_PREVIEW_CHARS_MAX = 200, /* RFC 8970 s3.1 */
    SUMMARY_FIELDS_BYTES_MAX = 64 * 1024, /* of raw fields kept */
    SUMMARY_KEY_BYTES_MAX = 1024, /* of each sort key */
    SUMMARY_REFERENCES_MAX = 200, /* the first and the last ones of longer lists */
    SUMMARY_BYTES_MAX = 16 * 1024 * 1024, /* no summary of a message within its limits is longer */
};

/* Views into the encoded bytes; they live as long as those. */
struct summary {
    uint64_t message_bytes; /* RFC822.SIZE */
    uint64_t header_bytes; /* of the message's own header, empty line included */

    struct bytes envelope; /* "(...)", ready to send, all three */
    struct bytes body;
    struct bytes bodystructure;

    struct bytes fields; /* raw kept fields in order, and the header's empty line if it has one */
    bool has_all_fields; /* false: fields were cut, HEADER.FIELDS must read the message */

    bool has_sent; /* a Date field that can be read */
    int64_t sent_seconds; /* since 1970, UTC */
    int32_t sent_zone_minutes; /* east of UTC; SENTON and kin look at the local date */

    struct bytes subject; /* base subject, RFC 5256 s2.1, folded by casemap_fold */
    bool is_reply; /* taking the base cut a reply or forward mark */
    struct bytes from_mailbox; /* first addr-mailbox, folded: SORT FROM, TO, CC */
    struct bytes to_mailbox;
    struct bytes cc_mailbox;
    struct bytes from_display; /* folded: SORT DISPLAYFROM, DISPLAYTO (RFC 5957 s3) */
    struct bytes to_display;

    struct bytes message_id; /* without < >; empty when there is none */
    struct bytes references; /* for summary_reference_next; RFC 5256 s3 REFERENCES step 1 */

    bool has_attachment;
    struct bytes preview; /* UTF-8, one line; empty when there is no text */

    struct bytes parts; /* for summary_part_find and summary_part_next */
    uint32_t part_count;
};

/* Appends the summary of a message. When `out` overflows it says so; SUMMARY_BYTES_MAX is room
 * enough. */
void summary_encode(const struct message *message, struct buf *out);

/* What decides about the thread of a message, message_id and references of its summary, from its
 * bytes; all else is left alone. The results lie in `space`, which is empty. */
void summary_find_ids(struct bytes message, struct buf *space, struct summary *out_summary);

/* Takes it apart. False, output untouched, when anything is malformed or of another version. */
MUST_USE bool summary_decode(struct bytes encoded, struct summary *out_summary);

/* One part, with the byte ranges of the stored message that its sections are. */
struct summary_part {
    enum message_part_kind kind;
    enum transfer_encoding encoding;
    uint32_t index; /* in the order of the message; 0 is the message itself */
    uint32_t parent; /* index, or MESSAGE_PART_NONE */
    uint64_t header_offset; /* BODY[n.MIME] is header_offset, header_bytes */
    uint64_t header_bytes;
    uint64_t body_offset; /* BODY[n] is body_offset, body_bytes */
    uint64_t body_bytes;
    uint64_t body_lines;
    struct bytes type; /* "text" */
    struct bytes subtype; /* "plain" */
    struct bytes charset; /* empty when not given */
    bool is_attachment; /* by its disposition or name */
    /* BODY[n.HEADER] and BODY[n.TEXT]: set when kind is MESSAGE, and for the message itself */
    bool has_message;
    uint64_t message_header_offset;
    uint64_t message_header_bytes;
    uint64_t message_text_offset;
    uint64_t message_text_bytes;
};

/* The part that a section's numbers name (RFC 9051 s6.4.5.1): "2.1" goes into the message inside
 * part 2; section 1 of a message that is no multipart is its body; no numbers is the message
 * itself. False when there is no such part, or the table is damaged. */
MUST_USE bool summary_part_find(const struct summary *summary, const uint32_t *section_numbers,
                                size_t count, struct summary_part *out_part);

/* Walks all parts in order, for SEARCH BODY: start with *position = 0; false at the end.
 * has_message is set for part 0 only. */
MUST_USE bool summary_part_next(const struct summary *summary, size_t *position,
                                struct summary_part *out_part);

/* True when that field is among those kept. */
MUST_USE bool summary_keeps_field(struct bytes name);

/* Answers BODY[HEADER.FIELDS (names)] into `out`, exactly as header_filter would from the whole
 * header. False, `out` untouched, when a name is not kept or not all fields were: read the message.
 */
MUST_USE bool summary_header_fields(const struct summary *summary, const struct bytes *names,
                                    size_t name_count, struct buf *out);

/* Walks the references, oldest first, without < >: start with *position = 0; false at the end. */
MUST_USE bool summary_reference_next(const struct summary *summary, size_t *position,
                                     struct bytes *out_id);

#endif
