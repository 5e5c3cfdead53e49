/* number, nz-number, number64 (RFC 9051 s9). */
#include "imap/wire/number.h"

#include "base/ascii.h"
#include "base/num.h"

static bool parse_within(struct cursor *cur, uint64_t min, uint64_t max, const char *expected,
                         uint64_t *out_number)
{
    size_t start = cur->offset;
    struct bytes digits = cursor_take_while(cur, ascii_is_digit);
    uint64_t number;

    if (num_parse(digits, max, &number) && number >= min) {
        *out_number = number;
        return true;
    }
    cur->offset = start;
    return cursor_fail(cur, digits.len == 0 ? "a number" : expected);
}

static bool parse_32(struct cursor *cur, uint64_t min, const char *expected, uint32_t *out_number)
{
    uint64_t number;

    if (!parse_within(cur, min, UINT32_MAX, expected, &number))
        return false;
    *out_number = (uint32_t)number;
    return true;
}

bool imap_number_parse(struct cursor *cur, uint32_t *out_number)
{
    return parse_32(cur, 0, "a number below 2^32", out_number);
}

bool imap_nz_number_parse(struct cursor *cur, uint32_t *out_number)
{
    return parse_32(cur, 1, "a number from 1 to 2^32 - 1", out_number);
}

bool imap_number64_parse(struct cursor *cur, uint64_t *out_number)
{
    return parse_within(cur, 0, INT64_MAX, "a number below 2^63", out_number);
}

bool imap_nz_number64_parse(struct cursor *cur, uint64_t *out_number)
{
    return parse_within(cur, 1, INT64_MAX, "a number from 1 to 2^63 - 1", out_number);
}
