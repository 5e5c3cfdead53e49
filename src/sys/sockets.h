/* Making sockets: for the supervisor, which binds the ports, and for the administrator's commands.
 */
#ifndef ROOST_SYS_SOCKETS_H
#define ROOST_SYS_SOCKETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/err.h"

enum { SOCKET_BACKLOG = 4096, SOCKET_FDS_MAX = 16 };

/* A TCP socket that listens. `host` is an IP address, a name, or "*" for every address; a name may
 * give several sockets. Port 0 asks for a free one. */
MUST_USE enum err socket_listen_tcp(const char *host, uint16_t port, int out_fds[SOCKET_FDS_MAX],
                                    size_t *out_count, struct note *why);

struct socket_owner {
    mode_t mode; /* such as 0660 */
    uid_t uid; /* (uid_t)-1: leave */
    gid_t gid; /* (gid_t)-1: leave */
};

/* Names or numbers; NULL leaves what it is. ERR_NOT_FOUND with a note. */
MUST_USE enum err socket_owner_find(const char *user, const char *group,
                                    struct socket_owner *out_owner, struct note *why);

/* A unix stream socket that listens at `path`; a dead one there is replaced, a living one is
 * ERR_EXISTS. */
MUST_USE enum err socket_listen_unix(const char *path, const struct socket_owner *owner,
                                     int *out_fd, struct note *why);

/* Blocking connect, non-blocking afterwards. ERR_NOT_FOUND when nothing listens there. */
MUST_USE enum err socket_connect_unix(const char *path, int *out_fd, struct note *why);

/* User id of the process at the other end of a unix socket. */
MUST_USE enum err socket_peer_uid(int fd, uid_t *out_uid);

#endif
