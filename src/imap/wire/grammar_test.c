/* The limits that everybody has agree with each other. */
#include "imap/wire/grammar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "imap/wire/pattern.h"

static void test_limits_agree(void **state)
{
    const struct imap_grammar_limits *limits = imap_grammar_make().limits;

    (void)state;
    assert_ptr_equal(limits, &imap_grammar_limits_default);
    assert_true(limits->mailbox_component_bytes_max <= limits->mailbox_bytes_max);
    assert_true(limits->mailbox_depth_max * 2 <= limits->mailbox_bytes_max);
    /* Every name that may exist can be asked for as a pattern. */
    assert_true(limits->mailbox_bytes_max <= IMAP_PATTERN_BYTES_MAX);
    /* The search parser recurses so deep. */
    assert_true(limits->search_depth_max <= 100);
}

static void test_utf8_by_either_way(void **state)
{
    struct imap_grammar grammar = imap_grammar_make();

    (void)state;
    assert_false(imap_grammar_is_utf8(&grammar));
    grammar.rev2 = true;
    assert_true(imap_grammar_is_utf8(&grammar));
    grammar = imap_grammar_make();
    grammar.utf8_accept = true;
    assert_true(imap_grammar_is_utf8(&grammar));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_agree),
        cmocka_unit_test(test_utf8_by_either_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
