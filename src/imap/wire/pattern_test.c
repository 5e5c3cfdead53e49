/* Wildcards, INBOX, and no blow-up. */
#include "imap/wire/pattern.h"

#include <string.h>

#include "kit/assert_bytes.h"

static const struct {
    const char *pattern;
    const char *name;
    bool matches;
    bool below; /* imap_pattern_may_match_below */
} rows[] = {
    { "", "a", false, false },
    { "*", "a/b/c", true, true },
    { "%", "a", true, false },
    { "%", "a/b", false, false },
    { "%/%", "a", false, true },
    { "%/%", "a/b", true, false },
    { "%/b", "a/b", true, false },
    { "a%", "a", true, false },
    { "a*", "a", true, true },
    { "a*", "b", false, false },
    { "a%c", "abbc", true, false },
    { "a%c", "ab/c", false, false },
    { "a*c", "ab/c", true, true },
    { "*%", "a/b", true, true },
    { "%*", "a/b", true, true },
    { "*/%d", "a/b/cd", true, true },
    { "*b%", "abab/c", false, true },
    { "%a/%b", "xa/yb", true, false },
    { "%a/%b", "xa", false, true },
    { "a/b", "a", false, true },
    { "a/b", "a/b", true, false },
    { "a/b", "A/b", false, false },
    { "**", "", true, true },
    { "inbox", "INBOX", true, false },
    { "InBox/%", "INBOX/x", true, false },
    { "iN*x", "INBOX", true, true },
    { "inbox/X", "INBOX/x", false, false },
    { "inbox", "INBOXES", false, false },
    { "inboxes", "INBOXES", false, false },
    { "\xc3%", "\xc3\xa9", true, false },
};

static void test_rows(void **state MAYBE_UNUSED)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bytes pattern = bytes_from_string(rows[i].pattern);
        struct bytes name = bytes_from_string(rows[i].name);

        if (imap_pattern_matches(pattern, name) != rows[i].matches ||
            imap_pattern_may_match_below(pattern, name) != rows[i].below)
            fail_msg("pattern \"%s\", name \"%s\"", rows[i].pattern, rows[i].name);
    }
}

/* A pattern that makes backtracking explode takes no time here. */
static void test_no_blow_up(void **state MAYBE_UNUSED)
{
    uint8_t pattern[2000];
    uint8_t name[1000];

    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = 'b';
    assert_false(
        imap_pattern_matches(bytes_make(pattern, sizeof(pattern)), bytes_make(name, sizeof(name))));
    assert_true(imap_pattern_matches(bytes_make(pattern, 1999), bytes_make(name, sizeof(name))));
    assert_false(imap_pattern_matches(bytes_make(pattern, 1998), bytes_make(name, sizeof(name))));
}

static void test_limit(void **state MAYBE_UNUSED)
{
    uint8_t pattern[IMAP_PATTERN_BYTES_MAX + 1];

    memset(pattern, '*', sizeof(pattern));
    assert_true(imap_pattern_matches(bytes_make(pattern, sizeof(pattern) - 1), BYTES("a")));
    assert_false(imap_pattern_matches(bytes_make(pattern, sizeof(pattern)), BYTES("a")));
    assert_false(imap_pattern_may_match_below(bytes_make(pattern, sizeof(pattern)), BYTES("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_blow_up),
        cmocka_unit_test(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
