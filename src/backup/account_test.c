/* Copies of an account at work, again and again into the same place, whatever stops them: what is
 * brought back is the account as it was between the beginning and the end of the last whole run. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backup/backup.h"
#include "backup/manifest.h"
#include "kit/assert_bytes.h"
#include "kit/copier.h"
#include "kit/crash_vfs.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/moments.h"
#include "store/segment.h"

enum { ROUNDS = 60, MOMENTS_MAX = 400, GAP = 1 << 20, PACE = 2 };

#define CHANGES_GAP ((UINT64_C(1) << 32) + 1)
#define TAIL_GAP ((UINT64_C(1) << 20) + 1)

struct scene {
    struct test_random random;
    struct desk desk; /* of the owner */
    struct copier *copier; /* over the owner's disk, for the backup */
    struct shadow *shadow;
    struct moment moments[MOMENTS_MAX];
    unsigned count;
    unsigned first; /* the moment when the last backup began */
};

static uint64_t new_seed(void)
{
    const char *given = getenv("ROOST_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static bool chance(struct scene *scene, unsigned of)
{
    return test_random_below(&scene->random, of) == 0;
}

static void note_moment(struct scene *scene)
{
    assert_true(scene->count < MOMENTS_MAX);
    moments_note(&scene->moments[scene->count++], &scene->desk, scene->shadow);
}

static void forget_moments(struct scene *scene)
{
    moments_forget(scene->moments, &scene->count);
}

static void begin(struct scene *scene, uint64_t seed)
{
    memset(scene, 0, sizeof(*scene));
    scene->random.state = seed;
    scene->shadow = malloc(sizeof(*scene->shadow));
    shadow_init(scene->shadow, seed);
    scene->shadow->with_large = true;
    desk_init(&scene->desk, mem_vfs_new(seed));
    moments_set_up(&scene->desk, MOMENTS_MAX * 1000);
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
    scene->copier = copier_new(scene->desk.vfs, seed);
}

static void end(struct scene *scene)
{
    forget_moments(scene);
    desk_close(&scene->desk);
    copier_free(scene->copier);
    mem_vfs_free(scene->desk.vfs);
    free(scene->shadow);
}

static void act(struct scene *scene)
{
    moments_act(scene->shadow, &scene->desk, &scene->random);
    if (chance(scene, 30)) {
        desk_close(&scene->desk);
        assert_int_equal(desk_open(&scene->desk), ERR_OK);
    }
}

static void act_meanwhile(void *context)
{
    struct scene *scene = context;

    if (!chance(scene, PACE) || scene->count == MOMENTS_MAX)
        return;
    act(scene);
    note_moment(scene);
}

static struct backup_options options_of(struct scene *scene, struct vfs *to)
{
    return (struct backup_options){
        .from = copier_get(scene->copier),
        .to = to,
        .account = scene->desk.options.id,
        .now = scene->desk.now,
    };
}

/* A backup; with `busy` the owner works on meanwhile. */
static enum err back_up(struct scene *scene, struct vfs *to, bool busy,
                        struct backup_result *out_result)
{
    struct backup_options options = options_of(scene, to);
    struct note why = { "" };
    enum err err;

    desk_sync(&scene->desk);
    scene->first = scene->count;
    note_moment(scene);
    if (busy)
        copier_on_call(scene->copier, act_meanwhile, scene);
    err = backup_account(&options, out_result, &why);
    copier_on_call(scene->copier, NULL, NULL);
    return err;
}

static const struct moment *find_moment(const struct scene *scene, uint64_t change)
{
    for (unsigned i = scene->count; i > 0; i--)
        if (scene->moments[i - 1].change == change)
            return &scene->moments[i - 1];
    fail_msg("the copy ends with change %llu, which is none of ours", (unsigned long long)change);
    return NULL;
}

/* Opens what is on that disk and holds it against the moment that it ends with, which is answered.
 * The disk is freed. */
static unsigned check_opened(struct scene *scene, struct vfs *disk)
{
    struct shadow *expected = malloc(sizeof(*expected));
    const struct moment *moment;
    struct desk twin;

    desk_init(&twin, disk);
    twin.now = scene->desk.now;
    assert_int_equal(desk_open(&twin), ERR_OK);
    assert_true(twin.report.epoch);
    assert_int_equal(twin.report.records_damaged, 0);
    assert_int_equal(twin.report.left_out, 0);
    moment = find_moment(scene, account_change_number(twin.account).value - CHANGES_GAP);
    *expected = *moment->shadow;
    for (size_t i = 0; i < SHADOW_MAILBOXES_MAX; i++)
        expected->mailboxes[i].uidnext += GAP;
    shadow_check(expected, &twin);
    desk_close(&twin);
    mem_vfs_free(disk);
    free(expected);
    return (unsigned)(moment - scene->moments);
}

/* Nothing may have changed between two moments. */
static bool is_same(const struct scene *scene, unsigned a, unsigned b)
{
    return scene->moments[a].change == scene->moments[b].change;
}

/* What lies in a backup whose run was broken off is whole, if of no moment that was noted. */
static void check_whole(struct vfs *disk)
{
    struct buf told = buf_make(1 << 26);
    struct desk twin;

    desk_init(&twin, disk);
    assert_int_equal(desk_open(&twin), ERR_OK);
    assert_int_equal(twin.report.records_damaged, 0);
    assert_int_equal(twin.report.left_out, 0);
    shadow_describe(&twin, false, &told); /* reads every body */
    desk_close(&twin);
    mem_vfs_free(disk);
    buf_done(&told);
}

static struct vfs *bring_back(struct scene *scene, struct vfs *backup)
{
    struct vfs *disk = mem_vfs_new(test_random_next(&scene->random));
    struct note why = { "" };

    assert_int_equal(backup_restore(backup, disk, scene->desk.options.id, NULL, &why), ERR_OK);
    assert_true(mem_vfs_file(disk, "lock").at == NULL);
    return disk;
}

/* As `cp -a` of the backup does. */
static struct vfs *plain_copy(struct scene *scene, struct vfs *backup)
{
    struct vfs *disk = mem_vfs_new(test_random_next(&scene->random));
    struct copier *copier = copier_new(backup, 1);

    copier_begin(copier, disk, 1);
    copier_finish(copier);
    copier_free(copier);
    return disk;
}

static void test_under_load(void **context)
{
    uint64_t seed = new_seed();
    struct vfs *backup = mem_vfs_new(seed + 1);
    struct backup_result result;
    struct scene scene;
    uint64_t copied = 0;
    uint64_t whole = 0;
    unsigned later = 0;

    (void)context;
    begin(&scene, seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned found;

        for (uint64_t i = test_random_below(&scene.random, 12); i > 0; i--)
            act(&scene);
        assert_int_equal(back_up(&scene, backup, true, &result), ERR_OK);
        copied += result.bytes_copied;
        whole += result.bytes;
        found = check_opened(&scene, bring_back(&scene, backup));
        assert_true(found >= scene.first);
        later += found > scene.first;
        assert_int_equal(check_opened(&scene, plain_copy(&scene, backup)), found);
        forget_moments(&scene);
    }
    print_message("%u of %d copies hold more than was there when they began; %llu bytes copied of "
                  "%llu\n",
                  later, ROUNDS, (unsigned long long)copied, (unsigned long long)whole);
    assert_true(later > 0);
    assert_true(copied < whole / 2);
    end(&scene);
    assert_int_equal(mem_vfs_open_files(backup), 0);
    mem_vfs_free(backup);
}

/* The owner closes the account and opens it again within one call of the backup. */
struct reopening {
    struct desk *desk;
    unsigned calls;
    unsigned at; /* the call, counted from 1 */
};

static void reopen_meanwhile(void *context)
{
    struct reopening *reopening = context;

    if (++reopening->calls != reopening->at)
        return;
    desk_close(reopening->desk);
    assert_int_equal(desk_open(reopening->desk), ERR_OK);
}

/* An account that is closed cuts back the space that its log has ahead: wherever that falls. */
static void test_cut_back_meanwhile(void **context)
{
    struct backup_result result;
    struct scene scene;
    struct reopening reopening = { .desk = &scene.desk };

    (void)context;
    begin(&scene, 5);
    copier_on_every_read(scene.copier);
    do {
        struct vfs *backup = mem_vfs_new(6);
        struct backup_options options = options_of(&scene, backup);
        struct note why = { "" };

        for (int i = 0; i < 4; i++) { /* small syncs, so that space is taken */
            act(&scene);
            desk_sync(&scene.desk);
        }
        scene.first = scene.count;
        note_moment(&scene);
        reopening.calls = 0;
        reopening.at++;
        copier_on_call(scene.copier, reopen_meanwhile, &reopening);
        assert_int_equal(backup_account(&options, &result, &why), ERR_OK);
        copier_on_call(scene.copier, NULL, NULL);
        (void)check_opened(&scene, bring_back(&scene, backup));
        forget_moments(&scene);
        mem_vfs_free(backup);
    } while (reopening.calls >= reopening.at);
    end(&scene);
}

static void test_nothing_new(void **context)
{
    struct vfs *backup = mem_vfs_new(3);
    struct backup_result first;
    struct backup_result second;
    struct scene scene;

    (void)context;
    begin(&scene, 4);
    for (int i = 0; i < 60; i++)
        act(&scene);
    assert_int_equal(back_up(&scene, backup, false, &first), ERR_OK);
    assert_int_equal(first.bytes_copied, first.bytes);
    assert_int_equal(back_up(&scene, backup, false, &second), ERR_OK);
    assert_int_equal(second.bytes_copied, 0);
    assert_int_equal(second.bytes, first.bytes);
    assert_int_equal(second.files, first.files);
    mem_vfs_remove(backup, MANIFEST_PATH); /* as if the first run had been interrupted */
    assert_int_equal(back_up(&scene, backup, false, &second), ERR_OK);
    assert_int_equal(second.bytes_copied, 0);
    (void)check_opened(&scene, bring_back(&scene, backup));
    end(&scene);
    mem_vfs_free(backup);
}

static void test_what_was_brought_back_is_known(void **context)
{
    struct vfs *backup = mem_vfs_new(12);
    struct vfs *nothing = mem_vfs_new(13);
    struct backup_result result;
    struct scene scene;
    struct vfs *disk;
    bool is = true;

    (void)context;
    begin(&scene, 14);
    assert_int_equal(backup_is_restored(backup, nothing, &is), ERR_OK);
    assert_false(is);
    for (int i = 0; i < 60; i++)
        act(&scene);
    assert_int_equal(back_up(&scene, backup, false, &result), ERR_OK);
    assert_int_equal(backup_is_restored(backup, nothing, &is), ERR_OK);
    assert_false(is);
    disk = bring_back(&scene, backup);
    assert_int_equal(backup_is_restored(backup, disk, &is), ERR_OK);
    assert_true(is);
    for (int i = 0; i < 10; i++)
        act(&scene);
    assert_int_equal(back_up(&scene, backup, false, &result), ERR_OK);
    assert_int_equal(backup_is_restored(backup, disk, &is), ERR_OK);
    assert_false(is);
    mem_vfs_free(disk);
    end(&scene);
    mem_vfs_free(nothing);
    mem_vfs_free(backup);
}

/* An empty account under the id of one that was lost does not take the place of its mail. */
static void test_another_account(void **context)
{
    struct vfs *backup = mem_vfs_new(6);
    struct backup_result result;
    struct scene lost;
    struct scene scene;

    (void)context;
    begin(&lost, 7);
    for (int i = 0; i < 60; i++)
        act(&lost);
    assert_int_equal(back_up(&lost, backup, false, &result), ERR_OK);
    begin(&scene, 8);
    for (int i = 0; i < 10; i++)
        act(&scene);
    assert_int_equal(back_up(&scene, backup, false, &result), ERR_CONFLICT);
    (void)check_opened(&lost, bring_back(&lost, backup));
    assert_int_equal(back_up(&lost, backup, false, &result), ERR_OK);
    assert_int_equal(result.bytes_copied, 0);
    end(&scene);
    end(&lost);
    mem_vfs_free(backup);
}

/* Is a segment that the copy names still in the account? */
static bool has_one_of(struct vfs *account, struct vfs *backup)
{
    char path[SEGMENT_PATH_BYTES];
    struct manifest manifest;
    bool found = false;

    assert_int_equal(manifest_load(backup, &manifest), ERR_OK);
    for (size_t i = 0; i < manifest.count; i++) {
        segment_path(manifest.entries[i].number, path);
        found = found || mem_vfs_file(account, path).at != NULL;
    }
    manifest_done(&manifest);
    return found;
}

/* All segments have gone into bases since the last run: it is the same account. */
static void test_compacted_since(void **context)
{
    struct vfs *backup = mem_vfs_new(9);
    struct backup_result result;
    struct scene scene;
    bool same = true;

    (void)context;
    begin(&scene, 10);
    scene.desk.options.compact.linger_ms = 0;
    desk_close(&scene.desk);
    assert_int_equal(desk_open(&scene.desk), ERR_OK);
    for (int i = 0; i < 60; i++)
        act(&scene);
    assert_int_equal(back_up(&scene, backup, false, &result), ERR_OK);
    for (int round = 0; same && round < 400; round++) {
        for (int i = 0; i < 20; i++)
            act(&scene);
        same = has_one_of(scene.desk.vfs, backup);
    }
    assert_false(same);
    assert_int_equal(back_up(&scene, backup, false, &result), ERR_OK);
    (void)check_opened(&scene, bring_back(&scene, backup));
    end(&scene);
    mem_vfs_free(backup);
}

/* The account goes on from an older copy, which is taken: its last segment gets other bytes than
 * it had, and the numbers of others come again. */
static void set_back(struct scene *scene, struct vfs *copy)
{
    struct vfs *old = scene->desk.vfs;
    struct shadow *shadow = malloc(sizeof(*shadow));
    unsigned found;

    desk_close(&scene->desk);
    scene->desk.vfs = copy;
    scene->desk.options.vfs = scene->desk.vfs;
    copier_free(scene->copier);
    scene->copier = copier_new(scene->desk.vfs, 5);
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
    found = (unsigned)(find_moment(scene,
                                   account_change_number(scene->desk.account).value - CHANGES_GAP) -
                       scene->moments);
    *shadow = *scene->moments[found].shadow;
    shadow->random = scene->shadow->random;
    for (size_t i = 0; i < SHADOW_MAILBOXES_MAX; i++)
        shadow->mailboxes[i].uidnext += GAP;
    *scene->shadow = *shadow;
    free(shadow);
    mem_vfs_free(old);
}

/* Another run after the cut, and a cut in it: `found` is what the first one left. Takes the disk.
 */
static void go_on_and_cut(struct scene *scene, struct vfs *disk, unsigned found)
{
    struct crash_vfs *crash = crash_vfs_new(disk);
    struct backup_result result;

    for (int i = 0; i < 3; i++)
        act(scene);
    assert_int_equal(back_up(scene, crash_vfs_get(crash), false, &result), ERR_OK);
    for (unsigned step = 0; step <= crash_vfs_steps(crash); step++) {
        struct vfs *cut = crash_vfs_cut(crash, step, test_random_next(&scene->random));
        unsigned again = check_opened(scene, bring_back(scene, cut));

        assert_true(is_same(scene, again, found) || is_same(scene, again, scene->first));
        mem_vfs_free(cut);
    }
    crash_vfs_free(crash);
}

/* Cuts of the power at every step of the last run. */
static void cut_everywhere(struct scene *scene, struct crash_vfs *crash, unsigned from,
                           unsigned before)
{
    unsigned last = scene->first;
    unsigned seen_before = 0;

    for (unsigned step = from; step <= crash_vfs_steps(crash); step++) {
        struct vfs *cut = crash_vfs_cut(crash, step, test_random_next(&scene->random));
        unsigned found = check_opened(scene, bring_back(scene, cut));

        assert_true(is_same(scene, found, before) || is_same(scene, found, last));
        seen_before += is_same(scene, found, before);
        if (is_same(scene, found, last) && !is_same(scene, found, before))
            go_on_and_cut(scene, cut, found);
        else
            mem_vfs_free(cut);
    }
    assert_true(seen_before > 1);
}

static void act_and_back_up(struct scene *scene, struct crash_vfs *crash)
{
    struct backup_result result;

    for (int i = 0; i < 20; i++)
        act(scene);
    assert_int_equal(back_up(scene, crash_vfs_get(crash), false, &result), ERR_OK);
}

static void test_power_cuts(void **context)
{
    uint64_t seed = context != NULL && *context != NULL ? *(uint64_t *)*context : new_seed();

    for (unsigned round = 0; round < 8; round++) {
        struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(seed));
        struct scene scene;
        struct vfs *old;
        unsigned before;
        unsigned from;
        unsigned last;

        begin(&scene, seed + round);
        act_and_back_up(&scene, crash);
        old = plain_copy(&scene, crash_vfs_cache(crash));
        act_and_back_up(&scene, crash);
        before = scene.first;
        from = crash_vfs_steps(crash);
        if (round % 2 == 0)
            mem_vfs_free(old);
        else
            set_back(&scene, old);
        act_and_back_up(&scene, crash);
        last = scene.first;
        cut_everywhere(&scene, crash, from, before);
        assert_true(is_same(
            &scene, check_opened(&scene, plain_copy(&scene, crash_vfs_cache(crash))), last));
        end(&scene);
        crash_vfs_free(crash);
    }
}

/* Whatever call fails: the run says so, what was there is there, and the next run does it. */
static void fail_once(struct scene *scene, struct crash_vfs *crash, enum crash_fault fault)
{
    struct vfs *cache = crash_vfs_cache(crash);
    struct backup_result result;
    enum err err = ERR_IO;

    for (unsigned skip = 0; err != ERR_OK; skip++) {
        unsigned good = scene->first;

        for (int i = 0; i < 3; i++)
            act(scene);
        crash_vfs_fail(crash, fault, skip, 7);
        err = back_up(scene, crash_vfs_get(crash), false, &result);
        crash_vfs_heal(crash);
        if (err != ERR_OK) {
            unsigned found = check_opened(scene, bring_back(scene, cache));

            /* The new one when it was whole already, and tidying up failed. */
            assert_true(is_same(scene, found, good) || found == scene->first);
            check_whole(plain_copy(scene, cache));
            assert_int_equal(back_up(scene, crash_vfs_get(crash), false, &result), ERR_OK);
        }
        assert_int_equal(check_opened(scene, bring_back(scene, cache)), scene->first);
    }
}

static void test_failing_calls(void **context)
{
    uint64_t seed = new_seed();

    (void)context;
    for (unsigned fault = 0; fault < CRASH_FAULT_COUNT; fault++) {
        struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(seed));
        struct backup_result result;
        struct scene scene;

        begin(&scene, seed + fault);
        for (int i = 0; i < 40; i++)
            act(&scene);
        assert_int_equal(back_up(&scene, crash_vfs_get(crash), false, &result), ERR_OK);
        fail_once(&scene, crash, (enum crash_fault)fault);
        end(&scene);
        crash_vfs_free(crash);
    }
}

/* What is in a copy is not lost by the original: it would give the same UIDs to other messages. */
static void test_the_original_keeps_what_was_copied(void **context)
{
    uint64_t seed = new_seed();
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(seed));
    struct shadow *shadow = malloc(sizeof(*shadow));
    struct vfs *backup = mem_vfs_new(seed + 1);
    struct backup_options options = { .from = crash_vfs_get(crash), .to = backup };
    struct backup_result result;
    struct note why = { "" };
    struct desk desk;
    struct desk twin;
    uint64_t copied;

    (void)context;
    shadow_init(shadow, seed);
    desk_init(&desk, crash_vfs_get(crash));
    options.account = desk.options.id;
    assert_int_equal(desk_open(&desk), ERR_OK);
    for (int i = 0; i < 40; i++)
        shadow_act(shadow, &desk); /* nothing of it is synced */
    assert_int_equal(backup_account(&options, &result, &why), ERR_OK);
    desk_init(&twin, backup);
    assert_int_equal(desk_open(&twin), ERR_OK);
    copied = account_change_number(twin.account).value - CHANGES_GAP;
    desk_close(&twin);
    assert_int_equal(copied, account_change_number(desk.account).value);
    for (uint64_t cut = 0; cut < 40; cut++) {
        struct vfs *disk = crash_vfs_cut(crash, crash_vfs_steps(crash), seed + cut);

        desk_init(&twin, disk);
        assert_int_equal(desk_open(&twin), ERR_OK);
        assert_true(account_change_number(twin.account).value >=
                    copied + (twin.report.epoch ? TAIL_GAP : 0));
        desk_close(&twin);
        mem_vfs_free(disk);
    }
    desk_close(&desk);
    mem_vfs_free(backup);
    crash_vfs_free(crash);
    free(shadow);
}

/* A log segment without records. */
static struct buf make_segment(uint64_t number, uint8_t id)
{
    struct segment segment = { .id = { id, 1, 2, 3 }, .number = number };
    struct buf bytes = buf_make(SEGMENT_RECORDS_AT);

    segment_header_encode(&bytes, &segment);
    while (bytes.len < SEGMENT_COPY_AT)
        buf_add_byte(&bytes, 0);
    segment_header_encode(&bytes, &segment);
    while (bytes.len < SEGMENT_RECORDS_AT)
        buf_add_byte(&bytes, 0);
    return bytes;
}

/* Two files that end each stretch with its own checksum have the same CRC: they must not be taken
 * for each other. The new one waits for its name, as a run leaves it that a power cut ends. */
static void test_the_one_that_is_meant(void **context)
{
    enum { NUMBER = 0x40 };
    struct buf old = make_segment(NUMBER, 1);
    struct buf new = make_segment(NUMBER, 2);
    struct vfs *original = mem_vfs_new(3);
    struct vfs *backup = mem_vfs_new(4);
    struct vfs *disk = mem_vfs_new(5);
    struct backup_options options = { .from = original, .to = backup, .account = { { 7 } } };
    struct backup_result result;
    struct note why = { "" };

    (void)context;
    assert_int_equal(original->mkdir(original, "log"), ERR_OK);
    mem_vfs_put(original, "log/0000000000000040.log", buf_bytes(&new));
    assert_int_equal(backup_account(&options, &result, &why), ERR_OK);
    mem_vfs_put(backup, "log/0000000000000040.log", buf_bytes(&old));
    mem_vfs_put(backup, "log/0000000000000040.log.new", buf_bytes(&new));
    assert_int_equal(backup_restore(backup, disk, options.account, NULL, &why), ERR_OK);
    ASSERT_BYTES(mem_vfs_file(disk, "log/0000000000000040.log"), buf_bytes(&new));
    mem_vfs_remove(backup, "log/0000000000000040.log.new");
    assert_int_equal(backup_restore(backup, disk, options.account, NULL, &why), ERR_CORRUPT);
    buf_done(&old);
    buf_done(&new);
    mem_vfs_free(original);
    mem_vfs_free(backup);
    mem_vfs_free(disk);
}

static void test_damage_is_refused(void **context)
{
    struct vfs *backup = mem_vfs_new(3);
    struct vfs *disk = mem_vfs_new(4);
    struct account_id other = { { 9 } };
    struct backup_result result;
    struct note why = { "" };
    struct scene scene;

    (void)context;
    begin(&scene, 4);
    for (int i = 0; i < 20; i++)
        act(&scene);
    assert_int_equal(backup_restore(backup, disk, scene.desk.options.id, NULL, &why),
                     ERR_NOT_FOUND);
    assert_int_equal(back_up(&scene, backup, false, &result), ERR_OK);
    assert_int_equal(backup_restore(backup, disk, other, NULL, &why), ERR_INVALID);
    for (unsigned i = 0; mem_vfs_path(backup, i) != NULL; i++) {
        const char *path = mem_vfs_path(backup, i);

        if (strcmp(path, "log") == 0)
            continue;
        mem_vfs_damage(backup, path, mem_vfs_file(backup, path).len / 2, 1);
        mem_vfs_free(disk);
        disk = mem_vfs_new(4);
        assert_int_equal(backup_restore(backup, disk, scene.desk.options.id, NULL, &why),
                         ERR_CORRUPT);
        mem_vfs_damage(backup, path, mem_vfs_file(backup, path).len / 2, 1);
    }
    mem_vfs_free(disk);
    end(&scene);
    mem_vfs_free(backup);
}

int main(void)
{
    static uint64_t same_length = 1795912053;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_under_load),
        cmocka_unit_test(test_cut_back_meanwhile),
        cmocka_unit_test(test_nothing_new),
        cmocka_unit_test(test_what_was_brought_back_is_known),
        cmocka_unit_test(test_another_account),
        cmocka_unit_test(test_compacted_since),
        cmocka_unit_test(test_power_cuts),
        { "test_power_cuts, other records as long as the old ones", test_power_cuts, NULL, NULL,
          &same_length },
        cmocka_unit_test(test_failing_calls),
        cmocka_unit_test(test_the_original_keeps_what_was_copied),
        cmocka_unit_test(test_the_one_that_is_meant),
        cmocka_unit_test(test_damage_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
