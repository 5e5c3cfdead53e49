/* The keyword table at its limits. */
#include "store/keyword.h"

#include <stdio.h>
#include <string.h>

#include "kit/assert_bytes.h"

static void test_keywords(void **context)
{
    struct keyword_table table = { 0 };
    uint8_t longest[KEYWORD_BYTES_MAX + 1];
    char name[16];

    (void)context;
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(keyword_table_add(&table, BYTES("$Forwarded")), 0);
    assert_int_equal(keyword_table_add(&table, BYTES("$FORWARDED")), 0);
    ASSERT_BYTES(table.names[0], BYTES("$Forwarded"));
    assert_int_equal(keyword_table_find(&table, BYTES("other")), -1);
    assert_int_equal(keyword_table_add(&table, bytes_make(longest, KEYWORD_BYTES_MAX)), 1);
    assert_int_equal(keyword_table_add(&table, bytes_make(longest, KEYWORD_BYTES_MAX + 1)), -1);
    assert_int_equal(keyword_table_add(&table, BYTES("")), -1);
    for (int i = 2; i < KEYWORDS_PER_MAILBOX_MAX; i++) {
        (void)snprintf(name, sizeof(name), "k%d", i);
        assert_int_equal(keyword_table_add(&table, bytes_from_string(name)), i);
    }
    assert_int_equal(keyword_table_add(&table, BYTES("toomany")), -1);
    assert_int_equal(keyword_table_find(&table, BYTES("K127")), 127);
    keyword_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keywords),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
