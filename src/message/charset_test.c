/* Charset conversion: every row opens, every split gives the same. */
#include "message/charset.h"

#include "base/utf8.h"
#include "message/charset_table.h"
#include "message/message_test.h"

static void test_all_open(void **state)
{
    (void)state;
    assert_int_equal(charset_open_all(), 0);
    assert_int_equal(charset_open_all(), 0);
    charset_close_all();
}

static void test_find(void **state)
{
    (void)state;
    ASSERT_BYTES(charset_name(charset_find(BYTES("UTF8"))), BYTES("utf-8"));
    ASSERT_BYTES(charset_name(charset_find(BYTES(" Latin1 "))), BYTES("iso-8859-1"));
    ASSERT_BYTES(charset_name(charset_find(BYTES("GB2312"))), BYTES("gb18030"));
    ASSERT_BYTES(charset_name(charset_find(BYTES(""))), BYTES("us-ascii"));
    ASSERT_BYTES(charset_name(charset_unlabelled()), BYTES("unknown-8bit"));
    assert_null(charset_find(BYTES("x-no-such")));
    assert_null(charset_find(BYTES("utf-8 utf8")));
    assert_null(charset_find(BYTES("utf")));
}

/* Names that RFCs and their like gave one charset, and those that mailers made of them. */
static void test_aliases(void **state)
{
    static const struct {
        struct bytes name;
        struct bytes alias;
    } cases[] = {
        { BYTES("us-ascii"), BYTES("ANSI_X3.4-1968") },
        { BYTES("us-ascii"), BYTES("csASCII") },
        { BYTES("iso-8859-1"), BYTES("ISO_8859-1:1987") },
        { BYTES("iso-8859-1"), BYTES("iso8859-1") },
        { BYTES("iso-8859-2"), BYTES("ISO_8859-2") },
        { BYTES("iso-8859-8"), BYTES("iso-8859-8-i") },
        { BYTES("iso-8859-15"), BYTES("Latin-9") },
        { BYTES("windows-1252"), BYTES("x-cp1252") },
        { BYTES("windows-1251"), BYTES("cp-1251") },
        { BYTES("koi8-r"), BYTES("csKOI8R") },
        { BYTES("iso-2022-jp"), BYTES("csISO2022JP") },
        { BYTES("iso-2022-jp-2"), BYTES("ISO-2022-JP-1") },
        { BYTES("euc-jp"), BYTES("x-euc-jp") },
        { BYTES("shift_jis"), BYTES("MS_Kanji") },
        { BYTES("shift_jis"), BYTES("Windows-31J") },
        { BYTES("euc-kr"), BYTES("KS_C_5601-1987") },
        { BYTES("gb18030"), BYTES("CN-GB") },
        { BYTES("gb18030"), BYTES("euc-cn") },
        { BYTES("big5"), BYTES("cn-big5") },
        { BYTES("utf-7"), BYTES("UNICODE-1-1-UTF-7") },
        { BYTES("utf-8"), BYTES("UNICODE-1-1-UTF-8") },
        { BYTES("utf-16"), BYTES("ISO-10646-UCS-2") },
        { BYTES("viscii"), BYTES("csVISCII") },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct charset *found = charset_find(cases[i].alias);
        assert_non_null(found);
        ASSERT_BYTES(charset_name(found), cases[i].name);
    }
}

static void convert_in_steps(struct bytes charset, struct bytes in, size_t step, struct buf *out)
{
    struct charset_reader reader;

    buf_clear(out);
    charset_reader_init(&reader, charset_find(charset));
    for (; in.len > 0; in = bytes_from(in, step)) {
        struct bytes piece = exact_copy(bytes_slice(in, 0, step));
        charset_reader_feed(&reader, piece, out);
        assert_true(utf8_is_valid(buf_bytes(out)));
        exact_free(piece);
    }
    charset_reader_finish(&reader, out);
    charset_reader_done(&reader);
}

static void test_convert(void **state)
{
    static const struct {
        struct bytes charset;
        struct bytes in;
        struct bytes utf8;
    } cases[] = {
        { BYTES("utf-8"), BYTES("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
          BYTES("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") },
        { BYTES("utf-8"),
          BYTES("\xff"
                "a\xc3"),
          BYTES("\xef\xbf\xbd"
                "a\xef\xbf\xbd") },
        { BYTES("utf-8"),
          BYTES("\xe2\x82"
                "a"),
          BYTES("\xef\xbf\xbd\xef\xbf\xbd"
                "a") },
        { BYTES("utf-8"), BYTES("\xe2\xc3\xa9"), BYTES("\xef\xbf\xbd\xc3\xa9") },
        { BYTES("utf-8"), BYTES("\xed\xa0\x80"), BYTES("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") },
        { BYTES("us-ascii"), BYTES("a\xe9"), BYTES("a\xef\xbf\xbd") },
        { BYTES("iso-8859-1"), BYTES("\xe9\x80"), BYTES("\xc3\xa9\xe2\x82\xac") },
        { BYTES("windows-1252"), BYTES("\x93x\x94"), BYTES("\xe2\x80\x9cx\xe2\x80\x9d") },
        { BYTES("no-such"), BYTES("\xc3\xa9 \xe9"), BYTES("\xc3\xa9 \xc3\xa9") },
        { BYTES("iso-8859-2"), BYTES("\xb1"), BYTES("\xc4\x85") },
        { BYTES("windows-1251"), BYTES("\xcf\xf0"), BYTES("\xd0\x9f\xd1\x80") },
        { BYTES("shift_jis"), BYTES("\x82\xb1"), BYTES("\xe3\x81\x93") },
        { BYTES("euc-kr"), BYTES("\xb0\xa1"), BYTES("\xea\xb0\x80") },
        { BYTES("big5"), BYTES("\xa7\x41"), BYTES("\xe4\xbd\xa0") },
        { BYTES("big5"), BYTES("\xa7"), BYTES("\xef\xbf\xbd") },
        { BYTES("iso-2022-jp"), BYTES("a\x1b$B$3\x1b(Bb"),
          BYTES("a\xe3\x81\x93"
                "b") },
        { BYTES("utf-16"),
          BYTES("\xff\xfe"
                "a\0"),
          BYTES("a") },
        { BYTES("utf-16be"), BYTES("\0a\x20\xac"), BYTES("a\xe2\x82\xac") },
        { BYTES("utf-7"), BYTES("+IKw-x"), BYTES("\xe2\x82\xacx") },
        { BYTES("utf-7"), BYTES("+twregtw"), BYTES("\xeb\x9c\x8a\xef\xbf\xbd\xef\xbf\xbd") },
    };
    struct buf out = buf_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t step = 1; step <= 12; step++) {
            convert_in_steps(cases[i].charset, cases[i].in, step, &out);
            ASSERT_BYTES(buf_bytes(&out), cases[i].utf8);
        }
    }
    buf_done(&out);
}

/* What is no text of its charset, or not all of one. */
static void test_valid(void **state)
{
    static const struct {
        struct bytes charset;
        struct bytes in;
        bool valid;
    } cases[] = {
        { BYTES("utf-8"), BYTES("\xc3\xa9"), true },
        { BYTES("utf-8"), BYTES("\xc3"), false },
        { BYTES("us-ascii"), BYTES("abc"), true },
        { BYTES("us-ascii"), BYTES("abcdefghi\xe9"), false },
        { BYTES("iso-8859-1"), BYTES("\x80\xe9"), true },
        { BYTES("iso-8859-7"), BYTES("\xe1"), true },
        { BYTES("iso-8859-7"), BYTES("\xff"), false },
        { BYTES("shift_jis"), BYTES("\x82\xb1"), true },
        { BYTES("shift_jis"), BYTES("\x82"), false },
        { BYTES("gb18030"), BYTES("\xff\xff"), false },
        { BYTES("big5"), BYTES(""), true },
    };
    uint8_t many[3000];

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(charset_is_valid(charset_find(cases[i].charset), cases[i].in),
                         cases[i].valid);
    memset(many, 0xE1, sizeof many);
    assert_true(charset_is_valid(charset_find(BYTES("koi8-r")), bytes_make(many, sizeof many)));
}

static void test_names(void **state)
{
    struct buf names = buf_make(2000);

    (void)state;
    assert_true(charset_holds_ascii(charset_find(BYTES("iso-2022-jp"))));
    assert_true(charset_holds_ascii(charset_find(BYTES("utf-7"))));
    assert_false(charset_holds_ascii(charset_find(BYTES("utf-16"))));
    assert_false(charset_holds_ascii(charset_find(BYTES("utf-32le"))));
    charset_names_print(&names);
    assert_true(bytes_starts_with(buf_bytes(&names), BYTES("utf-8 us-ascii iso-8859-1 ")));
    assert_true(bytes_find(buf_bytes(&names), 0, BYTES(" koi8-r ")) < names.len);
    assert_true(bytes_find(buf_bytes(&names), 0, BYTES("utf-16")) == names.len);
    buf_done(&names);
}

/* No converter hangs, fails or leaves what is not UTF-8, whatever the bytes. */
static void test_all_bytes(void **state)
{
    struct buf out = buf_make(100000);
    uint8_t in[1024];
    uint32_t seed = 12345;

    (void)state;
    for (size_t row = 0; row < charset_row_count; row++) {
        for (size_t i = 0; i < sizeof in; i++) {
            seed = seed * 1664525 + 1013904223;
            in[i] = (uint8_t)(i < 512 ? i : seed >> 24);
        }
        convert_in_steps(charset_name(&charset_rows[row]), bytes_make(in, sizeof in), 7, &out);
        assert_true(utf8_is_valid(buf_bytes(&out)));
        assert_false(out.overflowed);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_open),  cmocka_unit_test(test_find),
        cmocka_unit_test(test_aliases),   cmocka_unit_test(test_convert),
        cmocka_unit_test(test_valid),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_all_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
