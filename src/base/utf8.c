/* Strict UTF-8. */
#include "base/utf8.h"

#include <string.h>

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

/* Words at a time: nearly all of nearly all mail is ASCII. */
size_t utf8_ascii_run(struct bytes text)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    size_t run = 0;

    for (uint64_t words[4]; run + sizeof(words) <= text.len; run += sizeof(words)) {
        memcpy(words, text.at + run, sizeof(words));
        if (((words[0] | words[1] | words[2] | words[3]) & high_bits) != 0)
            break;
    }
    while (run < text.len && text.at[run] < 0x80)
        run++;
    return run;
}

bool utf8_is_valid(struct bytes text)
{
    for (;;) {
        uint32_t code_point;
        size_t len;

        text = bytes_from(text, utf8_ascii_run(text));
        if (text.len == 0)
            return true;
        len = utf8_decode(text, &code_point);
        if (len == 0)
            return false;
        text = bytes_from(text, len);
    }
}

bool utf8_is_ascii(struct bytes text)
{
    return utf8_ascii_run(text) == text.len;
}
