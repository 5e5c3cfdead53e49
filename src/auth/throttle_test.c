/* Delays after failures: how they grow, for whom, and how they are forgiven. */
#include "auth/throttle.h"

#include <stdio.h>

#include "kit/assert_bytes.h"

static const struct bytes address = { (const uint8_t *)"192.0.2.1:4711", 14 };
static const struct bytes none = { NULL, 0 };

static struct mono at(int64_t ms)
{
    return (struct mono){ 5000000 + ms };
}

static struct throttle *made(size_t entries_max)
{
    return throttle_new(&(struct throttle_options){
        .secret = 1, .entries_max = entries_max, .first_ms = 500, .max_ms = 15000 });
}

static int64_t admitted(struct throttle *throttle, struct bytes from, int64_t ms)
{
    int64_t wait = -2;

    return throttle_admit(throttle, from, at(ms), &wait) ? wait : -1;
}

static void test_growth(void **state)
{
    static const int64_t want[] = { 500, 1000, 2000, 4000, 8000, 15000, 15000 };
    struct throttle *throttle = made(100);
    int64_t ms = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(want); i++) {
        assert_int_equal(admitted(throttle, address, ms), 0);
        assert_int_equal(throttle_failed(throttle, address, none, i + 1, at(ms)), want[i]);
        ms += want[i];
    }
    throttle_free(throttle);
}

/* Many connections at once get one turn in each delay, then none. */
static void test_parallel(void **state)
{
    struct throttle *throttle = made(100);

    (void)state;
    for (uint64_t i = 1; i <= 6; i++)
        (void)throttle_failed(throttle, address, none, i, at(0));
    assert_int_equal(admitted(throttle, address, 0), 15000);
    assert_int_equal(admitted(throttle, address, 0), 30000);
    assert_int_equal(admitted(throttle, address, 0), -1);
    assert_int_equal(admitted(throttle, address, 15000), 30000);
    assert_int_equal(admitted(throttle, BYTES("192.0.2.2:1"), 0), 0);
    throttle_free(throttle);
}

static void test_forgiven(void **state)
{
    struct throttle *throttle = made(100);

    (void)state;
    for (uint64_t i = 1; i <= 3; i++)
        (void)throttle_failed(throttle, address, none, i, at(0));
    assert_int_equal(throttle_failed(throttle, address, none, 4, at(2 * THROTTLE_FORGIVE_MS)),
                     1000);
    assert_int_equal(admitted(throttle, address, 4 * THROTTLE_FORGIVE_MS), 0);
    assert_int_equal(throttle_failed(throttle, address, none, 5, at(4 * THROTTLE_FORGIVE_MS)), 500);
    throttle_free(throttle);
}

static void test_success_clears(void **state)
{
    struct throttle *throttle = made(100);

    (void)state;
    for (uint64_t i = 1; i <= 5; i++)
        (void)throttle_failed(throttle, address, none, i, at(0));
    assert_int_equal(throttle_succeeded(throttle, address, BYTES("anna"), at(1)), 0);
    assert_int_equal(admitted(throttle, address, 2), 0);
    throttle_free(throttle);
}

static void test_repetition(void **state)
{
    struct throttle *throttle = made(100);

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(throttle_failed(throttle, address, BYTES("anna"), 77, at(0)), 500);
        assert_int_equal(throttle_failed(throttle, BYTES("192.0.2.3:1"), none, 0, at(0)),
                         i < 5 ? 500 << i : 15000);
    }
    throttle_free(throttle);
}

static void test_account(void **state)
{
    static const struct {
        int64_t failure;
        int64_t success;
    } want[] = { { 500, 0 }, { 1000, 0 }, { 2000, 0 }, { 2000, 2000 }, { 2000, 2000 } };
    struct throttle *throttle = made(100);
    char from[32];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(want); i++) {
        struct bytes text;

        (void)snprintf(from, sizeof(from), "127.0.0.1:%zu", i);
        text = bytes_from_string(from);
        assert_int_equal(throttle_failed(throttle, text, BYTES("anna"), i + 1, at(0)),
                         want[i].failure);
        assert_int_equal(throttle_succeeded(throttle, BYTES("unix"), BYTES("anna"), at(0)),
                         want[i].success);
        assert_int_equal(admitted(throttle, text, 0), 0);
    }
    assert_int_equal(throttle_succeeded(throttle, BYTES("unix"), BYTES("bert"), at(0)), 0);
    assert_int_equal(
        throttle_succeeded(throttle, BYTES("unix"), BYTES("anna"), at(2 * THROTTLE_FORGIVE_MS)), 0);
    throttle_free(throttle);
}

static void test_off(void **state)
{
    struct throttle *throttle =
        throttle_new(&(struct throttle_options){ .secret = 1, .entries_max = 10, .max_ms = 15000 });

    (void)state;
    for (uint64_t i = 1; i <= 9; i++)
        assert_int_equal(throttle_failed(throttle, address, BYTES("anna"), i, at(0)), 0);
    assert_int_equal(admitted(throttle, address, 0), 0);
    throttle_free(throttle);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *failed;
        const char *asks;
        bool waits;
    } cases[] = {
        { "192.0.2.1:1", "192.0.2.1:2", true },
        { "192.0.2.1:1", "192.0.2.1", true },
        { "192.0.2.1:1", "192.0.3.1:1", false },
        { "[2001:db8:1:2::3]:1", "[2001:db8:1:2:ffff::9]:2", true },
        { "[2001:db8:1:2::3]:1", "2001:db8:1:2::4", true },
        { "[2001:db8:1:2::3]:1", "[2001:db8:1:3::3]:1", false },
        { "[::ffff:192.0.2.1]:1", "192.0.2.1:9", true },
        { "127.0.0.1:1", "127.0.0.1:1", false },
        { "[::1]:1", "[::1]:1", false },
        { "[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", false },
        { "unix", "unix", false },
        { "", "", false },
        { "[", "[", false },
        { "[]:1", "[]:1", false },
        { "bogus:1", "bogus:1", false },
        { "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20:1",
          "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20:1", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct throttle *throttle = made(100);

        (void)throttle_failed(throttle, bytes_from_string(cases[i].failed), none, 1, at(0));
        assert_int_equal(admitted(throttle, bytes_from_string(cases[i].asks), 0) > 0,
                         cases[i].waits);
        throttle_free(throttle);
    }
}

static void test_limit(void **state)
{
    struct throttle *throttle = made(3);
    char from[32];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(from, sizeof(from), "192.0.2.%zu:1", i);
        (void)throttle_failed(throttle, bytes_from_string(from), bytes_from_string(from), 0, at(0));
    }
    assert_int_equal(admitted(throttle, BYTES("192.0.2.0:1"), 0), 0);
    assert_int_equal(admitted(throttle, BYTES("192.0.2.1:1"), 0), 500);
    assert_int_equal(admitted(throttle, BYTES("192.0.2.3:1"), 0), 500);
    throttle_free(throttle);
    throttle_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth),     cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_forgiven),   cmocka_unit_test(test_success_clears),
        cmocka_unit_test(test_repetition), cmocka_unit_test(test_account),
        cmocka_unit_test(test_addresses),  cmocka_unit_test(test_limit),
        cmocka_unit_test(test_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
