/* Addresses as values and as text. */
#include "sys/address.h"

#include "kit/assert_bytes.h"
#include "sys/fd.h"

static void test_parse_and_print(void **state)
{
    static const struct {
        const char *text, *printed, *with_port;
        bool loopback;
    } rows[] = {
        { "192.0.2.1", "192.0.2.1", "192.0.2.1:143", false },
        { "127.0.0.1", "127.0.0.1", "127.0.0.1:143", true },
        { "127.255.0.9", "127.255.0.9", "127.255.0.9:143", true },
        { "::1", "::1", "[::1]:143", true },
        { "2001:db8:0:0::1", "2001:db8::1", "[2001:db8::1]:143", false },
        { "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1:143", false },
        { "::ffff:127.0.0.1", "127.0.0.1", "127.0.0.1:143", true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = buf_make(ADDRESS_TEXT_MAX);
        struct address address;

        assert_true(address_parse_ip(bytes_from_string(rows[i].text), &address));
        address.port = 143;
        address_print(&address, false, &out);
        ASSERT_BYTES(buf_bytes(&out), bytes_from_string(rows[i].printed));
        buf_clear(&out);
        address_print(&address, true, &out);
        ASSERT_BYTES(buf_bytes(&out), bytes_from_string(rows[i].with_port));
        assert_int_equal(address_is_loopback(&address), rows[i].loopback);
        buf_done(&out);
    }
}

static void test_refusals(void **state)
{
    static const char *const rows[] = {
        "",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "::1::",
        "[::1]",
        "127.0.0.1:143",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999",
        "0000:0000:0000:0000:0000:0000:0000:0000:0",
    };
    struct address address = { .kind = ADDRESS_NONE };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_false(address_parse_ip(bytes_from_string(rows[i]), &address));
    assert_false(address_parse_ip(bytes_make("1.2.3.4\0x", 9), &address));
    assert_int_equal(address.kind, ADDRESS_NONE);
}

static void test_unix_and_unknown(void **state)
{
    struct buf out = buf_make(ADDRESS_TEXT_MAX);
    struct address address;
    int pair[2];

    (void)state;
    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    address = address_of_peer(pair[0]);
    assert_int_equal(address.kind, ADDRESS_UNIX);
    assert_true(address_is_loopback(&address));
    address_print(&address, true, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("unix"));
    address = address_of_self(-1);
    assert_false(address_is_loopback(&address));
    buf_clear(&out);
    address_print(&address, true, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("unknown"));
    fd_close(&pair[0]);
    fd_close(&pair[1]);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_print),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_unix_and_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
