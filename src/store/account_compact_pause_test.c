/* Those who read the past, and compaction: neither disturbs the other, neither waits for ever. */
#include <stdlib.h>
#include <string.h>

#include "kit/assert_bytes.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "store/account_compact.h"
#include "store/account_state.h"
#include "store/base_writer.h"
#include "store/log_base.h"
#include "store/segment.h"

#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)

enum { MESSAGES = 300, LONG = 5000 };

struct scene {
    struct desk desk;
    struct jobs background;
    struct account_pause first;
    struct account_pause second;
};

/* An account of which most was expunged, two hours ago. */
static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct desk *desk = &scene->desk;
    struct origin origin;
    struct buf text = buf_make(1 << 16);
    struct uid_range gone[MESSAGES / 5];
    uint32_t count;

    desk_init(desk, mem_vfs_new(4));
    jobs_init(&scene->background);
    scene->first.waker = scene->second.waker = &desk->waker;
    desk->options.background = &scene->background.executor;
    desk->options.log_segment_bytes = 100000;
    desk->options.compact = (struct compact_policy){
        .enabled = true,
        .keep_us = HOUR_US,
        .linger_ms = 600000,
        .garbage_bytes_min = 4000,
        .check_ms = 500,
    };
    assert_int_equal(desk_open(desk), ERR_OK);
    buf_add_format(&text, "Subject: long\r\n\r\n%*u\r\n", 10000, 1);
    for (int i = 0; i < MESSAGES; i++) {
        assert_int_equal(desk_append(desk, desk_mailbox(desk, "INBOX"), buf_bytes(&text), 0, NULL),
                         ERR_OK);
        desk_sync(desk);
    }
    for (uint32_t i = 0; i < MESSAGES / 5; i++)
        gone[i] = (struct uid_range){ 5 * i + 1, 5 * i + 4 };
    origin = desk_origin(desk);
    assert_int_equal(act_expunge(desk_mailbox(desk, "INBOX"), &origin,
                                 (struct uid_set){ gone, MESSAGES / 5 }, false, &count),
                     ERR_OK);
    desk_sync(desk);
    desk->now.us += 2 * HOUR_US;
    buf_done(&text);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    jobs_settle(&scene->background);
    desk_close(&scene->desk);
    mem_vfs_free(scene->desk.vfs);
    free(scene);
    return 0;
}

/* One tick, and all jobs that it leads to. */
static void turn(struct scene *scene)
{
    (void)desk_tick(&scene->desk);
    jobs_settle(&scene->background);
    desk_settle(&scene->desk);
}

static const char *base_path(struct scene *scene)
{
    const char *path;

    for (unsigned i = 0; (path = mem_vfs_path(scene->desk.vfs, i)) != NULL; i++)
        if (bytes_find(bytes_from_string(path), 0, BYTES(".base")) < strlen(path))
            return path;
    return NULL;
}

static uint64_t base_in_the_making(struct scene *scene)
{
    const char *path = base_path(scene);
    uint64_t number = 0;

    if (path != NULL)
        assert_true(segment_name_parse(bytes_from(bytes_from_string(path), 4), &number));
    return number;
}

static bool is_compacted(const struct scene *scene)
{
    return log_base(scene->desk.account->log) != 0;
}

/* Until some of the base is written. */
static uint64_t run_until_copying(struct scene *scene)
{
    for (int i = 0; i < LONG && base_in_the_making(scene) == 0; i++)
        turn(scene);
    assert_int_not_equal(base_in_the_making(scene), 0);
    assert_false(is_compacted(scene));
    return base_in_the_making(scene);
}

static void pause_soon(struct scene *scene, struct account_pause *pause)
{
    for (int i = 0; i < LONG && !account_compact_pause(scene->desk.account, pause); i++)
        turn(scene);
    assert_true(pause->is_held);
}

static void finish(struct scene *scene)
{
    for (int i = 0; i < LONG && !is_compacted(scene); i++)
        turn(scene);
    assert_true(is_compacted(scene));
}

static void nothing_happens_meanwhile(void **state)
{
    struct scene *scene = *state;
    struct account *account = scene->desk.account;

    assert_true(account_compact_pause(account, &scene->first));
    assert_true(account_compact_pause(account, &scene->second));
    for (int i = 0; i < 100; i++)
        turn(scene);
    account_compact_resume(account, &scene->first, false);
    account_compact_resume(account, &scene->first, false); /* means nothing */
    for (int i = 0; i < 100; i++)
        turn(scene);
    assert_false(is_compacted(scene));
    assert_null(base_path(scene));
    account_compact_resume(account, &scene->second, false);
    finish(scene);
}

/* What was read and copied before is not read and copied again. */
static void it_goes_on_where_it_was(void **state)
{
    struct scene *scene = *state;
    uint64_t number = run_until_copying(scene);
    uint64_t size;

    (void)desk_tick(&scene->desk);
    (void)desk_tick(&scene->desk);
    assert_false(account_compact_pause(scene->desk.account, &scene->first)); /* a step is out */
    pause_soon(scene, &scene->first);
    assert_int_equal(base_in_the_making(scene), number);
    size = mem_vfs_file(scene->desk.vfs, base_path(scene)).len;
    for (int i = 0; i < 100; i++)
        turn(scene);
    assert_int_equal(mem_vfs_file(scene->desk.vfs, base_path(scene)).len, size);
    account_compact_resume(scene->desk.account, &scene->first, false);
    finish(scene);
    assert_int_equal(log_base(scene->desk.account->log), number);
}

static void it_begins_again_when_places_were_named(void **state)
{
    struct scene *scene = *state;
    uint64_t number = run_until_copying(scene);

    pause_soon(scene, &scene->first);
    account_compact_resume(scene->desk.account, &scene->first, true);
    finish(scene);
    assert_true(log_base(scene->desk.account->log) > number);
    assert_int_equal(base_in_the_making(scene), log_base(scene->desk.account->log));
}

/* One after the other, without a break. */
static void readers_in_turn_do_not_starve_it(void **state)
{
    struct scene *scene = *state;
    unsigned readers = 0;

    run_until_copying(scene);
    for (; readers < LONG && !is_compacted(scene); readers++) {
        pause_soon(scene, &scene->first);
        turn(scene);
        account_compact_resume(scene->desk.account, &scene->first, false);
    }
    assert_in_range(readers, 1, 20);
}

/* The next one begins before the last one ends; a second passes with each. */
static unsigned overlap_until(struct scene *scene, bool (*is_reached)(const struct scene *scene))
{
    struct account *account = scene->desk.account;
    struct account_pause *held = &scene->first;
    struct account_pause *next = &scene->second;
    unsigned readers = 0;

    pause_soon(scene, held);
    for (; readers < LONG && !is_reached(scene); readers++) {
        unsigned wakes = scene->desk.wakes;
        bool is_held = account_compact_pause(account, next);
        struct account_pause *last = held;

        scene->desk.now.us += SECOND_US;
        turn(scene);
        account_compact_resume(account, held, false);
        if (!is_held) {
            for (int i = 0; i < LONG && scene->desk.wakes == wakes; i++)
                turn(scene);
            assert_true(scene->desk.wakes > wakes);
            pause_soon(scene, next);
        }
        held = next;
        next = last;
    }
    account_compact_resume(account, held, false);
    return readers;
}

static void overlapping_readers_do_not_starve_it(void **state)
{
    struct scene *scene = *state;

    run_until_copying(scene);
    assert_in_range(overlap_until(scene, is_compacted), 10, 200);
}

static void nor_before_it_has_begun(void **state)
{
    struct scene *scene = *state;

    assert_in_range(overlap_until(scene, is_compacted), 10, 200);
}

static bool is_removed(const struct scene *scene)
{
    return scene->desk.account->state.drops.count == 0;
}

static void nor_removal(void **state)
{
    struct scene *scene = *state;
    struct account *account = scene->desk.account;
    uint64_t hold;

    finish(scene);
    assert_false(is_removed(scene));
    scene->desk.now.us += HOUR_US;
    pause_soon(scene, &scene->first);
    for (int i = 0; i < 20; i++) /* removal waits for who reads, then for somebody else as well */
        turn(scene);
    hold = account_hold(account, (struct wall){ INT64_MAX });
    for (int i = 0; i < 30; i++) {
        scene->desk.now.us += SECOND_US;
        turn(scene);
    }
    assert_true(account_compact_pause(account, &scene->second));
    account_compact_resume(account, &scene->first, false);
    account_compact_resume(account, &scene->second, false);
    account_release(account, hold);
    scene->desk.mono.ms += 1000;
    assert_in_range(overlap_until(scene, is_removed), 5, 50);
}

static bool has_no_checkpoint(const struct account *account)
{
    return account->checkpoint_due || checkpoint_is_running(account->checkpoint);
}

/* It leaves what it may not remove to the linger: nothing waits for readers then. */
static void a_purge_that_has_ended_keeps_nobody_out(void **state)
{
    struct scene *scene = *state;
    struct account *account = scene->desk.account;
    struct account_purged purged;

    assert_int_equal(account_purge(account, (struct wall){ INT64_MAX }, &scene->desk.waker),
                     ERR_OK);
    finish(scene);
    for (int i = 0; i < LONG && has_no_checkpoint(account); i++)
        turn(scene);
    assert_false(is_removed(scene));
    assert_true(account_compact_pause(account, &scene->first));
    for (int i = 0; i < 20; i++)
        turn(scene);
    assert_int_equal(account_purge_result(account, &purged, NULL), ERR_OK);
    assert_true(purged.held);
    account_compact_resume(account, &scene->first, false);
    turn(scene);
    scene->desk.now.us += 60 * SECOND_US;
    turn(scene);
    assert_false(is_removed(scene));
    assert_true(account_compact_pause(account, &scene->second));
    account_compact_resume(account, &scene->second, false);
}

/* Little is on its way to the disk at any time, and what nobody will read leaves the page cache. */
static void the_disk_and_its_cache_are_spared(void **state)
{
    struct scene *scene = *state;
    const struct drops *drops = &scene->desk.account->state.drops;

    finish(scene);
    turn(scene);
    turn(scene);
    assert_true(mem_vfs_file(scene->desk.vfs, base_path(scene)).len > 500000);
    assert_in_range(mem_vfs_unwritten_most(scene->desk.vfs, base_path(scene)), 20000,
                    BASE_WRITER_PIECE_BYTES + RECORD_CHUNK_BYTES + 20000);
    assert_false(mem_vfs_is_forgotten(scene->desk.vfs, base_path(scene)));
    assert_true(drops->count > 10);
    for (size_t i = 0; i < drops->count; i++) {
        char path[SEGMENT_PATH_BYTES];

        segment_path(drops->segments[i], path);
        assert_true(mem_vfs_is_forgotten(scene->desk.vfs, path));
    }
}

/* What has time waits for its own executor; what a client waits for does not. */
static void it_has_its_own_executor(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < 100 && !account_compact_is_running(scene->desk.account); i++) {
        (void)desk_tick(&scene->desk);
        desk_settle(&scene->desk);
    }
    assert_true(account_compact_is_running(scene->desk.account));
    assert_false(list_is_empty(&scene->background.waiting));
    assert_int_equal(
        desk_append(&scene->desk, desk_mailbox(&scene->desk, "INBOX"), BYTES("x"), 0, NULL),
        ERR_OK);
    desk_sync(&scene->desk);
    assert_int_equal(account_durable(scene->desk.account), account_gate(scene->desk.account));
    finish(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_happens_meanwhile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_goes_on_where_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_begins_again_when_places_were_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(readers_in_turn_do_not_starve_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overlapping_readers_do_not_starve_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nor_before_it_has_begun, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nor_removal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_purge_that_has_ended_keeps_nobody_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_disk_and_its_cache_are_spared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_has_its_own_executor, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
