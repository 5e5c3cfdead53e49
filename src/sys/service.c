/* systemd's protocols without its library. */
#include "sys/service.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"

enum { FIRST_FD = 3 };

static bool number_of(const char *variable, uint64_t max, uint64_t *out_number)
{
    return num_parse(bytes_from_string(getenv(variable)), max, out_number);
}

/* LISTEN_FDNAMES: names apart by ':'. */
static void take_name(struct bytes *names, char out_name[SERVICE_NAME_BYTES_MAX])
{
    size_t end = bytes_find_byte(*names, 0, ':');
    size_t len = end < SERVICE_NAME_BYTES_MAX ? end : SERVICE_NAME_BYTES_MAX - 1;

    if (len > 0)
        memcpy(out_name, names->at, len);
    out_name[len] = '\0';
    *names = bytes_from(*names, end + 1);
}

size_t service_take_sockets(struct service_socket out_sockets[SERVICE_SOCKETS_MAX])
{
    struct bytes names = bytes_from_string(getenv("LISTEN_FDNAMES"));
    uint64_t pid = 0;
    uint64_t count = 0;

    if (!number_of("LISTEN_PID", INT32_MAX, &pid) || (pid_t)pid != getpid() ||
        !number_of("LISTEN_FDS", SERVICE_SOCKETS_MAX, &count))
        count = 0;
    for (size_t i = 0; i < count; i++) {
        out_sockets[i].fd = FIRST_FD + (int)i;
        (void)fcntl(out_sockets[i].fd, F_SETFD, FD_CLOEXEC);
        take_name(&names, out_sockets[i].name);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return (size_t)count;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    int fd;

    if ((path[0] != '/' && path[0] != '@') || len >= sizeof(address.sun_path))
        return -1;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* the abstract namespace */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address,
                           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

int service_open_notify(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    int fd = path == NULL ? -1 : connect_to(path);

    (void)unsetenv("NOTIFY_SOCKET");
    return fd;
}

void service_notify(int fd, const char *state)
{
    if (fd >= 0) /* a manager that does not listen is its own trouble */
        (void)send(fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void service_notify_reloading(int fd)
{
    struct timespec now;
    char state[80];

    clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    service_notify(fd, state);
}
