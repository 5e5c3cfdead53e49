/* Dates of RFC 5322 s3.3 and their obsolete forms (s4.3), read and printed. No clock, no time zone
 * database: seconds and the zone that was written. */
#ifndef ROOST_MESSAGE_DATE_H
#define ROOST_MESSAGE_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buf.h"
#include "base/bytes.h"

struct date {
    int64_t seconds; /* since 1970-01-01 00:00:00 UTC */
    int32_t zone_minutes; /* east of UTC, -1439 to 1439 */
};

/* A day of the Gregorian calendar with its time, no zone. */
struct date_civil {
    int32_t year; /* 1 to 9999 */
    int32_t month; /* 1 to 12 */
    int32_t day; /* 1 to 31 */
    int32_t hour;
    int32_t minute;
    int32_t second;
    int32_t weekday; /* 0 is Sunday */
};

/* A Date field's value: weekday, seconds and zone may be missing, comments and odd white space do
 * not matter, years may have two or three digits, asctime's order is understood, an unknown zone is
 * UTC. A time that makes no sense is 00:00:00 (RFC 5256 s2.2). False, output untouched, when no
 * valid day can be read. */
MUST_USE bool date_parse(struct bytes value, struct date *out_date);

/* "Mon, 02 Jan 2006 15:04:05 -0700", for Received and Date. The year is 1 to 9999. */
void date_print(struct buf *out, struct date date);

/* Local date and time in the date's own zone: what SENTON compares. */
struct date_civil date_to_civil(struct date date);

/* Days since 1970-01-01; the date need not exist in the calendar of that year. */
int64_t date_days(int32_t year, int32_t month, int32_t day);

#endif
