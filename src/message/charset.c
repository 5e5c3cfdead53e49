/* Charsets of mail, by glibc's iconv. */
#include "message/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/utf8.h"
#include "message/charset_table.h"

/* The descriptors that keep glibc's converters loaded: written by charset_open_all before there are
 * threads, never read but to close them. */
static iconv_t pinned[CHARSET_ROWS_MAX];

static iconv_t open_converter(const struct charset *charset)
{
    return iconv_open("UTF-8", charset->iconv_name);
}

size_t charset_open_all(void)
{
    size_t missing = 0;

    charset_close_all();
    for (size_t i = 0; i < charset_row_count; i++) {
        if (charset_rows[i].iconv_name == NULL)
            continue;
        iconv_t converter = open_converter(&charset_rows[i]);
        if (converter == (iconv_t)-1)
            missing++;
        else
            pinned[i] = converter;
    }
    return missing;
}

void charset_close_all(void)
{
    for (size_t i = 0; i < charset_row_count; i++) {
        if (pinned[i] != NULL)
            iconv_close(pinned[i]);
        pinned[i] = NULL;
    }
}

static bool names_include(const char *names, struct bytes name)
{
    struct bytes rest = bytes_from_string(names);

    while (rest.len > 0) {
        size_t end = bytes_find_byte(rest, 0, ' ');
        if (bytes_equal_nocase(bytes_slice(rest, 0, end), name))
            return true;
        rest = bytes_from(rest, end + 1);
    }
    return false;
}

const struct charset *charset_find(struct bytes name)
{
    name = bytes_trim(name);
    if (name.len == 0)
        name = BYTES("us-ascii");
    for (size_t i = 0; i < charset_row_count; i++) {
        if (names_include(charset_rows[i].names, name))
            return &charset_rows[i];
    }
    return NULL;
}

const struct charset *charset_unlabelled(void)
{
    return &charset_unlabelled_row;
}

struct bytes charset_name(const struct charset *charset)
{
    struct bytes names = bytes_from_string(charset->names);
    return bytes_slice(names, 0, bytes_find_byte(names, 0, ' '));
}

static void add_code_point(struct buf *out, uint32_t code_point)
{
    uint8_t encoded[UTF8_BYTES_MAX];
    buf_add(out, bytes_make(encoded, utf8_encode(code_point, encoded)));
}

static void add_high_byte(const struct charset *charset, uint8_t byte, struct buf *out)
{
    /* ISO-8859-1 is read as windows-1252 like everywhere: C1 controls are never meant in mail. */
    if (charset->kind == CHARSET_WINDOWS_1252 || charset->kind == CHARSET_UNLABELLED)
        add_code_point(out, byte < 0xA0 ? charset_windows_1252[byte - 0x80] : byte);
    else
        add_code_point(out, UTF8_REPLACEMENT);
}

/* True when `in` could be the start of a UTF-8 sequence that goes on: fewer bytes than the lead
 * byte promises, all of them continuation bytes. */
static bool is_cut_utf8(struct bytes in)
{
    uint8_t lead = in.at[0];
    size_t wanted = lead >= 0xF0 && lead <= 0xF4 ? 4 : lead >= 0xE0 ? 3 : 2;

    if (lead < 0xC2 || lead > 0xF4 || in.len >= wanted)
        return false;
    for (size_t i = 1; i < in.len; i++) {
        if ((in.at[i] & 0xC0) != 0x80)
            return false;
    }
    return true;
}

/* Converts what is plainly UTF-8 or a single byte; answers the bytes used. What is left starts a
 * sequence that was cut, unless `is_last`. */
static size_t feed_utf8(const struct charset *charset, struct bytes in, bool is_last,
                        struct buf *out)
{
    size_t i = 0;

    while (i < in.len) {
        struct bytes rest = bytes_from(in, i);
        uint32_t code_point = 0;
        size_t run = utf8_ascii_run(rest);
        size_t len = run > 0 ? run : utf8_decode(rest, &code_point);
        if (len > 0) {
            buf_add(out, bytes_slice(rest, 0, len));
            i += len;
            continue;
        }
        if (!is_last && is_cut_utf8(rest))
            return i;
        add_high_byte(charset, rest.at[0], out);
        i++;
    }
    return i;
}

static size_t feed_single_byte(const struct charset *charset, struct bytes in, struct buf *out)
{
    for (size_t i = 0; i < in.len;) {
        size_t run = utf8_ascii_run(bytes_from(in, i));
        buf_add(out, bytes_slice(in, i, run));
        i += run;
        if (i < in.len)
            add_high_byte(charset, in.at[i++], out);
    }
    return in.len;
}

enum { CONVERTED_STEP = 1024 };

/* Answers the bytes used; what is left is a character that was cut, unless `is_last`. */
static size_t feed_iconv(iconv_t converter, struct bytes in, bool is_last, struct buf *out)
{
    char *from = (char *)(uintptr_t)in.at;
    size_t from_left = in.len;

    while (from_left > 0) {
        char converted[CONVERTED_STEP];
        char *into = converted;
        size_t into_left = sizeof converted;
        size_t before = from_left;
        size_t result = iconv(converter, &from, &from_left, &into, &into_left);
        int why = result == (size_t)-1 ? errno : 0;
        buf_add(out, bytes_make(converted, sizeof converted - into_left));
        if (why == EINVAL && !is_last)
            return in.len - from_left;
        if (from_left == 0 ||
            (why == E2BIG && (from_left < before || into_left < sizeof converted)))
            continue;
        add_code_point(out, UTF8_REPLACEMENT);
        from++;
        from_left--;
    }
    return in.len;
}

static size_t feed_any(struct charset_reader *reader, struct bytes in, bool is_last,
                       struct buf *out)
{
    switch (reader->charset->kind) {
    case CHARSET_UTF8:
    case CHARSET_UNLABELLED: return feed_utf8(reader->charset, in, is_last, out);
    case CHARSET_ASCII:
    case CHARSET_WINDOWS_1252: return feed_single_byte(reader->charset, in, out);
    case CHARSET_ICONV:
    case CHARSET_ICONV_BYTES:
        if (reader->iconv == NULL)
            return feed_utf8(charset_unlabelled(), in, is_last, out);
        return feed_iconv(reader->iconv, in, is_last, out);
    }
    return in.len;
}

void charset_reader_init(struct charset_reader *reader, const struct charset *charset)
{
    *reader = (struct charset_reader){ .charset = charset };
    if (charset == NULL)
        reader->charset = charset_unlabelled();
    if (reader->charset->iconv_name == NULL)
        return;
    iconv_t converter = open_converter(reader->charset);
    if (converter != (iconv_t)-1)
        reader->iconv = converter;
}

void charset_reader_done(struct charset_reader *reader)
{
    if (reader->iconv != NULL)
        iconv_close(reader->iconv);
    reader->iconv = NULL;
}

/* Joins the start of a character held back with what comes now, byte by byte until it is used. */
static struct bytes feed_held(struct charset_reader *reader, struct bytes in, struct buf *out)
{
    while (reader->held_len > 0 && in.len > 0) {
        bool is_full = reader->held_len == CHARSET_HELD_MAX - 1;
        reader->held[reader->held_len++] = in.at[0];
        in = bytes_from(in, 1);
        size_t used = feed_any(reader, bytes_make(reader->held, reader->held_len), is_full, out);
        reader->held_len -= used;
        memmove(reader->held, reader->held + used, reader->held_len);
    }
    return in;
}

static void feed_piece(struct charset_reader *reader, struct bytes in, struct buf *out)
{
    in = feed_held(reader, in, out);
    if (in.len == 0)
        return;
    struct bytes rest = bytes_from(in, feed_any(reader, in, false, out));
    size_t hold = rest.len < CHARSET_HELD_MAX ? rest.len : 0;
    if (hold < rest.len)
        feed_any(reader, rest, true, out);
    if (hold > 0)
        memcpy(reader->held, rest.at, hold);
    reader->held_len = hold;
}

/* glibc finds half of a surrogate pair in UTF-7 only after it has gone on, and then tells a place
 * that depends on where the piece began: with one byte at a time it is the same for any pieces. */
void charset_reader_feed(struct charset_reader *reader, struct bytes in, struct buf *out)
{
    size_t step = reader->charset->kind == CHARSET_ICONV_BYTES ? 1 : in.len;

    for (; in.len > 0; in = bytes_from(in, step))
        feed_piece(reader, bytes_slice(in, 0, step), out);
}

bool charset_reader_keeps_ascii(const struct charset_reader *reader)
{
    return reader->iconv == NULL && reader->held_len == 0;
}

void charset_reader_finish(struct charset_reader *reader, struct buf *out)
{
    if (reader->held_len > 0)
        feed_any(reader, bytes_make(reader->held, reader->held_len), true, out);
    reader->held_len = 0;
    if (reader->iconv != NULL) {
        char converted[CHARSET_HELD_MAX];
        char *into = converted;
        size_t into_left = sizeof converted;
        /* Some converters hold a character back until they see what follows it. */
        iconv(reader->iconv, NULL, NULL, &into, &into_left);
        buf_add(out, bytes_make(converted, sizeof converted - into_left));
    }
}

void charset_to_utf8(const struct charset *charset, struct bytes in, struct buf *out)
{
    struct charset_reader reader;

    charset_reader_init(&reader, charset);
    charset_reader_feed(&reader, in, out);
    charset_reader_finish(&reader, out);
    charset_reader_done(&reader);
}

static bool iconv_takes(const struct charset *charset, struct bytes text)
{
    iconv_t converter = open_converter(charset);
    char *from = (char *)(uintptr_t)text.at;
    size_t from_left = text.len;
    bool taken = converter != (iconv_t)-1;

    while (taken && from_left > 0) {
        char converted[CONVERTED_STEP];
        char *into = converted;
        size_t into_left = sizeof converted;

        taken =
            iconv(converter, &from, &from_left, &into, &into_left) != (size_t)-1 || errno == E2BIG;
    }
    if (converter != (iconv_t)-1)
        iconv_close(converter);
    return taken;
}

bool charset_is_valid(const struct charset *charset, struct bytes text)
{
    switch (charset->kind) {
    case CHARSET_UTF8: return utf8_is_valid(text);
    case CHARSET_ASCII: return utf8_is_ascii(text);
    case CHARSET_WINDOWS_1252:
    case CHARSET_UNLABELLED: return true;
    case CHARSET_ICONV:
    case CHARSET_ICONV_BYTES: return iconv_takes(charset, text);
    }
    return false;
}

bool charset_holds_ascii(const struct charset *charset)
{
    struct bytes ascii = BYTES("Az 09");
    struct buf utf8 = buf_make(64);
    bool same;

    charset_to_utf8(charset, ascii, &utf8);
    same = bytes_equal(buf_bytes(&utf8), ascii) && charset_is_valid(charset, ascii);
    buf_done(&utf8);
    return same;
}

void charset_names_print(struct buf *out)
{
    const char *between = "";

    for (size_t i = 0; i < charset_row_count; i++) {
        if (!charset_holds_ascii(&charset_rows[i]))
            continue;
        buf_add_string(out, between);
        buf_add(out, charset_name(&charset_rows[i]));
        between = " ";
    }
}
