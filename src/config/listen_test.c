/* Listen addresses: the forms that are taken, and what the others are told. */
#include "config/listen.h"

#include <string.h>

#include "kit/assert_bytes.h"

static void test_tcp(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
    } cases[] = {
        { "127.0.0.1:1143", "127.0.0.1", 1143 },
        { "[::1]:1143", "::1", 1143 },
        { "[fe80::1%eth0]:1", "fe80::1%eth0", 1 },
        { "localhost:0", "localhost", 0 },
        { "*:65535", "*", 65535 },
    };
    struct arena arena = arena_make(4096);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct listen_address address;
        const char *expected = NULL;

        assert_true(
            listen_address_parse(bytes_from_string(cases[i].text), &arena, &address, &expected));
        assert_false(address.is_unix);
        assert_string_equal(address.host, cases[i].host);
        assert_int_equal(address.port, cases[i].port);
        assert_null(address.path);
    }
    arena_done(&arena);
}

static void test_unix(void **state)
{
    struct arena arena = arena_make(4096);
    struct listen_address address;
    const char *expected = NULL;

    (void)state;
    assert_true(listen_address_parse(BYTES("unix:/run/roost/lmtp"), &arena, &address, &expected));
    assert_true(address.is_unix);
    assert_string_equal(address.path, "/run/roost/lmtp");
    assert_int_equal(address.mode, LISTEN_MODE_STANDARD);
    assert_null(address.user);
    assert_null(address.host);
    assert_true(listen_address_parse(BYTES("unix:/l,mode=0660,user=postfix,group=mail"), &arena,
                                     &address, &expected));
    assert_string_equal(address.path, "/l");
    assert_int_equal(address.mode, 0660);
    assert_string_equal(address.user, "postfix");
    assert_string_equal(address.group, "mail");
    arena_done(&arena);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        const char *expected; /* a part of the complaint */
    } cases[] = {
        { "", "a port" },
        { "127.0.0.1", "a port" },
        { "127.0.0.1:", "a port" },
        { "127.0.0.1:65536", "a port" },
        { "127.0.0.1:imap", "a port" },
        { ":143", "an address" },
        { "::1:143", "in brackets" },
        { "[]:143", "an address" },
        { "[*]:143", "an address" },
        { "a/b:143", "an address" },
        { "127.0.0.1:143,[::1]:143", "blanks, not by commas" },
        { "unix:", "begins with /" },
        { "unix:run/lmtp", "begins with /" },
        { "unix:/l,mode=0999", "octal" },
        { "unix:/l,mode=01777", "octal" },
        { "unix:/l,mode=", "octal" },
        { "unix:/l,user=", "a name" },
        { "unix:/l,owner=x", "mode=, user= or group=" },
        { "unix:/l,", "mode=, user= or group=" },
    };
    struct arena arena = arena_make(4096);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct listen_address address;
        const char *expected = NULL;

        if (listen_address_parse(bytes_from_string(cases[i].text), &arena, &address, &expected))
            fail_msg("\"%s\" was taken", cases[i].text);
        assert_non_null(strstr(expected, cases[i].expected));
    }
    arena_done(&arena);
}

static void test_limits(void **state)
{
    char text[300] = "unix:/";
    struct arena arena = arena_make(4096);
    struct listen_address address;
    const char *expected = NULL;
    size_t scheme = strlen("unix:");

    (void)state;
    memset(text + scheme + 1, 'p', sizeof(text) - scheme - 1);
    assert_true(listen_address_parse(bytes_make(text, scheme + LISTEN_PATH_BYTES_MAX), &arena,
                                     &address, &expected));
    assert_false(listen_address_parse(bytes_make(text, scheme + LISTEN_PATH_BYTES_MAX + 1), &arena,
                                      &address, &expected));
    memset(text, 'h', sizeof(text));
    memcpy(text + LISTEN_HOST_BYTES_MAX, ":1", 2);
    assert_true(listen_address_parse(bytes_make(text, LISTEN_HOST_BYTES_MAX + 2), &arena, &address,
                                     &expected));
    memcpy(text + LISTEN_HOST_BYTES_MAX, "h:1", 3);
    assert_false(listen_address_parse(bytes_make(text, LISTEN_HOST_BYTES_MAX + 3), &arena, &address,
                                      &expected));
    arena_done(&arena);
    arena = arena_make(16);
    assert_false(listen_address_parse(BYTES("a.very.long.name.that.does.not.fit:1"), &arena,
                                      &address, &expected));
    arena_done(&arena);
}

/* Two addresses, and whether only one of them can listen. */
static void test_clashes(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool clashes;
    } cases[] = {
        { "127.0.0.1:143", "127.0.0.1:143", true },
        { "127.0.0.1:143", "127.0.0.1:144", false },
        { "127.0.0.1:143", "127.0.0.2:143", false },
        { "127.0.0.1:143", "[::1]:143", false },
        { "*:143", "127.0.0.1:143", true },
        { "[::1]:143", "*:143", true },
        { "Mail.example:143", "mail.example:143", true },
        { "127.0.0.1:0", "127.0.0.1:0", false },
        { "unix:/a", "unix:/a,mode=0600", true },
        { "unix:/a", "unix:/b", false },
        { "unix:/a", "*:143", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = arena_make(4096);
        struct listen_address a;
        struct listen_address b;
        const char *expected = NULL;

        assert_true(listen_address_parse(bytes_from_string(cases[i].a), &arena, &a, &expected));
        assert_true(listen_address_parse(bytes_from_string(cases[i].b), &arena, &b, &expected));
        assert_int_equal(listen_address_clashes(&a, &b), cases[i].clashes);
        assert_int_equal(listen_address_clashes(&b, &a), cases[i].clashes);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp),     cmocka_unit_test(test_unix),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_clashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
