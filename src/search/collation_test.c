/* Texts in order, against qsort of all of them. */
#include "search/collation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "kit/random.h"

static const struct account_id ann = { "account of ann ." };

static unsigned put_in_order(struct search_collation *collation)
{
    unsigned steps = 1;

    while (!search_collation_step(collation))
        steps++;
    return steps;
}

static void test_equal_ones_are_one(void **state)
{
    struct search_collation *collation = search_collation_new(8, &ann);

    (void)state;
    assert_int_equal(search_collation_add(collation, BYTES("pear")), 0);
    assert_int_equal(search_collation_add(collation, BYTES("apple")), 1);
    assert_int_equal(search_collation_add(collation, BYTES("pear")), 0);
    assert_int_equal(search_collation_add(collation, BYTES("")), 2);
    assert_int_equal(search_collation_add(collation, (struct bytes){ 0 }), 2);
    assert_int_equal(search_collation_count(collation), 3);
    assert_int_equal(put_in_order(collation), 1);
    assert_int_equal(search_collation_rank(collation, 0), 2);
    assert_int_equal(search_collation_rank(collation, 1), 1);
    assert_int_equal(search_collation_rank(collation, 2), 0);
    search_collation_free(collation);
}

static void test_none(void **state)
{
    struct search_collation *collation = search_collation_new(0, &ann);

    (void)state;
    assert_int_equal(put_in_order(collation), 1);
    assert_int_equal(search_collation_count(collation), 0);
    search_collation_free(collation);
    search_collation_free(NULL);
}

/* NULs, octets above 127, texts that begin with one another, and what differs only at the end. */
static void test_octets(void **state)
{
    static const struct bytes texts[] = {
        BYTES(""),
        BYTES("\0"),
        BYTES("\0\0\0\0\0\0\0\0\0"),
        BYTES("\0a"),
        BYTES("A"),
        BYTES("A\0"),
        BYTES("A\0\0\0\0\0\0\0"),
        BYTES("A\0\0\0\0\0\0\0\0"),
        BYTES("A\0\0\0\0\0\0\0b"),
        BYTES("A "),
        BYTES("ABCDEFGH"),
        BYTES("ABCDEFGH\0"),
        BYTES("ABCDEFGHA"),
        BYTES("ABCDEFGHB"),
        BYTES("ABCDEFGI"),
        BYTES("Z"),
        BYTES("\x7f"),
        BYTES("\xc3\x84"),
        BYTES("\xff"),
    };
    const uint32_t count = sizeof(texts) / sizeof(texts[0]);

    (void)state;
    for (uint32_t turn = 0; turn < count; turn++) {
        struct search_collation *collation = search_collation_new(count, &ann);

        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(search_collation_add(collation, texts[(i * 7 + turn) % count]), i);
        (void)put_in_order(collation);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(search_collation_rank(collation, i), (i * 7 + turn) % count);
        search_collation_free(collation);
    }
}

struct line {
    char text[40];
    int len;
    uint32_t number;
};

static int compare(const void *a, const void *b)
{
    const struct line *left = a;
    const struct line *right = b;

    return bytes_compare(bytes_make(left->text, (size_t)left->len),
                         bytes_make(right->text, (size_t)right->len));
}

/* Many that come again, with long beginnings that are the same. */
static void check_many(struct test_random *random, uint32_t count, uint32_t kinds)
{
    struct search_collation *collation = search_collation_new(count, &ann);
    struct line *lines = calloc(count, sizeof(*lines));
    size_t bytes = search_collation_bytes(collation);
    uint32_t rank = 0;
    unsigned steps;

    for (uint32_t i = 0; i < count; i++) {
        lines[i].len = snprintf(lines[i].text, sizeof(lines[i].text), "%s%u",
                                test_random_below(random, 2) == 0 ? "[a list] news of " : "",
                                (unsigned)test_random_below(random, kinds));
        lines[i].number =
            search_collation_add(collation, bytes_make(lines[i].text, (size_t)lines[i].len));
    }
    assert_true(search_collation_bytes(collation) > bytes);
    steps = put_in_order(collation);
    assert_true(search_collation_count(collation) < 20000 || steps > 5);
    qsort(lines, count, sizeof(*lines), compare);
    for (uint32_t i = 0; i < count; i++) {
        rank += i > 0 && compare(&lines[i], &lines[i - 1]) != 0;
        assert_int_equal(search_collation_rank(collation, lines[i].number), rank);
    }
    assert_int_equal(rank + 1, search_collation_count(collation));
    free(lines);
    search_collation_free(collation);
}

static struct test_random random_begin(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    struct test_random random = { given != NULL ? strtoull(given, NULL, 10)
                                                : (uint64_t)time(NULL) };

    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)random.state);
    return random;
}

static void test_many(void **state)
{
    struct test_random random = random_begin();

    (void)state;
    for (uint32_t count = 1; count < 200; count++)
        check_many(&random, count, 3 * count);
    check_many(&random, 100000, 1000000);
    check_many(&random, 100000, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_ones_are_one),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_octets),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
