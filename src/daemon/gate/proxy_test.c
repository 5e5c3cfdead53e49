/* The PROXY header: whole, cut, and wrong in each of its fields. */
#include "daemon/gate/proxy.h"

#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IPV4 "\xc0\0\x02\x07\xc6\x33\x64\x01\x12\x67\0\x8f"
#define IPV6_A "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05"

static void test_headers(void **state)
{
    static char unix_header[16 + 216] = SIGNATURE "\x21\x31\0\xd8";
    static const struct {
        struct bytes in;
        enum proxy_result result;
        enum address_kind kind;
        uint16_t port;
    } cases[] = {
        { BYTES(SIGNATURE "\x21\x11\0\x0c" IPV4), PROXY_DONE, ADDRESS_IPV4, 4711 },
        { BYTES(SIGNATURE "\x21\x11\0\x0f" IPV4 "\x04\0\0"), PROXY_DONE, ADDRESS_IPV4, 4711 },
        { BYTES(SIGNATURE "\x21\x21\0\x24" IPV6_A IPV6_A "\x12\x67\0\x8f"), PROXY_DONE,
          ADDRESS_IPV6, 4711 },
        { { (const uint8_t *)unix_header, sizeof(unix_header) }, PROXY_DONE, ADDRESS_UNIX, 0 },
        { BYTES(SIGNATURE "\x20\x11\0\x0c" IPV4), PROXY_DONE, ADDRESS_NONE, 0 }, /* LOCAL */
        { BYTES(SIGNATURE "\x20\0\0\0"), PROXY_DONE, ADDRESS_NONE, 0 },
        { BYTES(SIGNATURE "\x21\0\0\0"), PROXY_DONE, ADDRESS_NONE, 0 }, /* UNSPEC */
        { BYTES(SIGNATURE "\x21\x11\0\x0b" IPV4), PROXY_BAD, 0, 0 }, /* too short for IPv4 */
        { BYTES(SIGNATURE "\x21\x21\0\x0c" IPV4), PROXY_BAD, 0, 0 },
        { BYTES(SIGNATURE "\x21\x31\0\x0c" IPV4), PROXY_BAD, 0, 0 },
        { BYTES(SIGNATURE "\x11\x11\0\x0c" IPV4), PROXY_BAD, 0, 0 }, /* version 1 */
        { BYTES(SIGNATURE "\x22\x11\0\x0c" IPV4), PROXY_BAD, 0, 0 }, /* no such command */
        { BYTES(SIGNATURE "\x21\x11\x10\x01"), PROXY_BAD, 0, 0 }, /* longer than we take */
        { BYTES("a LOGIN alice sesame\r\n"), PROXY_BAD, 0, 0 },
        { BYTES("\r\n\r\n\0\r\nQUIX\n"), PROXY_BAD, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct address address = { .port = 1 };
        size_t len = 0;

        assert_int_equal(proxy_parse(cases[i].in, &len, &address), cases[i].result);
        if (cases[i].result != PROXY_DONE)
            continue;
        assert_int_equal(len, cases[i].in.len);
        assert_int_equal(address.kind, cases[i].kind);
        assert_int_equal(address.port, cases[i].port);
    }
}

static void test_every_cut_wants_more(void **state)
{
    struct bytes whole = BYTES(SIGNATURE "\x21\x11\0\x0c" IPV4);
    struct address address = { 0 };

    (void)state;
    for (size_t cut = 0; cut < whole.len; cut++) {
        uint8_t *part = malloc(cut + 1); /* its end is where the sanitizer looks */
        size_t len = 0;

        assert_non_null(part);
        memcpy(part + 1, whole.at, cut);
        assert_int_equal(proxy_parse(bytes_make(part + 1, cut), &len, &address), PROXY_MORE);
        assert_int_equal(len, cut < PROXY_HEADER_BYTES ? PROXY_HEADER_BYTES : whole.len);
        free(part);
    }
    assert_int_equal(address.kind, ADDRESS_NONE);
}

static void test_what_follows_is_left_alone(void **state)
{
    struct bytes in = BYTES(SIGNATURE "\x21\x11\0\x0c" IPV4 "a NOOP\r\n");
    struct address address;
    size_t len = 0;

    (void)state;
    assert_int_equal(proxy_parse(in, &len, &address), PROXY_DONE);
    ASSERT_BYTES(bytes_from(in, len), BYTES("a NOOP\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_every_cut_wants_more),
        cmocka_unit_test(test_what_follows_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
