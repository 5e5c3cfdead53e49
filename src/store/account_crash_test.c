/* Kills and power cuts at every step of random acts: what was acknowledged is there, the rest is
 * there as a whole or not at all, and nothing that was given out comes twice. */
#include <stdlib.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/crash_vfs.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/random.h"
#include "kit/shadow.h"

enum { ACTS = 60, EVENTS_MAX = 1000 };

/* The account after one act. */
struct point {
    struct buf text;
    unsigned step_before; /* steps of the disk before the act began */
    uint64_t gate;
    bool gated; /* the act moved the gate */
    uint64_t change;
};

/* When the disk was known to hold how much. */
struct event {
    unsigned step;
    uint64_t durable;
};

struct history {
    struct account_listener listener;
    struct crash_vfs *crash;
    struct desk desk;
    struct shadow *shadow;
    bool compresses; /* off and on again, with each opening */
    struct point points[ACTS + 1];
    size_t point_count;
    struct event events[EVENTS_MAX];
    size_t event_count;
};

static uint64_t new_seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static void note_durable(struct history *history)
{
    assert_true(history->event_count < EVENTS_MAX);
    history->events[history->event_count++] =
        (struct event){ crash_vfs_steps(history->crash), account_durable(history->desk.account) };
}

static void on_durable(struct account_listener *listener)
{
    note_durable(CONTAINER_OF(listener, struct history, listener));
}

static void on_changed(struct account_listener *listener, struct mailbox *mailbox)
{
    (void)listener;
    (void)mailbox;
}

static void on_failed(struct account_listener *listener, const struct note *why)
{
    (void)listener;
    fail_msg("failed: %s", why->text);
}

static void add_point(struct history *history, unsigned step_before)
{
    struct point *point = &history->points[history->point_count];
    uint64_t gate = account_gate(history->desk.account);

    *point = (struct point){ .text = buf_make(1 << 24),
                             .step_before = step_before,
                             .gate = gate,
                             .gated = history->point_count == 0 || gate != point[-1].gate,
                             .change = account_change_number(history->desk.account).value };
    shadow_describe(&history->desk, false, &point->text);
    history->point_count++;
}

static void start(struct history *history, uint64_t seed, bool compresses)
{
    *history = (struct history){ .listener = { on_durable, on_changed, on_failed },
                                 .compresses = compresses };
    history->crash = crash_vfs_new(mem_vfs_new(seed));
    history->shadow = malloc(sizeof(*history->shadow));
    shadow_init(history->shadow, seed);
    history->shadow->with_large = true;
    desk_init(&history->desk, crash_vfs_get(history->crash));
    history->desk.options.checkpoint_bytes = 2000;
    history->desk.options.compress = compresses;
    assert_int_equal(desk_open(&history->desk), ERR_OK);
    account_set_listener(history->desk.account, &history->listener);
    note_durable(history);
    add_point(history, crash_vfs_steps(history->crash));
}

static void finish(struct history *history)
{
    account_set_listener(history->desk.account, NULL);
    desk_close(&history->desk);
    crash_vfs_free(history->crash);
    for (size_t i = 0; i < history->point_count; i++)
        buf_done(&history->points[i].text);
    free(history->shadow);
}

/* One act; now and then everything or a single job gets its turn, or a checkpoint is made. */
static void one_act(struct history *history, struct test_random *random)
{
    unsigned step = crash_vfs_steps(history->crash);

    shadow_act(history->shadow, &history->desk);
    add_point(history, step);
    if (test_random_below(random, 3) == 0)
        account_sync(history->desk.account);
    if (test_random_below(random, 3) == 0)
        desk_settle(&history->desk);
    if (test_random_below(random, 3) != 0)
        (void)desk_tick(&history->desk);
    if (test_random_below(random, 12) == 0) {
        account_set_listener(history->desk.account, NULL);
        desk_close(&history->desk);
        if (history->compresses)
            history->desk.options.compress = !history->desk.options.compress;
        assert_int_equal(desk_open(&history->desk), ERR_OK);
        account_set_listener(history->desk.account, &history->listener);
        note_durable(history);
    }
}

/* The last act that must have survived when `durable` was on the disk. */
static size_t lowest(const struct history *history, uint64_t durable)
{
    size_t lowest = 0;

    for (size_t i = 0; i < history->point_count; i++)
        if (history->points[i].gated && history->points[i].gate <= durable)
            lowest = i;
    return lowest;
}

/* True when a client may have heard of one of the acts behind `at`. */
static bool was_told(const struct history *history, size_t at, size_t high, uint64_t durable)
{
    for (size_t i = at + 1; i <= high; i++)
        if (history->points[i].gate <= durable &&
            history->points[i].change > history->points[at].change)
            return true;
    return false;
}

/* Opens that disk and finds which of the points it is; then goes on with it. */
static void check_disk(struct history *history, struct vfs *disk, size_t high, uint64_t durable)
{
    struct buf text = buf_make(1 << 24);
    uint64_t change = history->points[high].change;
    size_t low = lowest(history, durable);
    bool found = false;
    struct desk desk;
    uint32_t uidnext;
    struct uid uid;
    size_t at;

    desk_init(&desk, disk);
    desk.now = history->desk.now;
    desk.options.create = false;
    desk.options.compress = history->compresses && high % 2 == 0;
    assert_int_equal(desk_open(&desk), ERR_OK);
    shadow_describe(&desk, false, &text);
    for (at = high + 1; at > low && !found; at--)
        found = bytes_equal(buf_bytes(&text), buf_bytes(&history->points[at - 1].text));
    if (!found)
        ASSERT_BYTES(buf_bytes(&text), buf_bytes(&history->points[low].text));
    if (was_told(history, at, high, durable))
        assert_true(desk.report.epoch);
    if (desk.report.epoch)
        assert_true(account_change_number(desk.account).value > change);
    uidnext = mailbox_uidnext(desk_mailbox(&desk, "INBOX"));
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), BYTES("a: b\r\n\r\nc\r\n"), 0, &uid),
        ERR_OK);
    assert_int_equal(uid.value, uidnext);
    shadow_describe(&desk, true, &text);
    desk_close(&desk);
    buf_done(&text);
    mem_vfs_free(disk);
}

/* The state of a test: whether bodies are compressed. */
static bool compresses = true;

static void test_power_cuts(void **context)
{
    struct history *history = malloc(sizeof(*history));
    uint64_t seed = new_seed();
    struct test_random random = { seed + 1 };
    size_t event = 0;
    size_t high = 0;
    unsigned first;

    start(history, seed, *context != NULL);
    first = crash_vfs_steps(history->crash);
    for (int i = 0; i < ACTS; i++)
        one_act(history, &random);
    for (unsigned step = first; step <= crash_vfs_steps(history->crash); step++) {
        while (event + 1 < history->event_count && history->events[event + 1].step <= step)
            event++;
        while (high + 1 < history->point_count && history->points[high + 1].step_before < step)
            high++;
        check_disk(history, crash_vfs_cut(history->crash, step, seed + step), high,
                   history->events[event].durable);
    }
    finish(history);
    free(history);
}

static void test_kills(void **context)
{
    struct history *history = malloc(sizeof(*history));
    uint64_t seed = new_seed();
    struct test_random random = { seed + 1 };

    start(history, seed, *context != NULL);
    for (int i = 0; i < ACTS; i++) {
        size_t high = history->point_count;

        one_act(history, &random);
        check_disk(history, mem_vfs_copy(crash_vfs_cache(history->crash), seed), high,
                   account_durable(history->desk.account));
    }
    finish(history);
    free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_cuts),
        cmocka_unit_test(test_kills),
        { "test_power_cuts, packed", test_power_cuts, NULL, NULL, &compresses },
        { "test_kills, packed", test_kills, NULL, NULL, &compresses },
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
