/* Comparing, finding and cutting borrowed bytes. */
#include "base/bytes.h"

#include <string.h>

#include "base/ascii.h"

struct bytes bytes_from_string(const char *string)
{
    return string == NULL ? bytes_make(NULL, 0) : bytes_make(string, strlen(string));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    /* Names are mostly written as everybody writes them. */
    return bytes_equal(a, b) || (a.len == b.len && bytes_compare_nocase(a, b) == 0);
}

static int length_order(struct bytes a, struct bytes b)
{
    return a.len < b.len ? -1 : a.len > b.len;
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.at, b.at, common);

    return order != 0 ? order : length_order(a, b);
}

int bytes_compare_nocase(struct bytes a, struct bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;

    for (size_t i = 0; i < common; i++) {
        int order = ascii_lower(a.at[i]) - ascii_lower(b.at[i]);

        if (order != 0)
            return order;
    }
    return length_order(a, b);
}

bool bytes_starts_with(struct bytes b, struct bytes prefix)
{
    return b.len >= prefix.len && bytes_equal(bytes_slice(b, 0, prefix.len), prefix);
}

bool bytes_starts_with_nocase(struct bytes b, struct bytes prefix)
{
    return b.len >= prefix.len && bytes_equal_nocase(bytes_slice(b, 0, prefix.len), prefix);
}

bool bytes_ends_with(struct bytes b, struct bytes suffix)
{
    return b.len >= suffix.len && bytes_equal(bytes_from(b, b.len - suffix.len), suffix);
}

static bool is_trimmed(uint8_t c)
{
    return ascii_is_blank(c) || c == '\r' || c == '\n';
}

struct bytes bytes_trim(struct bytes b)
{
    while (b.len > 0 && is_trimmed(b.at[0]))
        b = bytes_from(b, 1);
    while (b.len > 0 && is_trimmed(b.at[b.len - 1]))
        b.len--;
    return b;
}

size_t bytes_find_byte(struct bytes b, size_t from, uint8_t byte)
{
    const uint8_t *hit;

    if (from >= b.len)
        return b.len;
    hit = memchr(b.at + from, byte, b.len - from);
    return hit == NULL ? b.len : (size_t)(hit - b.at);
}

size_t bytes_find(struct bytes b, size_t from, struct bytes needle)
{
    const uint8_t *hit;

    if (from > b.len)
        return b.len;
    if (needle.len == 0)
        return from;
    if (from == b.len)
        return b.len;
    hit = memmem(b.at + from, b.len - from, needle.at, needle.len);
    return hit == NULL ? b.len : (size_t)(hit - b.at);
}

bool bytes_equal_constant_time(struct bytes a, struct bytes b)
{
    volatile uint8_t difference = 0;

    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        difference = (uint8_t)(difference | (a.at[i] ^ b.at[i]));
    return difference == 0;
}
