/* Reads summaries. They are derived data that may be damaged: nothing is believed. */
#include <string.h>

#include "base/reader.h"
#include "message/summary.h"
#include "message/summary_layout.h"

enum { ZONE_MINUTES_MAX = 24 * 60 };

static void read_flags(struct reader *reader, uint64_t flags, struct summary *out)
{
    out->has_all_fields = (flags & SUMMARY_HAS_ALL_FIELDS) != 0;
    out->has_sent = (flags & SUMMARY_HAS_SENT) != 0;
    out->is_reply = (flags & SUMMARY_IS_REPLY) != 0;
    out->has_attachment = (flags & SUMMARY_HAS_ATTACHMENT) != 0;
    reader->failed = reader->failed || (flags & ~(uint64_t)SUMMARY_FLAGS_KNOWN) != 0;
}

static bool is_list(struct bytes bytes)
{
    return bytes.len >= 2 && bytes.at[0] == '(' && bytes.at[bytes.len - 1] == ')';
}

/* What is kept of a message for comparison, in buffers of its size. */
static struct bytes read_key(struct reader *reader)
{
    struct bytes key = reader_bytes(reader);

    reader->failed = reader->failed || key.len > SUMMARY_KEY_BYTES_MAX;
    return key;
}

static bool are_references(struct bytes references)
{
    struct reader reader = reader_make(references);

    for (size_t count = 0; !reader.failed && reader_left(&reader) > 0; count++) {
        if (count == SUMMARY_REFERENCES_MAX)
            return false;
        (void)read_key(&reader);
    }
    return !reader.failed;
}

bool summary_decode(struct bytes encoded, struct summary *out_summary)
{
    struct reader reader = reader_make(encoded);
    struct summary s = { 0 };

    if (reader_u8(&reader) != SUMMARY_VERSION)
        return false;
    read_flags(&reader, reader_varint(&reader), &s);
    s.message_bytes = reader_varint(&reader);
    s.header_bytes = reader_varint_max(&reader, s.message_bytes);
    s.envelope = reader_bytes(&reader);
    s.body = reader_bytes(&reader);
    s.bodystructure = reader_bytes(&reader);
    s.fields = reader_bytes(&reader);
    s.sent_seconds = (int64_t)reader_u64(&reader);
    s.sent_zone_minutes = (int32_t)reader_u32(&reader);
    s.subject = read_key(&reader);
    s.from_mailbox = read_key(&reader);
    s.to_mailbox = read_key(&reader);
    s.cc_mailbox = read_key(&reader);
    s.from_display = read_key(&reader);
    s.to_display = read_key(&reader);
    s.message_id = read_key(&reader);
    s.references = reader_bytes(&reader);
    s.preview = reader_bytes(&reader);
    s.part_count = (uint32_t)reader_varint_max(&reader, UINT32_MAX - 1);
    s.parts = reader_bytes(&reader);
    if (!reader_finish(&reader) || s.part_count == 0 || s.sent_zone_minutes >= ZONE_MINUTES_MAX ||
        s.sent_zone_minutes <= -ZONE_MINUTES_MAX)
        return false;
    if (!is_list(s.envelope) || !is_list(s.body) || !is_list(s.bodystructure) ||
        !are_references(s.references))
        return false;
    *out_summary = s;
    return true;
}

static bool read_part(struct reader *reader, uint64_t message_bytes, struct summary_part *out)
{
    struct summary_part part = { 0 };
    unsigned first = reader_u8(reader);
    unsigned encoding = first >> SUMMARY_PART_ENCODING_SHIFT & SUMMARY_PART_ENCODING_MASK;
    unsigned kind = first & SUMMARY_PART_KIND_MASK;

    part.index = (uint32_t)reader_varint_max(reader, UINT32_MAX - 1);
    part.parent = (uint32_t)reader_varint_max(reader, part.index) - 1; /* 0 is MESSAGE_PART_NONE */
    part.header_offset = reader_varint_max(reader, message_bytes);
    part.header_bytes = reader_varint_max(reader, message_bytes - part.header_offset);
    part.body_offset = part.header_offset + part.header_bytes;
    if (reader->failed)
        return false;
    part.body_bytes = reader_varint_max(reader, message_bytes - part.body_offset);
    part.body_lines = reader_varint_max(reader, part.body_bytes);
    part.type = reader_bytes(reader);
    part.subtype = reader_bytes(reader);
    part.charset = reader_bytes(reader);
    if (reader->failed || kind > MESSAGE_PART_MESSAGE || encoding >= TRANSFER_COUNT ||
        (first & ~(unsigned)SUMMARY_PART_KNOWN) != 0 ||
        (part.index == 0) != (part.parent == MESSAGE_PART_NONE))
        return false;
    part.kind = (enum message_part_kind)kind;
    part.encoding = (enum transfer_encoding)encoding;
    part.is_attachment = (first & SUMMARY_PART_ATTACHMENT) != 0;
    *out = part;
    return true;
}

/* The message that `inside` is the header and body of. */
static void set_message(struct summary_part *part, const struct summary_part *inside)
{
    uint64_t header_offset = inside->header_offset;
    uint64_t header_bytes = inside->header_bytes;
    uint64_t text_offset = inside->body_offset;
    uint64_t text_bytes = inside->body_bytes;

    part->has_message = true;
    part->message_header_offset = header_offset;
    part->message_header_bytes = header_bytes;
    part->message_text_offset = text_offset;
    part->message_text_bytes = text_bytes;
}

/* Moves on to the `number`th part (from 1) whose parent is `part`: they all come behind it. */
static bool find_child(struct reader *reader, uint64_t message_bytes, uint32_t number,
                       struct summary_part *part)
{
    uint32_t parent = part->index;
    struct summary_part child;

    for (uint32_t seen = 0; reader_left(reader) > 0;) {
        if (!read_part(reader, message_bytes, &child))
            return false;
        if (child.parent == parent && ++seen == number) {
            *part = child;
            return true;
        }
    }
    return false;
}

/* One number of a section. `as_message` tells the two faces of a part apart that is both the body
 * of a message and section 1 of it (RFC 9051 s6.4.5.1). */
static bool find_step(struct reader *reader, uint64_t message_bytes, uint32_t number,
                      struct summary_part *part, bool *as_message)
{
    if (!*as_message && part->kind == MESSAGE_PART_MESSAGE) {
        if (!find_child(reader, message_bytes, 1, part))
            return false;
        *as_message = true;
    }
    if (part->kind == MESSAGE_PART_MULTIPART) {
        *as_message = false;
        return number > 0 && find_child(reader, message_bytes, number, part);
    }
    if (!*as_message || number != 1)
        return false;
    *as_message = false;
    return true;
}

bool summary_part_find(const struct summary *summary, const uint32_t *section_numbers, size_t count,
                       struct summary_part *out_part)
{
    struct reader reader = reader_make(summary->parts);
    struct summary_part part, inside;
    bool as_message = true;

    if (!read_part(&reader, summary->message_bytes, &part) || part.index != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!find_step(&reader, summary->message_bytes, section_numbers[i], &part, &as_message))
            return false;
    }
    inside = part;
    if (as_message)
        set_message(&part, &inside);
    else if (part.kind == MESSAGE_PART_MESSAGE) {
        if (!find_child(&reader, summary->message_bytes, 1, &inside))
            return false;
        set_message(&part, &inside);
    }
    *out_part = part;
    return true;
}

bool summary_part_next(const struct summary *summary, size_t *position,
                       struct summary_part *out_part)
{
    struct reader reader = reader_make(bytes_from(summary->parts, *position));
    struct summary_part part;

    if (reader_left(&reader) == 0 || !read_part(&reader, summary->message_bytes, &part))
        return false;
    if (part.index == 0) {
        const struct summary_part itself = part;
        set_message(&part, &itself);
    }
    *position += reader.offset;
    *out_part = part;
    return true;
}

bool summary_reference_next(const struct summary *summary, size_t *position, struct bytes *out_id)
{
    struct reader reader = reader_make(bytes_from(summary->references, *position));
    struct bytes id = { 0 };

    if (reader_left(&reader) == 0)
        return false;
    id = reader_bytes(&reader);
    if (reader.failed)
        return false;
    *position += reader.offset;
    *out_id = id;
    return true;
}
