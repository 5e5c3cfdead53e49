/* Orders, against qsort by the same criteria. */
#include "search/sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "kit/random.h"

static const struct account_id ann = { "account of ann ." };

enum { MOST = 200000 };

struct message {
    uint32_t seqno;
    struct search_sort_value values[SEARCH_CRITERIA_MAX];
    char texts[SEARCH_CRITERIA_MAX][32];
};

static const struct search_criterion *by; /* of compare */
static uint32_t by_count;

static int compare_value(const struct search_sort_value *a, const struct search_sort_value *b,
                         bool is_text)
{
    if (is_text)
        return bytes_compare(a->text, b->text);
    return a->number < b->number ? -1 : a->number > b->number;
}

static int compare(const void *a, const void *b)
{
    const struct message *left = *(struct message *const *)a;
    const struct message *right = *(struct message *const *)b;

    for (uint32_t i = 0; i < by_count; i++) {
        int order = compare_value(&left->values[i], &right->values[i], by[i].is_text);

        if (order != 0)
            return by[i].reverse ? -order : order;
    }
    return left->seqno < right->seqno ? -1 : 1;
}

static struct search_sort *new_sort(const struct search_criterion *criteria, uint32_t count,
                                    uint32_t messages)
{
    struct search_sort *sort;

    assert_int_equal(search_sort_new(criteria, count, messages, &ann, &sort), ERR_OK);
    return sort;
}

/* Answers how many steps it took. */
static unsigned check(const struct search_criterion *criteria, uint32_t count,
                      const struct message *messages, uint32_t message_count)
{
    const struct message **wanted = calloc(message_count + 1, sizeof(const struct message *));
    struct search_sort *sort = new_sort(criteria, count, message_count);
    const uint32_t *order;
    unsigned steps = 1;

    for (uint32_t i = 0; i < message_count; i++) {
        wanted[i] = &messages[i];
        assert_int_equal(
            search_sort_add(sort, (struct seqno){ messages[i].seqno }, messages[i].values), ERR_OK);
    }
    by = criteria;
    by_count = count;
    qsort(wanted, message_count, sizeof(const struct message *), compare);
    for (; !search_sort_step(sort); steps++)
        assert_in_range(search_sort_bytes(sort), 0, SEARCH_SORT_BYTES_MAX);
    order = search_sort_order(sort);
    for (uint32_t i = 0; i < message_count; i++)
        assert_int_equal(order[i], wanted[i]->seqno);
    assert_true(search_sort_bytes(sort) < 100000 + 4 * (size_t)message_count);
    search_sort_free(sort);
    free(wanted);
    return steps;
}

static void test_one_number(void **state)
{
    static const int64_t numbers[] = {
        0, 1, -1, 5, 5, INT64_MIN, INT64_MAX, INT64_MIN, 1600000000, 1600000001, 0, -1600000000,
    };
    const uint32_t count = sizeof(numbers) / sizeof(numbers[0]);
    struct message messages[sizeof(numbers) / sizeof(numbers[0])] = { 0 };
    const struct search_criterion up = { false, false };
    const struct search_criterion down = { false, true };

    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        messages[i].seqno = 3 * i + 2;
        messages[i].values[0].number = numbers[i];
    }
    for (uint32_t some = 0; some <= count; some++) {
        assert_int_equal(check(&up, 1, messages, some), 1);
        assert_int_equal(check(&down, 1, messages, some), 1);
    }
}

static void make_message(struct test_random *random, uint64_t range, struct message *message)
{
    for (unsigned i = 0; i < SEARCH_CRITERIA_MAX; i++) {
        uint64_t number = test_random_next(random) % range;
        int len = snprintf(message->texts[i], sizeof(message->texts[i]), "subject %llx",
                           (unsigned long long)number % 1000);

        message->values[i].number = (int64_t)(number - range / 2);
        message->values[i].text = bytes_make(message->texts[i], (size_t)len);
    }
}

/* Every number of criteria and messages, up and down, narrow and wide. */
static void test_any(void **state)
{
    static const uint64_t ranges[] = { 1, 2, 10, 3000, UINT64_C(1) << 33, UINT64_MAX };
    const char *given = getenv("ROOST_TEST_SEED");
    struct test_random random = { given != NULL ? strtoull(given, NULL, 10)
                                                : (uint64_t)time(NULL) };
    struct message *messages = calloc(MOST, sizeof(*messages));

    (void)state;
    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)random.state);
    for (unsigned round = 0; round < 400; round++) {
        struct search_criterion criteria[SEARCH_CRITERIA_MAX];
        uint32_t criterion_count = 1 + (uint32_t)test_random_below(&random, SEARCH_CRITERIA_MAX);
        uint32_t count = (uint32_t)test_random_below(&random, 300);
        uint64_t range = ranges[test_random_below(&random, 6)];

        for (uint32_t i = 0; i < criterion_count; i++)
            criteria[i] = (struct search_criterion){ test_random_below(&random, 2) == 0,
                                                     test_random_below(&random, 2) == 0 };
        for (uint32_t i = 0; i < count; i++) {
            make_message(&random, range, &messages[i]);
            messages[i].seqno = i + 1;
        }
        (void)check(criteria, criterion_count, messages, count);
    }
    free(messages);
}

/* Keys that have no room beside the numbers; and it takes its time in steps. */
static void test_many(void **state)
{
    static const struct search_criterion criteria[] = { { true, true }, { false, false } };
    static const uint64_t ranges[] = { UINT64_MAX, UINT64_C(1) << 31, 4 };
    struct message *messages = calloc(MOST, sizeof(*messages));
    struct test_random random = { 1 };

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < MOST; i++) {
            make_message(&random, ranges[round], &messages[i]);
            messages[i].seqno = i + 1;
        }
        assert_true(check(&criteria[1], 1, messages, MOST) > 5);
        assert_true(check(criteria, 2, messages, MOST) > 10);
    }
    free(messages);
}

/* What does not fit is refused, at once or when the texts turn out to be too long. */
static void test_limits(void **state)
{
    static const struct search_criterion number = { false, false };
    static const struct search_criterion text = { true, false };
    const uint32_t most = (SEARCH_SORT_BYTES_MAX - 100000) / 32;
    const uint32_t lines = 300000;
    char line[1000] = { 0 };
    struct search_sort_value value = { .text = bytes_make(line, sizeof(line)) };
    struct search_sort *sort = NULL;
    enum err err = ERR_OK;
    uint32_t added = 0;

    (void)state;
    assert_int_equal(search_sort_new(&number, 1, most + 10000, &ann, &sort), ERR_LIMIT);
    assert_int_equal(search_sort_new(&text, 1, most, &ann, &sort), ERR_LIMIT);
    assert_null(sort);
    search_sort_free(new_sort(&number, 1, most));
    sort = new_sort(&text, 1, lines);
    for (; added < lines && err == ERR_OK; added++) {
        (void)snprintf(line, sizeof(line), "%u", added);
        err = search_sort_add(sort, (struct seqno){ added + 1 }, &value);
    }
    assert_int_equal(err, ERR_LIMIT);
    assert_in_range(added, 200000, SEARCH_SORT_BYTES_MAX / sizeof(line));
    assert_true(search_sort_bytes(sort) > SEARCH_SORT_BYTES_MAX);
    search_sort_free(sort);
    search_sort_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_number),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
