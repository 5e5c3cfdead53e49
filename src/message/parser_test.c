/* The structure of messages, fed in every way. RFC 9051 s9. */
#include "message/parser.h"

#include "message/message_test.h"

/* One line a part: depth, kind, type, parent, header and body ranges, lines. */
static void describe(const struct message *message, struct buf *out)
{
    for (uint32_t i = 0; i < message->part_count; i++) {
        const struct message_part *part = &message->parts[i];
        assert_int_equal(part->body_offset, part->header_offset + part->header_bytes);
        buf_add_format(out, "%u%c %.*s/%.*s %d h%u+%u b+%u l%u\n", part->depth, "LMR"[part->kind],
                       BYTES_ARG(part->type), BYTES_ARG(part->subtype), (int)part -> parent,
                       (unsigned)part -> header_offset, (unsigned)part -> header_bytes,
                       (unsigned)part -> body_bytes, (unsigned)part -> body_lines);
    }
}

static void check_structure(struct bytes raw, struct bytes want)
{
    static const size_t steps[] = { 1, 2, 3, 7, 64, 100000 };
    struct bytes copy = exact_copy(raw);

    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
        struct buf out = buf_make(100000);
        describe(parse_in_steps(&arena, copy, steps[i]), &out);
        ASSERT_BYTES(buf_bytes(&out), want);
        buf_done(&out);
        arena_done(&arena);
    }
    exact_free(copy);
}

static void test_single(void **state)
{
    static const struct {
        struct bytes raw;
        struct bytes want;
    } cases[] = {
        { BYTES(""), BYTES("1L text/plain -1 h0+0 b+0 l0\n") },
        { BYTES("\r\n"), BYTES("1L text/plain -1 h0+2 b+0 l0\n") },
        { BYTES("\n"), BYTES("1L text/plain -1 h0+1 b+0 l0\n") },
        { BYTES("\nbody"), BYTES("1L text/plain -1 h0+1 b+4 l0\n") },
        { BYTES("A: b\r\n\r\none\r\ntwo\r\n"), BYTES("1L text/plain -1 h0+8 b+10 l2\n") },
        { BYTES("A: b\n\none\ntwo"), BYTES("1L text/plain -1 h0+6 b+7 l1\n") },
        { BYTES("A: b"), BYTES("1L text/plain -1 h0+4 b+0 l0\n") },
        { BYTES("A: b\r\n\r"), BYTES("1L text/plain -1 h0+7 b+0 l0\n") },
        { BYTES("A: b\r\r\n\r\nx"), BYTES("1L text/plain -1 h0+9 b+1 l0\n") },
        { BYTES("A: b\r\n\r\r\nx\r\n"), BYTES("1L text/plain -1 h0+12 b+0 l0\n") },
        { BYTES("A: b\rB: c\r\rbody"), BYTES("1L text/plain -1 h0+15 b+0 l0\n") },
        { BYTES("\0\0\n\0\n\n\0"), BYTES("1L text/plain -1 h0+6 b+1 l0\n") },
        { BYTES("Content-Type: text\n\n"), BYTES("1L text/plain -1 h0+20 b+0 l0\n") },
        { BYTES("Content-Type: IMAGE/Png\nContent-Type: a/b\n\n"),
          BYTES("1L IMAGE/Png -1 h0+43 b+0 l0\n") },
        { BYTES("Content-Type: multipart/mixed\n\n--x\n\nx\n"),
          BYTES("1L text/plain -1 h0+31 b+7 l3\n") },
        { BYTES("Content-Type: multipart/mixed; boundary=\"  \"\n\n--\n\nx\n"),
          BYTES("1L text/plain -1 h0+46 b+6 l3\n") },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        check_structure(cases[i].raw, cases[i].want);
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n" /* 45 bytes */

static void test_multipart(void **state)
{
    static const struct {
        struct bytes raw;
        struct bytes want;
    } cases[] = {
        /* no boundary: what there is is the part */
        { BYTES(MIXED), BYTES("1M multipart/mixed -1 h0+45 b+0 l0\n"
                              "2L text/plain 0 h45+0 b+0 l0\n") },
        { BYTES(MIXED "preamble only\r\n"), BYTES("1M multipart/mixed -1 h0+45 b+15 l1\n"
                                                  "2L text/plain 0 h45+0 b+15 l1\n") },
        { BYTES(MIXED "x\r\n--b--\r\ny"), BYTES("1M multipart/mixed -1 h0+45 b+11 l2\n"
                                                "2L text/plain 0 h45+0 b+11 l2\n") },
        { BYTES(MIXED "--b\r\n\r\none\r\n--b--\r\n"), BYTES("1M multipart/mixed -1 h0+45 b+19 l4\n"
                                                            "2L text/plain 0 h50+2 b+3 l0\n") },
        { BYTES(MIXED "pre\r\n--b\r\n\r\none\r\n\r\n--b\r\nA: b\r\n\r\n--b--\r\nepi\r\n"),
          BYTES("1M multipart/mixed -1 h0+45 b+44 l10\n"
                "2L text/plain 0 h55+2 b+5 l1\n"
                "2L text/plain 0 h69+8 b+0 l0\n") },
        { BYTES(MIXED "--b\r\nA: b\r\n--b\r\n--b--"), /* no empty line at all */
          BYTES("1M multipart/mixed -1 h0+45 b+21 l3\n"
                "2L text/plain 0 h50+6 b+0 l0\n"
                "2L text/plain 0 h61+0 b+0 l0\n") },
        { BYTES(MIXED "--b\r\n\r\nno end"), BYTES("1M multipart/mixed -1 h0+45 b+13 l2\n"
                                                  "2L text/plain 0 h50+2 b+6 l0\n") },
        { BYTES(MIXED
                "--b \t\r\n\r\nx\r\n--b-- \r\n--b\r\n\r\ny"), /* blanks; nothing behind the end */
          BYTES("1M multipart/mixed -1 h0+45 b+28 l6\n"
                "2L text/plain 0 h52+2 b+1 l0\n") },
        { BYTES(MIXED "--b\r\n\r\n --b\r\n-b\r\n-- b\r\n---b\r\n"),
          BYTES("1M multipart/mixed -1 h0+45 b+29 l6\n"
                "2L text/plain 0 h50+2 b+22 l4\n") },
        { BYTES(MIXED "--b\n\nlf\n--b--\n"), BYTES("1M multipart/mixed -1 h0+45 b+14 l4\n"
                                                   "2L text/plain 0 h49+1 b+2 l0\n") },
        { BYTES(MIXED "--b\r\n\r\ncr\r--b\r\n"), /* a bare CR ends no line */
          BYTES("1M multipart/mixed -1 h0+45 b+15 l3\n"
                "2L text/plain 0 h50+2 b+8 l1\n") },
        { BYTES(MIXED "--b"), BYTES("1M multipart/mixed -1 h0+45 b+3 l0\n"
                                    "2L text/plain 0 h48+0 b+0 l0\n") },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        check_structure(cases[i].raw, cases[i].want);
}

static void test_nested(void **state)
{
    static const struct {
        struct bytes raw;
        struct bytes want;
    } cases[] = {
        /* an inner boundary that the outer one is the beginning of */
        { BYTES(MIXED "--b\r\nContent-Type: multipart/x; boundary=bb\r\n\r\n"
                      "--bb\r\n\r\n1\r\n--bb--\r\n--b\r\n\r\n2\r\n--b--\r\n"),
          BYTES("1M multipart/mixed -1 h0+45 b+83 l11\n"
                "2M multipart/x 0 h50+42 b+17 l3\n"
                "3L text/plain 1 h98+2 b+1 l0\n"
                "2L text/plain 0 h116+2 b+1 l0\n") },
        /* and the other way round: the longer one is meant */
        { BYTES("Content-Type: multipart/x; boundary=bb\n\n--bb\n"
                "Content-Type: multipart/y; boundary=b\n\n--b\n\n1\n--bb\n\n2\n--bb--\n"),
          BYTES("1M multipart/x -1 h0+40 b+66 l10\n"
                "2M multipart/y 0 h45+39 b+6 l2\n"
                "3L text/plain 1 h88+1 b+1 l0\n"
                "2L text/plain 0 h96+1 b+1 l0\n") },
        /* the outer boundary ends inner parts that are open, headers included */
        { BYTES(MIXED
                "--b\r\nContent-Type: multipart/x; boundary=c\r\n\r\n--c\r\nA: b\r\n--b--\r\n"),
          BYTES("1M multipart/mixed -1 h0+45 b+64 l6\n"
                "2M multipart/x 0 h50+41 b+11 l2\n"
                "3L text/plain 1 h96+6 b+0 l0\n") },
        { BYTES("Content-Type: message/rfc822\n\nSubject: x\n\nbody\n"),
          BYTES("1R message/rfc822 -1 h0+30 b+17 l3\n"
                "2L text/plain 0 h30+12 b+5 l1\n") },
        { BYTES("Content-Type: message/global\n\n"), BYTES("1R message/global -1 h0+30 b+0 l0\n"
                                                           "2L text/plain 0 h30+0 b+0 l0\n") },
        { BYTES(MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nc\r\n--b--\r\n"),
          BYTES("1M multipart/mixed -1 h0+45 b+55 l7\n"
                "2R message/rfc822 0 h50+32 b+9 l2\n"
                "3L text/plain 1 h82+8 b+1 l0\n") },
        { BYTES("Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: "
                "b\n\nc\n--b\nContent-Type: a/b\n\n--b--"),
          BYTES("1M multipart/digest -1 h0+44 b+41 l8\n"
                "2R message/rfc822 0 h48+1 b+7 l2\n"
                "3L text/plain 1 h49+6 b+1 l0\n"
                "2L a/b 0 h61+19 b+0 l0\n") },
        /* the same boundary inside and outside: the innermost takes it */
        { BYTES(MIXED "--b\r\nContent-Type: multipart/x; boundary=b\r\n\r\n--b--\r\n--b--\r\n"),
          BYTES("1M multipart/mixed -1 h0+45 b+60 l5\n"
                "2M multipart/x 0 h50+41 b+5 l0\n"
                "3L text/plain 1 h91+0 b+5 l0\n") },
        { BYTES("Content-Type: multipart/x; boundary*=utf-8''b%2Db\n\n--b-b\n\nx\n--b-b--\n"),
          BYTES("1M multipart/x -1 h0+51 b+17 l4\n"
                "2L text/plain 0 h57+1 b+1 l0\n") },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        check_structure(cases[i].raw, cases[i].want);
}

/* ---- limits ---- */

static const struct message *parse_limited(struct arena *arena, struct bytes raw,
                                           struct message_limits limits)
{
    struct message_parser *parser = message_parser_new(arena, &limits);
    message_parser_feed(parser, raw);
    return message_parser_finish(parser);
}

static void test_parts_limit(void **state)
{
    struct bytes raw = BYTES(MIXED "--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b\r\n\r\n3\r\n--b--\r\n");
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);

    (void)state;
    const struct message *all = parse_limited(&arena, raw, (struct message_limits){ 1000, 10, 4 });
    assert_int_equal(all->part_count, 4);
    assert_false(all->has_limited);
    const struct message *cut = parse_limited(&arena, raw, (struct message_limits){ 1000, 10, 3 });
    assert_int_equal(cut->part_count, 3);
    assert_true(cut->has_limited);
    /* the last one has all that is left, up to the end of the multipart */
    assert_int_equal(cut->parts[2].body_bytes, sizeof "2\r\n--b\r\n\r\n3" - 1);
    const struct message *one = parse_limited(&arena, raw, (struct message_limits){ 1000, 10, 1 });
    assert_int_equal(one->part_count, 1);
    assert_int_equal(one->parts[0].kind, MESSAGE_PART_LEAF);
    ASSERT_BYTES(one->parts[0].subtype, BYTES("octet-stream"));
    arena_done(&arena);
}

static void test_depth_limit(void **state)
{
    struct bytes raw =
        BYTES("Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nA: b\n\n");
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);

    (void)state;
    const struct message *all = parse_limited(&arena, raw, (struct message_limits){ 1000, 3, 10 });
    assert_int_equal(all->part_count, 3);
    assert_false(all->has_limited);
    const struct message *cut = parse_limited(&arena, raw, (struct message_limits){ 1000, 2, 10 });
    assert_int_equal(cut->part_count, 2);
    assert_true(cut->has_limited);
    assert_int_equal(cut->parts[1].kind, MESSAGE_PART_LEAF);
    ASSERT_BYTES(cut->parts[1].type, BYTES("application"));
    arena_done(&arena);
}

static void test_header_limit(void **state)
{
    struct bytes raw = BYTES("Aaaa: b\nBbbb: c\n\nbody");
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);

    (void)state;
    const struct message *all = parse_limited(&arena, raw, (struct message_limits){ 17, 10, 10 });
    assert_false(all->has_limited);
    assert_int_equal(all->parts[0].header.len, 17);
    const struct message *cut = parse_limited(&arena, raw, (struct message_limits){ 16, 10, 10 });
    assert_true(cut->has_limited);
    assert_true(cut->parts[0].header_cut);
    assert_int_equal(cut->parts[0].header.len, 16);
    assert_int_equal(cut->parts[0].header_bytes, 17);
    assert_int_equal(cut->parts[0].body_bytes, 4);
    arena_done(&arena);
}

static void test_boundary_limit(void **state)
{
    struct buf raw = buf_make(10000), long_boundary = buf_make(10000);
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);

    (void)state;
    for (int i = 0; i < MESSAGE_BOUNDARY_MAX + 1; i++)
        buf_add_byte(&long_boundary, 'b');
    buf_add(&raw, BYTES("Content-Type: multipart/x; boundary="));
    buf_add(&raw, buf_bytes(&long_boundary));
    buf_add(&raw, BYTES("\n\n--"));
    buf_add(&raw, buf_bytes(&long_boundary));
    buf_add(&raw, BYTES("\n\nx\n"));
    for (size_t step = 1; step < 1000; step += 150)
        assert_int_equal(parse_in_steps(&arena, buf_bytes(&raw), step)->part_count, 2);
    buf_done(&raw);
    buf_done(&long_boundary);
    arena_done(&arena);
}

/* Whatever the budget, an answer, and never a part beyond what was fed. */
static void test_small_budget(void **state)
{
    struct buf raw = buf_make(1000 * 1000);

    (void)state;
    buf_add(&raw, BYTES(MIXED));
    for (int i = 0; i < 5000; i++)
        buf_add(&raw, BYTES("--b\r\nContent-Type: text/plain; a=b; c=d\r\n\r\nx\r\n"));
    for (size_t budget = MESSAGE_ARENA_BUDGET_MIN; budget < 2 * 1000 * 1000; budget += 50000) {
        struct arena arena = arena_make(budget);
        const struct message *message = message_parse(&arena, buf_bytes(&raw));
        assert_true(message->part_count >= 1 && message->part_count < 5001);
        assert_true(message->has_limited);
        assert_int_equal(message->bytes, raw.len);
        arena_done(&arena);
    }
    buf_done(&raw);
}

static void test_samples(void **state)
{
    struct bytes raw = BYTES(MIXED "--b\r\nContent-Disposition: attachment\r\n\r\nno\r\n"
                                   "--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n"
                                   "--b\r\n\r\nyes\r\n--\r\n"
                                   "--b\r\n\r\nlater\r\n--b--\r\n");

    (void)state;
    for (size_t step = 1; step < 20; step++) {
        struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
        const struct message *message = parse_in_steps(&arena, raw, step);
        assert_int_equal(message->plain.part, 3);
        ASSERT_BYTES(message->plain.raw, BYTES("yes\r\n--"));
        assert_int_equal(message->html.part, 2);
        ASSERT_BYTES(message->html.raw, BYTES("<p>"));
        arena_done(&arena);
    }
}

static void test_sample_limit(void **state)
{
    struct buf raw = buf_make(MESSAGE_PLAIN_SAMPLE_MAX * 2);
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);

    (void)state;
    buf_add_byte(&raw, '\n');
    for (int i = 0; i < MESSAGE_PLAIN_SAMPLE_MAX + 10; i++)
        buf_add_byte(&raw, i % 50 == 0 ? '\n' : 'x');
    assert_int_equal(parse_in_steps(&arena, buf_bytes(&raw), 333)->plain.raw.len,
                     MESSAGE_PLAIN_SAMPLE_MAX);
    buf_done(&raw);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),         cmocka_unit_test(test_multipart),
        cmocka_unit_test(test_nested),         cmocka_unit_test(test_parts_limit),
        cmocka_unit_test(test_depth_limit),    cmocka_unit_test(test_header_limit),
        cmocka_unit_test(test_boundary_limit), cmocka_unit_test(test_small_budget),
        cmocka_unit_test(test_samples),        cmocka_unit_test(test_sample_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
