/* The life of one account, and its history. */
#include "crash/life.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kit/mem_vfs.h"
#include "store/account_compact.h"
#include "store/account_state.h"
#include "store/segment.h"

enum { SECOND_US = 1000000 };

static unsigned below(struct life *life, unsigned limit)
{
    return (unsigned)test_random_below(&life->random, limit);
}

static void note_low(struct life *life, unsigned step, size_t low)
{
    if (life->event_count > 0 && life->events[life->event_count - 1].low >= low)
        return;
    life->events = realloc(life->events, (life->event_count + 1) * sizeof(*life->events));
    assert(life->events != NULL);
    life->events[life->event_count++] = (struct event){ step, low };
}

/* What has become durable, and what may be told from now on. */
static void note_durable(struct life *life)
{
    uint64_t durable = account_durable(life->desk.account);
    unsigned step = crash_vfs_steps(life->crash);

    for (size_t i = life->base; i < life->point_count; i++) {
        struct point *point = &life->points[i];

        if (point->tip <= durable)
            note_low(life, step, i);
        if (point->gate <= durable && point->told_at == NEVER)
            point->told_at = step;
    }
}

static void on_durable(struct account_listener *listener)
{
    note_durable(CONTAINER_OF(listener, struct life, listener));
}

static void on_changed(struct account_listener *listener, struct mailbox *mailbox)
{
    (void)listener;
    (void)mailbox;
}

static void on_failed(struct account_listener *listener, const struct note *why)
{
    (void)listener;
    (void)why;
}

static struct point *add_point(struct life *life, struct image *image, unsigned step_before)
{
    life->points = realloc(life->points, (life->point_count + 1) * sizeof(*life->points));
    assert(life->points != NULL);
    life->points[life->point_count] =
        (struct point){ .image = image, .step_before = step_before, .told_at = NEVER };
    return &life->points[life->point_count++];
}

static void add_present(struct life *life, struct image *image, unsigned step_before)
{
    struct point *point = add_point(life, image, step_before);

    point->gate = account_gate(life->desk.account);
    point->tip = log_tip(life->desk.account->log);
    note_durable(life);
}

/* An opening that fails, or is killed in the middle, is tried again. */
static void open_until_it_works(struct life *life)
{
    for (int tries = 0;; tries++) {
        enum err err = desk_open(&life->desk);

        if (err == ERR_OK && !crash_vfs_is_dead(life->crash))
            return;
        if (crash_vfs_faults(life->crash) == life->faults_seen || tries > 4)
            crash_failed("cannot open: %s: %s", err_text(err), life->desk.why.text);
        if (err == ERR_OK)
            desk_close(&life->desk);
        if (tries > 0 || crash_vfs_is_dead(life->crash))
            crash_vfs_heal(life->crash);
    }
}

/* A process ended while it wrote an entry. What stands broken takes the clean mark before it away,
 * and when that is of another boot an epoch comes, though nothing is lost. */
static bool lock_is_torn(struct life *life)
{
    enum { ENTRY_BYTES = 128 };

    return mem_vfs_file(crash_vfs_cache(life->crash), "lock").len % ENTRY_BYTES != 0;
}

/* What must be so when nothing but the process came to an end. */
static void check_quiet_opening(const struct life *life, size_t found, bool torn)
{
    for (size_t i = found + 1; i < life->point_count; i++)
        if (life->points[i].told_at != NEVER)
            crash_failed("point %zu was told, and the end of a process took it", i);
    if (life->desk.report.epoch && life->desk.report.tail_bytes == 0 && !torn)
        crash_failed("an epoch after a process that ended");
}

static void check_opening(const struct life *life, const struct image *image, bool torn)
{
    struct stand stand;
    size_t found;

    stand_init(&stand, life);
    if (!life->inherits)
        stand_move(&stand, crash_vfs_steps(life->crash) + 1);
    found = stand_check(&stand, image, &life->desk.report);
    if (!life->harmed && !life->inherits)
        check_quiet_opening(life, found, torn);
}

static void open_account(struct life *life)
{
    unsigned step = crash_vfs_steps(life->crash);
    bool torn = lock_is_torn(life);
    struct image *image;

    life->desk.options.step_cost = below(life, 3) == 0 ? 0 : 1 + below(life, 200);
    open_until_it_works(life);
    crash_vfs_calm(life->crash, true);
    image = image_take(&life->desk);
    crash_vfs_calm(life->crash, false);
    if (life->point_count > 0)
        check_opening(life, image, torn);
    life->base = life->point_count;
    life->inherits = false;
    life->desk.options.create = false;
    account_set_listener(life->desk.account, &life->listener);
    add_present(life, image, step);
    if (life->plan.past == PAST_COPY && life->first_cut == 0)
        life->first_cut = crash_vfs_steps(life->crash);
    life->faults_seen = crash_vfs_faults(life->crash);
    if (below(life, 2) == 0) {
        crash_vfs_heal(life->crash);
        life->harmed = false;
    }
}

static void close_account(struct life *life)
{
    bool whole = !life->harmed && !crash_vfs_is_dead(life->crash);

    account_set_listener(life->desk.account, NULL);
    whole = whole && !account_has_failed(life->desk.account);
    desk_close(&life->desk);
    if (whole && !crash_vfs_is_dead(life->crash))
        note_low(life, crash_vfs_steps(life->crash), life->point_count - 1);
    if (crash_vfs_is_dead(life->crash))
        crash_vfs_heal(life->crash);
}

static void kill_at_once(struct life *life)
{
    crash_vfs_fail(life->crash, CRASH_KILL, 0, 0);
    (void)crash_vfs_get(life->crash)->unlink(crash_vfs_get(life->crash), "nothing");
    close_account(life);
}

static void arm(struct life *life, enum crash_fault fault, unsigned skip)
{
    crash_vfs_fail(life->crash, fault, skip, below(life, 3) == 0 ? 600 : below(life, 200));
    life->harmed = life->harmed || fault != CRASH_KILL;
}

static void arm_something(struct life *life)
{
    switch (below(life, 5)) {
    case 0: arm(life, CRASH_FAIL_SYNC, below(life, 3)); break;
    case 1: arm(life, CRASH_FAIL_APPEND, below(life, 3)); break;
    case 2:
        arm(life, CRASH_FAIL_APPEND, below(life, 3));
        arm(life, CRASH_FAIL_TRUNCATE, 0);
        break;
    case 3: arm(life, CRASH_FAIL_ANY, below(life, 8)); break;
    default: arm(life, CRASH_KILL, below(life, 12)); break;
    }
}

static bool is_well(const struct life *life)
{
    return !account_has_failed(life->desk.account) && !crash_vfs_is_dead(life->crash);
}

static void act_once(struct life *life)
{
    unsigned step = crash_vfs_steps(life->crash);
    enum err err = workload_act(life);
    struct image *image;

    /* The process may have ended when all of the act was written, over space taken ahead, say. */
    if (account_has_failed(life->desk.account) || (!is_well(life) && err != ERR_OK))
        return;
    if (err != ERR_OK && crash_vfs_faults(life->crash) == life->faults_seen)
        crash_failed("an act failed: %s", err_text(err));
    crash_vfs_calm(life->crash, true);
    image = image_take(&life->desk);
    crash_vfs_calm(life->crash, false);
    if (err == ERR_OK) {
        add_present(life, image, step);
        return;
    }
    if (image->whole != life->points[life->point_count - 1].image->whole)
        crash_failed("an act failed and left something: %s", err_text(err));
    image_drop(image);
}

static void between_acts(struct life *life)
{
    if (life->plan.compact && below(life, 10) == 0)
        (void)(account_purge(life->desk.account, life->desk.now, NULL) == ERR_OK);
    if (life->plan.whole_jobs) {
        desk_sync(&life->desk);
        for (unsigned ticks = 1 + below(life, 6); ticks > 0; ticks--) {
            (void)desk_tick(&life->desk);
            desk_settle(&life->desk);
        }
        return;
    }
    if (below(life, 3) == 0)
        account_sync(life->desk.account);
    if (below(life, 4) == 0)
        desk_settle(&life->desk);
    else if (below(life, 2) == 0)
        (void)(below(life, 2) == 0 ? jobs_run(&life->desk.jobs) : jobs_deliver(&life->desk.jobs));
    for (unsigned ticks = below(life, life->plan.compact ? 6 : 2); ticks > 0; ticks--) {
        (void)desk_tick(&life->desk);
        if (below(life, 3) == 0)
            desk_settle(&life->desk);
    }
    if (below(life, 10) == 0 && !account_is_busy(life->desk.account))
        account_trim(life->desk.account);
}

uint64_t first_segment(struct vfs *disk)
{
    uint64_t first = 0;

    for (unsigned i = 0; mem_vfs_path(disk, i) != NULL; i++) {
        const char *path = mem_vfs_path(disk, i);
        uint64_t number;

        if (strncmp(path, "log/", 4) == 0 &&
            segment_name_parse(bytes_from_string(path + 4), &number) &&
            segment_kind(number) == SEGMENT_LOG && (first == 0 || number < first))
            first = number;
    }
    return first;
}

static void note_purged(struct life *life)
{
    struct account_purged purged;

    if (account_purge_result(life->desk.account, &purged, NULL) != ERR_OK || purged.held)
        return;
    life->purged_at = crash_vfs_steps(life->crash);
    life->purged_below = first_segment(crash_vfs_cache(life->crash));
}

/* All that is not living is forgotten, the linger included. */
static void purge(struct life *life)
{
    enum { TICKS = 40 };

    if (account_purge(life->desk.account, life->desk.now, &life->desk.waker) != ERR_OK)
        return;
    for (int i = 0; i < TICKS && is_well(life); i++) {
        (void)desk_tick(&life->desk);
        desk_settle(&life->desk);
    }
    if (is_well(life))
        note_purged(life);
}

void life_run(struct life *life)
{
    if (life->plan.fault != CRASH_FAULT_COUNT)
        arm(life, life->plan.fault, life->plan.fault_skip);
    if (life->plan.second != CRASH_FAULT_COUNT)
        arm(life, life->plan.second, life->plan.second_skip);
    open_account(life);
    if (life->plan.purge)
        purge(life);
    for (unsigned i = 0; i < life->plan.acts; i++) {
        if (life->plan.faults && below(life, 12) == 0)
            arm_something(life);
        if (is_well(life))
            act_once(life);
        if (is_well(life))
            between_acts(life);
        if (is_well(life) && below(life, 12) != 0)
            continue;
        if (below(life, 4) == 0)
            kill_at_once(life);
        else
            close_account(life);
        open_account(life);
    }
    if (below(life, 2) == 0)
        kill_at_once(life);
    else
        close_account(life);
}

/* As cp does it: names and bytes, and no sync. */
static struct crash_vfs *copy_to_another_place(struct vfs *disk, uint64_t seed)
{
    struct vfs *empty = mem_vfs_new_like(disk, seed);
    struct crash_vfs *crash;
    struct vfs *vfs;

    mem_vfs_change_identity(empty, MEM_DIRECTORY);
    crash = crash_vfs_new(empty);
    vfs = crash_vfs_get(crash);
    for (unsigned i = 0; mem_vfs_path(disk, i) != NULL; i++) {
        const char *path = mem_vfs_path(disk, i);
        struct vfs_file *file;

        if (disk->sync_dir(disk, path) == ERR_OK) {
            if (vfs->mkdir(vfs, path) != ERR_OK)
                crash_failed("cannot make %s", path);
            continue;
        }
        if (vfs->open(vfs, path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file) != ERR_OK ||
            vfs_append(file, mem_vfs_file(disk, path)) != ERR_OK)
            crash_failed("cannot copy %s", path);
        vfs_close(file);
    }
    mem_vfs_free(disk);
    return crash;
}

struct life *life_new(struct vfs *disk, const struct plan *plan)
{
    struct life *life = calloc(1, sizeof(*life));

    assert(life != NULL);
    life->listener = (struct account_listener){ on_durable, on_changed, on_failed };
    life->plan = *plan;
    life->random.state = plan->seed;
    life->may_be_new = mem_vfs_path(disk, 0) == NULL;
    life->crash =
        plan->past == PAST_COPY ? copy_to_another_place(disk, plan->seed) : crash_vfs_new(disk);
    desk_init(&life->desk, crash_vfs_get(life->crash));
    if (!life->may_be_new)
        life->desk.now.us += 1000LL * SECOND_US; /* its past is over */
    life->born = life->desk.now;
    life->purged_at = NEVER;
    life_options(plan, &life->desk.options);
    life->desk.options.create = life->may_be_new;
    return life;
}

void life_options(const struct plan *plan, struct account_options *options)
{
    options->checkpoint_bytes = plan->checkpoint_bytes;
    options->log_segment_bytes = plan->segment_bytes;
    options->log_ahead_bytes = plan->ahead_bytes;
    options->log_ahead_syncs = plan->ahead_syncs;
    options->compress = plan->compress;
    options->compact = (struct compact_policy){
        .enabled = plan->compact,
        .keep_us = 4 * SECOND_US,
        .linger_ms = 300,
        .garbage_bytes_min = 100,
        .check_ms = 100,
    };
}

void life_free(struct life *life)
{
    crash_vfs_free(life->crash);
    for (size_t i = 0; i < life->point_count; i++)
        image_drop(life->points[i].image);
    image_drop(life->client);
    free(life->points);
    free(life->events);
    free(life);
}

void life_inherit(struct life *life, const struct stand *stand, struct image *client)
{
    const struct life *parent = stand->life;

    for (size_t i = stand->low; i <= stand->high; i++) {
        const struct point *from = &parent->points[i];
        struct point *point = add_point(life, image_hold(from->image), 0);

        point->told_at = from->told_at <= stand->step ? 0 : NEVER;
    }
    life->inherits = true;
    life->may_be_new = !stand->made;
    life->desk.options.create = life->may_be_new;
    life->desk.now = stand->made ? parent->desk.now : parent->born;
    life->born = parent->born;
    life->texts = parent->texts;
    life->inherited = stand->marks;
    life->client = client == NULL ? NULL : image_hold(client);
    if (stand->made)
        note_low(life, 0, 0);
}
