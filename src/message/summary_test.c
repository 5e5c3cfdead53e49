/* Summaries: written, read back, damaged. RFC 8970 sections 3.2, 3.3. */
#include "message/summary.h"

#include "message/message_test.h"

static void encode(struct bytes raw, struct buf *out)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);

    buf_clear(out);
    summary_encode(message_parse(&arena, raw), out);
    assert_false(out->overflowed);
    arena_done(&arena);
}

static struct summary decoded(struct bytes raw, struct buf *out)
{
    struct summary summary;

    encode(raw, out);
    assert_true(summary_decode(buf_bytes(out), &summary));
    assert_int_equal(summary.message_bytes, raw.len);
    return summary;
}

static const struct bytes letter = BYTES("Received: by x\r\n"
                                         "Return-Path: <r@x>\r\n"
                                         "From: =?utf-8?q?J=C3=BCrgen?= <Jay@Example.org>, b@c\r\n"
                                         "To: team: Ann@x, bob@x;\r\n"
                                         "Cc: carl@x (Carl)\r\n"
                                         "Subject: Re: [list] Caf\xc3\xa9\r\n"
                                         "Date: Mon, 02 Jan 2006 15:04:05 -0700\r\n"
                                         "Message-ID: <\"one\"@x>\r\n"
                                         "In-Reply-To: <no@x>\r\n"
                                         "References: <r1@x> junk\r\n <r2@x>\r\n"
                                         "List-Id: <l.x>\r\n"
                                         "\r\n"
                                         "Hello\r\n  there.\r\n");

static void test_fields(void **state)
{
    struct buf out = buf_make(SUMMARY_BYTES_MAX);
    struct summary s = decoded(letter, &out);
    struct bytes id;
    size_t position = 0;

    (void)state;
    assert_int_equal(s.header_bytes, letter.len - 17);
    assert_true(s.has_sent);
    assert_int_equal(s.sent_seconds, 1136239445);
    assert_int_equal(s.sent_zone_minutes, -420);
    ASSERT_BYTES(s.subject, BYTES("CAFE\xcc\x81"));
    assert_true(s.is_reply);
    ASSERT_BYTES(s.from_mailbox, BYTES("JAY"));
    ASSERT_BYTES(s.from_display, BYTES("JU\xcc\x88RGEN"));
    ASSERT_BYTES(s.to_mailbox, BYTES("TEAM"));
    ASSERT_BYTES(s.to_display, BYTES("TEAM"));
    ASSERT_BYTES(s.cc_mailbox, BYTES("CARL"));
    ASSERT_BYTES(s.message_id, BYTES("one@x"));
    ASSERT_BYTES(s.preview, BYTES("Hello there."));
    assert_false(s.has_attachment);
    assert_true(summary_reference_next(&s, &position, &id));
    ASSERT_BYTES(id, BYTES("r1@x"));
    assert_true(summary_reference_next(&s, &position, &id));
    ASSERT_BYTES(id, BYTES("r2@x"));
    assert_false(summary_reference_next(&s, &position, &id));
    ASSERT_BYTES(s.body,
                 BYTES("(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 17 2)"));
    buf_done(&out);
}

static void test_missing(void **state)
{
    struct buf out = buf_make(SUMMARY_BYTES_MAX);
    struct summary s = decoded(BYTES("In-Reply-To: <a@x> <b@x>\nFrom: x@Y\n\n"), &out);
    struct bytes id;
    size_t position = 0;

    (void)state;
    assert_false(s.has_sent);
    assert_int_equal(s.message_id.len, 0);
    assert_int_equal(s.preview.len, 0);
    ASSERT_BYTES(s.from_display, BYTES("X@Y"));
    assert_true(summary_reference_next(&s, &position, &id));
    ASSERT_BYTES(id, BYTES("a@x")); /* only the first of In-Reply-To */
    assert_false(summary_reference_next(&s, &position, &id));
    buf_done(&out);
}

static void test_limits(void **state)
{
    struct buf raw = buf_make(1000 * 1000), out = buf_make(SUMMARY_BYTES_MAX);
    struct bytes id;
    size_t position = 0, count = 0;

    (void)state;
    buf_add(&raw, BYTES("References:"));
    for (int i = 0; i < SUMMARY_REFERENCES_MAX + 5; i++)
        buf_add_format(&raw, " <%d@x>", i);
    buf_add(&raw, BYTES("\nSubject: "));
    for (int i = 0; i < SUMMARY_KEY_BYTES_MAX + 5; i++)
        buf_add_byte(&raw, 'x');
    buf_add(&raw, BYTES("\n\n"));
    struct summary s = decoded(buf_bytes(&raw), &out);
    assert_int_equal(s.subject.len, SUMMARY_KEY_BYTES_MAX);
    for (; summary_reference_next(&s, &position, &id); count++) {
        if (count == SUMMARY_REFERENCES_MAX / 2)
            ASSERT_BYTES(id, BYTES("105@x"));
    }
    assert_int_equal(count, SUMMARY_REFERENCES_MAX);
    ASSERT_BYTES(id, BYTES("204@x"));
    assert_true(s.has_all_fields);
    buf_done(&raw);
    buf_done(&out);
}

static void test_attachments(void **state)
{
    static const struct {
        struct bytes raw;
        bool has_attachment;
    } cases[] = {
        { BYTES("Content-Type: multipart/x; boundary=b\n\n--b\n\n\n--b\nContent-Type: "
                "application/pdf\n\n--b--"),
          true },
        { BYTES("Content-Type: multipart/x; boundary=b\n\n--b\n\n\n--b\nContent-Type: "
                "application/pgp-signature; name=s\n\n--b--"),
          false },
        { BYTES("Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: "
                "message/rfc822\n\n\n--b--"),
          true },
        { BYTES("Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: image/png\n\n--b--"),
          false },
        { BYTES("Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: image/png; "
                "name=x\n\n--b--"),
          true },
        { BYTES("Content-Disposition: attachment\n\n"), true },
    };
    struct buf out = buf_make(SUMMARY_BYTES_MAX);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(decoded(cases[i].raw, &out).has_attachment, cases[i].has_attachment);
    buf_done(&out);
}

static void test_previews(void **state)
{
    static const struct {
        struct bytes raw;
        struct bytes preview;
    } cases[] = {
        { BYTES("Content-Type: text/html\n\n<style>a</style><p>Hi &amp; <b>bye</b></p>"),
          BYTES("Hi & bye") },
        { BYTES("Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: "
                "base64\n\n0NLJ18XU\n"),
          BYTES("\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82") },
        { BYTES("Content-Type: multipart/x; boundary=b\n\n--b\n\n \n\n--b\nContent-Type: "
                "text/html\n\n<p>x\n--b--"),
          BYTES("x") },
        { BYTES("Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: "
                "text/html\n\n<p>x\n--b\n\nfooter\n--b--"),
          BYTES("x") },
        { BYTES("Content-Type: image/png\n\nno"), BYTES("") },
    };
    struct buf out = buf_make(SUMMARY_BYTES_MAX), long_text = buf_make(10000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        ASSERT_BYTES(decoded(cases[i].raw, &out).preview, cases[i].preview);
    buf_add_byte(&long_text, '\n');
    for (int i = 0; i < SUMMARY_PREVIEW_CHARS_MAX + 1; i++)
        buf_add(&long_text, BYTES("\xc3\xa9"));
    assert_int_equal(decoded(buf_bytes(&long_text), &out).preview.len,
                     2 * SUMMARY_PREVIEW_CHARS_MAX);
    buf_done(&long_text);
    buf_done(&out);
}

/* Ids are found in the bytes of a message as they are in its summary. */
static void test_ids(void **state)
{
    static const struct bytes messages[] = {
        BYTES(""),
        BYTES("Message-ID: <a@x>\r\n\r\nReferences: <b@x>\r\n"), /* in the body */
        BYTES("In-Reply-To: <r@x> <s@x>\nmessage-id: <a@x>\n\n"),
        BYTES("References: none\r\nIn-Reply-To: <r@x>\r\nMessage-ID: no id"),
    };
    struct buf out = buf_make(SUMMARY_BYTES_MAX);
    struct buf space = buf_make(SUMMARY_BYTES_MAX);

    for (size_t i = 0; i <= ARRAY_COUNT(messages); i++) {
        struct bytes message = i < ARRAY_COUNT(messages) ? messages[i] : letter;
        struct summary want = decoded(message, &out);
        struct summary got = { 0 };

        buf_clear(&space);
        summary_find_ids(message, &space, &got);
        ASSERT_BYTES(got.message_id, want.message_id);
        ASSERT_BYTES(got.references, want.references);
    }
    buf_done(&out);
    buf_done(&space);
}

/* A summary that does not fit says so. */
static void test_overflow(void **state)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct buf out = buf_make(100);

    (void)state;
    summary_encode(message_parse(&arena, letter), &out);
    assert_true(out.overflowed);
    buf_done(&out);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),   cmocka_unit_test(test_missing),
        cmocka_unit_test(test_limits),   cmocka_unit_test(test_attachments),
        cmocka_unit_test(test_previews), cmocka_unit_test(test_ids),
        cmocka_unit_test(test_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
