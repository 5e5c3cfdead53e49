/* Verification beside an owner who works: acts of all kinds, compactions, segments that are
 * removed. Nothing is harmed, so nothing may be found. */
#include "store/verify_messages.h"

#include <stdlib.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/random.h"
#include "kit/shadow.h"
#include "store/account_state.h"
#include "store/log_base.h"

#define HOUR_US INT64_C(3600000000)

enum { ACTS = 1200, PIECE_BYTES = 30000, MESSAGES = 40 };

struct storm {
    struct desk desk;
    struct shadow *shadow;
    struct test_random random;
    struct verify *verify; /* the one that runs */
    struct verify_cursor cursor;
    struct verify_message messages[MESSAGES];
    size_t count; /* of messages that were moved, to be looked at again */
    uint64_t base; /* when it began */
    unsigned verified;
    unsigned across; /* of them, with a new base meanwhile */
    unsigned moved; /* messages */
};

static bool one_of(struct storm *storm, uint64_t count)
{
    return test_random_below(&storm->random, count) == 0;
}

static void begin(struct storm *storm)
{
    struct account *account = storm->desk.account;

    storm->verify = verify_new(storm->desk.vfs, verify_extent_of(account));
    storm->cursor = (struct verify_cursor){ .uid = 0 };
    storm->count = 0;
    storm->base = log_base(account->log);
}

static void end(struct storm *storm)
{
    size_t count;
    const struct verify_finding *findings = verify_findings(storm->verify, &count);

    if (count > 0)
        fail_msg("%zu findings, the first: %s in %llx at %llu, %llu bytes", count,
                 verify_kind_text(findings[0].kind), (unsigned long long)findings[0].segment,
                 (unsigned long long)findings[0].offset, (unsigned long long)findings[0].length);
    assert_int_equal(verify_counts(storm->verify).losses, 0);
    storm->verified++;
    storm->across += log_base(storm->desk.account->log) != storm->base ? 1 : 0;
    verify_free(storm->verify);
    begin(storm);
}

/* Messages are looked at some time after they were taken. */
static void look(struct storm *storm, size_t count)
{
    struct account *account = storm->desk.account;

    assert_int_equal(verify_messages(storm->verify, storm->messages, count, NULL), ERR_OK);
    storm->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!storm->messages[i].is_gone)
            continue;
        switch (verify_take_again(account, &storm->messages[i])) {
        case VERIFY_MOVED:
            storm->messages[storm->count++] = storm->messages[i];
            storm->moved++;
            break;
        case VERIFY_THE_SAME: verify_lose(storm->verify, &storm->messages[i]); break;
        case VERIFY_NO_MORE: break;
        }
    }
}

static void work_some(struct storm *storm)
{
    struct desk *desk = &storm->desk;

    shadow_act(storm->shadow, desk);
    if (one_of(storm, 3))
        account_sync(desk->account);
    for (uint64_t turns = test_random_below(&storm->random, 8); turns > 0; turns--) {
        (void)desk_tick(desk);
        if (one_of(storm, 2))
            (void)jobs_run(&desk->jobs);
        if (one_of(storm, 2))
            (void)jobs_deliver(&desk->jobs);
    }
    if (one_of(storm, 10))
        desk->now.us += (int64_t)test_random_below(&storm->random, 2 * (uint64_t)HOUR_US);
}

static void verify_some(struct storm *storm)
{
    size_t count = storm->count;

    if (!verify_is_done(storm->verify)) {
        assert_int_equal(verify_read(storm->verify, PIECE_BYTES, NULL), ERR_OK);
        return;
    }
    if (!storm->cursor.done)
        count += verify_take(storm->desk.account, &storm->cursor, storm->messages + count,
                             MESSAGES - count);
    if (count == 0) {
        end(storm);
        return;
    }
    for (uint64_t i = test_random_below(&storm->random, 12); i > 0; i--)
        work_some(storm);
    look(storm, count);
}

static void make_small(struct desk *desk, struct vfs *disk)
{
    desk_init(desk, disk);
    desk->options.log_segment_bytes = 20000;
    desk->options.checkpoint_bytes = 9000;
    desk->options.compact = (struct compact_policy){
        .enabled = true,
        .keep_us = HOUR_US,
        .linger_ms = 1,
        .garbage_bytes_min = 4000,
        .check_ms = 500,
    };
}

static void test_nothing_is_found_in_what_is_whole(void **state)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 20261128;
    struct storm storm = { .shadow = malloc(sizeof(*storm.shadow)), .random = { seed + 1 } };

    (void)state;
    print_message("ROOST_TEST_SEED=%llu\n", (unsigned long long)seed);
    assert_non_null(storm.shadow);
    shadow_init(storm.shadow, seed);
    storm.shadow->with_large = true;
    make_small(&storm.desk, mem_vfs_new(seed));
    assert_int_equal(desk_open(&storm.desk), ERR_OK);
    begin(&storm);
    for (int i = 0; i < ACTS; i++) {
        work_some(&storm);
        verify_some(&storm);
    }
    print_message("%u verified, %u across a new base, %u messages moved\n", storm.verified,
                  storm.across, storm.moved);
    assert_in_range(storm.verified, 5, ACTS);
    assert_in_range(storm.across, 1, ACTS);
    verify_free(storm.verify);
    desk_close(&storm.desk);
    assert_int_equal(mem_vfs_open_files(storm.desk.vfs), 0);
    mem_vfs_free(storm.desk.vfs);
    free(storm.shadow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_found_in_what_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
