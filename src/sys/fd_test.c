/* What a descriptor is taken for. */
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/assert_bytes.h"

enum { KINDS = FD_KIND_DIRECTORY + 1 };

static void assert_kinds(int fd, unsigned wanted)
{
    for (int kind = 0; kind < KINDS; kind++)
        assert_int_equal(fd_check(fd, (enum fd_kind)kind), (wanted >> kind) & 1);
}

static int listening_socket(void)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void test_sockets(void **state)
{
    FD_LOCAL int listening = listening_socket();
    FD_LOCAL int datagram = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int streams[2];
    int channels[2];

    (void)state;
    assert_int_equal(fd_pair_stream(streams), ERR_OK);
    assert_int_equal(fd_pair_channel(channels), ERR_OK);
    assert_kinds(streams[0], 1 << FD_KIND_SOCKET_STREAM);
    assert_kinds(channels[0], 1 << FD_KIND_SOCKET_CHANNEL);
    assert_kinds(listening, 1 << FD_KIND_SOCKET_LISTENING);
    assert_kinds(datagram, 0);
    assert_int_equal(fcntl(streams[0], F_GETFD), FD_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        fd_close(&streams[i]);
        fd_close(&channels[i]);
    }
}

static void test_files(void **state)
{
    FD_LOCAL int directory = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FD_LOCAL int unnamed = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    FD_LOCAL int named = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    FD_LOCAL int path_only = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    FD_LOCAL int write_only = open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    FD_LOCAL int device = open("/dev/null", O_RDWR | O_CLOEXEC);
    FD_LOCAL int memory = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    (void)state;
    assert_kinds(directory, 1 << FD_KIND_DIRECTORY);
    assert_kinds(unnamed, 1 << FD_KIND_REGULAR);
    assert_true(fd_check_spooled(unnamed));
    assert_kinds(named, 1 << FD_KIND_REGULAR);
    assert_false(fd_check_spooled(named));
    assert_kinds(path_only, 0);
    assert_kinds(write_only, 0);
    assert_kinds(device, 0);
    assert_kinds(memory, 1 << FD_KIND_REGULAR);
    assert_int_equal(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    assert_kinds(memory, 1 << FD_KIND_REGULAR);
    assert_int_equal(fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE), 0);
    assert_kinds(memory, 1 << FD_KIND_REGULAR | 1 << FD_KIND_MEMFD_SEALED);
    assert_true(fd_check_spooled(memory));
    assert_kinds(-1, 0);
}

static void test_close_and_take(void **state)
{
    int fd = dup(0);
    int taken;

    (void)state;
    taken = fd_take(&fd);
    assert_int_equal(fd, -1);
    assert_true(taken >= 0);
    errno = EXDEV;
    fd_close(&taken);
    fd_close(&taken);
    assert_int_equal(taken, -1);
    assert_int_equal(errno, EXDEV);
}

static void test_reading_at(void **state)
{
    FD_LOCAL int memory = memfd_create("test", MFD_CLOEXEC);
    uint64_t size = 7;
    char text[5] = "";

    (void)state;
    assert_int_equal(write(memory, "0123456789", 10), 10);
    assert_int_equal(fd_size(memory, &size), ERR_OK);
    assert_int_equal(size, 10);
    assert_int_equal(fd_read_at(memory, 6, text, 4), ERR_OK);
    assert_string_equal(text, "6789");
    assert_int_equal(fd_read_at(memory, 7, text, 4), ERR_CORRUPT);
    assert_int_equal(fd_read_at(-1, 0, text, 1), ERR_INVALID);
}

static void test_memory_to_pass_on(void **state)
{
    FD_LOCAL int sealed = -1;
    FD_LOCAL int memory = -1;
    uint64_t size = 0;
    char text[4] = "";

    (void)state;
    assert_int_equal(fd_make_sealed(BYTES("abc"), &sealed), ERR_OK);
    assert_true(fd_check(sealed, FD_KIND_MEMFD_SEALED));
    assert_int_equal(fd_read_at(sealed, 0, text, 3), ERR_OK);
    assert_string_equal(text, "abc");
    assert_int_equal(fd_make_memory(4096, &memory), ERR_OK);
    assert_int_equal(fd_size(memory, &size), ERR_OK);
    assert_int_equal(size, 4096);
    assert_int_equal(pwrite(memory, "x", 1, 4095), 1);
    assert_int_equal(pwrite(memory, "x", 1, 4096), -1);
    assert_int_equal(ftruncate(memory, 0), -1);
}

static void test_memory_in_common(void **state)
{
    FD_LOCAL int memory = -1;
    void *first = NULL;
    void *second = NULL;

    (void)state;
    assert_int_equal(fd_make_memory(4096, &memory), ERR_OK);
    assert_int_equal(fd_map(memory, 4097, &first), ERR_CORRUPT);
    assert_int_equal(fd_map(-1, 1, &first), ERR_INVALID);
    assert_null(first);
    assert_int_equal(fd_map(memory, 4096, &first), ERR_OK);
    assert_int_equal(fd_map(memory, 4096, &second), ERR_OK);
    memcpy(first, "seen", 5);
    assert_string_equal(second, "seen");
    fd_unmap(first, 4096);
    fd_unmap(second, 4096);
    fd_unmap(NULL, 4096);
}

static void test_errors(void **state)
{
    static const struct {
        int number;
        enum err err;
    } rows[] = {
        { 0, ERR_OK },
        { ENOSPC, ERR_NO_SPACE },
        { EDQUOT, ERR_NO_SPACE },
        { ENOENT, ERR_NOT_FOUND },
        { EACCES, ERR_DENIED },
        { EAGAIN, ERR_BUSY },
        { EMFILE, ERR_LIMIT },
        { EPIPE, ERR_CLOSED },
        { EIO, ERR_IO },
        { 99999, ERR_IO },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        assert_int_equal(fd_err(rows[i].number), rows[i].err);
}

static void test_hung_up(void **state)
{
    int pair[2];

    (void)state;
    assert_int_equal(fd_pair_stream(pair), ERR_OK);
    assert_int_equal(write(pair[1], "x", 1), 1);
    assert_false(fd_is_hung_up(pair[0]));
    fd_close(&pair[1]);
    assert_true(fd_is_hung_up(pair[0]));
    fd_close(&pair[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sockets),          cmocka_unit_test(test_files),
        cmocka_unit_test(test_close_and_take),   cmocka_unit_test(test_reading_at),
        cmocka_unit_test(test_errors),           cmocka_unit_test(test_memory_to_pass_on),
        cmocka_unit_test(test_memory_in_common), cmocka_unit_test(test_hung_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
