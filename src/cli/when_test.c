/* Times as people type them. */
#include "cli/when.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/assert_bytes.h"

enum { NOW = 1795000000 }; /* 2026-11-18 11:06:40 UTC */

static const struct {
    const char *text;
    int64_t seconds; /* -1: refused */
} cases[] = {
    { "90s", NOW - 90 },
    { "30m", NOW - 1800 },
    { "2h", NOW - 7200 },
    { "3d", NOW - 3 * 86400 },
    { "1w", NOW - 7 * 86400 },
    { "0s", NOW },
    { "99999w", 0 },
    { "2026-11-18", 1794956400 }, /* midnight in the zone of this test, an hour east */
    { "2026-11-18 11:06", 1794996360 },
    { "2026-11-18T11:06:40", 1794996400 },
    { "2026-11-18T11:06:40Z", NOW },
    { "2026-11-18 11:06:40z", NOW },
    { "2026-11-18T13:36:40+02:30", NOW },
    { "2026-11-18T10:06:40-01:00", NOW },
    { "2026-11-18T10:06:40-0100", NOW },
    { "11:06", 1794996360 },
    { "12:06:40", NOW },
    { "12:07", -1 }, /* to come */
    { "24:00", -1 },
    { "11:06Z", -1 },
    { "11:", -1 },
    { "1970-01-01T00:00:00+01:00", 0 },
    { "2026-11-18T11:06:41Z", -1 }, /* to come */
    { "2027-01-01", -1 },
    { "", -1 },
    { "yesterday", -1 },
    { "2", -1 },
    { "2x", -1 },
    { "2hh", -1 },
    { "9999999999999999999s", -1 },
    { "2026-13-01", -1 },
    { "2026-00-01", -1 },
    { "2026-02-30", -1 },
    { "2026-11-1", -1 },
    { "2026-11-18 24:00", -1 },
    { "2026-11-18 10:60", -1 },
    { "2026-11-18 10:00:60", -1 },
    { "2026-11-18 10", -1 },
    { "2026-11-18Z", -1 },
    { "2026-11-18 10:00 ", -1 },
    { "2026-11-18 10:00+2", -1 },
    { "2026-11-18 10:00+25:00", -1 },
    { "1969-12-31", -1 },
};

static void test_parse(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct note why = { "" };
        int64_t seconds = -1;
        enum err err = when_parse(cases[i].text, NOW, &seconds, &why);

        if (seconds != cases[i].seconds || (err == ERR_OK) != (seconds >= 0))
            fail_msg("%s: %lld", cases[i].text, (long long)seconds);
        if (err != ERR_OK)
            assert_non_null(strstr(why.text, cases[i].text));
    }
}

static void test_print(void **state)
{
    char text[WHEN_BYTES_MAX];
    int64_t seconds;

    when_print(NOW, text);
    assert_string_equal(text, "2026-11-18 12:06:40+0100");
    assert_int_equal(when_parse(text, NOW, &seconds, NULL), ERR_OK);
    assert_int_equal(seconds, NOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_print),
    };

    (void)setenv("TZ", "XST-1", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
