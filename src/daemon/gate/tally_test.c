/* The limit for one address: at it, past it, and after a connection has gone. */
#include "daemon/gate/tally.h"

#include "kit/assert_bytes.h"

static struct address ip(const char *text)
{
    struct address address;

    assert_true(address_parse_ip(bytes_from_string(text), &address));
    return address;
}

static void test_limit_for_each_address(void **state)
{
    struct tally tally = tally_make(2, 42);
    struct address one = ip("192.0.2.1");
    struct address other = ip("192.0.2.2");

    (void)state;
    assert_true(tally_add(&tally, &one));
    assert_true(tally_add(&tally, &one));
    assert_false(tally_add(&tally, &one));
    assert_true(tally_add(&tally, &other));
    tally_remove(&tally, &one);
    assert_true(tally_add(&tally, &one));
    assert_false(tally_add(&tally, &one));
    tally_remove(&tally, &one);
    tally_remove(&tally, &one);
    tally_remove(&tally, &other);
    assert_int_equal(tally.by_address.count, 0);
    tally_done(&tally);
}

static void test_ipv6_is_counted_by_site(void **state)
{
    struct tally tally = tally_make(1, 42);
    struct address one = ip("2001:db8:0:1::1");
    struct address neighbour = ip("2001:db8:0:1:ffff::2");
    struct address other = ip("2001:db8:0:2::1");

    (void)state;
    assert_true(tally_add(&tally, &one));
    assert_false(tally_add(&tally, &neighbour));
    assert_true(tally_add(&tally, &other));
    tally_remove(&tally, &one);
    assert_true(tally_add(&tally, &neighbour));
    tally_done(&tally);
}

static void test_local_peers_are_not_limited(void **state)
{
    struct tally tally = tally_make(1, 42);
    struct address local[] = { ip("127.0.0.1"), ip("::1"), { .kind = ADDRESS_UNIX } };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(local); i++) {
        assert_true(tally_add(&tally, &local[i]));
        assert_true(tally_add(&tally, &local[i]));
        tally_remove(&tally, &local[i]);
    }
    tally_done(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_for_each_address),
        cmocka_unit_test(test_ipv6_is_counted_by_site),
        cmocka_unit_test(test_local_peers_are_not_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
