/* section (RFC 9051 s6.4.5.1, s9). */
#include "imap/wire/section.h"

#include "base/ascii.h"
#include "imap/wire/astring.h"
#include "imap/wire/atom.h"
#include "imap/wire/number.h"

static const struct {
    struct bytes name;
    enum imap_section_text text;
} texts[] = {
    { BYTES("HEADER.FIELDS.NOT"), IMAP_SECTION_HEADER_FIELDS_NOT },
    { BYTES("HEADER.FIELDS"), IMAP_SECTION_HEADER_FIELDS },
    { BYTES("HEADER"), IMAP_SECTION_HEADER },
    { BYTES("TEXT"), IMAP_SECTION_TEXT },
    { BYTES("MIME"), IMAP_SECTION_MIME },
};

/* Parts ahead in "1.2.3": dots that a digit follows, and one. */
static size_t count_parts(const struct cursor *cur)
{
    size_t count = 1;

    for (size_t ahead = 0;; ahead++) {
        int c = cursor_peek_at(cur, ahead);

        if (c == '.' && ascii_is_digit(cursor_peek_at(cur, ahead + 1)))
            count++;
        else if (!ascii_is_digit(c))
            return count;
    }
}

/* section-part; `cur` is at a digit. */
static bool parts_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                        struct imap_section *section)
{
    size_t count = count_parts(cur);
    uint32_t *parts;

    if (count > grammar->limits->section_parts_max)
        return cursor_exceed(cur, grammar->limits->section_parts_max,
                             "part numbers in one section");
    parts = ARENA_NEW_ARRAY(arena, uint32_t, count);
    if (parts == NULL)
        return imap_too_large(cur);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && !cursor_take(cur, '.', "\".\""))
            return false;
        if (!imap_nz_number_parse(cur, &parts[i]))
            return false;
    }
    section->parts = parts;
    section->part_count = (uint32_t)count;
    return true;
}

/* ftext of RFC 5322 s3.6.8, and nothing that could not be sent back in quotes. */
static bool is_field_name(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] <= ' ' || name.at[i] >= 127 || name.at[i] == ':')
            return false;
    return name.len > 0;
}

struct field_link {
    struct bytes name;
    struct field_link *before;
};

static bool fields_finish(struct cursor *cur, struct arena *arena, const struct field_link *newest,
                          struct imap_section *section)
{
    struct bytes *fields = ARENA_NEW_ARRAY(arena, struct bytes, section->field_count);
    uint32_t left = section->field_count;

    if (fields == NULL)
        return imap_too_large(cur);
    for (; newest != NULL; newest = newest->before)
        fields[--left] = newest->name;
    section->fields = fields;
    return true;
}

/* SP header-list */
static bool fields_parse(struct cursor *cur, const struct imap_grammar *grammar,
                         struct arena *arena, struct imap_section *section)
{
    struct field_link *newest = NULL;

    if (!imap_space_parse(cur) || !cursor_take(cur, '(', "\"(\""))
        return false;
    do {
        struct field_link *link = ARENA_NEW(arena, struct field_link);

        if (link == NULL)
            return imap_too_large(cur);
        if (section->field_count == grammar->limits->header_fields_max)
            return cursor_exceed(cur, section->field_count, "header fields in one section");
        if (!imap_astring_parse(cur, arena, &link->name))
            return false;
        if (!is_field_name(link->name))
            return cursor_fail(cur, "a header field's name");
        link->before = newest;
        newest = link;
        section->field_count++;
    } while (cursor_skip(cur, ' '));
    return cursor_take(cur, ')', "a blank or \")\"") && fields_finish(cur, arena, newest, section);
}

/* section-msgtext, and MIME behind part numbers. */
static bool text_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       struct imap_section *section)
{
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (texts[i].text == IMAP_SECTION_MIME && section->part_count == 0)
            continue;
        if (!imap_word_skip(cur, texts[i].name))
            continue;
        section->text = texts[i].text;
        return (section->text != IMAP_SECTION_HEADER_FIELDS &&
                section->text != IMAP_SECTION_HEADER_FIELDS_NOT) ||
               fields_parse(cur, grammar, arena, section);
    }
    return cursor_fail(cur, "a section such as 1, HEADER or TEXT");
}

static bool spec_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                       struct imap_section *section)
{
    if (cursor_peek(cur) == ']')
        return true;
    if (ascii_is_digit(cursor_peek(cur))) {
        if (!parts_parse(cur, grammar, arena, section))
            return false;
        if (!cursor_skip(cur, '.'))
            return true;
    }
    return text_parse(cur, grammar, arena, section);
}

bool imap_section_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                        struct imap_section *out_section)
{
    struct imap_section section = { .text = IMAP_SECTION_ALL };

    if (!cursor_take(cur, '[', "\"[\"") || !spec_parse(cur, grammar, arena, &section) ||
        !cursor_take(cur, ']', "\"]\""))
        return false;
    *out_section = section;
    return true;
}

bool imap_section_binary_parse(struct cursor *cur, const struct imap_grammar *grammar,
                               struct arena *arena, struct imap_section *out_section)
{
    struct imap_section section = { .text = IMAP_SECTION_ALL };

    if (!cursor_take(cur, '[', "\"[\""))
        return false;
    if (ascii_is_digit(cursor_peek(cur)) && !parts_parse(cur, grammar, arena, &section))
        return false;
    if (!cursor_take(cur, ']', "a part number or \"]\""))
        return false;
    *out_section = section;
    return true;
}

static void print_fields(struct buf *out, const struct imap_section *section)
{
    buf_add_string(out, " (");
    for (uint32_t i = 0; i < section->field_count; i++) {
        if (i > 0)
            buf_add_byte(out, ' ');
        imap_astring_print(out, section->fields[i]);
    }
    buf_add_byte(out, ')');
}

void imap_section_print(struct buf *out, const struct imap_section *section)
{
    buf_add_byte(out, '[');
    for (uint32_t i = 0; i < section->part_count; i++) {
        if (i > 0)
            buf_add_byte(out, '.');
        buf_add_number(out, section->parts[i]);
    }
    if (section->part_count > 0 && section->text != IMAP_SECTION_ALL)
        buf_add_byte(out, '.');
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        if (texts[i].text == section->text)
            buf_add(out, texts[i].name);
    if (section->field_count > 0)
        print_fields(out, section);
    buf_add_byte(out, ']');
}
