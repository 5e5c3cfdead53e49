/* Segments: names, headers, making. */
#include "store/segment.h"

#include "kit/assert_bytes.h"
#include "kit/crash_vfs.h"
#include "kit/mem_vfs.h"

static void names_and_numbers(void **state)
{
    static const struct {
        const char *name;
        uint64_t number; /* 0: no segment's name */
    } cases[] = {
        { "0000000000000004.log", 4 },
        { "0000000000000009.body", 9 },
        { "00000000000000fe.base", 0xfe },
        { "7ffffffffffffffc.log", 0x7ffffffffffffffc },
        { "fffffffffffffffc.log", 0 },
        { "0000000000000000.log", 0 },
        { "0000000000000007.log", 0 },
        { "0000000000000004.body", 0 },
        { "0000000000000004.lo", 0 },
        { "0000000000000004.logs", 0 },
        { "000000000000000A.base", 0 },
        { "0000000000000004", 0 },
        { "4.log", 0 },
        { "", 0 },
        { "aside-0000000000000004-0000000000002000", 0 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint64_t number = 0;
        bool good = segment_name_parse(bytes_from_string(cases[i].name), &number);
        char path[SEGMENT_PATH_BYTES];

        if (good != (cases[i].number != 0) || number != cases[i].number)
            fail_msg("%s", cases[i].name);
        if (!good)
            continue;
        segment_path(number, path);
        assert_string_equal(path + 4, cases[i].name);
    }
}

static void header_comes_back_and_no_other(void **state)
{
    struct segment segment = {
        .id = "0123456789abcde", .number = 8, .previous = 4, .position = 99, .when = { -7 }
    };
    struct buf raw = buf_make(1000);
    struct segment out;

    segment_header_encode(&raw, &segment);
    assert_int_equal(raw.len, SEGMENT_HEADER_BYTES);
    assert_int_equal(segment_header_decode(buf_bytes(&raw), &out), ERR_OK);
    assert_memory_equal(out.id, segment.id, 16);
    assert_int_equal(out.number, 8);
    assert_int_equal(out.previous, 4);
    assert_int_equal(out.position, 99);
    assert_int_equal(out.when.us, -7);
    for (size_t i = 0; i < raw.len * 8; i++) {
        raw.at[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(segment_header_decode(buf_bytes(&raw), &out), ERR_CORRUPT);
        raw.at[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(segment_header_decode(bytes_slice(buf_bytes(&raw), 0, 127), &out),
                     ERR_CORRUPT);
    buf_done(&raw);
}

static void made_segments_are_durable_or_gone(void **state)
{
    struct segment segment = { .id = "0123456789abcde", .number = 4 };
    static const enum crash_fault faults[] = { CRASH_FAIL_CREATE, CRASH_FAIL_APPEND,
                                               CRASH_FAIL_SYNC, CRASH_FAULT_COUNT };

    for (size_t i = 0; i < ARRAY_COUNT(faults); i++) {
        struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
        struct vfs *vfs = crash_vfs_get(crash);
        struct vfs_file *file = NULL;
        struct segment out;
        bool fails = faults[i] != CRASH_FAULT_COUNT;

        assert_int_equal(vfs->mkdir(vfs, "log"), ERR_OK);
        if (fails)
            crash_vfs_fail(crash, faults[i], 0, 100);
        assert_int_equal(segment_create(vfs, &segment, &file) != ERR_OK, fails);
        if (fails) {
            assert_int_equal(vfs->open(vfs, "log/0000000000000004.log", VFS_OPEN_READ, &file),
                             ERR_NOT_FOUND);
        } else {
            assert_int_equal(segment_header_read(file, 4, 0, &out), ERR_OK);
            assert_int_equal(segment_header_read(file, 8, 0, &out), ERR_CORRUPT);
            vfs_close(file);
        }
        assert_int_equal(mem_vfs_open_files(crash_vfs_cache(crash)), 0);
        crash_vfs_free(crash);
    }
}

/* What the power leaves of the second file of a name, and before it is synced, may be blocks of the
 * first one: they must not be a header. */
static void no_header_outlives_its_removal(void **state)
{
    const struct segment first = { .number = 4, .position = 1000, .id = { 1 } };
    const struct segment second = { .number = 4, .position = 5000, .id = { 2 } };
    struct crash_vfs *crash = crash_vfs_new(mem_vfs_new(1));
    struct vfs *vfs = crash_vfs_get(crash);
    struct vfs_file *file;

    assert_int_equal(vfs->mkdir(vfs, "log"), ERR_OK);
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_OK);
    crash_vfs_fail(crash, CRASH_FAIL_ANY, 3, 0); /* the sync of the name */
    assert_int_equal(segment_create(vfs, &first, &file), ERR_IO);
    assert_int_equal(segment_create(vfs, &second, &file), ERR_OK);
    vfs_close(file);
    for (uint64_t seed = 0; seed < 500; seed++) {
        unsigned steps = crash_vfs_steps(crash) - 2; /* made, written, not synced */
        struct vfs *disk = crash_vfs_cut(crash, steps, seed);
        struct segment out;

        if (disk->open(disk, "log/0000000000000004.log", VFS_OPEN_READ, &file) == ERR_OK) {
            if (segment_header_read(file, 4, 0, &out) == ERR_OK)
                assert_int_equal(out.position, second.position);
            vfs_close(file);
        }
        mem_vfs_free(disk);
    }
    crash_vfs_free(crash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers),
        cmocka_unit_test(header_comes_back_and_no_other),
        cmocka_unit_test(made_segments_are_durable_or_gone),
        cmocka_unit_test(no_header_outlives_its_removal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
