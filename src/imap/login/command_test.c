/* What is announced, for every kind of connection. */
#include "imap/login/internal.h"

#include "kit/assert_bytes.h"

static bool announces(const struct imap_login_options *options, struct bytes capability)
{
    struct imap_login *login = imap_login_new(options, (struct mono){ 0 });
    struct buf out = buf_make(1000);
    bool found;

    buf_add_byte(&out, ' ');
    login_capabilities_print(&out, login);
    buf_add_byte(&out, ' ');
    found = bytes_find(buf_bytes(&out), 0, capability) < out.len;
    buf_done(&out);
    imap_login_free(login);
    return found;
}

/* RFC 9051 s6.2.3: a password has either a private way or none, and STARTTLS leads to TLS once. */
static void test_every_connection(void **state MAYBE_UNUSED)
{
    for (unsigned bits = 0; bits < 256; bits++) {
        struct imap_login_options options = {
            .tls = bits & 1,
            .starttls = bits & 2,
            .plaintext = bits & 4,
            .scram = bits & 8,
            .channel_binding = bits & 16,
            .plain = bits & 32,
            .login = bits & 64,
            .scram_plus = bits & 128,
        };
        bool is_private = options.tls || options.plaintext;

        assert_true(announces(&options, BYTES(" IMAP4rev1 ")));
        assert_true(announces(&options, BYTES(" IMAP4rev2 ")));
        assert_int_equal(announces(&options, BYTES(" LOGINDISABLED ")),
                         !(is_private && options.login));
        assert_int_equal(announces(&options, BYTES(" AUTH=PLAIN ")), is_private && options.plain);
        assert_int_equal(announces(&options, BYTES(" STARTTLS ")),
                         options.starttls && !options.tls);
        assert_int_equal(announces(&options, BYTES(" AUTH=SCRAM-SHA-256 ")), options.scram);
        assert_int_equal(announces(&options, BYTES(" AUTH=SCRAM-SHA-256-PLUS ")),
                         options.scram_plus && options.tls && options.channel_binding);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_connection) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
