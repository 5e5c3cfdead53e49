/* What becomes of secrets, and of an answer that is too large. */
#include "imap/login/internal.h"

#include "kit/assert_bytes.h"

static struct imap_login *asking(struct buf *out)
{
    struct imap_login_options options = { .tls = true, .login = true, .timeout_ms = 60000 };
    struct imap_login *login = imap_login_new(&options, (struct mono){ 0 });
    size_t used;

    assert_int_equal(imap_login_step(login, BYTES("a LOGIN joe \"se\\\\cret\"\r\n"),
                                     (struct mono){ 0 }, &used, out),
                     IMAP_LOGIN_AUTH);
    ASSERT_BYTES(imap_login_request(login).data, BYTES("\0joe\0se\\cret"));
    return login;
}

static void test_nothing_is_kept(void **state MAYBE_UNUSED)
{
    struct buf out = buf_make(IMAP_LOGIN_OUTPUT_BYTES);
    struct imap_login *login = asking(&out);
    size_t used;

    assert_null(login->framer.frame.at);
    imap_login_answer(login, IMAP_LOGIN_SUCCESS, BYTES(""));
    assert_int_equal(imap_login_step(login, BYTES(""), (struct mono){ 0 }, &used, &out),
                     IMAP_LOGIN_HANDOFF);
    assert_null(login->data.at);
    assert_null(login->answer.at);
    imap_login_free(login);
    buf_done(&out);
}

static void test_oversized_challenge_is_no_challenge(void **state MAYBE_UNUSED)
{
    static const uint8_t flood[IMAP_LOGIN_SASL_LINE_BYTES + 1];
    struct buf out = buf_make(IMAP_LOGIN_OUTPUT_BYTES);
    struct imap_login *login = asking(&out);
    size_t used;

    buf_clear(&out);
    imap_login_answer(login, IMAP_LOGIN_CHALLENGE, bytes_make(flood, sizeof(flood)));
    assert_int_equal(imap_login_step(login, BYTES(""), (struct mono){ 0 }, &used, &out),
                     IMAP_LOGIN_INPUT);
    assert_true(bytes_starts_with(buf_bytes(&out), BYTES("a NO [UNAVAILABLE] ")));
    imap_login_free(login);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_kept),
        cmocka_unit_test(test_oversized_challenge_is_no_challenge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
