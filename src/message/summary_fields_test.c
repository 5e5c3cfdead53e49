/* HEADER.FIELDS from the kept fields. */
#include "message/header.h"
#include "message/summary.h"

#include "message/message_test.h"

static struct summary decoded(struct bytes raw, struct buf *out)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct summary summary;

    buf_clear(out);
    summary_encode(message_parse(&arena, raw), out);
    assert_true(summary_decode(buf_bytes(out), &summary));
    arena_done(&arena);
    return summary;
}

static void test_names(void **state)
{
    (void)state;
    assert_true(summary_keeps_field(BYTES("FROM")));
    assert_true(summary_keeps_field(BYTES("list-anything")));
    assert_false(summary_keeps_field(BYTES("Received")));
    assert_false(summary_keeps_field(BYTES("")));
    assert_false(summary_keeps_field(BYTES("List")));
}

/* The same as from the whole header. */
static void test_answers(void **state)
{
    static const struct bytes raws[] = {
        BYTES("Received: x\r\nTO: a@b\r\nSubject: s\r\n folded\r\njunk\r\nto: c@d\r\n\r\nbody"),
        BYTES("To: a@b\n\nTo: in the body\n"),
        BYTES("To: no empty line\r\n"),
        BYTES("To: no line end"),
        BYTES("\r\nTo: x"),
        BYTES(""),
    };
    static const struct bytes names[] = { BYTES("to"), BYTES("SUBJECT"), BYTES("Cc") };
    struct buf out = buf_make(SUMMARY_BYTES_MAX), got = buf_make(1000), want = buf_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(raws); i++) {
        struct summary s = decoded(raws[i], &out);
        for (size_t count = 0; count <= ARRAY_COUNT(names); count++) {
            buf_clear(&got);
            buf_clear(&want);
            assert_true(summary_header_fields(&s, names, count, &got));
            header_filter(bytes_slice(raws[i], 0, (size_t)s.header_bytes), names, count, false,
                          &want);
            ASSERT_BYTES(buf_bytes(&got), buf_bytes(&want));
        }
    }
    buf_done(&out);
    buf_done(&got);
    buf_done(&want);
}

static void test_refusals(void **state)
{
    static const struct bytes unkept[] = { BYTES("To"), BYTES("X-Unheard-Of") };
    struct buf out = buf_make(SUMMARY_BYTES_MAX), got = buf_make(1000);
    struct buf raw = buf_make(SUMMARY_FIELDS_BYTES_MAX * 2);

    (void)state;
    struct summary s = decoded(BYTES("To: a@b\r\n\r\n"), &out);
    assert_false(summary_header_fields(&s, unkept, 2, &got));
    for (size_t more = 0; more <= 1; more++) {
        buf_clear(&raw);
        buf_add(&raw, BYTES("To: "));
        while (raw.len < SUMMARY_FIELDS_BYTES_MAX - 1 + more)
            buf_add_byte(&raw, 'x');
        buf_add(&raw, BYTES("\n\n"));
        s = decoded(buf_bytes(&raw), &out);
        assert_int_equal(s.has_all_fields, more == 0);
    }
    assert_false(summary_header_fields(&s, unkept, 1, &got));
    assert_true(buf_is_empty(&got));
    buf_done(&raw);
    buf_done(&out);
    buf_done(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
