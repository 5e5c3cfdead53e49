/* ENVELOPE. */
#include "message/envelope.h"

#include "kit/assert_bytes.h"

static void test_envelopes(void **state)
{
    static const struct {
        struct bytes header;
        struct bytes envelope;
    } cases[] = {
        { BYTES(""), BYTES("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)") },
        { BYTES("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
                "From: Terry Gray <gray@cac.washington.edu>\r\n"
                "Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
                "To: imap@cac.washington.edu\r\n"
                "Cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
                "Message-ID: <B27397-0100000@cac.washington.ed>\r\n\r\n"),
          BYTES("(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
                "\"IMAP4rev2 WG mtg summary and minutes\" "
                "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
                "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
                "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
                "((NIL NIL \"imap\" \"cac.washington.edu\")) "
                "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")"
                "(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
                "\"<B27397-0100000@cac.washington.ed>\")") },
        /* present but empty: "" for texts, From for Sender, NIL for lists */
        { BYTES("Subject:\nFrom: a@b\nSender:\nReply-To: , \nTo:\nIn-Reply-To:\n"),
          BYTES("(NIL \"\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) "
                "NIL NIL NIL \"\" NIL)") },
        { BYTES("SENDER: s@x\nREPLY-TO: r@x\nfrom: f@x\n"),
          BYTES("(NIL NIL ((NIL NIL \"f\" \"x\")) ((NIL NIL \"s\" \"x\")) ((NIL NIL \"r\" \"x\")) "
                "NIL NIL NIL NIL NIL)") },
        { BYTES("To: a@x\nTo: b@x\nBcc: c@x\nFrom: 1@x\nFrom: 2@x\nSubject: 1\nSubject: 2\n"),
          BYTES(
              "(NIL \"1\" ((NIL NIL \"1\" \"x\")) ((NIL NIL \"1\" \"x\")) ((NIL NIL \"1\" \"x\")) "
              "((NIL NIL \"a\" \"x\")(NIL NIL \"b\" \"x\")) NIL ((NIL NIL \"c\" \"x\")) NIL "
              "NIL)") },
        { BYTES("Subject: caf\xc3\xa9\r\n \"x\"\nMessage-ID: <a\0b>\n"),
          BYTES("(NIL {9}\r\ncaf\xc3\xa9 \"x\" NIL NIL NIL NIL NIL NIL NIL {5}\r\n<a\x80"
                "b>)") },
    };
    struct buf out = buf_make(10000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        size_t left = ENVELOPE_ADDRESSES_MAX;
        buf_clear(&out);
        envelope_print(&out, cases[i].header, &left);
        ASSERT_BYTES(buf_bytes(&out), cases[i].envelope);
    }
    buf_done(&out);
}

static void test_address_limit(void **state)
{
    struct buf out = buf_make(10000);
    size_t left = 2;

    (void)state;
    envelope_print(&out, BYTES("To: a@b, c@d, e@f\nCc: g@h\n"), &left);
    assert_int_equal(left, 0);
    ASSERT_BYTES(buf_bytes(&out),
                 BYTES("(NIL NIL NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) "
                       "NIL NIL NIL NIL)"));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_envelopes),
        cmocka_unit_test(test_address_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
