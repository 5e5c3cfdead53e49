/* Held output against a plain model: no byte leaves before its place is durable, all leave in
 * order, and none waits longer than for the place of a byte that came before the release. */
#include "daemon/mail/held.h"

#include <stdlib.h>
#include <time.h>

#include "kit/assert_bytes.h"

static void test_one_run_waits_for_its_place(void **state)
{
    struct held held = held_make(100);

    (void)state;
    assert_true(held_add(&held, BYTES("a OK\r\n"), 10));
    ASSERT_BYTES(held_ready(&held, 9), BYTES(""));
    ASSERT_BYTES(held_ready(&held, 10), BYTES("a OK\r\n"));
    held_consume(&held, 6);
    assert_int_equal(held_len(&held), 0);
    assert_null(held.bytes.at); /* idle sessions hold no memory */
    held_done(&held);
}

static void test_a_busy_account_starves_nobody(void **state)
{
    struct held held = held_make(100);

    (void)state;
    assert_true(held_add(&held, BYTES("1"), 10));
    assert_true(held_add(&held, BYTES("2"), 20));
    assert_true(held_add(&held, BYTES("3"), 30));
    ASSERT_BYTES(held_ready(&held, 10), BYTES("1"));
    held_consume(&held, 1);
    assert_true(held_add(&held, BYTES("4"), 40));
    ASSERT_BYTES(held_ready(&held, 29), BYTES(""));
    ASSERT_BYTES(held_ready(&held, 30), BYTES("23"));
    held_consume(&held, 1); /* the socket took a part */
    ASSERT_BYTES(held_ready(&held, 30), BYTES("3"));
    held_consume(&held, 1);
    ASSERT_BYTES(held_ready(&held, 39), BYTES(""));
    ASSERT_BYTES(held_ready(&held, 40), BYTES("4"));
    held_done(&held);
}

static void test_the_maximum_is_kept(void **state)
{
    struct held held = held_make(4);

    (void)state;
    assert_true(held_add(&held, BYTES("1234"), 1));
    assert_false(held_add(&held, BYTES("5"), 2));
    ASSERT_BYTES(held_ready(&held, 1), BYTES("1234"));
    held_done(&held);
}

static void test_random_walk_against_a_model(void **state)
{
    enum { STEPS = 20000 };
    static uint64_t gates[STEPS]; /* the model: of each byte ever added */
    unsigned seed = (unsigned)time(NULL);
    struct held held = held_make(STEPS);
    uint64_t gate = 0;
    uint64_t durable = 0;
    size_t added = 0;
    size_t left = 0;

    (void)state;
    print_message("seed %u\n", seed);
    srandom(seed);
    for (int i = 0; i < STEPS; i++) {
        uint8_t byte = (uint8_t)added;
        struct bytes ready;
        size_t count;

        switch (random() % 3) {
        case 0:
            gate += (uint64_t)random() % 2;
            assert_true(held_add(&held, bytes_make(&byte, 1), gate));
            gates[added++] = gate;
            break;
        case 1:
            durable += durable < gate ? 1 : 0; /* a sync may be behind what was written since */
            break;
        default:
            ready = held_ready(&held, durable);
            count = ready.len == 0 ? 0 : 1 + (size_t)random() % ready.len;
            for (size_t j = 0; j < count; j++) {
                assert_int_equal(ready.at[j], (uint8_t)left);
                assert_true(gates[left++] <= durable);
            }
            held_consume(&held, count);
        }
    }
    while (left < added) { /* with all durable all leaves */
        struct bytes ready = held_ready(&held, gate);

        assert_true(ready.len > 0);
        left += ready.len;
        held_consume(&held, ready.len);
    }
    held_done(&held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_run_waits_for_its_place),
        cmocka_unit_test(test_a_busy_account_starves_nobody),
        cmocka_unit_test(test_the_maximum_is_kept),
        cmocka_unit_test(test_random_walk_against_a_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
