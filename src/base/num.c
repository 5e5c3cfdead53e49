/* Decimal numbers. */
#include "base/num.h"

#include <string.h>

#include "base/ascii.h"

static const char pairs[] = "00010203040506070809"
                            "10111213141516171819"
                            "20212223242526272829"
                            "30313233343536373839"
                            "40414243444546474849"
                            "50515253545556575859"
                            "60616263646566676869"
                            "70717273747576777879"
                            "80818283848586878889"
                            "90919293949596979899";

static size_t count_digits(uint64_t number)
{
    size_t count = 1;

    for (; number >= 10000; number /= 10000)
        count += 4;
    return count + (number >= 10) + (number >= 100) + (number >= 1000);
}

size_t num_print(uint64_t number, char digits[NUM_DECIMAL_MAX])
{
    size_t len = count_digits(number);
    size_t at = len;

    for (; number >= 100; number /= 100)
        memcpy(digits + (at -= 2), pairs + number % 100 * 2, 2);
    if (number >= 10)
        memcpy(digits, pairs + number * 2, 2);
    else
        digits[0] = (char)('0' + number);
    return len;
}

void num_print_pair(unsigned number, uint8_t at[2])
{
    memcpy(at, pairs + number % 100 * 2, 2);
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
