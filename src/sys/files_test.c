/* Small whole files. */
#include "sys/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/fd.h"

static char directory[] = "/tmp/roost-files-XXXXXX";

static const char *below(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void test_writing_and_reading(void **state)
{
    struct buf out = buf_make(5);
    struct note why = { "" };
    struct stat st;

    (void)state;
    assert_int_equal(file_read(below("a"), &out, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "/a: "));
    assert_int_equal(file_write(below("a"), BYTES("12345"), 0640, &why), ERR_OK);
    assert_int_equal(stat(below("a"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(file_read(below("a"), &out, &why), ERR_OK);
    ASSERT_BYTES(buf_bytes(&out), BYTES("12345"));
    assert_int_equal(file_set_mode(below("a"), 0666, &why), ERR_OK);
    assert_int_equal(stat(below("a"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0666);
    assert_int_equal(file_set_mode(below("b"), 0600, &why), ERR_NOT_FOUND);
    buf_clear(&out);
    assert_int_equal(file_write(below("a"), BYTES("123456"), 0600, &why), ERR_OK);
    assert_int_equal(file_read(below("a"), &out, &why), ERR_LIMIT);
    assert_int_equal(file_read(directory, &out, &why), ERR_INVALID);
    assert_int_equal(access(below("a.new"), F_OK), -1);
    assert_int_equal(file_write(below("no/such"), BYTES("x"), 0600, &why), ERR_NOT_FOUND);
    file_remove(below("a"));
    file_remove(below("a"));
    assert_int_equal(access(below("a"), F_OK), -1);
    buf_done(&out);
}

static void test_directories(void **state)
{
    struct note why = { "" };
    FD_LOCAL int fd = -1;

    (void)state;
    assert_int_equal(file_make_directory(below("x/y/z"), 0700, &why), ERR_OK);
    assert_int_equal(file_make_directory(below("x/y/z"), 0700, &why), ERR_OK);
    assert_int_equal(file_open_directory(below("x/y/z"), &fd, &why), ERR_OK);
    assert_true(fd_check(fd, FD_KIND_DIRECTORY));
    assert_int_equal(file_write(below("x/file"), BYTES(""), 0600, &why), ERR_OK);
    assert_int_equal(file_make_directory(below("x/file"), 0700, &why), ERR_EXISTS);
    assert_true(file_make_directory(below("x/file/more"), 0700, &why) != ERR_OK);
    assert_int_equal(file_make_directory("", 0700, &why), ERR_INVALID);
    assert_int_equal(unlink(below("x/file")), 0);
    assert_int_equal(rmdir(below("x/y/z")), 0);
    assert_int_equal(rmdir(below("x/y")), 0);
    assert_int_equal(rmdir(below("x")), 0);
}

static void make_file(const char *name, time_t age)
{
    struct timespec times[2] = { { .tv_sec = time(NULL) - age }, { .tv_sec = time(NULL) - age } };
    struct note why;

    assert_int_equal(file_write(below(name), BYTES("x"), 0600, &why), ERR_OK);
    assert_int_equal(utimensat(AT_FDCWD, below(name), times, 0), 0);
}

static void test_removing_what_is_old(void **state)
{
    (void)state;
    make_file("copy.1", 100);
    make_file("copy.2", 10);
    make_file("other", 100);
    assert_int_equal(mkdir(below("copy.d"), 0700), 0);
    files_remove_old(directory, "copy.", 50);
    assert_int_equal(access(below("copy.1"), F_OK), -1);
    assert_int_equal(unlink(below("copy.2")), 0);
    assert_int_equal(unlink(below("other")), 0);
    assert_int_equal(rmdir(below("copy.d")), 0);
    files_remove_old("/nonexistent", "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writing_and_reading),
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_removing_what_is_old),
    };
    int failed;

    if (mkdtemp(directory) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(directory);
    return failed;
}
