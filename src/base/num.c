/* Decimal numbers. */
#include "base/num.h"

#include <string.h>

#include "base/ascii.h"

size_t num_print(uint64_t number, char digits[NUM_DECIMAL_MAX])
{
    char reversed[NUM_DECIMAL_MAX];
    size_t len = 0;

    do {
        reversed[len++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < len; i++)
        digits[i] = reversed[len - 1 - i];
    return len;
}

bool num_parse(struct bytes text, uint64_t max, uint64_t *out_number)
{
    uint64_t number = 0;

    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit;

        if (!ascii_is_digit(text.at[i]))
            return false;
        digit = ascii_digit_value(text.at[i]);
        if (number > (max - digit) / 10 || digit > max)
            return false;
        number = number * 10 + digit;
    }
    *out_number = number;
    return true;
}
