/* Header blocks. */
#include "message/header.h"

#include <stdlib.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/random.h"

static const struct bytes block = BYTES("From: a@b\r\n"
                                        "not a field\r\n"
                                        "Subject : one\r\n two\r\n"
                                        "TO:\tx\n"
                                        "Empty:\r\n"
                                        "to: again\r\n"
                                        "\r\n");

static void test_fields(void **state)
{
    static const struct {
        struct bytes name;
        struct bytes value;
    } want[] = {
        { BYTES("From"), BYTES("a@b") },
        { BYTES(""), BYTES("not a field") },
        { BYTES("Subject"), BYTES("one\r\n two") },
        { BYTES("TO"), BYTES("x") },
        { BYTES("Empty"), BYTES("") },
        { BYTES("to"), BYTES("again") },
    };
    struct header_reader reader = header_reader_make(block);
    struct header_field field;
    size_t raw_bytes = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(want); i++) {
        assert_true(header_next(&reader, &field));
        ASSERT_BYTES(field.name, want[i].name);
        ASSERT_BYTES(field.value, want[i].value);
        assert_non_null(field.value.at);
        raw_bytes += field.raw.len;
    }
    assert_false(header_next(&reader, &field));
    assert_int_equal(reader.offset, block.len - 2);
    assert_int_equal(raw_bytes, block.len - 2);
}

static void test_odd_blocks(void **state)
{
    static const struct {
        struct bytes block;
        size_t fields;
        size_t named;
    } cases[] = {
        { BYTES(""), 0, 0 },
        { BYTES("\n"), 0, 0 },
        { BYTES("\r\nA: b\r\n"), 0, 0 },
        { BYTES(" folded first\r\nA: b"), 2, 1 },
        { BYTES("A: b"), 1, 1 },
        { BYTES("A: b\r"), 1, 1 },
        { BYTES("A\r\n :b\r\n"), 1, 0 },
        { BYTES(":no name\r\n"), 1, 0 },
        { BYTES("two words: x\r\n"), 1, 0 },
        { BYTES("A: b\r\n \r\nB: c\r\n"), 2, 2 }, /* a line of blanks folds: RFC 5322 s4.2 */
        { BYTES("A\0: b\nB:\0\n"), 2, 1 },
        { BYTES("A: b\rB: c\n\n"), 1, 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct header_reader reader = header_reader_make(cases[i].block);
        struct header_field field;
        size_t fields = 0, named = 0;
        for (; header_next(&reader, &field); fields++)
            named += field.name.len > 0 ? 1 : 0;
        assert_int_equal(fields, cases[i].fields);
        assert_int_equal(named, cases[i].named);
    }
}

static void test_find(void **state)
{
    struct header_field field = { 0 };

    (void)state;
    assert_true(header_find(block, BYTES("to"), &field));
    ASSERT_BYTES(field.value, BYTES("x"));
    assert_false(header_find(block, BYTES("Cc"), &field));
    assert_false(header_find(block, BYTES(""), &field));
    ASSERT_BYTES(field.value, BYTES("x"));
}

static void test_unfold(void **state)
{
    static const struct {
        struct bytes value;
        struct bytes line; /* for the protocol */
        struct bytes flat; /* for people */
    } cases[] = {
        { BYTES("plain"), BYTES("plain"), BYTES("plain") },
        { BYTES("a\r\n b"), BYTES("a b"), BYTES("a b") },
        { BYTES("a \r\n\t  b"), BYTES("a \t  b"), BYTES("a b") },
        { BYTES("a\n b\n  c"), BYTES("a b  c"), BYTES("a b c") },
        { BYTES("two  spaces\r\n stay"), BYTES("two  spaces stay"), BYTES("two  spaces stay") },
        { BYTES("a\rb\r\rc"), BYTES("a b c"), BYTES("a b c") },
        { BYTES("a\r\r\n b"), BYTES("a b"), BYTES("a b") },
        { BYTES("a\r\n \r\n b"), BYTES("a  b"), BYTES("a b") },
        { BYTES("a\r\n"), BYTES("a"), BYTES("a") },
    };
    struct arena arena = arena_make(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        ASSERT_BYTES(header_unfold(&arena, cases[i].value), cases[i].line);
        ASSERT_BYTES(header_flatten(&arena, cases[i].value), cases[i].flat);
    }
    assert_null(header_unfold(&arena, (struct bytes){ 0 }).at);
    assert_null(header_flatten(&arena, (struct bytes){ 0 }).at);
    struct arena none = arena_make(0);
    assert_null(header_unfold(&none, BYTES("a\r\n b")).at);
    assert_null(header_flatten(&none, BYTES("a\r\n b")).at);
    arena_done(&none);
    arena_done(&arena);
}

static void test_filter(void **state)
{
    static const struct bytes names[] = { BYTES("TO"), BYTES("subject"), BYTES("") };
    struct buf out = buf_make(1000);

    (void)state;
    header_filter(block, names, ARRAY_COUNT(names), false, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("Subject : one\r\n two\r\nTO:\tx\nto: again\r\n\r\n"));
    buf_clear(&out);
    header_filter(block, names, ARRAY_COUNT(names), true, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("From: a@b\r\nnot a field\r\nEmpty:\r\n\r\n"));
    buf_clear(&out);
    header_filter(BYTES("To: x"), names, ARRAY_COUNT(names), false, &out);
    ASSERT_BYTES(buf_bytes(&out), BYTES("To: x"));
    buf_done(&out);
}

/* The pieces are what the filter gives, and no two of them touch. */
static void check_pick(struct bytes text, const struct bytes *names, size_t name_count,
                       size_t pieces_max)
{
    struct arena arena = arena_make(4096);
    struct buf filtered = buf_make(10000);
    struct buf picked = buf_make(10000);
    struct header_names ready;
    struct bytes pieces[32];
    size_t count;

    assert_true(header_names_make(&arena, names, name_count, &ready));
    count = header_pick(text, &ready, pieces, ARRAY_COUNT(pieces));
    assert_true(count <= ARRAY_COUNT(pieces));
    header_filter(text, names, name_count, false, &filtered);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || pieces[i - 1].at + pieces[i - 1].len < pieces[i].at);
        buf_add(&picked, pieces[i]);
    }
    ASSERT_BYTES(buf_bytes(&picked), buf_bytes(&filtered));
    if (count > pieces_max) { /* says so, and writes no further */
        pieces[pieces_max] = BYTES("untouched");
        assert_true(header_pick(text, &ready, pieces, pieces_max) > pieces_max);
        ASSERT_BYTES(pieces[pieces_max], BYTES("untouched"));
    }
    buf_done(&picked);
    buf_done(&filtered);
    arena_done(&arena);
}

/* Those of one name are what going through all of them finds. */
static void check_named(struct bytes text, struct bytes name)
{
    struct header_reader all = header_reader_make(text);
    struct header_reader some = header_reader_make(text);
    struct header_field one;
    struct header_field other;

    while (header_next(&all, &one)) {
        if (name.len == 0 || !bytes_equal_nocase(one.name, name))
            continue;
        assert_true(header_next_named(&some, name, &other));
        assert_ptr_equal(other.raw.at, one.raw.at);
        ASSERT_BYTES(other.name, one.name);
        ASSERT_BYTES(other.value, one.value);
    }
    assert_false(header_next_named(&some, name, &other));
}

static void test_pick(void **state)
{
    static const struct bytes lines[] = {
        BYTES("\rTo: x\r\n"),  BYTES("To: x\r\n"),     BYTES("TO: a,\r\n\tb\r\n"),
        BYTES("Subject: s\n"), BYTES("From: a@b\r\n"), BYTES("tO : y\r\n"),
        BYTES("no field\r\n"), BYTES(" blank: x\r\n"), BYTES(": nothing\r\n"),
        BYTES("a b: x\r\n"),   BYTES("Cc:\r\n"),       BYTES("X\x7f: x\r\n"),
        BYTES("\r: x\r\n"),    BYTES("\r\n"),          BYTES("\n"),
        BYTES("To: cut"),
    };
    static const struct bytes names[] = { BYTES("to"), BYTES("SUBJECT"), BYTES(""),
                                          BYTES("cc"), BYTES("Ot"),      BYTES("x\x7f") };
    const char *given = getenv("ROOST_TEST_SEED");
    struct test_random random = { given == NULL ? (uint64_t)time(NULL)
                                                : strtoull(given, NULL, 10) };

    (void)state;
    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)random.state);
    check_pick(block, names, ARRAY_COUNT(names), 1);
    check_pick(BYTES(""), names, ARRAY_COUNT(names), 0);
    for (int round = 0; round < 2000; round++) {
        struct buf text = buf_make(10000);
        uint64_t count = test_random_below(&random, 12);

        for (uint64_t i = 0; i < count; i++)
            buf_add(&text, lines[test_random_below(&random, ARRAY_COUNT(lines))]);
        check_pick(buf_bytes(&text), names, test_random_below(&random, ARRAY_COUNT(names) + 1),
                   (size_t)test_random_below(&random, 4));
        for (size_t i = 0; i < ARRAY_COUNT(names); i++)
            check_named(buf_bytes(&text), names[i]);
        buf_done(&text);
    }
}

static void test_names_have_a_limit(void **state)
{
    static struct bytes names[HEADER_NAMES_MAX + 1];
    struct header_names ready;
    struct arena arena = arena_make(4096);
    struct arena none = arena_make(0);
    struct bytes piece;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        names[i] = BYTES("same");
    names[HEADER_NAMES_MAX - 1] = BYTES("last");
    assert_true(header_names_make(&arena, names, HEADER_NAMES_MAX, &ready));
    assert_int_equal(header_pick(BYTES("Last: x"), &ready, &piece, 1), 1);
    assert_int_equal(header_pick(BYTES("Sane: x"), &ready, &piece, 1), 0);
    assert_false(header_names_make(&arena, names, HEADER_NAMES_MAX + 1, &ready));
    assert_false(header_names_make(&none, names, 1, &ready));
    arena_done(&none);
    arena_done(&arena);
}

static void test_end(void **state)
{
    (void)state;
    assert_true(header_has_end(block));
    assert_true(header_has_end(BYTES("\r\n")));
    assert_true(header_has_end(BYTES("\n")));
    assert_true(header_has_end(BYTES("A: b\n\n")));
    assert_false(header_has_end(BYTES("")));
    assert_false(header_has_end(BYTES("A: b\r\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields), cmocka_unit_test(test_odd_blocks),
        cmocka_unit_test(test_find),   cmocka_unit_test(test_unfold),
        cmocka_unit_test(test_filter), cmocka_unit_test(test_end),
        cmocka_unit_test(test_pick),   cmocka_unit_test(test_names_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
