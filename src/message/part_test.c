/* The MIME fields of a part. */
#include "message/part.h"

#include "message/message_test.h"

static void test_fields(void **state)
{
    struct arena arena = arena_make(100000);
    struct message_part part = {
        .header = BYTES("Content-Type: text/html; CHARSET*=us-ascii''utf%2D8\r\n"
                        "content-transfer-encoding: BASE64\r\n"
                        "Content-Disposition: inline; filename=x\r\n"
                        "Content-Language: en, de (comment), fr-CH\r\n"
                        "Content-ID: <a@b>\r\n"
                        "Content-Description: two\r\n lines\r\n"
                        "Content-MD5: abc=\r\n"
                        "Content-Location: http://x/y\r\n"
                        "Content-ID: <second>\r\n\r\n"),
    };

    (void)state;
    message_part_read(&part, &arena, false);
    ASSERT_BYTES(part.type, BYTES("text"));
    ASSERT_BYTES(part.subtype, BYTES("html"));
    ASSERT_BYTES(part.charset, BYTES("utf-8"));
    assert_int_equal(part.encoding, TRANSFER_BASE64);
    ASSERT_BYTES(part.encoding_name, BYTES("BASE64"));
    ASSERT_BYTES(part.disposition, BYTES("inline"));
    assert_int_equal(part.language_count, 3);
    ASSERT_BYTES(part.languages[2], BYTES("fr-CH"));
    ASSERT_BYTES(part.id, BYTES("<a@b>"));
    ASSERT_BYTES(part.description, BYTES("two lines"));
    ASSERT_BYTES(part.md5, BYTES("abc="));
    ASSERT_BYTES(part.location, BYTES("http://x/y"));
    assert_false(message_part_is_attachment(&part));
    arena_done(&arena);
}

static void test_defaults(void **state)
{
    struct arena arena = arena_make(100000);
    struct message_part part = { .header = BYTES("Content-Transfer-Encoding: what is this\n"
                                                 "Content-Disposition: ; filename=x\n"
                                                 "Content-Type: nonsense\n") };
    struct message_part in_digest = { .header = BYTES("Subject: x\n") };

    (void)state;
    message_part_read(&part, &arena, true);
    assert_true(message_part_is(&part, BYTES("TEXT"), BYTES("Plain")));
    assert_int_equal(part.encoding, TRANSFER_7BIT);
    ASSERT_BYTES(part.encoding_name, BYTES("7bit"));
    ASSERT_BYTES(part.disposition, BYTES("attachment"));
    assert_null(part.id.at);
    message_part_read(&in_digest, &arena, true);
    assert_true(message_part_is(&in_digest, BYTES("message"), BYTES("")));
    assert_null(in_digest.encoding_name.at);
    arena_done(&arena);
}

static void test_attachments(void **state)
{
    static const struct {
        struct bytes header;
        bool is_attachment;
    } cases[] = {
        { BYTES(""), false },
        { BYTES("Content-Disposition: ATTACHMENT\n"), true },
        { BYTES("Content-Disposition: inline; filename=x\n"), false },
        { BYTES("Content-Disposition: x-other; filename*=utf-8''x\n"), true },
        { BYTES("Content-Type: a/b; name=x\n"), true },
        { BYTES("Content-Type: a/b; name*0=x; name*1=y\n"), true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena = arena_make(100000);
        struct message_part part = { .header = cases[i].header };
        message_part_read(&part, &arena, false);
        assert_int_equal(message_part_is_attachment(&part), cases[i].is_attachment);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_attachments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
