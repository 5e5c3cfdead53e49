/* Transfer encodings: names, base64 and quoted-printable (RFC 2045 s6). */
#include "message/transfer.h"

#include "base/ascii.h"
#include "message/token.h"

enum transfer_encoding transfer_parse(struct bytes value)
{
    static const struct {
        struct bytes name;
        enum transfer_encoding encoding;
    } names[] = {
        { BYTES("7bit"), TRANSFER_7BIT },
        { BYTES("8bit"), TRANSFER_8BIT },
        { BYTES("binary"), TRANSFER_BINARY },
        { BYTES("quoted-printable"), TRANSFER_QUOTED_PRINTABLE },
        { BYTES("base64"), TRANSFER_BASE64 },
        { BYTES("7-bit"), TRANSFER_7BIT },
        { BYTES("8-bit"), TRANSFER_8BIT },
    };
    struct cursor cur = cursor_make(value);
    struct bytes name = token_first(value);

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (bytes_equal_nocase(name, names[i].name))
            return names[i].encoding;
    }
    /* A name nobody knows is shown; words that make no name are taken for a missing field. */
    token_skip_cfws(&cur);
    (void)token_take_mime(&cur);
    token_skip_cfws(&cur);
    bool is_alone = cursor_at_end(&cur) || cursor_peek(&cur) == ';';
    return name.len > 0 && is_alone ? TRANSFER_UNKNOWN : TRANSFER_7BIT;
}

/* Value of a base64 digit plus one; 0 for all that is none ('=' included). */
static const uint8_t base64_digits[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* Whole groups of four digits, as far as nothing else stands between them; answers how many. */
static size_t base64_groups(struct bytes in, uint8_t *into)
{
    size_t groups = 0;

    for (const uint8_t *at = in.at; in.len >= 4 * (groups + 1); at += 4, groups++) {
        uint32_t first = base64_digits[at[0]], second = base64_digits[at[1]];
        uint32_t third = base64_digits[at[2]], fourth = base64_digits[at[3]];
        uint32_t bits;

        if (first == 0 || second == 0 || third == 0 || fourth == 0)
            break;
        bits = (first - 1) << 18 | (second - 1) << 12 | (third - 1) << 6 | (fourth - 1);
        into[3 * groups] = (uint8_t)(bits >> 16);
        into[3 * groups + 1] = (uint8_t)(bits >> 8);
        into[3 * groups + 2] = (uint8_t)bits;
    }
    return groups;
}

/* Padding ends a group, not the text: pieces of base64 put together decode as their sum. */
static void base64_decode(struct transfer_decoder *decoder, struct bytes in, struct buf *out)
{
    uint8_t *into = buf_reserve(out, in.len + 1);
    size_t made = 0;
    uint32_t bits = decoder->bits;
    uint8_t bit_count = decoder->bit_count;

    if (into == NULL)
        return;
    for (size_t i = 0; i < in.len; i++) {
        if (bit_count == 0) {
            size_t groups = base64_groups(bytes_from(in, i), into + made);

            made += groups * 3;
            i += groups * 4;
            if (i == in.len)
                break;
        }
        uint8_t digit = base64_digits[in.at[i]];
        if (digit == 0) {
            bit_count = in.at[i] == '=' ? 0 : bit_count;
            continue;
        }
        bits = bits << 6 | (uint32_t)(digit - 1);
        bit_count = (uint8_t)(bit_count + 6);
        if (bit_count >= 8) {
            bit_count = (uint8_t)(bit_count - 8);
            into[made++] = (uint8_t)(bits >> bit_count);
        }
    }
    decoder->bits = bits;
    decoder->bit_count = bit_count;
    buf_commit(out, made);
}

static void blanks_release(struct transfer_decoder *decoder, struct buf *out)
{
    buf_add(out, bytes_make(decoder->blanks, decoder->blank_len));
    decoder->blank_len = 0;
}

static void blanks_hold(struct transfer_decoder *decoder, uint8_t c, struct buf *out)
{
    if (decoder->blank_len == TRANSFER_BLANKS_MAX)
        blanks_release(decoder, out);
    decoder->blanks[decoder->blank_len++] = c;
}

/* What stood after '=' was no code: RFC 2045 s6.7 lets it through as it was. */
static void escape_release(struct transfer_decoder *decoder, struct buf *out)
{
    buf_add(out, bytes_make(decoder->escape, decoder->escape_len));
    decoder->escape_len = 0;
    decoder->escape_soft = false;
    blanks_release(decoder, out);
}

/* A byte after '='. True when the escape has taken it. */
static bool escape_feed(struct transfer_decoder *decoder, uint8_t c, struct buf *out)
{
    if (decoder->escape_len == 1 && (ascii_is_blank(c) || c == '\r') &&
        decoder->blank_len < TRANSFER_BLANKS_MAX) {
        decoder->escape_soft = true;
        blanks_hold(decoder, c, out);
        return true;
    }
    if (c == '\n' && decoder->escape_len == 1) {
        decoder->escape_len = 0;
        decoder->blank_len = 0;
        decoder->escape_soft = false;
        return true;
    }
    if (decoder->escape_soft || ascii_hex_value(c) < 0) {
        escape_release(decoder, out);
        return false;
    }
    if (decoder->escape_len == 1) {
        decoder->escape[decoder->escape_len++] = c;
        return true;
    }
    buf_add_byte(out, (uint8_t)(ascii_hex_value(decoder->escape[1]) << 4 | ascii_hex_value(c)));
    decoder->escape_len = 0;
    return true;
}

static void quoted_feed(struct transfer_decoder *decoder, uint8_t c, struct buf *out)
{
    if (decoder->escape_len > 0 && escape_feed(decoder, c, out))
        return;
    if (c == '=') {
        blanks_release(decoder, out);
        decoder->escape[0] = c;
        decoder->escape_len = 1;
    } else if (ascii_is_blank(c) || c == '\r') {
        blanks_hold(decoder, c, out);
    } else if (c == '\n') {
        /* RFC 2045 s6.7 rule 3: blanks at the end of a line were put there in transport. */
        bool has_cr = decoder->blank_len > 0 && decoder->blanks[decoder->blank_len - 1] == '\r';
        decoder->blank_len = 0;
        buf_add(out, has_cr ? BYTES("\r\n") : BYTES("\n"));
    } else {
        blanks_release(decoder, out);
        buf_add_byte(out, c);
    }
}

static const bool quoted_specials[256] = {
    ['='] = true, ['\n'] = true, ['\r'] = true, [' '] = true, ['\t'] = true,
};

/* How many bytes at the start are text as they stand: all but "=", and of blanks and CR those whose
 * next byte shows that they are no white space at the end of a line. */
static size_t quoted_run(struct bytes in)
{
    size_t run = 0;

    for (;;) {
        while (run < in.len && !quoted_specials[in.at[run]])
            run++;
        if (run == in.len || in.at[run] == '=')
            return run;
        if (in.at[run] != '\n') {
            uint8_t next = run + 1 < in.len ? in.at[run + 1] : '\n';
            bool is_inside = ascii_is_blank(in.at[run]) ? !quoted_specials[next] || next == '='
                                                        : run + 1 < in.len && next == '\n';

            if (!is_inside)
                return run;
        }
        run++;
    }
}

/* "=XX" or a soft line break at the start; answers its bytes, 0 when it is anything else. */
static size_t quoted_escape(struct bytes in, struct buf *out)
{
    int high;
    int low;

    if (in.len < 3 || in.at[0] != '=')
        return 0;
    if (in.at[1] == '\r' && in.at[2] == '\n')
        return 3;
    high = ascii_hex_value(in.at[1]);
    low = ascii_hex_value(in.at[2]);
    if (high < 0 || low < 0)
        return 0;
    buf_add_byte(out, (uint8_t)(high << 4 | low));
    return 3;
}

/* What is usual goes in runs; what is odd, or cut by the end of a piece, byte by byte. */
static void quoted_decode(struct transfer_decoder *decoder, struct bytes in, struct buf *out)
{
    while (in.len > 0) {
        size_t used = 0;

        if (decoder->escape_len == 0 && decoder->blank_len == 0) {
            used = quoted_run(in);
            buf_add(out, bytes_slice(in, 0, used));
            used += quoted_escape(bytes_from(in, used), out);
        }
        if (used == 0) {
            quoted_feed(decoder, in.at[0], out);
            used = 1;
        }
        in = bytes_from(in, used);
    }
}

void transfer_decode(struct transfer_decoder *decoder, struct bytes in, struct buf *out)
{
    if (decoder->encoding == TRANSFER_BASE64)
        base64_decode(decoder, in, out);
    else if (decoder->encoding == TRANSFER_QUOTED_PRINTABLE)
        quoted_decode(decoder, in, out);
    else
        buf_add(out, in);
}

void transfer_decode_finish(struct transfer_decoder *decoder, struct buf *out)
{
    if (decoder->escape_len == 1)
        decoder->escape_len = 0; /* a soft line break at the very end */
    else if (decoder->escape_len > 0)
        escape_release(decoder, out);
    *decoder = transfer_decoder_make(decoder->encoding);
}
