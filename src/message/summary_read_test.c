/* Sections of messages, and summaries that are damaged. */
#include "message/summary.h"

#include "message/message_test.h"

static const struct bytes nested = BYTES(
    "Subject: top\n"
    "Content-Type: multipart/mixed; boundary=b\n\n"
    "--b\n\none\n"
    "--b\nContent-Type: message/rfc822\n\n"
    "Subject: in two\nContent-Type: multipart/x; boundary=c\n\n"
    "--c\nA: 1\n\ntwo-one\n"
    "--c\nContent-Type: message/rfc822\n\nSubject: deep\n\ntwo-two\n--c--\n"
    "--b\nContent-Type: multipart/y; boundary=d\n\n"
    "--d\nContent-Type: a/b; charset=x\nContent-Transfer-Encoding: base64\n\nYQ==\n--d--\n--b--\n");
static const struct bytes single = BYTES("Subject: s\n\nthe body\n");
static const struct bytes forwarded =
    BYTES("Content-Type: message/rfc822\n\nSubject: in\n\nbody\n");

static void encode(struct bytes raw, struct buf *out)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);

    buf_clear(out);
    summary_encode(message_parse(&arena, raw), out);
    arena_done(&arena);
}

static struct bytes range(struct bytes raw, uint64_t offset, uint64_t len)
{
    return bytes_slice(raw, (size_t)offset, (size_t)len);
}

struct section_case {
    const struct bytes *raw;
    uint32_t numbers[6];
    size_t count;
    struct bytes body_start; /* BODY[n] starts so */
    struct bytes mime; /* BODY[n.MIME] */
    struct bytes header; /* BODY[n.HEADER]; NULL when there is none */
    struct bytes text_start;
};

static const struct section_case found[] = {
    { &nested, { 1 }, 1, BYTES("one"), BYTES("\n"), { 0 }, { 0 } },
    { &nested,
      { 2 },
      1,
      BYTES("Subject: in two\n"),
      BYTES("Content-Type: message/rfc822\n\n"),
      BYTES("Subject: in two\nContent-Type: multipart/x; boundary=c\n\n"),
      BYTES("--c\nA: 1") },
    { &nested, { 2, 1 }, 2, BYTES("two-one"), BYTES("A: 1\n\n"), { 0 }, { 0 } },
    { &nested,
      { 2, 2 },
      2,
      BYTES("Subject: deep\n\ntwo-two"),
      BYTES("Content-Type: message/rfc822\n\n"),
      BYTES("Subject: deep\n\n"),
      BYTES("two-two") },
    { &nested, { 2, 2, 1 }, 3, BYTES("two-two"), BYTES("Subject: deep\n\n"), { 0 }, { 0 } },
    { &nested,
      { 3 },
      1,
      BYTES("--d\n"),
      BYTES("Content-Type: multipart/y; boundary=d\n\n"),
      { 0 },
      { 0 } },
    { &nested,
      { 3, 1 },
      2,
      BYTES("YQ=="),
      BYTES("Content-Type: a/b; charset=x\nContent-Transfer-Encoding: base64\n\n"),
      { 0 },
      { 0 } },
    { &single,
      { 0 },
      0,
      BYTES("the body\n"),
      BYTES("Subject: s\n\n"),
      BYTES("Subject: s\n\n"),
      BYTES("the body\n") },
    { &single, { 1 }, 1, BYTES("the body\n"), BYTES("Subject: s\n\n"), { 0 }, { 0 } },
    { &forwarded,
      { 1 },
      1,
      BYTES("Subject: in\n\nbody\n"),
      BYTES("Content-Type: message/rfc822\n\n"),
      BYTES("Subject: in\n\n"),
      BYTES("body\n") },
    { &forwarded, { 1, 1 }, 2, BYTES("body\n"), BYTES("Subject: in\n\n"), { 0 }, { 0 } },
};

static void check_section(const struct section_case *c, const struct summary *s)
{
    struct summary_part part;

    assert_true(summary_part_find(s, c->numbers, c->count, &part));
    struct bytes body = range(*c->raw, part.body_offset, part.body_bytes);
    ASSERT_BYTES(bytes_slice(body, 0, c->body_start.len), c->body_start);
    ASSERT_BYTES(range(*c->raw, part.header_offset, part.header_bytes), c->mime);
    assert_int_equal(part.has_message, c->header.at != NULL);
    if (!part.has_message)
        return;
    ASSERT_BYTES(range(*c->raw, part.message_header_offset, part.message_header_bytes), c->header);
    struct bytes text = range(*c->raw, part.message_text_offset, part.message_text_bytes);
    ASSERT_BYTES(bytes_slice(text, 0, c->text_start.len), c->text_start);
}

static void test_sections(void **state)
{
    struct buf out = buf_make(SUMMARY_BYTES_MAX);
    struct summary s;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(found); i++) {
        encode(*found[i].raw, &out);
        assert_true(summary_decode(buf_bytes(&out), &s));
        check_section(&found[i], &s);
    }
    buf_done(&out);
}

static void test_no_sections(void **state)
{
    static const struct {
        const struct bytes *raw;
        uint32_t numbers[4];
        size_t count;
    } missing[] = {
        { &nested, { 0 }, 1 },          { &nested, { 4 }, 1 },
        { &nested, { 1, 1 }, 2 },       { &nested, { 2, 3 }, 2 },
        { &nested, { 2, 2, 2 }, 3 },    { &nested, { 2, 2, 1, 1 }, 4 },
        { &nested, { 3, 2 }, 2 },       { &nested, { UINT32_MAX }, 1 },
        { &single, { 2 }, 1 },          { &single, { 1, 1 }, 2 },
        { &forwarded, { 2 }, 1 },       { &forwarded, { 1, 2 }, 2 },
        { &forwarded, { 1, 1, 1 }, 3 },
    };
    struct buf out = buf_make(SUMMARY_BYTES_MAX);
    struct summary_part part;
    struct summary s;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(missing); i++) {
        encode(*missing[i].raw, &out);
        assert_true(summary_decode(buf_bytes(&out), &s));
        assert_false(summary_part_find(&s, missing[i].numbers, missing[i].count, &part));
    }
    buf_done(&out);
}

static void test_walk(void **state)
{
    struct buf out = buf_make(SUMMARY_BYTES_MAX);
    struct summary_part part;
    struct summary s;
    size_t position = 0;
    uint32_t count = 0;

    (void)state;
    encode(nested, &out);
    assert_true(summary_decode(buf_bytes(&out), &s));
    for (; summary_part_next(&s, &position, &part); count++) {
        assert_int_equal(part.index, count);
        assert_int_equal(part.has_message, count == 0);
    }
    assert_int_equal(count, s.part_count);
    assert_int_equal(count, 9);
    assert_int_equal(part.encoding, TRANSFER_BASE64);
    ASSERT_BYTES(part.type, BYTES("a"));
    ASSERT_BYTES(part.charset, BYTES("x"));
    buf_done(&out);
}

/* Asks everything; the sanitizers watch. */
static void ask_all(struct bytes encoded)
{
    static const uint32_t numbers[] = { 2, 2, 1 };
    struct summary_part part;
    struct summary s;
    struct bytes id;

    if (!summary_decode(encoded, &s))
        return;
    for (size_t position = 0; summary_part_next(&s, &position, &part);)
        assert_true(part.body_offset + part.body_bytes <= s.message_bytes);
    for (size_t position = 0; summary_reference_next(&s, &position, &id);)
        assert_true(id.len <= encoded.len);
    for (size_t count = 0; count <= ARRAY_COUNT(numbers); count++)
        (void)!summary_part_find(&s, numbers, count, &part);
}

static void test_cut(void **state)
{
    struct buf out = buf_make(SUMMARY_BYTES_MAX);
    struct summary s;

    (void)state;
    encode(nested, &out);
    for (size_t len = 0; len < out.len; len++) {
        struct bytes copy = exact_copy(bytes_slice(buf_bytes(&out), 0, len));
        assert_false(summary_decode(copy, &s));
        exact_free(copy);
    }
    buf_add_byte(&out, 0);
    assert_false(summary_decode(buf_bytes(&out), &s));
    buf_done(&out);
}

/* The encoded summary with other contents in the place of `field`, which is of it. */
static void replace(struct bytes encoded, struct bytes field, struct bytes with, struct buf *out)
{
    struct buf length = buf_make(10);
    size_t at = (size_t)(field.at - encoded.at);

    buf_put_varint(&length, field.len);
    buf_clear(out);
    buf_add(out, bytes_slice(encoded, 0, at - length.len));
    buf_put_bytes(out, with);
    buf_add(out, bytes_from(encoded, at + field.len));
    buf_done(&length);
}

/* Who compares what is kept counts on that there is no more of it. */
static void test_no_more_than_is_kept(void **state)
{
    static const uint8_t key[SUMMARY_KEY_BYTES_MAX + 1];
    struct buf out = buf_make(SUMMARY_BYTES_MAX), other = buf_make(SUMMARY_BYTES_MAX);
    struct buf references = buf_make(SUMMARY_BYTES_MAX);
    struct summary s, read;

    (void)state;
    encode(BYTES("Subject: s\r\nReferences: <a@b>\r\n\r\n"), &out);
    assert_true(summary_decode(buf_bytes(&out), &s));
    for (size_t more = 0; more < 2; more++) {
        replace(buf_bytes(&out), s.subject, bytes_make(key, sizeof(key) - 1 + more), &other);
        assert_int_equal(summary_decode(buf_bytes(&other), &read), more == 0);
        buf_clear(&references);
        for (size_t i = 0; i < SUMMARY_REFERENCES_MAX + more; i++)
            buf_put_bytes(&references, BYTES("c@d"));
        replace(buf_bytes(&out), s.references, buf_bytes(&references), &other);
        assert_int_equal(summary_decode(buf_bytes(&other), &read), more == 0);
        buf_clear(&references);
        buf_put_bytes(&references, bytes_make(key, sizeof(key) - 1 + more));
        replace(buf_bytes(&out), s.references, buf_bytes(&references), &other);
        assert_int_equal(summary_decode(buf_bytes(&other), &read), more == 0);
    }
    buf_done(&references);
    buf_done(&other);
    buf_done(&out);
}

static void test_damaged(void **state)
{
    struct buf out = buf_make(SUMMARY_BYTES_MAX);
    uint32_t seed = 20260101;

    (void)state;
    print_message("seed %u\n", seed);
    encode(nested, &out);
    for (int round = 0; round < 20000; round++) {
        struct bytes copy = exact_copy(buf_bytes(&out));
        uint8_t *at = (uint8_t *)(uintptr_t)copy.at;
        for (int i = 0; i < 3; i++) {
            seed = seed * 1664525 + 1013904223;
            at[seed / 256 % copy.len] = (uint8_t)(seed >> 24);
        }
        ask_all(copy);
        exact_free(copy);
    }
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_no_sections),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_no_more_than_is_kept),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
