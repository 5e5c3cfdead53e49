/* Making and connecting sockets. */
#include "sys/sockets.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/num.h"
#include "sys/fd.h"

static enum err listen_one(const struct addrinfo *info, const char *text, int *out_fd,
                           struct note *why)
{
    FD_LOCAL int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;

    if (fd < 0)
        return note_fail(why, fd_err(errno), "cannot make a socket for %s: %s", text,
                         fd_errno_text(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (info->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, SOCKET_BACKLOG) < 0) {
        int error = errno;
        const char *hint = error == EADDRINUSE ? "; another server has this port"
                           : error == EACCES   ? "; ports below 1024 need root or systemd"
                                               : "";

        return note_fail(why, error == EADDRINUSE ? ERR_EXISTS : fd_err(error),
                         "cannot listen on %s: %s%s", text, fd_errno_text(error), hint);
    }
    *out_fd = fd_take(&fd);
    return ERR_OK;
}

static enum err listen_all(const struct addrinfo *infos, const char *text,
                           int out_fds[SOCKET_FDS_MAX], size_t *out_count, struct note *why)
{
    size_t count = 0;
    enum err err = ERR_NOT_FOUND;

    for (const struct addrinfo *info = infos; info != NULL; info = info->ai_next) {
        if (count == SOCKET_FDS_MAX)
            err = note_fail(why, ERR_LIMIT, "%s has too many addresses", text);
        else
            err = listen_one(info, text, &out_fds[count], why);
        /* "*" on a machine without IPv6 (or without IPv4) is no error. */
        if (err == ERR_OK)
            count++;
        else if (err == ERR_EXISTS || err == ERR_DENIED || err == ERR_LIMIT)
            break;
    }
    if (count > 0 && err != ERR_EXISTS && err != ERR_DENIED && err != ERR_LIMIT)
        err = ERR_OK;
    for (; err != ERR_OK && count > 0; count--)
        fd_close(&out_fds[count - 1]);
    if (err == ERR_OK)
        *out_count = count;
    return err;
}

enum err socket_listen_tcp(const char *host, uint16_t port, int out_fds[SOCKET_FDS_MAX],
                           size_t *out_count, struct note *why)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *infos = NULL;
    char service[8];
    char text[300];
    int failed;
    enum err err;

    (void)snprintf(service, sizeof(service), "%u", port);
    (void)snprintf(text, sizeof(text), "%.280s:%u", host, port);
    failed = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, service, &hints, &infos);
    if (failed != 0)
        return note_fail(why, ERR_NOT_FOUND, "cannot find the address %s: %s", text,
                         gai_strerror(failed));
    err = listen_all(infos, text, out_fds, out_count, why);
    freeaddrinfo(infos);
    return err;
}

static bool parse_id(const char *text, uint64_t *out_id)
{
    return num_parse(bytes_from_string(text), UINT32_MAX - 1, out_id);
}

enum err socket_owner_find(const char *user, const char *group, struct socket_owner *out_owner,
                           struct note *why)
{
    uint64_t uid = (uid_t)-1;
    uint64_t gid = (gid_t)-1;

    if (user != NULL && !parse_id(user, &uid)) {
        const struct passwd *found = getpwnam(user);

        if (found == NULL)
            return note_fail(why, ERR_NOT_FOUND, "there is no user %s", user);
        uid = found->pw_uid;
    }
    if (group != NULL && !parse_id(group, &gid)) {
        const struct group *found = getgrnam(group);

        if (found == NULL)
            return note_fail(why, ERR_NOT_FOUND, "there is no group %s", group);
        gid = found->gr_gid;
    }
    out_owner->uid = (uid_t)uid;
    out_owner->gid = (gid_t)gid;
    return ERR_OK;
}

static enum err unix_address(const char *path, struct sockaddr_un *out_address, struct note *why)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof(address.sun_path))
        return note_fail(why, ERR_LIMIT, "the path of a unix socket has at most %zu bytes: %s",
                         sizeof(address.sun_path) - 1, path);
    memcpy(address.sun_path, path, strlen(path));
    *out_address = address;
    return ERR_OK;
}

/* ERR_OK when it answers, ERR_NOT_FOUND when nothing does. */
static enum err connect_unix(const struct sockaddr_un *address, int *out_fd)
{
    FD_LOCAL int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return fd_err(errno);
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        return errno == ECONNREFUSED ? ERR_NOT_FOUND : fd_err(errno);
    *out_fd = fd_take(&fd);
    return ERR_OK;
}

static enum err remove_dead(const char *path, const struct sockaddr_un *address, struct note *why)
{
    FD_LOCAL int fd = -1;
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? ERR_OK
                               : note_fail(why, fd_err(errno), "cannot look at %s: %s", path,
                                           fd_errno_text(errno));
    if (!S_ISSOCK(st.st_mode))
        return note_fail(why, ERR_EXISTS, "%s is there and is not a socket", path);
    if (connect_unix(address, &fd) == ERR_OK)
        return note_fail(why, ERR_EXISTS, "another server listens on %s", path);
    if (unlink(path) < 0 && errno != ENOENT)
        return note_fail(why, fd_err(errno), "cannot remove the old %s: %s", path,
                         fd_errno_text(errno));
    return ERR_OK;
}

enum err socket_listen_unix(const char *path, const struct socket_owner *owner, int *out_fd,
                            struct note *why)
{
    FD_LOCAL int fd = -1;
    struct sockaddr_un address;
    enum err err = unix_address(path, &address, why);

    if (err == ERR_OK)
        err = remove_dead(path, &address, why);
    if (err != ERR_OK)
        return err;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return note_fail(why, fd_err(errno), "cannot make a socket: %s", fd_errno_text(errno));
    /* The mode of the new name: nobody may connect before chmod has said who. */
    if (fchmod(fd, 0) < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return note_fail(why, fd_err(errno), "cannot bind %s: %s%s", path, fd_errno_text(errno),
                         errno == ENOENT ? "; make its directory first" : "");
    if (chown(path, owner->uid, owner->gid) < 0 || chmod(path, owner->mode) < 0)
        return note_fail(why, fd_err(errno), "cannot set the owner or mode of %s: %s", path,
                         fd_errno_text(errno));
    if (listen(fd, SOCKET_BACKLOG) < 0)
        return note_fail(why, fd_err(errno), "cannot listen on %s: %s", path, fd_errno_text(errno));
    *out_fd = fd_take(&fd);
    return ERR_OK;
}

enum err socket_connect_unix(const char *path, int *out_fd, struct note *why)
{
    struct sockaddr_un address;
    enum err err = unix_address(path, &address, why);

    if (err != ERR_OK)
        return err;
    err = connect_unix(&address, out_fd);
    if (err != ERR_OK)
        return note_fail(why, err, "cannot connect to %s: %s", path,
                         err == ERR_NOT_FOUND ? "nothing listens there" : err_text(err));
    return ERR_OK;
}

enum err socket_peer_uid(int fd, uid_t *out_uid)
{
    struct ucred credentials;
    socklen_t len = sizeof(credentials);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0)
        return fd_err(errno);
    *out_uid = credentials.uid;
    return ERR_OK;
}
