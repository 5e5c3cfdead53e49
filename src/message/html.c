/* HTML to text, one byte at a time. */
#include "message/html.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "base/utf8.h"

static bool is_among(const struct bytes *names, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(names[i], name))
            return true;
    }
    return false;
}

/* Elements that a browser puts on lines of their own. */
static bool is_block(struct bytes name)
{
    static const struct bytes names[] = {
        BYTES("address"), BYTES("article"), BYTES("blockquote"), BYTES("body"), BYTES("br"),
        BYTES("center"),  BYTES("dd"),      BYTES("div"),        BYTES("dl"),   BYTES("dt"),
        BYTES("footer"),  BYTES("form"),    BYTES("h1"),         BYTES("h2"),   BYTES("h3"),
        BYTES("h4"),      BYTES("h5"),      BYTES("h6"),         BYTES("head"), BYTES("header"),
        BYTES("hr"),      BYTES("html"),    BYTES("img"),        BYTES("li"),   BYTES("main"),
        BYTES("ol"),      BYTES("option"),  BYTES("p"),          BYTES("pre"),  BYTES("section"),
        BYTES("table"),   BYTES("tbody"),   BYTES("td"),         BYTES("th"),   BYTES("tr"),
        BYTES("ul"),
    };
    return is_among(names, ARRAY_COUNT(names), name);
}

static bool is_skipped(struct bytes name)
{
    static const struct bytes names[] = { BYTES("script"), BYTES("style"), BYTES("title") };
    return is_among(names, ARRAY_COUNT(names), name);
}

/* Character references that mail uses. */
static uint32_t named_reference(struct bytes name)
{
    static const struct {
        struct bytes name;
        uint32_t code_point;
    } references[] = {
        { BYTES("amp"), '&' },       { BYTES("lt"), '<' },       { BYTES("gt"), '>' },
        { BYTES("quot"), '"' },      { BYTES("apos"), '\'' },    { BYTES("nbsp"), ' ' },
        { BYTES("copy"), 0xA9 },     { BYTES("reg"), 0xAE },     { BYTES("trade"), 0x2122 },
        { BYTES("hellip"), 0x2026 }, { BYTES("mdash"), 0x2014 }, { BYTES("ndash"), 0x2013 },
        { BYTES("lsquo"), 0x2018 },  { BYTES("rsquo"), 0x2019 }, { BYTES("ldquo"), 0x201C },
        { BYTES("rdquo"), 0x201D },  { BYTES("sbquo"), 0x201A }, { BYTES("bdquo"), 0x201E },
        { BYTES("laquo"), 0xAB },    { BYTES("raquo"), 0xBB },   { BYTES("bull"), 0x2022 },
        { BYTES("middot"), 0xB7 },   { BYTES("euro"), 0x20AC },  { BYTES("pound"), 0xA3 },
        { BYTES("yen"), 0xA5 },      { BYTES("cent"), 0xA2 },    { BYTES("sect"), 0xA7 },
        { BYTES("para"), 0xB6 },     { BYTES("deg"), 0xB0 },     { BYTES("plusmn"), 0xB1 },
        { BYTES("times"), 0xD7 },    { BYTES("divide"), 0xF7 },  { BYTES("frac12"), 0xBD },
        { BYTES("frac14"), 0xBC },   { BYTES("iexcl"), 0xA1 },   { BYTES("iquest"), 0xBF },
        { BYTES("auml"), 0xE4 },     { BYTES("ouml"), 0xF6 },    { BYTES("uuml"), 0xFC },
        { BYTES("Auml"), 0xC4 },     { BYTES("Ouml"), 0xD6 },    { BYTES("Uuml"), 0xDC },
        { BYTES("szlig"), 0xDF },    { BYTES("aring"), 0xE5 },   { BYTES("Aring"), 0xC5 },
        { BYTES("aelig"), 0xE6 },    { BYTES("AElig"), 0xC6 },   { BYTES("oslash"), 0xF8 },
        { BYTES("Oslash"), 0xD8 },   { BYTES("agrave"), 0xE0 },  { BYTES("aacute"), 0xE1 },
        { BYTES("acirc"), 0xE2 },    { BYTES("atilde"), 0xE3 },  { BYTES("Agrave"), 0xC0 },
        { BYTES("Aacute"), 0xC1 },   { BYTES("Acirc"), 0xC2 },   { BYTES("Atilde"), 0xC3 },
        { BYTES("egrave"), 0xE8 },   { BYTES("eacute"), 0xE9 },  { BYTES("ecirc"), 0xEA },
        { BYTES("euml"), 0xEB },     { BYTES("Egrave"), 0xC8 },  { BYTES("Eacute"), 0xC9 },
        { BYTES("Ecirc"), 0xCA },    { BYTES("Euml"), 0xCB },    { BYTES("igrave"), 0xEC },
        { BYTES("iacute"), 0xED },   { BYTES("icirc"), 0xEE },   { BYTES("iuml"), 0xEF },
        { BYTES("ograve"), 0xF2 },   { BYTES("oacute"), 0xF3 },  { BYTES("ocirc"), 0xF4 },
        { BYTES("otilde"), 0xF5 },   { BYTES("Ograve"), 0xD2 },  { BYTES("Oacute"), 0xD3 },
        { BYTES("Ocirc"), 0xD4 },    { BYTES("Otilde"), 0xD5 },  { BYTES("ugrave"), 0xF9 },
        { BYTES("uacute"), 0xFA },   { BYTES("ucirc"), 0xFB },   { BYTES("Ugrave"), 0xD9 },
        { BYTES("Uacute"), 0xDA },   { BYTES("Ucirc"), 0xDB },   { BYTES("ntilde"), 0xF1 },
        { BYTES("Ntilde"), 0xD1 },   { BYTES("ccedil"), 0xE7 },  { BYTES("Ccedil"), 0xC7 },
        { BYTES("yacute"), 0xFD },   { BYTES("zwnj"), 0x200C },  { BYTES("zwj"), 0x200D },
        { BYTES("shy"), 0xAD },      { BYTES("thinsp"), ' ' },   { BYTES("ensp"), ' ' },
        { BYTES("emsp"), ' ' },      { BYTES("larr"), 0x2190 },  { BYTES("rarr"), 0x2192 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(references); i++) {
        if (bytes_equal(references[i].name, name))
            return references[i].code_point;
    }
    return 0;
}

/* 0 when it is none. */
static uint32_t reference_value(struct bytes name)
{
    uint64_t number = 0;

    if (!bytes_starts_with(name, BYTES("#")))
        return named_reference(name);
    if (bytes_starts_with_nocase(name, BYTES("#x"))) {
        for (size_t i = 2; i < name.len; i++) {
            if (ascii_hex_value(name.at[i]) < 0)
                return 0;
            number = number << 4 | (uint64_t)ascii_hex_value(name.at[i]);
        }
    } else if (!num_parse(bytes_from(name, 1), UINT32_MAX, &number)) {
        return 0;
    }
    return number == 0xA0 ? ' ' : number > 0x10FFFF ? UTF8_REPLACEMENT : (uint32_t)number;
}

static bool is_white_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct bytes name_of(const struct html_reader *r)
{
    return bytes_make(r->name, r->name_len);
}

static void emit(const struct html_reader *r, struct bytes text, struct buf *out)
{
    if (r->skipped_len == 0)
        buf_add(out, text);
}

static void reference_end(struct html_reader *r, bool has_semicolon, struct buf *out)
{
    uint32_t value = reference_value(name_of(r));
    uint8_t encoded[UTF8_BYTES_MAX];

    r->state = HTML_TEXT;
    if (value != 0) {
        emit(r, bytes_make(encoded, utf8_encode(value, encoded)), out);
        return;
    }
    emit(r, BYTES("&"), out);
    emit(r, name_of(r), out);
    if (has_semicolon)
        emit(r, BYTES(";"), out);
}

/* Contents of style and the like end at their own closing tag only. */
static void tag_end(struct html_reader *r, struct buf *out)
{
    struct bytes name = name_of(r);

    r->state = HTML_TEXT;
    if (r->skipped_len > 0) {
        if (r->is_closing && bytes_equal(name, bytes_make(r->skipped, r->skipped_len)))
            r->skipped_len = 0;
        return;
    }
    if (!r->is_closing && is_skipped(name)) {
        memcpy(r->skipped, r->name, sizeof r->skipped);
        r->skipped_len = r->name_len;
    } else if (is_block(name)) {
        buf_add_byte(out, ' ');
    }
}

static void name_add(struct html_reader *r, uint8_t c)
{
    if (r->name_len <= HTML_NAME_MAX)
        r->name[r->name_len++] = c;
}

/* True when the byte is used. */
static bool feed_reference(struct html_reader *r, uint8_t c, struct buf *out)
{
    if (c == ';') {
        reference_end(r, true, out);
        return true;
    }
    if ((!ascii_is_alnum(c) && !(c == '#' && r->name_len == 0)) || r->name_len > HTML_NAME_MAX) {
        reference_end(r, false, out);
        return false;
    }
    name_add(r, c);
    return true;
}

static bool feed_tag_open(struct html_reader *r, uint8_t c, struct buf *out)
{
    if (c == '/' && !r->is_closing) {
        r->is_closing = true;
        return true;
    }
    /* The contents of style and script are no markup but for their closing tag. */
    if (ascii_is_alpha(c) && (r->is_closing || r->skipped_len == 0)) {
        r->state = HTML_TAG_NAME;
        name_add(r, (uint8_t)ascii_lower(c));
        return true;
    }
    if ((c == '!' || c == '?') && !r->is_closing && r->skipped_len == 0) {
        r->state = HTML_DECLARATION;
        r->dashes = 0;
        return true;
    }
    r->state = HTML_TEXT; /* "a < b" */
    emit(r, r->is_closing ? BYTES("</") : BYTES("<"), out);
    return false;
}

/* Behind "=" and white space: only here does a quotation mark open a quoted value. */
static void feed_value_start(struct html_reader *r, uint8_t c)
{
    if (c == '"' || c == '\'') {
        r->state = HTML_TAG_QUOTED;
        r->quote = c;
    } else if (!is_white_space(c)) {
        r->state = HTML_TAG_BARE;
    }
}

static void feed_tag(struct html_reader *r, uint8_t c, struct buf *out)
{
    bool is_value_end = r->state == HTML_TAG_BARE && is_white_space(c);

    if (c == '>')
        tag_end(r, out);
    else if (r->state == HTML_TAG_VALUE)
        feed_value_start(r, c);
    else if (r->state == HTML_TAG_NAME && ascii_is_alnum(c))
        name_add(r, (uint8_t)ascii_lower(c));
    else if (r->state == HTML_TAG_NAME || is_value_end)
        r->state = HTML_TAG;
    else if (r->state == HTML_TAG && c == '=' && r->skipped_len == 0)
        r->state = HTML_TAG_VALUE;
}

static void feed_declaration(struct html_reader *r, uint8_t c)
{
    bool is_comment = r->state == HTML_COMMENT;

    if (c == '>' && (!is_comment || r->dashes >= 2)) {
        r->state = HTML_TEXT;
    } else if (c == '-') {
        r->dashes = r->dashes < 2 ? (uint8_t)(r->dashes + 1) : r->dashes;
        if (!is_comment && r->dashes == 2) {
            r->state = HTML_COMMENT;
            r->dashes = 2; /* "<!-->" is a whole comment */
        }
    } else {
        r->dashes = is_comment ? 0 : 3; /* "--" opens a comment only at once behind "<!" */
    }
}

static void start_markup(struct html_reader *r, uint8_t c)
{
    r->state = c == '<' ? HTML_TAG_OPEN : HTML_REFERENCE;
    r->name_len = 0;
    r->is_closing = false;
}

/* True when the byte is used; false: ask again in the new state. */
static bool feed_byte(struct html_reader *r, uint8_t c, struct buf *out)
{
    switch (r->state) {
    case HTML_TEXT: start_markup(r, c); return true;
    case HTML_REFERENCE: return feed_reference(r, c, out);
    case HTML_TAG_OPEN: return feed_tag_open(r, c, out);
    case HTML_TAG_NAME:
    case HTML_TAG:
    case HTML_TAG_VALUE:
    case HTML_TAG_BARE: feed_tag(r, c, out); return true;
    case HTML_TAG_QUOTED: r->state = c == r->quote ? HTML_TAG : HTML_TAG_QUOTED; return true;
    case HTML_DECLARATION:
    case HTML_COMMENT: feed_declaration(r, c); return true;
    }
    return true;
}

void html_reader_feed(struct html_reader *reader, struct bytes in, struct buf *out)
{
    for (size_t i = 0; i < in.len;) {
        size_t run = i;
        while (reader->state == HTML_TEXT && run < in.len && in.at[run] != '<' && in.at[run] != '&')
            run++;
        if (run > i)
            emit(reader, bytes_slice(in, i, run - i), out);
        i = run;
        if (i < in.len && (reader->state != HTML_TEXT || in.at[i] == '<' || in.at[i] == '&'))
            i += feed_byte(reader, in.at[i], out) ? 1 : 0;
    }
}

void html_reader_finish(struct html_reader *reader, struct buf *out)
{
    if (reader->state == HTML_REFERENCE)
        reference_end(reader, false, out);
    else if (reader->state == HTML_TAG_OPEN)
        emit(reader, reader->is_closing ? BYTES("</") : BYTES("<"), out);
    *reader = (struct html_reader){ 0 };
}
