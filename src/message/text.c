/* Stored bytes to text: transfer decoding, charset, HTML, case folding, in that order. */
#include "message/text.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "message/casemap.h"
#include "message/charset.h"
#include "message/encoded_word.h"
#include "message/html.h"

enum { TEXT_STEP = 16 * 1024, STAGE_BYTES_MAX = TEXT_STEP * 8 };

struct text_reader {
    struct transfer_decoder decoder;
    struct charset_reader charset;
    struct html_reader html;
    bool is_html;
    bool is_folded;
    struct buf decoded; /* between the stages; cleared at each step */
    struct buf converted;
    struct buf visible;
};

/* US-ASCII is what unlabelled and mislabelled mail claims to be, so it is guessed as well. */
static const struct charset *charset_to_read(struct bytes name)
{
    const struct charset *charset = charset_find(name);
    return charset == charset_find(BYTES("us-ascii")) ? NULL : charset;
}

struct text_reader *text_reader_new(const struct text_options *options)
{
    struct text_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        abort();
    reader->decoded = buf_make(STAGE_BYTES_MAX);
    reader->converted = buf_make(STAGE_BYTES_MAX);
    reader->visible = buf_make(STAGE_BYTES_MAX);
    text_reader_restart(reader, options);
    return reader;
}

void text_reader_restart(struct text_reader *reader, const struct text_options *options)
{
    charset_reader_done(&reader->charset);
    charset_reader_init(&reader->charset, charset_to_read(options->charset));
    reader->decoder = transfer_decoder_make(options->encoding);
    reader->html = (struct html_reader){ 0 };
    reader->is_html = options->is_html;
    reader->is_folded = options->is_folded;
}

void text_reader_free(struct text_reader *reader)
{
    if (reader == NULL)
        return;
    charset_reader_done(&reader->charset);
    buf_done(&reader->decoded);
    buf_done(&reader->converted);
    buf_done(&reader->visible);
    free(reader);
}

/* The last two stages, over reader->converted; all of them clean up behind themselves. */
static void pass_on(struct text_reader *reader, bool is_last, struct buf *out)
{
    struct buf *text = &reader->converted;

    if (reader->is_html) {
        html_reader_feed(&reader->html, buf_bytes(text), &reader->visible);
        if (is_last)
            html_reader_finish(&reader->html, &reader->visible);
        text = &reader->visible;
    }
    if (reader->is_folded)
        casemap_fold(buf_bytes(text), out);
    else
        buf_add(out, buf_bytes(text));
    buf_clear(&reader->decoded);
    buf_clear(&reader->converted);
    buf_clear(&reader->visible);
}

/* ASCII that no stage but the last changes, as nearly all of nearly all mail; answers the bytes
 * used. */
static size_t feed_plain(struct text_reader *reader, struct bytes in, struct buf *out)
{
    if (!reader->is_folded || reader->is_html || !transfer_is_identity(reader->decoder.encoding) ||
        !charset_reader_keeps_ascii(&reader->charset))
        return 0;
    return casemap_fold_ascii(in, out);
}

static void feed_step(struct text_reader *reader, struct bytes in, struct buf *out)
{
    in = bytes_from(in, feed_plain(reader, in, out));
    if (in.len == 0)
        return;
    if (transfer_is_identity(reader->decoder.encoding)) {
        charset_reader_feed(&reader->charset, in, &reader->converted);
    } else {
        transfer_decode(&reader->decoder, in, &reader->decoded);
        charset_reader_feed(&reader->charset, buf_bytes(&reader->decoded), &reader->converted);
    }
    pass_on(reader, false, out);
}

void text_reader_feed(struct text_reader *reader, struct bytes in, struct buf *out)
{
    for (; in.len > 0; in = bytes_from(in, TEXT_STEP))
        feed_step(reader, bytes_slice(in, 0, TEXT_STEP), out);
}

void text_reader_finish(struct text_reader *reader, struct buf *out)
{
    transfer_decode_finish(&reader->decoder, &reader->decoded);
    charset_reader_feed(&reader->charset, buf_bytes(&reader->decoded), &reader->converted);
    charset_reader_finish(&reader->charset, &reader->converted);
    pass_on(reader, true, out);
}

/* One line of ASCII without encoded-words, as nearly all are: its text is what it is. */
static bool is_plain(struct bytes value)
{
    return utf8_is_ascii(value) && bytes_find_byte(value, 0, '\n') == value.len &&
           bytes_find_byte(value, 0, '\r') == value.len &&
           (bytes_find_byte(value, 0, '=') == value.len ||
            bytes_find(value, 0, BYTES("=?")) == value.len);
}

/* RFC 5255 s4.6 */
void text_header(struct bytes value, bool is_folded, struct buf *out)
{
    struct buf text = buf_make(value.len * 4 + 16);

    if (is_folded && is_plain(value)) {
        casemap_fold(value, out);
        return;
    }
    if (!is_folded) {
        encoded_word_decode(value, out);
        return;
    }
    encoded_word_decode(value, &text);
    casemap_fold(buf_bytes(&text), out);
    buf_done(&text);
}

void text_search_key(struct bytes key, struct buf *out)
{
    casemap_fold(key, out);
}

/* White space as a reader sees it, and marks that have no width and only pad a preview. */
static bool is_gap(uint32_t code_point)
{
    return code_point <= ' ' || (code_point >= 0x7F && code_point <= 0xA0) || code_point == 0xAD ||
           code_point == 0x034F || (code_point >= 0x2000 && code_point <= 0x200F) ||
           code_point == 0x2028 || code_point == 0x2029 || code_point == 0x202F ||
           code_point == 0x3000 || code_point == 0xFEFF;
}

void text_one_line(struct bytes text, size_t chars_max, struct buf *out)
{
    size_t chars = 0;
    bool has_gap = false;

    while (text.len > 0) {
        uint32_t code_point = 0;
        size_t len = utf8_decode(text, &code_point);
        struct bytes piece = bytes_slice(text, 0, len);
        text = bytes_from(text, len == 0 ? 1 : len);
        if (len == 0 || is_gap(code_point)) {
            has_gap = true;
            continue;
        }
        bool needs_space = has_gap && chars > 0;
        if (chars + (needs_space ? 2 : 1) > chars_max)
            return;
        if (needs_space)
            buf_add_byte(out, ' ');
        buf_add(out, piece);
        chars += needs_space ? 2 : 1;
        has_gap = false;
    }
}
