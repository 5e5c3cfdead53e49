/* Networks: what is one, and who is in it. */
#include "daemon/gate/networks.h"

#include "kit/assert_bytes.h"

static void test_text(void **state)
{
    static const struct {
        struct bytes text;
        bool good;
    } cases[] = {
        { BYTES("192.0.2.7"), true },
        { BYTES("192.0.2.0/24"), true },
        { BYTES("0.0.0.0/0"), true },
        { BYTES("2001:db8::/32"), true },
        { BYTES("::1"), true },
        { BYTES("unix"), true },
        { BYTES("192.0.2.7/24"), false },
        { BYTES("192.0.2.0/33"), false },
        { BYTES("::/129"), false },
        { BYTES("192.0.2.0/"), false },
        { BYTES("192.0.2.0/x"), false },
        { BYTES("example.org"), false },
        { BYTES(""), false },
        { BYTES("/8"), false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct networks networks = { .count = 0 };

        assert_int_equal(networks_add(&networks, cases[i].text), cases[i].good);
        assert_int_equal(networks.count, cases[i].good ? 1 : 0);
    }
}

static void test_membership(void **state)
{
    static const struct {
        struct bytes network;
        struct bytes address;
        bool in;
    } cases[] = {
        { BYTES("192.0.2.0/25"), BYTES("192.0.2.127"), true },
        { BYTES("192.0.2.0/25"), BYTES("192.0.2.128"), false },
        { BYTES("192.0.2.7"), BYTES("192.0.2.7"), true },
        { BYTES("192.0.2.7"), BYTES("192.0.2.6"), false },
        { BYTES("0.0.0.0/0"), BYTES("203.0.113.9"), true },
        { BYTES("0.0.0.0/0"), BYTES("2001:db8::1"), false },
        { BYTES("2001:db8::/33"), BYTES("2001:db8:7fff::1"), true },
        { BYTES("2001:db8::/33"), BYTES("2001:db8:8000::1"), false },
    };
    struct address unix_peer = { .kind = ADDRESS_UNIX };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct networks networks = { .count = 0 };
        struct address address;

        assert_true(networks_add(&networks, cases[i].network));
        assert_true(address_parse_ip(cases[i].address, &address));
        assert_int_equal(networks_contain(&networks, &address), cases[i].in);
        assert_false(networks_contain(&networks, &unix_peer));
        assert_true(networks_add(&networks, BYTES("unix")));
        assert_true(networks_contain(&networks, &unix_peer));
    }
}

static void test_the_list_has_an_end(void **state)
{
    struct networks networks = { .count = 0 };

    (void)state;
    for (int i = 0; i < NETWORKS_MAX; i++)
        assert_true(networks_add(&networks, BYTES("::1")));
    assert_false(networks_add(&networks, BYTES("::1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_membership),
        cmocka_unit_test(test_the_list_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
