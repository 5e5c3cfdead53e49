/* Trees with links and cuts, against an array of parents. */
#include "search/forest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "kit/random.h"

enum { NODES = 300, ROUNDS = 20, ACTS = 3000, CHAIN = 100000 };

/* The forest, and what it should be. */
struct wood {
    struct search_forest forest;
    uint32_t parents[NODES + 1];
    struct test_random random;
    unsigned work_each_max;
};

static unsigned some_work(struct wood *wood)
{
    return (unsigned)test_random_below(&wood->random, wood->work_each_max + 1);
}

static uint32_t some_node(struct wood *wood)
{
    return 1 + (uint32_t)test_random_below(&wood->random, NODES);
}

static uint32_t root_of(const struct wood *wood, uint32_t node)
{
    while (wood->parents[node] != 0)
        node = wood->parents[node];
    return node;
}

static uint32_t ask_root(struct wood *wood, uint32_t node)
{
    unsigned work = some_work(wood);
    uint32_t root = 0;

    while (!search_forest_root(&wood->forest, node, &work, &root))
        work = some_work(wood);
    return root;
}

static void cut(struct wood *wood, uint32_t node)
{
    unsigned work = some_work(wood);

    while (!search_forest_cut(&wood->forest, node, &work))
        work = some_work(wood);
    wood->parents[node] = 0;
}

static void join(struct wood *wood, uint32_t node, uint32_t parent)
{
    unsigned work = some_work(wood);

    while (!search_forest_link(&wood->forest, node, parent, &work))
        work = some_work(wood);
    wood->parents[node] = parent;
}

static void act(struct wood *wood)
{
    uint32_t node = some_node(wood);
    uint32_t other = some_node(wood);
    uint32_t root = ask_root(wood, other);

    assert_int_equal(root, root_of(wood, other));
    if (wood->parents[node] == 0 && root != node)
        join(wood, node, other);
    else if (wood->parents[node] != 0 && test_random_below(&wood->random, 4) == 0)
        cut(wood, node);
    assert_int_equal(search_forest_node(&wood->forest, node)->parent, wood->parents[node]);
}

static void test_random_acts(void **state)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);
    static struct wood wood;
    unsigned deep = 0;

    (void)state;
    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)seed);
    for (int round = 0; round < ROUNDS; round++) {
        wood = (struct wood){ .random = { seed + (uint64_t)round }, .work_each_max = 1000 };
        if (round % 2 == 0)
            wood.work_each_max = 3;
        search_forest_init(&wood.forest);
        for (uint32_t i = 1; i <= NODES; i++)
            assert_int_equal(search_forest_add(&wood.forest), i);
        for (int i = 0; i < ACTS; i++)
            act(&wood);
        deep += wood.forest.is_deep;
        while (wood.forest.count > 0)
            search_forest_free_chunk(&wood.forest);
    }
    assert_true(deep > 0 && "both ways to find a root were gone");
}

/* In one chain, who asks at its end again and again does not walk it again and again. */
static void test_chain(void **state)
{
    struct search_forest forest;
    uint64_t done = 0;

    (void)state;
    search_forest_init(&forest);
    for (uint32_t i = 1; i <= CHAIN; i++) {
        unsigned work = 1000;

        assert_int_equal(search_forest_add(&forest), i);
        assert_true(i == 1 || search_forest_link(&forest, i, i - 1, &work));
    }
    for (int i = 0; i < CHAIN; i++) {
        unsigned work = 10 * CHAIN;
        uint32_t root = 0;

        assert_true(search_forest_root(&forest, CHAIN - (uint32_t)(i % 3), &work, &root));
        assert_int_equal(root, 1);
        done += 10 * CHAIN - work;
    }
    assert_true(done < UINT64_C(100) * CHAIN);
    while (forest.count > 0)
        search_forest_free_chunk(&forest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_acts),
        cmocka_unit_test(test_chain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
