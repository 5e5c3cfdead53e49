/* The copy of an account that nobody has used: it is one, and never takes the place of mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "backup/backup.h"
#include "backup/manifest.h"
#include "kit/mem_vfs.h"

static const struct account_id ann = { { 0xab, 1 } };

static void store_manifest(struct vfs *disk, bool with_mail)
{
    struct manifest manifest = { .account = ann };

    if (with_mail)
        manifest_add(&manifest, &(struct manifest_entry){ 4, { 1 }, 8192, 1 });
    assert_int_equal(manifest_store(disk, &manifest), ERR_OK);
    manifest_done(&manifest);
}

static void test_says_so(void **state)
{
    const struct account_id other = { { 0xcd } };
    struct vfs *disk = mem_vfs_new(1);
    struct manifest manifest;
    bool is_unused = false;
    uint64_t hash;

    (void)state;
    assert_int_equal(backup_is_unused(disk, &is_unused), ERR_NOT_FOUND);
    assert_int_equal(backup_account_unused(disk, ann, (struct wall){ 7000000 }), ERR_OK);
    assert_int_equal(backup_is_unused(disk, &is_unused), ERR_OK);
    assert_true(is_unused);
    assert_int_equal(manifest_load(disk, &manifest), ERR_OK);
    assert_memory_equal(&manifest.account, &ann, sizeof(ann));
    assert_int_equal(manifest.when.us, 7000000);
    manifest_done(&manifest);
    hash = mem_vfs_hash(disk);
    assert_int_equal(backup_account_unused(disk, ann, (struct wall){ 8000000 }), ERR_OK);
    assert_int_equal(mem_vfs_hash(disk), hash); /* nothing is written when it says so already */
    assert_int_equal(backup_account_unused(disk, other, (struct wall){ 8000000 }), ERR_OK);
    assert_int_equal(manifest_load(disk, &manifest), ERR_OK);
    assert_memory_equal(&manifest.account, &other, sizeof(other));
    manifest_done(&manifest);
    mem_vfs_free(disk);
}

static void test_mail_stays(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    bool is_unused = true;

    (void)state;
    store_manifest(disk, true);
    assert_int_equal(backup_is_unused(disk, &is_unused), ERR_OK);
    assert_false(is_unused);
    assert_int_equal(backup_account_unused(disk, ann, (struct wall){ 1 }), ERR_CONFLICT);
    mem_vfs_remove(disk, MANIFEST_PATH);
    assert_int_equal(disk->mkdir(disk, "log"), ERR_OK);
    assert_int_equal(backup_account_unused(disk, ann, (struct wall){ 1 }), ERR_OK);
    mem_vfs_put(disk, "log/0000000000000004.log", BYTES("of a run that was interrupted"));
    assert_int_equal(backup_account_unused(disk, ann, (struct wall){ 1 }), ERR_CONFLICT);
    mem_vfs_remove(disk, MANIFEST_PATH);
    assert_int_equal(backup_account_unused(disk, ann, (struct wall){ 1 }), ERR_CONFLICT);
    assert_int_equal(backup_is_unused(disk, &is_unused), ERR_NOT_FOUND);
    mem_vfs_free(disk);
}

static void test_a_manifest_that_does_not_hold(void **state)
{
    struct vfs *disk = mem_vfs_new(1);
    bool is_unused = false;

    (void)state;
    store_manifest(disk, false);
    mem_vfs_damage(disk, MANIFEST_PATH, 20, 1);
    assert_int_equal(backup_is_unused(disk, &is_unused), ERR_CORRUPT);
    assert_int_equal(backup_account_unused(disk, ann, (struct wall){ 1 }), ERR_OK);
    assert_int_equal(backup_is_unused(disk, &is_unused), ERR_OK);
    mem_vfs_put(disk, MANIFEST_PATH, BYTES("roost-backup 2\n"));
    assert_int_equal(backup_account_unused(disk, ann, (struct wall){ 1 }), ERR_UNSUPPORTED);
    mem_vfs_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_says_so),
        cmocka_unit_test(test_mail_stays),
        cmocka_unit_test(test_a_manifest_that_does_not_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
