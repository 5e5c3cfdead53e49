/* ASCII classes and case, independent of any locale (ctype is not used here: it asks the locale).
 */
#ifndef ROOST_BASE_ASCII_H
#define ROOST_BASE_ASCII_H

#include <stdbool.h>
#include <stdint.h>

/* All take an int so that CURSOR_END (-1) and bytes above 127 may be asked about; both answer
 * false. */
static inline bool ascii_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_is_upper(int c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool ascii_is_lower(int c)
{
    return c >= 'a' && c <= 'z';
}

static inline bool ascii_is_alpha(int c)
{
    return ascii_is_upper(c) || ascii_is_lower(c);
}

static inline bool ascii_is_alnum(int c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c);
}

/* Space or horizontal tab. */
static inline bool ascii_is_blank(int c)
{
    return c == ' ' || c == '\t';
}

/* CTL of RFC 5234: 0 to 31 and 127. */
static inline bool ascii_is_control(int c)
{
    return (c >= 0 && c < 32) || c == 127;
}

/* 0 to 9; the caller has asked ascii_is_digit. */
static inline uint32_t ascii_digit_value(int c)
{
    return (uint32_t)(c - '0');
}

/* 0 to 15 for 0-9 a-f A-F, else -1. */
static inline int ascii_hex_value(int c)
{
    if (ascii_is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static inline int ascii_lower(int c)
{
    return ascii_is_upper(c) ? c + ('a' - 'A') : c;
}

static inline int ascii_upper(int c)
{
    return ascii_is_lower(c) ? c - ('a' - 'A') : c;
}

#endif
