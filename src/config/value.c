/* Single values: parse and print. */
#include "config/value.h"

#include "base/ascii.h"
#include "base/num.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    { "T", UINT64_C(1) << 40 },
    { "G", UINT64_C(1) << 30 },
    { "M", UINT64_C(1) << 20 },
    { "K", UINT64_C(1) << 10 },
    { "", 1 },
};

static const struct unit duration_units[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

bool config_bool_parse(struct bytes text, bool *out_value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        { "yes", true }, { "no", false },  { "true", true }, { "false", false },
        { "on", true },  { "off", false }, { "1", true },    { "0", false },
    };

    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (bytes_equal_nocase(text, bytes_from_string(words[i].word))) {
            *out_value = words[i].value;
            return true;
        }
    }
    return false;
}

static bool parse_with_unit(struct bytes text, const struct unit *units, size_t count,
                            uint64_t *out_value)
{
    size_t digits = 0;
    uint64_t number;

    while (digits < text.len && ascii_is_digit(text.at[digits]))
        digits++;
    if (!num_parse(bytes_slice(text, 0, digits), UINT64_MAX, &number))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!bytes_equal_nocase(bytes_from(text, digits), bytes_from_string(units[i].name)))
            continue;
        if (number > INT64_MAX / units[i].factor)
            return false;
        *out_value = number * units[i].factor;
        return true;
    }
    return false;
}

bool config_size_parse(struct bytes text, uint64_t *out_bytes)
{
    return parse_with_unit(text, size_units, ARRAY_COUNT(size_units), out_bytes);
}

bool config_duration_parse(struct bytes text, uint64_t *out_ms)
{
    if (bytes_equal(text, BYTES("0"))) {
        *out_ms = 0;
        return true;
    }
    return parse_with_unit(text, duration_units, ARRAY_COUNT(duration_units), out_ms);
}

struct bytes config_word_take(struct bytes *rest)
{
    size_t len = 0;
    struct bytes word;

    *rest = bytes_trim(*rest);
    while (len < rest->len && rest->at[len] > ' ')
        len++;
    word = bytes_slice(*rest, 0, len);
    *rest = bytes_from(*rest, len);
    return word;
}

struct bytes config_choice_text(const char *choices, unsigned index)
{
    struct bytes rest = bytes_from_string(choices);
    struct bytes word = config_word_take(&rest);

    for (; index > 0; index--)
        word = config_word_take(&rest);
    return word;
}

bool config_choice_parse(struct bytes text, const char *choices, unsigned *out_index)
{
    struct bytes rest = bytes_from_string(choices);
    unsigned index = 0;

    for (;; index++) {
        struct bytes word = config_word_take(&rest);

        if (word.len == 0)
            return false;
        if (bytes_equal_nocase(word, text))
            break;
    }
    *out_index = index;
    return true;
}

static void print_with_unit(uint64_t value, const struct unit *units, struct buf *out)
{
    while (value % units->factor != 0)
        units++;
    buf_add_number(out, value / units->factor);
    buf_add_string(out, units->name);
}

void config_size_print(uint64_t bytes, struct buf *out)
{
    if (bytes == 0)
        buf_add_byte(out, '0');
    else
        print_with_unit(bytes, size_units, out);
}

void config_duration_print(uint64_t ms, struct buf *out)
{
    if (ms == 0)
        buf_add_byte(out, '0');
    else
        print_with_unit(ms, duration_units, out);
}

void config_number_print(uint64_t number, struct buf *out)
{
    buf_add_number(out, number);
}
