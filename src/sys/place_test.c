/* Places: a directory of our own, and one that is not there. */
#include "sys/place.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/assert_bytes.h"

static void test_looking(void **state)
{
    char path[] = "/tmp/roost-place-XXXXXX";
    struct place place;
    struct note why = { "" };

    (void)state;
    assert_non_null(mkdtemp(path));
    assert_int_equal(chmod(path, 0750), 0);
    assert_int_equal(place_look(path, &place, &why), ERR_OK);
    assert_int_equal(place.uid, geteuid());
    assert_int_equal(place.mode, 0750);
    assert_true(place.is_directory);
    assert_false(place.is_socket);
    assert_true(place.free_bytes > 0);
    assert_true(place_may(path, true));
    assert_int_equal(place_give(path, geteuid(), getegid(), &why), ERR_OK);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(place_look(path, &place, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, path));
    assert_false(place_may(path, false));
    assert_int_equal(place_give(path, geteuid(), getegid(), &why), ERR_NOT_FOUND);
    assert_true(place_fd_limit() >= 3);
    place_make_private();
    assert_int_equal(umask(0), 077);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looking),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
