/* Where accounts live, and the way to the trash, in a directory that goes away. */
#include "daemon/mail/place.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/vfs_posix.h"

static const uint8_t id[IPC_ACCOUNT_ID_BYTES] = { 0xab, 0x01, 0xfe };

#define HEX "ab01fe00000000000000000000000000"

static void test_names(void **state)
{
    char hex[PLACE_HEX_BYTES];
    char path[PLACE_PATH_BYTES];

    (void)state;
    place_hex(id, hex);
    assert_string_equal(hex, HEX);
    place_path(id, path);
    assert_string_equal(path, "ab/" HEX);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int rmdir_below(const char *root, const char *name)
{
    char path[200];

    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    return rmdir(path);
}

static void test_made_and_moved_to_the_trash(void **state)
{
    char root[] = "/tmp/roost-place-XXXXXX";
    struct note why = { .text = "" };
    struct wall now = { 1700000000000000 };
    char aside[PLACE_ASIDE_BYTES];
    char trash[PLACE_TRASH_BYTES];
    struct vfs *vfs;

    (void)state;
    assert_non_null(mkdtemp(root));
    vfs = vfs_posix_new(open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_int_equal(place_trash(vfs, id, now, trash, &why), ERR_NOT_FOUND);
    assert_int_equal(place_make(vfs, id, &why), ERR_OK);
    assert_int_equal(place_make(vfs, id, &why), ERR_OK);
    assert_int_equal(vfs->mkdir(vfs, "ab/" HEX), ERR_EXISTS);
    assert_int_equal(place_trash(vfs, id, now, trash, &why), ERR_OK);
    assert_int_equal(vfs->mkdir(vfs, "trash/" HEX ".1700000000"), ERR_EXISTS);
    assert_int_equal(vfs->mkdir(vfs, "trash/" HEX ".1700000000/log"), ERR_OK);
    for (int i = 0; i < 2; i++) { /* within the same second */
        assert_int_equal(place_make(vfs, id, &why), ERR_OK);
        assert_int_equal(vfs->mkdir(vfs, "ab/" HEX "/log"), ERR_OK);
        assert_int_equal(place_trash(vfs, id, now, trash, &why), ERR_OK);
    }
    assert_string_equal(trash, "trash/" HEX ".1700000000.2");
    assert_int_equal(vfs->mkdir(vfs, trash), ERR_EXISTS);
    assert_int_equal(place_make_aside(vfs, id, aside, &why), ERR_OK);
    assert_int_equal(place_make_aside(vfs, id, aside, &why), ERR_OK);
    assert_string_equal(aside, "restore/" HEX);
    assert_int_equal(vfs->mkdir(vfs, "restore/" HEX "/log"), ERR_OK);
    assert_int_equal(place_take_aside(vfs, id, &why), ERR_OK);
    assert_int_equal(vfs->mkdir(vfs, "ab/" HEX "/log"), ERR_EXISTS);
    assert_int_equal(place_make_aside(vfs, id, aside, &why), ERR_OK);
    assert_int_not_equal(place_take_aside(vfs, id, &why), ERR_OK); /* somebody lives there */
    assert_int_equal(place_untrash(vfs, id, "trash/" HEX ".1700000000.2", &why), ERR_EXISTS);
    assert_int_equal(rmdir_below(root, "ab/" HEX "/log"), 0);
    assert_int_equal(rmdir_below(root, "ab/" HEX), 0);
    assert_int_equal(place_untrash(vfs, id, "trash/" HEX ".1700000000.2", &why), ERR_OK);
    assert_int_equal(vfs->mkdir(vfs, "trash/" HEX ".1700000000.2"), ERR_OK);
    assert_int_equal(vfs->mkdir(vfs, "ab/" HEX "/log"), ERR_EXISTS);
    assert_int_equal(place_untrash(vfs, id, "trash/" HEX ".1700000000.9", &why), ERR_NOT_FOUND);
    vfs_posix_free(vfs);
    (void)nftw(root, remove_one, 10, FTW_DEPTH | FTW_PHYS);
}

struct seen {
    unsigned count;
    unsigned with_mail;
    struct place_trashed last; /* with mail */
};

static void see(void *context, const struct place_trashed *trashed)
{
    struct seen *seen = context;

    seen->count++;
    if (!trashed->has_mail)
        return;
    seen->with_mail++;
    seen->last = *trashed;
}

static void put(struct vfs *vfs, const char *path)
{
    struct vfs_file *file;

    assert_int_equal(vfs->open(vfs, path, VFS_OPEN_WRITE | VFS_OPEN_CREATE, &file), ERR_OK);
    vfs_close(file);
}

/* Of one account, with those that have nothing in their log. */
static void test_what_is_in_the_trash(void **state)
{
    static const char *const names[] = {
        "trash/" HEX ".1700000000.2",
        "trash/" HEX ".1700000000.10",
        "trash/" HEX ".1700000001",
        "trash/" HEX ".notes",
        "trash/" HEX,
        "trash/0123",
    };
    char root[] = "/tmp/roost-place-XXXXXX";
    const uint8_t other[IPC_ACCOUNT_ID_BYTES] = { 1 };
    struct seen seen = { 0 };
    struct vfs *vfs;

    (void)state;
    assert_non_null(mkdtemp(root));
    vfs = vfs_posix_new(open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_int_equal(place_list_trashed(vfs, id, see, &seen), ERR_OK);
    assert_int_equal(vfs->mkdir(vfs, "trash"), ERR_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(vfs->mkdir(vfs, names[i]), ERR_OK);
    assert_int_equal(vfs->mkdir(vfs, "trash/" HEX ".1700000001/log"), ERR_OK);
    assert_int_equal(vfs->mkdir(vfs, "trash/" HEX ".1700000000.10/log"), ERR_OK);
    put(vfs, "trash/" HEX ".1700000000.10/log/any");
    assert_int_equal(place_list_trashed(vfs, other, see, &seen), ERR_OK);
    assert_int_equal(seen.count, 0);
    assert_int_equal(place_list_trashed(vfs, id, see, &seen), ERR_OK);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.with_mail, 1);
    assert_string_equal(seen.last.path, "trash/" HEX ".1700000000.10");
    assert_int_equal(seen.last.seconds, 1700000000);
    assert_int_equal(seen.last.serial, 10);
    vfs_posix_free(vfs);
    (void)nftw(root, remove_one, 10, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_made_and_moved_to_the_trash),
        cmocka_unit_test(test_what_is_in_the_trash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
