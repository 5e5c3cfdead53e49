/* Modified UTF-7 both ways, and random text there and back. RFC 9051 sA.1. */
#include "imap/wire/utf7.h"

#include <stdlib.h>
#include <time.h>

#include "base/utf8.h"
#include "kit/assert_bytes.h"
#include "kit/guard.h"

static const struct {
    const char *utf7;
    const char *utf8; /* NULL: not well-formed */
} rows[] = {
    { "", "" },
    { "INBOX", "INBOX" },
    { "R&-D", "R&D" },
    { "&-&-", "&&" },
    { "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e" },
    { "&U,BTF2XlZyyKng-", "\u53f0\u5317\u65e5\u672c\u8a9e" },
    { "&AOQ-", "\u00e4" },
    { "&AOQ-&-", "\u00e4&" },
    { "&2D3eAA-", "\U0001f600" },
    { "&AAE-", "\x01" },
    { "&AH8-", "\x7f" },
    { "&", NULL },
    { "&A", NULL },
    { "&AOQ", NULL },
    { "&AOQ!-", NULL },
    { "&Jjo!", NULL },
    { "&U,BTFw-&ZeVnLIqe-", NULL }, /* superfluous shift, RFC 3501 s5.1.3 */
    { "&AGE-", NULL }, /* "a" in base64 */
    { "&AAA", NULL },
    { "&AOR-", NULL }, /* stray bits */
    { "&AOQA-", NULL }, /* 24 bits: 16 and 8 more */
    { "&2D0-", NULL }, /* lone high surrogate */
    { "&3gA-", NULL }, /* lone low surrogate */
    { "&2D0AYQ-", NULL },
    { "\xc3\xa4", NULL },
    { "a\tb", NULL },
    { "a\x7f", NULL },
    { "&A/-", NULL }, /* "/" is not in this alphabet */
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf out = buf_make(1000);
        struct guard guard;
        struct bytes text = guard_copy(&guard, bytes_from_string(rows[i].utf7));
        bool good = imap_utf7_decode(&out, text);

        if (good != (rows[i].utf8 != NULL))
            fail_msg("\"%s\"", rows[i].utf7);
        if (good) {
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(rows[i].utf8));
            buf_clear(&out);
            imap_utf7_encode(&out, bytes_from_string(rows[i].utf8));
            ASSERT_BYTES(buf_bytes(&out), text);
        }
        guard_done(&guard);
        buf_done(&out);
    }
}

static uint32_t random_code_point(void)
{
    static const uint32_t limits[] = { 0x80, 0x80, 0x800, 0xd800, 0x110000 };
    uint32_t code_point;

    do
        code_point = (uint32_t)random() % limits[random() % 5];
    while (code_point >= 0xd800 && code_point < 0xe000);
    return code_point;
}

static void test_random_text_comes_back(void **state MAYBE_UNUSED)
{
    unsigned seed = (unsigned)time(NULL);

    print_message("seed %u\n", seed);
    srandom(seed);
    for (int i = 0; i < 20000; i++) {
        struct buf text = buf_make(200);
        struct buf encoded = buf_make(1000);
        struct buf decoded = buf_make(1000);

        for (long left = random() % 20; left > 0; left--) {
            uint8_t utf8[UTF8_BYTES_MAX];

            buf_add(&text, bytes_make(utf8, utf8_encode(random_code_point(), utf8)));
        }
        imap_utf7_encode(&encoded, buf_bytes(&text));
        assert_true(imap_utf7_decode(&decoded, buf_bytes(&encoded)));
        ASSERT_BYTES(buf_bytes(&decoded), buf_bytes(&text));
        buf_done(&text);
        buf_done(&encoded);
        buf_done(&decoded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_random_text_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
