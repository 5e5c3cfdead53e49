/* The disk that loses power itself: it loses what may be lost, and nothing else. */
#include "kit/crash_vfs.h"

#include <stdbool.h>

#include "kit/assert_bytes.h"
#include "kit/mem_vfs.h"

enum { CUTS = 200 };

static struct vfs_file *make_file(struct vfs *vfs, const char *path)
{
    struct vfs_file *file;

    assert_int_equal(vfs->open(vfs, path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file), ERR_OK);
    return file;
}

static void add(struct vfs_file *file, uint8_t byte, size_t count)
{
    uint8_t block[10000];

    for (size_t i = 0; i < count; i++)
        block[i] = byte;
    assert_int_equal(vfs_append(file, bytes_make(block, count)), ERR_OK);
}

/* What many cuts at the end of the journal did to the bytes from 3000 on, which no sync covered. */
struct tally {
    unsigned whole;
    unsigned gone;
    unsigned shorter;
    unsigned zeroed; /* the size is right, some of the bytes are not */
    unsigned nameless;
};

static struct tally tally_cuts(struct crash_vfs *crash)
{
    struct tally tally = { 0 };

    for (uint64_t seed = 0; seed < CUTS; seed++) {
        struct vfs *disk = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct bytes bytes = mem_vfs_file(disk, "file");
        bool zeroed = false;

        for (size_t i = 0; i < bytes.len; i++) {
            assert_true(i >= 3000 || bytes.at[i] == 'a');
            assert_true(bytes.at[i] == (i < 3000 ? 'a' : 'b') || bytes.at[i] == 0);
            zeroed = zeroed || bytes.at[i] == 0;
        }
        assert_true(bytes.at == NULL || bytes.len >= 3000);
        tally.nameless += bytes.at == NULL;
        tally.gone += bytes.len == 3000;
        tally.shorter += bytes.len > 3000 && bytes.len < 11000;
        tally.whole += bytes.len == 11000 && !zeroed;
        tally.zeroed += bytes.len == 11000 && zeroed;
        mem_vfs_free(disk);
    }
    return tally;
}

static void unsynced_bytes_come_in_all_ways(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct vfs *vfs = crash_vfs_get(crash);
    struct vfs_file *file = make_file(vfs, "file");
    struct tally tally;

    add(file, 'a', 3000);
    assert_int_equal(vfs_sync(file), ERR_OK);
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_OK);
    add(file, 'b', 5000);
    add(file, 'b', 3000);
    tally = tally_cuts(crash);
    assert_int_equal(tally.nameless, 0);
    assert_true(tally.gone > 0 && tally.shorter > 0 && tally.whole > 0 && tally.zeroed > 0);
    assert_int_equal(vfs_sync(file), ERR_OK);
    tally = tally_cuts(crash);
    assert_int_equal(tally.whole, CUTS);
    vfs_close(file);
    crash_vfs_free(crash);
}

/* The sync that failed keeps some of it for ever; no later sync brings the rest. */
static void pages_of_a_failed_sync_are_clean(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct vfs *vfs = crash_vfs_get(crash);
    struct vfs_file *file = make_file(vfs, "file");
    struct tally tally;

    add(file, 'a', 3000);
    assert_int_equal(vfs_sync(file), ERR_OK);
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_OK);
    add(file, 'b', 8000);
    crash_vfs_fail(crash, CRASH_FAIL_SYNC, 0, 0);
    assert_int_equal(vfs_sync(file), ERR_IO);
    assert_int_equal(vfs_sync(file), ERR_OK);
    assert_int_equal(mem_vfs_file(crash_vfs_cache(crash), "file").len, 11000);
    tally = tally_cuts(crash);
    assert_true(tally.whole < CUTS && tally.gone + tally.shorter + tally.zeroed > 0);
    vfs_close(file);
    crash_vfs_free(crash);
}

static void names_wait_for_their_directory(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct vfs *vfs = crash_vfs_get(crash);
    struct vfs_file *file = make_file(vfs, "file");
    struct tally tally;

    add(file, 'a', 3000);
    assert_int_equal(vfs_sync(file), ERR_OK);
    tally = tally_cuts(crash);
    assert_true(tally.nameless > 0 && tally.gone > 0);
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_OK);
    assert_int_equal(vfs->rename(vfs, "file", "other"), ERR_OK);
    for (uint64_t seed = 0; seed < CUTS; seed++) { /* one of the two, never both or none */
        struct vfs *disk = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);

        assert_int_not_equal(mem_vfs_file(disk, "file").len, mem_vfs_file(disk, "other").len);
        mem_vfs_free(disk);
    }
    vfs_close(file);
    crash_vfs_free(crash);
}

/* What a file grew by and no write came through may hold: nothing, what was cut off there, or what
 * other files held. */
static void grown_space_may_be_stale(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct vfs *vfs = crash_vfs_get(crash);
    struct vfs_file *other = make_file(vfs, "other");
    struct vfs_file *file = make_file(vfs, "file");
    unsigned zeros = 0, ghosts = 0, foreign = 0, written = 0;

    add(other, 'o', 8192);
    assert_int_equal(vfs_sync(other), ERR_OK);
    add(file, 'g', 8192);
    assert_int_equal(vfs_sync(file), ERR_OK);
    assert_int_equal(file->calls->truncate(file, 4096), ERR_OK);
    assert_int_equal(vfs_sync(file), ERR_OK);
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_OK);
    add(file, 'n', 4096);
    for (uint64_t seed = 0; seed < CUTS; seed++) {
        struct vfs *disk = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct bytes bytes = mem_vfs_file(disk, "file");

        for (size_t i = 4096; i < bytes.len; i += 512) {
            zeros += bytes.at[i] == 0;
            ghosts += bytes.at[i] == 'g';
            foreign += bytes.at[i] == 'o';
            written += bytes.at[i] == 'n';
        }
        assert_true(bytes.len >= 4096 && bytes.at[4095] == 'g');
        mem_vfs_free(disk);
    }
    assert_true(zeros > 0 && ghosts > 0 && foreign > 0 && written > 0);
    vfs_close(file);
    vfs_close(other);
    crash_vfs_free(crash);
}

/* What is written over itself after a failed sync is on the disk when the next one succeeds. */
static void rewriting_makes_pages_dirty_again(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct vfs *vfs = crash_vfs_get(crash);
    struct vfs_file *file = make_file(vfs, "file");
    uint8_t block[8000];
    struct tally tally;

    add(file, 'a', 3000);
    assert_int_equal(vfs_sync(file), ERR_OK);
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_OK);
    add(file, 'b', 8000);
    crash_vfs_fail(crash, CRASH_FAIL_SYNC, 0, 0);
    assert_int_equal(vfs_sync(file), ERR_IO);
    assert_int_equal(vfs_read(file, 3000, block, sizeof(block), 0), ERR_OK);
    assert_int_equal(vfs_write(file, 3000, bytes_make(block, sizeof(block))), ERR_OK);
    tally = tally_cuts(crash);
    assert_true(tally.whole < CUTS);
    assert_int_equal(vfs_sync(file), ERR_OK);
    tally = tally_cuts(crash);
    assert_int_equal(tally.whole, CUTS);
    vfs_close(file);
    crash_vfs_free(crash);
}

/* Of what was written over since the last sync every sector comes or does not, in any order: a hole
 * may be before what is there. The file does not change its size by that, and may grow behind it.
 */
static void what_is_written_over_comes_in_all_ways(void **state)
{
    enum { SECTORS = 3, BYTES_EACH = 4096 };
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct vfs *vfs = crash_vfs_get(crash);
    struct vfs_file *file = make_file(vfs, "file");
    uint8_t block[BYTES_EACH];
    unsigned seen[1 << SECTORS] = { 0 };
    unsigned grown = 0;

    for (unsigned i = 0; i < SECTORS; i++)
        add(file, 'a', BYTES_EACH);
    assert_int_equal(vfs_sync(file), ERR_OK);
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_OK);
    memset(block, 'b', sizeof(block));
    for (uint64_t i = 0; i < SECTORS; i++)
        assert_int_equal(vfs_write(file, i * BYTES_EACH, bytes_make(block, sizeof(block))), ERR_OK);
    for (uint64_t seed = 0; seed < CUTS; seed++) {
        struct vfs *disk = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct bytes bytes = mem_vfs_file(disk, "file");
        unsigned came = 0;

        assert_int_equal(bytes.len, SECTORS * BYTES_EACH);
        for (unsigned i = 0; i < SECTORS; i++)
            came |= (bytes.at[i * BYTES_EACH] == 'b' ? 1U : 0U) << i;
        seen[came]++;
        mem_vfs_free(disk);
    }
    for (unsigned i = 0; i < ARRAY_COUNT(seen); i++)
        assert_true(seen[i] > 0);
    assert_int_equal(vfs_write(file, SECTORS * BYTES_EACH - 100, bytes_make(block, 200)), ERR_OK);
    for (uint64_t seed = 0; seed < CUTS; seed++) {
        struct vfs *disk = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);

        grown += mem_vfs_file(disk, "file").len == SECTORS * BYTES_EACH + 100;
        mem_vfs_free(disk);
    }
    assert_in_range(grown, 1, CUTS - 1);
    assert_int_equal(vfs_sync(file), ERR_OK);
    for (uint64_t seed = 0; seed < CUTS; seed++) {
        struct vfs *disk = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);
        struct bytes bytes = mem_vfs_file(disk, "file");

        assert_int_equal(bytes.len, SECTORS * BYTES_EACH + 100);
        for (size_t i = 0; i < bytes.len; i++)
            assert_int_equal(bytes.at[i], 'b');
        mem_vfs_free(disk);
    }
    vfs_close(file);
    crash_vfs_free(crash);
}

/* Every call that changes something can be the one that fails. */
static void any_call_can_fail(void **state)
{
    for (unsigned skip = 0; skip < 8; skip++) {
        struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
        struct vfs *vfs = crash_vfs_get(crash);
        struct vfs_file *file = make_file(vfs, "file");
        enum err errs[7];

        crash_vfs_fail(crash, CRASH_FAIL_ANY, skip, 0);
        errs[0] = vfs_append(file, BYTES("some text that is longer"));
        errs[1] = vfs_sync(file);
        errs[2] = file->calls->truncate(file, 0);
        errs[3] = vfs->mkdir(vfs, "log");
        errs[4] = vfs->sync_dir(vfs, "");
        errs[5] = vfs->rename(vfs, "file", "new");
        errs[6] = vfs->unlink(vfs, skip == 5 ? "file" : "new");
        for (unsigned i = 0; i < ARRAY_COUNT(errs); i++)
            assert_int_equal(errs[i], i == skip ? ERR_IO : ERR_OK);
        assert_int_equal(crash_vfs_faults(crash), skip < ARRAY_COUNT(errs));
        crash_vfs_heal(crash);
        crash_vfs_fail(crash, CRASH_FAIL_AGAIN, 1, 0);
        assert_int_equal(vfs->sync_dir(vfs, ""), ERR_OK);
        assert_int_equal(vfs->sync_dir(vfs, ""), skip < ARRAY_COUNT(errs) ? ERR_IO : ERR_OK);
        vfs_close(file);
        crash_vfs_free(crash);
    }
}

/* A process that was killed does nothing any more, and what it did is in the page cache. */
static void kill_leaves_the_page_cache(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct vfs *vfs = crash_vfs_get(crash);
    struct vfs_file *file = make_file(vfs, "file");
    struct vfs_file *again = NULL;

    add(file, 'a', 3000);
    crash_vfs_calm(crash, true);
    crash_vfs_fail(crash, CRASH_KILL, 1, 100);
    assert_int_equal(vfs_sync(file), ERR_OK);
    crash_vfs_calm(crash, false);
    assert_int_equal(vfs_sync(file), ERR_OK);
    assert_false(crash_vfs_is_dead(crash));
    assert_int_equal(vfs_append(file, bytes_make((const uint8_t *)"bbbb", 4)), ERR_IO);
    assert_true(crash_vfs_is_dead(crash));
    assert_int_equal(vfs->open(vfs, "file", VFS_OPEN_READ, &again), ERR_IO);
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_IO);
    assert_int_equal(vfs->unlink(vfs, "file"), ERR_IO);
    vfs_close(file);
    crash_vfs_heal(crash);
    assert_int_equal(vfs->open(vfs, "file", VFS_OPEN_READ, &again), ERR_OK);
    assert_int_equal(mem_vfs_file(crash_vfs_cache(crash), "file").len, 3000);
    vfs_close(again);
    crash_vfs_fail(crash, CRASH_KILL_AFTER, 1, 0);
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_OK);
    assert_false(crash_vfs_is_dead(crash));
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_IO);
    assert_true(crash_vfs_is_dead(crash));
    crash_vfs_free(crash);
}

/* Without a call that failed before there is no kill after it. */
static void kill_waits_for_the_first_fault(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct vfs *vfs = crash_vfs_get(crash);

    crash_vfs_fail(crash, CRASH_KILL_AFTER, 0, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(vfs->sync_dir(vfs, ""), ERR_OK);
    crash_vfs_fail(crash, CRASH_FAIL_ANY, 0, 0);
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_IO);
    assert_false(crash_vfs_is_dead(crash));
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_IO);
    assert_true(crash_vfs_is_dead(crash));
    crash_vfs_free(crash);
}

/* In turn every disk comes once, the model's freedom being small enough to be counted by hand. */
static void all_disks_come_in_turn(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct vfs *vfs = crash_vfs_get(crash);
    struct vfs_file *file = make_file(vfs, "file");
    struct crash_choice choice = crash_choice_in_turn();
    struct crash_walk *walk;
    unsigned nameless = 0, empty = 0, zeros = 0, written = 0;

    add(file, 'a', 300);
    walk = crash_walk_new(crash);
    crash_walk_to(walk, crash_vfs_steps(crash));
    do {
        struct vfs *disk = crash_walk_draw(walk, &choice, 1);
        struct bytes bytes = mem_vfs_file(disk, "file");

        nameless += mem_vfs_path(disk, 0) == NULL;
        empty += mem_vfs_path(disk, 0) != NULL && bytes.len == 0;
        zeros += bytes.len == 300 && bytes.at[0] == 0;
        written += bytes.len == 300 && bytes.at[299] == 'a';
        mem_vfs_free(disk);
    } while (crash_choice_next(&choice));
    assert_int_equal(nameless, 1);
    assert_true(empty > 0 && zeros > 0 && written > 0);
    crash_walk_free(walk);
    vfs_close(file);
    crash_vfs_free(crash);
}

/* Copies of a disk share their bytes until one is written to, and hash alike until then. */
static void copies_share_and_differ(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct vfs_file *file;
    struct vfs *copy;
    uint64_t hash;

    mem_vfs_put(disk, "b", BYTES("two"));
    mem_vfs_put(disk, "a", BYTES("one"));
    copy = mem_vfs_copy(disk, 2);
    hash = mem_vfs_hash(disk);
    assert_int_equal(mem_vfs_hash(copy), hash);
    file = make_file(copy, "a");
    assert_int_equal(vfs_append(file, BYTES("!")), ERR_OK);
    vfs_close(file);
    assert_int_equal(mem_vfs_hash(disk), hash);
    assert_int_not_equal(mem_vfs_hash(copy), hash);
    ASSERT_BYTES(mem_vfs_file(disk, "a"), BYTES("one"));
    ASSERT_BYTES(mem_vfs_file(copy, "a"), BYTES("one!"));
    mem_vfs_put(copy, "a", BYTES("one"));
    assert_int_equal(mem_vfs_hash(copy), hash);
    assert_int_equal(copy->rename(copy, "a", "c"), ERR_OK);
    assert_int_not_equal(mem_vfs_hash(copy), hash);
    mem_vfs_free(copy);
    mem_vfs_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsynced_bytes_come_in_all_ways),
        cmocka_unit_test(pages_of_a_failed_sync_are_clean),
        cmocka_unit_test(names_wait_for_their_directory),
        cmocka_unit_test(grown_space_may_be_stale),
        cmocka_unit_test(rewriting_makes_pages_dirty_again),
        cmocka_unit_test(what_is_written_over_comes_in_all_ways),
        cmocka_unit_test(any_call_can_fail),
        cmocka_unit_test(kill_leaves_the_page_cache),
        cmocka_unit_test(kill_waits_for_the_first_fault),
        cmocka_unit_test(all_disks_come_in_turn),
        cmocka_unit_test(copies_share_and_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
