/* base64 (RFC 4648 s4). */
#include "imap/wire/base64.h"

#include "base/ascii.h"
#include "imap/wire/atom.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool is_base64_char(int c)
{
    return ascii_is_alnum(c) || c == '+' || c == '/';
}

static uint32_t value_of(uint8_t c)
{
    return (uint32_t)bytes_find_byte(bytes_make(alphabet, 64), 0, c);
}

/* "=" as often as the length asks for: never three times. */
static bool padding_parse(struct cursor *cur, size_t digits)
{
    size_t padding = (4 - digits % 4) % 4;

    if (padding == 3)
        return cursor_fail(cur, "base64 in groups of four");
    while (padding-- > 0)
        if (!cursor_take(cur, '=', "\"=\" at the end of base64"))
            return false;
    return true;
}

bool imap_base64_parse(struct cursor *cur, struct arena *arena, struct bytes *out_bytes)
{
    struct bytes digits = cursor_take_while(cur, is_base64_char);
    uint8_t *at = arena_alloc(arena, digits.len / 4 * 3 + 2);
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t len = 0;

    if (at == NULL)
        return imap_too_large(cur);
    if (!padding_parse(cur, digits.len))
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        bits = bits << 6 | value_of(digits.at[i]);
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        at[len++] = (uint8_t)(bits >> bit_count);
        bits &= (UINT32_C(1) << bit_count) - 1;
    }
    if (bits != 0)
        return cursor_fail(cur, "base64 without stray bits");
    *out_bytes = bytes_make(at, len);
    return true;
}

void imap_base64_print(struct buf *out, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)bytes.at[i] << 16;

        if (left > 1)
            group |= (uint32_t)bytes.at[i + 1] << 8;
        if (left > 2)
            group |= bytes.at[i + 2];
        buf_add_byte(out, (uint8_t)alphabet[group >> 18]);
        buf_add_byte(out, (uint8_t)alphabet[group >> 12 & 63]);
        buf_add_byte(out, left > 1 ? (uint8_t)alphabet[group >> 6 & 63] : '=');
        buf_add_byte(out, left > 2 ? (uint8_t)alphabet[group & 63] : '=');
    }
}
