/* RFC 5322 dates, and what RFC 5256 s2.2 makes of those that are wrong. */
#include "message/date.h"

#include "kit/assert_bytes.h"

static void test_parse(void **state)
{
    static const struct {
        struct bytes value;
        int64_t seconds;
        int32_t zone_minutes;
    } cases[] = {
        { BYTES("Thu, 01 Jan 1970 00:00:00 +0000"), 0, 0 },
        { BYTES("Fri, 21 Nov 1997 09:55:06 -0600"), 880127706, -360 },
        { BYTES("21 Nov 97 09:55:06 GMT"), 880106106, 0 },
        { BYTES("21 Nov 1997 09:55:06 +0530"), 880086306, 330 },
        { BYTES("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600"), 880127706, -360 },
        { BYTES("21 Nov 1997 09 : 55:\r\n 06 +0000 (UTC)"), 880106106, 0 },
        { BYTES("21 Nov 1997 09:55: +0530"), 880086300, 330 },
        { BYTES("Thu,\r\n 13\r\n Feb 1969 23:32 -0330 (Newfoundland Time)"), -27723480, -210 },
        { BYTES("Wed, 31 Dec 1969 23:59:60 +0000"), -1, 0 },
        { BYTES("29 Feb 2000 12:00:00 EST"), 951843600, -300 },
        { BYTES("1 jan 49 00:00:00 UT"), 2493072000, 0 },
        { BYTES("1 Jan 50 00:00:00 Z"), -631152000, 0 },
        { BYTES("1 Jan 100 00:00:00 A"), 946684800, 0 },
        /* zones by name, in whatever case; the military ones and those nobody knows are 0 */
        { BYTES("29 Feb 2000 12:00:00 edt"), 951840000, -240 },
        { BYTES("29 Feb 2000 12:00:00 CST"), 951847200, -360 },
        { BYTES("29 Feb 2000 12:00:00 CDT"), 951843600, -300 },
        { BYTES("29 Feb 2000 12:00:00 MST"), 951850800, -420 },
        { BYTES("29 Feb 2000 12:00:00 MDT"), 951847200, -360 },
        { BYTES("29 Feb 2000 12:00:00 PST"), 951854400, -480 },
        { BYTES("29 Feb 2000 12:00:00 PDT"), 951850800, -420 },
        { BYTES("29 Feb 2000 12:00:00 M"), 951825600, 0 },
        { BYTES("29 Feb 2000 12:00:00 CEST"), 951825600, 0 },
        { BYTES("29 Feb 2000 12:00:00 -0000"), 951825600, 0 },
        { BYTES("29 Feb 00 12:00:00 +1400"), 951775200, 840 },
        { BYTES("Tue, 29 Feb 100 12:00 GMT"), 951825600, 0 },
        { BYTES("Mon Jan  2 15:04:05 2006"), 1136214245, 0 },
        { BYTES("2-Jan-2006 15:04:05 -0700"), 1136239445, -420 },
        { BYTES("2 January 2006 15:04:05 GMT+0100"), 1136210645, 60 },
        { BYTES("2 Jan 2006"), 1136160000, 0 },
        { BYTES("2 Jan 2006 25:00:00 +0000"), 1136160000, 0 },
        { BYTES("2 Jan 2006 00:00:00 +9999"), 1136160000, 0 },
        { BYTES("31 Dec 9999 23:59:59 +0000"), 253402300799, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct date date = { 7, 7 };
        assert_true(date_parse(cases[i].value, &date));
        assert_int_equal(date.seconds, cases[i].seconds);
        assert_int_equal(date.zone_minutes, cases[i].zone_minutes);
    }
}

static void test_refusals(void **state)
{
    static const struct bytes values[] = {
        BYTES(""),           BYTES("yesterday"),   BYTES("30 Feb 2000 00:00:00 +0000"),
        BYTES("0 Jan 2000"), BYTES("29 Feb 2001"), BYTES("32 Jan 2000 00:00:00 +0000"),
        BYTES("1 Foo 2000"), BYTES("1 Jan"),       BYTES("Jan 2000"),
        BYTES("1 Jan 5"),    BYTES("1 Jan 99999"), BYTES("((((("),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        struct date date = { 7, 7 };
        assert_false(date_parse(values[i], &date));
        assert_int_equal(date.seconds, 7);
    }
}

static void test_print(void **state)
{
    struct buf out = buf_make(100);

    (void)state;
    date_print(&out, (struct date){ 1136239445, -420 });
    ASSERT_BYTES(buf_bytes(&out), BYTES("Mon, 02 Jan 2006 15:04:05 -0700"));
    buf_clear(&out);
    date_print(&out, (struct date){ -1, 330 });
    ASSERT_BYTES(buf_bytes(&out), BYTES("Thu, 01 Jan 1970 05:29:59 +0530"));
    buf_done(&out);
}

/* Every day of 800 years, there and back. */
static void test_round_trip(void **state)
{
    struct buf out = buf_make(100);
    int64_t first = date_days(1700, 1, 1);

    (void)state;
    for (int64_t day = first; day < date_days(2500, 1, 1); day += 7) {
        struct date date = { day * 86400 + 86399, (int32_t)(day % 1440) }, again;
        buf_clear(&out);
        date_print(&out, date);
        assert_true(date_parse(buf_bytes(&out), &again));
        assert_int_equal(again.seconds, date.seconds);
        assert_int_equal(again.zone_minutes, date.zone_minutes);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
