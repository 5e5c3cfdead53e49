/* RFC 2047 encoded-words. */
#include "message/encoded_word.h"

#include "base/arena.h"
#include "base/ascii.h"
#include "message/charset.h"
#include "message/header.h"
#include "message/token.h"
#include "message/transfer.h"

struct word {
    struct bytes charset; /* without the language */
    bool is_base64;
    struct bytes text;
    size_t len; /* of all of it, "=?" to "?=" */
};

/* "=?" charset ["*" language] "?" encoding "?" text "?=" at the start of `in`. */
static bool word_parse(struct bytes in, struct word *out)
{
    if (!bytes_starts_with(in, BYTES("=?")))
        return false;
    in = bytes_slice(in, 0, ENCODED_WORD_BYTES_MAX);
    size_t charset_end = bytes_find_byte(in, 2, '?');
    struct bytes charset = bytes_slice(in, 2, charset_end - 2);
    int encoding = charset_end + 2 < in.len ? ascii_lower(in.at[charset_end + 1]) : 0;
    if (charset.len == 0 || (encoding != 'b' && encoding != 'q') || in.at[charset_end + 2] != '?')
        return false;
    size_t text_start = charset_end + 3;
    size_t text_end = bytes_find(in, text_start, BYTES("?="));
    if (text_end >= in.len)
        return false;
    for (size_t i = 0; i < charset.len; i++) {
        if (token_is_mime_end(charset.at[i]))
            return false;
    }
    charset.len = bytes_find_byte(charset, 0, '*');
    *out = (struct word){ charset, encoding == 'b',
                          bytes_slice(in, text_start, text_end - text_start), text_end + 2 };
    return true;
}

static void q_decode(struct bytes text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        struct bytes code = bytes_slice(text, i, 3);
        if (text.at[i] == '_') {
            buf_add_byte(out, ' ');
        } else if (text.at[i] == '=' && code.len == 3 && ascii_hex_value(code.at[1]) >= 0 &&
                   ascii_hex_value(code.at[2]) >= 0) {
            buf_add_byte(out,
                         (uint8_t)(ascii_hex_value(code.at[1]) << 4 | ascii_hex_value(code.at[2])));
            i += 2;
        } else if (text.at[i] != '\r' && text.at[i] != '\n') {
            buf_add_byte(out, text.at[i]);
        }
    }
}

static void word_octets(const struct word *word, struct buf *out)
{
    struct transfer_decoder decoder = transfer_decoder_make(TRANSFER_BASE64);

    if (word->is_base64)
        transfer_decode(&decoder, word->text, out);
    else
        q_decode(word->text, out);
}

static size_t space_run(struct bytes in)
{
    size_t len = 0;
    while (len < in.len && token_is_space(in.at[len]))
        len++;
    return len;
}

/* Decodes the encoded-word at the start of `in` and those that follow with nothing but white space
 * between them; octets of neighbours with the same charset are converted together. Answers the
 * bytes taken: white space after the last one is not. */
static size_t decode_words(struct bytes in, const struct word *first, struct buf *out)
{
    struct buf octets = buf_make(in.len + 1);
    struct word word = *first;
    struct bytes charset = word.charset;
    size_t taken = 0;

    for (;;) {
        if (!bytes_equal_nocase(word.charset, charset)) {
            charset_to_utf8(charset_find(charset), buf_bytes(&octets), out);
            buf_clear(&octets);
            charset = word.charset;
        }
        word_octets(&word, &octets);
        taken += word.len;
        size_t gap = space_run(bytes_from(in, taken));
        if (!word_parse(bytes_from(in, taken + gap), &word))
            break;
        taken += gap;
    }
    charset_to_utf8(charset_find(charset), buf_bytes(&octets), out);
    buf_done(&octets);
    return taken;
}

static void add_plain(struct charset_reader *reader, struct bytes text, struct buf *out)
{
    charset_reader_feed(reader, text, out);
    charset_reader_finish(reader, out);
}

static void decode_line(struct bytes value, struct buf *out)
{
    struct charset_reader plain;
    size_t plain_start = 0;
    struct word word;

    charset_reader_init(&plain, NULL);
    for (size_t i = bytes_find(value, 0, BYTES("=?")); i < value.len;
         i = bytes_find(value, i, BYTES("=?"))) {
        if (!word_parse(bytes_from(value, i), &word)) {
            i++;
            continue;
        }
        add_plain(&plain, bytes_slice(value, plain_start, i - plain_start), out);
        i += decode_words(bytes_from(value, i), &word, out);
        plain_start = i;
    }
    add_plain(&plain, bytes_from(value, plain_start), out);
    charset_reader_done(&plain);
}

void encoded_word_decode(struct bytes value, struct buf *out)
{
    struct arena arena = arena_make(value.len + 64);
    decode_line(header_flatten(&arena, value), out);
    arena_done(&arena);
}
