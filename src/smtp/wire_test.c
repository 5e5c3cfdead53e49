/* SMTP command lines: what is understood, what is refused, and with what complaint. */
#include "smtp/wire.h"

#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/guard.h"

static void test_verbs(void **state)
{
    static const struct {
        const char *line;
        enum smtp_verb verb;
        const char *argument;
    } cases[] = {
        { "LHLO host", SMTP_VERB_LHLO, "host" },
        { "lhlo  host ", SMTP_VERB_LHLO, "host" },
        { "MAIL FROM:<>", SMTP_VERB_MAIL, "FROM:<>" },
        { "rcpt\tTO:<a>", SMTP_VERB_RCPT, "TO:<a>" },
        { "DATA", SMTP_VERB_DATA, "" },
        { "BDAT 0 LAST", SMTP_VERB_BDAT, "0 LAST" },
        { "StartTLS", SMTP_VERB_STARTTLS, "" },
        { "DATAX", SMTP_VERB_UNKNOWN, "" },
        { "DAT", SMTP_VERB_UNKNOWN, "" },
        { "", SMTP_VERB_UNKNOWN, "" },
        { " DATA", SMTP_VERB_UNKNOWN, "DATA" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bytes argument;

        assert_int_equal(smtp_verb_parse(bytes_from_string(cases[i].line), &argument),
                         cases[i].verb);
        ASSERT_BYTES(argument, bytes_from_string(cases[i].argument));
    }
}

static void test_hello(void **state)
{
    static const char *const good[] = { "mail.example.org",
                                        "localhost",
                                        "a_b",
                                        "[192.0.2.1]",
                                        "[IPv6:2001:db8::1]",
                                        "b\xc3\xbc"
                                        "cher.example",
                                        "-" };
    static const char *const bad[] = { "",      "a b", "a(b)", "[]",   "[192.0.2.1",
                                       "a\xff", "<a>", "[a]b", "a\"b", "a;b" };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_true(smtp_hello_check(bytes_from_string(good[i])));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_false(smtp_hello_check(bytes_from_string(bad[i])));
}

static void test_mail(void **state)
{
    static const struct {
        const char *argument;
        enum smtp_parse parse;
        const char *sender;
        bool has_size;
        uint64_t size;
        bool utf8;
    } cases[] = {
        { "FROM:<>", SMTP_PARSED, "", false, 0, false },
        { "from:<a@b>", SMTP_PARSED, "a@b", false, 0, false },
        { "FROM: <a@b>", SMTP_PARSED, "a@b", false, 0, false },
        { "FROM:<@x.org,@[1.2.3.4]:a@b>", SMTP_PARSED, "a@b", false, 0, false },
        { "FROM:<\"a b\\\"@\"@b.org>", SMTP_PARSED, "\"a b\\\"@\"@b.org", false, 0, false },
        { "FROM:<a..b.@b>", SMTP_PARSED, "a..b.@b", false, 0, false },
        { "FROM:<MAILER-DAEMON>", SMTP_PARSED, "MAILER-DAEMON", false, 0, false },
        { "FROM:<a@[IPv6:::1]>", SMTP_PARSED, "a@[IPv6:::1]", false, 0, false },
        { "FROM:<a@b> SIZE=12 BODY=8bitmime", SMTP_PARSED, "a@b", true, 12, false },
        { "FROM:<a@b>  body=7BIT  smtputf8 ", SMTP_PARSED, "a@b", false, 0, true },
        { "FROM:<a@b> SIZE=99999999999999999999", SMTP_PARSED, "a@b", true, UINT64_MAX, false },
        { "FROM:<\xc3\xa5@b> SMTPUTF8", SMTP_PARSED, "\xc3\xa5@b", false, 0, true },
        { "", SMTP_BAD_SYNTAX, NULL, false, 0, false },
        { "FROM:", SMTP_BAD_SYNTAX, NULL, false, 0, false },
        { "FROM:a@b", SMTP_BAD_SYNTAX, NULL, false, 0, false },
        { "TO:<a@b>", SMTP_BAD_SYNTAX, NULL, false, 0, false },
        { "FROM:<a@b>SIZE=1", SMTP_BAD_SYNTAX, NULL, false, 0, false },
        { "FROM:<a@b> =1", SMTP_BAD_SYNTAX, NULL, false, 0, false },
        { "FROM:<a@b> X=", SMTP_BAD_SYNTAX, NULL, false, 0, false },
        { "FROM:<a@b> \x01", SMTP_BAD_SYNTAX, NULL, false, 0, false },
        { "FROM:<a@b", SMTP_BAD_ADDRESS, NULL, false, 0, false },
        { "FROM:<a@>", SMTP_BAD_ADDRESS, NULL, false, 0, false },
        { "FROM:<@b>", SMTP_BAD_ADDRESS, NULL, false, 0, false },
        { "FROM:<a b@c>", SMTP_BAD_ADDRESS, NULL, false, 0, false },
        { "FROM:<a@b@c>", SMTP_BAD_ADDRESS, NULL, false, 0, false },
        { "FROM:<\"a@b>", SMTP_BAD_ADDRESS, NULL, false, 0, false },
        { "FROM:<\"a\x01\"@b>", SMTP_BAD_ADDRESS, NULL, false, 0, false },
        { "FROM:<a\xff@b> SMTPUTF8", SMTP_BAD_ADDRESS, NULL, false, 0, false },
        { "FROM:<<a@b>>", SMTP_BAD_ADDRESS, NULL, false, 0, false },
        { "FROM:<a@b> SIZE=1 SIZE=1", SMTP_BAD_PARAMETER, NULL, false, 0, false },
        { "FROM:<a@b> SIZE=1k", SMTP_BAD_PARAMETER, NULL, false, 0, false },
        { "FROM:<a@b> SIZE", SMTP_BAD_PARAMETER, NULL, false, 0, false },
        { "FROM:<a@b> SIZE=999999999999999999999", SMTP_BAD_PARAMETER, NULL, false, 0, false },
        { "FROM:<a@b> BODY=BINARYMIME", SMTP_BAD_PARAMETER, NULL, false, 0, false },
        { "FROM:<a@b> SMTPUTF8=1", SMTP_BAD_PARAMETER, NULL, false, 0, false },
        { "FROM:<a@b> AUTH=<>", SMTP_UNKNOWN_PARAMETER, NULL, false, 0, false },
        { "FROM:<a@b> RET=HDRS", SMTP_UNKNOWN_PARAMETER, NULL, false, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct guard guard;
        struct smtp_mail mail = { .size = 4711 };
        enum smtp_parse parse =
            smtp_mail_parse(guard_copy(&guard, bytes_from_string(cases[i].argument)), &mail);

        if (parse != cases[i].parse)
            fail_msg("%s: %d", cases[i].argument, (int)parse);
        if (parse == SMTP_PARSED) {
            ASSERT_BYTES(mail.sender, bytes_from_string(cases[i].sender));
            assert_int_equal(mail.has_size, cases[i].has_size);
            assert_true(mail.size == cases[i].size);
            assert_int_equal(mail.utf8, cases[i].utf8);
        } else {
            assert_int_equal(mail.size, 4711);
        }
        guard_done(&guard);
    }
}

static void test_mailbox_limit(void **state)
{
    char text[SMTP_MAILBOX_BYTES_MAX + 16] = "TO:<";
    struct smtp_rcpt rcpt;

    (void)state;
    memset(text + 4, 'a', SMTP_MAILBOX_BYTES_MAX + 1);
    text[4 + SMTP_MAILBOX_BYTES_MAX] = '>';
    assert_int_equal(smtp_rcpt_parse(bytes_make(text, 5 + SMTP_MAILBOX_BYTES_MAX), false, &rcpt),
                     SMTP_PARSED);
    text[4 + SMTP_MAILBOX_BYTES_MAX] = 'a';
    text[5 + SMTP_MAILBOX_BYTES_MAX] = '>';
    assert_int_equal(smtp_rcpt_parse(bytes_make(text, 6 + SMTP_MAILBOX_BYTES_MAX), false, &rcpt),
                     SMTP_BAD_ADDRESS);
}

static void test_rcpt(void **state)
{
    static const struct {
        const char *argument;
        bool with_folder;
        enum smtp_parse parse;
        const char *recipient;
        const char *folder;
    } cases[] = {
        { "TO:<anna@example.org>", false, SMTP_PARSED, "anna@example.org", NULL },
        { "TO:<anna>", false, SMTP_PARSED, "anna", NULL },
        { "TO:<anna+x=y@b>", false, SMTP_PARSED, "anna+x=y@b", NULL },
        { "TO:<a@b> xmailbox=Junk/+20x", true, SMTP_PARSED, "a@b", "Junk/+20x" },
        { "TO:<>", false, SMTP_BAD_ADDRESS, NULL, NULL },
        { "TO:<a@b> XMAILBOX=Junk", false, SMTP_UNKNOWN_PARAMETER, NULL, NULL },
        { "TO:<a@b> XMAILBOX=a XMAILBOX=b", true, SMTP_BAD_PARAMETER, NULL, NULL },
        { "TO:<a@b> XMAILBOX", true, SMTP_BAD_PARAMETER, NULL, NULL },
        { "TO:<a@b> XMAILBOX=", true, SMTP_BAD_SYNTAX, NULL, NULL },
        { "TO:<a@b> NOTIFY=NEVER", true, SMTP_UNKNOWN_PARAMETER, NULL, NULL },
        { "FROM:<a@b>", true, SMTP_BAD_SYNTAX, NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct guard guard;
        struct smtp_rcpt rcpt;
        enum smtp_parse parse = smtp_rcpt_parse(
            guard_copy(&guard, bytes_from_string(cases[i].argument)), cases[i].with_folder, &rcpt);

        if (parse != cases[i].parse)
            fail_msg("%s: %d", cases[i].argument, (int)parse);
        if (parse == SMTP_PARSED) {
            ASSERT_BYTES(rcpt.recipient, bytes_from_string(cases[i].recipient));
            assert_int_equal(rcpt.has_folder, cases[i].folder != NULL);
            ASSERT_BYTES(rcpt.folder, bytes_from_string(cases[i].folder));
        }
        guard_done(&guard);
    }
}

static void test_bdat(void **state)
{
    static const struct {
        const char *argument;
        bool good;
        uint64_t size;
        bool last;
    } cases[] = {
        { "0", true, 0, false },         { "86 LAST", true, 86, true },
        { "86  last", true, 86, true },  { "", false, 0, false },
        { "LAST", false, 0, false },     { "-1", false, 0, false },
        { "1 LAST x", false, 0, false }, { "1 FIRST", false, 0, false },
        { "1x", false, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct smtp_bdat bdat;
        enum smtp_parse parse = smtp_bdat_parse(bytes_from_string(cases[i].argument), &bdat);

        assert_int_equal(parse == SMTP_PARSED, cases[i].good);
        if (cases[i].good) {
            assert_true(bdat.size == cases[i].size);
            assert_int_equal(bdat.last, cases[i].last);
        }
    }
}

static void test_xtext(void **state)
{
    static const struct {
        const char *text;
        const char *decoded; /* NULL: refused */
    } cases[] = {
        { "Junk", "Junk" },   { "Junk/+C3+A5+20+2B1", "Junk/\xc3\xa5 +1" },
        { "a+3Db", "a=b" },   { "a+2", NULL },
        { "a+", NULL },       { "a+GG", NULL },
        { "a=b", NULL },      { "a b", NULL },
        { "+00", NULL },      { "+0A", NULL },
        { "+7F", NULL },      { "+FF", NULL },
        { "\xc3\xa5", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct guard guard;
        struct buf out = buf_make(64);
        bool ok = smtp_xtext_decode(guard_copy(&guard, bytes_from_string(cases[i].text)), &out);

        if (ok != (cases[i].decoded != NULL))
            fail_msg("%s", cases[i].text);
        if (ok)
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(cases[i].decoded));
        buf_done(&out);
        guard_done(&guard);
    }
    {
        struct buf small = buf_make(3);

        assert_true(smtp_xtext_decode(BYTES("a+2Bb"), &small));
        buf_clear(&small);
        assert_false(smtp_xtext_decode(BYTES("a+2Bbc"), &small));
        buf_done(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbs), cmocka_unit_test(test_hello),
        cmocka_unit_test(test_mail),  cmocka_unit_test(test_mailbox_limit),
        cmocka_unit_test(test_rcpt),  cmocka_unit_test(test_bdat),
        cmocka_unit_test(test_xtext),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
