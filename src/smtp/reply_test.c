/* What a client is told about a recipient. */
#include "smtp/reply.h"

#include <string.h>

#include "kit/assert_bytes.h"

static void test_codes(void **state)
{
    static const struct {
        enum smtp_verdict verdict;
        const char *recipient;
        const char *delivery;
    } cases[] = {
        { SMTP_ACCEPTED, "250 2.1.5 <a@b> ", "250 2.0.0 <a@b> stored as 7-1\r\n" },
        { SMTP_NO_ACCOUNT, "550 5.1.1 <a@b> ", "550 5.1.1 <a@b> " },
        { SMTP_NO_FOLDER, "550 5.2.0 <a@b> ", "550 5.2.0 <a@b> " },
        { SMTP_UNAVAILABLE, "451 4.3.0 <a@b> ", "451 4.3.0 <a@b> " },
        { SMTP_OVER_QUOTA, "452 4.2.2 <a@b> ", "452 4.2.2 <a@b> " },
        { SMTP_TOO_LARGE, "552 5.3.4 <a@b> ", "552 5.3.4 <a@b> " },
        { SMTP_NO_SPACE, "452 4.3.1 <a@b> ", "452 4.3.1 <a@b> " },
        { SMTP_FAILED, "451 4.3.0 <a@b> ", "451 4.3.0 <a@b> " },
    };
    struct buf out = buf_make(512);

    (void)state;
    assert_int_equal(ARRAY_COUNT(cases), SMTP_VERDICT_COUNT);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        buf_clear(&out);
        smtp_reply_recipient(&out, cases[i].verdict, BYTES("a@b"));
        assert_true(bytes_starts_with(buf_bytes(&out), bytes_from_string(cases[i].recipient)));
        assert_true(bytes_ends_with(buf_bytes(&out), BYTES("\r\n")));
        buf_clear(&out);
        smtp_reply_delivery(&out, cases[i].verdict, BYTES("a@b"), BYTES("7-1"));
        assert_true(bytes_starts_with(buf_bytes(&out), bytes_from_string(cases[i].delivery)));
    }
    buf_done(&out);
}

static void test_recipients_not_shown(void **state)
{
    struct buf out = buf_make(1024);
    char text[255];

    (void)state;
    memset(text, 'a', sizeof(text));
    smtp_reply_recipient(&out, SMTP_ACCEPTED, bytes_make(text, 255));
    smtp_reply_recipient(&out, SMTP_ACCEPTED, BYTES("\xc3\xa5@b"));
    smtp_reply_recipient(&out, SMTP_ACCEPTED, BYTES(""));
    ASSERT_BYTES(buf_bytes(&out), BYTES("250 2.1.5 recipient ok\r\n250 2.1.5 recipient ok\r\n"
                                        "250 2.1.5 recipient ok\r\n"));
    buf_clear(&out);
    smtp_reply_recipient(&out, SMTP_ACCEPTED, bytes_make(text, 254));
    assert_true(out.len > 254 && out.len <= 512);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_recipients_not_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
