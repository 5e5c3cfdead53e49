/* The trace header, byte for byte. */
#include "smtp/trace.h"

#include "kit/assert_bytes.h"

static void test_trace(void **state)
{
    static const struct {
        struct smtp_trace trace;
        const char *lines;
    } cases[] = {
        { { .sender = { (const uint8_t *)"b@x.org", 7 },
            .recipient = { (const uint8_t *)"anna@example.org", 16 },
            .only_recipient = true,
            .hello = { (const uint8_t *)"mx.example.org", 14 },
            .address = { (const uint8_t *)"192.0.2.1:4711", 14 } },
          "Return-Path: <b@x.org>\r\n"
          "Delivered-To: anna@example.org\r\n"
          "Received: from mx.example.org ([192.0.2.1])\r\n"
          "\tby roost.example.org with LMTP\r\n"
          "\tid 12-1\r\n"
          "\tfor <anna@example.org>;\r\n"
          "\tMon, 23 Nov 2026 08:33:48 +0000\r\n" },
        { { .recipient = { (const uint8_t *)"anna", 4 },
            .hello = { (const uint8_t *)"localhost", 9 },
            .address = { (const uint8_t *)"unix", 4 } },
          "Return-Path: <>\r\n"
          "Delivered-To: anna\r\n"
          "Received: from localhost (local)\r\n"
          "\tby roost.example.org with LMTP\r\n"
          "\tid 12-1;\r\n"
          "\tMon, 23 Nov 2026 08:33:48 +0000\r\n" },
        { { .recipient = { (const uint8_t *)"\xc3\xa5@b", 4 },
            .hello = { (const uint8_t *)"[IPv6:2001:db8::1]", 18 },
            .address = { (const uint8_t *)"[2001:db8::1]:25", 16 },
            .tls_facts = { (const uint8_t *)"TLSv1.3 (evil)\r\nX: y", 20 },
            .utf8 = true },
          "Return-Path: <>\r\n"
          "Delivered-To: \xc3\xa5@b\r\n"
          "Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n"
          "\t(using TLSv1.3 ?evil???X: y)\r\n"
          "\tby roost.example.org with UTF8LMTPS\r\n"
          "\tid 12-1;\r\n"
          "\tMon, 23 Nov 2026 08:33:48 +0000\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct smtp_trace trace = cases[i].trace;
        struct buf out = buf_make(4096);

        trace.host = BYTES("roost.example.org");
        trace.id = BYTES("12-1");
        trace.lmtp = true;
        trace.now.us = INT64_C(1795422828) * 1000000 + 999999;
        smtp_trace_print(&trace, &out);
        ASSERT_BYTES(buf_bytes(&out), bytes_from_string(cases[i].lines));
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_trace) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
