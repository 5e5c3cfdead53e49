/* date, date-time (RFC 9051 s9) and what they mean as points in time. */
#ifndef ROOST_IMAP_WIRE_DATE_H
#define ROOST_IMAP_WIRE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/time.h"

struct imap_date {
    uint16_t year; /* 0 to 9999 */
    uint8_t month; /* 1 to 12 */
    uint8_t day; /* 1 to what the month has */
};

struct imap_date_time {
    struct imap_date date; /* local to the zone, as hour and minute */
    uint8_t hour;
    uint8_t minute;
    uint8_t second; /* 60 in a leap second */
    int16_t zone_minutes; /* east of Greenwich */
};

/* date-text, bare or quoted: 1-Feb-1994. False for days the calendar does not have. */
MUST_USE bool imap_date_parse(struct cursor *cur, struct imap_date *out_date);

/* date-time with its quotes: "17-Jul-1996 02:44:25 -0700"; also with one digit or a blank for the
 * first of the day. */
MUST_USE bool imap_date_time_parse(struct cursor *cur, struct imap_date_time *out_date_time);

/* Days since 1970-01-01 in the proleptic Gregorian calendar; may be negative. */
int64_t imap_date_days(struct imap_date date);

struct imap_date imap_date_from_days(int64_t days);

struct wall imap_date_time_to_wall(const struct imap_date_time *date_time);

/* As seen in the zone. Years are held to 0 .. 9999. */
struct imap_date_time imap_date_time_from_wall(struct wall wall, int16_t zone_minutes);

/* With quotes, day in two places (date-day-fixed): " 1-Feb-1994 00:00:00 +0000". */
void imap_date_time_print(struct buf *out, const struct imap_date_time *date_time);

#endif
