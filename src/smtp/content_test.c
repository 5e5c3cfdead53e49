/* Where a message ends, and what it is without its doubled dots; whole and byte by byte. */
#include "smtp/content.h"

#include "base/buf.h"
#include "kit/assert_bytes.h"
#include "kit/guard.h"

/* Feeds `wire` in parts of `part` bytes. Answers how much was used; *out_end as told. */
static size_t feed(struct bytes wire, size_t part, struct buf *out, bool *out_end)
{
    struct smtp_content content = { 0 };
    size_t used = 0;

    *out_end = false;
    for (size_t start = 0; start < wire.len && !*out_end; start += part) {
        struct guard guard;
        struct bytes in = guard_copy(&guard, bytes_slice(wire, start, part));
        size_t at = 0;

        while (at < in.len && !*out_end) {
            struct bytes piece;

            at += smtp_content_step(&content, bytes_from(in, at), &piece, out_end);
            buf_add(out, piece);
        }
        used = start + at;
        guard_done(&guard);
    }
    return used;
}

static void test_content(void **state)
{
    static const struct {
        const char *wire;
        const char *content;
        const char *rest; /* behind the end; NULL: it does not end */
    } cases[] = {
        { ".\r\n", "", "" },
        { ".\r\nQUIT\r\n", "", "QUIT\r\n" },
        { "a\r\n.\r\nQUIT", "a\r\n", "QUIT" },
        { "..\r\n.\r\n", ".\r\n", "" },
        { "..a\r\n...b\r\n.c\r\n.\r\n", ".a\r\n..b\r\nc\r\n", "" },
        { "\r\n\r\n.\r\n", "\r\n\r\n", "" },
        { "a.\r\n.\r\n", "a.\r\n", "" },
        { "a\r\n", "a\r\n", NULL },
        { "a\r\n.", "a\r\n", NULL },
        { "a\r\n.\r", "a\r\n", NULL },
        /* None of these ends a message, whatever another server may think. */
        { "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", "" },
        { "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", "" },
        { "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", "" },
        { "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", "" },
        { "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", "" },
        { "a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", "" },
        { "a\r\r\n.\r\n", "a\r\r\n", "" },
        { "a\n\r\n.\r\n", "a\n\r\n", "" },
        { "\n.\r\n\r\n.\r\n", "\n.\r\n\r\n", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bytes wire = bytes_from_string(cases[i].wire);

        for (size_t part = 1; part <= wire.len; part++) {
            struct buf out = buf_make(1024);
            bool end;
            size_t used = feed(wire, part, &out, &end);

            assert_int_equal(end, cases[i].rest != NULL);
            ASSERT_BYTES(buf_bytes(&out), bytes_from_string(cases[i].content));
            if (end)
                ASSERT_BYTES(bytes_from(wire, used), bytes_from_string(cases[i].rest));
            buf_done(&out);
        }
    }
}

static void test_nothing(void **state)
{
    struct smtp_content content = { 0 };
    struct bytes piece;
    bool end;

    (void)state;
    assert_int_equal(smtp_content_step(&content, (struct bytes){ NULL, 0 }, &piece, &end), 0);
    assert_int_equal(piece.len, 0);
    assert_false(end);
}

/* A message without dots at the start of lines comes in one piece. */
static void test_long_runs(void **state)
{
    struct smtp_content content = { 0 };
    struct bytes in = BYTES("Subject: x\r\n\r\none\r\ntwo\r\nthree\r\n.\r\n");
    struct bytes piece;
    bool end;

    (void)state;
    assert_int_equal(smtp_content_step(&content, in, &piece, &end), in.len - 3);
    assert_int_equal(piece.len, in.len - 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_long_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
