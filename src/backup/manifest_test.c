/* The manifest of a copy: comes back as it was, and is refused when a byte of it is another. */
#include "backup/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kit/mem_vfs.h"
#include "sys/vfs.h"

static struct manifest sample(void)
{
    struct manifest manifest = { .account = { { 1, 2, 0xab } }, .when = { 1700000000000000 } };

    manifest_add(&manifest, &(struct manifest_entry){ 9, { 7 }, 300000, 0xfedcba98 });
    manifest_add(&manifest, &(struct manifest_entry){ 4, { 0xff, 1 }, 8192, 1 });
    manifest_sort(&manifest);
    return manifest;
}

static void test_comes_back(void **context)
{
    struct vfs *disk = mem_vfs_new(1);
    struct manifest manifest = sample();
    struct manifest again;

    (void)context;
    assert_int_equal(manifest_load(disk, &again), ERR_NOT_FOUND);
    for (int i = 0; i < 2; i++) { /* the second replaces the first */
        manifest.when.us++;
        assert_int_equal(manifest_store(disk, &manifest), ERR_OK);
        assert_int_equal(manifest_load(disk, &again), ERR_OK);
        assert_memory_equal(&again.account, &manifest.account, sizeof(again.account));
        assert_int_equal(again.when.us, manifest.when.us);
        assert_int_equal(again.count, 2);
        assert_int_equal(again.entries[0].number, 4);
        assert_int_equal(manifest_find(&again, 9)->length, 300000);
        assert_int_equal(manifest_find(&again, 9)->sum, 0xfedcba98);
        assert_int_equal(manifest_find(&again, 9)->id[0], 7);
        assert_null(manifest_find(&again, 5));
        manifest_done(&again);
    }
    manifest_done(&manifest);
    mem_vfs_free(disk);
}

static void test_other_bytes_are_refused(void **context)
{
    struct manifest manifest = sample();
    struct buf text = buf_make(1 << 16);
    struct manifest again;

    (void)context;
    manifest_print(&manifest, &text);
    for (size_t i = 0; i < text.len; i++) {
        text.at[i] ^= 1;
        assert_int_not_equal(manifest_parse(buf_bytes(&text), &again), ERR_OK);
        text.at[i] ^= 1;
        assert_int_not_equal(manifest_parse(bytes_slice(buf_bytes(&text), 0, i), &again), ERR_OK);
    }
    buf_add_byte(&text, '\n');
    assert_int_equal(manifest_parse(buf_bytes(&text), &again), ERR_CORRUPT);
    assert_int_equal(manifest_parse(BYTES("roost-backup 2\n"), &again), ERR_UNSUPPORTED);
    assert_int_equal(manifest_parse(BYTES(""), &again), ERR_CORRUPT);
    manifest_done(&manifest);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_other_bytes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
