/* The lock file: one owner, and what the last one left. */
#include "store/lockfile.h"

#include "base/buf.h"
#include "kit/assert_bytes.h"
#include "kit/crash_vfs.h"
#include "kit/mem_vfs.h"

enum { ENTRY_BYTES = 128, ENTRIES_MAX = 512 };

static struct lockfile *open_lock(struct vfs *disk)
{
    struct lockfile *lock;

    assert_int_equal(lockfile_open(disk, &lock), ERR_OK);
    return lock;
}

static void write_state(struct lockfile *lock, enum lock_state state)
{
    struct lock_entry entry = lockfile_present(lock, state, (struct wall){ 5 });

    entry.segment = 8;
    entry.position = 1234;
    assert_int_equal(lockfile_write(lock, &entry), ERR_OK);
}

static void last_entry_counts(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct lockfile *lock = open_lock(disk);
    struct lockfile *other;

    assert_int_equal(lockfile_entry(lock)->state, LOCK_NONE);
    assert_int_equal(lockfile_open(disk, &other), ERR_BUSY);
    write_state(lock, LOCK_OPEN);
    write_state(lock, LOCK_CLEAN);
    lockfile_close(lock);
    assert_int_equal(mem_vfs_open_files(disk), 0);

    lock = open_lock(disk);
    assert_int_equal(lockfile_entry(lock)->state, LOCK_CLEAN);
    assert_int_equal(lockfile_entry(lock)->segment, 8);
    assert_int_equal(lockfile_entry(lock)->position, 1234);
    assert_int_equal(lockfile_entry(lock)->when.us, 5);
    assert_int_equal(lockfile_difference(lock), 0);
    lockfile_close(lock);
    lockfile_close(NULL);
    mem_vfs_free(disk);
}

static void differences_are_told_apart(void **state)
{
    static const struct {
        enum mem_identity part;
        unsigned difference;
    } cases[] = {
        { MEM_MACHINE, LOCK_OTHER_PLACE },
        { MEM_BOOT, LOCK_OTHER_BOOT },
        { MEM_DIRECTORY, LOCK_OTHER_PLACE },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct vfs *disk = mem_vfs_new(1);
        struct lockfile *lock = open_lock(disk);

        write_state(lock, LOCK_OPEN);
        lockfile_close(lock);
        mem_vfs_change_identity(disk, cases[i].part);
        lock = open_lock(disk);
        assert_int_equal(lockfile_difference(lock), cases[i].difference);
        lockfile_close(lock);
        mem_vfs_free(disk);
    }
}

/* An entry that was being written when the power went may have been the one that takes the mark
 * away. */
static void broken_end_takes_the_clean_mark_away(void **state)
{
    for (size_t len = 1; len <= ENTRY_BYTES; len++) {
        struct vfs *disk = mem_vfs_new(1);
        struct lockfile *lock = open_lock(disk);
        struct buf torn = buf_make(4096);

        write_state(lock, LOCK_CLEAN);
        lockfile_close(lock);
        buf_add(&torn, mem_vfs_file(disk, "lock"));
        buf_add(&torn, bytes_slice(mem_vfs_file(disk, "lock"), 0, len));
        torn.at[ENTRY_BYTES + len / 2] ^= 1;
        mem_vfs_put(disk, "lock", buf_bytes(&torn));
        lock = open_lock(disk);
        assert_int_equal(lockfile_entry(lock)->state, LOCK_OPEN);
        assert_int_equal(mem_vfs_file(disk, "lock").len, ENTRY_BYTES);
        assert_true(lockfile_stands_clean(lock));
        write_state(lock, LOCK_OPEN);
        assert_false(lockfile_stands_clean(lock));
        lockfile_close(lock);
        buf_done(&torn);
        mem_vfs_free(disk);
    }
}

static void damage_before_the_last_entry_is_passed(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct lockfile *lock = open_lock(disk);

    write_state(lock, LOCK_OPEN);
    write_state(lock, LOCK_FAILED);
    lockfile_close(lock);
    mem_vfs_damage(disk, "lock", 20, 4);
    lock = open_lock(disk);
    assert_int_equal(lockfile_entry(lock)->state, LOCK_FAILED);
    lockfile_close(lock);
    mem_vfs_damage(disk, "lock", ENTRY_BYTES + 20, 4);
    lock = open_lock(disk);
    assert_int_equal(lockfile_entry(lock)->state, LOCK_NONE);
    lockfile_close(lock);
    mem_vfs_free(disk);
}

static void long_file_begins_anew(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    struct lockfile *lock = open_lock(disk);

    for (int i = 0; i < ENTRIES_MAX; i++)
        write_state(lock, LOCK_OPEN);
    assert_int_equal(mem_vfs_file(disk, "lock").len, ENTRIES_MAX * ENTRY_BYTES);
    write_state(lock, LOCK_CLEAN);
    assert_int_equal(mem_vfs_file(disk, "lock").len, ENTRY_BYTES);
    lockfile_close(lock);
    lock = open_lock(disk);
    assert_int_equal(lockfile_entry(lock)->state, LOCK_CLEAN);
    lockfile_close(lock);
    mem_vfs_free(disk);
}

/* A block's worth of entries, and a disk without a free one. */
static void full_disk_begins_anew(void **state)
{
    for (unsigned entries = 1; entries <= 32; entries++) {
        struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
        struct lockfile *lock = open_lock(crash_vfs_get(crash));
        struct lock_entry entry = lockfile_present(lock, LOCK_CLEAN, (struct wall){ 0 });

        for (unsigned i = 0; i < entries; i++)
            write_state(lock, LOCK_OPEN);
        crash_vfs_fail(crash, CRASH_FAIL_APPEND, 0, entries % 3 * 60);
        assert_int_equal(lockfile_write(lock, &entry), entries == 1 ? ERR_NO_SPACE : ERR_OK);
        assert_int_equal(mem_vfs_file(crash_vfs_cache(crash), "lock").len, ENTRY_BYTES);
        lockfile_close(lock);
        lock = open_lock(crash_vfs_get(crash));
        assert_int_equal(lockfile_entry(lock)->state, entries == 1 ? LOCK_OPEN : LOCK_CLEAN);
        lockfile_close(lock);
        crash_vfs_free(crash);
    }
}

/* The last one's position is 1, that of the others 0. */
static struct vfs *disk_with_lock(unsigned entries)
{
    struct vfs *disk = mem_vfs_new(1);
    struct lockfile *lock = open_lock(disk);

    for (unsigned i = 1; i <= entries; i++) {
        struct lock_entry entry = lockfile_present(lock, LOCK_OPEN, (struct wall){ i });

        entry.position = i == entries;
        assert_int_equal(lockfile_write(lock, &entry), ERR_OK);
    }
    lockfile_close(lock);
    return disk;
}

/* The position of the entry that counts; nothing else is in it that tells. */
static uint64_t position_on(struct vfs *disk)
{
    struct lockfile *lock = open_lock(disk);
    uint64_t position = lockfile_entry(lock)->position;

    assert_int_equal(lockfile_entry(lock)->state, LOCK_OPEN);
    lockfile_close(lock);
    return position;
}

/* Whatever fails or ends, and whenever the power goes: the entry that was the last one counts, or
 * the new one. `steps`: of one that nothing stops. */
static void check_beginning_anew(unsigned entries, bool full_disk, unsigned steps)
{
    static const enum crash_fault faults[] = { CRASH_FAULT_COUNT, CRASH_FAIL_ANY, CRASH_KILL };

    for (unsigned i = 0; i < 10 * ARRAY_COUNT(faults); i++) {
        struct crash_vfs *crash = crash_vfs_new(disk_with_lock(entries));
        struct lockfile *lock = open_lock(crash_vfs_get(crash));
        struct lock_entry entry = lockfile_present(lock, LOCK_OPEN, (struct wall){ 0 });
        size_t keep = i % 2 == 0 ? 50 : entries * ENTRY_BYTES;
        uint64_t position;
        enum err err;

        entry.position = 2;
        if (full_disk)
            crash_vfs_fail(crash, CRASH_FAIL_APPEND, 0, 100);
        if (faults[i % 3] != CRASH_FAULT_COUNT)
            crash_vfs_fail(crash, faults[i % 3], i / 6, keep);
        err = lockfile_write(lock, &entry);
        position = lockfile_entry(lock)->position;
        assert_true(position == 2 || err != ERR_OK);
        lockfile_close(lock);
        crash_vfs_heal(crash);
        assert_int_equal(position_on(crash_vfs_get(crash)), position);
        for (unsigned cut = 0; cut <= crash_vfs_steps(crash); cut++) {
            for (uint64_t seed = 0; seed < 20; seed++) {
                struct vfs *disk = crash_vfs_cut(crash, cut, seed);
                uint64_t found = position_on(disk);

                assert_true(found == 2 || (found == 1 && (err != ERR_OK || cut < steps)));
                mem_vfs_free(disk);
            }
        }
        crash_vfs_free(crash);
    }
}

static void long_file_is_never_without_its_entry(void **state)
{
    check_beginning_anew(ENTRIES_MAX, false, 4);
}

/* What a part of the entry left behind the last one is taken back first. */
static void full_disk_is_never_without_its_entry(void **state)
{
    check_beginning_anew(2, true, 6);
    check_beginning_anew(32, true, 6);
}

static void failed_write_leaves_the_old_entry(void **state)
{
    static const enum crash_fault faults[] = { CRASH_FAIL_APPEND, CRASH_FAIL_SYNC };

    for (size_t i = 0; i < ARRAY_COUNT(faults); i++) {
        struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
        struct lockfile *lock = open_lock(crash_vfs_get(crash));
        struct lock_entry entry = lockfile_present(lock, LOCK_CLEAN, (struct wall){ 0 });

        write_state(lock, LOCK_OPEN);
        crash_vfs_fail(crash, faults[i], 0, 50);
        assert_int_not_equal(lockfile_write(lock, &entry), ERR_OK);
        assert_int_equal(lockfile_entry(lock)->state, LOCK_OPEN);
        lockfile_close(lock);
        lock = open_lock(crash_vfs_get(crash));
        assert_int_equal(lockfile_entry(lock)->state, LOCK_OPEN);
        write_state(lock, LOCK_FAILED);
        lockfile_close(lock);
        crash_vfs_free(crash);
    }
}

/* A disk without room: the entry takes the last one's place. */
static void last_entry_is_replaced(void **state)
{
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct lockfile *lock = open_lock(crash_vfs_get(crash));
    struct lock_entry entry = lockfile_present(lock, LOCK_FAILED, (struct wall){ 0 });

    assert_int_equal(lockfile_replace(lock, &entry), ERR_NOT_FOUND);
    write_state(lock, LOCK_CLEAN);
    write_state(lock, LOCK_OPEN);
    assert_int_equal(lockfile_replace(lock, &entry), ERR_OK);
    assert_int_equal(lockfile_entry(lock)->state, LOCK_FAILED);
    lockfile_close(lock);
    lock = open_lock(crash_vfs_get(crash));
    assert_int_equal(lockfile_entry(lock)->state, LOCK_FAILED);
    assert_int_equal(mem_vfs_file(crash_vfs_cache(crash), "lock").len, 2 * ENTRY_BYTES);
    lockfile_close(lock);
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct vfs *disk = crash_vfs_cut(crash, crash_vfs_steps(crash), seed);

        lock = open_lock(disk);
        assert_int_not_equal(lockfile_entry(lock)->state, LOCK_CLEAN);
        lockfile_close(lock);
        mem_vfs_free(disk);
    }
    crash_vfs_free(crash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_entry_counts),
        cmocka_unit_test(differences_are_told_apart),
        cmocka_unit_test(broken_end_takes_the_clean_mark_away),
        cmocka_unit_test(damage_before_the_last_entry_is_passed),
        cmocka_unit_test(long_file_begins_anew),
        cmocka_unit_test(full_disk_begins_anew),
        cmocka_unit_test(long_file_is_never_without_its_entry),
        cmocka_unit_test(full_disk_is_never_without_its_entry),
        cmocka_unit_test(failed_write_leaves_the_old_entry),
        cmocka_unit_test(last_entry_is_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
