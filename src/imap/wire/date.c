/* date and date-time (RFC 9051 s9), and the proleptic Gregorian calendar. */
#include "imap/wire/date.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"

enum {
    DAYS_IN_ERA = 146097, /* of 400 years */
    DAYS_TO_1970 = 719468, /* since 0000-03-01 */
    SECONDS_IN_DAY = 86400,
};

static const struct bytes months[] = {
    BYTES("Jan"), BYTES("Feb"), BYTES("Mar"), BYTES("Apr"), BYTES("May"), BYTES("Jun"),
    BYTES("Jul"), BYTES("Aug"), BYTES("Sep"), BYTES("Oct"), BYTES("Nov"), BYTES("Dec"),
};

static bool is_leap_year(uint32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint8_t days_in_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

/* `min` to `max` digits. */
static bool digits_parse(struct cursor *cur, size_t min, size_t max, uint32_t *out_value)
{
    size_t count = 0;
    uint32_t value = 0;

    for (; count < max && ascii_is_digit(cursor_peek(cur)); count++) {
        value = value * 10 + ascii_digit_value(cursor_peek(cur));
        cur->offset++;
    }
    if (count < min)
        return cursor_fail(cur, "a digit");
    *out_value = value;
    return true;
}

static bool month_parse(struct cursor *cur, uint32_t *out_month)
{
    for (uint32_t i = 0; i < ARRAY_COUNT(months); i++)
        if (cursor_skip_word(cur, months[i])) {
            *out_month = i + 1;
            return true;
        }
    return cursor_fail(cur, "a month, Jan to Dec");
}

static bool date_text_parse(struct cursor *cur, struct imap_date *out_date)
{
    size_t start = cur->offset;
    uint32_t day = 0;
    uint32_t month = 0;
    uint32_t year = 0;

    if (!digits_parse(cur, 1, 2, &day) || !cursor_take(cur, '-', "\"-\"") ||
        !month_parse(cur, &month) || !cursor_take(cur, '-', "\"-\"") ||
        !digits_parse(cur, 4, 4, &year))
        return false;
    if (day < 1 || day > days_in_month(year, month))
        return cursor_fail_at(cur, start, "a day that the month has");
    *out_date = (struct imap_date){ (uint16_t)year, (uint8_t)month, (uint8_t)day };
    return true;
}

bool imap_date_parse(struct cursor *cur, struct imap_date *out_date)
{
    bool quoted = cursor_skip(cur, '"');
    struct imap_date date = { .day = 0 };

    if (!date_text_parse(cur, &date) || (quoted && !cursor_take(cur, '"', "'\"'")))
        return false;
    *out_date = date;
    return true;
}

static bool time_parse(struct cursor *cur, struct imap_date_time *date_time)
{
    size_t start = cur->offset;
    uint32_t hour = 0;
    uint32_t minute = 0;
    uint32_t second = 0;

    if (!digits_parse(cur, 2, 2, &hour) || !cursor_take(cur, ':', "\":\"") ||
        !digits_parse(cur, 2, 2, &minute) || !cursor_take(cur, ':', "\":\"") ||
        !digits_parse(cur, 2, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return cursor_fail_at(cur, start, "a time of the day");
    date_time->hour = (uint8_t)hour;
    date_time->minute = (uint8_t)minute;
    date_time->second = (uint8_t)second;
    return true;
}

static bool zone_parse(struct cursor *cur, int16_t *out_minutes)
{
    bool west = cursor_skip(cur, '-');
    uint32_t hours = 0;
    uint32_t minutes = 0;

    if (!west && !cursor_take(cur, '+', "\"+\" or \"-\""))
        return false;
    if (!digits_parse(cur, 2, 2, &hours) || !digits_parse(cur, 2, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return cursor_fail(cur, "a time zone below 24 hours");
    minutes += hours * 60;
    *out_minutes = (int16_t)(west ? -(int32_t)minutes : (int32_t)minutes);
    return true;
}

bool imap_date_time_parse(struct cursor *cur, struct imap_date_time *out_date_time)
{
    struct imap_date_time date_time = { .second = 0 };

    if (!cursor_take(cur, '"', "'\"'"))
        return false;
    if (cursor_peek(cur) == ' ')
        cur->offset++;
    if (!date_text_parse(cur, &date_time.date) || !cursor_take(cur, ' ', "a blank") ||
        !time_parse(cur, &date_time) || !cursor_take(cur, ' ', "a blank") ||
        !zone_parse(cur, &date_time.zone_minutes) || !cursor_take(cur, '"', "'\"'"))
        return false;
    *out_date_time = date_time;
    return true;
}

/* Years begin in March here: the leap day is the last one. */
int64_t imap_date_days(struct imap_date date)
{
    int64_t year = (int64_t)date.year - (date.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * DAYS_IN_ERA + day_of_era - DAYS_TO_1970;
}

struct imap_date imap_date_from_days(int64_t days)
{
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_IN_ERA - 1)) / DAYS_IN_ERA;
    int64_t day_of_era = shifted - era * DAYS_IN_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    int64_t year = year_of_era + era * 400 + (month >= 10);

    if (year < 0)
        return (struct imap_date){ 0, 1, 1 };
    if (year > 9999)
        return (struct imap_date){ 9999, 12, 31 };
    return (struct imap_date){
        .year = (uint16_t)year,
        .month = (uint8_t)(month < 10 ? month + 3 : month - 9),
        .day = (uint8_t)(day_of_year - (153 * month + 2) / 5 + 1),
    };
}

struct wall imap_date_time_to_wall(const struct imap_date_time *date_time)
{
    int64_t seconds = imap_date_days(date_time->date) * SECONDS_IN_DAY + date_time->hour * 3600 +
                      date_time->minute * 60 + date_time->second - date_time->zone_minutes * 60;

    return (struct wall){ .us = seconds * 1000000 };
}

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

struct imap_date_time imap_date_time_from_wall(struct wall wall, int16_t zone_minutes)
{
    int64_t seconds = floor_divide(wall.us, 1000000) + zone_minutes * 60;
    int64_t days = floor_divide(seconds, SECONDS_IN_DAY);
    int64_t rest = seconds - days * SECONDS_IN_DAY;

    return (struct imap_date_time){
        .date = imap_date_from_days(days),
        .hour = (uint8_t)(rest / 3600),
        .minute = (uint8_t)(rest / 60 % 60),
        .second = (uint8_t)(rest % 60),
        .zone_minutes = zone_minutes,
    };
}

/* Written out: as a format of printf it was dearer than all else of a FETCH response. */
void imap_date_time_print(struct buf *out, const struct imap_date_time *date_time)
{
    struct imap_date date = date_time->date;
    uint8_t text[] = "\"dd-Mon-yyyy hh:mm:ss +hhmm\"";
    bool west = date_time->zone_minutes < 0;
    unsigned zone = (unsigned)(west ? -date_time->zone_minutes : date_time->zone_minutes);

    num_print_pair(date.day, text + 1);
    if (date.day < 10)
        text[1] = ' ';
    memcpy(text + 4, months[date.month - 1].at, 3);
    num_print_pair(date.year / 100u, text + 8);
    num_print_pair(date.year % 100u, text + 10);
    num_print_pair(date_time->hour, text + 13);
    num_print_pair(date_time->minute, text + 16);
    num_print_pair(date_time->second, text + 19);
    text[22] = west ? '-' : '+';
    num_print_pair(zone / 60, text + 23);
    num_print_pair(zone % 60, text + 25);
    buf_add(out, bytes_make(text, sizeof(text) - 1));
}
