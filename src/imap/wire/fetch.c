/* fetch (RFC 9051 s6.4.5, s9). */
#include "imap/wire/fetch.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "imap/wire/atom.h"
#include "imap/wire/number.h"

enum form {
    FORM_PLAIN,
    FORM_SECTION, /* section [partial] */
    FORM_BODY, /* alone, or section [partial] */
    FORM_BINARY, /* section-binary [partial] */
    FORM_BINARY_SIZE, /* section-binary */
    FORM_PREVIEW, /* [SP "(" LAZY ")"] */
};

static const struct att_name {
    struct bytes name;
    enum imap_fetch_kind kind;
    enum form form;
    bool peek;
    enum imap_section_text text;
} att_names[] = {
    { BYTES("UID"), IMAP_FETCH_UID, FORM_PLAIN, true, 0 },
    { BYTES("FLAGS"), IMAP_FETCH_FLAGS, FORM_PLAIN, true, 0 },
    { BYTES("INTERNALDATE"), IMAP_FETCH_INTERNALDATE, FORM_PLAIN, true, 0 },
    { BYTES("RFC822.SIZE"), IMAP_FETCH_RFC822_SIZE, FORM_PLAIN, true, 0 },
    { BYTES("ENVELOPE"), IMAP_FETCH_ENVELOPE, FORM_PLAIN, true, 0 },
    { BYTES("BODY"), IMAP_FETCH_BODY, FORM_BODY, false, 0 },
    { BYTES("BODY.PEEK"), IMAP_FETCH_BODY_SECTION, FORM_SECTION, true, 0 },
    { BYTES("BODYSTRUCTURE"), IMAP_FETCH_BODYSTRUCTURE, FORM_PLAIN, true, 0 },
    { BYTES("RFC822"), IMAP_FETCH_RFC822, FORM_PLAIN, false, IMAP_SECTION_ALL },
    { BYTES("RFC822.HEADER"), IMAP_FETCH_RFC822_HEADER, FORM_PLAIN, true, IMAP_SECTION_HEADER },
    { BYTES("RFC822.TEXT"), IMAP_FETCH_RFC822_TEXT, FORM_PLAIN, false, IMAP_SECTION_TEXT },
    { BYTES("BINARY"), IMAP_FETCH_BINARY, FORM_BINARY, false, 0 },
    { BYTES("BINARY.PEEK"), IMAP_FETCH_BINARY, FORM_BINARY, true, 0 },
    { BYTES("BINARY.SIZE"), IMAP_FETCH_BINARY_SIZE, FORM_BINARY_SIZE, true, 0 },
    { BYTES("MODSEQ"), IMAP_FETCH_MODSEQ, FORM_PLAIN, true, 0 },
    { BYTES("EMAILID"), IMAP_FETCH_EMAILID, FORM_PLAIN, true, 0 },
    { BYTES("THREADID"), IMAP_FETCH_THREADID, FORM_PLAIN, true, 0 },
    { BYTES("SAVEDATE"), IMAP_FETCH_SAVEDATE, FORM_PLAIN, true, 0 },
    { BYTES("PREVIEW"), IMAP_FETCH_PREVIEW, FORM_PREVIEW, true, 0 },
};

enum {
    MACRO_ATTS_MAX = 5,
    NAME_BYTES_MAX = 4 * 1024 * 1024, /* more than a command can hold, with all its quotes */
};

/* RFC 9051 s6.4.5 */
static const struct {
    struct bytes name;
    uint32_t count;
    enum imap_fetch_kind kinds[MACRO_ATTS_MAX];
} macros[] = {
    { BYTES("ALL"),
      4,
      { IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_RFC822_SIZE, IMAP_FETCH_ENVELOPE } },
    { BYTES("FAST"), 3, { IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_RFC822_SIZE } },
    { BYTES("FULL"),
      5,
      { IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_RFC822_SIZE, IMAP_FETCH_ENVELOPE,
        IMAP_FETCH_BODY } },
};

struct att_link {
    struct imap_fetch_att att;
    struct att_link *before;
};

struct fetch_reader {
    struct cursor *cur;
    const struct imap_grammar *grammar;
    struct arena *arena;
    struct imap_fetch_args *args;
    struct att_link *newest;
};

static bool is_att_name_char(int c)
{
    return ascii_is_alnum(c) || c == '.';
}

static const struct att_name *att_name_parse(struct cursor *cur)
{
    size_t start = cur->offset;
    struct bytes name = cursor_take_while(cur, is_att_name_char);

    for (size_t i = 0; i < ARRAY_COUNT(att_names); i++)
        if (bytes_equal_nocase(name, att_names[i].name))
            return &att_names[i];
    cur->offset = start;
    (void)cursor_fail(cur, "a data item such as FLAGS or BODY[]");
    return NULL;
}

/* ["<" number64 "." nz-number64 ">"] */
static bool partial_parse(struct cursor *cur, struct imap_fetch_att *att)
{
    if (!cursor_skip(cur, '<'))
        return true;
    att->partial = true;
    return imap_number64_parse(cur, &att->partial_offset) && cursor_take(cur, '.', "\".\"") &&
           imap_nz_number64_parse(cur, &att->partial_bytes) && cursor_take(cur, '>', "\">\"");
}

static bool section_parse(struct fetch_reader *reader, struct imap_fetch_att *att)
{
    att->kind = IMAP_FETCH_BODY_SECTION;
    return imap_section_parse(reader->cur, reader->grammar, reader->arena, &att->section) &&
           partial_parse(reader->cur, att);
}

/* RFC 8970 s4.1 */
static bool form_parse(struct fetch_reader *reader, enum form form, struct imap_fetch_att *att)
{
    switch (form) {
    case FORM_PLAIN: return true;
    case FORM_SECTION: return section_parse(reader, att);
    case FORM_BODY:
        if (cursor_peek(reader->cur) == '[')
            return section_parse(reader, att);
        att->peek = true;
        return true;
    case FORM_BINARY:
        return imap_section_binary_parse(reader->cur, reader->grammar, reader->arena,
                                         &att->section) &&
               partial_parse(reader->cur, att);
    case FORM_BINARY_SIZE:
        return imap_section_binary_parse(reader->cur, reader->grammar, reader->arena,
                                         &att->section);
    case FORM_PREVIEW:
        /* Other parentheses behind PREVIEW are FETCH's own modifiers. */
        att->lazy = cursor_skip_word(reader->cur, BYTES(" (LAZY)"));
        return true;
    }
    return false;
}

static bool att_add(struct fetch_reader *reader, const struct imap_fetch_att *att)
{
    struct att_link *link = ARENA_NEW(reader->arena, struct att_link);

    if (reader->args->att_count == reader->grammar->limits->fetch_atts_max)
        return cursor_exceed(reader->cur, reader->args->att_count, "data items in one FETCH");
    if (link == NULL)
        return imap_too_large(reader->cur);
    *link = (struct att_link){ .att = *att, .before = reader->newest };
    reader->newest = link;
    reader->args->att_count++;
    return true;
}

static bool att_parse(struct fetch_reader *reader)
{
    const struct att_name *name = att_name_parse(reader->cur);
    struct imap_fetch_att att;

    if (name == NULL)
        return false;
    att = (struct imap_fetch_att){ .kind = name->kind, .peek = name->peek };
    att.section.text = name->text;
    return form_parse(reader, name->form, &att) && att_add(reader, &att);
}

static bool macro_parse(struct fetch_reader *reader, bool *out_found)
{
    *out_found = false;
    for (size_t i = 0; i < ARRAY_COUNT(macros); i++) {
        if (!imap_word_skip(reader->cur, macros[i].name))
            continue;
        *out_found = true;
        for (uint32_t j = 0; j < macros[i].count; j++) {
            struct imap_fetch_att att = { .kind = macros[i].kinds[j], .peek = true };

            if (!att_add(reader, &att))
                return false;
        }
    }
    return true;
}

static bool atts_parse(struct fetch_reader *reader)
{
    bool found;

    if (!macro_parse(reader, &found))
        return false;
    if (found)
        return true;
    if (!cursor_skip(reader->cur, '('))
        return att_parse(reader);
    do {
        if (!att_parse(reader))
            return false;
    } while (cursor_skip(reader->cur, ' '));
    return cursor_take(reader->cur, ')', "a blank or \")\"");
}

static struct bytes kind_name(enum imap_fetch_kind kind)
{
    if (kind == IMAP_FETCH_BODY_SECTION)
        kind = IMAP_FETCH_BODY;
    for (size_t i = 0; i < ARRAY_COUNT(att_names); i++)
        if (att_names[i].kind == kind)
            return att_names[i].name;
    return BYTES("");
}

/* RFC 9051 s7.5.2 */
static void name_print(struct buf *out, const struct imap_fetch_att *att)
{
    buf_add(out, kind_name(att->kind));
    if (att->kind == IMAP_FETCH_BODY_SECTION || att->kind == IMAP_FETCH_BINARY ||
        att->kind == IMAP_FETCH_BINARY_SIZE)
        imap_section_print(out, &att->section);
    if (!att->partial)
        return;
    buf_add_byte(out, '<');
    buf_add_number(out, att->partial_offset);
    buf_add_byte(out, '>');
}

/* Printed once, for all messages. Its `at` is NULL when the arena is over budget. */
static struct bytes name_of(struct arena *arena, const struct imap_fetch_att *att)
{
    struct buf name = buf_make(NAME_BYTES_MAX);
    struct bytes copy;

    name_print(&name, att);
    copy = arena_copy(arena, buf_bytes(&name));
    if (name.overflowed)
        copy = bytes_make(NULL, 0);
    buf_done(&name);
    return copy;
}

static bool atts_finish(struct fetch_reader *reader)
{
    uint32_t left = reader->args->att_count;
    struct imap_fetch_att *atts = ARENA_NEW_ARRAY(reader->arena, struct imap_fetch_att, left);

    if (atts == NULL)
        return imap_too_large(reader->cur);
    for (struct att_link *link = reader->newest; link != NULL; link = link->before) {
        atts[--left] = link->att;
        atts[left].name = name_of(reader->arena, &link->att);
        if (atts[left].name.at == NULL)
            return imap_too_large(reader->cur);
    }
    reader->args->atts = atts;
    return true;
}

/* SP mod-sequence-value. RFC 7162 s7 begins at 1; Thunderbird says 0 of a mailbox whose
 * mod-sequence it has not seen yet, and shows its user our BAD: all has changed since then. */
static bool changed_since_parse(struct cursor *cur, struct imap_fetch_args *args)
{
    args->has_changed_since = true;
    return imap_space_parse(cur) && imap_number64_parse(cur, &args->changed_since);
}

/* fetch-modifiers of RFC 4466 s2.4, those that RFC 7162 fills in. RFC 7162 s3.2.6. */
static bool modifiers_parse(struct cursor *cur, struct imap_fetch_args *args)
{
    if (!cursor_skip_word(cur, BYTES(" (")))
        return true;
    do {
        if (!args->has_changed_since && imap_word_skip(cur, BYTES("CHANGEDSINCE"))) {
            if (!changed_since_parse(cur, args))
                return false;
        } else if (!args->vanished && imap_word_skip(cur, BYTES("VANISHED"))) {
            args->vanished = true;
        } else {
            return cursor_fail(cur, "CHANGEDSINCE or VANISHED");
        }
    } while (cursor_skip(cur, ' '));
    if (args->vanished && !args->has_changed_since)
        return cursor_fail(cur, "CHANGEDSINCE with VANISHED");
    return cursor_take(cur, ')', "a blank or \")\"");
}

bool imap_fetch_parse(struct cursor *cur, const struct imap_grammar *grammar, struct arena *arena,
                      const void **out_args)
{
    struct fetch_reader reader = { .cur = cur, .grammar = grammar, .arena = arena };

    reader.args = ARENA_NEW(arena, struct imap_fetch_args);
    if (reader.args == NULL)
        return imap_too_large(cur);
    if (!imap_space_parse(cur) || !imap_seqset_parse(cur, grammar, arena, &reader.args->set) ||
        !imap_space_parse(cur) || !atts_parse(&reader) || !atts_finish(&reader) ||
        !modifiers_parse(cur, reader.args) || !imap_end_parse(cur))
        return false;
    *out_args = reader.args;
    return true;
}
