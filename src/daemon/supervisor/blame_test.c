/* Who is blamed, until when, and where to. */
#include "daemon/supervisor/blame.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/route.h"
#include "kit/assert_bytes.h"

enum { SHARDS = 2, START_MS = 5000 };

static struct ipc_account_id id_of(unsigned number)
{
    struct ipc_account_id id = { { (uint8_t)number, (uint8_t)(number >> 8) } };

    return id;
}

static struct blame *note_at(struct blames *blames, unsigned number, int64_t ms)
{
    struct ipc_account_id id = id_of(number);

    return blames_note(blames, &id, (struct mono){ START_MS + ms });
}

static uint16_t shard_of(const struct blames *blames, unsigned number)
{
    struct ipc_account_id id = id_of(number);

    return blames_shard_of(blames, &id, SHARDS);
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct blames));
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void test_crashes_are_counted_for_a_day(void **state)
{
    struct blames *blames = *state;

    assert_int_equal(note_at(blames, 1, 0)->crashes, 1);
    assert_int_equal(note_at(blames, 2, 0)->crashes, 1);
    assert_int_equal(note_at(blames, 1, BLAME_KEPT_MS - 1)->crashes, 2);
    assert_int_equal(note_at(blames, 2, BLAME_KEPT_MS)->crashes, 1);
}

static void test_set_apart_for_good(void **state)
{
    struct blames *blames = *state;
    struct blame *blame = note_at(blames, 7, 0);

    assert_int_equal(shard_of(blames, 7), 1);
    assert_true(blames_set_apart(blames, blame, SHARDS));
    assert_int_equal(shard_of(blames, 7), SHARDS);
    assert_int_equal(note_at(blames, 7, 3LL * BLAME_KEPT_MS)->crashes, 2); /* nothing forgotten */
    assert_int_equal(shard_of(blames, 7), SHARDS);
    assert_int_equal(shard_of(blames, 8), 0); /* of whom nothing is known */
}

static void test_processes_are_shared_evenly(void **state)
{
    struct blames *blames = *state;

    for (unsigned i = 0; i < IPC_PLACES_MAX; i++) {
        assert_true(blames_set_apart(blames, note_at(blames, i, 0), SHARDS));
        assert_int_equal(shard_of(blames, i), SHARDS + i % IPC_SHARDS_APART_MAX);
    }
    assert_false(blames_set_apart(blames, note_at(blames, 1001, 0), SHARDS));
    assert_int_equal(shard_of(blames, 1001), 1);
}

static void test_the_oldest_makes_room(void **state)
{
    struct blames *blames = *state;

    assert_true(blames_set_apart(blames, note_at(blames, 1000, 0), SHARDS));
    for (unsigned i = 1; i < BLAMES_MAX; i++)
        (void)note_at(blames, i, i);
    assert_int_equal(blames->count, BLAMES_MAX);
    assert_int_equal(note_at(blames, 2000, BLAMES_MAX)->crashes, 1); /* in the place of 1 */
    assert_int_equal(note_at(blames, 2, BLAMES_MAX)->crashes, 2);
    assert_int_equal(note_at(blames, 1, BLAMES_MAX)->crashes, 1);
    assert_int_equal(blames->count, BLAMES_MAX);
    assert_int_equal(shard_of(blames, 1000), SHARDS);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_crashes_are_counted_for_a_day),
        CASE(test_set_apart_for_good),
        CASE(test_processes_are_shared_evenly),
        CASE(test_the_oldest_makes_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
