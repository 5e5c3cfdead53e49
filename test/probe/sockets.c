/* Attempts on the network, and on other programs' sockets. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/probe.h"

static char one_byte[] = { 'x' };

static int done(long result)
{
    return result < 0 ? errno : 0;
}

static int socket_tcp(const struct scenery *scenery)
{
    return done(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int socket_udp6(const struct scenery *scenery)
{
    return done(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int socket_unix(const struct scenery *scenery)
{
    return done(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int socket_netlink(const struct scenery *scenery)
{
    return done(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int listener_address(const struct scenery *scenery, struct sockaddr_in *out_address)
{
    socklen_t len = sizeof(*out_address);

    return done(getsockname(scenery->listener, (struct sockaddr *)out_address, &len));
}

static int connect_tcp(const struct scenery *scenery)
{
    struct sockaddr_in address;
    int failed = listener_address(scenery, &address);

    if (failed != 0)
        return failed;
    return done(connect(scenery->fresh_tcp, (struct sockaddr *)&address, sizeof(address)));
}

static int connect_unix(const struct scenery *scenery)
{
    return done(connect(scenery->fresh_unix, (const struct sockaddr *)&scenery->inbox,
                        sizeof(scenery->inbox)));
}

static int bind_tcp(const struct scenery *scenery)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };

    return done(bind(scenery->fresh_tcp, (struct sockaddr *)&address, sizeof(address)));
}

static int bind_unix(const struct scenery *scenery)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/accounts/s", scenery->place);
    if (bind(scenery->fresh_unix, (struct sockaddr *)&address, sizeof(address)) < 0)
        return errno;
    return done(unlink(address.sun_path));
}

static int listen_tcp(const struct scenery *scenery)
{
    return done(listen(scenery->fresh_tcp, 5));
}

/* A datagram needs no connect: it can carry an address of its own. */
static int send_datagram(const struct scenery *scenery)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
        return errno;
    return done(sendto(pair[0], "x", 1, 0, (const struct sockaddr *)&scenery->inbox,
                       sizeof(scenery->inbox)));
}

static int send_datagram_by_sendmsg(const struct scenery *scenery)
{
    struct sockaddr_un inbox = scenery->inbox;
    struct iovec bytes = { one_byte, 1 };
    struct msghdr message = {
        .msg_name = &inbox, .msg_namelen = sizeof(inbox), .msg_iov = &bytes, .msg_iovlen = 1
    };
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
        return errno;
    return done(sendmsg(pair[0], &message, 0));
}

/* A listener that was shut down is a fresh socket again, and a fast open needs no connect. */
static int turn_listener_into_client(const struct scenery *scenery)
{
    struct sockaddr_in address;
    int failed = listener_address(scenery, &address);

    if (failed != 0 || shutdown(scenery->listener, SHUT_RDWR) < 0)
        return failed != 0 ? failed : errno;
    failed = done(sendto(scenery->listener, "x", 1, MSG_FASTOPEN | MSG_DONTWAIT | MSG_NOSIGNAL,
                         (struct sockaddr *)&address, sizeof(address)));
    /* A packet went out: that nobody answers it does not matter. */
    return failed == EINPROGRESS || failed == ECONNREFUSED ? 0 : failed;
}

static int turn_listener_into_client_by_sendmsg(const struct scenery *scenery)
{
    struct sockaddr_in address;
    struct iovec bytes = { one_byte, 1 };
    struct msghdr message = {
        .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &bytes, .msg_iovlen = 1
    };
    int failed = listener_address(scenery, &address);

    if (failed != 0 || shutdown(scenery->listener, SHUT_RDWR) < 0)
        return failed != 0 ? failed : errno;
    failed = done(sendmsg(scenery->listener, &message, MSG_FASTOPEN | MSG_DONTWAIT | MSG_NOSIGNAL));
    return failed == EINPROGRESS || failed == ECONNREFUSED ? 0 : failed;
}

static int send_many(const struct scenery *scenery)
{
    struct iovec bytes = { one_byte, 1 };
    struct mmsghdr message = { .msg_hdr = { .msg_iov = &bytes, .msg_iovlen = 1 } };

    return done(sendmmsg(scenery->stream[0], &message, 1, 0));
}

/* What every role does with its channels. */
static int pass_a_descriptor(const struct scenery *scenery)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
                              .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS } };
    struct iovec bytes = { one_byte, 1 };
    struct msghdr message = { .msg_iov = &bytes,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control) };

    memcpy(CMSG_DATA(&control.header), &scenery->stream[1], sizeof(int));
    if (sendmsg(scenery->channel[0], &message, MSG_NOSIGNAL) != 1)
        return errno;
    return done(recvmsg(scenery->channel[1], &message, MSG_CMSG_CLOEXEC));
}

static int make_a_pair(const struct scenery *scenery)
{
    int pair[2];

    return done(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
}

static int accept_a_connection(const struct scenery *scenery)
{
    int fd = accept4(scenery->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    return fd < 0 && errno != EAGAIN ? errno : 0;
}

/* Whoever closes such a socket last waits for its peer. */
static int make_others_wait(const struct scenery *scenery)
{
    struct linger linger = { 1, 3600 };

    return done(setsockopt(scenery->fresh_tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
}

static int filter_a_socket(const struct scenery *scenery)
{
    int yes = 1;

    return done(setsockopt(scenery->fresh_tcp, SOL_SOCKET, SO_LOCK_FILTER, &yes, sizeof(yes)));
}

static int out_of_band(const struct scenery *scenery)
{
    ssize_t sent = send(scenery->stream[0], "x", 1, MSG_OOB | MSG_NOSIGNAL);

    return sent < 0 && errno != EOPNOTSUPP ? errno : 0;
}

const struct attempt socket_attempts[] = {
    { "socket-tcp", socket_tcp, NOBODY, 0 },
    { "socket-udp6", socket_udp6, NOBODY, RARE },
    { "socket-unix", socket_unix, NOBODY, 0 },
    { "socket-netlink", socket_netlink, NOBODY, 0 },
    { "connect-tcp", connect_tcp, NOBODY, 0 },
    { "connect-unix", connect_unix, NOBODY, 0 },
    { "bind-tcp", bind_tcp, NOBODY, 0 },
    { "bind-unix", bind_unix, NOBODY, 0 },
    { "listen", listen_tcp, NOBODY, 0 },
    { "send-datagram", send_datagram, NOBODY, 0 },
    { "send-datagram-by-sendmsg", send_datagram_by_sendmsg, NOBODY, 0 },
    { "turn-listener-into-client", turn_listener_into_client, NOBODY, RARE },
    { "turn-listener-into-client-by-sendmsg", turn_listener_into_client_by_sendmsg, NOBODY, RARE },
    { "send-many", send_many, NOBODY, 0 },
    { "pass-a-descriptor", pass_a_descriptor, ALL, 0 },
    { "make-a-pair", make_a_pair, TLS, 0 },
    { "accept", accept_a_connection, GATE | CONTROL, 0 },
    { "make-others-wait", make_others_wait, NOBODY, 0 },
    { "filter-a-socket", filter_a_socket, NOBODY, 0 },
    { "out-of-band", out_of_band, NOBODY, 0 },
    { NULL, NULL, 0, 0 },
};
