/* Dates against known days and against libc. */
#include "imap/wire/date.h"

#include <stdlib.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

static const struct {
    const char *text;
    int64_t days; /* BAD: refused */
} dates[] = {
#define BAD INT64_MIN
    { "1-Jan-1970", 0 },
    { "01-jan-1970", 0 },
    { "\"1-JAN-1970\"", 0 },
    { "31-Dec-1969", -1 },
    { "29-Feb-2000", 11016 },
    { "1-Mar-2000", 11017 },
    { "29-Feb-2024", 19782 },
    { "1-Jan-0000", -719528 },
    { "31-Dec-9999", 2932896 },
    { "29-Feb-1900", BAD },
    { "29-Feb-2023", BAD },
    { "0-Jan-1970", BAD },
    { "32-Jan-1970", BAD },
    { "31-Apr-1970", BAD },
    { "1-Foo-1970", BAD },
    { "1-Jan-70", BAD },
    { "1 Jan 1970", BAD },
    { "\"1-Jan-1970", BAD },
    { "", BAD },
};

static void test_dates(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(dates); i++) {
        struct imap_date date;
        struct parse parse;
        bool good;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(dates[i].text));
        good = imap_date_parse(&parse.cur, &date);
        if (good != (dates[i].days != BAD))
            fail_msg("%s", dates[i].text);
        assert_true(!good || imap_date_days(date) == dates[i].days);
        parse_done(&parse);
    }
}

static const struct {
    const char *text;
    int64_t seconds;
    const char *printed;
} date_times[] = {
    { "\"17-Jul-1996 02:44:25 -0700\"", 837596665, "\"17-Jul-1996 02:44:25 -0700\"" },
    { "\" 1-Jan-1970 00:00:00 +0000\"", 0, "\" 1-Jan-1970 00:00:00 +0000\"" },
    { "\"1-Jan-1970 00:00:00 +0000\"", 0, "\" 1-Jan-1970 00:00:00 +0000\"" },
    { "\"01-Jan-1970 00:30:00 +0530\"", -18000, "\" 1-Jan-1970 00:30:00 +0530\"" },
    { "\"31-Dec-1969 23:59:59 +0000\"", -1, "\"31-Dec-1969 23:59:59 +0000\"" },
    { "\"30-Jun-2015 23:59:60 +0000\"", 1435708800, "\" 1-Jul-2015 00:00:00 +0000\"" },
    { "17-Jul-1996 02:44:25 -0700", BAD, NULL },
    { "\"17-Jul-1996 24:00:00 -0700\"", BAD, NULL },
    { "\"17-Jul-1996 02:60:00 -0700\"", BAD, NULL },
    { "\"17-Jul-1996 02:00:61 -0700\"", BAD, NULL },
    { "\"17-Jul-1996 02:00:00 0700\"", BAD, NULL },
    { "\"17-Jul-1996 02:00:00 +2400\"", BAD, NULL },
    { "\"17-Jul-1996 02:00:00 +0060\"", BAD, NULL },
    { "\"17-Jul-1996 02:00:00\"", BAD, NULL },
    { "\"17-Jul-1996 2:00:00 +0000\"", BAD, NULL },
    { "\"17-Jul-1996  02:00:00 +0000\"", BAD, NULL },
};

static void test_date_times(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(date_times); i++) {
        struct buf out = buf_make(100);
        struct imap_date_time value;
        struct parse parse;
        bool good;

        parse_init(&parse, imap_grammar_make(), bytes_from_string(date_times[i].text));
        good = imap_date_time_parse(&parse.cur, &value);
        if (good != (date_times[i].seconds != BAD))
            fail_msg("%s", date_times[i].text);
        if (good) {
            struct wall wall = imap_date_time_to_wall(&value);

            assert_true(wall.us == date_times[i].seconds * 1000000);
            value = imap_date_time_from_wall(wall, value.zone_minutes);
            imap_date_time_print(&out, &value);
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(date_times[i].printed));
        }
        buf_done(&out);
        parse_done(&parse);
    }
}

static void test_every_day_against_libc(void **state MAYBE_UNUSED)
{
    for (int64_t days = -719528; days <= 2932896; days += 7) {
        time_t seconds = days * 86400;
        struct imap_date date = imap_date_from_days(days);
        struct tm tm;

        assert_non_null(gmtime_r(&seconds, &tm));
        assert_int_equal(date.year, tm.tm_year + 1900);
        assert_int_equal(date.month, tm.tm_mon + 1);
        assert_int_equal(date.day, tm.tm_mday);
        assert_true(imap_date_days(date) == days);
    }
}

static void test_years_are_held(void **state MAYBE_UNUSED)
{
    assert_int_equal(imap_date_from_days(2932897).year, 9999);
    assert_int_equal(imap_date_from_days(-719529).year, 0);
    assert_int_equal(imap_date_from_days(-719529).day, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_date_times),
        cmocka_unit_test(test_every_day_against_libc),
        cmocka_unit_test(test_years_are_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
