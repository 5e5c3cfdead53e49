/* Spooling in memory and in an unnamed file. */
#include "sys/spool.h"

#include <sys/stat.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/fd.h"

static void finish_and_compare(struct spool *spool, struct bytes want, bool sealed)
{
    FD_LOCAL int fd = -1;
    FD_LOCAL int again = -1;
    uint64_t size = 0;
    uint8_t got[64];

    assert_int_equal(spool_finish(spool, &fd), ERR_OK);
    assert_true(fd_check_spooled(fd));
    assert_int_equal(fd_check(fd, FD_KIND_MEMFD_SEALED), sealed);
    assert_int_equal(fd_size(fd, &size), ERR_OK);
    assert_int_equal(size, want.len);
    assert_int_equal(spool_duplicate(fd, &again), ERR_OK);
    fd_close(&fd);
    assert_int_equal(fd_read_at(again, 0, got, want.len), ERR_OK);
    ASSERT_BYTES(bytes_make(got, want.len), want);
    if (sealed)
        assert_int_equal(write(again, "x", 1), -1);
}

static void test_small_stays_in_memory(void **state)
{
    FD_LOCAL int dir_fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct spool spool;

    (void)state;
    spool_init(&spool, dir_fd, (struct spool_limits){ 0, 8, 20 });
    assert_int_equal(spool_append(&spool, BYTES("1234")), ERR_OK);
    assert_false(spool_is_held(&spool));
    assert_int_equal(spool_append(&spool, BYTES("5678")), ERR_OK);
    assert_false(spool.in_file);
    finish_and_compare(&spool, BYTES("12345678"), true);
    finish_and_compare(&spool, BYTES(""), true); /* usable again, and empty */
    spool_done(&spool);
}

static void test_the_smallest_are_held(void **state)
{
    FD_LOCAL int dir_fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct spool spool;

    (void)state;
    spool_init(&spool, dir_fd, (struct spool_limits){ 4, 8, 20 });
    assert_true(spool_is_held(&spool));
    ASSERT_BYTES(spool_held(&spool), BYTES(""));
    assert_int_equal(spool_append(&spool, BYTES("12")), ERR_OK);
    assert_int_equal(spool_append(&spool, BYTES("34")), ERR_OK);
    assert_true(spool_is_held(&spool));
    ASSERT_BYTES(spool_held(&spool), BYTES("1234"));
    finish_and_compare(&spool, BYTES("1234"), true); /* a descriptor can be had all the same */
    ASSERT_BYTES(spool_held(&spool), BYTES(""));

    assert_int_equal(spool_append(&spool, BYTES("1234")), ERR_OK);
    assert_int_equal(spool_append(&spool, BYTES("5")), ERR_OK); /* one more than is held */
    assert_false(spool_is_held(&spool));
    finish_and_compare(&spool, BYTES("12345"), true);

    assert_int_equal(spool_append(&spool, BYTES("1234")), ERR_OK);
    assert_int_equal(spool_append(&spool, BYTES("56789")), ERR_OK); /* at once to the file */
    assert_true(spool.in_file);
    finish_and_compare(&spool, BYTES("123456789"), false);

    assert_int_equal(spool_append(&spool, BYTES("1234")), ERR_OK);
    spool_done(&spool);
    ASSERT_BYTES(spool_held(&spool), BYTES(""));
}

static void test_large_moves_to_a_file(void **state)
{
    FD_LOCAL int dir_fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct spool spool;

    (void)state;
    spool_init(&spool, dir_fd, (struct spool_limits){ 0, 8, 20 });
    assert_int_equal(spool_append(&spool, BYTES("12345678")), ERR_OK);
    assert_int_equal(spool_append(&spool, BYTES("9")), ERR_OK);
    assert_true(spool.in_file);
    assert_int_equal(spool_append(&spool, BYTES("0123456789a")), ERR_OK);
    assert_int_equal(spool_append(&spool, BYTES("b")), ERR_LIMIT);
    assert_int_equal(spool.bytes, 20);
    finish_and_compare(&spool, BYTES("1234567890123456789a"), false);
}

static void test_without_a_directory_memory_is_all(void **state)
{
    struct spool spool;

    (void)state;
    spool_init(&spool, -1, (struct spool_limits){ 0, 4, 20 });
    assert_int_equal(spool_append(&spool, BYTES("1234567890")), ERR_OK);
    assert_false(spool.in_file);
    spool_done(&spool);
    spool_done(&spool);
    assert_int_equal(spool.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_stays_in_memory),
        cmocka_unit_test(test_the_smallest_are_held),
        cmocka_unit_test(test_large_moves_to_a_file),
        cmocka_unit_test(test_without_a_directory_memory_is_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
