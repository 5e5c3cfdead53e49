/* The service manager's protocols, with the test as the manager. */
#include "sys/service.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/assert_bytes.h"

static void set_number(const char *variable, long value)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%ld", value);
    (void)setenv(variable, text, 1);
}

/* In a process of its own, whose descriptors 3 and 4 are the manager's gift. */
static int take_two(void)
{
    static struct service_socket sockets[SERVICE_SOCKETS_MAX];

    if (dup2(1, 3) != 3 || dup2(1, 4) != 4)
        return 1;
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", 2);
    (void)setenv("LISTEN_FDNAMES", "imap:lmtp", 1);
    if (service_take_sockets(sockets) != 2 || sockets[0].fd != 3 || sockets[1].fd != 4)
        return 2;
    if (strcmp(sockets[0].name, "imap") != 0 || strcmp(sockets[1].name, "lmtp") != 0)
        return 3;
    if (fcntl(3, F_GETFD) != FD_CLOEXEC || getenv("LISTEN_FDS") != NULL)
        return 4;
    return service_take_sockets(sockets) == 0 ? 0 : 5;
}

static void test_sockets(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(take_two());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_sockets_of_somebody_else(void **state)
{
    static struct service_socket sockets[SERVICE_SOCKETS_MAX];

    (void)state;
    set_number("LISTEN_PID", getpid() + 1L);
    set_number("LISTEN_FDS", 2);
    assert_int_equal(service_take_sockets(sockets), 0);
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", SERVICE_SOCKETS_MAX + 1);
    assert_int_equal(service_take_sockets(sockets), 0);
}

static void test_notify(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char name[64];
    char got[200] = "";
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int fd;

    (void)state;
    (void)snprintf(name, sizeof(name), "@roost-service-test-%d", (int)getpid());
    memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
    assert_int_equal(bind(manager, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    (void)setenv("NOTIFY_SOCKET", name, 1);
    fd = service_open_notify();
    assert_true(fd >= 0);
    assert_null(getenv("NOTIFY_SOCKET"));
    service_notify(fd, "READY=1");
    assert_int_equal(recv(manager, got, sizeof(got) - 1, 0), 7);
    assert_string_equal(got, "READY=1");
    service_notify_reloading(fd);
    assert_true(recv(manager, got, sizeof(got) - 1, 0) > 0);
    assert_memory_equal(got, "RELOADING=1\nMONOTONIC_USEC=", 27);
    (void)close(manager);
    service_notify(fd, "STOPPING=1"); /* nobody listens any more */
    (void)close(fd);
}

static void test_without_a_manager(void **state)
{
    (void)state;
    assert_int_equal(service_open_notify(), -1);
    service_notify(-1, "READY=1");
    (void)setenv("NOTIFY_SOCKET", "relative", 1);
    assert_int_equal(service_open_notify(), -1);
    (void)setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
    assert_int_equal(service_open_notify(), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_sockets_of_somebody_else),
        cmocka_unit_test(test_notify),
        cmocka_unit_test(test_without_a_manager),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
