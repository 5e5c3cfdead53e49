/* What a mailbox may be called. */
#include "store/name.h"

#include <string.h>

#include "kit/assert_bytes.h"
#include "store/mailbox.h"

static void test_validity(void **context)
{
    static const struct {
        const char *name;
        bool valid;
    } cases[] = {
        { "INBOX", true },    { "INBOX/a", true },  { "a/INBOX", true },       { "a/inbox", true },
        { "inbox", false },   { "iNBOX/a", false }, { "inboxes", true },       { "", false },
        { "/", false },       { "a/", false },      { "/a", false },           { "a//b", false },
        { "a b", true },      { "%*\"\\{}", true }, { "a\x01", false },        { "a\x7f", false },
        { "\xc3\xa9", true }, { "\xc3", false },    { "\xed\xa0\x80", false },
    };

    (void)context;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        if (name_is_valid(bytes_from_string(cases[i].name)) != cases[i].valid)
            fail_msg("\"%s\"", cases[i].name);
}

static void test_limits(void **context)
{
    uint8_t wide[MAILBOX_NAME_BYTES_MAX + 1];
    uint8_t deep[2 * MAILBOX_LEVELS_MAX + 1];

    (void)context;
    memset(wide, 'w', sizeof(wide));
    assert_true(name_is_valid(bytes_make(wide, MAILBOX_NAME_BYTES_MAX)));
    assert_false(name_is_valid(bytes_make(wide, MAILBOX_NAME_BYTES_MAX + 1)));
    for (size_t i = 0; i < sizeof(deep); i++)
        deep[i] = i % 2 == 0 ? 'd' : '/';
    assert_true(name_is_valid(bytes_make(deep, 2 * MAILBOX_LEVELS_MAX - 1)));
    assert_false(name_is_valid(bytes_make(deep, 2 * MAILBOX_LEVELS_MAX + 1)));
}

static void test_below(void **context)
{
    (void)context;
    assert_true(name_is_below(BYTES("a/b"), BYTES("a")));
    assert_true(name_is_below(BYTES("a/b/c"), BYTES("a")));
    assert_false(name_is_below(BYTES("a"), BYTES("a")));
    assert_false(name_is_below(BYTES("ab"), BYTES("a")));
    assert_false(name_is_below(BYTES("a"), BYTES("a/b")));
}

static void test_usual_uses(void **context)
{
    (void)context;
    assert_int_equal(name_usual_use(BYTES("Drafts")), USE_DRAFTS);
    assert_int_equal(name_usual_use(BYTES("Sent")), USE_SENT);
    assert_int_equal(name_usual_use(BYTES("Junk")), USE_JUNK);
    assert_int_equal(name_usual_use(BYTES("Trash")), USE_TRASH);
    assert_int_equal(name_usual_use(BYTES("Archive")), USE_ARCHIVE);
    assert_int_equal(name_usual_use(BYTES("INBOX")), 0);
    assert_int_equal(name_usual_use(BYTES("drafts")), 0);
    assert_int_equal(name_usual_use(BYTES("Drafts/2026")), 0);
    assert_int_equal(name_usual_use(BYTES("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_usual_uses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
