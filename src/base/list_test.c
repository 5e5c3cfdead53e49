/* The intrusive ring. */
#include "base/list.h"

#include "kit/assert_bytes.h"

struct item {
    int value;
    struct list link;
};

static void assert_values(struct list *head, const char *wanted)
{
    size_t i = 0;

    LIST_EACH (node, after, head) {
        assert_int_equal(CONTAINER_OF(node, struct item, link)->value, wanted[i]);
        i++;
    }
    assert_int_equal(wanted[i], '\0');
}

static void test_order(void **state)
{
    struct item a = { 'a', { 0 } };
    struct item b = { 'b', { 0 } };
    struct item c = { 'c', { 0 } };
    struct list head;

    (void)state;
    list_init(&head);
    assert_null(list_first(&head));
    assert_values(&head, "");
    list_push_back(&head, &b.link);
    list_push_front(&head, &a.link);
    list_push_back(&head, &c.link);
    assert_values(&head, "abc");
    assert_ptr_equal(list_first(&head), &a.link);
    list_remove(&b.link);
    list_insert_before(&a.link, &b.link);
    assert_values(&head, "bac");
}

static void test_removing(void **state)
{
    struct item items[4] = { { 'a', { 0 } }, { 'b', { 0 } }, { 'c', { 0 } }, { 'd', { 0 } } };
    struct list head;

    (void)state;
    list_init(&head);
    for (size_t i = 0; i < ARRAY_COUNT(items); i++) {
        assert_false(list_is_linked(&items[i].link));
        list_remove(&items[i].link);
        list_push_back(&head, &items[i].link);
        assert_true(list_is_linked(&items[i].link));
    }
    LIST_EACH (node, after, &head) {
        if (CONTAINER_OF(node, struct item, link)->value % 2 == 0)
            list_remove(node);
    }
    assert_values(&head, "ac");
    list_remove(&items[1].link);
    LIST_EACH (node, after, &head)
        list_remove(node);
    assert_true(list_is_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_removing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
