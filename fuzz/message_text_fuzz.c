/* Stored bytes become the same text however they are cut, it is valid UTF-8 and within its bound.
 * The first four bytes choose encoding, charset, HTML and folding, and the cuts. */
#include <stdlib.h>

#include "base/utf8.h"
#include "message/charset.h"
#include "message/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHOICES = 4, OUT_MAX = 16 * 1024 * 1024, SLACK = 1024 };

static const struct bytes charsets[] = {
    BYTES("us-ascii"),    BYTES("utf-8"),      BYTES("iso-8859-1"), BYTES("windows-1252"),
    BYTES("iso-2022-jp"), BYTES("shift_jis"),  BYTES("euc-jp"),     BYTES("gb18030"),
    BYTES("big5"),        BYTES("euc-kr"),     BYTES("koi8-r"),     BYTES("utf-7"),
    BYTES("utf-16"),      BYTES("iso-8859-8"), BYTES("x-unknown"),  BYTES(""),
};

static void feed(struct text_reader *reader, struct bytes in, struct buf *out)
{
    size_t before = out->len;

    text_reader_feed(reader, in, out);
    if (out->len - before > in.len * TEXT_GROWTH_MAX + SLACK)
        abort();
    if (!utf8_is_valid(bytes_from(buf_bytes(out), before)))
        abort();
}

static void read_all(const struct text_options *options, struct bytes raw, size_t step,
                     struct buf *out)
{
    struct text_reader *reader = text_reader_new(options);

    for (; raw.len > 0; raw = bytes_from(raw, step))
        feed(reader, bytes_slice(raw, 0, step), out);
    text_reader_finish(reader, out);
    text_reader_free(reader);
    if (out->overflowed || !utf8_is_valid(buf_bytes(out)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    struct buf whole = buf_make(OUT_MAX), pieces = buf_make(OUT_MAX);
    struct text_options options;
    struct bytes raw;

    if (size < CHOICES)
        return 0;
    if (!is_ready)
        (void)charset_open_all();
    is_ready = true;
    options = (struct text_options){
        .encoding = data[0] % TRANSFER_COUNT,
        .charset = charsets[data[1] % ARRAY_COUNT(charsets)],
        .is_html = data[2] & 1,
        .is_folded = data[2] >> 1 & 1,
    };
    raw = bytes_make(data + CHOICES, size - CHOICES);
    read_all(&options, raw, raw.len + 1, &whole);
    read_all(&options, raw, 1U + data[3] % 32, &pieces);
    if (!bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)))
        abort();
    buf_clear(&whole);
    text_header(raw, options.is_folded, &whole);
    if (!utf8_is_valid(buf_bytes(&whole)))
        abort();
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
