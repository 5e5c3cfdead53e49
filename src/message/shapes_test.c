/* Whole messages of hard shapes, at the limits that mail is read with and one past them, from
 * header to summary. RFC 2046 s5.1.1, s5.2.1; RFC 5322 s2.1; RFC 9051 s6.4.5.1. */
#include "message/header.h"
#include "message/message_test.h"
#include "message/summary.h"

enum { RAW_BYTES_MAX = 8 * 1024 * 1024 };

static const struct message *parse(struct arena *arena, const struct buf *raw)
{
    return message_parse(arena, buf_bytes(raw));
}

/* The summary of it, which must fit. */
static struct summary summarize(const struct message *message, struct buf *out)
{
    struct summary summary;

    summary_encode(message, out);
    assert_false(out->overflowed);
    assert_true(summary_decode(buf_bytes(out), &summary));
    return summary;
}

static void add_parts(struct buf *raw, unsigned count)
{
    buf_add(raw, BYTES("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (unsigned i = 1; i <= count; i++)
        buf_add_format(raw, "--b\r\n\r\npart %u\r\n", i);
    buf_add(raw, BYTES("--b--\r\n"));
}

static void check_parts(unsigned count, bool is_within)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct buf raw = buf_make(RAW_BYTES_MAX), out = buf_make(SUMMARY_BYTES_MAX);
    uint32_t last = MESSAGE_PARTS_MAX - 1, behind = MESSAGE_PARTS_MAX;
    struct summary_part part;

    add_parts(&raw, count);
    const struct message *message = parse(&arena, &raw);
    assert_int_equal(message->part_count, MESSAGE_PARTS_MAX);
    assert_int_equal(message->has_limited, !is_within);
    struct summary summary = summarize(message, &out);
    assert_true(summary_part_find(&summary, &last, 1, &part));
    struct bytes body = bytes_slice(buf_bytes(&raw), (size_t)part.body_offset, 9);
    ASSERT_BYTES(body, BYTES("part 9999"));
    /* What is beyond the limit is not lost: the last part holds it. */
    assert_int_equal(part.body_bytes == 9, is_within);
    assert_false(summary_part_find(&summary, &behind, 1, &part));
    buf_done(&raw);
    buf_done(&out);
    arena_done(&arena);
}

static void test_many_parts(void **state)
{
    (void)state;
    check_parts(MESSAGE_PARTS_MAX - 1, true); /* and the multipart itself */
    check_parts(MESSAGE_PARTS_MAX, false);
}

/* A header of `header_bytes`, its empty line included, and a body. */
static void check_header(size_t header_bytes, bool is_within)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct buf raw = buf_make(RAW_BYTES_MAX), out = buf_make(SUMMARY_BYTES_MAX);

    buf_add(&raw, BYTES("Subject: large\r\nX-Large: x"));
    while (raw.len < header_bytes - 4)
        buf_add_byte(&raw, raw.len % 70 == 0 && raw.len < header_bytes - 7 ? ' ' : 'x');
    buf_add(&raw, BYTES("\r\n\r\nthe body\r\n"));
    const struct message *message = parse(&arena, &raw);
    assert_int_equal(message->parts[0].header_bytes, header_bytes);
    assert_int_equal(message->parts[0].header_cut, !is_within);
    assert_int_equal(header_has_end(message->parts[0].header), is_within);
    assert_int_equal(message->parts[0].body_bytes, 10);
    struct summary summary = summarize(message, &out);
    assert_int_equal(summary.has_all_fields, is_within);
    ASSERT_BYTES(summary.subject, BYTES("LARGE"));
    ASSERT_BYTES(summary.preview, BYTES("the body"));
    buf_done(&raw);
    buf_done(&out);
    arena_done(&arena);
}

static void test_long_header(void **state)
{
    (void)state;
    check_header(MESSAGE_HEADER_BYTES_MAX, true);
    check_header(MESSAGE_HEADER_BYTES_MAX + 1, false);
}

/* `depth` messages in one another: the innermost is found by a section of as many numbers. */
static void check_nested(uint32_t depth, bool is_within)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct buf raw = buf_make(RAW_BYTES_MAX), out = buf_make(SUMMARY_BYTES_MAX);
    uint32_t numbers[MESSAGE_DEPTH_MAX + 1];
    struct summary_part part;

    for (uint32_t i = 0; i < depth; i++) {
        buf_add(&raw, BYTES("Content-Type: message/rfc822\r\n\r\n"));
        numbers[i] = 1;
    }
    buf_add(&raw, BYTES("Subject: innermost\r\n\r\ntext\r\n"));
    struct summary summary = summarize(parse(&arena, &raw), &out);
    numbers[depth] = 1;
    assert_int_equal(summary_part_find(&summary, numbers, depth + 1, &part), is_within);
    if (is_within)
        ASSERT_BYTES(bytes_slice(buf_bytes(&raw), (size_t)part.body_offset, 4), BYTES("text"));
    assert_true(summary_part_find(&summary, numbers, depth, &part));
    ASSERT_BYTES(part.type, is_within ? BYTES("message") : BYTES("application"));
    buf_done(&raw);
    buf_done(&out);
    arena_done(&arena);
}

static void test_nested_messages(void **state)
{
    (void)state;
    check_nested(1, true);
    check_nested(MESSAGE_DEPTH_MAX - 1, true);
    check_nested(MESSAGE_DEPTH_MAX, false);
}

/* Bytes that mail should not hold: each is kept where it stands, and none ends a line but LF. */
static void test_wild_bytes(void **state)
{
    static const struct bytes raw = BYTES(
        "Subject: a\rb\0c\x7f\r\nX-A: \xff\xfe\n\r\nNUL \0, CR \r, LF \n, DEL \x7f, \x80\r\n");
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    struct buf out = buf_make(SUMMARY_BYTES_MAX);
    struct header_field field;

    (void)state;
    const struct message *message = message_parse(&arena, raw);
    assert_int_equal(message->part_count, 1);
    assert_int_equal(message->parts[0].body_lines, 2);
    assert_int_equal(message->parts[0].body_bytes, 29);
    assert_true(header_find(message->parts[0].header, BYTES("x-a"), &field));
    ASSERT_BYTES(field.value, BYTES("\xff\xfe"));
    struct summary summary = summarize(message, &out);
    assert_true(bytes_starts_with(summary.envelope, BYTES("(NIL {6}\r\na b\x80"
                                                          "c\x7f ")));
    buf_done(&out);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_parts),
        cmocka_unit_test(test_long_header),
        cmocka_unit_test(test_nested_messages),
        cmocka_unit_test(test_wild_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
