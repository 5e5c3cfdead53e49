/* The real disk, in a directory of its own. RFC 8970 s8. */
#include "sys/vfs_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "kit/assert_bytes.h"

struct scene {
    char path[32];
    struct vfs *vfs;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    memcpy(scene->path, "/tmp/roost-vfs-XXXXXX", 22);
    assert_non_null(mkdtemp(scene->path));
    scene->vfs = vfs_posix_new(open(scene->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    *state = scene;
    return 0;
}

static void unlink_each(void *context, struct bytes name)
{
    struct vfs *vfs = context;
    char path[VFS_PATH_MAX + 1];

    memcpy(path, name.at, name.len);
    path[name.len] = '\0';
    assert_int_equal(vfs->unlink(vfs, path), ERR_OK);
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(scene->vfs->list(scene->vfs, "", unlink_each, scene->vfs), ERR_OK);
    vfs_posix_free(scene->vfs);
    assert_int_equal(rmdir(scene->path), 0);
    free(scene);
    return 0;
}

static struct vfs_file *open_file(struct scene *scene, const char *path, unsigned flags)
{
    struct vfs_file *file = NULL;

    assert_int_equal(scene->vfs->open(scene->vfs, path, flags, &file), ERR_OK);
    return file;
}

static void test_files(void **state)
{
    struct scene *scene = *state;
    struct vfs *vfs = scene->vfs;
    struct vfs_file *file;
    struct vfs_file *again = NULL;
    uint64_t size = 0;
    char text[8] = "";

    assert_int_equal(vfs->open(vfs, "a", VFS_OPEN_READ, &again), ERR_NOT_FOUND);
    file = open_file(scene, "a", VFS_OPEN_WRITE | VFS_OPEN_CREATE | VFS_OPEN_EXCLUSIVE);
    assert_int_equal(
        vfs->open(vfs, "a", VFS_OPEN_WRITE | VFS_OPEN_CREATE | VFS_OPEN_EXCLUSIVE, &again),
        ERR_EXISTS);
    assert_int_equal(vfs_append(file, BYTES("hello ")), ERR_OK);
    assert_int_equal(vfs_append(file, BYTES("world")), ERR_OK);
    assert_int_equal(vfs_sync(file), ERR_OK);
    assert_int_equal(vfs->sync_dir(vfs, ""), ERR_OK);
    assert_int_equal(file->calls->size(file, &size), ERR_OK);
    assert_int_equal(size, 11);
    assert_int_equal(vfs_read(file, 6, text, 5, 0), ERR_OK);
    assert_string_equal(text, "world");
    assert_int_equal(vfs_read(file, 7, text, 5, 0), ERR_CORRUPT);
    assert_int_equal(vfs_read(file, 11, text, 0, 0), ERR_OK);
    assert_int_equal(file->calls->truncate(file, 5), ERR_OK);
    assert_int_equal(vfs_append(file, BYTES("!")), ERR_OK); /* at the new end */
    memset(text, 0, sizeof(text));
    assert_int_equal(vfs_read(file, 0, text, 6, 0), ERR_OK);
    assert_string_equal(text, "hello!");
    assert_int_equal(vfs_write(file, 1, BYTES("ELL")), ERR_OK);
    assert_int_equal(vfs_append(file, BYTES("?")), ERR_OK); /* still at the end */
    assert_int_equal(vfs_read(file, 0, text, 7, 0), ERR_OK);
    assert_string_equal(text, "hELLo!?");
    assert_int_equal(vfs_write(file, 5, BYTES("w!")), ERR_OK);
    assert_int_equal(file->calls->truncate(file, 6), ERR_OK);
    assert_int_equal(vfs_write(file, 5, BYTES("-")), ERR_OK);
    assert_int_equal(vfs_write(file, 6, BYTES("x")), ERR_OK); /* it grows */
    assert_int_equal(vfs_read(file, 0, text, 7, 0), ERR_OK);
    assert_string_equal(text, "hELLo-x");
    assert_int_equal(file->calls->room(file, &size), ERR_OK);
    vfs_close(file);
    file = open_file(scene, "a", VFS_OPEN_READ);
    assert_int_equal(vfs_append(file, BYTES("x")), ERR_IO);
    vfs_close(file);
    vfs_close(NULL);
}

static void test_reading_without_waiting(void **state)
{
    struct scene *scene = *state;
    struct vfs_file *file = open_file(scene, "a", VFS_OPEN_WRITE | VFS_OPEN_CREATE);
    char text[4];
    enum err err;

    assert_int_equal(vfs_append(file, BYTES("just written")), ERR_OK);
    err = vfs_read(file, 0, text, sizeof(text), VFS_READ_NOWAIT);
    /* In the page cache; a file system that cannot tell says BUSY. */
    assert_true(err == ERR_OK || err == ERR_BUSY);
    if (err == ERR_OK)
        ASSERT_BYTES(bytes_make(text, 4), BYTES("just"));
    assert_int_equal(vfs_read(file, 0, text, sizeof(text), 0), ERR_OK);
    vfs_close(file);
}

static void test_names(void **state)
{
    struct scene *scene = *state;
    struct vfs *vfs = scene->vfs;
    struct vfs *below = NULL;
    struct vfs_file *file = NULL;
    struct stat st;
    char path[64];

    assert_int_equal(vfs->mkdir(vfs, "d"), ERR_OK);
    assert_int_equal(vfs->mkdir(vfs, "d"), ERR_EXISTS);
    vfs_close(open_file(scene, "d/a", VFS_OPEN_WRITE | VFS_OPEN_CREATE));
    assert_int_equal(vfs->rename(vfs, "d/a", "d/b"), ERR_OK);
    assert_int_equal(vfs->rename(vfs, "d/a", "d/b"), ERR_NOT_FOUND);
    assert_int_equal(vfs->sync_dir(vfs, "d"), ERR_OK);
    assert_int_equal(vfs_posix_below(vfs, "d", &below), ERR_OK);
    assert_int_equal(below->open(below, "b", VFS_OPEN_READ, &file), ERR_OK);
    vfs_close(file);
    vfs_posix_free(below);
    (void)snprintf(path, sizeof(path), "%s/d/b", scene->path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(vfs->unlink(vfs, "d"), ERR_EXISTS); /* not empty */
    assert_int_equal(vfs->unlink(vfs, "d/b"), ERR_OK);
    assert_int_equal(vfs->unlink(vfs, "d/b"), ERR_NOT_FOUND);
    assert_int_equal(vfs_posix_below(vfs, "no", &below), ERR_NOT_FOUND);
}

static void test_paths_that_lead_elsewhere(void **state)
{
    struct scene *scene = *state;
    struct vfs *vfs = scene->vfs;
    char long_path[VFS_PATH_MAX + 2];
    const char *const rows[] = { "",     "/etc/passwd", "..",     "../x",
                                 "a/..", "a/../../x",   "a/b/..", long_path };
    struct vfs_file *file = NULL;
    char path[64];

    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(vfs->open(vfs, rows[i], VFS_OPEN_READ, &file), ERR_INVALID);
        assert_int_equal(vfs->mkdir(vfs, rows[i]), ERR_INVALID);
        assert_int_equal(vfs->unlink(vfs, rows[i]), ERR_INVALID);
        assert_int_equal(vfs->rename(vfs, "a", rows[i]), ERR_INVALID);
    }
    assert_int_equal(vfs->sync_dir(vfs, ".."), ERR_INVALID);
    (void)snprintf(path, sizeof(path), "%s/link", scene->path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_true(vfs->open(vfs, "link", VFS_OPEN_READ, &file) != ERR_OK);
    assert_int_equal(vfs->open(vfs, "..x", VFS_OPEN_READ, &file), ERR_NOT_FOUND);
    assert_null(file);
}

static void collect(void *context, struct bytes name)
{
    buf_add(context, name);
}

static void test_listing(void **state)
{
    struct scene *scene = *state;
    struct buf names = buf_make(100);

    assert_int_equal(scene->vfs->list(scene->vfs, "", collect, &names), ERR_OK);
    assert_int_equal(names.len, 0);
    vfs_close(open_file(scene, "name", VFS_OPEN_WRITE | VFS_OPEN_CREATE));
    assert_int_equal(scene->vfs->list(scene->vfs, "", collect, &names), ERR_OK);
    ASSERT_BYTES(buf_bytes(&names), BYTES("name"));
    assert_int_equal(scene->vfs->list(scene->vfs, "no", collect, &names), ERR_NOT_FOUND);
    buf_done(&names);
}

static void test_locks_belong_to_the_open_file(void **state)
{
    struct scene *scene = *state;
    struct vfs *vfs = scene->vfs;
    struct vfs_file *first = open_file(scene, "lock", VFS_OPEN_WRITE | VFS_OPEN_CREATE);
    struct vfs_file *second = open_file(scene, "lock", VFS_OPEN_WRITE);

    assert_int_equal(vfs->lock(vfs, first), ERR_OK);
    assert_int_equal(vfs->lock(vfs, first), ERR_OK);
    assert_int_equal(vfs->lock(vfs, second), ERR_BUSY);
    vfs_close(open_file(scene, "lock", VFS_OPEN_WRITE)); /* a POSIX lock would be lost here */
    assert_int_equal(vfs->lock(vfs, second), ERR_BUSY);
    vfs_close(first);
    assert_int_equal(vfs->lock(vfs, second), ERR_OK);
    vfs_close(second);
}

static void test_identity(void **state)
{
    struct scene *scene = *state;
    struct vfs *below = NULL;
    uint8_t first[40];
    uint8_t again[40];

    assert_int_equal(scene->vfs->identity(scene->vfs, first), ERR_OK);
    assert_int_equal(scene->vfs->identity(scene->vfs, again), ERR_OK);
    ASSERT_BYTES(bytes_make(again, 40), bytes_make(first, 40));
    assert_int_equal(scene->vfs->mkdir(scene->vfs, "d"), ERR_OK);
    assert_int_equal(vfs_posix_below(scene->vfs, "d", &below), ERR_OK);
    assert_int_equal(below->identity(below, again), ERR_OK);
    ASSERT_BYTES(bytes_make(again, 32), bytes_make(first, 32));
    assert_memory_not_equal(again + 32, first + 32, 8);
    vfs_posix_free(below);
    vfs_posix_free(NULL);
}

/* As when an account's directory is removed and copied back: file systems like to give the number
 * of the old one again. */
static void test_a_directory_made_again_is_another(void **state)
{
    struct scene *scene = *state;
    uint8_t identities[2][40];
    struct stat st[2];
    char path[64];

    (void)snprintf(path, sizeof(path), "%s/d", scene->path);
    for (int i = 0; i < 2; i++) {
        struct vfs *below = NULL;

        assert_int_equal(scene->vfs->mkdir(scene->vfs, "d"), ERR_OK);
        assert_int_equal(stat(path, &st[i]), 0);
        assert_int_equal(vfs_posix_below(scene->vfs, "d", &below), ERR_OK);
        assert_int_equal(below->identity(below, identities[i]), ERR_OK);
        vfs_posix_free(below);
        assert_int_equal(rmdir(path), 0);
    }
    if (st[0].st_ino == st[1].st_ino)
        print_message("the number of the directory was given again\n");
    assert_memory_not_equal(identities[0] + 32, identities[1] + 32, 8);
}

/* As if the disk failed: ERR_LIMIT would be a limit of the account's own. */
static void test_no_descriptor_left(void **state)
{
    struct scene *scene = *state;
    struct vfs_file *file = open_file(scene, "a", VFS_OPEN_WRITE | VFS_OPEN_CREATE);
    struct vfs_file *other = NULL;
    struct rlimit limit;
    rlim_t before;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    before = limit.rlim_cur;
    limit.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(scene->vfs->open(scene->vfs, "a", VFS_OPEN_READ, &other), ERR_IO);
    assert_int_equal(scene->vfs->sync_dir(scene->vfs, ""), ERR_IO);
    assert_int_equal(scene->vfs->list(scene->vfs, "", unlink_each, scene->vfs), ERR_IO);
    limit.rlim_cur = before;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    vfs_close(file);
}

/* They change nothing that can be read. */
static void test_hints(void **state)
{
    struct scene *scene = *state;
    struct vfs_file *file = open_file(scene, "a", VFS_OPEN_WRITE | VFS_OPEN_CREATE);
    char text[12] = "";

    assert_int_equal(vfs_append(file, BYTES("hello ")), ERR_OK);
    vfs_hint(file, 0, 6, VFS_HINT_WRITE);
    assert_int_equal(vfs_append(file, BYTES("world")), ERR_OK);
    vfs_hint(file, 6, 0, VFS_HINT_WRITE);
    vfs_hint(file, 0, 0, VFS_HINT_FORGET);
    assert_int_equal(vfs_append(file, BYTES("!")), ERR_OK);
    assert_int_equal(vfs_read(file, 0, text, 12, 0), ERR_OK);
    assert_memory_equal(text, "hello world!", 12);
    vfs_close(file);
}

static int range_errno; /* what writing ends with, told once, as the kernel does */

/* In the place of libc's. */
int sync_file_range(int fd, off_t offset, off_t count, unsigned flags)
{
    errno = range_errno;
    range_errno = 0;
    return errno != 0 ? -1 : (int)syscall(SYS_sync_file_range, fd, offset, count, flags);
}

/* Whoever syncs must know that what it wrote is not there, whoever was told first. */
static void test_a_hint_hides_no_error(void **state)
{
    static const struct {
        int error_number;
        enum err err;
    } cases[] = { { EIO, ERR_IO },    { ENOSPC, ERR_NO_SPACE }, { ESTALE, ERR_IO },
                  { ENOSYS, ERR_OK }, { EINVAL, ERR_OK },       { 0, ERR_OK } };
    struct vfs_file *file = open_file(*state, "a", VFS_OPEN_WRITE | VFS_OPEN_CREATE);

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        range_errno = cases[i].error_number;
        assert_int_equal(vfs_append(file, BYTES("hello")), ERR_OK);
        vfs_hint(file, 0, 5, VFS_HINT_WRITE);
        vfs_hint(file, 0, 5, VFS_HINT_WRITE);
        assert_int_equal(vfs_sync(file), cases[i].err);
        assert_int_equal(vfs_sync(file), ERR_OK);
    }
    vfs_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading_without_waiting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_paths_that_lead_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_locks_belong_to_the_open_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_identity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_descriptor_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_directory_made_again_is_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hints, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_hint_hides_no_error, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
