/* MIME parameters (RFC 2045 s5.1) and their continuations (RFC 2231). */
#include "message/param.h"

#include "base/ascii.h"
#include "base/num.h"
#include "message/charset.h"
#include "message/encoded_word.h"
#include "message/token.h"

/* A parameter as written: name["*" section]["*"]. */
struct piece {
    struct bytes name; /* without its stars */
    struct bytes full_name;
    struct bytes value;
    bool is_section;
    bool is_extended; /* percent-encoded */
    bool is_used;
    uint32_t section;
};

struct piece_list {
    struct piece at[PARAM_COUNT_MAX];
    size_t count;
};

static void piece_name_split(struct piece *piece)
{
    struct bytes name = piece->full_name;
    uint64_t section = 0;

    if (name.len > 1 && name.at[name.len - 1] == '*') {
        piece->is_extended = true;
        name.len--;
    }
    size_t star = bytes_find_byte(name, 0, '*');
    if (star > 0 && star < name.len &&
        num_parse(bytes_from(name, star + 1), PARAM_COUNT_MAX, &section)) {
        piece->is_section = true;
        piece->section = (uint32_t)section;
        name.len = star;
    }
    piece->name = name;
}

/* True where a parameter starts although the semicolon was forgotten: token "=". */
static bool at_next_param(struct cursor cur)
{
    token_skip_space(&cur);
    bool has_name = token_take_mime(&cur).len > 0;
    return has_name && cursor_peek(&cur) == '=';
}

/* A value that should have been quoted runs to the semicolon. */
static struct bytes take_bare_value(struct cursor *cur)
{
    size_t start = cur->offset;

    for (; !cursor_at_end(cur) && cursor_peek(cur) != ';'; cur->offset++) {
        if (!token_is_space(cursor_peek(cur)))
            continue;
        struct cursor ahead = *cur;
        token_skip_space(&ahead);
        if (cursor_peek(&ahead) == '(' || at_next_param(ahead))
            break;
        cur->offset = ahead.offset - 1;
    }
    return bytes_trim(bytes_slice(cur->in, start, cur->offset - start));
}

static struct bytes take_value(struct cursor *cur, struct arena *arena)
{
    size_t start = cur->offset;

    if (cursor_peek(cur) != '"')
        return take_bare_value(cur);
    struct cursor end = *cur;
    token_take_quoted(&end, NULL);
    struct token_text text = token_text_make(arena, end.offset - start);
    token_take_quoted(cur, &text);
    return token_text_bytes(&text);
}

/* At what should be a name; false when it is none, with the cursor at the next semicolon. */
static bool take_piece(struct cursor *cur, struct arena *arena, struct piece *out)
{
    *out = (struct piece){ .full_name = token_take_mime(cur) };
    token_skip_cfws(cur);
    if (out->full_name.len == 0 || !cursor_skip(cur, '=')) {
        cur->offset = bytes_find_byte(cur->in, cur->offset, ';');
        return false;
    }
    token_skip_cfws(cur);
    out->value = take_value(cur, arena);
    piece_name_split(out);
    return out->value.at != NULL || out->value.len == 0;
}

static void take_pieces(struct cursor *cur, struct arena *arena, struct piece_list *out)
{
    while (out->count < PARAM_COUNT_MAX) {
        token_skip_cfws(cur);
        if (cursor_at_end(cur))
            return;
        if (!cursor_skip(cur, ';') && take_piece(cur, arena, &out->at[out->count]))
            out->count++;
    }
}

static struct piece *find_section(struct piece_list *list, struct bytes name, uint32_t section)
{
    for (size_t i = 0; i < list->count; i++) {
        struct piece *piece = &list->at[i];
        if (piece->is_section && !piece->is_used && piece->section == section &&
            bytes_equal_nocase(piece->name, name))
            return piece;
    }
    return NULL;
}

/* attribute-char of RFC 2231 s7: a MIME token's char but "*", "'" and "%". */
static bool is_attribute_char(uint8_t c)
{
    return c < 127 && !token_is_mime_end(c) && c != '*' && c != '\'' && c != '%';
}

static void add_percent_encoded(struct token_text *text, struct bytes value)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.at[i];
        if (is_attribute_char(c)) {
            token_text_add_byte(text, c);
            continue;
        }
        token_text_add_byte(text, '%');
        token_text_add_byte(text, (uint8_t)digits[c >> 4]);
        token_text_add_byte(text, (uint8_t)digits[c & 15]);
    }
}

/* Joins the sections from 0 on, as far as none is missing. RFC 9051 s7.5.2. */
static struct param join_sections(struct arena *arena, struct piece_list *list, struct piece *first)
{
    struct piece *pieces[PARAM_COUNT_MAX];
    size_t count = 0, len_max = 2;
    bool is_extended = false;

    for (struct piece *next = first; next != NULL && count < PARAM_COUNT_MAX;
         next = find_section(list, first->name, (uint32_t)count)) {
        next->is_used = true;
        is_extended = is_extended || next->is_extended;
        len_max += next->value.len * 3;
        pieces[count++] = next;
    }
    struct token_text value = token_text_make(arena, len_max);
    if (is_extended && !first->is_extended)
        token_text_add(&value, BYTES("''"));
    for (size_t i = 0; i < count; i++) {
        if (is_extended && !pieces[i]->is_extended)
            add_percent_encoded(&value, pieces[i]->value);
        else
            token_text_add(&value, pieces[i]->value);
    }
    struct token_text name = token_text_make(arena, first->name.len + 1);
    token_text_add(&name, first->name);
    if (is_extended)
        token_text_add_byte(&name, '*');
    return (struct param){ token_text_bytes(&name), token_text_bytes(&value) };
}

static bool parse_params(struct arena *arena, struct cursor *cur, struct params *out)
{
    struct piece_list pieces;

    pieces.count = 0;
    take_pieces(cur, arena, &pieces);
    struct params params = { .at = ARENA_NEW_ARRAY(arena, struct param, pieces.count) };
    if (params.at == NULL)
        return false;
    for (size_t i = 0; i < pieces.count; i++) {
        struct piece *piece = &pieces.at[i];
        struct piece *first = piece->is_section ? find_section(&pieces, piece->name, 0) : NULL;
        if (piece->is_used)
            continue;
        if (first != NULL)
            params.at[params.count++] = join_sections(arena, &pieces, first);
        if (first == NULL || !piece->is_used)
            params.at[params.count++] = (struct param){ piece->full_name, piece->value };
        piece->is_used = true;
    }
    *out = params;
    return true;
}

bool param_parse_type(struct arena *arena, struct bytes value, struct bytes *out_type,
                      struct bytes *out_subtype, struct params *out_params)
{
    struct cursor cur = cursor_make(value);

    token_skip_cfws(&cur);
    struct bytes type = token_take_mime(&cur);
    token_skip_cfws(&cur);
    if (type.len == 0 || !cursor_skip(&cur, '/'))
        return false;
    token_skip_cfws(&cur);
    struct bytes subtype = token_take_mime(&cur);
    if (subtype.len == 0 || !parse_params(arena, &cur, out_params))
        return false;
    *out_type = type;
    *out_subtype = subtype;
    return true;
}

bool param_parse_disposition(struct arena *arena, struct bytes value, struct bytes *out_disposition,
                             struct params *out_params)
{
    struct cursor cur = cursor_make(value);

    token_skip_cfws(&cur);
    struct bytes disposition = token_take_mime(&cur);
    struct params params;
    if (!parse_params(arena, &cur, &params) || (disposition.len == 0 && params.count == 0))
        return false;
    *out_disposition = disposition;
    *out_params = params;
    return true;
}

struct bytes param_find(const struct params *params, struct bytes name)
{
    for (size_t i = 0; i < params->count; i++) {
        if (bytes_equal_nocase(params->at[i].name, name))
            return params->at[i].value;
    }
    return (struct bytes){ 0 };
}

static void percent_decode(struct bytes text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        struct bytes code = bytes_slice(text, i, 3);
        if (text.at[i] == '%' && code.len == 3 && ascii_hex_value(code.at[1]) >= 0 &&
            ascii_hex_value(code.at[2]) >= 0) {
            buf_add_byte(out,
                         (uint8_t)(ascii_hex_value(code.at[1]) << 4 | ascii_hex_value(code.at[2])));
            i += 2;
        } else {
            buf_add_byte(out, text.at[i]);
        }
    }
}

/* RFC 2231 s4: charset'language'text. */
static void extended_text(struct bytes value, struct buf *out)
{
    size_t first = bytes_find_byte(value, 0, '\'');
    size_t second = bytes_find_byte(value, first + 1, '\'');
    struct buf octets = buf_make(value.len);
    struct bytes charset = { 0 };
    struct bytes text = value;

    if (second < value.len) {
        charset = bytes_slice(value, 0, first);
        text = bytes_from(value, second + 1);
    }
    percent_decode(text, &octets);
    charset_to_utf8(charset.len == 0 ? NULL : charset_find(charset), buf_bytes(&octets), out);
    buf_done(&octets);
}

/* The value of `name*`; `at` is NULL when there is none. */
static struct bytes find_extended(const struct params *params, struct bytes name)
{
    for (size_t i = 0; i < params->count; i++) {
        struct bytes other = params->at[i].name;
        if (other.len == name.len + 1 && other.at[name.len] == '*' &&
            bytes_starts_with_nocase(other, name))
            return params->at[i].value;
    }
    return (struct bytes){ 0 };
}

struct bytes param_value(struct arena *arena, const struct params *params, struct bytes name)
{
    struct bytes plain = param_find(params, name);
    struct bytes extended = find_extended(params, name);

    if (plain.at != NULL || extended.at == NULL)
        return plain;
    struct buf text = buf_make(extended.len * 4 + 16);
    extended_text(extended, &text);
    struct bytes copy = arena_copy(arena, buf_bytes(&text));
    buf_done(&text);
    return copy;
}

bool param_text(const struct params *params, struct bytes name, struct buf *out)
{
    struct bytes plain = param_find(params, name);
    struct bytes extended = find_extended(params, name);

    if (extended.at != NULL)
        extended_text(extended, out);
    else if (plain.at != NULL)
        encoded_word_decode(plain, out);
    return extended.at != NULL || plain.at != NULL;
}
