/* Who was named lately. */
#include "daemon/gate/lately.h"

#include <stdio.h>
#include <string.h>

#include "kit/assert_bytes.h"

static struct looked_up found_at(int64_t ms, uint16_t ticket)
{
    struct looked_up found = { .shard = ticket, .when = { ms } };

    memset(found.ticket.raw, (uint8_t)ticket, sizeof(found.ticket.raw));
    return found;
}

/* Auth's answer at that time; is its ticket to be kept? */
static bool note(struct lately *lately, struct bytes address, int64_t ms, uint16_t ticket)
{
    struct looked_up found = found_at(ms, ticket);

    lately_note(lately, address, &found);
    return found.is_kept;
}

static void test_from_the_second_time_on(void **state)
{
    static const struct bytes ann = { (const uint8_t *)"ann@example.org", 15 };
    struct lately lately = { 0 };

    (void)state;
    assert_null(lately_find(&lately, ann, (struct mono){ 100 }));
    assert_false(note(&lately, ann, 100, 1));
    assert_null(lately_find(&lately, ann, (struct mono){ 101 })); /* that ticket is shown once */
    assert_true(note(&lately, ann, 102, 2));
    assert_int_equal(lately_find(&lately, ann, (struct mono){ 102 })->shard, 2);
    assert_int_equal(lately_find(&lately, ann, (struct mono){ 101 + LATELY_MS })->shard, 2);
    assert_null(lately_find(&lately, ann, (struct mono){ 102 + LATELY_MS }));
    assert_null(lately_find(&lately, BYTES("bob@example.org"), (struct mono){ 102 }));
    assert_true(note(&lately, ann, 102 + LATELY_MS, 3));
    assert_int_equal(lately_find(&lately, ann, (struct mono){ 103 + LATELY_MS })->shard, 3);
    assert_false(note(&lately, ann, 102 + 3 * LATELY_MS, 4)); /* who comes rarely is not kept */
    lately_done(&lately);
}

static void test_a_refused_ticket(void **state)
{
    struct lately lately = { 0 };
    struct ipc_ticket second = found_at(0, 2).ticket;

    (void)state;
    (void)note(&lately, BYTES("ann"), 1, 1);
    (void)note(&lately, BYTES("ann"), 2, 2);
    (void)note(&lately, BYTES("bob"), 1, 3);
    (void)note(&lately, BYTES("bob"), 2, 4);
    lately_forget(&lately, &second);
    assert_null(lately_find(&lately, BYTES("ann"), (struct mono){ 3 }));
    assert_int_equal(lately_find(&lately, BYTES("bob"), (struct mono){ 3 })->shard, 4);
    assert_true(note(&lately, BYTES("ann"), 3, 5));
    assert_int_equal(lately_find(&lately, BYTES("ann"), (struct mono){ 3 })->shard, 5);
    lately_done(&lately);
}

/* Those named last are known, however many there were. */
static void test_many(void **state)
{
    enum { MANY = 5 * LATELY_MAX + 3 };
    struct lately lately = { 0 };
    char address[20];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct bytes name;

        (void)snprintf(address, sizeof(address), "user%d", i);
        name = bytes_from_string(address);
        assert_false(note(&lately, name, 1, 1));
        assert_true(note(&lately, name, 1, (uint16_t)i));
    }
    for (int i = 0; i < MANY; i++) {
        const struct looked_up *found;

        (void)snprintf(address, sizeof(address), "user%d", i);
        found = lately_find(&lately, bytes_from_string(address), (struct mono){ 1 });
        if (i < MANY - LATELY_MAX)
            assert_null(found);
        else
            assert_int_equal(found->shard, i);
    }
    lately_done(&lately);
}

static void test_lengths(void **state)
{
    static const uint8_t text[LATELY_ADDRESS_BYTES_MAX + 1] = { 'a' };
    struct lately lately = { 0 };

    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct bytes address = bytes_make(text, LATELY_ADDRESS_BYTES_MAX + more);

        assert_false(note(&lately, address, 1, 1));
        assert_int_equal(note(&lately, address, 1, 1), more == 0);
    }
    lately_done(&lately);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_the_second_time_on),
        cmocka_unit_test(test_a_refused_ticket),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
