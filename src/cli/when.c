/* Time, read and written for people. */
#include "cli/when.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/ascii.h"
#include "base/bytes.h"
#include "base/cursor.h"

/* Exactly `digits` digits. */
static bool take_number(struct cursor *cur, unsigned digits, int *out_number)
{
    int number = 0;

    for (unsigned i = 0; i < digits; i++, cur->offset++) {
        if (!ascii_is_digit(cursor_peek(cur)))
            return false;
        number = number * 10 + (cursor_peek(cur) - '0');
    }
    *out_number = number;
    return true;
}

static bool take(struct cursor *cur, int byte)
{
    if (cursor_peek(cur) != byte)
        return false;
    cur->offset++;
    return true;
}

static bool take_date(struct cursor *cur, struct tm *tm)
{
    if (!take_number(cur, 4, &tm->tm_year) || !take(cur, '-') ||
        !take_number(cur, 2, &tm->tm_mon) || !take(cur, '-') || !take_number(cur, 2, &tm->tm_mday))
        return false;
    if (tm->tm_year < 1970 || tm->tm_mon < 1 || tm->tm_mon > 12 || tm->tm_mday < 1 ||
        tm->tm_mday > 31)
        return false;
    tm->tm_year -= 1900;
    tm->tm_mon--;
    return true;
}

static bool take_time(struct cursor *cur, struct tm *tm)
{
    if (!take_number(cur, 2, &tm->tm_hour) || !take(cur, ':') || !take_number(cur, 2, &tm->tm_min))
        return false;
    if (take(cur, ':') && !take_number(cur, 2, &tm->tm_sec))
        return false;
    return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

/* "Z", "+02:00" or "+0200"; false when what is there is neither. */
static bool take_zone(struct cursor *cur, int *out_minutes)
{
    int sign = cursor_peek(cur) == '-' ? -1 : 1;
    int hours;
    int minutes;

    if (take(cur, 'Z') || take(cur, 'z')) {
        *out_minutes = 0;
        return true;
    }
    if (!take(cur, '+') && !take(cur, '-'))
        return false;
    if (!take_number(cur, 2, &hours))
        return false;
    (void)take(cur, ':');
    if (!take_number(cur, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out_minutes = sign * (hours * 60 + minutes);
    return true;
}

/* A day that the month does not have became another one. */
static bool is_a_day(struct tm tm, int day)
{
    return tm.tm_mday == day;
}

/* A time of day alone: of today in the local zone. */
static bool take_today(struct cursor *cur, int64_t now, struct tm *tm)
{
    struct cursor start = *cur;
    time_t seconds = (time_t)now;
    struct tm today;

    if (!take_time(cur, tm) || cursor_peek(cur) != CURSOR_END ||
        localtime_r(&seconds, &today) == NULL) {
        *cur = start;
        return false;
    }
    tm->tm_year = today.tm_year;
    tm->tm_mon = today.tm_mon;
    tm->tm_mday = today.tm_mday;
    return true;
}

static bool take_day_and_time(struct cursor *cur, struct tm *tm)
{
    if (!take_date(cur, tm))
        return false;
    if (cursor_peek(cur) == CURSOR_END)
        return true;
    return (take(cur, ' ') || take(cur, 'T') || take(cur, 't')) && take_time(cur, tm);
}

static bool parse_date(struct cursor cur, int64_t now, int64_t *out_seconds)
{
    struct tm tm = { .tm_isdst = -1 };
    int minutes = 0;
    int day;
    bool has_zone = false;
    time_t seconds;

    if (!take_today(&cur, now, &tm)) {
        tm = (struct tm){ .tm_isdst = -1 };
        if (!take_day_and_time(&cur, &tm))
            return false;
    }
    day = tm.tm_mday;
    if (cursor_peek(&cur) != CURSOR_END) {
        has_zone = true;
        if (!take_zone(&cur, &minutes) || cursor_peek(&cur) != CURSOR_END)
            return false;
    }
    seconds = has_zone ? timegm(&tm) : mktime(&tm);
    if (!is_a_day(tm, day))
        return false;
    *out_seconds = (int64_t)seconds - (int64_t)minutes * 60;
    return true;
}

static bool parse_ago(struct cursor cur, int64_t now, int64_t *out_seconds)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
    int64_t number = 0;

    if (!ascii_is_digit(cursor_peek(&cur)))
        return false;
    for (; ascii_is_digit(cursor_peek(&cur)); cur.offset++) {
        number = number * 10 + (cursor_peek(&cur) - '0');
        if (number > 1000000000)
            return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        struct cursor rest = cur;

        if (!take(&rest, units[i].letter) || cursor_peek(&rest) != CURSOR_END)
            continue;
        *out_seconds = now > number * units[i].seconds ? now - number * units[i].seconds : 0;
        return true;
    }
    return false;
}

enum err when_parse(const char *text, int64_t now, int64_t *out_seconds, struct note *why)
{
    struct cursor cur = { .in = bytes_from_string(text) };
    int64_t seconds;

    if (!parse_ago(cur, now, &seconds) && !parse_date(cur, now, &seconds))
        return note_fail(why, ERR_INVALID,
                         "\"%.60s\" is no time; it would be 2026-11-20, \"2026-11-20 14:30\", "
                         "2026-11-20T14:30:05Z, 14:30 of today, or 2h, 3d, 1w for so long ago",
                         text);
    if (seconds > now)
        return note_fail(why, ERR_INVALID, "%.60s is still to come", text);
    *out_seconds = seconds < 0 ? 0 : seconds;
    return ERR_OK;
}

void when_print(int64_t seconds, char out_text[WHEN_BYTES_MAX])
{
    time_t when = (time_t)seconds;
    struct tm local;

    out_text[0] = '\0';
    if (localtime_r(&when, &local) != NULL)
        (void)strftime(out_text, WHEN_BYTES_MAX, "%Y-%m-%d %H:%M:%S%z", &local);
}
