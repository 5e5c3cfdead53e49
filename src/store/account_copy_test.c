/* A copy that was made while the account was at work: all that was acknowledged before it began is
 * there, everything that is there is whole, and it gives out nothing that the original gave. */
#include "store/account_copy.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit/assert_bytes.h"
#include "kit/copier.h"
#include "kit/crash_vfs.h"
#include "kit/desk.h"
#include "kit/mem_vfs.h"
#include "kit/moments.h"
#include "store/account_state.h"

enum { ROUNDS = 300, ROUNDS_PER_ACCOUNT = 30, ACTS_MAX = 30, ACTS_BEYOND = 10, GAP = 1 << 20 };

enum { LINGER_SECONDS = 3 * ACTS_MAX };

#define CHANGES_GAP ((UINT64_C(1) << 32) + 1)

struct scene {
    struct test_random random;
    struct vfs *disk;
    struct copier *copier;
    struct desk desk;
    struct shadow *shadow;
    struct moment moments[ACTS_MAX + 1]; /* the first: when the copy began */
    unsigned count;
    uint64_t left_out; /* of all copies */
    unsigned bases; /* copies that have a base */
    unsigned torn; /* copies in which something stands behind the end of the log */
    uint64_t later; /* copies that hold more than what was there when they were begun */
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

static void begin(struct scene *scene, uint64_t seed)
{
    scene->disk = mem_vfs_new(seed);
    scene->copier = copier_new(scene->disk, seed);
    shadow_init(scene->shadow, seed);
    scene->shadow->with_large = true;
    desk_init(&scene->desk, copier_get(scene->copier));
    /* What is superseded goes when the copy that was under way must have ended. */
    moments_set_up(&scene->desk, LINGER_SECONDS * 1000);
    scene->desk.options.log_ahead_bytes = 8192;
    assert_int_equal(desk_open(&scene->desk), ERR_OK);
}

static void end(struct scene *scene)
{
    desk_close(&scene->desk);
    assert_int_equal(mem_vfs_open_files(scene->disk), 0);
    copier_free(scene->copier);
    mem_vfs_free(scene->disk);
}

static void act(struct scene *scene)
{
    moments_act(scene->shadow, &scene->desk, &scene->random);
    if (chance(scene, 8))
        account_trim(scene->desk.account);
    if (chance(scene, 20)) {
        desk_close(&scene->desk);
        assert_int_equal(desk_open(&scene->desk), ERR_OK);
    }
}

static void note_moment(struct scene *scene)
{
    moments_note(&scene->moments[scene->count++], &scene->desk, scene->shadow);
}

static void forget_moments(struct scene *scene)
{
    moments_forget(scene->moments, &scene->count);
}

static bool is_there(struct desk *desk, const char *name, uint32_t uid)
{
    struct row row;

    return rows_get(&desk_mailbox(desk, name)->rows, uid, &row);
}

/* What came while the copy was made and has a body segment of its own may be missing; the epoch
 * raises every UIDNEXT. */
static void expect_copy(const struct scene *scene, struct desk *twin, struct shadow *shadow)
{
    uint32_t newest = scene->moments[0].shadow->texts;
    uint64_t left_out = 0;

    for (size_t i = 0; i < SHADOW_MAILBOXES_MAX; i++) {
        struct shadow_mailbox *mine = &shadow->mailboxes[i];
        uint32_t kept = 0;

        if (mine->name[0] == '\0')
            continue;
        assert_non_null(desk_mailbox(twin, mine->name));
        mine->uidnext += GAP;
        for (uint32_t j = 0; j < mine->count; j++) {
            struct shadow_row *row = &mine->rows[j];
            bool is_new = row->text >= newest && row->text % 16 == 15;

            if (is_new && !is_there(twin, mine->name, row->uid))
                left_out++;
            else
                mine->rows[kept++] = *row;
        }
        mine->count = kept;
    }
    assert_int_equal(twin->report.left_out, left_out);
}

static const struct moment *find_moment(const struct scene *scene, uint64_t change)
{
    for (unsigned i = scene->count; i > 0; i--)
        if (scene->moments[i - 1].change == change)
            return &scene->moments[i - 1];
    fail_msg("the copy ends with change %llu, which is none of ours", (unsigned long long)change);
    return NULL;
}

/* Everything that the twin gives out from now on is above what the original has given. */
static void check_apart(const struct scene *scene, struct desk *twin)
{
    const struct state *original = &scene->desk.account->state;
    const struct state *state = &twin->account->state;
    struct origin origin = desk_origin(twin);
    struct mailbox *made;

    for (size_t i = 0; i < original->mailbox_count; i++) {
        const struct mailbox *theirs = original->by_id[i];
        struct mailbox *mine = state_find_id(state, theirs->id);
        struct uid uid;

        if (mine == NULL)
            continue;
        assert_int_equal(mine->uidvalidity, theirs->uidvalidity);
        assert_int_equal(desk_append(twin, mine, BYTES("a: b\r\n\r\nc"), 0, &uid), ERR_OK);
        assert_true(uid.value >= theirs->uidnext);
        assert_true(mine->highest.value > theirs->highest.value);
    }
    assert_true(state->floor.value > original->change.value);
    assert_true(state->body_next > original->body_next);
    assert_int_equal(act_mailbox_create(twin->account, &origin, BYTES("of the twin"), 0, &made),
                     ERR_OK);
    assert_true(made->id.value >= original->mailbox_next);
    assert_true(made->uidvalidity > original->uidvalidity_last);
}

static void check_copy(struct scene *scene, struct vfs *copy)
{
    struct shadow *expected = malloc(sizeof(*expected));
    const struct moment *moment;
    struct buf before = buf_make(1 << 26);
    struct buf after = buf_make(1 << 26);
    struct desk twin;

    desk_init(&twin, copy);
    twin.now = scene->desk.now;
    assert_int_equal(desk_open(&twin), ERR_OK);
    assert_true(twin.report.epoch);
    assert_int_equal(twin.report.records_damaged, 0);
    moment = find_moment(scene, account_change_number(twin.account).value - CHANGES_GAP);
    *expected = *moment->shadow;
    expect_copy(scene, &twin, expected);
    shadow_check(expected, &twin);
    scene->left_out += twin.report.left_out;
    scene->torn += twin.report.tail_bytes > 0;
    scene->later += moment != &scene->moments[0];
    check_apart(scene, &twin);
    shadow_describe(&twin, true, &before);
    desk_close(&twin);
    assert_int_equal(desk_open(&twin), ERR_OK);
    assert_false(twin.report.epoch);
    shadow_describe(&twin, true, &after);
    ASSERT_BYTES(buf_bytes(&after), buf_bytes(&before));
    desk_close(&twin);
    assert_int_equal(mem_vfs_open_files(copy), 0);
    buf_done(&before);
    buf_done(&after);
    free(expected);
}

static bool has_file(struct vfs *vfs, const char *end)
{
    for (unsigned i = 0; mem_vfs_path(vfs, i) != NULL; i++)
        if (strstr(mem_vfs_path(vfs, i), end) != NULL)
            return true;
    return false;
}

static void copy_once(struct scene *scene)
{
    struct vfs *copy = mem_vfs_new(test_random_next(&scene->random));
    unsigned acts = (unsigned)test_random_below(&scene->random, ACTS_MAX);

    for (int i = 0; i < 5; i++)
        act(scene);
    desk_sync(&scene->desk);
    note_moment(scene);
    copier_begin(scene->copier, copy, 1 + (unsigned)test_random_below(&scene->random, 12));
    for (unsigned i = 0; i < acts && !copier_is_done(scene->copier); i++) {
        act(scene);
        note_moment(scene);
    }
    copier_finish(scene->copier);
    for (int i = 0; i < ACTS_BEYOND; i++)
        act(scene);
    scene->bases += has_file(copy, ".base");
    check_copy(scene, copy);
    forget_moments(scene);
    mem_vfs_free(copy);
}

static void test_copies_under_load(void **context)
{
    uint64_t seed = new_seed();
    struct scene scene = { .random = { seed }, .shadow = malloc(sizeof(*scene.shadow)) };

    (void)context;
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (round % ROUNDS_PER_ACCOUNT == 0)
            begin(&scene, seed + round);
        copy_once(&scene);
        if (round % ROUNDS_PER_ACCOUNT == ROUNDS_PER_ACCOUNT - 1)
            end(&scene);
    }
    print_message("%llu of %d copies hold more than was there when they began; %llu messages that "
                  "came meanwhile were left out\n",
                  (unsigned long long)scene.later, ROUNDS, (unsigned long long)scene.left_out);
    print_message("%u have a base, %u something behind the end\n", scene.bases, scene.torn);
    assert_true(scene.later > ROUNDS / 4);
    assert_true(scene.bases > ROUNDS / 10);
    assert_true(scene.torn > 0);
    assert_true(scene.left_out > 0);
    free(scene.shadow);
}

static void copy_disk(struct vfs *from, struct vfs *to)
{
    struct copier *copier = copier_new(from, 1);

    copier_begin(copier, to, 1);
    copier_finish(copier);
    copier_free(copier);
}

/* cp syncs nothing: what the copy has is on the disk before anyone hears of it. */
static void test_a_copy_is_synced(void **context)
{
    struct shadow *shadow = malloc(sizeof(*shadow));
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(2));
    struct desk desk;
    struct desk twin;

    (void)context;
    shadow_init(shadow, 5);
    shadow->with_large = true;
    desk_init(&desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&desk), ERR_OK);
    for (int i = 0; i < 100; i++)
        shadow_act(shadow, &desk);
    desk_close(&desk);
    copy_disk(desk.vfs, crash_vfs_get(crash));
    desk_init(&twin, crash_vfs_get(crash));
    assert_int_equal(desk_open(&twin), ERR_OK);
    for (size_t i = 0; i < SHADOW_MAILBOXES_MAX; i++)
        shadow->mailboxes[i].uidnext += GAP;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct vfs *cut = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct desk after;

        desk_init(&after, cut);
        assert_int_equal(desk_open(&after), ERR_OK);
        assert_int_equal(after.report.records_damaged, 0);
        shadow_check(shadow, &after);
        desk_close(&after);
        mem_vfs_free(cut);
    }
    desk_close(&twin);
    crash_vfs_free(crash);
    mem_vfs_free(desk.vfs);
    free(shadow);
}

static const char *path_with(struct vfs *vfs, const char *end)
{
    const char *path = NULL;

    for (unsigned i = 0; mem_vfs_path(vfs, i) != NULL; i++)
        if (strstr(mem_vfs_path(vfs, i), end) != NULL)
            path = mem_vfs_path(vfs, i);
    assert_non_null(path);
    return path;
}

/* An account with one message, which has a body segment of its own; closed. */
static void make_large(struct desk *desk)
{
    struct buf large = buf_make(1 << 20);

    buf_add_string(&large, "Subject: large\r\n\r\n");
    while (large.len < 200000)
        buf_add_string(&large, "a line of the body\r\n");
    desk_init(desk, mem_vfs_new(1));
    assert_int_equal(desk_open(desk), ERR_OK);
    assert_int_equal(desk_append(desk, desk_mailbox(desk, "INBOX"), buf_bytes(&large), 0, NULL),
                     ERR_OK);
    desk_close(desk);
    buf_done(&large);
}

static void check_left_out(struct desk *desk, unsigned left_out)
{
    mem_vfs_change_identity(desk->vfs, MEM_DIRECTORY);
    assert_int_equal(desk_open(desk), ERR_OK);
    assert_true(desk->report.epoch);
    assert_int_equal(desk->report.left_out, left_out);
    assert_int_equal(account_used_messages(desk->account), 1 - left_out);
    desk_close(desk);
    assert_int_equal(desk_open(desk), ERR_OK);
    assert_int_equal(account_used_messages(desk->account), 1 - left_out);
    desk_close(desk);
    mem_vfs_free(desk->vfs);
}

static void test_what_the_copy_lacks(void **context)
{
    struct desk desk;
    struct bytes body;

    (void)context;
    make_large(&desk);
    check_left_out(&desk, 0);
    make_large(&desk);
    mem_vfs_remove(desk.vfs, path_with(desk.vfs, ".body"));
    check_left_out(&desk, 1);
    make_large(&desk);
    body = mem_vfs_file(desk.vfs, path_with(desk.vfs, ".body"));
    mem_vfs_put(desk.vfs, path_with(desk.vfs, ".body"), bytes_slice(body, 0, body.len - 1));
    check_left_out(&desk, 1);
}

/* A body that is lost, and was there when the copy began, is damage: its message stays. */
static void test_damage_is_not_left_out(void **context)
{
    struct buf log = buf_make(1 << 20);
    struct desk desk;

    (void)context;
    make_large(&desk);
    buf_add(&log, mem_vfs_file(desk.vfs, path_with(desk.vfs, ".log")));
    buf_add_string(&log, "a tail, so that the log goes on in another segment");
    mem_vfs_put(desk.vfs, path_with(desk.vfs, ".log"), buf_bytes(&log));
    assert_int_equal(desk_open(&desk), ERR_OK);
    assert_true(desk.report.tail_bytes > 0);
    desk_close(&desk);
    mem_vfs_remove(desk.vfs, path_with(desk.vfs, ".body"));
    check_left_out(&desk, 0);
    buf_done(&log);
}

/* The lock file may be copied later than the log, and then knows of more: that is no damage. */
static void test_the_lock_file_comes_last(void **context)
{
    struct vfs *copy = mem_vfs_new(2);
    struct desk desk;
    struct desk twin;

    (void)context;
    desk_init(&desk, mem_vfs_new(1));
    assert_int_equal(desk_open(&desk), ERR_OK);
    desk_sync(&desk);
    copy_disk(desk.vfs, copy);
    assert_int_equal(
        desk_append(&desk, desk_mailbox(&desk, "INBOX"), BYTES("a: b\r\n\r\nc"), 0, NULL), ERR_OK);
    desk_close(&desk);
    mem_vfs_put(copy, "lock", mem_vfs_file(desk.vfs, "lock"));
    desk_init(&twin, copy);
    assert_int_equal(desk_open(&twin), ERR_OK);
    assert_int_equal(twin.report.records_damaged, 0);
    assert_true(twin.report.epoch);
    desk_close(&twin);
    mem_vfs_free(copy);
    mem_vfs_free(desk.vfs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_under_load),
        cmocka_unit_test(test_a_copy_is_synced),
        cmocka_unit_test(test_what_the_copy_lacks),
        cmocka_unit_test(test_damage_is_not_left_out),
        cmocka_unit_test(test_the_lock_file_comes_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
