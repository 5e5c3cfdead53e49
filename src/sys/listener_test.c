/* Accepting: batches, pauses, no descriptors left. */
#include "sys/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/assert_bytes.h"
#include "sys/fd.h"
#include "sys/sockets.h"

enum { CLIENTS = LISTENER_BATCH + 10 };

struct owner {
    struct listener listener;
    int fds[CLIENTS];
    size_t count;
    size_t pause_at;
    struct address last;
};

static void on_accepted(struct listener *listener, int fd, const struct address *peer)
{
    struct owner *owner = CONTAINER_OF(listener, struct owner, listener);

    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    owner->fds[owner->count++] = fd;
    owner->last = *peer;
    if (owner->count == owner->pause_at)
        listener_pause(listener);
}

static void start(struct owner *owner, struct loop *loop, struct sockaddr_in *out_address)
{
    int fds[SOCKET_FDS_MAX];
    size_t count = 0;
    struct note why = { "" };
    socklen_t len = sizeof(*out_address);

    assert_int_equal(socket_listen_tcp("127.0.0.1", 0, fds, &count, &why), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(getsockname(fds[0], (struct sockaddr *)out_address, &len), 0);
    listener_init(&owner->listener, loop, fds[0], on_accepted);
}

static int connect_client(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
    return fd;
}

static void close_all(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fd_close(&fds[i]);
}

static void test_batches_and_pauses(void **state)
{
    static struct owner owner;
    struct loop *loop = loop_new();
    struct sockaddr_in address;
    int clients[CLIENTS];

    (void)state;
    memset(&owner, 0, sizeof(owner));
    start(&owner, loop, &address);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_client(&address);
    loop_turn(loop, true);
    assert_int_equal(owner.count, LISTENER_BATCH);
    owner.pause_at = LISTENER_BATCH + 5;
    loop_turn(loop, true);
    loop_turn(loop, false);
    assert_int_equal(owner.count, LISTENER_BATCH + 5);
    listener_resume(&owner.listener);
    loop_turn(loop, true);
    assert_int_equal(owner.count, CLIENTS);
    assert_int_equal(owner.last.kind, ADDRESS_IPV4);
    assert_true(address_is_loopback(&owner.last));
    close_all(clients, CLIENTS);
    close_all(owner.fds, owner.count);
    listener_done(&owner.listener);
    listener_done(&owner.listener);
    loop_free(loop);
}

static void test_no_descriptor_left(void **state)
{
    static struct owner owner;
    struct loop *loop = loop_new();
    struct sockaddr_in address;
    struct rlimit before;
    struct rlimit none;
    int client;

    (void)state;
    memset(&owner, 0, sizeof(owner));
    start(&owner, loop, &address);
    client = connect_client(&address);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    loop_turn(loop, true);
    loop_turn(loop, false); /* does not spin: switched off until the timer */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(owner.count, 0);
    assert_int_equal(owner.listener.starved, 1);
    for (int i = 0; i < 10 && owner.count == 0; i++)
        loop_turn(loop, true);
    assert_int_equal(owner.count, 1);
    fd_close(&client);
    close_all(owner.fds, owner.count);
    listener_done(&owner.listener);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_and_pauses),
        cmocka_unit_test(test_no_descriptor_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
