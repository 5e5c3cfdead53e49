/* Character classes against RFC 9051 s9, one character at a time. */
#include "imap/wire/atom.h"

#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/imap_parse.h"

/* RFC 9051 s9: atom-specials, with what each wider class lets through. */
static void test_classes(void **state MAYBE_UNUSED)
{
    static const char specials[] = "(){ %*\"\\]";

    for (int c = -1; c < 256; c++) {
        bool special = c > 0 && memchr(specials, c, sizeof(specials) - 1) != NULL;
        bool atom = c > 0x20 && c < 0x7f && !special;
        bool ascii_special = c > 0x20 && c < 0x7f && special;

        if (c == '}')
            atom = true; /* only the opening brace is special */
        assert_int_equal(imap_is_atom_char(c), atom);
        assert_int_equal(imap_is_astring_char(c), atom || c == ']');
        assert_int_equal(imap_is_tag_char(c), (atom || c == ']') && c != '+');
        assert_int_equal(imap_is_list_char(c), atom || (ascii_special && strchr("]%*", c) != NULL));
    }
}

static void test_atom(void **state MAYBE_UNUSED)
{
    struct cursor cur = cursor_make(BYTES("ab{c"));
    struct bytes atom;

    assert_true(imap_atom_parse(&cur, &atom));
    ASSERT_BYTES(atom, BYTES("ab"));
    assert_false(imap_atom_parse(&cur, &atom));
    assert_int_equal(cur.failed_at, 2);
}

static void test_word_is_whole(void **state MAYBE_UNUSED)
{
    struct cursor cur = cursor_make(BYTES("flags.silent"));

    assert_false(imap_word_skip(&cur, BYTES("FLAGS")));
    assert_true(imap_word_skip(&cur, BYTES("FLAGS.SILENT")));
    assert_true(cursor_at_end(&cur));
}

static void test_list_next(void **state MAYBE_UNUSED)
{
    struct cursor cur = cursor_make(BYTES(")x y)"));
    bool ended;

    assert_false(imap_list_next(&cur, true, &ended));
    assert_true(ended);
    assert_true(imap_list_next(&cur, true, &ended));
    assert_false(imap_list_next(&cur, false, &ended)); /* at x: neither blank nor ")" */
    assert_false(ended);
    assert_int_equal(cur.failed_at, 1);
    cur.offset++;
    assert_true(imap_list_next(&cur, false, &ended));
    assert_int_equal(cursor_peek(&cur), 'y');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_atom),
        cmocka_unit_test(test_word_is_whole),
        cmocka_unit_test(test_list_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
