/* Marks: what is noted is read, what is left is not. */
#include "ipc/marks.h"

#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"

static struct ipc_account_id id_of(uint8_t byte)
{
    struct ipc_account_id id;

    memset(id.raw, byte, sizeof(id.raw));
    return id;
}

static int set_up(void **state)
{
    *state = calloc(1, MARKS_BYTES);
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void assert_marked(const struct marks *marks, const char *bytes)
{
    struct ipc_account_id ids[MARKS_MAX];
    size_t count = marks_read(marks, ids);

    assert_int_equal(count, strlen(bytes));
    for (size_t i = 0; i < count; i++)
        assert_memory_equal(ids[i].raw, id_of((uint8_t)bytes[i]).raw, IPC_ACCOUNT_ID_BYTES);
}

static void test_the_loop_has_one_mark(void **state)
{
    struct marks *marks = *state;
    struct ipc_account_id a = id_of('a');
    struct ipc_account_id b = id_of('b');

    assert_marked(marks, "");
    marks_enter_loop(marks, &a);
    assert_marked(marks, "a");
    marks_enter_loop(marks, &b);
    assert_marked(marks, "b");
    marks_leave(marks, MARKS_LOOP);
    assert_marked(marks, "");
}

static void test_jobs_have_marks_of_their_own(void **state)
{
    struct marks *marks = *state;
    struct ipc_account_id a = id_of('a');
    struct ipc_account_id b = id_of('b');
    unsigned first = marks_enter(marks, &a);
    unsigned second = marks_enter(marks, &b);
    unsigned third = marks_enter(marks, &a);

    assert_int_not_equal(first, MARKS_LOOP);
    assert_marked(marks, "ab"); /* each once */
    marks_leave(marks, first);
    assert_marked(marks, "ba");
    marks_leave(marks, third);
    assert_marked(marks, "b");
    assert_int_equal(marks_enter(marks, &a), first);
    marks_leave(marks, second);
    marks_clear(marks);
    assert_marked(marks, "");
}

static void test_more_jobs_than_marks(void **state)
{
    struct marks *marks = *state;
    struct ipc_account_id a = id_of('a');
    struct ipc_account_id b = id_of('b');

    for (unsigned i = 0; i < MARKS_JOBS_MAX; i++)
        assert_int_equal(marks_enter(marks, &a), i + 1);
    assert_int_equal(marks_enter(marks, &b), MARKS_NONE);
    marks_leave(marks, MARKS_NONE);
    assert_marked(marks, "a");
}

/* A process that went mad may have written anything. */
static void test_any_memory_can_be_read(void **state)
{
    struct marks *marks = *state;
    struct ipc_account_id ids[MARKS_MAX];

    memset(*state, 0xff, MARKS_BYTES);
    assert_int_equal(marks_read(marks, ids), 0);
    for (size_t i = 0; i < MARKS_BYTES; i += 4)
        memcpy((char *)*state + i, &(uint32_t){ 2 }, 4);
    assert_int_equal(marks_read(marks, ids), 1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_the_loop_has_one_mark),
        CASE(test_jobs_have_marks_of_their_own),
        CASE(test_more_jobs_than_marks),
        CASE(test_any_memory_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
