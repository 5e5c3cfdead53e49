/* Strict UTF-8. */
#include "base/utf8.h"

/* Length of the sequence that `lead` opens and the bits it gives; 0 for a byte that opens none. */
static size_t lead_length(uint8_t lead, uint32_t *out_bits)
{
    if (lead < 0x80) {
        *out_bits = lead;
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        *out_bits = lead & 0x1f;
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *out_bits = lead & 0x0f;
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *out_bits = lead & 0x07;
        return 4;
    }
    return 0;
}

static bool is_scalar(uint32_t code_point)
{
    return code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff);
}

size_t utf8_decode(struct bytes text, uint32_t *out_code_point)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint32_t code_point = 0;
    size_t len = text.len == 0 ? 0 : lead_length(text.at[0], &code_point);

    if (len == 0 || len > text.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((text.at[i] & 0xc0) != 0x80)
            return 0;
        code_point = code_point << 6 | (text.at[i] & 0x3f);
    }
    if (code_point < smallest[len] || !is_scalar(code_point))
        return 0;
    *out_code_point = code_point;
    return len;
}

size_t utf8_encode(uint32_t code_point, uint8_t into[UTF8_BYTES_MAX])
{
    if (!is_scalar(code_point))
        return 0;
    if (code_point < 0x80) {
        into[0] = (uint8_t)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        into[0] = (uint8_t)(0xc0 | code_point >> 6);
        into[1] = (uint8_t)(0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point < 0x10000) {
        into[0] = (uint8_t)(0xe0 | code_point >> 12);
        into[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
        into[2] = (uint8_t)(0x80 | (code_point & 0x3f));
        return 3;
    }
    into[0] = (uint8_t)(0xf0 | code_point >> 18);
    into[1] = (uint8_t)(0x80 | (code_point >> 12 & 0x3f));
    into[2] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
    into[3] = (uint8_t)(0x80 | (code_point & 0x3f));
    return 4;
}

bool utf8_is_valid(struct bytes text)
{
    while (text.len > 0) {
        uint32_t code_point;
        size_t len = utf8_decode(text, &code_point);

        if (len == 0)
            return false;
        text = bytes_from(text, len);
    }
    return true;
}

bool utf8_is_ascii(struct bytes text)
{
    uint8_t seen = 0;

    for (size_t i = 0; i < text.len; i++)
        seen |= text.at[i];
    return seen < 0x80;
}
