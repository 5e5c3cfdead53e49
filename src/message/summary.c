/* Writes summaries: docs/summary.md, field by field. */
#include "message/summary.h"

#include "base/arena.h"
#include "base/reader.h"
#include "message/address.h"
#include "message/bodystructure.h"
#include "message/casemap.h"
#include "message/date.h"
#include "message/envelope.h"
#include "message/header.h"
#include "message/message_id.h"
#include "message/subject.h"
#include "message/summary_layout.h"
#include "message/text.h"

/* What is found before the flags can be written. */
struct findings {
    struct buf scratch; /* pieces of text, one after the other; see span */
    struct buf fields;
    struct date sent;
    uint32_t flags;
};

enum { REFERENCES_EACH_END = SUMMARY_REFERENCES_MAX / 2 };

static struct bytes field_value(struct bytes header, struct bytes name)
{
    struct header_field field = { 0 };
    return header_find(header, name, &field) ? field.value : (struct bytes){ 0 };
}

/* ---- kept fields ---- */

static void keep_fields(const struct message_part *top, struct findings *found)
{
    struct header_reader reader = header_reader_make(top->header);
    struct header_field field;
    bool has_all = !top->header_cut;

    while (header_next(&reader, &field)) {
        if (!summary_keeps_field(field.name))
            continue;
        if (found->fields.len + field.raw.len > SUMMARY_FIELDS_BYTES_MAX)
            has_all = false;
        else
            buf_add(&found->fields, field.raw);
    }
    buf_add(&found->fields, bytes_from(top->header, reader.offset)); /* the empty line, if any */
    found->flags |= has_all ? SUMMARY_HAS_ALL_FIELDS : 0;
}

/* ---- structure ---- */

static void put_structure(const struct message *message, struct buf *out)
{
    struct buf text = buf_make(SUMMARY_BYTES_MAX);
    size_t addresses_left = ENVELOPE_ADDRESSES_MAX;

    envelope_print(&text, message->parts[0].header, &addresses_left);
    buf_put_bytes(out, buf_bytes(&text));
    for (int is_extended = 0; is_extended <= 1; is_extended++) {
        buf_clear(&text);
        addresses_left = ENVELOPE_ADDRESSES_MAX;
        bodystructure_print(&text, message, is_extended != 0, &addresses_left);
        buf_put_bytes(out, buf_bytes(&text));
    }
    buf_done(&text);
}

static void put_part(const struct message_part *part, uint32_t index, struct buf *out)
{
    unsigned first = (unsigned)part->kind | (unsigned)part->encoding << SUMMARY_PART_ENCODING_SHIFT;

    first |= message_part_is_attachment(part) ? SUMMARY_PART_ATTACHMENT : 0;
    buf_put_u8(out, (uint8_t)first);
    buf_put_varint(out, index);
    buf_put_varint(out, part->parent == MESSAGE_PART_NONE ? 0 : part->parent + 1);
    buf_put_varint(out, part->header_offset);
    buf_put_varint(out, part->header_bytes);
    buf_put_varint(out, part->body_bytes);
    buf_put_varint(out, part->body_lines);
    buf_put_bytes(out, part->type);
    buf_put_bytes(out, part->subtype);
    buf_put_bytes(out, part->charset);
}

static void put_parts(const struct message *message, struct buf *out)
{
    struct buf parts = buf_make(SUMMARY_BYTES_MAX);

    for (uint32_t i = 0; i < message->part_count; i++)
        put_part(&message->parts[i], i, &parts);
    buf_put_varint(out, message->part_count);
    buf_put_bytes(out, buf_bytes(&parts));
    buf_done(&parts);
}

/* ---- sort keys ---- */

static void put_key(struct buf *out, struct bytes key)
{
    buf_put_bytes(out, bytes_slice(key, 0, SUMMARY_KEY_BYTES_MAX));
}

/* RFC 5255 s4.6; RFC 5957 s7. */
static void put_folded(struct buf *out, struct bytes text)
{
    struct buf folded = buf_make((size_t)SUMMARY_KEY_BYTES_MAX * TEXT_GROWTH_MAX);

    text_header(bytes_slice(text, 0, SUMMARY_KEY_BYTES_MAX), true, &folded);
    put_key(out, buf_bytes(&folded));
    buf_done(&folded);
}

/* RFC 5256 s2.1, s7. */
static void put_subject(struct bytes header, struct findings *found)
{
    struct bytes value =
        bytes_slice(field_value(header, BYTES("Subject")), 0, SUMMARY_FIELDS_BYTES_MAX);
    struct buf base = buf_make(value.len * 4 + 16);
    struct buf folded = buf_make((size_t)SUMMARY_KEY_BYTES_MAX * TEXT_GROWTH_MAX);

    found->flags |= subject_base(value, &base) ? SUMMARY_IS_REPLY : 0;
    casemap_fold(bytes_slice(buf_bytes(&base), 0, SUMMARY_KEY_BYTES_MAX), &folded);
    put_key(&found->scratch, buf_bytes(&folded));
    buf_done(&base);
    buf_done(&folded);
}

/* Only the first address counts, so only the field's beginning is read. */
enum { FIRST_ADDRESS_BYTES_MAX = 4096 };

static struct address first_address(struct arena *arena, struct bytes header, struct bytes name)
{
    struct bytes value = bytes_slice(field_value(header, name), 0, FIRST_ADDRESS_BYTES_MAX);
    struct address_list list = address_parse(arena, value, 1);
    return list.count == 0 ? (struct address){ 0 } : list.at[0];
}

/* RFC 5957 s3, s4: the display name, else the address, else nothing. */
static void put_display(struct buf *out, struct address address)
{
    struct buf spec = buf_make(FIRST_ADDRESS_BYTES_MAX * 2);

    if (address.name.len > 0) {
        put_folded(out, address.name);
        return;
    }
    buf_add(&spec, address.mailbox);
    if (address.host.len > 0)
        buf_add_byte(&spec, '@');
    buf_add(&spec, address.host);
    put_folded(out, buf_bytes(&spec));
    buf_done(&spec);
}

static void put_addresses(struct bytes header, struct buf *out)
{
    struct arena arena = arena_make(1024 * 1024);
    struct address from = first_address(&arena, header, BYTES("From"));
    struct address to = first_address(&arena, header, BYTES("To"));
    struct address cc = first_address(&arena, header, BYTES("Cc"));

    put_folded(out, from.mailbox);
    put_folded(out, to.mailbox);
    put_folded(out, cc.mailbox);
    put_display(out, from);
    put_display(out, to);
    arena_done(&arena);
}

/* ---- threads ---- */

static void put_message_id(struct bytes header, struct buf *out)
{
    struct cursor cur = cursor_make(field_value(header, BYTES("Message-ID")));
    struct buf id = buf_make(cur.in.len);

    if (!message_id_next(&cur, &id))
        buf_clear(&id);
    put_key(out, buf_bytes(&id));
    buf_done(&id);
}

static size_t count_ids(struct bytes value)
{
    struct cursor cur = cursor_make(value);
    struct buf id = buf_make(value.len);
    size_t count = 0;

    for (; message_id_next(&cur, &id); count++)
        buf_clear(&id);
    buf_done(&id);
    return count;
}

/* The identifiers of `value` at both ends of the list, at most `count_max` read. */
static void put_ids(struct bytes value, size_t count, struct buf *out)
{
    struct cursor cur = cursor_make(value);
    struct buf id = buf_make(value.len);
    struct buf ids = buf_make((size_t)SUMMARY_REFERENCES_MAX * (SUMMARY_KEY_BYTES_MAX + 10));

    for (size_t i = 0; i < count && message_id_next(&cur, &id); i++) {
        if (i < REFERENCES_EACH_END || i + REFERENCES_EACH_END >= count)
            put_key(&ids, buf_bytes(&id));
        buf_clear(&id);
    }
    buf_put_bytes(out, buf_bytes(&ids));
    buf_done(&id);
    buf_done(&ids);
}

/* RFC 5256 s3 REFERENCES step 1: References, or else the first identifier of In-Reply-To. */
static void put_references(struct bytes header, struct buf *out)
{
    struct bytes references = field_value(header, BYTES("References"));
    size_t count = count_ids(references);

    if (count > 0)
        put_ids(references, count, out);
    else
        put_ids(field_value(header, BYTES("In-Reply-To")), 1, out);
}

/* ---- contents ---- */

static bool counts_as_attachment(const struct message *message, const struct message_part *part)
{
    if (message_part_is(part, BYTES("application"), BYTES("pgp-signature")) ||
        message_part_is(part, BYTES("application"), BYTES("pkcs7-signature")) ||
        message_part_is(part, BYTES("application"), BYTES("x-pkcs7-signature")) ||
        message_part_is(part, BYTES("application"), BYTES("pgp-encrypted")))
        return false;
    if (part->kind == MESSAGE_PART_MULTIPART)
        return false;
    if (message_part_is_attachment(part))
        return true;
    bool is_inline = bytes_equal_nocase(part->disposition, BYTES("inline"));
    bool is_shown = message_part_is(part, BYTES("text"), BYTES("")) ||
                    message_part_is(part, BYTES("image"), BYTES(""));
    return !is_inline && !is_shown && part != &message->parts[0];
}

static bool has_attachment(const struct message *message)
{
    for (uint32_t i = 0; i < message->part_count; i++) {
        if (counts_as_attachment(message, &message->parts[i]))
            return true;
    }
    return false;
}

/* RFC 8970 s3.3 */
static void preview_of(const struct message *message, const struct message_sample *sample,
                       bool is_html, struct buf *out)
{
    struct buf text = buf_make((sample->raw.len + 1024) * TEXT_GROWTH_MAX);

    if (sample->part == MESSAGE_PART_NONE)
        return;
    const struct message_part *part = &message->parts[sample->part];
    struct text_options options = {
        .encoding = part->encoding,
        .charset = part->charset,
        .is_html = is_html,
    };
    struct text_reader *reader = text_reader_new(&options);
    text_reader_feed(reader, sample->raw, &text);
    text_reader_finish(reader, &text);
    text_one_line(buf_bytes(&text), SUMMARY_PREVIEW_CHARS_MAX, out);
    text_reader_free(reader);
    buf_done(&text);
}

/* RFC 8970 s3: of what a person reads first; the other kind when that shows nothing. */
static void put_preview(const struct message *message, struct buf *out)
{
    struct buf preview = buf_make(SUMMARY_PREVIEW_CHARS_MAX * 4);
    bool html_first = message->html.part < message->plain.part;

    preview_of(message, html_first ? &message->html : &message->plain, html_first, &preview);
    if (buf_is_empty(&preview))
        preview_of(message, html_first ? &message->plain : &message->html, !html_first, &preview);
    buf_put_bytes(out, buf_bytes(&preview));
    buf_done(&preview);
}

static void find_sent(struct bytes header, struct findings *found)
{
    bool has_sent = date_parse(field_value(header, BYTES("Date")), &found->sent);
    found->flags |= has_sent ? SUMMARY_HAS_SENT : 0;
}

void summary_encode(const struct message *message, struct buf *out)
{
    const struct message_part *top = &message->parts[0];
    struct findings found = { .scratch = buf_make(SUMMARY_KEY_BYTES_MAX + 16),
                              .fields = buf_make(SUMMARY_FIELDS_BYTES_MAX + 2) };

    keep_fields(top, &found);
    put_subject(top->header, &found);
    find_sent(top->header, &found);
    found.flags |= has_attachment(message) ? SUMMARY_HAS_ATTACHMENT : 0;

    buf_put_u8(out, SUMMARY_VERSION);
    buf_put_varint(out, found.flags);
    buf_put_varint(out, message->bytes);
    buf_put_varint(out, top->header_bytes);
    put_structure(message, out);
    buf_put_bytes(out, buf_bytes(&found.fields));
    buf_put_u64(out, (uint64_t)found.sent.seconds);
    buf_put_u32(out, (uint32_t)found.sent.zone_minutes);
    buf_add(out, buf_bytes(&found.scratch));
    put_addresses(top->header, out);
    put_message_id(top->header, out);
    put_references(top->header, out);
    put_preview(message, out);
    put_parts(message, out);
    buf_done(&found.scratch);
    buf_done(&found.fields);
}

/* Fields are looked for up to the first empty line: the body is never touched. */
void summary_find_ids(struct bytes message, struct buf *space, struct summary *out_summary)
{
    struct reader reader;

    put_message_id(message, space);
    put_references(message, space);
    reader = reader_make(buf_bytes(space));
    out_summary->message_id = reader_bytes(&reader);
    out_summary->references = reader_bytes(&reader);
}
