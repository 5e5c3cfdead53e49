/* Response lines, byte for byte. */
#include "imap/wire/respond.h"

#include "imap/wire/search.h"
#include "kit/assert_bytes.h"

#define CHECK(out, text) check(out, BYTES(text), __LINE__)

static void check(struct buf *out, struct bytes want, int line)
{
    if (!bytes_equal(buf_bytes(out), want))
        print_error("line %d\n", line);
    ASSERT_BYTES(buf_bytes(out), want);
    buf_clear(out);
}

static void test_conditions(void **state MAYBE_UNUSED)
{
    struct buf out = buf_make(1000);

    imap_respond(&out, BYTES("a1"), IMAP_OK, NULL, "Done");
    CHECK(&out, "a1 OK Done\r\n");
    imap_respond(&out, BYTES("a1"), IMAP_NO, "TRYCREATE", "No such mailbox");
    CHECK(&out, "a1 NO [TRYCREATE] No such mailbox\r\n");
    imap_respond(&out, IMAP_UNTAGGED, IMAP_BYE, NULL, "Gone");
    CHECK(&out, "* BYE Gone\r\n");
    imap_respond(&out, BYTES(""), IMAP_BAD, NULL, "a\r\nb");
    CHECK(&out, "* BAD a  b\r\n");
    imap_respond(&out, IMAP_UNTAGGED, IMAP_PREAUTH, NULL, "x");
    CHECK(&out, "* PREAUTH x\r\n");
    imap_respond_code_begin(&out, BYTES("t"), IMAP_OK);
    buf_add_string(&out, "UIDNEXT 5");
    imap_respond_code_end(&out, "Next");
    CHECK(&out, "t OK [UIDNEXT 5] Next\r\n");
    imap_respond_continue(&out, "idling");
    CHECK(&out, "+ idling\r\n");
    imap_respond_challenge(&out, BYTES("foo"));
    CHECK(&out, "+ Zm9v\r\n");
    imap_respond_challenge(&out, BYTES(""));
    CHECK(&out, "+ \r\n");
    imap_respond_number(&out, 23, "EXISTS");
    CHECK(&out, "* 23 EXISTS\r\n");
    buf_done(&out);
}

static void test_complaint(void **state MAYBE_UNUSED)
{
    struct buf out = buf_make(1000);
    struct cursor cur = cursor_make(BYTES("a1 x"));

    assert_int_equal(imap_respond_complaint(&out, BYTES("a1"), &cur), IMAP_BAD);
    CHECK(&out, "a1 BAD Command not understood\r\n");
    (void)cursor_fail_at(&cur, 3, "a number");
    assert_int_equal(imap_respond_complaint(&out, BYTES("a1"), &cur), IMAP_BAD);
    CHECK(&out, "a1 BAD Expected a number at byte 4\r\n");
    (void)cursor_exceed(&cur, 7, "letters in one word");
    assert_int_equal(imap_respond_complaint(&out, BYTES("a1"), &cur), IMAP_NO);
    CHECK(&out, "a1 NO [LIMIT] At most 7 letters in one word\r\n");
    cur = cursor_make(BYTES("a1 x"));
    (void)cursor_exceed(&cur, 0, "Too much");
    assert_int_equal(imap_respond_complaint(&out, BYTES("a1"), &cur), IMAP_NO);
    CHECK(&out, "a1 NO [LIMIT] Too much\r\n");
    buf_done(&out);
}

static void test_codes_and_literals(void **state MAYBE_UNUSED)
{
    static const struct imap_range from[] = { { 304, 304 }, { 319, 320 } };
    static const struct imap_range to[] = { { 3956, 3958 } };
    struct imap_seqset from_set = { .ranges = from, .count = 2 };
    struct imap_seqset to_set = { .ranges = to, .count = 1 };
    struct buf out = buf_make(1000);

    imap_copyuid_print(&out, 38505, &from_set, &to_set);
    CHECK(&out, "COPYUID 38505 304,319:320 3956:3958");
    imap_appenduid_print(&out, 38505, &to_set);
    CHECK(&out, "APPENDUID 38505 3956:3958");
    imap_literal_print(&out, BYTES("a\r\n"), false);
    CHECK(&out, "{3}\r\na\r\n");
    imap_literal_print(&out, BYTES(""), true);
    CHECK(&out, "~{0}\r\n");
    imap_literal_announce(&out, 5000000000, false);
    CHECK(&out, "{5000000000}\r\n");
    buf_done(&out);
}

static void test_search(void **state MAYBE_UNUSED)
{
    static const struct imap_range ranges[] = { { 2, 2 }, { 4, 6 }, { UINT32_MAX, UINT32_MAX } };
    struct imap_seqset none = { .count = 0 };
    struct imap_seqset set = { .ranges = ranges, .count = 3 };
    struct buf out = buf_make(1000);

    imap_search_print(&out, &set, 0);
    CHECK(&out, "* SEARCH 2 4 5 6 4294967295\r\n");
    imap_search_print(&out, &set, 917162500);
    CHECK(&out, "* SEARCH 2 4 5 6 4294967295 (MODSEQ 917162500)\r\n");
    imap_search_print(&out, &none, 917162500);
    CHECK(&out, "* SEARCH\r\n");
    buf_done(&out);
}

static void test_esearch(void **state MAYBE_UNUSED)
{
    static const struct imap_range ranges[] = { { 2, 2 }, { 10, 15 } };
    struct imap_seqset set = { .ranges = ranges, .count = 2 };
    struct imap_seqset none = { .count = 0 };
    struct imap_esearch result = { .tag = BYTES("A1"),
                                   .returns = IMAP_RETURN_MIN | IMAP_RETURN_MAX | IMAP_RETURN_ALL |
                                              IMAP_RETURN_COUNT | IMAP_RETURN_SAVE,
                                   .min = 2,
                                   .max = 15,
                                   .count = 7,
                                   .all = &set };
    struct buf out = buf_make(1000);

    imap_esearch_print(&out, &result);
    CHECK(&out, "* ESEARCH (TAG \"A1\") MIN 2 MAX 15 ALL 2,10:15 COUNT 7\r\n");
    result.uid = true;
    result.returns = IMAP_RETURN_COUNT;
    result.modseq = 5;
    imap_esearch_print(&out, &result);
    CHECK(&out, "* ESEARCH (TAG \"A1\") UID COUNT 7 MODSEQ 5\r\n");
    result = (struct imap_esearch){ .tag = BYTES("A1"), .all = &none, .returns = 15 };
    imap_esearch_print(&out, &result);
    CHECK(&out, "* ESEARCH (TAG \"A1\") COUNT 0\r\n");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_complaint),
        cmocka_unit_test(test_codes_and_literals),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_esearch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
