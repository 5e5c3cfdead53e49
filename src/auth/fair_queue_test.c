/* The fair queue: turns, order within an origin, limits, taking back. */
#include "auth/fair_queue.h"

#include "kit/assert_bytes.h"

struct thing {
    struct fair_item item;
    char name;
};

static struct fair_item *thing(struct thing *things, char name)
{
    things[name - 'a'].name = name;
    return &things[name - 'a'].item;
}

static char popped(struct fair_queue *queue)
{
    struct fair_item *item = fair_queue_pop(queue);

    return item == NULL ? '-' : CONTAINER_OF(item, struct thing, item)->name;
}

static void test_turns(void **state)
{
    struct thing things[26] = { 0 };
    struct fair_queue queue;
    char order[8] = { 0 };

    (void)state;
    fair_queue_init(&queue, 1, 100, 10);
    assert_true(fair_queue_push(&queue, BYTES("x"), thing(things, 'a')));
    assert_true(fair_queue_push(&queue, BYTES("x"), thing(things, 'b')));
    assert_true(fair_queue_push(&queue, BYTES("x"), thing(things, 'c')));
    assert_true(fair_queue_push(&queue, BYTES("y"), thing(things, 'd')));
    assert_true(fair_queue_push(&queue, BYTES(""), thing(things, 'e')));
    assert_true(fair_queue_push(&queue, BYTES("y"), thing(things, 'f')));
    for (size_t i = 0; i < 7; i++)
        order[i] = popped(&queue);
    assert_string_equal(order, "adebfc-");
    assert_int_equal(queue.count, 0);
    assert_int_equal(queue.origins.count, 0);
    fair_queue_done(&queue);
}

static void test_limits(void **state)
{
    struct thing things[26] = { 0 };
    struct fair_queue queue;

    (void)state;
    fair_queue_init(&queue, 1, 3, 2);
    assert_true(fair_queue_push(&queue, BYTES("x"), thing(things, 'a')));
    assert_true(fair_queue_push(&queue, BYTES("x"), thing(things, 'b')));
    assert_false(fair_queue_push(&queue, BYTES("x"), thing(things, 'c')));
    assert_true(fair_queue_push(&queue, BYTES("y"), thing(things, 'c')));
    assert_false(fair_queue_push(&queue, BYTES("z"), thing(things, 'd')));
    assert_int_equal(popped(&queue), 'a');
    assert_true(fair_queue_push(&queue, BYTES("z"), thing(things, 'd')));
    fair_queue_done(&queue);
    assert_null(things[3].item.origin);
}

static void test_remove(void **state)
{
    struct thing things[26] = { 0 };
    struct fair_queue queue;

    (void)state;
    fair_queue_init(&queue, 1, 10, 10);
    assert_true(fair_queue_push(&queue, BYTES("x"), thing(things, 'a')));
    assert_true(fair_queue_push(&queue, BYTES("y"), thing(things, 'b')));
    assert_true(fair_queue_push(&queue, BYTES("x"), thing(things, 'c')));
    fair_queue_remove(&queue, thing(things, 'a'));
    fair_queue_remove(&queue, thing(things, 'a'));
    fair_queue_remove(&queue, thing(things, 'b'));
    assert_int_equal(queue.count, 1);
    assert_int_equal(popped(&queue), 'c');
    assert_int_equal(popped(&queue), '-');
    fair_queue_done(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
