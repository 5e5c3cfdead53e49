/* The service manager that may have started us: systemd's notify and socket activation protocols,
 * which are a datagram and a few environment variables (sd_notify(3), sd_listen_fds(3)). Without a
 * manager all of this does nothing. */
#ifndef ROOST_SYS_SERVICE_H
#define ROOST_SYS_SERVICE_H

#include <stddef.h>

enum { SERVICE_SOCKETS_MAX = 64, SERVICE_NAME_BYTES_MAX = 256 };

struct service_socket {
    int fd; /* O_CLOEXEC, the caller's */
    char name[SERVICE_NAME_BYTES_MAX]; /* FileDescriptorName= of the unit */
};

/* Takes the sockets that were passed to this process and its variables out of the environment.
 * Once, before any other descriptor is opened. Answers how many. */
size_t service_take_sockets(struct service_socket out_sockets[SERVICE_SOCKETS_MAX]);

/* Keeps where to notify, and takes the variable out of the environment. Answers the descriptor of a
 * connected socket, or -1 when nobody wants to hear. */
int service_open_notify(void);

/* "READY=1" and the like; lines. `fd` of -1 is allowed. */
void service_notify(int fd, const char *state);

/* The same for "RELOADING=1", with the time that it needs. */
void service_notify_reloading(int fd);

#endif
