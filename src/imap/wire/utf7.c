/* Modified UTF-7 (RFC 3501 s5.1.3): "&" shifts to base64 of UTF-16, with "," for "/". */
#include "imap/wire/utf7.h"

#include "base/cursor.h"
#include "base/utf8.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

enum {
    HIGH_SURROGATE = 0xD800,
    LOW_SURROGATE = 0xDC00,
    SURROGATES_END = 0xE000,
    SUPPLEMENTARY = 0x10000,
};

static bool is_printing(uint32_t code_point)
{
    return code_point >= 0x20 && code_point <= 0x7e;
}

static int base64_value(int c)
{
    size_t value =
        c <= 0 ? sizeof(alphabet) : bytes_find_byte(bytes_make(alphabet, 64), 0, (uint8_t)c);

    return value < 64 ? (int)value : -1;
}

/* The next UTF-16 unit of a shift. False at the end of its base64. */
struct units {
    struct cursor *cur;
    uint32_t bits;
    unsigned bit_count;
};

static bool next_unit(struct units *units, uint32_t *out_unit)
{
    while (units->bit_count < 16) {
        int value = base64_value(cursor_peek(units->cur));

        if (value < 0)
            return false;
        units->cur->offset++;
        units->bits = units->bits << 6 | (uint32_t)value;
        units->bit_count += 6;
    }
    units->bit_count -= 16;
    *out_unit = units->bits >> units->bit_count & 0xffff;
    units->bits &= (UINT32_C(1) << units->bit_count) - 1;
    return true;
}

static bool next_code_point(struct units *units, uint32_t *out_code_point)
{
    uint32_t high;
    uint32_t low;

    if (!next_unit(units, &high))
        return false;
    if (high < HIGH_SURROGATE || high >= SURROGATES_END) {
        *out_code_point = high;
        return true;
    }
    if (high >= LOW_SURROGATE || !next_unit(units, &low) || low < LOW_SURROGATE ||
        low >= SURROGATES_END)
        return cursor_fail(units->cur, "a surrogate pair");
    *out_code_point = SUPPLEMENTARY + ((high - HIGH_SURROGATE) << 10) + (low - LOW_SURROGATE);
    return true;
}

static void add_code_point(struct buf *out, uint32_t code_point)
{
    uint8_t encoded[UTF8_BYTES_MAX];

    buf_add(out, bytes_make(encoded, utf8_encode(code_point, encoded)));
}

/* Behind "&", up to and with "-". RFC 9051 sA.1. */
static bool decode_shift(struct buf *out, struct cursor *cur)
{
    struct units units = { .cur = cur };
    uint32_t code_point = 0;
    bool any = false;

    if (cursor_skip(cur, '-')) {
        buf_add_byte(out, '&');
        return true;
    }
    for (; next_code_point(&units, &code_point); any = true) {
        if (is_printing(code_point))
            return false;
        add_code_point(out, code_point);
    }
    if (cur->expected != NULL || !any || units.bit_count >= 6 || units.bits != 0 ||
        !cursor_skip(cur, '-'))
        return false;
    /* "&-" behind a shift is the character itself; another shift is superfluous. */
    return cursor_peek(cur) != '&' || cursor_peek_at(cur, 1) == '-';
}

bool imap_utf7_decode(struct buf *out, struct bytes text)
{
    struct cursor cur = cursor_make(text);

    while (!cursor_at_end(&cur)) {
        int c = cursor_peek(&cur);

        if (!is_printing((uint32_t)c))
            return false;
        cur.offset++;
        if (c != '&')
            buf_add_byte(out, (uint8_t)c);
        else if (!decode_shift(out, &cur))
            return false;
    }
    return true;
}

/* What the encoder has not written yet: fewer than 6 bits between two units. */
struct shift {
    struct buf *out;
    uint32_t bits;
    unsigned bit_count;
    bool open;
};

static void shift_add(struct shift *shift, uint32_t unit)
{
    shift->bits = shift->bits << 16 | unit;
    shift->bit_count += 16;
    while (shift->bit_count >= 6) {
        shift->bit_count -= 6;
        buf_add_byte(shift->out, (uint8_t)alphabet[shift->bits >> shift->bit_count & 63]);
    }
    shift->bits &= (UINT32_C(1) << shift->bit_count) - 1;
}

static void shift_open(struct shift *shift)
{
    if (!shift->open)
        buf_add_byte(shift->out, '&');
    shift->open = true;
}

/* RFC 9051 sA.1 */
static void shift_close(struct shift *shift)
{
    if (!shift->open)
        return;
    if (shift->bit_count > 0)
        buf_add_byte(shift->out, (uint8_t)alphabet[shift->bits << (6 - shift->bit_count) & 63]);
    buf_add_byte(shift->out, '-');
    *shift = (struct shift){ .out = shift->out };
}

/* RFC 9051 sA.1 */
static void encode_code_point(struct shift *shift, uint32_t code_point)
{
    if (is_printing(code_point)) {
        shift_close(shift);
        buf_add_byte(shift->out, (uint8_t)code_point);
        if (code_point == '&')
            buf_add_byte(shift->out, '-');
        return;
    }
    shift_open(shift);
    if (code_point < SUPPLEMENTARY) {
        shift_add(shift, code_point);
        return;
    }
    shift_add(shift, HIGH_SURROGATE + ((code_point - SUPPLEMENTARY) >> 10));
    shift_add(shift, LOW_SURROGATE + ((code_point - SUPPLEMENTARY) & 0x3ff));
}

void imap_utf7_encode(struct buf *out, struct bytes text)
{
    struct shift shift = { .out = out };

    while (text.len > 0) {
        uint32_t code_point = UTF8_REPLACEMENT;
        size_t taken = utf8_decode(text, &code_point);

        encode_code_point(&shift, code_point);
        text = bytes_from(text, taken == 0 ? 1 : taken);
    }
    shift_close(&shift);
}
