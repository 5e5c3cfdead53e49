/* RFC 5322 dates. */
#include "message/date.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/num.h"
#include "message/token.h"

enum { DAY_SECONDS = 86400, DATE_WORDS_MAX = 12, DATE_BYTES_MAX = 256 };

static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

/* Days from civil by eras of 400 years, the year starting in March so that leap days come last. */
int64_t date_days(int32_t year, int32_t month, int32_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

struct date_civil date_to_civil(struct date date)
{
    int64_t local = date.seconds + (int64_t)date.zone_minutes * 60;
    int64_t days = floor_divide(local, DAY_SECONDS);
    int64_t second_of_day = local - days * DAY_SECONDS;
    int64_t z = days + 719468;
    int64_t era = floor_divide(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    return (struct date_civil){
        .year = (int32_t)(year_of_era + era * 400 + (month >= 10 ? 1 : 0)),
        .month = (int32_t)(month < 10 ? month + 3 : month - 9),
        .day = (int32_t)(day_of_year - (153 * month + 2) / 5 + 1),
        .hour = (int32_t)(second_of_day / 3600),
        .minute = (int32_t)(second_of_day / 60 % 60),
        .second = (int32_t)(second_of_day % 60),
        .weekday = (int32_t)((days % 7 + 11) % 7),
    };
}

/* 1 to 12 by the first three letters; 0 when it is no month. */
static int32_t month_of(struct bytes word)
{
    for (int32_t i = 0; i < 12; i++) {
        if (word.len >= 3 && bytes_starts_with_nocase(word, bytes_make(month_names[i], 3)))
            return i + 1;
    }
    return 0;
}

static int32_t days_in_month(int32_t year, int32_t month)
{
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2)
        return is_leap ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* RFC 5322 s4.3: two digits below 50 are 2000 on, other years of two or three digits 1900 on. */
static int32_t full_year(uint64_t number, size_t digits)
{
    if (digits == 2)
        return (int32_t)(number < 50 ? number + 2000 : number + 1900);
    return (int32_t)(digits == 3 ? number + 1900 : number);
}

/* Zone in minutes; unknown names and the military letters, which were once defined with the wrong
 * sign, are 0 (RFC 5322 s4.3; RFC 5256 s2.2). */
static int32_t zone_of(struct bytes word)
{
    static const struct {
        char name[4];
        int32_t hours;
    } zones[] = {
        { "EDT", -4 }, { "EST", -5 }, { "CDT", -5 }, { "CST", -6 },
        { "MDT", -6 }, { "MST", -7 }, { "PDT", -7 }, { "PST", -8 },
    };
    uint64_t number = 0;

    for (size_t i = 0; i < ARRAY_COUNT(zones); i++) {
        if (bytes_equal_nocase(word, bytes_make(zones[i].name, 3)))
            return zones[i].hours * 60;
    }
    if (bytes_starts_with_nocase(word, BYTES("GMT")) ||
        bytes_starts_with_nocase(word, BYTES("UTC")))
        word = bytes_from(word, 3);
    if (word.len != 5 || (word.at[0] != '+' && word.at[0] != '-') ||
        !num_parse(bytes_from(word, 1), 9999, &number) || number % 100 > 59 || number / 100 > 23)
        return 0;
    int32_t minutes = (int32_t)(number / 100 * 60 + number % 100);
    return word.at[0] == '-' ? -minutes : minutes;
}

/* "hh:mm" or "hh:mm:ss" (also with dots); false when it is no time of day. A leap second is 59. */
static bool time_of(struct bytes word, int32_t *out_second_of_day)
{
    uint64_t fields[3] = { 0 };
    size_t count = 0;

    while (word.len > 0 && count < 3) {
        size_t digits = 0;
        while (digits < word.len && ascii_is_digit(word.at[digits]))
            digits++;
        if (digits == 0 || digits > 2 ||
            !num_parse(bytes_slice(word, 0, digits), 99, &fields[count]))
            return false;
        count++;
        if (digits < word.len && word.at[digits] != ':' && word.at[digits] != '.')
            return false;
        word = bytes_from(word, digits + 1);
    }
    if (count < 2 || fields[0] > 23 || fields[1] > 59 || fields[2] > 60)
        return false;
    fields[2] = fields[2] == 60 ? 59 : fields[2];
    *out_second_of_day = (int32_t)(fields[0] * 3600 + fields[1] * 60 + fields[2]);
    return true;
}

/* The value with one blank for white space, commas and comments, and none before a colon or between
 * one and a digit: an obsolete time may be written "09 (h) : 55" (RFC 5322 s4.3). */
static struct bytes flatten(struct bytes value, uint8_t room[DATE_BYTES_MAX])
{
    struct token_text text = { .at = room, .max = DATE_BYTES_MAX };
    struct cursor cur = cursor_make(value);

    while (!cursor_at_end(&cur)) {
        size_t before = cur.offset;
        token_skip_cfws(&cur);
        int c = cursor_peek(&cur);
        bool has_gap = cur.offset > before || c == ',';
        bool is_after_colon = text.len > 0 && text.at[text.len - 1] == ':' && ascii_is_digit(c);
        if (has_gap && !is_after_colon && c != ':')
            token_text_add_byte(&text, ' ');
        if (c != ',' && c != CURSOR_END)
            token_text_add_byte(&text, (uint8_t)c);
        cur.offset++;
    }
    return token_text_bytes(&text);
}

static bool is_date_word_char(int c)
{
    return c != CURSOR_END && c != ' ';
}

/* Views into what `flatten` made. */
static size_t split_words(struct bytes flat, struct bytes words[DATE_WORDS_MAX])
{
    struct cursor cur = cursor_make(flat);
    size_t count = 0;

    for (; count < DATE_WORDS_MAX; count++) {
        token_skip_space(&cur);
        if (cursor_at_end(&cur))
            break;
        words[count] = cursor_take_while(&cur, is_date_word_char);
    }
    return count;
}

static bool is_time_like(struct bytes word)
{
    return word.len > 0 && ascii_is_digit(word.at[0]) && bytes_find_byte(word, 0, ':') < word.len;
}

struct date_reading {
    uint64_t day;
    uint64_t year;
    size_t year_digits; /* 0: no year yet */
    int32_t month;
    int32_t second_of_day;
    int32_t zone_minutes;
    bool has_day;
    bool has_time;
};

/* "2-Jan-2006" and "2/Jan/06" in one word. */
static void read_joined(struct date_reading *reading, struct bytes word)
{
    size_t first = 0, second = 0;
    uint8_t mark = bytes_find_byte(word, 0, '-') < word.len ? '-' : '/';

    first = bytes_find_byte(word, 0, mark);
    second = bytes_find_byte(word, first + 1, mark);
    if (second >= word.len)
        return;
    struct bytes year = bytes_from(word, second + 1);
    reading->has_day = num_parse(bytes_slice(word, 0, first), 31, &reading->day);
    reading->month = month_of(bytes_slice(word, first + 1, second - first - 1));
    reading->year_digits = num_parse(year, 9999, &reading->year) ? year.len : 0;
}

/* A time that is none is 00:00:00 (RFC 5256 s2.2). */
static void read_word(struct date_reading *reading, struct bytes word)
{
    uint64_t number = 0;

    if (is_time_like(word)) {
        reading->has_time = true;
        if (!time_of(word, &reading->second_of_day))
            reading->second_of_day = 0;
    } else if (reading->month == 0 && month_of(word) != 0) {
        reading->month = month_of(word);
    } else if (num_parse(word, 9999, &number)) {
        if (!reading->has_day && word.len <= 2) {
            reading->day = number;
            reading->has_day = true;
        } else if (reading->year_digits == 0) {
            reading->year = number;
            reading->year_digits = word.len;
        }
    } else if (!reading->has_day && word.len >= 8 && ascii_is_digit(word.at[0])) {
        read_joined(reading, word);
    } else if (reading->has_time && reading->zone_minutes == 0) {
        reading->zone_minutes = zone_of(word);
    }
}

bool date_parse(struct bytes value, struct date *out_date)
{
    struct bytes words[DATE_WORDS_MAX];
    struct date_reading reading = { 0 };
    uint8_t room[DATE_BYTES_MAX];
    size_t count = split_words(flatten(value, room), words);

    for (size_t i = 0; i < count; i++)
        read_word(&reading, words[i]);
    if (!reading.has_day || reading.month == 0 || reading.year_digits < 2)
        return false;
    int32_t year = full_year(reading.year, reading.year_digits);
    if (year < 1 || reading.day < 1 || (int32_t)reading.day > days_in_month(year, reading.month))
        return false;
    int64_t local =
        date_days(year, reading.month, (int32_t)reading.day) * DAY_SECONDS + reading.second_of_day;
    *out_date = (struct date){ local - (int64_t)reading.zone_minutes * 60, reading.zone_minutes };
    return true;
}

void date_print(struct buf *out, struct date date)
{
    struct date_civil civil = date_to_civil(date);
    int32_t zone = date.zone_minutes < 0 ? -date.zone_minutes : date.zone_minutes;

    buf_add_format(out, "%s, %02d %s %04d %02d:%02d:%02d %c%02d%02d", day_names[civil.weekday],
                   civil.day, month_names[civil.month - 1], civil.year, civil.hour, civil.minute,
                   civil.second, date.zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
}
