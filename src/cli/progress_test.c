/* The bar at every width, and when it is time for a word. */
#include "cli/progress.h"

#include "kit/assert_bytes.h"

static void test_bars(void **state)
{
    static const struct {
        const char *label;
        unsigned percent;
        unsigned columns;
        struct bytes bar;
    } cases[] = {
        { "ann", 0, 80, BYTES("ann [........................................]   0 %") },
        { "ann", 50, 80, BYTES("ann [####################....................]  50 %") },
        { "ann", 100, 80, BYTES("ann [########################################] 100 %") },
        { "ann", 50, 30, BYTES("ann [#########.........]  50 %") },
        { "a name that is much longer", 50, 30, BYTES("a name that [#####.....]  50 %") },
        { "ann", 50, 1, BYTES(" [#####.....]  50 %") },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buf out = buf_make(256);

        progress_print_bar(&out, cases[i].label, cases[i].percent, cases[i].columns);
        ASSERT_BYTES(buf_bytes(&out), cases[i].bar);
        buf_done(&out);
    }
}

static void test_when_it_is_due(void **state)
{
    struct progress progress = { .is_terminal = true };

    (void)state;
    assert_false(
        progress_is_due(&progress, (struct mono){ 1000000 })); /* short work says nothing */
    progress.is_begun = true;
    progress.shown.ms = 5000;
    assert_false(progress_is_due(&progress, (struct mono){ 5000 + PROGRESS_BAR_MS - 1 }));
    assert_true(progress_is_due(&progress, (struct mono){ 5000 + PROGRESS_BAR_MS }));
    progress.is_terminal = false;
    assert_false(progress_is_due(&progress, (struct mono){ 5000 + PROGRESS_LINE_MS - 1 }));
    assert_true(progress_is_due(&progress, (struct mono){ 5000 + PROGRESS_LINE_MS }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bars),
        cmocka_unit_test(test_when_it_is_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
