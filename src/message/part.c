/* The MIME fields of one part (RFC 2045, RFC 2183, RFC 3282, RFC 1864, RFC 2557). */
#include "message/part.h"

#include "base/arena.h"
#include "message/header.h"
#include "message/token.h"

enum { LANGUAGES_MAX = 32 };

static void default_type(struct message_part *part, bool is_in_digest)
{
    /* RFC 2046 s5.1.5: in a digest the default is message/rfc822. */
    part->type = is_in_digest ? BYTES("message") : BYTES("text");
    part->subtype = is_in_digest ? BYTES("rfc822") : BYTES("plain");
    part->params = (struct params){ 0 };
}

static void read_type(struct message_part *part, struct arena *arena, struct bytes value)
{
    if (!param_parse_type(arena, value, &part->type, &part->subtype, &part->params))
        default_type(part, false);
    part->charset = param_value(arena, &part->params, BYTES("charset"));
}

static void read_disposition(struct message_part *part, struct arena *arena, struct bytes value)
{
    if (!param_parse_disposition(arena, value, &part->disposition, &part->disposition_params))
        part->disposition = (struct bytes){ 0 };
    /* RFC 2183 s2.8: what is not known is an attachment; parameters with no type before them too.
     */
    else if (part->disposition.len == 0)
        part->disposition = BYTES("attachment");
}

/* RFC 3282 s2: language tags parted by commas. */
static void read_languages(struct message_part *part, struct arena *arena, struct bytes value)
{
    struct bytes found[LANGUAGES_MAX];
    struct cursor cur = cursor_make(value);
    size_t count = 0;

    while (count < LANGUAGES_MAX) {
        token_skip_cfws(&cur);
        if (cursor_at_end(&cur))
            break;
        struct bytes tag = token_take_mime(&cur);
        if (tag.len > 0)
            found[count++] = tag;
        else
            cur.offset++;
    }
    part->languages = count == 0 ? NULL : ARENA_NEW_ARRAY(arena, struct bytes, count);
    part->language_count = part->languages == NULL ? 0 : count;
    for (size_t i = 0; i < part->language_count; i++)
        part->languages[i] = found[i];
}

static void read_encoding(struct message_part *part, struct arena *arena, struct bytes value)
{
    struct bytes name = token_first(value);

    part->encoding = transfer_parse(value);
    if (part->encoding == TRANSFER_7BIT || name.len == 0)
        name = BYTES("7bit");
    else if (bytes_equal_nocase(name, BYTES("8-bit"))) /* known by us, not by every client */
        name = BYTES("8bit");
    part->encoding_name = name;
}

static void read_id(struct message_part *part, struct arena *arena, struct bytes value)
{
    part->id = header_unfold(arena, value);
}

static void read_description(struct message_part *part, struct arena *arena, struct bytes value)
{
    part->description = header_unfold(arena, value);
}

static void read_md5(struct message_part *part, struct arena *arena, struct bytes value)
{
    part->md5 = header_unfold(arena, value);
}

static void read_location(struct message_part *part, struct arena *arena, struct bytes value)
{
    part->location = header_unfold(arena, value);
}

struct part_field {
    struct bytes name;
    void (*read)(struct message_part *part, struct arena *arena, struct bytes value);
};

static const struct part_field part_fields[] = {
    { BYTES("Type"), read_type },
    { BYTES("Transfer-Encoding"), read_encoding },
    { BYTES("Disposition"), read_disposition },
    { BYTES("Language"), read_languages },
    { BYTES("ID"), read_id },
    { BYTES("Description"), read_description },
    { BYTES("MD5"), read_md5 },
    { BYTES("Location"), read_location },
};

void message_part_read(struct message_part *part, struct arena *arena, bool is_in_digest)
{
    struct header_reader reader = header_reader_make(part->header);
    struct header_field field;
    uint32_t seen = 0; /* one bit for each of part_fields: the first of its name counts */

    default_type(part, is_in_digest);
    while (header_next(&reader, &field)) {
        if (!bytes_starts_with_nocase(field.name, BYTES("Content-")))
            continue;
        struct bytes name = bytes_from(field.name, 8);
        for (uint32_t i = 0; i < ARRAY_COUNT(part_fields); i++) {
            if ((seen & 1U << i) != 0 || !bytes_equal_nocase(name, part_fields[i].name))
                continue;
            seen |= 1U << i;
            part_fields[i].read(part, arena, field.value);
        }
    }
}

bool message_part_is(const struct message_part *part, struct bytes type, struct bytes subtype)
{
    return bytes_equal_nocase(part->type, type) &&
           (subtype.len == 0 || bytes_equal_nocase(part->subtype, subtype));
}

bool message_part_is_attachment(const struct message_part *part)
{
    if (bytes_equal_nocase(part->disposition, BYTES("attachment")))
        return true;
    if (bytes_equal_nocase(part->disposition, BYTES("inline")))
        return false;
    return param_find(&part->disposition_params, BYTES("filename")).at != NULL ||
           param_find(&part->disposition_params, BYTES("filename*")).at != NULL ||
           param_find(&part->params, BYTES("name")).at != NULL ||
           param_find(&part->params, BYTES("name*")).at != NULL;
}
