/* Messages with descriptors over SOCK_SEQPACKET. */
#include "sys/channel.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum {
    FD_COST_BYTES =
        4096, /* a waiting descriptor counts like a page, so that they are bounded too */
    SOCKET_BUFFER_BYTES = 1024 * 1024, /* asked for; the system gives what it allows */
};

struct waiting {
    struct list link;
    size_t fd_count;
    size_t len;
    int fds[CHANNEL_FDS_MAX];
    uint8_t message[];
};

union control {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
};

static size_t cost(size_t len, size_t fd_count)
{
    return sizeof(struct waiting) + len + fd_count * FD_COST_BYTES;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)close(fds[i]);
}

/* 0, or the errno. */
static int send_message(int fd, struct bytes message, const int *fds, size_t fd_count)
{
    union control control = { .room = { 0 } };
    struct iovec piece = { .iov_base = (void *)(uintptr_t)message.at, .iov_len = message.len };
    struct msghdr header = { .msg_iov = &piece, .msg_iovlen = 1 };
    ssize_t sent;

    if (fd_count > 0) {
        struct cmsghdr *part = &control.align;

        header.msg_control = control.room;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(part), fds, sizeof(int) * fd_count);
    }
    do {
        sent = sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

static void take_fds(struct msghdr *header, struct channel_fds *fds)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
         part = CMSG_NXTHDR(header, part)) {
        size_t count;

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
            if (fds->count < CHANNEL_FDS_MAX)
                fds->fd[fds->count++] = fd;
            else
                (void)close(fd);
        }
    }
}

static void drop_fds(struct channel_fds *fds)
{
    for (size_t i = 0; i < fds->count; i++)
        fd_close(&fds->fd[i]);
    fds->count = 0;
}

enum received { RECEIVED, RECEIVED_BAD, RECEIVED_NOTHING, RECEIVED_END };

static enum received receive_message(int fd, uint8_t *into, size_t *out_len,
                                     struct channel_fds *out_fds)
{
    union control control;
    struct iovec piece = { .iov_base = into, .iov_len = CHANNEL_MESSAGE_BYTES_MAX };
    struct msghdr header = { .msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof(control.room) };
    ssize_t got;

    out_fds->count = 0;
    do {
        got = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN ? RECEIVED_NOTHING : RECEIVED_END;
    take_fds(&header, out_fds);
    if (got == 0) {
        drop_fds(out_fds);
        return RECEIVED_END;
    }
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        drop_fds(out_fds);
        return RECEIVED_BAD;
    }
    *out_len = (size_t)got;
    return RECEIVED;
}

/* What waited may have held a password. */
static void free_waiting(struct waiting *waiting)
{
    explicit_bzero(waiting->message, waiting->len);
    free(waiting);
}

static void drop_queue(struct channel *channel)
{
    while (!list_is_empty(&channel->queue)) {
        struct waiting *waiting = CONTAINER_OF(list_first(&channel->queue), struct waiting, link);

        list_remove(&waiting->link);
        close_all(waiting->fds, waiting->fd_count);
        free_waiting(waiting);
    }
    channel->queue_bytes = 0;
}

static void close_off(struct channel *channel)
{
    channel->closed = true;
    drop_queue(channel);
    loop_timer_unset(&channel->retry);
    loop_fd_want(&channel->watch, 0);
    loop_defer(channel->watch.loop, &channel->late);
}

static void on_late(struct loop_task *task)
{
    struct channel *channel = CONTAINER_OF(task, struct channel, late);

    channel->peer_closed(channel);
}

/* What an errno of sending means for the queue. */
static void wait_for_room(struct channel *channel, int error)
{
    if (error == EAGAIN) {
        loop_fd_want(&channel->watch, LOOP_READ | LOOP_WRITE);
        return;
    }
    loop_fd_want(&channel->watch, LOOP_READ);
    loop_timer_set_in(&channel->retry, CHANNEL_RETRY_MS);
}

static bool is_later(int error)
{
    return error == EAGAIN || error == ETOOMANYREFS || error == ENOBUFS || error == ENOMEM;
}

static void send_queue(struct channel *channel)
{
    while (!list_is_empty(&channel->queue)) {
        struct waiting *waiting = CONTAINER_OF(list_first(&channel->queue), struct waiting, link);
        int error = send_message(channel->watch.fd, bytes_make(waiting->message, waiting->len),
                                 waiting->fds, waiting->fd_count);

        if (is_later(error)) {
            wait_for_room(channel, error);
            return;
        }
        if (error != 0) {
            close_off(channel);
            return;
        }
        list_remove(&waiting->link);
        channel->queue_bytes -= cost(waiting->len, waiting->fd_count);
        close_all(waiting->fds, waiting->fd_count);
        free_waiting(waiting);
    }
    loop_fd_want(&channel->watch, LOOP_READ);
}

static void on_retry(struct loop_timer *timer)
{
    send_queue(CONTAINER_OF(timer, struct channel, retry));
}

/* One message into `buffer`, and handed over. After RECEIVED the channel may be gone. */
static enum received receive_one(struct channel *channel, uint8_t *buffer)
{
    struct channel_fds fds;
    size_t len;
    enum received received = receive_message(channel->watch.fd, buffer, &len, &fds);

    switch (received) {
    case RECEIVED:
        channel->received(channel, bytes_make(buffer, len), &fds);
        explicit_bzero(buffer, len); /* likewise; the loop's buffer lives on */
        drop_fds(&fds);
        break;
    case RECEIVED_BAD: channel->dropped++; break;
    case RECEIVED_NOTHING: break;
    case RECEIVED_END: close_off(channel); break;
    }
    return received;
}

static void on_ready(struct loop_fd *watch, unsigned what)
{
    struct channel *channel = CONTAINER_OF(watch, struct channel, watch);
    struct loop *loop = watch->loop;

    if ((what & LOOP_WRITE) != 0)
        send_queue(channel);
    if ((what & LOOP_READ) == 0 || channel->closed)
        return;
    for (int i = 0; i < CHANNEL_BATCH; i++) {
        enum received received = receive_one(channel, loop_buffer(loop));

        if (received == RECEIVED_NOTHING || received == RECEIVED_END ||
            !loop_is_serving(loop, watch) || channel->closed)
            return;
    }
}

void channel_receive_now(struct channel *channel)
{
    enum received received = RECEIVED;
    uint8_t *buffer;

    if (channel->watch.loop == NULL || channel->closed)
        return;
    buffer = malloc(CHANNEL_MESSAGE_BYTES_MAX);
    if (buffer == NULL)
        abort();
    for (int i = 0; i < CHANNEL_NOW_MAX && (received == RECEIVED || received == RECEIVED_BAD) &&
                    channel->watch.loop != NULL && !channel->closed;
         i++)
        received = receive_one(channel, buffer);
    free(buffer);
}

void channel_init(struct channel *channel, struct loop *loop, int fd,
                  void (*received)(struct channel *, struct bytes, struct channel_fds *),
                  void (*peer_closed)(struct channel *))
{
    const int wanted = SOCKET_BUFFER_BYTES;

    *channel = (struct channel){
        .late = { .run = on_late },
        .queue_bytes_max = CHANNEL_QUEUE_BYTES_MAX,
        .received = received,
        .peer_closed = peer_closed,
    };
    list_init(&channel->queue);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted)); /* only speed */
    loop_timer_init(&channel->retry, loop, on_retry);
    loop_fd_init(&channel->watch, loop, fd, on_ready);
    loop_fd_want(&channel->watch, LOOP_READ);
}

void channel_done(struct channel *channel)
{
    if (channel->watch.loop == NULL)
        return;
    drop_queue(channel);
    loop_undefer(&channel->late);
    loop_timer_done(&channel->retry);
    loop_fd_done(&channel->watch);
    fd_close(&channel->watch.fd);
}

static enum err enqueue(struct channel *channel, struct bytes message, const int *fds,
                        size_t fd_count)
{
    size_t bytes = cost(message.len, fd_count);
    struct waiting *waiting;

    if (bytes > channel->queue_bytes_max - channel->queue_bytes)
        return ERR_LIMIT;
    waiting = malloc(sizeof(*waiting) + message.len);
    if (waiting == NULL)
        abort();
    *waiting = (struct waiting){ .fd_count = fd_count, .len = message.len };
    memcpy(waiting->message, message.at, message.len);
    if (fd_count > 0)
        memcpy(waiting->fds, fds, sizeof(int) * fd_count);
    list_push_back(&channel->queue, &waiting->link);
    channel->queue_bytes += bytes;
    return ERR_OK;
}

enum err channel_send(struct channel *channel, struct bytes message, const int *fds,
                      size_t fd_count)
{
    enum err err;
    int error;

    if (message.len == 0 || message.len > CHANNEL_MESSAGE_BYTES_MAX || fd_count > CHANNEL_FDS_MAX)
        return ERR_INVALID;
    if (channel->closed || channel->watch.loop == NULL)
        return ERR_CLOSED;
    if (!list_is_empty(&channel->queue))
        return enqueue(channel, message, fds, fd_count);
    error = send_message(channel->watch.fd, message, fds, fd_count);
    if (error == 0) {
        close_all(fds, fd_count);
        return ERR_OK;
    }
    if (!is_later(error)) {
        close_off(channel);
        return error == EBADF ? ERR_INVALID : ERR_CLOSED;
    }
    err = enqueue(channel, message, fds, fd_count);
    if (err == ERR_OK)
        wait_for_room(channel, error);
    return err;
}

bool channel_is_congested(const struct channel *channel)
{
    return channel->queue_bytes > channel->queue_bytes_max / 2;
}

static bool wait_until(int fd, short events, struct mono deadline)
{
    struct pollfd poll_fd = { .fd = fd, .events = events };
    int64_t left_ms = deadline.ms - clock_mono().ms;

    return left_ms > 0 && (poll(&poll_fd, 1, (int)left_ms) >= 0 || errno == EINTR);
}

enum err channel_send_wait(int fd, struct bytes message, const int *fds, size_t fd_count,
                           int timeout_ms)
{
    struct mono deadline = { clock_mono().ms + timeout_ms };

    if (message.len == 0 || message.len > CHANNEL_MESSAGE_BYTES_MAX || fd_count > CHANNEL_FDS_MAX)
        return ERR_INVALID;
    for (;;) {
        int error = send_message(fd, message, fds, fd_count);

        if (error == 0)
            return ERR_OK;
        if (!is_later(error))
            return ERR_CLOSED;
        if (!wait_until(fd, POLLOUT, deadline))
            return ERR_BUSY;
    }
}

enum err channel_receive_wait(int fd, uint8_t into[CHANNEL_MESSAGE_BYTES_MAX], size_t *out_len,
                              struct channel_fds *out_fds, int timeout_ms)
{
    struct mono deadline = { clock_mono().ms + timeout_ms };

    for (;;) {
        switch (receive_message(fd, into, out_len, out_fds)) {
        case RECEIVED: return ERR_OK;
        case RECEIVED_END: return ERR_CLOSED;
        case RECEIVED_BAD: return ERR_CORRUPT;
        case RECEIVED_NOTHING: break;
        }
        if (!wait_until(fd, POLLIN, deadline))
            return ERR_BUSY;
    }
}
