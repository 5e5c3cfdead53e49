/* i;unicode-casemap (RFC 5051), by utf8proc's tables. */
#include "message/casemap.h"

#include <string.h>
#include <utf8proc.h>

#include "base/ascii.h"
#include "base/attributes.h"
#include "base/utf8.h"

enum { DECOMPOSED_MAX = 32 };

/* RFC 5255 s4.2 */
void casemap_fold_code_point(uint32_t code_point, struct buf *out)
{
    utf8proc_int32_t decomposed[DECOMPOSED_MAX];
    uint8_t encoded[UTF8_BYTES_MAX];

    if (code_point < 128) {
        buf_add_byte(out, (uint8_t)ascii_upper((int)code_point));
        return;
    }
    if (utf8_encode(code_point, encoded) == 0)
        code_point = UTF8_REPLACEMENT;
    /* utf8proc gives sharp s a titlecase that UnicodeData.txt, and so RFC 5051, does not have. */
    utf8proc_int32_t title =
        code_point == 0xDF ? 0xDF : utf8proc_totitle((utf8proc_int32_t)code_point);
    int last_class = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char(
        title, decomposed, DECOMPOSED_MAX, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &last_class);
    if (count < 0 || count > DECOMPOSED_MAX) {
        buf_add(out, bytes_make(encoded, utf8_encode(code_point, encoded)));
        return;
    }
    for (utf8proc_ssize_t i = 0; i < count; i++)
        buf_add(out, bytes_make(encoded, utf8_encode((uint32_t)decomposed[i], encoded)));
}

/* Eight letters at once. All bytes of `word` are below 128, so no sum carries into its neighbour.
 */
static uint64_t upper_word(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t from_a = word + ones * (0x80 - 'a'); /* the high bit: not below it */
    uint64_t above_z = word + ones * (0x7f - 'z');

    return word - ((from_a & ~above_z & (ones * 0x80)) >> 2);
}

size_t casemap_fold_ascii(struct bytes text, struct buf *out)
{
    size_t run = utf8_ascii_run(text);
    uint8_t *into = run > 0 ? buf_reserve(out, run) : NULL;
    size_t i = 0;

    if (into == NULL)
        return run;
    for (uint64_t words[4]; i + sizeof(words) <= run; i += sizeof(words)) {
        memcpy(words, text.at + i, sizeof(words));
        for (size_t word = 0; word < ARRAY_COUNT(words); word++)
            words[word] = upper_word(words[word]);
        memcpy(into + i, words, sizeof(words));
    }
    for (; i < run; i++)
        into[i] = (uint8_t)ascii_upper(text.at[i]);
    buf_commit(out, run);
    return run;
}

void casemap_fold(struct bytes text, struct buf *out)
{
    size_t before = out->len;
    size_t i = casemap_fold_ascii(text, out);

    if (i < text.len && !utf8_is_valid(bytes_from(text, i))) {
        buf_truncate(out, before);
        buf_add(out, text);
        return;
    }
    while (i < text.len) {
        uint32_t code_point = 0;

        i += utf8_decode(bytes_from(text, i), &code_point);
        casemap_fold_code_point(code_point, out);
        i += casemap_fold_ascii(bytes_from(text, i), out);
    }
}
