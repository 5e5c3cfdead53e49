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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsynced_bytes_come_in_all_ways),
        cmocka_unit_test(pages_of_a_failed_sync_are_clean),
        cmocka_unit_test(names_wait_for_their_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
